// What the instruction-set specific code works on. Plain data and raw pointers only: that code must
// instantiate nothing of the standard library, because a function compiled for a newer processor
// could otherwise replace the general one at link time.
#pragma once

#include <cstdint>

namespace cimsim::kernels {

inline constexpr int kMaxReads = 8;         // input cycles of a vector (8-bit inputs, 1-bit DAC)
inline constexpr int kRowsPerEntry = 5;     // rows of a subset-sum table's part
inline constexpr int kSubsets = 32;         // 2^kRowsPerEntry
inline constexpr int kEntriesAtOnce = 3;    // lists are multiples of this
inline constexpr int kRowBytes = 32;        // bytes of a table row
inline constexpr int64_t kSpareCells = 64;  // cells that kernels may read beyond the last one

// How a column sum becomes an ADC code.
enum class Readout {
  ideal,         // the integer sum of input digit x cell digit
  binary_noise,  // one-bit cells at their state means, read noise
  real,          // cells of any conductance
  real_noise,    // the same with read noise
  output_noise,  // the integer sum, noise of the whole column
  histogram,     // no conversion: counts the integer sums
};

// Inputs of one row group: the reads (vector, input cycle) with an active row, and for each read
// and plane the rows as a list of table rows. Plane b < dac_bits holds bit b of the input digit x;
// with squares, plane dac_bits + b holds bit b of x * x. An entry is kSubsets * part + subset.
struct GroupInputs {
  int reads = 0;
  int planes = 0;
  int capacity = 0;                            // entries of a list
  int words = 0;                               // 64-bit words of a plane
  const uint16_t* entries = nullptr;           // [read][plane][capacity]
  const uint16_t* lengths = nullptr;           // [read][plane], multiples of kEntriesAtOnce
  const uint64_t* bits = nullptr;              // [read][word]: rows in plane 0
  const int32_t* first_read = nullptr;         // [vectors + 1]: reads of a vector
  const uint8_t* cycle = nullptr;              // [read] input cycle
  const float* square_sum = nullptr;           // [read] sum of x^2 over rows
  const float* reference_deviation = nullptr;  // [read] read noise of the reference column, codes
};

// One row group of a layer for a run of vectors. Sums and noise are converted to ADC codes with
// steps_per_unit; what is "in codes" has that factor already.
struct GroupJob {
  GroupInputs inputs;
  int vectors = 0;
  int cycles = 0;  // input cycles
  int dac_bits = 0;
  int slices = 0;  // cells of a weight
  int cell_bits = 0;
  int parts = 0;  // of the table: ceil(rows / kRowsPerEntry)
  int columns = 0;
  int64_t stride = 0;  // from one row to the next: cells, or words of 64 one-bit cells
  int group = 0;
  Readout readout = Readout::ideal;

  const void* cells = nullptr;            // [slice][kRowsPerEntry * parts][stride]
  const uint64_t* last_column = nullptr;  // bits: [slice][word] rows of the last column
  const double* reference = nullptr;      // real_noise: [row] reference conductance, units
  bool reference_is_silent = true;        // the reference column has no read noise
  int value_bits = 0;                     // real: fraction bits of a cell
  int square_bits = 0;                    // real_noise: fraction bits of a squared conductance

  int32_t adc_top = 0;
  float steps_per_unit = 0.0F;     // 1 / ADC step
  bool unit_step = false;          // ideal: code = min(sum, top)
  const int32_t* codes = nullptr;  // ideal: code of each sum, or null: rint(sum * steps_per_unit)
  float noise_slope = 0.0F;        // binary_noise, in codes: variance = slope * sum
  float noise_floor = 0.0F;        //   + floor * sum of x^2
  float noise_variance = 0.0F;     // real_noise, in codes: variance = this * fixed-point square
  const float* output_mean = nullptr;  // output_noise, in codes: by ideal sum, or null: the sum
  const float* output_variances = nullptr;  // output_noise, in codes: by ideal sum, or null
  float output_variance = 0.0F;             // output_noise, in codes, without tables
  int32_t output_last = 0;                  // output_noise: highest ideal sum of the tables
  int64_t* histogram = nullptr;             // histogram: count of each sum

  uint32_t seed = 0;
  uint32_t layer = 0;
  uint64_t first_vector = 0;

  void* workspace = nullptr;  // workspace_bytes(job)
  int64_t* sums = nullptr;    // [vector][column]: added to
};

inline constexpr uint32_t kRoleReadNoise = 4;
inline constexpr uint32_t kRoleReferenceReadNoise = 5;
inline constexpr uint32_t kRoleOutputNoise = 6;

// Bytes of working memory of a job with these dimensions.
constexpr int64_t workspace_bytes(int64_t reads, int64_t slices, int64_t parts) {
  const int64_t table = parts * kSubsets * kRowBytes + parts * kRowsPerEntry * kRowBytes;
  const int64_t sums = 2 * (reads + 1) * 144;
  const int64_t block = 8 * (reads + 1) * 80;
  return table + sums + block + 4 * (reads + 64) * slices + (1 << 15);
}

}  // namespace cimsim::kernels
