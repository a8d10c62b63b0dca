// Normal numbers of read noise: 16-bit draws and the means of their shares of the distribution.
// Included inside the namespace of one instruction set, after simd.inl. cimsim/arrays/random.py
// says which draw belongs to which read.

using Shorts = Vector<int16_t>;
constexpr int kShorts = CIMSIM_VECTOR_BYTES / 2;

constexpr int kDrawColumns = 32;                          // of a batch of draws
constexpr int kBatchDraws = kMaxReads * kDrawColumns;     // [read][column]

// Third word of the counter for reads 2 * pair and 2 * pair + 1.
inline uint32_t pair_number(const ReadNoiseName& name, int pair) {
  const uint32_t pairs = static_cast<uint32_t>(name.reads + 1) / 2;
  return (name.group * pairs + static_cast<uint32_t>(pair)) * name.slices + name.slice;
}

inline uint32_t role_word(uint32_t role, uint64_t vector) {
  return role + static_cast<uint32_t>((vector >> 32) << 8);
}

// Draws [read][kDrawColumns] of all reads for the columns from first_column on, a multiple of 4.
inline void draw_halves(const ReadNoiseName& name, int first_column, uint16_t* draws) {
  Longs lanes{};
  for (int lane = 0; lane < kLongs; ++lane) lanes[lane] = static_cast<uint64_t>(lane);
  constexpr int states = kLongs > 2 ? kLongs / 2 : 1;  // side by side, to hide the latency of the products
  for (int pair = 0; 2 * pair < name.reads; pair += states) {
    for (int block = 0; block < kDrawColumns / 4; block += kLongs) {
      Longs x[states][4];
      for (int s = 0; s < states; ++s) {
        x[s][0] = lanes + static_cast<uint64_t>(first_column / 4 + block);
        x[s][1] = splat<Longs>(name.vector & 0xFFFFFFFFU);
        x[s][2] = splat<Longs>(uint64_t{pair_number(name, pair + s)});
        x[s][3] = splat<Longs>(uint64_t{role_word(kRoleReadNoise, name.vector)});
      }
      philox_rounds<states>(x, name.seed, name.layer);
      for (int s = 0; s < states; ++s) {
        uint16_t* even = draws + 2 * (pair + s) * kDrawColumns + 4 * block;
        store(even, join_words(x[s][0], x[s][1]));
        store(even + kDrawColumns, join_words(x[s][2], x[s][3]));
      }
    }
  }
}

// (a * b + 2^14) >> 15, as the instruction pmulhrsw has it.
inline int16_t multiply_round(int16_t a, int16_t b) {
  return static_cast<int16_t>((static_cast<int32_t>(a) * b + 0x4000) >> 15);
}

// Number, times kDrawScale, of a draw that is not one of the two outermost ones.
inline int16_t number_of_draw(uint16_t draw) {
  const bool upper = draw >= 0x8000U;
  const int v = upper ? 0xFFFF - draw : draw;
  int16_t size = kFarDraws[v & 31];
  if (v >= 32) {
    const bool tail = v < 1024;
    const int segment = tail ? v >> 5 : 32 + (v >> 10);
    const int16_t x = static_cast<int16_t>(((tail ? v << 11 : v << 6) & 0xFFFF) - 0x8000);
    size = static_cast<int16_t>(kDraw2[segment] + multiply_round(x, kDraw3[segment]));
    size = static_cast<int16_t>(kDraw1[segment] + multiply_round(x, size));
    size = static_cast<int16_t>(kDraw0[segment] + multiply_round(x, size));
  }
  return static_cast<int16_t>(upper ? size : -size);
}

// The same of any draw. The outermost shares are divided by 16 more bits.
inline int16_t number_of_draw(const ReadNoiseName& name, int first_column, int place, uint16_t draw) {
  if (draw != 0 && draw != 0xFFFFU) return number_of_draw(draw);
  const int read = place / kDrawColumns;
  const int column = first_column + place % kDrawColumns;
  Longs x[1][4] = {{splat<Longs>(static_cast<uint64_t>(column / 4)),
                    splat<Longs>(name.vector & 0xFFFFFFFFU),
                    splat<Longs>(uint64_t{pair_number(name, read / 2)}),
                    splat<Longs>(uint64_t{role_word(kRoleReadNoiseTail, name.vector)})}};
  philox_rounds<1>(x, name.seed, name.layer);
  const uint32_t word = static_cast<uint32_t>(x[0][2 * (read % 2) + column % 4 / 2][0]);
  const uint32_t low = (word >> (16 * (column % 2))) & 0xFFFFU;
  const float number = normal_of_word((uint32_t{draw} << 16) | low) * float{kDrawScale};
  return static_cast<int16_t>(number + (number < 0.0F ? -0.5F : 0.5F));
}

#if defined(CIMSIM_AVX512)
inline __m512i entry_of_64(const int16_t* table, __m512i index) {
  return _mm512_permutex2var_epi16(_mm512_load_si512(table), index, _mm512_load_si512(table + 32));
}

// Numbers of 32 draws; those below 32 or above 0xFFFF - 32 are reported and not computed.
inline __m512i numbers_of_32(__m512i draw, uint32_t& far) {
  const __m512i upper = _mm512_srai_epi16(draw, 15);
  const __m512i v = _mm512_xor_si512(draw, upper);
  const __mmask32 tail = _mm512_cmplt_epi16_mask(v, _mm512_set1_epi16(1024));
  __m512i segment = _mm512_or_si512(_mm512_srli_epi16(v, 10), _mm512_set1_epi16(32));
  segment = _mm512_mask_srli_epi16(segment, tail, v, 5);
  __m512i x = _mm512_mask_slli_epi16(_mm512_slli_epi16(v, 6), tail, v, 11);
  x = _mm512_xor_si512(x, _mm512_set1_epi16(static_cast<int16_t>(0x8000)));
  far = _mm512_cmplt_epi16_mask(v, _mm512_set1_epi16(32));
  __m512i size = _mm512_mulhrs_epi16(x, entry_of_64(kDraw3, segment));
  size = _mm512_mulhrs_epi16(x, _mm512_add_epi16(size, entry_of_64(kDraw2, segment)));
  size = _mm512_mulhrs_epi16(x, _mm512_add_epi16(size, entry_of_64(kDraw1, segment)));
  size = _mm512_add_epi16(size, entry_of_64(kDraw0, segment));
  // size where upper is -1, -size where it is 0
  return _mm512_sub_epi16(upper, _mm512_xor_si512(upper, size));
}
#endif

// Numbers, times kDrawScale, of the draws [read][kDrawColumns].
inline void numbers_of_draws(const ReadNoiseName& name, int first_column, const uint16_t* draws,
                             int16_t* numbers) {
  for (int k = 0; k < name.reads * kDrawColumns; k += kDrawColumns) {
#if defined(CIMSIM_AVX512)
    uint32_t far = 0;
    _mm512_storeu_si512(numbers + k, numbers_of_32(_mm512_loadu_si512(draws + k), far));
    while (far != 0) [[unlikely]] {
      const int place = k + __builtin_ctz(far);
      numbers[place] = number_of_draw(name, first_column, place, draws[place]);
      far &= far - 1;
    }
#else
    for (int place = k; place < k + kDrawColumns; ++place) {
      numbers[place] = number_of_draw(name, first_column, place, draws[place]);
    }
#endif
  }
}
