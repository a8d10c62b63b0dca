// Bit-line precharger and write driver of SRAM columns.
#pragma once
#include "circuits/circuit.hpp"

namespace cimsim {

/// Columns of an SRAM that are active in one operation.
struct ColumnActivity {
  double reads = 0;           ///< columns precharged per read
  double writes = 0;          ///< columns written per write
  double write_activity = 0;  ///< share of all columns that may be written
};

class Precharger : public Circuit {
 public:
  explicit Precharger(const Context& context);
  /// `wire_resistance` of a column, ohm.
  void size(int columns, double wire_resistance, ColumnActivity activity);
  void layout(double new_width);
  /// Always in s; `load` is the bit line, F. The input is an ideal step.
  void latency(double load, double reads, double writes);
  void power(double reads, double writes);

 private:
  double equalizer_ = 0;  // PMOS widths, m
  double pull_up_ = 0;
  double own_cap_ = 0;  // F
  double load_ = 0;     // F
  double wire_resistance_ = 0;
  int columns_ = 0;
  ColumnActivity activity_;
};

class WriteDriver : public Circuit {
 public:
  explicit WriteDriver(const Context& context);
  void size(int columns, ColumnActivity activity);
  void layout(double new_width);
  /// Always in s; load in F, wire resistance in ohm.
  void latency(double input_ramp, double load, double wire_resistance, double writes);
  void power(double writes);

 private:
  Widths inverter_;
  GateCaps caps_;
  int columns_ = 0;
  ColumnActivity activity_;
};

}  // namespace cimsim
