// Maximum pooling: serial comparators of digital values.
#pragma once
#include "circuits/circuit.hpp"

namespace cimsim {

class Comparator : public Circuit {
 public:
  explicit Comparator(const Context& context);
  void size(int bits, int count);
  void layout(double new_width);
  /// Always in s; load at the output, F. With one bit the middle stages count -1 times (quirk 16).
  void latency(double input_ramp, double load, double reads);
  void power(double reads, double per_operation);

  double unit_area() const;  ///< m^2, one comparator

 private:
  Widths inverter_, nand2_, nand3_;
  GateCaps inverter_caps_, nand2_caps_, nand3_caps_;
  int bits_ = 0;
  int count_ = 0;
};

class MaxPooling : public Circuit {
 public:
  explicit MaxPooling(const Context& context);
  /// `window` values of `bits` bits per result; `count` units.
  void size(int bits, int window, int count);
  void layout(double new_width);
  /// Cycles if synchronous.
  void latency(double input_ramp, double load, double reads);
  void power(double reads);

  int count() const { return count_; }
  int comparators() const { return comparators_; }  ///< per unit
  int stages() const { return stages_; }

 private:
  Comparator comparator_;
  Widths inverter_, nand_, nor2_, wide_nor_;
  GateCaps inverter_caps_, nand_caps_, nor2_caps_, wide_nor_caps_;
  int bits_ = 0;
  int count_ = 0;
  int comparators_ = 0;
  int stages_ = 0;
};

}  // namespace cimsim
