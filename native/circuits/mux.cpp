#include "circuits/mux.hpp"

namespace cimsim {

void Mux::size(int inputs, int selections, double series_resistance) {
  inputs_ = inputs;
  selections_ = selections;
  gate_ = PassGate::of_resistance(tech(), series_resistance * 0.25, 1);
}

void Mux::layout(double new_width) {
  const double count = inputs_ * selections_;
  if (new_width != 0) {
    const PassGateRows fit = spread_pass_gates(tech(), count, new_width, 1);
    const Outline unit = pass_gate_outline(tech(), gate_.widths, fit.folds);
    set_outline(unit.height * fit.rows, new_width);
    gate_.load_drain(tech(), unit.height);
  } else {
    const Outline unit = pass_gate_outline(tech(), gate_.widths, 1);
    set_outline(unit.height, unit.width * count);
    gate_.load_drain(tech(), unit.height);
  }
}

void Mux::layout_override(double new_height, double new_width) {
  gate_.load_drain(tech(), pass_gate_outline(tech(), gate_.widths, 1).height);
  set_outline(new_height, new_width);
}

void Mux::latency(double load, double reads) {
  read_latency = 2.3 * gate_.resistance * (gate_.own_load(1) + load) * reads;
}

void Mux::power(double reads) {
  leakage = 0;
  const double v = param().read_voltage;
  read_energy = (gate_.gate_n * inputs_ * vdd2() + gate_.drain * 2 * inputs_ * v * v) * reads;
}

}  // namespace cimsim
