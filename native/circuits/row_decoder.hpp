// Row decoder with two-bit predecoding, and its variant that drives a column multiplexer.
#pragma once
#include "circuits/circuit.hpp"

namespace cimsim {

/// What a decoder drives.
enum class DecoderKind {
  WordLine,
  Multiplexer,
  WideMultiplexer,  ///< of the binary modes: fixed, larger drivers
};

class RowDecoder : public Circuit {
 public:
  explicit RowDecoder(const Context& context) : Circuit(context) {}
  void size(DecoderKind kind, int address_bits);
  /// The height may be given; not the width.
  void layout(double new_height);
  /// Always in s. Loads in F (`load_p`: second output of a multiplexer), wire resistance in ohm.
  void latency(double input_ramp, double load, double load_p, double wire_resistance, int columns,
               double reads, double writes);
  void power(double reads, double writes);

  /// Ramp into the last stage (quirk 13), 1/s.
  double output_ramp() const { return output_ramp_; }

 private:
  bool multiplexer() const { return kind_ != DecoderKind::WordLine; }

  DecoderKind kind_ = DecoderKind::WordLine;
  int bits_ = 0;
  int nands_ = 0;
  int nors_ = 0;
  int nor_inputs_ = 0;
  Widths inverter_, nand_, nor_, driver_;
  GateCaps inverter_caps_, nand_caps_, nor_caps_, driver_caps_;
  double output_ramp_ = 0;
};

}  // namespace cimsim
