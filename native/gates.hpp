// Transistor and logic-gate formulas of DNN+NeuroSim V1.5: sizes, capacitances, resistances and
// leakage of static CMOS gates laid out in standard cells.
//
// Units are SI; widths of transistors are real numbers in metres and 0 means that the device is
// absent. Several layout tests compare quantities that are equal in exact arithmetic, so the
// association of each expression here decides results (circuit quirk 1): keep it, and build without
// fused multiply-add.
#pragma once
#include "technology.hpp"

namespace cimsim {

enum class Gate { Inverter, Nand, Nor };
enum class Channel { N, P };

/// Widths of the NMOS and the PMOS transistors of a gate, m.
struct Widths {
  double n = 0;
  double p = 0;
};

/// Outline of a layout, m.
struct Outline {
  double height = 0;
  double width = 0;
  double area() const { return height * width; }
};

/// Capacitance of one input and of the output of a gate, F.
struct GateCaps {
  double input = 0;
  double output = 0;
};

/// Width factors of a hand-tuned narrow cell: gate, NMOS diffusion, PMOS diffusion.
struct TunedCell {
  double gate = 1;
  double diffusion_n = 1;
  double diffusion_p = 1;
};

/// Delay (s) of a stage and the ramp (1/s) of its output.
struct Stage {
  double delay = 0;
  double ramp = 0;
};

/// Input ramp that stands for an ideal step, 1/s.
inline constexpr double kStep = 1e20;

/// Height of the nominal standard cell, 28 F. Exactly this value selects the nominal fin counts.
double nominal_cell_height(const Technology& t);
/// Height of the node's standard cell (28 F in bulk), m.
double standard_cell_height(const Technology& t);
/// Two contacted poly pitches, m.
double minimum_cell_width(const Technology& t);
/// Widths of the minimum inverter: 2 F and its matched PMOS.
Widths minimum_inverter(const Technology& t);

/// Electrical width (m): whole fins or sheets below 22 nm.
double effective_width(const Technology& t, double width);
/// Gate capacitance, F.
double gate_capacitance(const Technology& t, double width);
/// Input and output capacitance of a gate in a cell of the given height.
GateCaps gate_caps(const Technology& t, Gate gate, int inputs, Widths w, double cell_height);
/// The same with the width factors of a tuned cell (gate-all-around nodes only).
GateCaps tuned_gate_caps(const Technology& t, Gate gate, int inputs, Widths w, double cell_height,
                         const TunedCell& tuned);
/// Drain capacitance of one transistor, F.
double drain_capacitance(const Technology& t, double width, Channel channel, double cell_height);
/// Outline of a gate in a cell of the given height (below 22 nm the height returned is the scaled
/// one, and callers that pass it on scale it again: circuit quirk 6).
Outline gate_outline(const Technology& t, Gate gate, int inputs, Widths w, double cell_height);
/// Outline of a transmission gate whose transistors are folded into `folds` fingers.
Outline pass_gate_outline(const Technology& t, Widths w, double folds);
/// Grows a minimum gate, its ratio kept, until it fills the nominal cell without folding.
Widths enlarge(const Technology& t, Widths w);

/// Leakage current of a gate, A.
double leakage_current(const Technology& t, Gate gate, int inputs, Widths w);
/// Switching on-resistance (ohm), infinite for an absent device.
double on_resistance(const Technology& t, double width, Channel channel);
/// On-resistance in the linear region (ohm), as used for transmission gates.
double linear_resistance(const Technology& t, double width, Channel channel);
/// Transconductance, S.
double transconductance(const Technology& t, double width, Channel channel);
/// Horowitz stage delay for a time constant (s) and an input ramp (1/s). The switching threshold
/// and the shape factor are 0.5 whatever the gate (circuit quirk 28).
Stage horowitz(double time_constant, double input_ramp);

}  // namespace cimsim
