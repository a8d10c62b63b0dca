#include "circuits/circuit.hpp"

#include <cmath>
#include <stdexcept>
#include <string>

namespace cimsim {

void Circuit::stretch(double total_area, double new_height, double new_width) {
  area = total_area;
  if (new_width != 0) {
    width = new_width;
    height = area / new_width;
  } else if (new_height != 0) {
    height = new_height;
    width = area / new_height;
  }
}

double Circuit::in_cycles(double seconds) const {
  return param().synchronous ? std::ceil(seconds * clock_frequency) : seconds;
}

double columns_needed(double count, double per_column, const char* circuit) {
  if (count == 0) return 0;
  if (per_column < 1) {
    throw std::domain_error(
        std::string(circuit) +
        " does not fit the side it is given; more numRowSubArray, more numColSubArray or a larger "
        "cell makes room");
  }
  return std::ceil(count / per_column);
}

bool tuned_cells(const Context& c) {
  return c.technology.gate_all_around() && c.parameters.special_layout != 0;
}

Outline cell_outline(const Context& c, Gate gate, int inputs, Widths w) {
  return gate_outline(c.technology, gate, inputs, w, nominal_cell_height(c.technology));
}

GateCaps cell_caps(const Context& c, Gate gate, int inputs, Widths w) {
  return gate_caps(c.technology, gate, inputs, w, cell_outline(c, gate, inputs, w).height);
}

Widths tuned_widths(const Context& c) {
  const double w = 2 * c.technology.feature_size;
  return {w, w};
}

GateCaps minimum_inverter_caps(const Context& c) {
  const Technology& t = c.technology;
  if (!tuned_cells(c)) return cell_caps(c, Gate::Inverter, 1, minimum_inverter(t));
  const Widths w = tuned_widths(c);
  const TunedCell tuned{t.tuned_inverter_gate, t.tuned_inverter_diffusion,
                        t.tuned_inverter_diffusion};
  return tuned_gate_caps(t, Gate::Inverter, 1, w, cell_outline(c, Gate::Inverter, 1, w).height,
                         tuned);
}

GateCaps nand2_caps(const Context& c, Widths w) {
  const Technology& t = c.technology;
  if (!tuned_cells(c)) return cell_caps(c, Gate::Nand, 2, w);
  const Widths narrow = tuned_widths(c);
  const TunedCell tuned{1, t.tuned_nand_diffusion_n, t.tuned_nand_diffusion_p};
  return tuned_gate_caps(t, Gate::Nand, 2, narrow, cell_outline(c, Gate::Nand, 2, narrow).height,
                         tuned);
}

}  // namespace cimsim
