// Normal numbers of reads from a counter: ChaCha8 and the inverse distribution of 16-bit draws.
// Included inside the namespace of one instruction set, after simd.inl. docs/simulator.md says which
// draw belongs to which read.

using Shorts = Vector<int16_t>;
constexpr int kShorts = CIMSIM_VECTOR_BYTES / 2;

inline Words rotate(Words x, int bits) {
#if defined(CIMSIM_AVX512)
  return (Words)_mm512_rolv_epi32((__m512i)x, _mm512_set1_epi32(bits));
#else
  return (x << bits) | (x >> (32 - bits));
#endif
}
inline uint32_t rotate(uint32_t x, int bits) { return (x << bits) | (x >> (32 - bits)); }

template <class W>
inline void quarter_round(W& a, W& b, W& c, W& d) {
  a += b;
  d = rotate(d ^ a, 16);
  c += d;
  b = rotate(b ^ c, 12);
  a += b;
  d = rotate(d ^ a, 8);
  c += d;
  b = rotate(b ^ c, 7);
}

// The block function of ChaCha with eight rounds (Bernstein, "ChaCha, a variant of Salsa20", 2008):
// key (seed, layer, role, 0, 0, 0, 0, 0) and the last four words of the state as the counter.
template <class W>
inline void chacha8(uint32_t seed, uint32_t layer, uint32_t role, const W (&counter)[4],
                    W (&out)[16]) {
  const uint32_t fixed[12] = {0x61707865U, 0x3320646EU, 0x79622D32U, 0x6B206574U,
                              seed,        layer,       role,        0,
                              0,           0,           0,           0};
  W x[16];
#pragma GCC unroll 12
  for (int k = 0; k < 12; ++k) x[k] = W{} + fixed[k];
#pragma GCC unroll 4
  for (int k = 0; k < 4; ++k) x[12 + k] = counter[k];
#pragma GCC unroll 4
  for (int round = 0; round < 4; ++round) {
    quarter_round(x[0], x[4], x[8], x[12]);
    quarter_round(x[1], x[5], x[9], x[13]);
    quarter_round(x[2], x[6], x[10], x[14]);
    quarter_round(x[3], x[7], x[11], x[15]);
    quarter_round(x[0], x[5], x[10], x[15]);
    quarter_round(x[1], x[6], x[11], x[12]);
    quarter_round(x[2], x[7], x[8], x[13]);
    quarter_round(x[3], x[4], x[9], x[14]);
  }
#pragma GCC unroll 12
  for (int k = 0; k < 12; ++k) out[k] = x[k] + fixed[k];
#pragma GCC unroll 4
  for (int k = 0; k < 4; ++k) out[12 + k] = x[12 + k] + counter[k];
}

// The draws of one vector, row group and slice for 32 columns and up to 8 reads: 16-bit draw
// [read][column], from the eight ChaCha blocks 8 * column_block + lane. Read i has words 2 i and
// 2 i + 1, column c of the 32 has word 2 i + c / 16 of block c % 16 / 2, low half first.
struct DrawBatch {
  uint32_t column_block = 0;
  uint32_t number = 0;  // group * slices + slice
  uint64_t vector = 0;
};
constexpr int kBatchColumns = 32;
constexpr int kBatchDraws = kMaxReads * kBatchColumns;
constexpr int kBatchLanes = 8;

