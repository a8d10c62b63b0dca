#include "circuits/max_pooling.hpp"

#include <algorithm>

namespace cimsim {

Comparator::Comparator(const Context& context) : Circuit(context) {
  const double f = feature(), p = tech().pn_size_ratio * 2 * f;
  inverter_ = enlarge(tech(), {2 * f, p});
  nand2_ = enlarge(tech(), {4 * f, p});
  nand3_ = enlarge(tech(), {6 * f, p});
  inverter_caps_ = cell_caps(context, Gate::Inverter, 1, inverter_);
  nand2_caps_ = cell_caps(context, Gate::Nand, 2, nand2_);
  nand3_caps_ = cell_caps(context, Gate::Nand, 3, nand3_);
}

void Comparator::size(int bits, int count) {
  bits_ = bits;
  count_ = count;
}

double Comparator::unit_area() const {
  return (cell_outline(context(), Gate::Inverter, 1, inverter_).area() * 4 +
          cell_outline(context(), Gate::Nand, 2, nand2_).area() * 4 +
          cell_outline(context(), Gate::Nand, 3, nand3_).area() * 3) *
         bits_;
}

void Comparator::layout(double new_width) { stretch(unit_area() * count_, 0, new_width); }

void Comparator::latency(double input_ramp, double load, double reads) {
  const double down = on_resistance(tech(), nand2_.n, Channel::N) * 2;
  const double up = on_resistance(tech(), nand3_.p, Channel::P);
  const double tau_down = down * (nand2_caps_.output + nand3_caps_.input);
  const double tau_up = up * (nand3_caps_.output + nand2_caps_.input);
  const Stage s1 = horowitz(tau_down, input_ramp);
  const Stage s2 = horowitz(tau_up, s1.ramp);
  const Stage s3 = horowitz(tau_down, s2.ramp);
  const Stage s4 = horowitz(tau_up, s3.ramp);
  const Stage s5 = horowitz(tau_down, s4.ramp);
  const Stage s6 = horowitz(up * (nand3_caps_.output + load), s5.ramp);
  read_latency =
      (s1.delay + s2.delay + (s3.delay + s4.delay) * (bits_ - 2) + s5.delay + s6.delay) * reads;
}

void Comparator::power(double reads, double per_operation) {
  leakage = (leakage_current(tech(), Gate::Inverter, 1, inverter_) * 4 +
             leakage_current(tech(), Gate::Nand, 2, nand2_) * 4 +
             leakage_current(tech(), Gate::Nand, 3, nand3_) * 3) *
            vdd() * bits_ * count_;
  const double cap = 4 * (inverter_caps_.input + inverter_caps_.output) +
                     4 * (nand2_caps_.input + nand2_caps_.output) +
                     3 * (nand3_caps_.input + nand3_caps_.output);
  read_energy = cap * vdd2() * bits_ * std::min<double>(per_operation, count_) * reads *
                calibrated(param().epsilon);
}

MaxPooling::MaxPooling(const Context& context) : Circuit(context), comparator_(context) {
  const double f = feature(), p = tech().pn_size_ratio * 2 * f;
  inverter_ = enlarge(tech(), {2 * f, p});
  nand_ = enlarge(tech(), {4 * f, p});
  nor2_ = enlarge(tech(), {8 * f, p});
  inverter_caps_ = cell_caps(context, Gate::Inverter, 1, inverter_);
  nand_caps_ = cell_caps(context, Gate::Nand, 2, nand_);
  nor2_caps_ = cell_caps(context, Gate::Nor, 2, nor2_);
  comparator_.size(1, 1);
}

void MaxPooling::size(int bits, int window, int count) {
  bits_ = bits;
  count_ = count;
  comparators_ = window % 2;
  stages_ = window % 2;
  for (int left = window; left > 0; left /= 2) {
    comparators_ += left / 2;
    ++stages_;
  }
  const double f = feature();
  wide_nor_ = enlarge(tech(), {bits * 4 * f, tech().pn_size_ratio * 2 * f});
  wide_nor_caps_ = cell_caps(context(), Gate::Nor, bits, wide_nor_);
}

void MaxPooling::layout(double new_width) {
  const double inverter = cell_outline(context(), Gate::Inverter, 1, inverter_).area();
  const double unit = ((comparator_.unit_area() + inverter * 5) * bits_ + inverter * 6 +
                       cell_outline(context(), Gate::Nand, 2, nand_).area() + inverter +
                       cell_outline(context(), Gate::Nor, 2, nor2_).area() +
                       cell_outline(context(), Gate::Nor, bits_, wide_nor_).area()) *
                      comparators_;
  stretch(unit * count_, 0, new_width);
}

void MaxPooling::latency(double input_ramp, double load, double reads) {
  comparator_.latency(input_ramp, inverter_caps_.output * 2, 1);
  const double nor = on_resistance(tech(), wide_nor_.n, Channel::N) * 2;
  const double inverter = on_resistance(tech(), inverter_.n, Channel::N) * 2;
  const Stage detect =
      horowitz(nor * (inverter_caps_.input * 2 + inverter_caps_.output * bits_), kStep);
  const Stage select = horowitz(inverter * (inverter_caps_.input + wide_nor_caps_.output), kStep);
  const Stage output = horowitz(inverter * (inverter_caps_.input * 2 + load), select.ramp);
  const double stage =
      comparator_.read_latency * bits_ / 2 + detect.delay + select.delay + output.delay;
  read_latency = in_cycles(stage) * stages_ * reads;
}

void MaxPooling::power(double reads) {
  // One inverter per comparator (quirk 17).
  leakage = leakage_current(tech(), Gate::Inverter, 1, inverter_) * vdd() * comparators_ * count_;
  comparator_.power(1, 1);
  const double cap = nand_caps_.input + nor2_caps_.input + wide_nor_caps_.input +
                     inverter_caps_.output * 3 + (inverter_caps_.input + inverter_caps_.output) * 2;
  read_energy = (cap * vdd2() * calibrated(param().epsilon) + comparator_.read_energy * bits_ / 2) *
                comparators_ * count_ * reads;
}

}  // namespace cimsim
