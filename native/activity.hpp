// Activity of a layer's rows: which word lines each input bit switches on. Inputs are applied one
// bit a read, so a code of B bits is B bit-vectors. All counts are per image: means over the images
// of a trace. An image is ceil(B / 8) matrices of bytes, the low byte of the codes first.
#pragma once
#include <cstddef>
#include <cstdint>
#include <map>
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
  bool operator==(const Range&) const = default;
};

/// How often each number of rows is active: entry n counts bit-vectors with n active rows (a mean
/// over images, hence real).
using RowHistogram = std::vector<double>;

inline constexpr int kMostInputBits = 16;

/// Inputs of one layer. Counts are kept once they are known, because design points ask for the same
/// ranges again; not for several threads at once.
class RowActivity {
 public:
  /// `bytes` hold image after image; a matrix has one column a vector, at least `vectors` columns,
  /// of which the first `vectors` are used; only the low `bits` bits of a code (1 to
  /// kMostInputBits) count. Throws std::invalid_argument when the matrices differ in rows, have too
  /// few columns, or are not those of whole images.
  RowActivity(std::vector<CodeMatrix<std::uint8_t>> bytes, int vectors, int bits);

  int rows() const { return static_cast<int>(active_before_.size()) - 1; }
  double bit_vectors() const { return static_cast<double>(vectors_) * bits_; }

  /// Active rows within `rows`, summed over the bit-vectors of all images.
  std::int64_t count(Range rows) const;
  /// The same for an image.
  double active(Range rows) const {
    return static_cast<double>(count(rows)) / static_cast<double>(images());
  }
  /// Bit-vectors without an active row within `rows`.
  double idle(Range rows) const;
  const RowHistogram& histogram(Range rows) const;

  /// Bits of the rows for every bit-vector of every image, in the order of the number of active
  /// rows: 8 rows a byte (lowest bit first), bit-vectors slowest.
  struct PackedBits {
    std::vector<std::uint8_t> bytes;
    std::vector<std::int32_t> active;  ///< rows of each bit-vector
    std::size_t bytes_each = 0;
  };
  /// Kept for the other blocks of the same rows; all of a layer takes as much memory as its codes.
  const PackedBits& packed(Range rows) const;
  std::size_t images() const { return bytes_.size() / bytes_each_; }

 private:
  /// Bits that count of the codes' byte in matrix `m` of bytes_.
  int bits_of(std::size_t m) const;
  std::vector<CodeMatrix<std::uint8_t>> bytes_;
  std::size_t bytes_each_;  // of a code
  int vectors_;
  int bits_;
  std::vector<std::int64_t> active_before_;  ///< active rows in rows < r, over all images
  using Key = std::pair<int, int>;           // first row, number of rows
  double count_idle(Range rows) const;
  RowHistogram count_active(Range rows) const;
  mutable std::map<Key, double> idle_;
  mutable std::map<Key, RowHistogram> histogram_;
  mutable std::map<Key, PackedBits> packed_;
};

}  // namespace cimsim
