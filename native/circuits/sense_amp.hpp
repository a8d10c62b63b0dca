// Latch-type sense amplifier of SRAM, and the voltage sense amplifier of resistive tables.
#pragma once
#include "circuits/circuit.hpp"

namespace cimsim {

class SenseAmp : public Circuit {
 public:
  explicit SenseAmp(const Context& context);
  /// `swing` (V) on the bit line, `pitch` (m) of a column, columns read per operation.
  void size(int columns, double swing, double pitch, double columns_per_read);
  void layout(double new_height, double new_width);
  /// Always in s. `load` is load_cap() unless a fault of the reference is reproduced.
  void latency(double reads, double load);
  void power(double reads, double load);

  /// Capacitance of the two nodes of the latch, F, for the pitch.
  double load_cap() const;

 private:
  double pull_up_, pull_down_, isolation_, enable_, mux_;  // widths, m
  double swing_ = 0;
  double pitch_ = 0;
  double per_read_ = 0;
  int columns_ = 0;
};

class VoltageSenseAmp : public Circuit {
 public:
  explicit VoltageSenseAmp(const Context& context) : Circuit(context) {}
  void size(int count) { count_ = count; }
  /// `unit_width`: width (m) available to each.
  void layout(double unit_width);
  /// Always in s; `load` at the output, F. The cell's resistances set the difference of currents.
  void latency(double load, const Cell& cell, double reads);
  void power(double reads);

 private:
  int count_ = 0;
};

}  // namespace cimsim
