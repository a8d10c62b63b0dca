// Vectors of the native width and the few operations that need intrinsics. Included inside the
// namespace of one instruction set. Every operation rounds like its scalar counterpart, so that all
// instruction sets give the same bits.

#if CIMSIM_VECTOR_BYTES == 64
#define CIMSIM_AVX512 1
#elif CIMSIM_VECTOR_BYTES == 32
#define CIMSIM_AVX2 1
#endif

template <class T>
struct VectorOf {
  // NOLINTNEXTLINE(modernize-use-using): GCC applies these attributes in a typedef only.
  typedef T type __attribute__((vector_size(CIMSIM_VECTOR_BYTES), may_alias));
};
template <class T>
using Vector = typename VectorOf<T>::type;
using Floats = Vector<float>;
using Ints = Vector<int32_t>;
using Words = Vector<uint32_t>;

constexpr int kLanes = CIMSIM_VECTOR_BYTES / 4;

template <class V, class T>
inline V load(const T* p) {
  V v;
  __builtin_memcpy(&v, p, sizeof v);
  return v;
}
template <class V, class T>
inline void store(T* p, V v) {
  __builtin_memcpy(p, &v, sizeof v);
}
template <class V, class T>
inline V splat(T value) {
  return V{} + value;
}

inline Floats to_float(Ints v) { return __builtin_convertvector(v, Floats); }

// table[index] of each lane.
inline Ints gather(const int32_t* table, Ints index) {
#if defined(CIMSIM_AVX512)
  return (Ints)_mm512_i32gather_epi32((__m512i)index, table, 4);
#elif defined(CIMSIM_AVX2)
  return (Ints)_mm256_i32gather_epi32(table, (__m256i)index, 4);
#else
  Ints found{};
  for (int k = 0; k < kLanes; ++k) found[k] = table[index[k]];
  return found;
#endif
}
inline Floats gather(const float* table, Ints index) {
#if defined(CIMSIM_AVX512)
  return (Floats)_mm512_i32gather_ps((__m512i)index, table, 4);
#elif defined(CIMSIM_AVX2)
  return (Floats)_mm256_i32gather_ps(table, (__m256i)index, 4);
#else
  Floats found{};
  for (int k = 0; k < kLanes; ++k) found[k] = table[index[k]];
  return found;
#endif
}

inline Floats smaller(Floats a, Floats b) {
#if defined(CIMSIM_AVX512)
  return (Floats)_mm512_min_ps((__m512)a, (__m512)b);
#elif defined(CIMSIM_AVX2)
  return (Floats)_mm256_min_ps((__m256)a, (__m256)b);
#else
  return a < b ? a : b;
#endif
}

inline Floats larger(Floats a, Floats b) {
#if defined(CIMSIM_AVX512)
  return (Floats)_mm512_max_ps((__m512)a, (__m512)b);
#elif defined(CIMSIM_AVX2)
  return (Floats)_mm256_max_ps((__m256)a, (__m256)b);
#else
  return a > b ? a : b;
#endif
}

inline Floats square_root(Floats v) {
#if defined(CIMSIM_AVX512)
  return (Floats)_mm512_sqrt_ps((__m512)v);
#elif defined(CIMSIM_AVX2)
  return (Floats)_mm256_sqrt_ps((__m256)v);
#else
  for (int k = 0; k < kLanes; ++k) v[k] = __builtin_sqrtf(v[k]);
  return v;
#endif
}

// Eight (or four) 64-bit lanes whose low halves are 32-bit words; the high halves may be anything.
using Longs = Vector<uint64_t>;
constexpr int kLongs = CIMSIM_VECTOR_BYTES / 8;

// 64-bit products of the low halves.
inline Longs multiply_low_halves(Longs a, Longs b) {
#if defined(CIMSIM_AVX512)
  return (Longs)_mm512_mul_epu32((__m512i)a, (__m512i)b);
#elif defined(CIMSIM_AVX2)
  return (Longs)_mm256_mul_epu32((__m256i)a, (__m256i)b);
#elif defined(__SSE2__)
  return (Longs)_mm_mul_epu32((__m128i)a, (__m128i)b);
#else
  return (a & 0xFFFFFFFFU) * (b & 0xFFFFFFFFU);
#endif
}

