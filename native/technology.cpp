#include "technology.hpp"

#include <cmath>
#include <stdexcept>

namespace cimsim {

void Technology::validate() const {
  const auto positive = [this](double value, const char* name) {
    if (!(value > 0) || !std::isfinite(value)) {
      throw std::invalid_argument("technology node " + std::to_string(node) + ": " + name +
                                  " must be a positive number");
    }
  };
  positive(node, "node");
  positive(feature_size, "feature_size");
  positive(vdd, "vdd");
  positive(cap_ideal_gate, "cap_ideal_gate");
  positive(pn_size_ratio, "pn_size_ratio");
  positive(resistance_multiplier, "resistance_multiplier");
  positive(ion_n, "ion_n");
  positive(ion_p, "ion_p");
  positive(ioff_n, "ioff_n");
  positive(ioff_p, "ioff_p");
  positive(layout.height, "layout.height");
  positive(layout.poly_pitch, "layout.poly_pitch");
  positive(layout.drain_gap, "layout.drain_gap");
  positive(layout.m3_pitch, "layout.m3_pitch");
  positive(defaults.wire_width, "defaults.wire_width");
  positive(defaults.read_voltage, "defaults.read_voltage");
  if (!bulk()) {
    positive(fin_width, "fin_width");
    positive(fin_pitch, "fin_pitch");
    positive(effective_width, "effective_width");
  }
  if (device_class == DeviceClass::FinFet) positive(max_fins, "max_fins");
  if (gate_all_around()) {
    positive(sheets, "sheets");
    positive(max_stacks, "max_stacks");
  }
  if (local_wires.empty() || long_wires.empty()) {
    throw std::invalid_argument("technology node " + std::to_string(node) +
                                ": no resistivity table");
  }
}

const WireMaterial& wire_material(const std::vector<WireMaterial>& table, double width_nm) {
  for (const WireMaterial& row : table) {
    if (width_nm >= row.min_width) return row;
  }
  throw std::invalid_argument("no resistivity for a wire of " + std::to_string(width_nm) +
                              " nm: the table ends at " +
                              std::to_string(table.empty() ? 0.0 : table.back().min_width) + " nm");
}

double resistivity_with_barrier(const WireMaterial& material, double width_nm, double barrier_m) {
  const double ar = material.aspect_ratio;
  const double w = width_nm;
  const double conducting = 1 - (2 * ar * w + w) * barrier_m / (ar * w * w);
  if (conducting <= 0)
    throw std::domain_error("the barrier leaves no conductor in a wire of " +
                            std::to_string(std::lround(width_nm)) +
                            " nm; barrierthickness must be lower, or the wire wider");
  return material.resistivity / conducting;
}

double evaluate(const std::vector<FitSegment>& segments, double resistance) {
  for (const FitSegment& s : segments) {
    if (resistance < s.upper || &s == &segments.back()) {
      return s.logarithmic ? s.a * std::log(resistance) + s.b : s.a * resistance + s.b;
    }
  }
  return 0;
}

}  // namespace cimsim
