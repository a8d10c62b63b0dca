// A technology: transistors, cell layout, wires and sense-amplifier fits of one node, roadmap and
// temperature. It is plain data, filled by cimsim.ppa.technology from CSV tables; no node is known
// here.
#pragma once
#include <string>
#include <vector>

namespace cimsim {

enum class DeviceClass { Bulk, FinFet, GateAllAround };
enum class Roadmap { HighPerformance = 1, LowStandbyPower = 2 };

/// Standard-cell geometry in units of the feature size F.
struct CellLayout {
  double height = 0;        ///< nominal cell height
  double pn_gap = 0;        ///< between the N and the P diffusion
  double outer_region = 0;  ///< outside the two diffusions, both sides together
  double poly_pitch = 0;    ///< contacted poly pitch
  double drain_gap = 0;     ///< diffusion length between two gates
  double m3_pitch = 0;      ///< metal-3 pitch
};

/// One row of a resistivity table: holds for wires of at least `min_width` (nm).
struct WireMaterial {
  double min_width = 0;     ///< nm
  double aspect_ratio = 0;  ///< thickness over width
  double resistivity = 0;   ///< ohm m at 300 K
  double barrier = 0;       ///< barrier thickness, m (long wires; local wires use the node's)
};

/// Values that the parameters take from the node unless they are set.
struct NodeDefaults {
  double wire_width = 0;         ///< nm, local wire
  double metal0 = 0;             ///< nm
  double metal1 = 0;             ///< nm
  double barrier_thickness = 0;  ///< m
  double read_voltage = 0;       ///< V
  double sram_cell_height = 0;   ///< F
  double sram_cell_width = 0;    ///< F
  double mux_driver_sizing = 1;
  double new_switch_matrix_sizing = 6;
  double switch_matrix_sizing = 0.1;
  double repeaters = 0;        ///< repeaters in a word line
  double repeater_sizing = 0;  ///< width of such a repeater in minimum widths
};

/// A piece of a fit over resistance: a * ln(R) + b or a * R + b for R below `upper` (ohm).
struct FitSegment {
  double upper = 0;
  bool logarithmic = false;
  double a = 0;
  double b = 0;
};

/// Sensing time of the current-mode multilevel sense amplifier, with its correction for a large
/// column load.
struct SensingTimeFit {
  std::vector<FitSegment> segments;  ///< s
  double reference_cap = 0;          ///< F, column capacitance of the fit
  double extra_time = 0;        ///< s at `extra_resistance` and twice the reference capacitance
  double extra_resistance = 0;  ///< ohm
  double threshold = 0;         ///< ohm, no correction below
};

/// Static power (W) of a column in current mode over the resistance R (ohm):
/// (segments(R) + base) * (levels - 1) + factor * exp(exponent * log10 R).
struct MirrorPowerFit {
  std::vector<FitSegment> segments;  ///< W per reference level; may be empty
  double base = 0;                   ///< W per reference level
  double factor = 0;
  double exponent = 0;
};

/// Column power (W) of the SAR ADC over the resistance R (ohm):
/// per_bit * log2(levels) + base + factor * exp(exponent * log10 R).
struct SarPowerFit {
  double per_bit = 0;  ///< W
  double base = 0;     ///< W
  double factor = 0;
  double exponent = 0;
};

/// Device, layout, wire and fit data at one temperature. Currents are per metre of effective width.
struct Technology {
  int node = 0;  ///< nm
  Roadmap roadmap = Roadmap::LowStandbyPower;
  DeviceClass device_class = DeviceClass::Bulk;
  int transistor_type = 1;  ///< 1 conventional, 2 2-D FET, 3 TFET
  int temperature = 300;    ///< K

  double feature_size = 0;           ///< F, m
  double vdd = 0;                    ///< V
  double vth = 0;                    ///< V
  double cap_ideal_gate = 0;         ///< F/m
  double cap_fringe = 0;             ///< F/m
  double cap_overlap = 0;            ///< F/m
  double cap_junction = 0;           ///< F/m^2
  double cap_sidewall = 0;           ///< F/m
  double cap_drain_to_channel = 0;   ///< F/m
  double pn_size_ratio = 1;          ///< width of a PMOS that matches an NMOS of width 1
  double resistance_multiplier = 1;  ///< effective over linear on-resistance
  double gm_current_n = 0;           ///< A/m, current at 0.7 vdd (bulk)
  double gm_current_p = 0;           ///< A/m
  double gm_advanced = 0;            ///< S/m (FinFET and gate-all-around)
  double cap_drain_total = 0;        ///< F/m
  double fin_height = 0;             ///< m
  double fin_width = 0;              ///< m (width of the sheet for gate-all-around)
  double fin_pitch = 0;              ///< m
  int max_fins = 0;                  ///< fins per device in a nominal cell (FinFET)
  double effective_width = 0;        ///< m per fin or per sheet
  int sheets = 0;                    ///< stacked sheets (gate-all-around)
  int max_stacks = 0;                ///< stacks per device in a nominal cell (gate-all-around)
  /// Layout of hand-tuned narrow cells (gate-all-around): factors of gate and diffusion width.
  double tuned_inverter_gate = 1;
  double tuned_inverter_diffusion = 1;
  double tuned_nand_diffusion_n = 1;
  double tuned_nand_diffusion_p = 1;
  double ion_n = 0;   ///< A/m at `temperature`
  double ion_p = 0;   ///< A/m
  double ioff_n = 0;  ///< A/m
  double ioff_p = 0;  ///< A/m

  CellLayout layout;
  NodeDefaults defaults;
  std::vector<WireMaterial> local_wires;  ///< widest first
  std::vector<WireMaterial> long_wires;   ///< widest first
  SensingTimeFit sensing_time;            ///< current mode; voltage mode takes 1 ns
  MirrorPowerFit mirror_power;
  SarPowerFit sar_power;

  /// Throws std::invalid_argument that names the first field outside its range.
  void validate() const;

  bool bulk() const { return device_class == DeviceClass::Bulk; }
  bool gate_all_around() const { return device_class == DeviceClass::GateAllAround; }
  /// Minimum transistor widths are counted in whole fins of 2 F below 22 nm: 2 there, else 1.
  int fin_factor() const { return bulk() ? 1 : 2; }
};

/// Row of a resistivity table for a wire width in nm. Throws std::invalid_argument below the last
/// row.
const WireMaterial& wire_material(const std::vector<WireMaterial>& table, double width_nm);

/// Resistivity (ohm m) with the barrier factor of DNN+NeuroSim V1.5, which divides metres by
/// nanometres and is 1 to about 1e-9 (circuit quirk 3).
double resistivity_with_barrier(const WireMaterial& material, double width_nm, double barrier_m);

/// Value of a piecewise fit at a resistance in ohm.
double evaluate(const std::vector<FitSegment>& segments, double resistance);

}  // namespace cimsim
