// Sums of column conductances, counted in a histogram.
#pragma once

#include <cstdint>

namespace cimsim::kernels {

// Columns summed together: with 128 rows their table takes 32 KiB, which stays in the fastest
// cache.
inline constexpr int kConductanceColumns = 16;
// Bits of a float's mantissa that number a cell of the histogram, and those that are kept of the
// place within the cell.
inline constexpr int kCellBits = 10;
inline constexpr int kPlaceBits = 9;

// Bit-vectors on one slice of columns of a block.
struct ConductanceJob {
  const uint8_t* bits = nullptr;    // [vectors][bytes]: a bit a row
  const int32_t* active = nullptr;  // [vectors]: rows that are on
  int64_t vectors = 0;
  int64_t bytes = 0;
  // Sums of the subsets of every four rows: [2 * bytes][16][kConductanceColumns], S.
  const float* sums = nullptr;
  int columns = kConductanceColumns;  // that are counted
  bool per_row = false;  // a sensing sees the mean of the active rows, once for each of them
  float scale = 1;       // otherwise it sees the sum times this, once
  // For each cell, sensings * 2^32 + the sum of their places in the cell. Cell 0 is for columns
  // that conduct nothing, cell 1 begins at the float whose leading bits are `first`.
  uint64_t* histogram = nullptr;
  int32_t first = 0;
};

}  // namespace cimsim::kernels
