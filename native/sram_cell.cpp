#include "sram_cell.hpp"

#include "gates.hpp"

namespace cimsim {

double sram_transistor_width(const Context& context, double units) {
  return units * context.technology.fin_factor() * context.technology.feature_size;
}

double sram_bit_line_drain(const Context& context) {
  const Technology& t = context.technology;
  const Parameters& p = context.parameters;
  if (!t.bulk()) return t.cap_drain_total * p.sram_access_width * t.effective_width;
  return drain_capacitance(t, sram_transistor_width(context, p.sram_access_width), Channel::N,
                           nominal_cell_height(t));
}

double sram_access_gate(const Context& context) {
  return gate_capacitance(context.technology,
                          sram_transistor_width(context, context.parameters.sram_access_width));
}

double sram_cell_capacitance(const Context& context) {
  const Technology& t = context.technology;
  const Parameters& p = context.parameters;
  const double height = nominal_cell_height(t);
  const double access = sram_transistor_width(context, p.sram_access_width);
  const double pull_down = sram_transistor_width(context, p.sram_nmos_width);
  const double pull_up = sram_transistor_width(context, p.sram_pmos_width);
  return drain_capacitance(t, access, Channel::N, height) +
         drain_capacitance(t, pull_down, Channel::N, height) +
         drain_capacitance(t, pull_up, Channel::P, height) + gate_capacitance(t, pull_down) +
         gate_capacitance(t, pull_up);
}

double sram_cell_leakage(const Context& context) {
  const Parameters& p = context.parameters;
  const Widths w{sram_transistor_width(context, p.sram_nmos_width),
                 sram_transistor_width(context, p.sram_pmos_width)};
  return 2 * context.technology.vdd * leakage_current(context.technology, Gate::Inverter, 1, w);
}

}  // namespace cimsim
