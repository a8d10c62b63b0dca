// What active rows and on cells have in common with others in the same column, counted for bins of
// equally many of them.
#pragma once

#include <cstdint>

#include "kernels/conductance_job.hpp"

namespace cimsim::kernels {

// Sums over the sensings of a bin. Each active row adds its position u and a code q of its square
// to `all`, and if its cell is on to `on`.
enum Moment {
  kSensings,
  kOnPosition,
  kAllPosition,
  kOnSquare,
  kAllSquare,
  kOnOn,  // products of positions
  kOnAll,
  kAllAll,
  kMoments
};

// The cells of one slice of columns of a block, made ready for its bit-vectors.
struct MomentCells {
  int64_t rows = 0;
  const uint16_t* on = nullptr;    // [rows]: bit j is the cell in column j
  const uint32_t* word = nullptr;  // [rows]: what an on cell adds to the sums, see below
  // [rows]: how often a row is active; added to the on cells' counts in the opposite order of rows,
  // [rows][kConductanceColumns].
  const int64_t* active = nullptr;
  int64_t* on_at = nullptr;
  // Sums of the subsets of every four rows: [groups][16][kConductanceColumns], each the number of
  // on cells, their sum of q and their sum of u in fields of one word, the last one lowest.
  uint32_t* sums = nullptr;
  int64_t groups = 0;
};

// Bit-vectors on one slice of columns of a block.
struct MomentJob {
  const uint8_t* bits = nullptr;      // [vectors][bytes]: a bit a row
  const int32_t* active = nullptr;    // [vectors]: rows that are on
  const int32_t* position = nullptr;  // [vectors]: sum of u of these rows
  const int32_t* square = nullptr;    // [vectors]: sum of q of these rows
  int64_t vectors = 0;
  int64_t bytes = 0;
  const uint32_t* sums = nullptr;  // MomentCells::sums
  uint32_t bias = 0;      // makes the field of u positive, of which the sum may be negative
  int position_bits = 0;  // of the field of u
  int square_bits = 0;    // of the field of q
  int columns = kConductanceColumns;  // that are counted
  // [bin][kConductanceColumns][kMoments]; n of m active rows meet on cells in bin m (m + 1) / 2 + n
  int64_t* table = nullptr;
};

}  // namespace cimsim::kernels