inline Longs exclusive_or(Longs a, Longs b, Longs c) {
#if defined(CIMSIM_AVX512)
  return (Longs)_mm512_ternarylogic_epi64((__m512i)a, (__m512i)b, (__m512i)c, 0x96);
#else
  return a ^ b ^ c;
#endif
}

constexpr int kRounds = 10;         // of Philox4x32
constexpr int kReadNoiseRounds = 7;  // where read noise is drawn

// Philox4x32 (Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011)
// of counters whose words are the low halves of x[s][0 .. 3], in place. The authors recommend ten
// rounds; seven pass all their tests (BigCrush).
template <int kPhiloxRounds, int kStates>
inline void philox_rounds(Longs (&x)[kStates][4], uint32_t seed, uint32_t layer) {
  const Longs m0 = splat<Longs>(uint64_t{0xD2511F53});
  const Longs m1 = splat<Longs>(uint64_t{0xCD9E8D57});
#pragma GCC unroll 10
  for (uint32_t round = 0; round < kPhiloxRounds; ++round) {
    const Longs k0 = splat<Longs>(uint64_t{seed + round * 0x9E3779B9U});
    const Longs k1 = splat<Longs>(uint64_t{layer + round * 0xBB67AE85U});
#pragma GCC unroll 4
    for (int s = 0; s < kStates; ++s) {
      const Longs p0 = multiply_low_halves(m0, x[s][0]);
      const Longs p1 = multiply_low_halves(m1, x[s][2]);
      x[s][0] = exclusive_or(p1 >> 32, x[s][1], k0);
      x[s][2] = exclusive_or(p0 >> 32, x[s][3], k1);
      x[s][1] = p1;
      x[s][3] = p0;
    }
  }
}

// Pairs of words from the low halves of two vectors, a's in the lower half of a lane.
inline Longs join_words(Longs a, Longs b) { return (a & 0xFFFFFFFFU) | (b << 32); }

// Philox4x32-10 words of `blocks` counters (first[b], c1, third[b], c3): out[4 * b .. 4 * b + 3].
// Works on multiples of kLongs blocks: the arrays are as long as that.
inline void philox(const uint64_t* first, uint32_t c1, const uint64_t* third, uint32_t c3,
                   uint32_t seed, uint32_t layer, int blocks, uint32_t* out) {
  for (int b = 0; b < blocks; b += kLongs) {
    Longs x[1][4] = {{load<Longs>(first + b), splat<Longs>(uint64_t{c1}), load<Longs>(third + b),
                      splat<Longs>(uint64_t{c3})}};
    philox_rounds<kRounds, 1>(x, seed, layer);
    const Longs w01 = join_words(x[0][0], x[0][1]);
    const Longs w23 = join_words(x[0][2], x[0][3]);
    // Block b: the pair w01 then the pair w23.
#if defined(CIMSIM_AVX512)
    const __m512i first_half = _mm512_setr_epi64(0, 8, 1, 9, 2, 10, 3, 11);
    const __m512i second_half = _mm512_setr_epi64(4, 12, 5, 13, 6, 14, 7, 15);
    store(out + 4 * b, _mm512_permutex2var_epi64((__m512i)w01, first_half, (__m512i)w23));
    store(out + 4 * b + 16, _mm512_permutex2var_epi64((__m512i)w01, second_half, (__m512i)w23));
#elif defined(CIMSIM_AVX2)
    const __m256i even = _mm256_unpacklo_epi64((__m256i)w01, (__m256i)w23);
    const __m256i odd = _mm256_unpackhi_epi64((__m256i)w01, (__m256i)w23);
    store(out + 4 * b, _mm256_permute2x128_si256(even, odd, 0x20));
    store(out + 4 * b + 8, _mm256_permute2x128_si256(even, odd, 0x31));
#else
    for (int k = 0; k < kLongs; ++k) {
      const uint64_t pairs[2] = {w01[k], w23[k]};
      for (int w = 0; w < 4; ++w) {
        out[4 * (b + k) + w] = static_cast<uint32_t>(pairs[w / 2] >> (32 * (w % 2)));
      }
    }
#endif
  }
}

