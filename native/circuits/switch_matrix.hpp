// Switch matrices: registers and pass gates that drive all word lines (or columns) at once.
#pragma once
#include "circuits/flip_flops.hpp"
#include "circuits/pass_gate.hpp"

namespace cimsim {

enum class LineKind { Row, Column };

/// Word-line or source-line driver with two pass gates per line.
class SwitchMatrix : public Circuit {
 public:
  explicit SwitchMatrix(const Context& context) : Circuit(context), flip_flops_(context) {}
  /// `lines` lines that present a resistance (ohm).
  void size(LineKind kind, int lines, double line_resistance);
  /// Rows take a height, columns a width.
  void layout(double new_height, double new_width);
  /// Always in s, without the registers. Uses the published row capacitance and resistance per cell
  /// over all columns of the array, whatever the line (quirks 19 and 34).
  void latency(const ArrayValues& array, double reads);
  /// `activity`: share of lines that switch.
  void power(double reads, double activity);

  const PassGate& gate() const { return gate_; }

 private:
  FlipFlops flip_flops_;
  PassGate gate_;
  LineKind kind_ = LineKind::Row;
  int lines_ = 0;
};

/// Word-line driver of 1T1R arrays with four pass gates per line.
class NewSwitchMatrix : public Circuit {
 public:
  explicit NewSwitchMatrix(const Context& context) : Circuit(context), flip_flops_(context) {}
  void size(int lines);
  void layout(double new_height);
  /// Always in s, without the registers. Load in F, wire resistance in ohm.
  void latency(double input_ramp, double load, double wire_resistance, double reads);
  void power(double reads, double activity);

 private:
  FlipFlops flip_flops_;
  PassGate gate_;
  int lines_ = 0;
};

}  // namespace cimsim
