// Counting in bit-sliced form: bit p of plane k is bit k of the number at position p, so that one
// full adder of two logic operations adds a row to as many columns as a vector has bits. Included
// inside the namespace of one instruction set, after simd.inl. See docs/simulator.md.

using Bits = Vector<uint64_t>;

// a + b + c of one-bit numbers: sum and carry, which may be one of them.
inline void full_add(Bits a, Bits b, Bits c, Bits& sum, Bits& carry) {
#if defined(CIMSIM_AVX512)
  const Bits parity = (Bits)_mm512_ternarylogic_epi64((__m512i)a, (__m512i)b, (__m512i)c, 0x96);
  carry = (Bits)_mm512_ternarylogic_epi64((__m512i)a, (__m512i)b, (__m512i)c, 0xE8);
  sum = parity;
#else
  const Bits either = a ^ b;
  carry = (a & b) | (either & c);
  sum = either ^ c;
#endif
}

#if defined(CIMSIM_AVX512)
// Half as many positions, for what is left over from whole blocks.
// NOLINTNEXTLINE(modernize-use-using): GCC applies these attributes in a typedef only.
typedef uint64_t HalfBits __attribute__((vector_size(32), may_alias));

inline void full_add(HalfBits a, HalfBits b, HalfBits c, HalfBits& sum, HalfBits& carry) {
  const HalfBits parity =
      (HalfBits)_mm256_ternarylogic_epi64((__m256i)a, (__m256i)b, (__m256i)c, 0x96);
  carry = (HalfBits)_mm256_ternarylogic_epi64((__m256i)a, (__m256i)b, (__m256i)c, 0xE8);
  sum = parity;
}
#endif

// Rows at base + offset, added to the counts of one bit each: the sum of `kRows` rows (a power of
// two) beyond counts[0] to counts[log2(kRows) - 1] is returned, a bit worth kRows.
template <int kRows, class B>
inline B add_rows(const char* base, const uint16_t* offsets, B* counts) {
  if constexpr (kRows == 1) {
    return load<B>(base + offsets[0]);
  } else {
    constexpr int half = kRows / 2;
    constexpr int place = __builtin_ctz(half);
    const B first = add_rows<half>(base, offsets, counts);
    const B second = add_rows<half>(base, offsets + half, counts);
    B carry;
    full_add(counts[place], first, second, counts[place], carry);
    return carry;
  }
}

// Adds a number of one bit to the planes from `from` on.
template <class B>
inline void ripple(B carry, B* planes, int from) {
#pragma GCC unroll 8
  for (int k = from; k < kCountPlanes; ++k) {
    const B next = planes[k] & carry;
    planes[k] ^= carry;
    carry = next;
  }
}

// Column sums of the rows at base + list[0 .. length), length a multiple of 8, by a tree of carry-
// save adders (Harley and Seal; Mula, Kurz and Lemire, "Faster population counts using AVX2
// instructions", Computer Journal 61, 2018).
template <class B>
inline void count_rows(const char* base, const uint16_t* list, int length, B* planes) {
  B counts[kCountPlanes] = {};
  for (; length >= 32; length -= 32, list += 32) {
    ripple(add_rows<32>(base, list, counts), counts, 5);
  }
  if (length >= 16) {
    ripple(add_rows<16>(base, list, counts), counts, 4);
    length -= 16;
    list += 16;
  }
  if (length > 0) ripple(add_rows<8>(base, list, counts), counts, 3);
#pragma GCC unroll 8
  for (int k = 0; k < kCountPlanes; ++k) planes[k] = counts[k];
}

// planes = min(planes, top), for a top of up to 255.
template <class B>
inline void limit_planes(B* planes, int top) {
  if (top == 127) {  // all ones in seven planes
#pragma GCC unroll 8
    for (int k = 0; k < kCountPlanes - 1; ++k) planes[k] |= planes[kCountPlanes - 1];
    planes[kCountPlanes - 1] = B{};
    return;
  }
  B above{};  // the number exceeds top
#pragma GCC unroll 8
  for (int k = 0; k < kCountPlanes; ++k) {
    const B in_top = B{} - static_cast<uint64_t>(top >> k & 1);
    above = (planes[k] & above) | (~in_top & (planes[k] | above));
  }
#pragma GCC unroll 8
  for (int k = 0; k < kCountPlanes; ++k) {
    const B in_top = B{} - static_cast<uint64_t>(top >> k & 1);
    planes[k] = (above & in_top) | (~above & planes[k]);
  }
}

// Adds numbers of `count` planes to the bit-sliced sums of `sum_planes` planes, kBlockBytes apart.
template <class B>
inline void add_planes(const B* numbers, int count, char* sums, int sum_planes) {
  B carry{};
  for (int k = 0; k < sum_planes; ++k) {
    const B added = k < count ? numbers[k] : B{};
    B sum;
    full_add(load<B>(sums + k * kBlockBytes), added, carry, sum, carry);
    store(sums + k * kBlockBytes, sum);
  }
}

