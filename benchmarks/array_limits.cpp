// Throughput of the operations that the array product cannot do without, on one core, from
// registers and first-level cache. Compiled and run by array_limits.py; prints operations per
// nanosecond.
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <ctime>

#ifdef __AVX512F__
#include <immintrin.h>
#endif

namespace {

constexpr int kRows = 128;      // vectors of 512 bits: 8 KiB
constexpr int kRounds = 40000;  // about 0.1 s each
constexpr int kChains = 8;      // independent accumulators

typedef uint64_t Bits __attribute__((vector_size(64)));
typedef uint16_t Shorts __attribute__((vector_size(64)));

template <class Work>
double per_nanosecond(double operations, const Work& work) {
  double best = 0.0;
  for (int repeat = 0; repeat < 5; ++repeat) {
    const clock_t start = clock();
    work();
    const double took = 1e9 * static_cast<double>(clock() - start) / CLOCKS_PER_SEC;
    if (operations / took > best) best = operations / took;
  }
  return best;
}

Bits population(Bits x) {
#ifdef __AVX512VPOPCNTDQ__
  return (Bits)_mm512_popcnt_epi64((__m512i)x);
#else
  for (int k = 0; k < 8; ++k) x[k] = static_cast<uint64_t>(__builtin_popcountll(x[k]));
  return x;
#endif
}

void full_add(Bits a, Bits b, Bits c, Bits& sum, Bits& carry) {
#ifdef __AVX512F__
  sum = (Bits)_mm512_ternarylogic_epi64((__m512i)a, (__m512i)b, (__m512i)c, 0x96);
  carry = (Bits)_mm512_ternarylogic_epi64((__m512i)a, (__m512i)b, (__m512i)c, 0xE8);
#else
  sum = a ^ b ^ c;
  carry = (a & b) | (c & (a | b));
#endif
}

// 32 x 32 -> 64 bits of each half.
Bits multiply(Bits a, uint32_t b) {
#ifdef __AVX512F__
  return (Bits)_mm512_mul_epu32((__m512i)a, _mm512_set1_epi64(b));
#else
  return (a & 0xFFFFFFFFU) * b;
#endif
}

alignas(64) Bits rows[kRows];
volatile uint64_t sink;

void keep(const Bits* values) {
  uint64_t all = 0;
  for (int k = 0; k < kChains; ++k) all ^= values[k][0];
  sink = all;
}

void count_ones() {
  Bits total[kChains] = {};
  for (int round = 0; round < kRounds; ++round) {
    const Bits input = rows[round % kRows];
    for (int r = 0; r < kRows; r += kChains) {
      for (int k = 0; k < kChains; ++k) total[k] += population(rows[r + k] & input);
    }
  }
  keep(total);
}

void add_bits() {
  Bits sum[kChains] = {}, carry[kChains] = {};
  for (int round = 0; round < kRounds; ++round) {
    for (int r = 0; r < kRows; r += kChains) {
      for (int k = 0; k < kChains; ++k) full_add(sum[k], rows[r + k], carry[k], sum[k], carry[k]);
    }
  }
  for (int k = 0; k < kChains; ++k) sum[k] ^= carry[k];
  keep(sum);
}

void convert() {
  Shorts total[kChains] = {};
  const Shorts top = Shorts{} + uint16_t{127};
  for (int round = 0; round < kRounds; ++round) {
    const int shift = round & 7;
    for (int r = 0; r < kRows; r += kChains) {
      for (int k = 0; k < kChains; ++k) {
        const Shorts sum = (Shorts)rows[r + k];
        total[k] += (sum < top ? sum : top) << shift;
      }
    }
  }
  Bits kept[kChains];
  std::memcpy(kept, total, sizeof kept);
  keep(kept);
}

// Philox4x32-10: eight blocks of four words in each chain.
void draw() {
  Bits kept[kChains] = {};
  for (int round = 0; round < kRounds; ++round) {
    Bits x0[2], x1[2], x2[2], x3[2];
    for (int k = 0; k < 2; ++k) {
      x0[k] = rows[(2 * round + k) % kRows];
      x1[k] = x2[k] = x3[k] = Bits{} + static_cast<uint64_t>(round);
    }
    uint32_t key0 = 1, key1 = 2;
    for (int step = 0; step < 10; ++step, key0 += 0x9E3779B9U, key1 += 0xBB67AE85U) {
      for (int k = 0; k < 2; ++k) {
        const Bits first = multiply(x0[k], 0xD2511F53U), second = multiply(x2[k], 0xCD9E8D57U);
        x0[k] = (second >> 32) ^ x1[k] ^ uint64_t { key0 };
        x2[k] = (first >> 32) ^ x3[k] ^ uint64_t { key1 };
        x1[k] = second;
        x3[k] = first;
      }
    }
    for (int k = 0; k < 2; ++k) kept[k] ^= x0[k] ^ x1[k] ^ x2[k] ^ x3[k];
  }
  keep(kept);
}

}  // namespace

int main() {
  uint64_t state = 1;
  for (Bits& row : rows) {
    for (int k = 0; k < 8; ++k)
      row[k] = state = state * 6364136223846793005U + 1442695040888963407U;
  }
  const double vectors = double{kRounds} * kRows;
  std::printf("%g %g %g %g\n", per_nanosecond(vectors, count_ones),
              per_nanosecond(vectors, add_bits), 32.0 * per_nanosecond(vectors, convert),
              per_nanosecond(double{kRounds} * 2 * 8 * 4, draw));
}
