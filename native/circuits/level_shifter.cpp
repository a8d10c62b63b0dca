#include "circuits/level_shifter.hpp"

#include <algorithm>

namespace cimsim {

void LevelShifter::layout(double new_height, double new_width) {
  const double a = 2 * feature(), b = tech().pn_size_ratio * 2 * feature();
  // With silicon calibration: wider transistors, a higher cell and the wiring factor alpha.
  const bool silicon = param().validated;
  const double wide = silicon ? 2 : 1;
  const double cell = nominal_cell_height(tech()) * (silicon ? 2.5 : 1);
  const auto gate = [&](double n, double p) {
    return gate_outline(tech(), Gate::Inverter, 1, {n * wide * a, p * wide * b}, cell);
  };
  const Outline low = gate(15, 20), latch = gate(32, 10), high = gate(64, 82);
  const double wiring = silicon ? 2.5 : 1;
  const double unit = std::max({low.height, latch.height, high.height}) *
                      (low.width + wiring * (2 * latch.width + high.width));
  stretch(unit * outputs_ * (silicon ? param().alpha : 1), new_height, new_width);
}

}  // namespace cimsim
