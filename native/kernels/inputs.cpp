#include "kernels/inputs.hpp"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include <algorithm>
#include <bit>
#include <cmath>
#include <numeric>

namespace cimsim::kernels {

namespace {

// Bit `bit` of 64 values as one word; value k is bit k.
uint64_t gather_bits(const uint16_t* values, int bit) {
  uint64_t word = 0;
#if defined(__SSE2__)
  const __m128i count = _mm_cvtsi32_si128(15 - bit);
  for (int k = 0; k < 64; k += 16) {
    const auto* from = reinterpret_cast<const __m128i*>(values + k);
    // The bit moves to the sign, which signed saturation keeps.
    const __m128i low = _mm_sll_epi16(_mm_loadu_si128(from), count);
    const __m128i high = _mm_sll_epi16(_mm_loadu_si128(from + 1), count);
    const int signs = _mm_movemask_epi8(_mm_packs_epi16(low, high));
    word |= static_cast<uint64_t>(static_cast<unsigned>(signs)) << k;
  }
#else
  for (int k = 0; k < 64; ++k) word |= uint64_t{(values[k] >> bit) & 1U} << k;
#endif
  return word;
}

}  // namespace

// Adds the list of a plane, and its bits.
void PackedInputs::append_plane(const uint16_t* values, int rows, int bit, bool keep_bits) {
  for (int k = 0; k < words_; ++k) {
    plane_[static_cast<std::size_t>(k)] = gather_bits(values + 64 * k, bit);
  }
  if (keep_bits) bits_.insert(bits_.end(), plane_.begin(), plane_.begin() + words_);
  const std::size_t start = entries_.size();
  entries_.resize(start + static_cast<std::size_t>(capacity_));
  uint16_t* list = entries_.data() + start;
  int length = 0;
  const int parts = (rows + kRowsPerEntry - 1) / kRowsPerEntry;
  for (int part = 0; part < parts; ++part) {
    const int row = kRowsPerEntry * part;
    uint64_t subset = plane_[static_cast<std::size_t>(row / 64)] >> (row % 64);
    if (row % 64 > 64 - kRowsPerEntry) {
      subset |= plane_[static_cast<std::size_t>(row / 64) + 1] << (64 - row % 64);
    }
    subset &= kSubsets - 1;
    list[length] = static_cast<uint16_t>(kSubsets * part + static_cast<int>(subset));
    length += subset != 0;
  }
  while (length % kEntriesAtOnce != 0) list[length++] = 0;  // table row 0 is the empty subset
  lengths_.push_back(static_cast<uint16_t>(length));
}

int64_t PackedInputs::sum_of_squares(const InputShape& shape, int cycle, int rows) {
  if (shape.dac_bits == 1) {  // the squares of 0 and 1; plane_ holds the read
    return std::accumulate(plane_.begin(), plane_.begin() + words_, int64_t{0},
                           [](int64_t sum, uint64_t word) { return sum + std::popcount(word); });
  }
  const unsigned mask = (1U << shape.dac_bits) - 1U;
  int64_t sum = 0;
  for (std::size_t row = 0; row < static_cast<std::size_t>(rows); ++row) {
    const unsigned digit = (codes_[row] >> (cycle * shape.dac_bits)) & mask;
    squares_[row] = static_cast<uint16_t>(digit * digit);
    sum += squares_[row];
  }
  return sum;
}

// Adds the read of the current vector in one input cycle.
void PackedInputs::pack_read(const InputShape& shape, int cycle, int rows, const double* reference,
                             double rho) {
  const int shift = cycle * shape.dac_bits;
  for (int b = 0; b < shape.dac_bits; ++b) append_plane(codes_.data(), rows, shift + b, b == 0);
  square_sum_.push_back(static_cast<float>(sum_of_squares(shape, cycle, rows)));
  if (shape.squares) {
    for (int b = 0; b < 2 * shape.dac_bits; ++b) append_plane(squares_.data(), rows, b, false);
  }
  double power = 0.0;
  if (reference != nullptr) {
    const unsigned mask = (1U << shape.dac_bits) - 1U;
    for (int row = 0; row < rows; ++row) {
      const unsigned digit = (codes_[static_cast<std::size_t>(row)] >> shift) & mask;
      const double part = digit * reference[row];
      power += part * part;
    }
  }
  deviation_.push_back(static_cast<float>(rho * std::sqrt(power)));
}

GroupInputs PackedInputs::pack(const InputShape& shape, const uint16_t* codes, int64_t stride,
                               int vectors, int rows, const double* reference, double rho) {
  const int parts = (rows + kRowsPerEntry - 1) / kRowsPerEntry;
  capacity_ = (parts + kEntriesAtOnce - 1) / kEntriesAtOnce * kEntriesAtOnce;
  words_ = (rows + 63) / 64;
  const auto padded = static_cast<std::size_t>(64 * words_);
  codes_.assign(padded, 0);
  squares_.assign(padded, 0);
  plane_.assign(static_cast<std::size_t>(words_) + 1, 0);
  entries_.clear();
  lengths_.clear();
  bits_.clear();
  first_read_.assign(1, 0);
  cycle_.clear();
  square_sum_.clear();
  deviation_.clear();

  const unsigned mask = (1U << shape.dac_bits) - 1U;
  for (int m = 0; m < vectors; ++m) {
    std::copy_n(codes + m * stride, rows, codes_.begin());
    unsigned used = 0;
    for (const uint16_t code : codes_) used |= code;
    for (int cycle = 0; cycle < shape.cycles; ++cycle) {
      if (((used >> (cycle * shape.dac_bits)) & mask) == 0 && !shape.silent_reads) continue;
      pack_read(shape, cycle, rows, reference, rho);
      cycle_.push_back(static_cast<uint8_t>(cycle));
    }
    first_read_.push_back(static_cast<int32_t>(cycle_.size()));
  }
  GroupInputs inputs;
  inputs.reads = static_cast<int>(cycle_.size());
  inputs.planes = shape.dac_bits * (shape.squares ? 3 : 1);
  inputs.capacity = capacity_;
  inputs.words = words_;
  inputs.entries = entries_.data();
  inputs.lengths = lengths_.data();
  inputs.bits = bits_.data();
  inputs.first_read = first_read_.data();
  inputs.cycle = cycle_.data();
  inputs.square_sum = square_sum_.data();
  inputs.reference_deviation = deviation_.data();
  return inputs;
}

}  // namespace cimsim::kernels
