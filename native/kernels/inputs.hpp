// Input codes of a row group as lists of table rows.
#pragma once

#include <cstdint>
#include <vector>

#include "kernels/group_job.hpp"

namespace cimsim::kernels {

struct InputShape {
  int reads = 0;
  int dac_bits = 0;
  bool squares = false;  // planes of x^2 as well; only needed with more than one bit per read
};

// Reusable storage of GroupInputs.
class PackedInputs {
 public:
  // Packs rows [0, rows) of `vectors` vectors; codes[m * stride + row]. With `reference` (one
  // conductance per row), also rho * sqrt(sum of x^2 reference^2).
  GroupInputs pack(const InputShape& shape, const uint16_t* codes, int64_t stride, int vectors,
                   int rows, const double* reference, double rho);

 private:
  std::vector<uint16_t> entries_;
  std::vector<uint16_t> lengths_;
  std::vector<float> square_sum_;
  std::vector<float> deviation_;
};

}  // namespace cimsim::kernels
