// Codes with read noise from the high byte of a draw alone, where that decides them. Included inside
// the namespace of one instruction set, after binary_noise.inl. See docs/simulator.md.
#if defined(CIMSIM_VBMI)

// Bounds of the sizes of the numbers of all draws with the same high byte, or 0xFF minus it, in the
// form of the tables of look_up_shorts: low bytes, then high ones.
struct DrawBounds {
  uint8_t below[2][kPlaneEntries];  // 1 less than the least size
  uint8_t most[2][kPlaneEntries];
};

constexpr DrawBounds bounds_of_draws() {
  DrawBounds bounds{};
  for (int high = 0; high < kPlaneEntries; ++high) {
    int least = 32767;
    int most = high == 0 ? 32767 : 0;  // the outermost draw stands for larger numbers than its own
    for (int low = high == 0 ? 1 : 0; low < 256; ++low) {
      const int size = -number_of_draw(static_cast<uint16_t>(high << 8 | low));
      least = size < least ? size : least;
      most = size > most ? size : most;
    }
    const auto below = static_cast<uint16_t>(least - 1);
    bounds.below[0][high] = static_cast<uint8_t>(below & 0xFF);
    bounds.below[1][high] = static_cast<uint8_t>(below >> 8);
    bounds.most[0][high] = static_cast<uint8_t>(most & 0xFF);
    bounds.most[1][high] = static_cast<uint8_t>(most >> 8);
  }
  return bounds;
}
alignas(64) constexpr DrawBounds kDrawBounds = bounds_of_draws();

// Entries of kPlaneEntries bytes by the low seven bits of each byte of the index.
inline __m512i entry_of_128(const uint8_t* table, __m512i index) {
  return _mm512_permutex2var_epi8(_mm512_load_si512(table), index, _mm512_load_si512(table + 64));
}

// 64 numbers of 16 bits: [0] has those at 0 to 7 of each 16 places, [1] the others.
struct ShortPair {
  __m512i part[2];
};

inline ShortPair join_bytes(__m512i low, __m512i high) {
  return {{_mm512_unpacklo_epi8(low, high), _mm512_unpackhi_epi8(low, high)}};
}

inline ShortPair look_up_shorts(const uint8_t* planes, __m512i index) {
  return join_bytes(entry_of_128(planes, index), entry_of_128(planes + kPlaneEntries, index));
}

struct Order {
  uint8_t byte[kStepBits];
};
constexpr Order order() {
  Order rising{};
  for (int k = 0; k < kStepBits; ++k) rising.byte[k] = static_cast<uint8_t>(k);
  return rising;
}

// Least and largest number of the draws with these high bytes.
inline void bounds_of(__m512i high, ShortPair& least, ShortPair& most) {
  const __m512i upper = _mm512_movm_epi8(_mm512_movepi8_mask(high));
  const __m512i index = _mm512_xor_si512(high, upper);
  __m512i bound[2][2];
  for (int plane = 0; plane < 2; ++plane) {
    const __m512i below = entry_of_128(kDrawBounds.below[plane], index);
    const __m512i largest = entry_of_128(kDrawBounds.most[plane], index);
    // upper ? below : ~largest, and upper ? largest : ~below, where ~x = -x - 1
    bound[0][plane] = _mm512_ternarylogic_epi64(upper, below, largest, 0xC5);
    bound[1][plane] = _mm512_ternarylogic_epi64(upper, below, largest, 0xA3);
  }
  least = join_bytes(bound[0][0], bound[0][1]);
  most = join_bytes(bound[1][0], bound[1][1]);
}

// Appends first + k for each set bit k; returns their number. Writes whole vectors.
inline int note_places(__mmask64 doubtful, int first, uint16_t* places) {
  alignas(64) static constexpr Order kOrder = order();
  const __m512i found = _mm512_maskz_compress_epi8(doubtful, _mm512_load_si512(kOrder.byte));
  const __m512i added = _mm512_set1_epi16(static_cast<short>(first));
  const __m512i low = _mm512_cvtepu8_epi16(_mm512_castsi512_si256(found));
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(places),
                      _mm512_castsi512_si256(_mm512_add_epi16(low, added)));
  const int count = __builtin_popcountll(doubtful);
  if (count > 16) [[unlikely]] {
    const __m512i high = _mm512_cvtepu8_epi16(_mm512_extracti64x4_epi64(found, 1));
    _mm512_storeu_si512(places, _mm512_add_epi16(low, added));
    _mm512_storeu_si512(places + 32, _mm512_add_epi16(high, added));
  }
  return count;
}

