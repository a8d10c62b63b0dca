// Activity of a layer's rows: which word lines each input bit switches on, and what the columns
// then conduct. Inputs are applied one bit a read, so a code of B bits is B bit-vectors. All counts
// are per image: means over the images of a trace.
#pragma once
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <utility>
#include <vector>

namespace cimsim {

/// A row-major matrix of unsigned codes that someone else owns.
template <typename Code>
struct CodeMatrix {
  const Code* data = nullptr;
  std::size_t rows = 0;
  std::size_t cols = 0;
  const Code* row(std::size_t r) const { return data + r * cols; }
};

/// A contiguous range of rows or columns of cells.
struct Range {
  int first = 0;
  int count = 0;
};

/// How often each number of rows is active: entry n counts bit-vectors with n active rows (a mean
/// over images, hence real).
using RowHistogram = std::vector<double>;

/// Inputs of one layer.
class RowActivity {
 public:
  /// `images` hold one column a vector, at least `vectors` columns each, of which the first
  /// `vectors` are used; only the low `bits` bits of a code count. Throws std::invalid_argument
  /// when the images differ in rows or have too few columns.
  RowActivity(std::vector<CodeMatrix<std::uint8_t>> images, int vectors, int bits);

  int rows() const { return static_cast<int>(active_before_.size()) - 1; }
  double bit_vectors() const { return static_cast<double>(vectors_) * bits_; }

  /// Active rows within `rows`, summed over the bit-vectors.
  double active(Range rows) const;
  /// Bit-vectors without an active row within `rows`.
  double idle(Range rows) const;
  RowHistogram histogram(Range rows) const;

  /// Bits of the rows for every bit-vector of every image: 8 rows a byte (lowest bit first),
  /// bit-vectors slowest.
  struct PackedBits {
    std::vector<std::uint8_t> bytes;
    std::vector<int> active;  ///< rows of each bit-vector
    std::size_t bytes_each = 0;
  };
  /// Kept for the other blocks of the same rows; all of a layer takes as much memory as its codes.
  const PackedBits& packed(Range rows) const;
  std::size_t images() const { return images_.size(); }

 private:
  std::vector<CodeMatrix<std::uint8_t>> images_;
  int vectors_;
  int bits_;
  std::vector<std::int64_t> active_before_;  ///< active rows in rows < r, over all images
  mutable std::map<std::pair<int, int>, PackedBits> packed_;
};

/// Conductances of the cells of one block, seen from the foot of its column.
struct CellNetwork {
  std::vector<double> conductance;  ///< S, one a digit value
  double row_resistance = 0;        ///< ohm a cell along the row
  double col_resistance = 0;        ///< ohm a cell along the column
  double access_resistance = 0;     ///< ohm
  int cell_bits = 1;
  int cells_per_weight = 1;

  /// Conductance (S) of row i of `rows` and column j, including wires and access device.
  double path(int digit, int i, int j, int rows) const {
    return 1.0 / (1.0 / conductance[static_cast<std::size_t>(digit)] + (j + 1) * row_resistance +
                  (rows - i) * col_resistance + access_resistance);
  }
};

/// Receives the summed conductances (S) of a slice of columns and the number of active rows.
using ColumnSums = std::function<void(std::span<const double> conductances, int active_rows)>;

/// Column conductances of a block: calls `use` for every bit-vector of every image and every slice
/// of columns. Memory is bounded by one slice of the block. `weights` are stored integer codes [K,
/// N]; cell column c holds digit number cells_per_weight - 1 - c % cells_per_weight of weight c /
/// cells_per_weight (most significant first).
void for_each_column_sum(const RowActivity::PackedBits& bits,
                         const CodeMatrix<std::int32_t>& weights, const CellNetwork& network,
                         Range rows, Range cols, const ColumnSums& use);

}  // namespace cimsim
