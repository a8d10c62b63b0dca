// Input codes of a row group as lists of table rows.
#pragma once

#include <cstdint>
#include <vector>

#include "kernels/group_job.hpp"

namespace cimsim::kernels {

struct InputShape {
  int cycles = 0;
  int dac_bits = 0;
  bool squares = false;       // planes of x^2 as well; only needed with more than one bit per read
  bool silent_reads = false;  // keep reads without an active row
};

// Reusable storage of GroupInputs.
class PackedInputs {
 public:
  // Packs rows [0, rows) of `vectors` vectors; codes[m * stride + row]. With `reference` (one
  // conductance per row), reference_deviation = rho * sqrt(sum of x^2 reference^2).
  GroupInputs pack(const InputShape& shape, const uint16_t* codes, int64_t stride, int vectors,
                   int rows, const double* reference, double rho);

 private:
  void pack_read(const InputShape& shape, int cycle, int rows, const double* reference, double rho);
  void append_plane(const uint16_t* values, int rows, int bit, bool keep_bits);
  int64_t sum_of_squares(const InputShape& shape, int cycle, int rows);

  int capacity_ = 0;
  int words_ = 0;
  std::vector<uint16_t> codes_;  // of one vector, padded with zeros to whole words
  std::vector<uint16_t> squares_;
  std::vector<uint64_t> plane_;
  std::vector<uint16_t> entries_;
  std::vector<uint16_t> lengths_;
  std::vector<uint64_t> bits_;
  std::vector<int32_t> first_read_;
  std::vector<uint8_t> cycle_;
  std::vector<float> square_sum_;
  std::vector<float> deviation_;
};

}  // namespace cimsim::kernels