// Codes of one read at kStepBits places; returns how many are doubtful.
//
// The code is a rising function of deviation * number + rest + reference noise. With the least and
// the largest number, each sum rounded down to 2^16 and the higher one raised by what rounding may
// have taken away, it lies between two codes; where they are the same, it is that one.
template <bool kTables>
inline int convert_by_high_byte(const BinaryJob& job, const BinaryWork& w, const uint8_t* deviations,
                                int32_t common, int first, uint16_t* places) {
  constexpr int lost = kTables ? 2 : 1;  // sums of three (two) terms that are rounded down
  const __m512i sum = _mm512_loadu_si512(w.counts + first);
  const __m128i bits = _mm_cvtsi32_si128(job.noise_bits - 16);
  ShortPair least{};
  ShortPair most{};
  bounds_of(_mm512_loadu_si512(w.high + first), least, most);
  const ShortPair deviation = look_up_shorts(deviations, sum);
  const int half = kTables ? 0 : 1 << (job.noise_bits - 17);
  const __m512i added = _mm512_set1_epi16(static_cast<short>((common >> 16) + half));
  const __m512i raised = _mm512_set1_epi16(static_cast<short>((common >> 16) + half + lost));
  ShortPair rest{};
  if constexpr (kTables) rest = look_up_shorts(job.rest_planes, sum);
  ShortPair code{};
  __m512i differ[2];
  const __m512i whole = _mm512_set1_epi16(static_cast<short>(-1 << (job.noise_bits - 16)));
#pragma GCC unroll 2
  for (int k = 0; k < 2; ++k) {
    __m512i low = _mm512_add_epi16(_mm512_mulhi_epi16(deviation.part[k], least.part[k]), added);
    __m512i top = _mm512_add_epi16(_mm512_mulhi_epi16(deviation.part[k], most.part[k]), raised);
    if constexpr (kTables) {
      const __m512i term =
          _mm512_sra_epi16(rest.part[k], _mm_cvtsi32_si128(30 - job.noise_bits));
      low = _mm512_add_epi16(low, term);
      top = _mm512_add_epi16(top, term);
    }
    code.part[k] = _mm512_sra_epi16(low, bits);
    differ[k] = _mm512_ternarylogic_epi64(low, top, whole, 0x28);  // (low ^ top) & whole
  }
  __m512i limited;
  if constexpr (kTables) {
    const ShortPair base = look_up_shorts(job.code_planes, sum);
    limited = _mm512_min_epu8(_mm512_packus_epi16(_mm512_add_epi16(base.part[0], code.part[0]),
                                                  _mm512_add_epi16(base.part[1], code.part[1])),
                              _mm512_set1_epi8(static_cast<char>(job.adc_top)));
  } else {  // in signed bytes, as distance from 128: sums end at 0 and 255
    const __m512i middle = _mm512_set1_epi8(static_cast<char>(0x80));
    const __m512i distance = _mm512_adds_epi8(_mm512_xor_si512(sum, middle),
                                              _mm512_packs_epi16(code.part[0], code.part[1]));
    const __m512i top = _mm512_set1_epi8(static_cast<char>(job.adc_top ^ 0x80));
    limited = _mm512_xor_si512(_mm512_min_epi8(distance, top), middle);
  }
  _mm512_storeu_si512(w.codes + first, limited);
  // The planes do not have sums from kPlaneEntries on: packed | (sum & kPlaneEntries).
  const __m512i large = _mm512_set1_epi8(static_cast<char>(kPlaneEntries));
  const __m512i doubtful = _mm512_ternarylogic_epi64(_mm512_packs_epi16(differ[0], differ[1]), sum,
                                                     large, 0xF8);
  return note_places(_mm512_test_epi8_mask(doubtful, doubtful), first, places);
}

