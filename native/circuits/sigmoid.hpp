// Sigmoid activation as a look-up table in SRAM or RRAM.
#pragma once
#include "circuits/row_decoder.hpp"
#include "circuits/sense_amp.hpp"

namespace cimsim {

class Sigmoid : public Circuit {
 public:
  explicit Sigmoid(const Context& context)
      : Circuit(context), decoder_(context), sense_amp_(context), voltage_sense_amp_(context) {}
  /// `functions` tables of `entries` values of `output_bits` bits, in cells of the array's kind.
  void size(bool sram, int output_bits, int entries, int functions, const Cell& cell);
  void layout(double new_height, double new_width);
  /// Cycles if synchronous.
  void latency(double reads, const Cell& cell);
  /// Leakage is that of one table (quirk 25).
  void power(double reads, const Cell& cell);

  int entries() const { return entries_; }

 private:
  RowDecoder decoder_;
  SenseAmp sense_amp_;
  VoltageSenseAmp voltage_sense_amp_;
  bool sram_ = true;
  int output_bits_ = 0;
  int entries_ = 0;
  int functions_ = 0;
  double unit_height_ = 0;  // m, one entry
  double unit_width_ = 0;
};

}  // namespace cimsim
