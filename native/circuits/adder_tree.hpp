// Binary tree of adders that accumulates partial sums.
#pragma once
#include "circuits/adder.hpp"

namespace cimsim {

class AdderTree : public Circuit {
 public:
  explicit AdderTree(const Context& context) : Circuit(context), adder_(context) {}
  /// `trees` trees that add `inputs` operands of `bits` bits each.
  void size(int inputs, int bits, int trees);
  /// One of both sides must be given.
  void layout(double new_height, double new_width);
  /// `used_inputs` operands (0 = all). Cycles if synchronous.
  void latency(double reads, int used_inputs, double load);
  /// Leakage counts only the stages of `used_inputs` (quirk 11).
  void power(double reads, int used_inputs);

  int stages() const { return stages_; }
  int bits() const { return bits_; }
  int trees() const { return trees_; }

 private:
  Adder adder_;
  int inputs_ = 0;
  int bits_ = 0;
  int trees_ = 0;
  int stages_ = 0;
};

}  // namespace cimsim
