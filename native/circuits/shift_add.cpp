#include "circuits/shift_add.hpp"

#include <algorithm>

namespace cimsim {

void ShiftAdd::size(int units, int bits, int pulses) {
  units_ = units;
  adder_.size(bits, units);
  flip_flops_.size((bits + pulses) * units);
}

void ShiftAdd::layout(double new_height, double new_width) {
  if (new_width != 0) {
    adder_.layout(0, new_width);
    fits = adder_.fits;
    flip_flops_.layout(0, new_width);
    set_outline(adder_.height + standard_cell_height(tech()) + flip_flops_.height, new_width);
    return;
  }
  adder_.layout(new_height, 0);
  fits = adder_.fits;
  flip_flops_.layout(new_height, 0);
  const Widths nand = tuned_cells(context())
                          ? tuned_widths(context())
                          : Widths{4 * feature(), tech().pn_size_ratio * 2 * feature()};
  const double control =
      cell_outline(context(), Gate::Inverter, 1, minimum_inverter(tech())).width +
      cell_outline(context(), Gate::Nand, 2, nand).width;
  set_outline(new_height, adder_.width + control + flip_flops_.width);
}

void ShiftAdd::latency(double reads) {
  adder_.latency(kStep, flip_flops_.input_drain_cap(), 1);
  flip_flops_.clock_frequency = clock_frequency;
  flip_flops_.latency(1);
  if (param().synchronous) {
    read_latency = reads;
    return;
  }
  // An addition overlaps with the next read pulse; only the first counts in full.
  const double once = adder_.read_latency + flip_flops_.read_latency;
  read_latency = once + std::max(once - param().read_pulse_width, 0.0) * (reads - 1);
}

void ShiftAdd::power(double reads) {
  adder_.power(reads, units_);
  flip_flops_.power(reads, flip_flops_.count(), param().validated);
  read_energy = adder_.read_energy + flip_flops_.read_energy;
  leakage = adder_.leakage + flip_flops_.leakage;
}

void BitShifter::size(int units, int bits) {
  units_ = units;
  flip_flops_.size(units * bits);
}

void BitShifter::layout(double new_height, double new_width) {
  flip_flops_.layout(0, 0);
  stretch(flip_flops_.area, new_height, new_width);
}

void BitShifter::latency(double reads) {
  flip_flops_.clock_frequency = clock_frequency;
  flip_flops_.latency(1);
  read_latency = flip_flops_.read_latency * reads;
}

void BitShifter::power(double reads) {
  flip_flops_.power(reads, flip_flops_.count(), false);
  read_energy = flip_flops_.read_energy;
  leakage = flip_flops_.leakage;
}

}  // namespace cimsim
