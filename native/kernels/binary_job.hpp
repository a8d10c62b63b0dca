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

  const char* bits = nullptr;              // [block][row_slots][kBlockBytes]
  int adc_top = 0;                         // highest code, up to 255
  const uint8_t* codes_of_sums = nullptr;  // [kTableEntries], or null: code = min(sum, adc_top)
  int64_t* histogram = nullptr;            // counts each sum instead of converting, or null

  char* planes = nullptr;     // without a table: bit-sliced sums [vector][block][sum_planes]
  int sum_planes = 0;         // bits of the largest sum of codes by place of the read
  int64_t* sums = nullptr;    // [vector][kSubColumns * column_blocks]: added to
  void* workspace = nullptr;  // binary_workspace_bytes
};

inline constexpr int kListSpare = 32;  // lists are padded, and written in whole vectors

// Bytes of working memory that a job needs.
constexpr int64_t binary_workspace_bytes(int64_t vectors, int64_t reads, int64_t row_slots) {
  return vectors * reads * ((row_slots + kListSpare) * 2 + 2 + kBlockBits) + 4096;
}

}  // namespace cimsim::kernels
