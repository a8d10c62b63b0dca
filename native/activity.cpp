#include "activity.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <stdexcept>
#include <string>

namespace cimsim {
namespace {

/// Spreads the bits of a byte over the bytes of a word, so that 8 counters advance at once.
constexpr std::array<std::uint64_t, 256> make_spread() {
  std::array<std::uint64_t, 256> table{};
  for (unsigned byte = 0; byte < 256; ++byte)
    for (unsigned bit = 0; bit < 8; ++bit)
      if (byte >> bit & 1U) table[byte] |= std::uint64_t{1} << (8 * bit);
  return table;
}
constexpr auto kSpread = make_spread();

constexpr int kSlice = 32;  ///< columns summed together: one slice of 128 rows stays in the cache
constexpr int kGroup = 4;   ///< rows whose 16 partial sums are tabulated
constexpr std::size_t kSums = std::size_t{1} << kGroup;
constexpr std::array<double, kSlice> kNoCurrent{};

/// Sums of every subset of `kGroup` rows, for each group of the block: [group][subset][column].
class SubsetSums {
 public:
  /// `memory` is used while the object lives, and may serve the next one.
  SubsetSums(int rows, std::vector<double>& memory)
      : groups_(static_cast<std::size_t>((rows + kGroup - 1) / kGroup)), sums_(memory) {
    sums_.resize(groups_ * kSums * kSlice);
  }

  /// Columns first_col to first_col + width of the block.
  void fill(const CodeMatrix<std::int32_t>& weights, const CellNetwork& network, Range rows,
            Range cols, int first_col, int width) {
    std::ranges::fill(sums_, 0.0);
    const int digits = 1 << network.cell_bits;
    for (int i = 0; i < rows.count; ++i) {
      std::array<double, kSlice> path{};
      const std::int32_t* codes = weights.row(static_cast<std::size_t>(rows.first + i));
      for (int j = 0; j < width; ++j) {
        const int cell = cols.first + first_col + j;
        const int place = network.cells_per_weight - 1 - cell % network.cells_per_weight;
        const std::int32_t code = codes[cell / network.cells_per_weight];
        const int digit = (code >> (place * network.cell_bits)) & (digits - 1);
        path[static_cast<std::size_t>(j)] = network.path(digit, i, first_col + j, rows.count);
      }
      add_row(static_cast<std::size_t>(i), path);
    }
  }

  const double* group(std::size_t g, unsigned subset) const {
    return sums_.data() + (g * kSums + subset) * kSlice;
  }
  std::size_t groups() const { return groups_; }

 private:
  void add_row(std::size_t row, const std::array<double, kSlice>& path) {
    double* group = sums_.data() + row / kGroup * kSums * kSlice;
    for (std::size_t subset = 0; subset < kSums; ++subset) {
      if (!(subset >> (row % kGroup) & 1U)) continue;
      for (std::size_t j = 0; j < kSlice; ++j) group[subset * kSlice + j] += path[j];
    }
  }

