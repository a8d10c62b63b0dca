// Word-line drivers behind a row decoder, for arrays that are read row by row.
#pragma once
#include "circuits/pass_gate.hpp"

namespace cimsim {

/// Driver of cross-point rows (and, with one gate more, of 1T1R rows).
class DecoderDriver : public Circuit {
 public:
  explicit DecoderDriver(const Context& context);
  /// `rows` lines; `load_cells` cells of resistance `cell_resistance` (ohm) hang on each.
  void size(int rows, int load_cells, double cell_resistance);
  void layout(double new_height);
  /// Always in s. Load in F, wire resistance in ohm.
  void latency(double input_ramp, double load, double wire_resistance, double reads);
  /// `active_rows` of all rows are selected, the others held.
  void power(double active_rows, double reads);

 private:
  Widths inverter_;
  GateCaps caps_;
  PassGate gate_;
  int rows_ = 0;
};

/// Driver of 1T1R rows.
class NewDecoderDriver : public Circuit {
 public:
  explicit NewDecoderDriver(const Context& context);
  void size(int rows) { rows_ = rows; }
  void layout(double new_height);
  /// Always in s. Every digital stage takes the same input ramp.
  void latency(double input_ramp, double load, double wire_resistance, double reads);
  void power(double reads);

 private:
  Widths nand_, inverter_;
  GateCaps nand_caps_, inverter_caps_;
  PassGate gate_;
  int rows_ = 0;
};

}  // namespace cimsim
