// The 6T SRAM cell as bit lines, word lines and leakage see it.
#pragma once
#include "parameters.hpp"

namespace cimsim {

/// Width (m) of a transistor given in fin factor x F.
double sram_transistor_width(const Context& context, double units);
/// Drain capacitance (F) of the access transistor on a bit line.
double sram_bit_line_drain(const Context& context);
/// Gate capacitance (F) of one access transistor on a word line.
double sram_access_gate(const Context& context);
/// Capacitance (F) of the two storage nodes that a write may flip, as the model counts it.
double sram_cell_capacitance(const Context& context);
/// Leakage (W) of one cell.
double sram_cell_leakage(const Context& context);

}  // namespace cimsim