  std::size_t groups_;
  std::vector<double>& sums_;
};

}  // namespace

RowActivity::RowActivity(std::vector<CodeMatrix<std::uint8_t>> images, int vectors, int bits)
    : images_(std::move(images)), vectors_(vectors), bits_(bits) {
  if (images_.empty()) throw std::invalid_argument("the trace has no image");
  if (bits < 1 || bits > 8) throw std::invalid_argument("input bits must be 1 to 8");
  const std::size_t rows = images_.front().rows;
  for (const auto& image : images_) {
    if (image.rows != rows) throw std::invalid_argument("images of a trace differ in their rows");
    if (image.cols < static_cast<std::size_t>(vectors))
      throw std::invalid_argument("the trace has " + std::to_string(image.cols) + " vectors, not " +
                                  std::to_string(vectors));
  }
  const auto mask = static_cast<std::uint8_t>((1U << bits) - 1U);
  active_before_.assign(rows + 1, 0);
  for (std::size_t r = 0; r < rows; ++r) {
    std::int64_t active = 0;
    for (const auto& image : images_) {
      const std::uint8_t* codes = image.row(r);
      for (int v = 0; v < vectors; ++v) active += std::popcount<std::uint8_t>(codes[v] & mask);
    }
    active_before_[r + 1] = active_before_[r] + active;
  }
}

double RowActivity::active(Range rows) const {
  const auto first = static_cast<std::size_t>(rows.first);
  const std::int64_t total =
      active_before_[first + static_cast<std::size_t>(rows.count)] - active_before_[first];
  return static_cast<double>(total) / static_cast<double>(images_.size());
}

double RowActivity::idle(Range rows) const {
  const auto vectors = static_cast<std::size_t>(vectors_);
  std::int64_t idle = 0;
  std::vector<std::uint8_t> seen(vectors);
  for (const auto& image : images_) {
    std::ranges::fill(seen, std::uint8_t{0});
    for (int r = 0; r < rows.count; ++r) {
      const std::uint8_t* codes = image.row(static_cast<std::size_t>(rows.first + r));
      for (std::size_t v = 0; v < vectors; ++v) seen[v] |= codes[v];
    }
    const auto mask = static_cast<std::uint8_t>((1U << bits_) - 1U);
    for (const std::uint8_t bits : seen) idle += bits_ - std::popcount<std::uint8_t>(bits & mask);
  }
  return static_cast<double>(idle) / static_cast<double>(images_.size());
}

RowHistogram RowActivity::histogram(Range rows) const {
  const auto vectors = static_cast<std::size_t>(vectors_);
  std::vector<std::int64_t> times(static_cast<std::size_t>(rows.count) + 1, 0);
  std::vector<std::uint64_t> lanes(vectors);
  std::vector<std::uint32_t> counts(vectors * 8);
  for (const auto& image : images_) {
    std::ranges::fill(counts, 0U);
    for (int r = 0; r < rows.count; ++r) {
      const std::uint8_t* codes = image.row(static_cast<std::size_t>(rows.first + r));
      for (std::size_t v = 0; v < vectors; ++v) lanes[v] += kSpread[codes[v]];
      if (r % 255 != 254 && r + 1 != rows.count) continue;  // a lane counts to 255
      for (std::size_t v = 0; v < vectors; ++v) {
        for (std::size_t b = 0; b < 8; ++b)
          counts[v * 8 + b] += static_cast<std::uint32_t>(lanes[v] >> (8 * b) & 0xFFU);
        lanes[v] = 0;
      }
    }
    for (std::size_t v = 0; v < vectors; ++v)
      for (std::size_t b = 0; b < static_cast<std::size_t>(bits_); ++b) ++times[counts[v * 8 + b]];
  }
  RowHistogram mean(times.size());
  std::ranges::transform(times, mean.begin(), [&](std::int64_t n) {
    return static_cast<double>(n) / static_cast<double>(images_.size());
  });
  return mean;
}

const RowActivity::PackedBits& RowActivity::packed(Range rows) const {
  const auto [entry, is_new] = packed_.try_emplace({rows.first, rows.count});
  PackedBits& out = entry->second;
  if (!is_new) return out;
  const auto vectors = static_cast<std::size_t>(vectors_), bits = static_cast<std::size_t>(bits_);
  out.bytes_each = (static_cast<std::size_t>(rows.count) + 7) / 8;
  out.active.assign(images_.size() * vectors * bits, 0);
  out.bytes.assign(out.active.size() * out.bytes_each, 0);
  for (std::size_t image = 0; image < images_.size(); ++image) {
    for (std::size_t r = 0; r < static_cast<std::size_t>(rows.count); ++r) {
      const std::uint8_t* codes = images_[image].row(static_cast<std::size_t>(rows.first) + r);
      for (std::size_t v = 0; v < vectors; ++v) {
        for (std::size_t b = 0; b < bits; ++b) {
          const std::size_t n = (image * vectors + v) * bits + b;
          const unsigned bit = codes[v] >> b & 1U;
          out.bytes[n * out.bytes_each + r / 8] |= static_cast<std::uint8_t>(bit << (r % 8));
          out.active[n] += static_cast<int>(bit);
        }
      }
    }
  }
  return out;
}

void for_each_column_sum(const RowActivity::PackedBits& bits,
                         const CodeMatrix<std::int32_t>& weights, const CellNetwork& network,
                         Range rows, Range cols, const ColumnSums& use) {
  // Kept between blocks: a fresh allocation of this size costs as much as using it.
  thread_local std::vector<double> memory;
  SubsetSums sums(rows.count, memory);
  for (int first = 0; first < cols.count; first += kSlice) {
    const int width = std::min(kSlice, cols.count - first);
    sums.fill(weights, network, rows, cols, first, width);
    for (std::size_t n = 0; n < bits.active.size(); ++n) {
      if (bits.active[n] == 0) {
        use(std::span(kNoCurrent).first(static_cast<std::size_t>(width)), 0);
        continue;
      }
      const std::uint8_t* packed = bits.bytes.data() + n * bits.bytes_each;
      std::array<double, kSlice> total{};
      for (std::size_t g = 0; g < sums.groups(); ++g) {
        const unsigned subset = packed[g / 2] >> (g % 2 * kGroup) & (kSums - 1);
        if (subset == 0) continue;
        const double* group = sums.group(g, subset);
        for (std::size_t j = 0; j < kSlice; ++j) total[j] += group[j];
      }
      use(std::span(total).first(static_cast<std::size_t>(width)), bits.active[n]);
    }
  }
}

}  // namespace cimsim
