// One-bit cells read with one-bit inputs: what the instruction-set specific code works on. Plain
// data only, as in group_job.hpp.
#pragma once

#include <cstdint>

#include "kernels/group_job.hpp"

namespace cimsim::kernels {

// Cells are bits. 32 columns of one slice are a sub-block: column n of slice j is bit n % 32 of
// sub-block n / 32 * slices + j, and kSubsOfBlock sub-blocks are a block of kBlockBytes.
inline constexpr int kSubColumns = 32;
inline constexpr int kBlockBytes = 64;
inline constexpr int kBlockBits = 8 * kBlockBytes;
inline constexpr int kSubsOfBlock = kBlockBits / kSubColumns;

inline constexpr int kCountPlanes = 8;       // bits of a column sum
inline constexpr int kMostBinaryRows = 255;  // of a row group: its sums have kCountPlanes bits
inline constexpr int kTableEntries = 256;    // of a table by column sum

// One row group of a layer for a run of vectors.
struct BinaryJob {
  const uint16_t* codes = nullptr;  // [vector][code_stride]: bit i is the input of read i
  int64_t code_stride = 0;
  int vectors = 0;
  int rows = 0;   // of the group
  int reads = 0;  // input cycles
  int slices = 0;
  int columns = 0;
  int column_blocks = 0;  // of kSubColumns
  int row_slots = 0;      // rows of a full group and an empty row

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
      nullptr;                       // [active rows][kTableEntries], over 2^noise_bits / kDrawScale
  int deviation_stride = 0;          // 0: the same for every number of active rows
  float reference_deviation = 0.0F;  // of one active row, over 2^noise_bits

  char* planes = nullptr;   // without tables or noise: bit-sliced sums [vector][block][sum_planes]
  int sum_planes = 0;       // bits of the largest sum of codes by place of the read
  int64_t* sums = nullptr;  // [vector][kSubColumns * column_blocks]: added to
  void* workspace = nullptr;  // binary_workspace_bytes
  uint32_t seed = 0;
  uint32_t layer = 0;
  uint64_t first_vector = 0;

  bool converts_in_bits() const {
    return !noisy && codes_of_sums == nullptr && histogram == nullptr;
  }
};

inline constexpr int kListSpare = 32;  // lists are padded, and written in whole vectors

// Bytes of working memory that a job needs.
constexpr int64_t binary_workspace_bytes(int64_t vectors, int64_t reads, int64_t slices,
                                         int64_t row_slots) {
  const int64_t lists = vectors * reads * ((row_slots + kListSpare) * 2 + 2);
  return lists + kMaxReads * kBlockBits + vectors * reads * slices * 4 + 64 * 8 * 3 * 8 + 1024;
}

}  // namespace cimsim::kernels
