// One-bit cells read with one-bit inputs: what the instruction-set specific code works on. Plain
// data only, as in group_job.hpp.
#pragma once

#include <cstdint>

#include "kernels/group_job.hpp"

namespace cimsim::kernels {

// Cells are bits at positions: column n of slice j is position j * width + n, where width is the
// number of columns, padded; kBlockBits positions are a block.
inline constexpr int kBlockBytes = 64;
inline constexpr int kBlockBits = 8 * kBlockBytes;
inline constexpr int kGranule = 8;    // widths are multiples of it
inline constexpr int kStepBits = 64;  // positions that are converted at once
inline constexpr int kDrawUnit = 4;   // columns whose read noise comes from the same Philox block

inline constexpr int kCountPlanes = 8;       // bits of a column sum
inline constexpr int kMostBinaryRows = 255;  // of a row group: its sums have kCountPlanes bits
inline constexpr int kTableEntries = 256;    // of a table by column sum
inline constexpr int kPlaneEntries = 128;    // of a table by column sum in bytes

// One row group of a layer for a run of vectors.
struct BinaryJob {
  const uint8_t* codes = nullptr;  // [vector][code_stride]: bit i is the input of read i
  int64_t code_stride = 0;
  int vectors = 0;
  int rows = 0;   // of the group
  int reads = 0;  // input cycles
  int slices = 0;
  ReadNames names;
  int columns = 0;  // at positions
  int width = 0;
  int row_slots = 0;  // rows of a full group and an empty row

  // One more column, whose cells are the same in all rows (the dummy column), is at no position:
  // its sum is the number of active rows, or 0. Bit j of uniform_bits is the cell of slice j.
  bool has_uniform_column = false;
  uint32_t uniform_bits = 0;

  int group = 0;
  const char* bits = nullptr;  // [block][row_slots][kBlockBytes]
  int adc_top = 0;             // highest code, up to 255
  // [kTableEntries]: code of each sum, or null: code = min(sum, adc_top)
  const int16_t* codes_of_sums = nullptr;
  int64_t* histogram = nullptr;  // counts each sum instead of converting, or null

  // Read noise: code = codes_of_sums[sum] + (rest + deviation * number + that of the reference),
  // the bracket an integer over 2^noise_bits, rounded down.
  bool noisy = false;
  int noise_bits = 0;              // 17 to 28
  const int16_t* rests = nullptr;  // [kTableEntries]: sum / step - code + 1/2, over 2^14; or null
  const int16_t* deviations =
      nullptr;               // [active rows][kTableEntries], over 2^noise_bits / kDrawScale
  int deviation_stride = 0;  // 0: the same for every number of active rows
  // The first entries of the tables, low bytes then high ones; null where sums are larger, or where
  // many codes depend on the low byte of a draw.
  const uint8_t* deviation_planes = nullptr;  // [active rows][2][kPlaneEntries]
  const uint8_t* rest_planes = nullptr;       // [2][kPlaneEntries], or null
  const uint8_t* code_planes = nullptr;
  float reference_deviation = 0.0F;  // of one active row, over 2^noise_bits

  char* planes = nullptr;   // without tables or noise: bit-sliced sums [vector][block][sum_planes]
  int sum_planes = 0;       // bits of the largest sum of codes by place of the read
  int64_t* sums = nullptr;  // [vector][sum_stride()]: added to; at width, the uniform column
  void* workspace = nullptr;  // binary_workspace_bytes
  uint32_t seed = 0;
  uint32_t layer = 0;
  uint64_t first_vector = 0;

  int positions() const { return slices * width; }
  int blocks() const { return (positions() + kBlockBits - 1) / kBlockBits; }
  int sum_stride() const { return width + kGranule; }
  bool has_reference_noise() const { return reference_deviation != 0.0F; }
  bool converts_in_bits() const {
    return !noisy && codes_of_sums == nullptr && histogram == nullptr;
  }
};

inline constexpr int kListSpare = 32;  // lists are padded, and written in whole vectors

// Bytes of working memory that a job needs.
constexpr int64_t binary_workspace_bytes(int64_t vectors, int64_t reads, int64_t slices,
                                         int64_t row_slots) {
  const int64_t lists = vectors * reads * ((row_slots + kListSpare) * 2 + 2);
  const int64_t bytes_of_reads = 6 * kMaxReads * kBlockBits;  // counts, codes, draws, doubtful
  const int64_t counters = 2 * kMaxSets * (kBlockBits / kDrawUnit) * 8;
  return lists + bytes_of_reads + 256 + counters + vectors * reads * slices * 4 + 64 * 8 * 3 * 8 +
         4096;
}

}  // namespace cimsim::kernels
