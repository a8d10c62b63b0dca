// Buffers of tiles and chip: a register file, or an SRAM array with its periphery.
#pragma once
#include "circuits/flip_flops.hpp"
#include "circuits/precharger.hpp"
#include "circuits/row_decoder.hpp"
#include "circuits/sense_amp.hpp"

namespace cimsim {

class Buffer : public Circuit {
 public:
  explicit Buffer(const Context& context);
  /// `bits` in lines of `line_width` bits.
  void size(int bits, int line_width, bool sram);
  void layout(double new_height, double new_width, const Cell& cell);
  /// Lines of `line` bits. Cycles if synchronous: one per line. A register file has no finite
  /// asynchronous latency (quirk 26).
  void latency(double reads, double writes, const Cell& cell);
  /// `reads` transfers of `read_bits` bits, `writes` of `write_bits`.
  void power(double read_bits, double reads, double write_bits, double writes, const Cell& cell);

  int bits() const { return bits_; }
  int line_width() const { return line_width_; }

 private:
  int rows() const;
  double sense_load() const;
  void size_sram(const Cell& cell);
  void sram_latency(double reads, double writes, const Cell& cell);

  FlipFlops flip_flops_;
  RowDecoder decoder_;
  Precharger precharger_;
  WriteDriver write_driver_;
  SenseAmp sense_amp_;
  bool sram_ = false;
  int bits_ = 0;
  int line_width_ = 0;
  double row_length_ = 0;  // m
  double col_length_ = 0;
  double row_cap_ = 0;  // F, word line with access gates
  double col_cap_ = 0;  // F, bit line with access drains
};

}  // namespace cimsim
