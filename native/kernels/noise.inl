// Normal numbers of read noise: 16-bit draws and the means of their shares of the distribution.
// Included inside the namespace of one instruction set, after simd.inl. cimsim/arrays/random.py
// says which draw belongs to which read.

using Shorts = Vector<int16_t>;
constexpr int kShorts = CIMSIM_VECTOR_BYTES / 2;

constexpr int kDrawColumns = 32;  // of a batch of draws

// What all draws of one vector have in common.
struct DrawKey {
  uint32_t seed = 0;
  uint32_t layer = 0;
  uint64_t vector = 0;
};

inline uint32_t role_word(uint32_t role, uint64_t vector) {
  return role + static_cast<uint32_t>((vector >> 32) << 8);
}

// Third word of the counter for a read of a job.
inline uint32_t read_number(const ReadNames& names, uint32_t group, uint32_t read, uint32_t slice) {
  return (group * names.all_reads + names.first_read + read) * names.all_slices +
         names.first_slice + slice;
}

// The same for the read noise of reads 4 * set to 4 * set + 3.
inline uint32_t set_number(const ReadNames& names, uint32_t group, uint32_t set, uint32_t slice) {
  return (group * ((names.all_reads + 3) / 4) + names.first_read / 4 + set) * names.all_slices +
         names.first_slice + slice;
}

// Philox words of the counters (first[k], vector, third[k], role), k from `from` on.
template <int kStates>
inline void draw_blocks(const DrawKey& key, uint32_t role, const uint64_t* first,
                        const uint64_t* third, int from, uint8_t* out, int stride) {
  using Halves [[gnu::vector_size(CIMSIM_VECTOR_BYTES / 2)]] = uint32_t;
  Longs x[kStates][4];
  for (int s = 0; s < kStates; ++s) {
    x[s][0] = load<Longs>(first + from + s * kLongs);
    x[s][1] = splat<Longs>(key.vector & 0xFFFFFFFFU);
    x[s][2] = load<Longs>(third + from + s * kLongs);
    x[s][3] = splat<Longs>(uint64_t{role_word(role, key.vector)});
  }
  philox_rounds<kReadNoiseRounds, kStates>(x, key.seed, key.layer);
  for (int s = 0; s < kStates; ++s) {
    for (int w = 0; w < 4; ++w) {
      store(out + w * stride + 4 * (from + s * kLongs), __builtin_convertvector(x[s][w], Halves));
    }
  }
}

// Bytes of `count` blocks, a multiple of kBlocksAtOnce: byte b of word w of block k is
// out[w * stride + 4 * k + b].
constexpr int kBlocksAtOnce = 8;
inline void draw_bytes(const DrawKey& key, uint32_t role, const uint64_t* first,
                       const uint64_t* third, int count, uint8_t* out, int stride) {
  int k = 0;
  if constexpr (kLongs > 2) {  // two side by side, to hide the latency of the products
    for (; k + 2 * kLongs <= count; k += 2 * kLongs) {
      draw_blocks<2>(key, role, first, third, k, out, stride);
    }
  }
  for (; k < count; k += kLongs) draw_blocks<1>(key, role, first, third, k, out, stride);
}

// Draws [read][kColumns] of all reads, and one more if their number is odd, for the columns from
// first_column on, a multiple of 4.
template <int kColumns>
inline void draw_halves(const ReadNoiseName& name, int first_column, uint16_t* draws) {
  constexpr int units = kColumns / 4;
  constexpr int stride = kMaxSets * kColumns;
  const int used = name.reads > 4 ? kMaxSets : 1;
  const int blocks = (used * units + kBlocksAtOnce - 1) / kBlocksAtOnce * kBlocksAtOnce;
  static_assert(kMaxSets * units % kBlocksAtOnce == 0);
  static_assert(kColumns % 16 == 0);  // two reads are whole batches of 32
  alignas(64) uint64_t first[kMaxSets * units];
  alignas(64) uint64_t third[kMaxSets * units];
  for (int k = 0; k < blocks; ++k) {
    first[k] = static_cast<uint64_t>(first_column / 4 + k % units);
    third[k] = set_number(name.names, name.group, static_cast<uint32_t>(k / units), name.slice);
  }
  alignas(64) uint8_t high[4 * stride];
  alignas(64) uint8_t low[4 * stride];
  const DrawKey key{name.seed, name.layer, name.vector};
  draw_bytes(key, kRoleReadNoise, first, third, blocks, high, stride);
  draw_bytes(key, kRoleReadNoiseLow, first, third, blocks, low, stride);
  const int drawn = (name.reads + 1) / 2 * 2;  // whole batches of 32, for numbers_of_draws
  for (int i = 0; i < drawn; ++i) {
    const int at = i % 4 * stride + i / 4 * kColumns;
    for (int c = 0; c < kColumns; ++c) {
      draws[i * kColumns + c] = static_cast<uint16_t>(high[at + c] << 8 | low[at + c]);
    }
  }
}