inline float float_of_bits(uint32_t bits) {
  float value = 0;
  __builtin_memcpy(&value, &bits, sizeof value);
  return value;
}
inline uint32_t bits_of_float(float value) {
  uint32_t bits = 0;
  __builtin_memcpy(&bits, &value, sizeof bits);
  return bits;
}

constexpr float kLargestTail = 2147483520.0F;  // largest float below 2^31

// Standard normal number of a word; see make_normal_table.py.
inline float normal_of_word(uint32_t word) {
  const uint32_t sign = word & 0x80000000U;
  const int32_t tail = static_cast<int32_t>(sign != 0 ? ~word : word);
  const float half = static_cast<float>(tail) + 0.5F;
  const uint32_t bits = bits_of_float(half < kLargestTail ? half : kLargestTail);
  const float s = float_of_bits((bits & 0x7FFFFFU) | 0x3F800000U) - 1.5F;
  const int octave = static_cast<int>((bits >> 23) & 31U);
  float z = kNormalTable[kNormalDegree][octave];
  for (int k = kNormalDegree - 1; k >= 0; --k) z = z * s + kNormalTable[k][octave];
  return float_of_bits(bits_of_float(z) ^ sign);
}

#if defined(CIMSIM_AVX512)
inline Floats table_row(int k, Ints exponents) {
  const __m512 low = _mm512_loadu_ps(kNormalTable[k]);
  const __m512 high = _mm512_loadu_ps(kNormalTable[k] + 16);
  return (Floats)_mm512_permutex2var_ps(low, (__m512i)exponents, high);
}
#elif defined(CIMSIM_AVX2)
// The eight octaves next to the centre, exponent fields 150 to 157, by field & 7.
struct CentralOctaves {
  float value[kNormalDegree + 1][8];
};
constexpr CentralOctaves central_octaves() {
  CentralOctaves t{};
  for (int k = 0; k <= kNormalDegree; ++k) {
    for (int field = 150; field <= 157; ++field) {
      t.value[k][field & 7] = kNormalTable[k][field & 31];
    }
  }
  return t;
}
alignas(32) constexpr CentralOctaves kCentralOctaves = central_octaves();
constexpr float kCentralTail = 8388608.0F;  // 2^23: the smallest value with field 150

inline Floats table_row(int k, Ints exponents) {
  return (Floats)_mm256_permutevar8x32_ps(_mm256_load_ps(kCentralOctaves.value[k]),
                                          (__m256i)exponents);
}
#endif

// Standard normal numbers of `count` words, a multiple of 16.
inline void normals(const uint32_t* words, int count, float* out) {
#if defined(CIMSIM_AVX512) || defined(CIMSIM_AVX2)
  for (int c = 0; c < count; c += kLanes) {
    const Ints word = load<Ints>(words + c);
    const Ints tail = word ^ (word >> 31);
    const Floats half = smaller(to_float(tail) + 0.5F, splat<Floats>(kLargestTail));
#if defined(CIMSIM_AVX2)
    if (_mm256_movemask_ps((__m256)(half < splat<Floats>(kCentralTail))) != 0) [[unlikely]] {
      for (int k = 0; k < kLanes; ++k) out[c + k] = normal_of_word(words[c + k]);
      continue;
    }
#endif
    const Ints bits = (Ints)half;
    const Ints exponents = bits >> 23;
    const Floats s = (Floats)((bits & 0x7FFFFF) | 0x3F800000) - 1.5F;
    Floats z = table_row(kNormalDegree, exponents);
#pragma GCC unroll 8
    for (int k = kNormalDegree - 1; k >= 0; --k) z = z * s + table_row(k, exponents);
    const Ints sign = word & splat<Ints>(static_cast<int32_t>(0x80000000U));
    store(out + c, (Ints)z ^ sign);
  }
#else
  for (int c = 0; c < count; ++c) out[c] = normal_of_word(words[c]);
#endif
}
