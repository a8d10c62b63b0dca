#include "activity.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <numeric>
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

constexpr unsigned low_bits(int bits) { return (1U << bits) - 1U; }

}  // namespace

RowActivity::RowActivity(std::vector<CodeMatrix<std::uint8_t>> bytes, int vectors, int bits)
    : bytes_(std::move(bytes)),
      bytes_each_(static_cast<std::size_t>((bits + 7) / 8)),
      vectors_(vectors),
      bits_(bits) {
  if (bits < 1 || bits > kMostInputBits)
    throw std::invalid_argument("input bits must be 1 to " + std::to_string(kMostInputBits));
  if (bytes_.empty()) throw std::invalid_argument("the trace has no image");
  if (bytes_.size() % bytes_each_ != 0)
    throw std::invalid_argument("codes of " + std::to_string(bits) + " bits need " +
                                std::to_string(bytes_each_) + " bytes an image");
  const std::size_t rows = bytes_.front().rows;
  for (const auto& matrix : bytes_) {
    if (matrix.rows != rows) throw std::invalid_argument("images of a trace differ in their rows");
    if (matrix.cols < static_cast<std::size_t>(vectors))
      throw std::invalid_argument("the trace has " + std::to_string(matrix.cols) +
                                  " vectors, not " + std::to_string(vectors));
  }
  active_before_.assign(rows + 1, 0);
  for (std::size_t r = 0; r < rows; ++r) {
    std::int64_t active = 0;
    for (std::size_t m = 0; m < bytes_.size(); ++m) {
      const std::uint8_t* codes = bytes_[m].row(r);
      const unsigned mask = low_bits(bits_of(m));
      for (int v = 0; v < vectors; ++v) active += std::popcount(codes[v] & mask);
    }
    active_before_[r + 1] = active_before_[r] + active;
  }
}

int RowActivity::bits_of(std::size_t m) const {
  return std::min(8, bits_ - 8 * static_cast<int>(m % bytes_each_));
}

std::int64_t RowActivity::count(Range rows) const {
  const auto first = static_cast<std::size_t>(rows.first);
  return active_before_[first + static_cast<std::size_t>(rows.count)] - active_before_[first];
}

double RowActivity::idle(Range rows) const {
  const auto [entry, is_new] = idle_.try_emplace({rows.first, rows.count}, 0.0);
  if (is_new) entry->second = count_idle(rows);
  return entry->second;
}

const RowHistogram& RowActivity::histogram(Range rows) const {
  const auto [entry, is_new] = histogram_.try_emplace({rows.first, rows.count});
  if (is_new) entry->second = count_active(rows);
  return entry->second;
}

double RowActivity::count_idle(Range rows) const {
  const auto vectors = static_cast<std::size_t>(vectors_);
  std::int64_t idle = 0;
  std::vector<std::uint8_t> seen(vectors);
  for (std::size_t m = 0; m < bytes_.size(); ++m) {
    std::ranges::fill(seen, std::uint8_t{0});
    for (int r = 0; r < rows.count; ++r) {
      const std::uint8_t* codes = bytes_[m].row(static_cast<std::size_t>(rows.first + r));
      for (std::size_t v = 0; v < vectors; ++v) seen[v] |= codes[v];
    }
    const int bits = bits_of(m);
    for (const std::uint8_t byte : seen) idle += bits - std::popcount(byte & low_bits(bits));
  }
  return static_cast<double>(idle) / static_cast<double>(images());
}

RowHistogram RowActivity::count_active(Range rows) const {
  const auto vectors = static_cast<std::size_t>(vectors_);
  std::vector<std::int64_t> times(static_cast<std::size_t>(rows.count) + 1, 0);
  std::vector<std::uint64_t> lanes(vectors);
  std::vector<std::uint32_t> counts(vectors * 8);
  for (std::size_t m = 0; m < bytes_.size(); ++m) {
    std::ranges::fill(counts, 0U);
    for (int r = 0; r < rows.count; ++r) {
      const std::uint8_t* codes = bytes_[m].row(static_cast<std::size_t>(rows.first + r));
      for (std::size_t v = 0; v < vectors; ++v) lanes[v] += kSpread[codes[v]];
      if (r % 255 != 254 && r + 1 != rows.count) continue;  // a lane counts to 255
      for (std::size_t v = 0; v < vectors; ++v) {
        for (std::size_t b = 0; b < 8; ++b)
          counts[v * 8 + b] += static_cast<std::uint32_t>(lanes[v] >> (8 * b) & 0xFFU);
        lanes[v] = 0;
      }
    }
    const auto bits = static_cast<std::size_t>(bits_of(m));
    for (std::size_t v = 0; v < vectors; ++v)
      for (std::size_t b = 0; b < bits; ++b) ++times[counts[v * 8 + b]];
  }
  RowHistogram mean(times.size());
  std::ranges::transform(times, mean.begin(), [&](std::int64_t n) {
    return static_cast<double>(n) / static_cast<double>(images());
  });
  return mean;
}

const RowActivity::PackedBits& RowActivity::packed(Range rows) const {
  const auto [entry, is_new] = packed_.try_emplace({rows.first, rows.count});
  PackedBits& out = entry->second;
  if (!is_new) return out;
  const auto vectors = static_cast<std::size_t>(vectors_);
  out.bytes_each = (static_cast<std::size_t>(rows.count) + 7) / 8;
  PackedBits given = out;
  given.active.assign(images() * vectors * static_cast<std::size_t>(bits_), 0);
  given.bytes.assign(given.active.size() * out.bytes_each, 0);
  std::size_t first = 0;  // bit-vector of the matrix
  for (std::size_t m = 0; m < bytes_.size(); ++m) {
    const auto bits = static_cast<std::size_t>(bits_of(m));
    for (std::size_t r = 0; r < static_cast<std::size_t>(rows.count); ++r) {
      const std::uint8_t* codes = bytes_[m].row(static_cast<std::size_t>(rows.first) + r);
      for (std::size_t v = 0; v < vectors; ++v) {
        for (std::size_t b = 0; b < bits; ++b) {
          const std::size_t n = first + v * bits + b;
          const unsigned bit = codes[v] >> b & 1U;
          given.bytes[n * out.bytes_each + r / 8] |= static_cast<std::uint8_t>(bit << (r % 8));
          given.active[n] += static_cast<int>(bit);
        }
      }
    }
    first += vectors * bits;
  }
  // Sorted by counting: where the bit-vectors with a number of active rows begin.
  std::vector<std::size_t> next(static_cast<std::size_t>(rows.count) + 2, 0);
  for (const std::int32_t active : given.active) ++next[static_cast<std::size_t>(active) + 1];
  std::partial_sum(next.begin(), next.end(), next.begin());
  out.active.resize(given.active.size());
  out.bytes.resize(given.bytes.size());
  for (std::size_t n = 0; n < given.active.size(); ++n) {
    const std::size_t to = next[static_cast<std::size_t>(given.active[n])]++;
    out.active[to] = given.active[n];
    std::copy_n(given.bytes.data() + n * out.bytes_each, out.bytes_each,
                out.bytes.data() + to * out.bytes_each);
  }
  return out;
}

}  // namespace cimsim
