#include "circuits/adder.hpp"

#include <algorithm>

namespace cimsim {

Adder::Adder(const Context& context)
    : Circuit(context),
      nand_(enlarge(tech(), {4 * feature(), tech().pn_size_ratio * 2 * feature()})),
      caps_(nand2_caps(context, nand_)) {}

void Adder::size(int bits, int count) {
  bits_ = bits;
  count_ = count;
}

void Adder::layout(double new_height, double new_width) {
  const Outline nand = cell_outline(context(), Gate::Nand, 2,
                                    tuned_cells(context()) ? tuned_widths(context()) : nand_);
  fits = (new_height == 0 || nand.height <= new_height) &&
         (new_height != 0 || new_width == 0 || nand.width * 9 <= new_width);
  if (!fits) {
    set_outline(0, 0);
  } else if (new_height != 0) {
    set_outline(new_height, nand.width * 9 * bits_ * nand.height * count_ / new_height);
  } else if (new_width != 0) {
    set_outline(nand.width * 9 * (nand.height * bits_) * count_ / new_width, new_width);
  } else {
    set_outline(nand.height, nand.width * 9 * bits_ * count_);
  }
}

void Adder::latency(double input_ramp, double load, double reads) {
  // The tuned cell is slower than the enlarged one whose widths are used.
  const double slow = tuned_cells(context()) ? 1.5 : 1;
  const double down = on_resistance(tech(), nand_.n, Channel::N) * 2 * slow;
  const double up = on_resistance(tech(), nand_.p, Channel::P) * slow;
  const double in = caps_.input, out = caps_.output;
  const Stage s1 = horowitz(down * (out + in * 3), input_ramp);
  const Stage s2 = horowitz(up * (out + in * 2), s1.ramp);
  const Stage s3 = horowitz(down * (out + in * 3), s2.ramp);
  const Stage s4 = horowitz(up * (out + in * 2), s3.ramp);
  const Stage s5 = horowitz(down * (out + in * 3), s4.ramp);
  const Stage s6 = horowitz(up * (out + in), s5.ramp);
  const Stage s7 = horowitz(down * (out + load), s6.ramp);
  read_latency = (s1.delay + s2.delay + (s3.delay + s4.delay) * std::max(bits_ - 2, 0) + s5.delay +
                  s6.delay + s7.delay) *
                 reads;
}

void Adder::power(double reads, double per_operation) {
  const Widths w = tuned_cells(context()) ? tuned_widths(context()) : nand_;
  leakage = leakage_current(tech(), Gate::Nand, 2, w) * vdd() * 9 * bits_ * count_;
  const double first = 14 * caps_.input + 7 * caps_.output;
  const double next = 13 * caps_.input + 7 * caps_.output;
  read_energy = (first + (bits_ - 1) * next) * vdd2() * std::min<double>(per_operation, count_) *
                reads * calibrated(param().delta);
}

}  // namespace cimsim
