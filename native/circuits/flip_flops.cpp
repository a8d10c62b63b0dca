#include "circuits/flip_flops.hpp"

#include <algorithm>
#include <cmath>

namespace cimsim {

FlipFlops::FlipFlops(const Context& context) : Circuit(context) {
  const Widths w = minimum_inverter(tech());
  const Outline inverter = cell_outline(context, Gate::Inverter, 1, w);
  unit_ = {inverter.height, 12 * inverter.width};
  inverter_ = minimum_inverter_caps(context);
  gate_drain_ = inverter_.output;
  leakage_scale_ = tuned_cells(context) ? tech().tuned_inverter_gate : 1;
  gate_n_ = gate_capacitance(tech(), w.n) * leakage_scale_;
  gate_p_ = gate_capacitance(tech(), w.p) * leakage_scale_;
}

void FlipFlops::size(int count) { count_ = count; }

void FlipFlops::layout(double new_height, double new_width) {
  if (new_height != 0) {
    const double rows = std::min<double>(std::floor(new_height / unit_.height), count_);
    set_outline(new_height, unit_.width * columns_needed(count_, rows, "a row of flip-flops"));
  } else if (new_width != 0) {
    const double columns = std::min<double>(std::floor(new_width / unit_.width), count_);
    set_outline(unit_.height * columns_needed(count_, columns, "a flip-flop"), new_width);
  } else {
    set_outline(unit_.height, count_ * unit_.width);
  }
}

void FlipFlops::latency(double reads) {
  read_latency = param().synchronous ? reads : 1 / clock_frequency / 2 * reads;
}

void FlipFlops::power(double reads, double per_operation, bool apply_activity) {
  leakage = leakage_current(tech(), Gate::Inverter, 1, minimum_inverter(tech())) * vdd() * 8 *
            count_ * leakage_scale_;
  const double active = std::min<double>(per_operation, count_);
  const double clocked =
      4 * count_ * (inverter_.input + inverter_.output) + 2 * count_ * (gate_n_ + gate_p_);
  const double toggled = 4 * gate_drain_ + 2 * inverter_.input + 2 * inverter_.output;
  read_energy =
      (clocked + active * toggled) * vdd2() * reads * (apply_activity ? param().gamma : 1);
  write_energy = read_energy;
}

}  // namespace cimsim
