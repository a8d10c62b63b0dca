// Vectors of the native width and the few operations that need intrinsics. Included inside the
// namespace of one instruction set. Every operation rounds like its scalar counterpart, so that all
// instruction sets give the same bits.

#if CIMSIM_VECTOR_BYTES == 64
#define CIMSIM_AVX512 1
#elif CIMSIM_VECTOR_BYTES == 32
#define CIMSIM_AVX2 1
#endif

// A step of the work with loops of its own: registers are allocated for it alone.
#define CIMSIM_STEP __attribute__((noinline))

template <class T, int bytes = CIMSIM_VECTOR_BYTES>
struct VectorOf {
  typedef T type __attribute__((vector_size(bytes), may_alias));
};
using Floats = VectorOf<float>::type;
using Ints = VectorOf<int32_t>::type;
// 64-bit lanes; as Philox words their low halves count and the high halves may be anything.
using Longs = VectorOf<uint64_t>::type;

constexpr int kLanes = CIMSIM_VECTOR_BYTES / 4;
constexpr int kLongs = CIMSIM_VECTOR_BYTES / 8;

template <class V>
inline V load(const void* p) {
  V v;
  __builtin_memcpy(&v, p, sizeof v);
  return v;
}
template <class V>
inline void store(void* p, V v) {
  __builtin_memcpy(p, &v, sizeof v);
}
template <class V, class T>
inline V splat(T value) {
  return V{} + value;
}

inline Floats to_float(Ints v) { return __builtin_convertvector(v, Floats); }
inline Floats load_as_float(const float* p) { return load<Floats>(p); }
inline Floats load_as_float(const int32_t* p) { return to_float(load<Ints>(p)); }
// The first half of the lanes from p, the second from q.
inline Floats load_halves(const float* p, const float* q) {
#if defined(CIMSIM_AVX512)
  return (Floats)_mm512_insertf32x8(_mm512_castps256_ps512(_mm256_loadu_ps(p)), _mm256_loadu_ps(q),
                                    1);
#else
  Floats v;
  __builtin_memcpy(&v, p, sizeof v / 2);
  __builtin_memcpy(reinterpret_cast<char*>(&v) + sizeof v / 2, q, sizeof v / 2);
  return v;
#endif
}
inline Floats load_as_float(const uint8_t* p) {
#if defined(CIMSIM_AVX512)
  return to_float((Ints)_mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i*)p)));
#elif defined(CIMSIM_AVX2)
  return to_float((Ints)_mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i*)p)));
#else
  return Floats{float(p[0]), float(p[1]), float(p[2]), float(p[3])};
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

// Square root within kRootError of it, relative (absolute below 1e-15). Depends on the processor.
constexpr float kRootError = 1e-6F;
inline Floats rough_square_root(Floats v) {
#if defined(CIMSIM_AVX512) || defined(CIMSIM_AVX2)
  v = larger(v, splat<Floats>(1e-30F));
#if defined(CIMSIM_AVX512)
  const Floats y = (Floats)_mm512_rsqrt14_ps((__m512)v);
#else
  const Floats y = (Floats)_mm256_rsqrt_ps((__m256)v);
#endif
  const Floats root = v * y;
  return root * (1.5F - (0.5F * root) * y);  // a step of Newton's method
#else
  return square_root(v);
#endif
}

inline Floats magnitude(Floats v) { return (Floats)((Ints)v & 0x7FFFFFFF); }

// 1 if a lane of a is above that of b, else 0.
inline int any_above(Floats a, Floats b) {
#if defined(CIMSIM_AVX512)
  return _mm512_cmp_ps_mask((__m512)a, (__m512)b, _CMP_GT_OQ) != 0;
#elif defined(CIMSIM_AVX2)
  return _mm256_movemask_ps((__m256)(a > b)) != 0;
#else
  const Ints found = a > b;
  return (found[0] | found[1] | found[2] | found[3]) != 0;
#endif
}

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

inline float float_of_bits(uint32_t bits) {
  float value;
  __builtin_memcpy(&value, &bits, sizeof value);
  return value;
}
inline uint32_t bits_of_float(float value) {
  uint32_t bits;
  __builtin_memcpy(&bits, &value, sizeof bits);
  return bits;
}