// Draws of `count` batches, [batch][kBatchDraws].
inline void draw_batches(uint32_t seed, uint32_t layer, uint32_t role, const DrawBatch* batches,
                         int count, uint16_t* out) {
  for (int k = 0; k < count * kBatchLanes; k += kLanes) {
    alignas(64) uint32_t lanes[4][kLanes];
    for (int l = 0; l < kLanes; ++l) {
      const int index = (k + l) / kBatchLanes;
      const DrawBatch& batch = batches[index < count ? index : count - 1];
      const uint32_t lane = static_cast<uint32_t>((k + l) % kBatchLanes);
      lanes[0][l] = batch.column_block * kBatchLanes + lane;
      lanes[1][l] = batch.number;
      lanes[2][l] = static_cast<uint32_t>(batch.vector);
      lanes[3][l] = static_cast<uint32_t>(batch.vector >> 32);
    }
    const Words counter[4] = {load<Words>(lanes[0]), load<Words>(lanes[1]), load<Words>(lanes[2]),
                              load<Words>(lanes[3])};
    Words words[16];
    chacha8(seed, layer, role, counter, words);
#if defined(CIMSIM_AVX512)
    char* first = reinterpret_cast<char*>(out + k / kBatchLanes * kBatchDraws);
    const bool two = k / kBatchLanes + 1 < count;
#pragma GCC unroll 16
    for (int w = 0; w < 16; ++w) {
      _mm256_storeu_si256(reinterpret_cast<__m256i*>(first + 32 * w),
                          _mm512_castsi512_si256((__m512i)words[w]));
    }
    if (two) {
#pragma GCC unroll 16
      for (int w = 0; w < 16; ++w) {
        _mm256_storeu_si256(reinterpret_cast<__m256i*>(first + 2 * kBatchDraws + 32 * w),
                            _mm512_extracti64x4_epi64((__m512i)words[w], 1));
      }
    }
#else
    char* first = reinterpret_cast<char*>(out + k / kBatchLanes * kBatchDraws) +
                  4 * (k % kBatchLanes);
    for (int w = 0; w < 16; ++w) store(first + 4 * kBatchLanes * w, words[w]);
#endif
  }
}

// (a * b + 2^14) / 2^15, as the instruction pmulhrsw has it.
inline int16_t multiply_round(int16_t a, int16_t b) {
  return static_cast<int16_t>((static_cast<int32_t>(a) * b + 0x4000) >> 15);
}
inline Shorts multiply_round(Shorts a, Shorts b) {
#if defined(CIMSIM_AVX512)
  return (Shorts)_mm512_mulhrs_epi16((__m512i)a, (__m512i)b);
#elif defined(CIMSIM_AVX2)
  return (Shorts)_mm256_mulhrs_epi16((__m256i)a, (__m256i)b);
#else
  Shorts product{};
  for (int k = 0; k < kShorts; ++k) product[k] = multiply_round(a[k], b[k]);
  return product;
#endif
}

constexpr float kDrawScale = 4096.0F;  // a number is its 16-bit integer over this
constexpr int kFarTail = 16;

// Normal number of a draw whose v (see make_draw_table.py) is not 0.
inline int16_t normal_of_draw(uint16_t draw) {
  const bool upper = draw >= 0x8000U;
  const int v = upper ? 0xFFFF - draw : draw;
  int16_t size;
  if (v < kFarTail) {
    size = kFarTailNumbers[v];
  } else if (v < 512) {
    const int16_t x = static_cast<int16_t>((2 * (v & 7) - 7) * 4096);
    size = static_cast<int16_t>(kTail0[v >> 3] + multiply_round(x, kTail1[v >> 3]));
  } else {
    const int s = v >> 9;
    const int16_t x = static_cast<int16_t>((2 * (v & 511) - 511) * 64);
    const int16_t slope = static_cast<int16_t>(kNear1[s] + multiply_round(x, kNear2[s]));
    size = static_cast<int16_t>(kNear0[s] + multiply_round(x, slope));
  }
  return static_cast<int16_t>(upper ? size : -size);
}

// The 16 bits that refine an outermost draw: the draw at the same place of the role's tail.
inline uint16_t refining_draw(uint32_t seed, uint32_t layer, uint32_t role, const DrawBatch& batch,
                              int place) {
  const int c = place % kBatchColumns;
  const uint32_t block = static_cast<uint32_t>(c % 16 / 2);
  const uint32_t counter[4] = {batch.column_block * kBatchLanes + block, batch.number,
                               static_cast<uint32_t>(batch.vector),
                               static_cast<uint32_t>(batch.vector >> 32)};
  uint32_t words[16];
  chacha8(seed, layer, role + kRoleOfTail, counter, words);
  return static_cast<uint16_t>(words[2 * (place / kBatchColumns) + c / 16] >> (16 * (c % 2)));
}

