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

RowHistogram RowActivity::count_active(Range rows) const {
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
  PackedBits given = out;
  given.active.assign(images_.size() * vectors * bits, 0);
  given.bytes.assign(given.active.size() * out.bytes_each, 0);
  for (std::size_t image = 0; image < images_.size(); ++image) {
    for (std::size_t r = 0; r < static_cast<std::size_t>(rows.count); ++r) {
      const std::uint8_t* codes = images_[image].row(static_cast<std::size_t>(rows.first) + r);
      for (std::size_t v = 0; v < vectors; ++v) {
        for (std::size_t b = 0; b < bits; ++b) {
          const std::size_t n = (image * vectors + v) * bits + b;
          const unsigned bit = codes[v] >> b & 1U;
          given.bytes[n * out.bytes_each + r / 8] |= static_cast<std::uint8_t>(bit << (r % 8));
          given.active[n] += static_cast<int>(bit);
        }
      }
    }
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
