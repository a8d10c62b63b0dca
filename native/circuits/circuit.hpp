// What every circuit module has: four verbs and the figures that they fill.
//
//   size(...)     number and width of its transistors
//   layout(h, w)  area in a given height or width (m); 0 = not given
//   latency(...)  time of a number of operations
//   power(...)    dynamic energy of a number of operations, and leakage
//
// Call them in this order. All figures are 0 until the verb that computes them has run. The
// equations are those of DNN+NeuroSim V1.5; "quirk n" refers to its known deviations, which are
// kept.
#pragma once
#include "gates.hpp"
#include "parameters.hpp"

namespace cimsim {

class Circuit {
 public:
  double height = 0;         ///< m
  double width = 0;          ///< m
  double area = 0;           ///< m^2
  double read_latency = 0;   ///< s, or clock cycles where the class says so
  double write_latency = 0;  ///< s, or clock cycles where the class says so
  double read_energy = 0;    ///< J, dynamic, for all operations
  double write_energy = 0;   ///< J
  double leakage = 0;        ///< W
  /// False where the reference prints an error and goes on with a circuit that has no area, because
  /// it is larger than its place.
  bool fits = true;
  /// Hz; starts at the parameter's value, lowered once the sensing time is known.
  double clock_frequency = 0;

 protected:
  explicit Circuit(const Context& context)
      : clock_frequency(context.parameters.clock_frequency), context_(&context) {}

  const Context& context() const { return *context_; }
  const Technology& tech() const { return context_->technology; }
  const Parameters& param() const { return context_->parameters; }
  double vdd() const { return tech().vdd; }
  double vdd2() const { return tech().vdd * tech().vdd; }
  double feature() const { return tech().feature_size; }

  void set_outline(double h, double w) {
    height = h;
    width = w;
    area = h * w;
  }
  /// Keeps an area and stretches it to the width, else the height, that is given.
  void stretch(double total_area, double new_height, double new_width);
  /// An activity factor, or 1 without silicon calibration.
  double calibrated(double factor) const { return param().validated ? factor : 1; }
  /// Time in cycles, rounded up, if the chip is synchronous; else the same time in s.
  double in_cycles(double seconds) const;

 private:
  const Context* context_;
};

/// Number of columns (rows) that `count` units need if `per_column` fit; throws std::domain_error
/// that names the circuit when none fits.
double columns_needed(double count, double per_column, const char* circuit);

// Gates that many circuits share. Below, "outline" is in a nominal cell, and capacitances are taken
// at the height that the outline has returned (quirk 6).

/// True for gate-all-around nodes with hand-tuned narrow cells.
bool tuned_cells(const Context& c);
/// Outline of a gate in the nominal cell.
Outline cell_outline(const Context& c, Gate gate, int inputs, Widths w);
/// Capacitances of a gate at the height of its outline in the nominal cell.
GateCaps cell_caps(const Context& c, Gate gate, int inputs, Widths w);
/// Minimum inverter, tuned where `tuned_cells`.
GateCaps minimum_inverter_caps(const Context& c);
/// Two-input NAND of the given widths, or the tuned cell of minimum widths where `tuned_cells`.
GateCaps nand2_caps(const Context& c, Widths w);
/// Minimum widths of both transistors, the size of every tuned cell.
Widths tuned_widths(const Context& c);

}  // namespace cimsim
