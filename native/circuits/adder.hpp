// Ripple-carry adder: nine two-input NAND gates per full adder.
#pragma once
#include "circuits/circuit.hpp"

namespace cimsim {

class Adder : public Circuit {
 public:
  explicit Adder(const Context& context);
  /// `count` adders of `bits` bits.
  void size(int bits, int count);
  void layout(double new_height, double new_width);
  /// Always in s. `load` (F) hangs on the carry output.
  void latency(double input_ramp, double load, double reads);
  /// `per_operation` adders switch at a time.
  void power(double reads, double per_operation);

 private:
  Widths nand_;
  GateCaps caps_;
  int bits_ = 0;
  int count_ = 0;
};

}  // namespace cimsim