// The numbers of up to eight bit-sliced planes, kBlockBytes apart, at all positions of `bytes` bytes
// of planes.
inline void expand_bytes(const char* planes, int count, int bytes, uint8_t* numbers) {
#if defined(CIMSIM_AVX512)
  for (int at = 0; at < bytes; at += 8) {
    __m512i sum = _mm512_setzero_si512();
    for (int k = 0; k < count; ++k) {
      uint64_t bits = 0;
      __builtin_memcpy(&bits, planes + k * kBlockBytes + at, 8);
      sum = _mm512_mask_add_epi8(sum, bits, sum, _mm512_set1_epi8(static_cast<char>(1 << k)));
    }
    _mm512_storeu_si512(numbers + 8 * at, sum);
  }
#else
  for (int at = 0; at < bytes; ++at) {
    // An 8 x 8 bit matrix, row k from plane k, transposed (Warren, "Hacker's Delight", 7-3).
    uint64_t x = 0;
    for (int k = 0; k < count; ++k) {
      x |= static_cast<uint64_t>(static_cast<uint8_t>(planes[k * kBlockBytes + at])) << (8 * k);
    }
    uint64_t t = (x ^ (x >> 7)) & 0x00AA00AA00AA00AAU;
    x ^= t ^ (t << 7);
    t = (x ^ (x >> 14)) & 0x0000CCCC0000CCCCU;
    x ^= t ^ (t << 14);
    t = (x ^ (x >> 28)) & 0x00000000F0F0F0F0U;
    x ^= t ^ (t << 28);
    __builtin_memcpy(numbers + 8 * at, &x, 8);
  }
#endif
}

#if defined(CIMSIM_VBMI)
// Where byte m of part b comes from: byte b of part 7 - m.
struct Transposition {
  uint8_t from[64];
};
constexpr Transposition transposition_of_bytes() {
  Transposition order{};
  for (int k = 0; k < 64; ++k) order.from[k] = static_cast<uint8_t>(8 * (7 - k % 8) + k / 8);
  return order;
}

inline __m512i widened(Bits planes) { return (__m512i)planes; }
inline __m512i widened(HalfBits planes) { return _mm512_zextsi256_si512((__m256i)planes); }

// out[q] = eight-byte parts q of in[0 .. 7], in order.
inline void transpose_parts(const __m512i* in, __m512i* out) {
  __m512i pairs[8];  // [part % 2][in / 2]: parts 0, 2, 4, 6 or 1, 3, 5, 7 of two
#pragma GCC unroll 4
  for (int k = 0; k < 4; ++k) {
    pairs[k] = _mm512_unpacklo_epi64(in[2 * k], in[2 * k + 1]);
    pairs[4 + k] = _mm512_unpackhi_epi64(in[2 * k], in[2 * k + 1]);
  }
#pragma GCC unroll 2
  for (int odd = 0; odd < 2; ++odd) {
    const __m512i* p = pairs + 4 * odd;
    const __m512i low01 = _mm512_shuffle_i64x2(p[0], p[1], 0x44);
    const __m512i high01 = _mm512_shuffle_i64x2(p[0], p[1], 0xEE);
    const __m512i low23 = _mm512_shuffle_i64x2(p[2], p[3], 0x44);
    const __m512i high23 = _mm512_shuffle_i64x2(p[2], p[3], 0xEE);
    out[odd] = _mm512_shuffle_i64x2(low01, low23, 0x88);
    out[2 + odd] = _mm512_shuffle_i64x2(low01, low23, 0xDD);
    out[4 + odd] = _mm512_shuffle_i64x2(high01, high23, 0x88);
    out[6 + odd] = _mm512_shuffle_i64x2(high01, high23, 0xDD);
  }
}

// As expand_bytes, of eight planes in registers, for 64 * parts positions.
inline void expand_planes(const __m512i* planes, int parts, uint8_t* numbers) {
  alignas(64) static constexpr Transposition kBytes = transposition_of_bytes();
  const __m512i order = _mm512_load_si512(kBytes.from);
  const __m512i units = _mm512_set1_epi64(static_cast<int64_t>(0x8040201008040201U));
  __m512i part[8];
  transpose_parts(planes, part);
  for (int q = 0; q < parts; ++q) {
    // Eight bytes of planes 7 to 0 are a matrix of bits; its product with the byte 2^p is column p.
    const __m512i matrices = _mm512_permutexvar_epi8(order, part[q]);
    _mm512_storeu_si512(numbers + 64 * q, _mm512_gf2p8affine_epi64_epi8(units, matrices, 0));
  }
}
#endif
