// Encoder from the thermometer code of a multilevel sense amplifier to binary.
#pragma once
#include "circuits/circuit.hpp"

namespace cimsim {

class SenseEncoder : public Circuit {
 public:
  explicit SenseEncoder(const Context& context);
  void size(int levels, int count);
  void layout(double new_height, double new_width);
  /// Always in s.
  void latency(double input_ramp, double reads);
  /// Leakage only; the model has no dynamic energy (quirk 37).
  void power(double reads);

 private:
  Widths nand_;
  GateCaps inverter_caps_, nand2_caps_, wide_nand_caps_;
  int levels_ = 0;
  int count_ = 0;
  int inputs_ = 0;  // of a wide NAND
  int gates_ = 0;   // wide NANDs
};

}  // namespace cimsim
