// Philox words and standard normal numbers.

// State of N vectors of Philox4x32 counters: Salmon, Moraes, Dror and Shaw, "Parallel random
// numbers: as easy as 1, 2, 3" (SC 2011). Several vectors at once hide the multiplier's latency.
template <int N>
struct PhiloxState {
  Longs x0[N], x1[N], x2[N], x3[N];
};

constexpr uint64_t kMultiplier0 = 0xD2511F53U;
constexpr uint64_t kMultiplier1 = 0xCD9E8D57U;
constexpr uint32_t kWeyl0 = 0x9E3779B9U;
constexpr uint32_t kWeyl1 = 0xBB67AE85U;

// Rounds first .. 9 (of 10) with the key of round 0.
template <int N>
inline void philox_rounds(PhiloxState<N>& s, int first, uint32_t seed, uint32_t layer) {
  const Longs m0 = splat<Longs>(kMultiplier0);
  const Longs m1 = splat<Longs>(kMultiplier1);
  uint32_t k0 = seed + static_cast<uint32_t>(first) * kWeyl0;
  uint32_t k1 = layer + static_cast<uint32_t>(first) * kWeyl1;
#pragma GCC unroll 10
  for (int round = first; round < 10; ++round) {
    const Longs key0 = splat<Longs>(uint64_t{k0});
    const Longs key1 = splat<Longs>(uint64_t{k1});
#pragma GCC unroll 4
    for (int v = 0; v < N; ++v) {
      const Longs p0 = multiply_low_halves(m0, s.x0[v]);
      const Longs p1 = multiply_low_halves(m1, s.x2[v]);
      s.x0[v] = (p1 >> 32) ^ s.x1[v] ^ key0;
      s.x2[v] = (p0 >> 32) ^ s.x3[v] ^ key1;
      s.x1[v] = p1;
      s.x3[v] = p0;
    }
    k0 += kWeyl0;
    k1 += kWeyl1;
  }
}

// Words of vector v: out[4 * k .. 4 * k + 3] is the block in lane k.
template <int N>
inline void store_words(const PhiloxState<N>& s, int v, uint32_t* out) {
#if defined(CIMSIM_AVX512)
  const __m512i w01 =
      _mm512_mask_blend_epi32(0xAAAA, (__m512i)s.x0[v], _mm512_slli_epi64((__m512i)s.x1[v], 32));
  const __m512i w23 =
      _mm512_mask_blend_epi32(0xAAAA, (__m512i)s.x2[v], _mm512_slli_epi64((__m512i)s.x3[v], 32));
  const __m512i first_half = _mm512_setr_epi64(0, 8, 1, 9, 2, 10, 3, 11);
  const __m512i second_half = _mm512_setr_epi64(4, 12, 5, 13, 6, 14, 7, 15);
  store(out, _mm512_permutex2var_epi64(w01, first_half, w23));
  store(out + 16, _mm512_permutex2var_epi64(w01, second_half, w23));
#elif defined(CIMSIM_AVX2)
  const __m256i w01 =
      _mm256_blend_epi32((__m256i)s.x0[v], _mm256_slli_epi64((__m256i)s.x1[v], 32), 0xAA);
  const __m256i w23 =
      _mm256_blend_epi32((__m256i)s.x2[v], _mm256_slli_epi64((__m256i)s.x3[v], 32), 0xAA);
  const __m256i even = _mm256_unpacklo_epi64(w01, w23);
  const __m256i odd = _mm256_unpackhi_epi64(w01, w23);
  store(out, _mm256_permute2x128_si256(even, odd, 0x20));
  store(out + 8, _mm256_permute2x128_si256(even, odd, 0x31));
#else
  for (int k = 0; k < kLongs; ++k) {
    out[4 * k] = static_cast<uint32_t>(s.x0[v][k]);
    out[4 * k + 1] = static_cast<uint32_t>(s.x1[v][k]);
    out[4 * k + 2] = static_cast<uint32_t>(s.x2[v][k]);
    out[4 * k + 3] = static_cast<uint32_t>(s.x3[v][k]);
  }
#endif
}

constexpr int kPhiloxVectors = 4;
constexpr int kPhiloxBlocks = kPhiloxVectors * kLongs;  // granularity of philox_words

// Words of `count` counters (first[b], c1, third[b], c3): out[4 * b .. 4 * b + 3]. All three arrays
// are as long as the next multiple of kPhiloxBlocks.
CIMSIM_STEP void philox_words(const uint64_t* first, uint32_t c1, const uint64_t* third,
                              uint32_t c3, uint32_t seed, uint32_t layer, int count,
                              uint32_t* out) {
  for (int b = 0; b < count; b += kPhiloxBlocks) {
    PhiloxState<kPhiloxVectors> s;
    for (int v = 0; v < kPhiloxVectors; ++v) {
      s.x0[v] = load<Longs>(first + b + v * kLongs);
      s.x1[v] = splat<Longs>(uint64_t{c1});
      s.x2[v] = load<Longs>(third + b + v * kLongs);
      s.x3[v] = splat<Longs>(uint64_t{c3});
    }
    philox_rounds(s, 0, seed, layer);
    for (int v = 0; v < kPhiloxVectors; ++v) store_words(s, v, out + 4 * (b + v * kLongs));
  }
}