// The doubtful codes of one vector and block, from all bits.
template <bool kTables>
inline void convert_doubtful(const BinaryJob& job, const BinaryWork& w, int vector, int count) {
  constexpr int batch = 256;
  alignas(64) uint64_t first[batch];
  alignas(64) uint64_t third[batch];
  alignas(64) uint8_t low[4 * 4 * batch];
  alignas(64) uint16_t draws[batch + 32];
  alignas(64) int16_t numbers[batch + 32];
  const int16_t* deviations[kMaxReads];
  for (int i = 0; i < job.reads; ++i) {
    const int active = w.active[int64_t{vector} * job.reads + i];
    deviations[i] = job.deviations + active * job.deviation_stride;
  }
  const DrawKey key = draw_key(job, vector);
  const int top = job.adc_top;
  const int bits = job.noise_bits;
  for (int start = 0; start < count; start += batch) {
    const uint16_t* places = w.doubtful + start;
    const int used = count - start < batch ? count - start : batch;
    const int rounded = (used + kBlocksAtOnce - 1) / kBlocksAtOnce * kBlocksAtOnce;
    for (int k = 0; k < rounded; ++k) {
      const unsigned place = places[k < used ? k : 0];
      const unsigned counter =
          place / (4 * kBlockBits) * kBlockUnits + place % kBlockBits / kDrawUnit;
      first[k] = w.first[counter];
      third[k] = w.third[counter];
    }
    draw_bytes(key, kRoleReadNoiseLow, first, third, rounded, low, 4 * batch);
    store(draws + used, splat<Shorts>(int16_t{1}));  // any one that is not outermost
    for (int k = 0; k < used; ++k) {
      const unsigned place = places[k];
      const unsigned at = place / kBlockBits % 4 * (4 * batch) + place % kDrawUnit;
      draws[k] = static_cast<uint16_t>(w.high[place] << 8 | low[at + 4 * k]);
    }
    for (int from = 0; from < used; from += 32) {
      numbers_of_draws(draws + from, numbers + from, [&](int k) {
        const unsigned place = places[from + k];
        return number_of_tail(key, first[from + k], third[from + k],
                              static_cast<int>(place / kBlockBits % 4),
                              static_cast<int>(place % kDrawUnit), draws[from + k]);
      });
    }
    for (int k = 0; k < used; ++k) {
      const unsigned place = places[k];
      const unsigned sum = w.counts[place];
      int noise = deviations[place / kBlockBits][sum] * numbers[k] + w.common[place / kStepBits];
      int code = static_cast<int>(sum);
      if constexpr (kTables) {
        noise += job.rests[sum] << (bits - 14);
        code = job.codes_of_sums[sum];
      } else {
        noise += 1 << (bits - 1);
      }
      code += noise >> bits;
      code = code < 0 ? 0 : code;
      w.codes[place] = static_cast<uint8_t>(code < top ? code : top);
    }
  }
}

// As convert_noisy, with the low bytes of those draws only whose high byte leaves two codes.
template <bool kTables>
inline void convert_most(const BinaryJob& job, const BinaryWork& w, int vector, int positions) {
  draw_block(job, w, vector, positions, kRoleReadNoise, w.high);
  int doubtful = 0;
  for (int i = 0; i < job.reads; ++i) {
    const int active = w.active[int64_t{vector} * job.reads + i];
    const int row = job.deviation_stride == 0 ? 0 : active;
    const uint8_t* deviations = job.deviation_planes + row * 2 * kPlaneEntries;
    for (int p = 0; p < positions; p += kStepBits) {
      const int place = i * kBlockBits + p;
      if (active == 0) {
        __builtin_memset(w.codes + place, 0, kStepBits);
        continue;
      }
      doubtful += convert_by_high_byte<kTables>(job, w, deviations, w.common[place / kStepBits],
                                                place, w.doubtful + doubtful);
    }
  }
  convert_doubtful<kTables>(job, w, vector, doubtful);
}
#endif
