// What the instruction-set specific code works on. Plain data and raw pointers only: that code must
// instantiate nothing of the standard library, because a function compiled for a newer processor
// could otherwise replace the general one at link time.
#pragma once

#include <cstdint>

namespace cimsim::kernels {

inline constexpr int kMaxReads = 8;  // input cycles of a vector (8-bit inputs, 1-bit DAC)
inline constexpr int kMaxSets = (kMaxReads + 3) / 4;  // reads that share Philox blocks
inline constexpr int kRowBytes = 64;                  // bytes of a row of a subset-sum table
inline constexpr int kMaxColumns = 64;  // columns of a block: kRowBytes / sizeof(cell)

// Which of the reads of a weight and an input a job does: their numbers in the names of draws.
struct ReadNames {
  uint32_t first_read = 0;  // input cycles from here on, a multiple of 4, of all_reads
  uint32_t all_reads = 0;
  uint32_t first_slice = 0;  // slices from here on, of all_slices
  uint32_t all_slices = 0;
};

// How a column sum becomes an ADC code.
enum class Readout {
  ideal,         // the integer sum of input digit x cell digit
  binary_noise,  // one-bit cells at their state means, read noise
  real,          // cells of any conductance
  real_noise,    // the same with read noise
  real_errors,   // the same, with or without, where columns and ADCs have deviations of their own
  output_noise,  // the integer sum, noise of the whole column
  histogram,     // no conversion: counts the integer sums of active reads
};

// Inputs of one row group: for each vector, read and plane, the quads of rows with an input.
// Plane b < dac_bits holds bit b of the input digit x; with squares, plane dac_bits + b holds bit b
// of x * x. An entry is 16 * quad + (4 bits of the quad's rows): the number of a table row.
struct GroupInputs {
  int planes = 0;
  int capacity = 0;                   // entries of a list, a multiple of 4
  const uint16_t* entries = nullptr;  // [vector][read][plane][capacity]
  const uint16_t* lengths = nullptr;  // [vector][read][plane], multiples of 4
  const float* square_sum = nullptr;  // [vector][read] sum of x^2 over rows; 0: no row is active
  const float* reference_deviation = nullptr;  // [vector][read] read noise of the reference column
};

// Deviations of the columns and ADCs of one row group; see column_errors.hpp.
struct GroupErrors {
  const float* scale = nullptr;        // [slice][block][column]: codes per unit
  const float* offset = nullptr;       // the same: codes
  const float* deviation = nullptr;    // the same: noise that does not depend on the inputs, units
  float reference_deviation = 0.0F;    // that of the reference column
  const float* transitions = nullptr;  // [top + 1]: least value of codes 1 to top, then infinity
  const int32_t* first_codes = nullptr;  // [bin]: code at the start of each bin of width 1
  int first_bin = 0;                     // position where the first bin starts
  int bins = 0;
  int transitions_of_bin = 0;  // most that lie within one
};

// One row group of a layer for a run of vectors.
struct GroupJob {
  GroupInputs inputs;
  int vectors = 0;
  int reads = 0;  // input cycles
  int dac_bits = 0;
  int slices = 0;  // cells of a weight
  ReadNames names;
  int cell_bits = 0;
  int quads = 0;    // table rows = 16 * quads
  int blocks = 0;   // blocks of columns
  int columns = 0;  // logical columns
  int group = 0;
  Readout readout = Readout::ideal;

  const void* cells = nullptr;        // [slice][block][4 * quads][columns of a block]
  const double* reference = nullptr;  // real_noise: [4 * quads] reference conductance, units
  bool reference_is_silent = true;    // the reference column has no read noise
  int value_bits = 0;                 // real: fraction bits of a cell
  int square_bits = 0;                // real_noise: fraction bits of a squared conductance

  int32_t adc_top = 0;
  float steps_per_unit = 0.0F;     // 1 / ADC step
  bool unit_step = false;          // ideal: code = min(sum, top)
  const int32_t* codes = nullptr;  // ideal: code of each sum, or null: rint(sum * steps_per_unit)
  float noise_slope = 0.0F;        // binary_noise: variance = slope * sum + floor * sum of x^2
  float noise_floor = 0.0F;
  float noise_variance = 0.0F;         // real_noise: square of the relative read noise
  GroupErrors errors;                  // real_errors
  const float* output_mean = nullptr;  // output_noise: ADC input by ideal sum, or null: the sum
  const float* output_std = nullptr;   // output_noise: deviation by ideal sum, or null: the sigma
  float output_sigma = 0.0F;
  int32_t output_last = 0;    // output_noise: highest ideal sum of the tables
  float output_limit = 0.0F;  // output_noise: the ideal sum is cut at this value

  int64_t* histogram = nullptr;  // histogram: count of each sum

  uint32_t seed = 0;
  uint32_t layer = 0;
  uint64_t first_vector = 0;

  void* workspace = nullptr;  // workspace_bytes(job)
  int64_t* sums = nullptr;    // [vector][blocks * columns of a block]: added to
};

// Bytes of working memory that a job needs.
constexpr int64_t workspace_bytes(int64_t vectors, int64_t slices, int64_t reads, int64_t quads) {
  const int64_t tables = 2 * quads * 16 * kRowBytes + quads * 4 * kRowBytes;
  const int64_t columns = 9 * 4 * (kMaxReads * kMaxColumns + 64);
  return tables + columns + 4 * vectors * slices * reads + 4096;
}

// Names the draws of read noise of one vector in one row group and slice.
struct ReadNoiseName {
  uint32_t seed = 0;
  uint32_t layer = 0;
  uint64_t vector = 0;
  uint32_t group = 0;
  uint32_t slice = 0;
  int reads = 0;  // input cycles
  ReadNames names;
};

inline constexpr uint32_t kRoleReadNoise = 4;
inline constexpr uint32_t kRoleReferenceReadNoise = 5;
inline constexpr uint32_t kRoleOutputNoise = 6;
inline constexpr uint32_t kRoleColumnNoise = 13;
inline constexpr uint32_t kRoleReferenceColumnNoise = 14;
inline constexpr uint32_t kRoleReadNoiseLow = 15;
inline constexpr uint32_t kRoleReadNoiseTail = 16;
inline constexpr uint32_t kRoleReadNoiseTailLow = 17;

}  // namespace cimsim::kernels
