// Counting in bit-sliced form: bit p of plane k is bit k of the number at position p, so that one
// full adder of two logic operations adds a row to as many columns as a vector has bits. Included
// inside the namespace of one instruction set, after simd.inl. See docs/simulator.md.

using Bits = Vector<uint64_t>;

// a + b + c of one-bit numbers: sum and carry.
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
// Half as many positions, for what is left over from blocks of kBlockBits.
typedef uint64_t HalfBits __attribute__((vector_size(32), may_alias));

inline void full_add(HalfBits a, HalfBits b, HalfBits c, HalfBits& sum, HalfBits& carry) {
  const HalfBits parity =
      (HalfBits)_mm256_ternarylogic_epi64((__m256i)a, (__m256i)b, (__m256i)c, 0x96);
  carry = (HalfBits)_mm256_ternarylogic_epi64((__m256i)a, (__m256i)b, (__m256i)c, 0xE8);
  sum = parity;
}
#endif

constexpr int kCountPlanes = 8;  // sums of up to 255 rows

// Sum of eight one-bit rows, added to the running ones, twos and fours; returns the eights.
template <class B>
inline B add_eight_rows(const char* base, const uint16_t* list, B& ones, B& twos, B& fours) {
  B pair[2];
  B quad[2];
#pragma GCC unroll 2
  for (int q = 0; q < 2; ++q) {
#pragma GCC unroll 2
    for (int p = 0; p < 2; ++p) {
      const uint16_t* two_rows = list + 4 * q + 2 * p;
      full_add(ones, load<B>(base + two_rows[0]), load<B>(base + two_rows[1]), ones, pair[p]);
    }
    full_add(twos, pair[0], pair[1], twos, quad[q]);
  }
  B eight;
  full_add(fours, quad[0], quad[1], fours, eight);
  return eight;
}

// Adds a number of one bit to the planes from `from` on.
template <class B>
inline void ripple(B carry, B (&planes)[kCountPlanes], int from) {
#pragma GCC unroll 8
  for (int k = from; k < kCountPlanes; ++k) {
    const B next = planes[k] & carry;
    planes[k] ^= carry;
    carry = next;
  }
}

// Column sums of the rows at base + list[0 .. length), length a multiple of 8 (tree of carry-save
// adders: Harley and Seal; Mula, Kurz and Lemire, "Faster population counts using AVX2
// instructions", Computer Journal 61, 2018).
template <class B>
inline void count_rows(const char* base, const uint16_t* list, int length,
                       B (&planes)[kCountPlanes]) {
  B count[kCountPlanes] = {};
  int k = 0;
  for (; k + 16 <= length; k += 16) {
    const B first = add_eight_rows(base, list + k, count[0], count[1], count[2]);
    const B second = add_eight_rows(base, list + k + 8, count[0], count[1], count[2]);
    B sixteen;
    full_add(count[3], first, second, count[3], sixteen);
    ripple(sixteen, count, 4);
  }
  if (k < length) ripple(add_eight_rows(base, list + k, count[0], count[1], count[2]), count, 3);
#pragma GCC unroll 8
  for (int p = 0; p < kCountPlanes; ++p) planes[p] = count[p];
}

