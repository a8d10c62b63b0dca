// Shift-and-add of bit-serial partial sums, and the bit shifter that serves as ReLU.
#pragma once
#include "circuits/adder.hpp"
#include "circuits/flip_flops.hpp"

namespace cimsim {

class ShiftAdd : public Circuit {
 public:
  explicit ShiftAdd(const Context& context)
      : Circuit(context), adder_(context), flip_flops_(context) {}
  /// `units` units that add `pulses` successive results of `bits` bits.
  void size(int units, int bits, int pulses);
  void layout(double new_height, double new_width);
  /// Cycles if synchronous: one per operation.
  void latency(double reads);
  void power(double reads);

  /// Latency (s) of one addition, known after latency().
  double adder_latency() const { return adder_.read_latency; }

 private:
  Adder adder_;
  FlipFlops flip_flops_;
  int units_ = 0;
};

/// Rectifier: registers of `bits` bits whose sign bit clears them.
class BitShifter : public Circuit {
 public:
  explicit BitShifter(const Context& context) : Circuit(context), flip_flops_(context) {}
  void size(int units, int bits);
  void layout(double new_height, double new_width);
  /// Cycles if synchronous.
  void latency(double reads);
  void power(double reads);

  int units() const { return units_; }

 private:
  FlipFlops flip_flops_;
  int units_ = 0;
};

}  // namespace cimsim
