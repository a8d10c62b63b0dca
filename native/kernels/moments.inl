// Moments of the positions of on cells, inside the namespace of an instruction set.

namespace {

constexpr int kWordVectors = kConductanceColumns / kLanes;  // that hold a word a column

// Adds kLongs words to as many counts.
inline void add_longs(int64_t* counts, const int32_t* words) {
#if defined(CIMSIM_AVX512)
  const __m512i more = _mm512_cvtepi32_epi64(_mm256_loadu_si256((const __m256i*)words));
  _mm512_storeu_si512(counts, _mm512_add_epi64(_mm512_loadu_si512(counts), more));
#elif defined(CIMSIM_AVX2)
  const __m256i more = _mm256_cvtepi32_epi64(_mm_loadu_si128((const __m128i*)words));
  const __m256i before = _mm256_loadu_si256((const __m256i*)counts);
  _mm256_storeu_si256((__m256i*)counts, _mm256_add_epi64(before, more));
#else
  for (int k = 0; k < kLongs; ++k) counts[k] += words[k];
#endif
}

// Lanes of `bits` (bit j for lane j) as masks.
template <class V>
inline V lane_masks(uint32_t bits) {
  V lane{};
  for (unsigned j = 0; j < sizeof(V) / sizeof(lane[0]); ++j) lane[j] = uint32_t{1} << j;
  return (V)((lane & bits) != 0);
}

void fill_moment_sums(const MomentCells& cells) {
  constexpr int kColumns = kConductanceColumns;
  for (int64_t g = 0; g < cells.groups; ++g) {
    uint32_t* group = cells.sums + g * 16 * kColumns;
    for (int w = 0; w < kColumns; w += kLanes) store(group + w, Words{});
    for (int64_t r = 0; r < 4; ++r) {
      const int64_t row = g * 4 + r;
      const bool present = row < cells.rows;
      const uint32_t on = present ? cells.on[row] : 0, word = present ? cells.word[row] : 0;
      // Subsets with this row as their last: those of the rows before, plus it.
      const uint32_t* from = group;
      uint32_t* to = group + (kColumns << r);
      for (int w = 0; w < kColumns; w += kLanes) {
        const Words here = lane_masks<Words>(on >> w) & word;
        for (int64_t subset = 0; subset < kColumns << r; subset += kColumns)
          store(to + subset + w, load<Words>(from + subset + w) + here);
      }
      if (!present) continue;
      int64_t* on_at = cells.on_at + (cells.rows - 1 - row) * kColumns;
      const auto active = static_cast<uint64_t>(cells.active[row]);
      for (int j = 0; j < kColumns; j += kLongs)
        store(on_at + j, load<Longs>(on_at + j) + (lane_masks<Longs>(on >> j) & active));
    }
  }
}

// Sum of the table's words over the active rows, for all columns of the slice.
inline void sum_words(const MomentJob& job, const uint8_t* bits, Words (&sums)[kWordVectors]) {
  constexpr uint32_t kSubset = 15 * kConductanceColumns;
  Words even[kWordVectors] = {}, odd[kWordVectors] = {};
  const uint32_t* low = job.sums;
  const uint32_t* high = job.sums + 16 * kConductanceColumns;
  for (int64_t b = 0; b < job.bytes; ++b) {
    const uint32_t byte = bits[b];
    const uint32_t first = byte * kConductanceColumns & kSubset;
    const uint32_t second = byte * (kConductanceColumns / 16) & kSubset;
    for (int w = 0; w < kWordVectors; ++w) even[w] += load<Words>(low + first + w * kLanes);
    for (int w = 0; w < kWordVectors; ++w) odd[w] += load<Words>(high + second + w * kLanes);
    low += 32 * kConductanceColumns;
    high += 32 * kConductanceColumns;
  }
  for (int w = 0; w < kWordVectors; ++w) sums[w] = even[w] + odd[w];
}

void count_moments(const MomentJob& job) {
  constexpr int kColumns = kConductanceColumns;
  const uint32_t positions = (uint32_t{1} << job.position_bits) - 1;
  const uint32_t squares = (uint32_t{1} << job.square_bits) - 1;
  for (int64_t n = 0; n < job.vectors; ++n) {
    const int64_t active = job.active[n];
    if (active == 0) {
      for (int j = 0; j < job.columns; ++j) job.table[j * kMoments + kSensings] += 1;
      continue;
    }
    Words sums[kWordVectors];
    sum_words(job, job.bits + n * job.bytes, sums);
    uint32_t words[kColumns];
    __builtin_memcpy(words, sums, sizeof words);
    const int32_t all = job.position[n], all_square = job.square[n];
    int32_t seen[kColumns][kMoments], bins[kColumns];
    for (int j = 0; j < kColumns; ++j) {
      const uint32_t word = words[j] + job.bias;
      const auto on = static_cast<int32_t>(word & positions) - static_cast<int32_t>(job.bias);
      seen[j][kSensings] = 1;
      seen[j][kOnPosition] = on;
      seen[j][kAllPosition] = all;
      seen[j][kOnSquare] = static_cast<int32_t>(word >> job.position_bits & squares);
      seen[j][kAllSquare] = all_square;
      seen[j][kOnOn] = on * on;
      seen[j][kOnAll] = on * all;
      seen[j][kAllAll] = all * all;
      bins[j] = static_cast<int32_t>(word >> (job.position_bits + job.square_bits)) * kColumns + j;
    }
    int64_t* bin = job.table + active * (active + 1) / 2 * kColumns * kMoments;
    for (int j = 0; j < job.columns; ++j) {
      int64_t* at = bin + bins[j] * kMoments;
      for (int k = 0; k < kMoments; k += kLongs) add_longs(at + k, &seen[j][k]);
    }
  }
}

}  // namespace