// planes = min(planes, top), for a top of up to 255.
template <class B>
inline void limit_planes(B (&planes)[kCountPlanes], int top) {
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

// Adds numbers of `planes` planes at out to the bit-sliced accumulators at sums, kBlockBytes apart.
template <class B>
inline void add_planes(const B* out, int planes, char* sums, int sum_planes) {
  B carry{};
  int k = 0;
  for (; k < planes; ++k) {
    B sum;
    full_add(load<B>(sums + k * kBlockBytes), out[k], carry, sum, carry);
    store(sums + k * kBlockBytes, sum);
  }
  for (; k < sum_planes; ++k) {
    const B old = load<B>(sums + k * kBlockBytes);
    store(sums + k * kBlockBytes, old ^ carry);
    carry &= old;
  }
}

// The numbers of up to eight bit-sliced planes, kBlockBytes apart, at all positions of `bytes` bytes
// of planes.
inline void expand_bytes(const char* planes, int count, int bytes, uint8_t* numbers) {
  for (int at = 0; at < bytes; at += 8) {
#if defined(CIMSIM_AVX512)
    __m512i sum = _mm512_setzero_si512();
#pragma GCC unroll 8
    for (int k = 0; k < count; ++k) {
      uint64_t bits;
      __builtin_memcpy(&bits, planes + k * kBlockBytes + at, 8);
      sum = _mm512_mask_add_epi8(sum, bits, sum, _mm512_set1_epi8(static_cast<char>(1 << k)));
    }
    _mm512_storeu_si512(numbers + 8 * at, sum);
#else
    for (int byte = at; byte < at + 8; ++byte) {
      // An 8 x 8 bit matrix, row k from plane k, transposed (Warren, "Hacker's Delight", 7-3).
      uint64_t x = 0;
      for (int k = 0; k < count; ++k) {
        x |= static_cast<uint64_t>(static_cast<uint8_t>(planes[k * kBlockBytes + byte])) << (8 * k);
      }
      uint64_t t = (x ^ (x >> 7)) & 0x00AA00AA00AA00AAU;
      x ^= t ^ (t << 7);
      t = (x ^ (x >> 14)) & 0x0000CCCC0000CCCCU;
      x ^= t ^ (t << 14);
      t = (x ^ (x >> 28)) & 0x00000000F0F0F0F0U;
      x ^= t ^ (t << 28);
      __builtin_memcpy(numbers + 8 * byte, &x, 8);
    }
#endif
  }
}

// The numbers of up to 31 bit-sliced planes at all positions of a block.
inline void expand_planes(const char* planes, int count, int bytes, int32_t* numbers) {
  alignas(64) uint8_t part[kBlockBits];
  for (int first = 0; first < count; first += 8) {
    const int left = count - first;
    expand_bytes(planes + first * kBlockBytes, left < 8 ? left : 8, bytes, part);
    for (int c = 0; c < 8 * bytes; ++c) {
      const int32_t value = static_cast<int32_t>(part[c]) << first;
      numbers[c] = first == 0 ? value : numbers[c] + value;
    }
  }
}

// Byte offsets of the active rows of each vector and read: bit i of a code is its input in read i.
// lists[vector][read][capacity], padded with `silent` (an empty row) to a multiple of 8.
inline void list_rows(const uint16_t* codes, int64_t stride, int vectors, int rows, int reads,
                      int silent, int capacity, uint16_t* lists, uint16_t* counts) {
  for (int m = 0; m < vectors; ++m) {
    const uint16_t* code = codes + m * stride;
    uint16_t* list = lists + int64_t{m} * reads * capacity;
    int length[kMaxReads] = {};
#if defined(CIMSIM_AVX512)
    const __m512i lanes = _mm512_set_epi16(
        31 * 64, 30 * 64, 29 * 64, 28 * 64, 27 * 64, 26 * 64, 25 * 64, 24 * 64, 23 * 64, 22 * 64,
        21 * 64, 20 * 64, 19 * 64, 18 * 64, 17 * 64, 16 * 64, 15 * 64, 14 * 64, 13 * 64, 12 * 64,
        11 * 64, 10 * 64, 9 * 64, 8 * 64, 7 * 64, 6 * 64, 5 * 64, 4 * 64, 3 * 64, 2 * 64, 64, 0);
    for (int row = 0; row < rows; row += 32) {
      const int left = rows - row;
      const __mmask32 used = left >= 32 ? ~0U : (1U << left) - 1U;
      const __m512i words = _mm512_maskz_loadu_epi16(used, code + row);
      const __m512i offsets =
          _mm512_add_epi16(lanes, _mm512_set1_epi16(static_cast<short>(row * kBlockBytes)));
      for (int i = 0; i < reads; ++i) {
        const __mmask32 active =
            _mm512_test_epi16_mask(words, _mm512_set1_epi16(static_cast<short>(1 << i)));
        _mm512_storeu_si512(list + i * capacity + length[i],
                            _mm512_maskz_compress_epi16(active, offsets));
        length[i] += __builtin_popcount(active);
      }
    }
#else
    for (int row = 0; row < rows; ++row) {
      for (int i = 0; i < reads; ++i) {
        list[i * capacity + length[i]] = static_cast<uint16_t>(row * kBlockBytes);
        length[i] += code[row] >> i & 1;
      }
    }
#endif
    for (int i = 0; i < reads; ++i) {
      counts[m * reads + i] = static_cast<uint16_t>(length[i]);
      for (int pad = 0; pad < 8; ++pad) {
        list[i * capacity + length[i] + pad] = static_cast<uint16_t>(silent);
      }
    }
  }
}
