#include "circuits/pass_gate.hpp"

#include <algorithm>
#include <cmath>

namespace cimsim {

PassGate PassGate::of_widths(const Technology& t, Widths w) {
  PassGate gate;
  gate.widths = w;
  gate.resistance =
      1 / (1 / linear_resistance(t, w.n, Channel::N) + 1 / linear_resistance(t, w.p, Channel::P));
  gate.gate_n = gate_capacitance(t, w.n);
  gate.gate_p = gate_capacitance(t, w.p);
  return gate;
}

Widths widths_for_resistance(const Technology& t, double target, double factor) {
  const double f = t.feature_size;
  const double unit = t.fin_factor() * f;
  return {linear_resistance(t, unit, Channel::N) * f * factor / (target * 2),
          linear_resistance(t, unit, Channel::P) * f * factor / (target * 2)};
}

PassGate PassGate::of_resistance(const Technology& t, double target, double factor) {
  const double f = t.feature_size;
  const Widths exact = widths_for_resistance(t, target, factor);
  const auto rounded = [&](double w) {
    return t.bulk() ? std::max(w, f) : 2 * std::ceil(w / f) * f;
  };
  return of_widths(t, {rounded(exact.n), rounded(exact.p)});
}

void PassGate::load_drain(const Technology& t, double height) {
  drain = gate_caps(t, Gate::Inverter, 1, widths, height).output;
}

PassGateRows spread_pass_gates(const Technology& t, double gates, double width, int share) {
  const double unit = minimum_cell_width(t);
  const double fit = std::floor(width / (unit * share));
  const double rows = columns_needed(gates, fit, "a pass gate");
  const double per_row = std::ceil(gates / rows);
  const double own = width / per_row / share;
  return {rows, std::floor(own / (0.5 * unit)) - 1};
}

}  // namespace cimsim