// Words of `reads` reads of consecutive blocks of columns: blocks [first, first + kWide * kLongs),
// third counter word number[k], out + k * pitch. The first two rounds are the same for all columns
// of a read or for all reads of a column, but for one product.
template <int kWide>
CIMSIM_STEP void philox_tile(uint32_t first, uint32_t c1, const uint32_t* number, uint32_t c3,
                             uint32_t seed, uint32_t layer, int reads, uint32_t* out, int pitch) {
  constexpr int kDeep = kPhiloxVectors / kWide;
  const Longs m0 = splat<Longs>(kMultiplier0);
  const Longs m1 = splat<Longs>(kMultiplier1);
  Longs low[kWide];   // of the first round's product with the column's counter
  Longs next[kWide];  // second round's product of x2
  for (int v = 0; v < kWide; ++v) {
    Longs block{};
    for (int k = 0; k < kLongs; ++k) block[k] = first + static_cast<uint32_t>(v * kLongs + k);
    low[v] = multiply_low_halves(m0, block);
    next[v] = multiply_low_halves(m1, (low[v] >> 32) ^ splat<Longs>(uint64_t{c3 ^ layer}));
  }
  for (int k = 0; k < reads; k += kDeep) {
    PhiloxState<kPhiloxVectors> s;
    for (int d = 0; d < kDeep; ++d) {
      const uint64_t p1 = kMultiplier1 * number[k + d < reads ? k + d : reads - 1];
      const uint32_t x0 = static_cast<uint32_t>(p1 >> 32) ^ c1 ^ seed;
      const uint64_t p0 = kMultiplier0 * x0;
      const uint32_t for_x0 = static_cast<uint32_t>(p1) ^ (seed + kWeyl0);
      const uint32_t for_x2 = static_cast<uint32_t>(p0 >> 32) ^ (layer + kWeyl1);
      for (int v = 0; v < kWide; ++v) {
        s.x0[d * kWide + v] = (next[v] >> 32) ^ splat<Longs>(uint64_t{for_x0});
        s.x1[d * kWide + v] = next[v];
        s.x2[d * kWide + v] = low[v] ^ splat<Longs>(uint64_t{for_x2});
        s.x3[d * kWide + v] = splat<Longs>(p0);
      }
    }
    philox_rounds(s, 2, seed, layer);
    for (int d = 0; d < kDeep && k + d < reads; ++d) {
      for (int v = 0; v < kWide; ++v) {
        store_words(s, d * kWide + v, out + (k + d) * pitch + 4 * v * kLongs);
      }
    }
  }
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
// One look-up serves all octaves.
inline Floats coefficient(const float* by_octave, Ints exponents) {
  const __m512 low = _mm512_loadu_ps(by_octave);
  const __m512 high = _mm512_loadu_ps(by_octave + 16);
  return (Floats)_mm512_permutex2var_ps(low, (__m512i)exponents, high);
}
template <int kOctaves>
inline Floats normal_coefficient(int k, Ints exponents) {
  return coefficient(kNormalTable[k], exponents);
}
inline Floats coarse_coefficient(int k, Ints exponents) {
  return coefficient(kCoarseTable[k], exponents);
}
#elif defined(CIMSIM_AVX2)
constexpr float kCentralTail = 8388608.0F;  // 2^23, exponent field 150
constexpr float kMiddleTail = 32768.0F;     // 2^15, exponent field 142

// One look-up serves eight octaves: exponent fields 150 to 157 next to the centre, 142 to 149.
struct OctaveTables {
  float normal[2][kNormalDegree + 1][8];
  float coarse[kCoarseDegree + 1][8];
};
constexpr OctaveTables octave_tables() {
  OctaveTables t{};
  for (int field = 142; field <= 157; ++field) {
    for (int k = 0; k <= kNormalDegree; ++k) {
      t.normal[field < 150][k][field & 7] = kNormalTable[k][field & 31];
    }
    if (field < 150) continue;
    for (int k = 0; k <= kCoarseDegree; ++k) t.coarse[k][field & 7] = kCoarseTable[k][field & 31];
  }
  return t;
}
alignas(32) constexpr OctaveTables kOctaveTables = octave_tables();

inline Floats coefficient(const float* by_octave, Ints exponents) {
  return (Floats)_mm256_permutevar8x32_ps(_mm256_load_ps(by_octave), (__m256i)exponents);
}
template <int kOctaves>
inline Floats normal_coefficient(int k, Ints exponents) {
  return coefficient(kOctaveTables.normal[kOctaves][k], exponents);
}
inline Floats coarse_coefficient(int k, Ints exponents) {
  return coefficient(kOctaveTables.coarse[k], exponents);
}
#endif

#if defined(CIMSIM_AVX512) || defined(CIMSIM_AVX2)
// A word as the argument of the polynomials.
struct Tail {
  Floats half;     // t + 1/2
  Ints exponents;  // its exponent field, and the sign above
  Floats s;
  Ints sign;  // of the normal number: set where the polynomial's is to be flipped
};

inline Tail tail_of_words(Ints words) {
  Tail t;
  t.half = smaller(to_float(words ^ (words >> 31)) + 0.5F, splat<Floats>(kLargestTail));
  const Ints bits = (Ints)t.half;
  t.exponents = bits >> 23;
  t.s = (Floats)((bits & 0x7FFFFF) | 0x3F800000) - 1.5F;
  t.sign = words & splat<Ints>(static_cast<int32_t>(0x80000000U));
  return t;
}

template <int kOctaves>
inline Floats normal_polynomial(const Tail& t) {
  Floats z = normal_coefficient<kOctaves>(kNormalDegree, t.exponents);
#pragma GCC unroll 8
  for (int k = kNormalDegree - 1; k >= 0; --k) {
    z = z * t.s + normal_coefficient<kOctaves>(k, t.exponents);
  }
  return z;
}

// Normal numbers within kCoarseError; of no meaning where t.half < kCentralTail.
inline Floats coarse_polynomial(const Tail& t) {
  Floats z = coarse_coefficient(kCoarseDegree, t.exponents);
#pragma GCC unroll 8
  for (int k = kCoarseDegree - 1; k >= 0; --k) z = z * t.s + coarse_coefficient(k, t.exponents);
  return (Floats)((Ints)z ^ t.sign);
}
#endif

// Standard normal numbers of a vector of words, the same as normal_of_word of each.
CIMSIM_STEP Floats normals_of_words(Ints words) {
#if defined(CIMSIM_AVX512)
  const Tail t = tail_of_words(words);
  return (Floats)((Ints)normal_polynomial<0>(t) ^ t.sign);
#elif defined(CIMSIM_AVX2)
  const Tail t = tail_of_words(words);
  Floats z = normal_polynomial<0>(t);
  const Ints rare = t.half < splat<Floats>(kCentralTail);
  if (_mm256_movemask_ps((__m256)rare) != 0) [[unlikely]] {
    z = rare ? normal_polynomial<1>(t) : z;
    const Ints rarer = t.half < splat<Floats>(kMiddleTail);
    const Ints near_side = words ^ (words >> 31);
    for (int k = 0; k < kLanes; ++k) {
      if (rarer[k] != 0) z[k] = normal_of_word(static_cast<uint32_t>(near_side[k]));
    }
  }
  const Ints flip = words & splat<Ints>(static_cast<int32_t>(0x80000000U));
  return (Floats)((Ints)z ^ flip);
#else
  Floats z;
  for (int k = 0; k < kLanes; ++k) z[k] = normal_of_word(static_cast<uint32_t>(words[k]));
  return z;
#endif
}

// Standard normal numbers of `count` words, a multiple of 16.
inline void normals(const uint32_t* words, int count, float* out) {
  for (int c = 0; c < count; c += kLanes) store(out + c, normals_of_words(load<Ints>(words + c)));
}

// Normal numbers within kCoarseError of those, faster.
CIMSIM_STEP void coarse_normals(const uint32_t* words, int count, float* out) {
#if defined(CIMSIM_AVX512)
  for (int c = 0; c < count; c += kLanes) {
    store(out + c, coarse_polynomial(tail_of_words(load<Ints>(words + c))));
  }
#elif defined(CIMSIM_AVX2)
  // Pairs of vectors with a rare word are done again.
  constexpr int kPair = 2 * kLanes;
  constexpr int kChunk = 64;
  uint16_t rare[kChunk];
  for (int start = 0; start < count; start += kChunk * kPair) {
    const int end = count < start + kChunk * kPair ? count : start + kChunk * kPair;
    int found = 0;
    for (int c = start; c < end; c += kPair) {
      const Tail one = tail_of_words(load<Ints>(words + c));
      const Tail other = tail_of_words(load<Ints>(words + c + kLanes));
      store(out + c, coarse_polynomial(one));
      store(out + c + kLanes, coarse_polynomial(other));
      rare[found] = static_cast<uint16_t>(c);
      found += any_above(splat<Floats>(kCentralTail), smaller(one.half, other.half));
    }
    for (int k = 0; k < found; ++k) normals(words + rare[k], kPair, out + rare[k]);
  }
#else
  normals(words, count, out);
#endif
}
