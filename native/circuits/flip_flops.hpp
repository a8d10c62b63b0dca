// Registers: D flip-flops of twelve minimum inverters each.
#pragma once
#include "circuits/circuit.hpp"

namespace cimsim {

class FlipFlops : public Circuit {
 public:
  explicit FlipFlops(const Context& context);
  void size(int count);
  void layout(double new_height, double new_width);
  /// Cycles if synchronous.
  void latency(double reads);
  /// `per_operation` flip-flops toggle (may be a fraction); `apply_activity` multiplies by gamma.
  void power(double reads, double per_operation, bool apply_activity);

  int count() const { return count_; }
  /// Drain capacitance of the transmission gate at the input, F.
  double input_drain_cap() const { return gate_drain_; }
  /// Outline of one flip-flop.
  Outline unit() const { return unit_; }

 private:
  Outline unit_;
  GateCaps inverter_;
  double gate_n_ = 0;  // gate capacitance of the transmission gates, F
  double gate_p_ = 0;
  double gate_drain_ = 0;
  double leakage_scale_ = 1;
  int count_ = 0;
};

}  // namespace cimsim
