#include "circuits/sense_encoder.hpp"

#include <algorithm>
#include <cmath>

namespace cimsim {

SenseEncoder::SenseEncoder(const Context& context)
    : Circuit(context),
      nand_{8 * feature(), 2 * tech().pn_size_ratio * 2 * feature()},
      inverter_caps_(minimum_inverter_caps(context)),
      nand2_caps_(nand2_caps(context, nand_)) {}

void SenseEncoder::size(int levels, int count) {
  levels_ = levels;
  count_ = count;
  inputs_ = levels / 2;
  gates_ = static_cast<int>(std::ceil(std::log2(levels)));
  wide_nand_caps_ = cell_caps(context(), Gate::Nand, inputs_, nand_);
}

void SenseEncoder::layout(double new_height, double new_width) {
  const Outline nand2 = cell_outline(context(), Gate::Nand, 2,
                                     tuned_cells(context()) ? tuned_widths(context()) : nand_);
  const Outline inverter = cell_outline(context(), Gate::Inverter, 1, minimum_inverter(tech()));
  const Outline wide = cell_outline(context(), Gate::Nand, inputs_, nand_);
  const double unit_width = inverter.width + nand2.width + wide.width;
  const double unit_height =
      ((inverter.area() + nand2.area()) * (levels_ - 1) + wide.area() * gates_) / unit_width;
  // Units per row are rounded up, so that a row may overflow its width (quirk 22).
  if (new_width != 0) {
    const double per_row = std::min<double>(std::ceil(new_width / unit_width), count_);
    set_outline(unit_height * columns_needed(count_, per_row, "an encoder"),
                std::max(new_width, unit_width));
  } else if (new_height != 0) {
    const double per_column = std::min<double>(std::ceil(new_height / unit_height), count_);
    set_outline(std::max(new_height, unit_height),
                unit_width * columns_needed(count_, per_column, "an encoder"));
  } else {
    set_outline(unit_height, unit_width * count_);
  }
}

void SenseEncoder::latency(double input_ramp, double reads) {
  const double inverter = on_resistance(tech(), minimum_inverter(tech()).n, Channel::N);
  const double slow = tuned_cells(context()) ? 1.5 : 1;
  const double nand = on_resistance(tech(), nand_.n, Channel::N) * 2 * slow;
  const Stage first =
      horowitz(inverter * (inverter_caps_.output + nand2_caps_.input * 2), input_ramp);
  const Stage second =
      horowitz(nand * (nand2_caps_.output + wide_nand_caps_.input * inputs_), first.ramp);
  read_latency = (first.delay + second.delay) * reads;
}

void SenseEncoder::power(double) {
  const double scale = tuned_cells(context()) ? tech().tuned_inverter_gate : 1;
  const double per_unit = leakage_current(tech(), Gate::Nand, 2, nand_) * (levels_ - 1) +
                          leakage_current(tech(), Gate::Nand, inputs_, nand_) * gates_ +
                          leakage_current(tech(), Gate::Inverter, 1, minimum_inverter(tech())) * 5 *
                              (levels_ - 1) * scale;
  leakage = per_unit * vdd() * count_;
  read_energy = 0;
}

}  // namespace cimsim
