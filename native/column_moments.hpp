// What a layer's columns conduct on any technology: for one-bit cells, the moments of the positions
// of on cells and active rows, from which the distribution of the conductance follows for every
// network of wires and cells.
#pragma once
#include <cstddef>
#include <cstdint>
#include <vector>

#include "conductances.hpp"
#include "kernels/moment_job.hpp"

namespace cimsim {

/// Sensings of a slice of columns with `active` rows on, of which `on` meet a cell that is on.
struct MomentBin {
  std::int64_t active = 0;
  std::int64_t on = 0;
  std::int64_t sums[kernels::kMoments] = {};  ///< see kernels::Moment
  // The same with the column's place v in the slice (ColumnMoments::place).
  std::int64_t place = 0;         ///< of v
  std::int64_t place_square = 0;  ///< of v^2
  std::int64_t place_on = 0;      ///< of v times the position of on cells
  std::int64_t place_all = 0;     ///< of v times the position of active rows

  void add(const MomentBin& other);
};

/// Columns 16 s .. 16 s + 15 of all blocks of a layer, for some s.
struct MomentSlice {
  std::vector<MomentBin> bins;  ///< in the order of `active`, then `on`
  /// How often a sensing meets an active row at each distance from the foot of the column and place
  /// in the slice, [distance - 1][place], and how often its cell is on.
  std::vector<std::int64_t> active_at, on_at;
};

/// Codes of a row by its distance x from the foot of the column (1 is the last row).
class RowCodes {
 public:
  /// For blocks of at most `rows` rows.
  explicit RowCodes(int rows);
  int rows() const { return rows_; }
  /// Position u: the distance from the middle.
  int position(int x) const { return x - rows_ / 2; }
  /// A whole number that is about proportional to u^2.
  int square(int x) const;
  /// Bits that hold the sum of all positions with `bias()` added.
  int position_bits() const;
  /// Bits that hold the sum of all squares.
  int square_bits() const;
  /// The codes of a cell that is on, see kernels::MomentJob::sums.
  std::uint32_t word(int x) const;
  /// Sum of the negative positions, made positive.
  int bias() const { return bias_; }

 private:
  int rows_, bias_, spread_;
  int finest_ = 0;  // code of the largest square
};

/// Moments of a layer's columns. All are whole numbers, so that no thread changes them.
struct ColumnMoments {
  RowCodes codes;
  std::vector<MomentSlice> slices;

  /// Place of column j of a slice: twice its distance from the middle.
  static int place(int j) { return 2 * j - (kernels::kConductanceColumns - 1); }
};

/// Counts the moments of one-bit cells. The blocks have at most kMomentRows rows. `weights` are
/// those of column_conductances. Memory: the packed bits of the inputs, and for each thread up to 1
/// KiB for each pair of numbers of active rows and on cells.
ColumnMoments column_moments(const RowActivity& activity, const CodeMatrix<std::int32_t>& weights,
                             const std::vector<CellBlock>& blocks, int cells_per_weight,
                             int threads);

inline constexpr int kMomentRows = 256;

}  // namespace cimsim
