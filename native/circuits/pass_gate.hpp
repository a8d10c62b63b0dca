// Transmission gates: the switches of multiplexers, switch matrices and drivers.
#pragma once
#include "circuits/circuit.hpp"

namespace cimsim {

struct PassGate {
  Widths widths;
  double resistance = 0;  ///< ohm, both transistors in parallel
  double gate_n = 0;      ///< F
  double gate_p = 0;      ///< F
  double drain = 0;       ///< F, set by load_drain

  /// Gate of given widths.
  static PassGate of_widths(const Technology& t, Widths w);
  /// Gate that has about the target resistance (ohm), scaled by `factor`, in widths that can be
  /// laid out: at least F, or whole fins.
  static PassGate of_resistance(const Technology& t, double target, double factor);
  /// Drain capacitance for the height (m) that a layout routine has returned.
  void load_drain(const Technology& t, double height);
  /// Output drains and half of the gates, F: the load of a switch on itself.
  double own_load(double drains) const { return drain * drains + gate_n * 0.5 + gate_p * 0.5; }
};

/// Widths that give a resistance (ohm) if NMOS and PMOS each carry half of the current.
Widths widths_for_resistance(const Technology& t, double target, double factor);

/// Fingers of pass gates that are spread over `rows` rows of a side of the array.
struct PassGateRows {
  double rows = 1;
  double folds = 1;
};
/// `gates` gates, each with `share` of its column's width (1: alone, 2: half), in a width (m).
PassGateRows spread_pass_gates(const Technology& t, double gates, double width, int share);

}  // namespace cimsim