// (a * b + 2^14) >> 15, as the instruction pmulhrsw has it.
constexpr int16_t multiply_round(int16_t a, int16_t b) {
  return static_cast<int16_t>((static_cast<int32_t>(a) * b + 0x4000) >> 15);
}

// Number, times kDrawScale, of a draw that is not one of the two outermost ones.
constexpr int16_t number_of_draw(uint16_t draw) {
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

// The same of one of the outermost ones, which 16 more bits divide; `word` and `byte` are its place
// in the block (first, vector, third).
inline int16_t number_of_tail(const DrawKey& key, uint64_t first, uint64_t third, int word,
                              int byte, uint16_t draw) {
  uint32_t bits = draw;
  for (uint32_t role = kRoleReadNoiseTail; role <= kRoleReadNoiseTailLow; ++role) {
    Longs x[1][4] = {{splat<Longs>(first), splat<Longs>(key.vector & 0xFFFFFFFFU),
                      splat<Longs>(third), splat<Longs>(uint64_t{role_word(role, key.vector)})}};
    philox_rounds<kReadNoiseRounds, 1>(x, key.seed, key.layer);
    bits = bits << 8 | (static_cast<uint32_t>(x[0][word][0]) >> (8 * byte) & 0xFFU);
  }
  const float number = normal_of_word(bits) * float{kDrawScale};
  return static_cast<int16_t>(number + (number < 0.0F ? -0.5F : 0.5F));
}

inline bool is_outermost(uint16_t draw) { return draw == 0 || draw == 0xFFFFU; }

#if defined(CIMSIM_AVX512)
inline __m512i entry_of_64(const int16_t* table, __m512i index) {
  return _mm512_permutex2var_epi16(_mm512_load_si512(table), index, _mm512_load_si512(table + 32));
}

// Numbers of 32 draws; the outermost ones are reported, and their numbers mean nothing.
inline __m512i numbers_of_32(__m512i draw, uint32_t& outermost) {
  const __m512i upper = _mm512_srai_epi16(draw, 15);
  const __m512i v = _mm512_xor_si512(draw, upper);
  const __mmask32 tail = _mm512_cmplt_epi16_mask(v, _mm512_set1_epi16(1024));
  __m512i segment = _mm512_or_si512(_mm512_srli_epi16(v, 10), _mm512_set1_epi16(32));
  segment = _mm512_mask_srli_epi16(segment, tail, v, 5);
  __m512i x = _mm512_mask_slli_epi16(_mm512_slli_epi16(v, 6), tail, v, 11);
  x = _mm512_xor_si512(x, _mm512_set1_epi16(static_cast<int16_t>(0x8000)));
  outermost = _mm512_testn_epi16_mask(v, v);
  __m512i size = _mm512_mulhrs_epi16(x, entry_of_64(kDraw3, segment));
  size = _mm512_mulhrs_epi16(x, _mm512_add_epi16(size, entry_of_64(kDraw2, segment)));
  size = _mm512_mulhrs_epi16(x, _mm512_add_epi16(size, entry_of_64(kDraw1, segment)));
  size = _mm512_add_epi16(size, entry_of_64(kDraw0, segment));
  const __mmask32 far = _mm512_cmplt_epi16_mask(v, _mm512_set1_epi16(32));
  size = _mm512_mask_permutexvar_epi16(size, far, v, _mm512_load_si512(kFarDraws));
  // size where upper is -1, -size where it is 0
  return _mm512_sub_epi16(upper, _mm512_xor_si512(upper, size));
}
#endif

// Numbers, times kDrawScale, of 32 draws; `tail(k)` gives that of draw k, an outermost one.
template <class Tail>
inline void numbers_of_draws(const uint16_t* draws, int16_t* numbers, const Tail& tail) {
#if defined(CIMSIM_AVX512)
  uint32_t outermost = 0;
  _mm512_storeu_si512(numbers, numbers_of_32(_mm512_loadu_si512(draws), outermost));
  for (; outermost != 0; outermost &= outermost - 1) [[unlikely]] {
    const int k = __builtin_ctz(outermost);
    numbers[k] = tail(k);
  }
#else
  for (int k = 0; k < 32; ++k) {
    numbers[k] = is_outermost(draws[k]) ? tail(k) : number_of_draw(draws[k]);
  }
#endif
}

// The same of the draws [read][kColumns] of draw_halves, in whole batches of 32.
template <int kColumns>
inline void numbers_of_draws(const ReadNoiseName& name, int first_column, const uint16_t* draws,
                             int16_t* numbers) {
  const DrawKey key{name.seed, name.layer, name.vector};
  for (int start = 0; start < name.reads * kColumns; start += 32) {
    numbers_of_draws(draws + start, numbers + start, [&](int k) {
      const int read = (start + k) / kColumns;
      const int column = first_column + (start + k) % kColumns;
      const uint64_t third =
          set_number(name.names, name.group, static_cast<uint32_t>(read / 4), name.slice);
      return number_of_tail(key, static_cast<uint64_t>(column / 4), third, read % 4, column % 4,
                            draws[start + k]);
    });
  }
}