// A normal number in the far tail, |z| > 3.4: exact from 16 or, in the outermost share, 32 bits.
inline int16_t far_normal(uint16_t draw, uint32_t seed, uint32_t layer, uint32_t role,
                          const DrawBatch& batch, int place) {
  if (draw != 0 && draw != 0xFFFFU) return normal_of_draw(draw);
  const uint32_t low = refining_draw(seed, layer, role, batch, place);
  const float scaled = normal_of_word(static_cast<uint32_t>(draw) << 16 | low) * kDrawScale;
  constexpr float magic = 12582912.0F;  // 1.5 * 2^23: rounds half to even
  return static_cast<int16_t>(bits_of_float(scaled + magic) - bits_of_float(magic));
}

#if defined(CIMSIM_AVX512)
inline __m512i entry_of_64(const int16_t* table, __m512i index) {
  return _mm512_permutex2var_epi16(_mm512_load_si512(table), index, _mm512_load_si512(table + 32));
}
#endif

// Normal numbers, times kDrawScale, of the draws of `count` batches.
inline void normal_batches(uint32_t seed, uint32_t layer, uint32_t role, const DrawBatch* batches,
                           int count, const uint16_t* draws, int16_t* out) {
  for (int b = 0; b < count; ++b, draws += kBatchDraws, out += kBatchDraws) {
    for (int k = 0; k < kBatchDraws; k += kBatchColumns) {
#if defined(CIMSIM_AVX512)
      const __m512i draw = _mm512_loadu_si512(draws + k);
      const __m512i upper = _mm512_srai_epi16(draw, 15);
      const __m512i v = _mm512_xor_si512(draw, upper);
      const __m512i s = _mm512_srli_epi16(v, 9);
      // (2 (v % 512) - 511) * 64 and (2 (v % 8) - 7) * 4096
      const __m512i x = _mm512_add_epi16(_mm512_slli_epi16(v, 7), _mm512_set1_epi16(-511 * 64));
      const __m512i second = _mm512_mulhrs_epi16(x, entry_of_64(kNear2, s));
      const __m512i slope = _mm512_add_epi16(second, entry_of_64(kNear1, s));
      const __m512i near = _mm512_add_epi16(entry_of_64(kNear0, s), _mm512_mulhrs_epi16(x, slope));
      const __m512i s_tail = _mm512_srli_epi16(v, 3);
      const __m512i x_tail =
          _mm512_add_epi16(_mm512_slli_epi16(v, 13), _mm512_set1_epi16(-7 * 4096));
      const __m512i tail = _mm512_add_epi16(
          entry_of_64(kTail0, s_tail), _mm512_mulhrs_epi16(x_tail, entry_of_64(kTail1, s_tail)));
      const __mmask32 in_tail = _mm512_cmplt_epi16_mask(v, _mm512_set1_epi16(512));
      const __m512i size = _mm512_mask_mov_epi16(near, in_tail, tail);
      // -size where upper is 0, size where it is -1
      const __m512i flip = _mm512_andnot_si512(upper, _mm512_set1_epi16(-1));
      _mm512_storeu_si512(out + k, _mm512_sub_epi16(_mm512_xor_si512(size, flip), flip));
      uint32_t far = _mm512_cmplt_epi16_mask(v, _mm512_set1_epi16(kFarTail));
      while (far != 0) [[unlikely]] {
        const int place = k + __builtin_ctz(far);
        out[place] = far_normal(draws[place], seed, layer, role, batches[b], place);
        far &= far - 1;
      }
#else
      for (int c = k; c < k + kBatchColumns; ++c) {
        out[c] = far_normal(draws[c], seed, layer, role, batches[b], c);
      }
#endif
    }
  }
}
