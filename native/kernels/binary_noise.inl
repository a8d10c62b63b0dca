// Read noise of one-bit cells: codes from column sums and draws. Included inside the namespace of
// one instruction set, after binary.inl. See docs/simulator.md.

// max(0, min(code, top))
inline Shorts limit_codes(Shorts code, int top) {
#if defined(CIMSIM_AVX512)
  const __m512i above = _mm512_max_epi16((__m512i)code, _mm512_setzero_si512());
  return (Shorts)_mm512_min_epi16(above, _mm512_set1_epi16(static_cast<short>(top)));
#elif defined(CIMSIM_AVX2)
  const __m256i above = _mm256_max_epi16((__m256i)code, _mm256_setzero_si256());
  return (Shorts)_mm256_min_epi16(above, _mm256_set1_epi16(static_cast<short>(top)));
#else
  for (int k = 0; k < kShorts; ++k) {
    code[k] = static_cast<int16_t>(code[k] < 0 ? 0 : code[k] > top ? top : code[k]);
  }
  return code;
#endif
}

// (deviation * number + rest * unit + common) >> bits, which fits 16 bits.
inline Shorts add_up(Shorts deviation, Shorts number, Shorts rest, Shorts unit, int32_t common,
                     int bits) {
#if defined(CIMSIM_AVX512)
  const __m512i added = _mm512_set1_epi32(common);
  const __m128i shift = _mm_cvtsi32_si128(bits);
  const auto half = [&](__m512i numbers, __m512i factors) {
    return _mm512_sra_epi32(_mm512_add_epi32(_mm512_madd_epi16(numbers, factors), added), shift);
  };
  const __m512i low = half(_mm512_unpacklo_epi16((__m512i)number, (__m512i)rest),
                           _mm512_unpacklo_epi16((__m512i)deviation, (__m512i)unit));
  const __m512i high = half(_mm512_unpackhi_epi16((__m512i)number, (__m512i)rest),
                            _mm512_unpackhi_epi16((__m512i)deviation, (__m512i)unit));
  return (Shorts)_mm512_packs_epi32(low, high);
#elif defined(CIMSIM_AVX2)
  const __m256i added = _mm256_set1_epi32(common);
  const __m128i shift = _mm_cvtsi32_si128(bits);
  const auto half = [&](__m256i numbers, __m256i factors) {
    return _mm256_sra_epi32(_mm256_add_epi32(_mm256_madd_epi16(numbers, factors), added), shift);
  };
  const __m256i low = half(_mm256_unpacklo_epi16((__m256i)number, (__m256i)rest),
                           _mm256_unpacklo_epi16((__m256i)deviation, (__m256i)unit));
  const __m256i high = half(_mm256_unpackhi_epi16((__m256i)number, (__m256i)rest),
                            _mm256_unpackhi_epi16((__m256i)deviation, (__m256i)unit));
  return (Shorts)_mm256_packs_epi32(low, high);
#else
  Shorts sum{};
  for (int k = 0; k < kShorts; ++k) {
    sum[k] = static_cast<int16_t>((deviation[k] * number[k] + rest[k] * unit[k] + common) >> bits);
  }
  return sum;
#endif
}

// Factor of rests in the integers over 2^noise_bits.
inline int rest_unit(const BinaryJob& job) { return 1 << (job.noise_bits - 14); }
constexpr int kHalfRest = 1 << 13;  // where sum / step is a code

// What a single code is computed with.
struct NoisyReadout {
  explicit NoisyReadout(const BinaryJob& job)
      : deviations(job.deviations),
        rests(job.rests),
        codes_of_sums(job.codes_of_sums),
        deviation_stride(job.deviation_stride),
        unit(rest_unit(job)),
        bits(job.noise_bits),
        top(job.adc_top) {}

  // `common` is the noise of the reference column.
  int code(int active, int sum, int number, int32_t common) const {
    const int deviation = deviations[active * deviation_stride + sum];
    const int rest = rests == nullptr ? kHalfRest : rests[sum];
    const int base = codes_of_sums == nullptr ? sum : codes_of_sums[sum];
    const int code = base + ((deviation * number + rest * unit + common) >> bits);
    const int above = code < 0 ? 0 : code;
    return above > top ? top : above;
  }

  const int16_t* deviations;
  const int16_t* rests;
  const int16_t* codes_of_sums;
  int deviation_stride;
  int unit;
  int bits;
  int top;
};

// Noise of the reference column in all reads. It is subtracted.
inline void draw_reference(const BinaryJob& job, const BinaryWork& w) {
  const int count = job.slices * job.reads;
  for (int k = 0; k < count; ++k) {
    w.zeros[k] = 0;
    w.numbers[k] = read_number(job.names, static_cast<uint32_t>(job.group),
                               static_cast<uint32_t>(k % job.reads),
                               static_cast<uint32_t>(k / job.reads));
  }
  for (int m = 0; m < job.vectors; ++m) {
    const uint64_t vector = job.first_vector + static_cast<uint64_t>(m);
    philox(w.zeros, static_cast<uint32_t>(vector), w.numbers,
           role_word(kRoleReferenceReadNoise, vector), job.seed, job.layer, count, w.words);
    for (int k = 0; k < count; ++k) {
      const float active = static_cast<float>(w.active[m * job.reads + k % job.reads]);
      const float deviation = job.reference_deviation * __builtin_sqrtf(active);
      w.reference[m * count + k] =
          static_cast<int32_t>(-(deviation * normal_of_word(w.words[4 * k])));
    }
  }
}

// That of one vector at the steps of a block, each of which belongs to one slice where there is any.
inline void spread_reference(const BinaryJob& job, const BinaryWork& w, int vector, int block) {
  if (!job.has_reference_noise()) return;  // w.common is zero
  for (int step = 0; step < kBlockSteps; ++step) {
    const int at = (block * kBlockBits + step * kStepBits) / job.width;
    const int slice = at < job.slices ? at : job.slices - 1;
    const int32_t* from = w.reference + (vector * job.slices + slice) * job.reads;
    for (int i = 0; i < job.reads; ++i) w.common[i * kBlockSteps + step] = from[i];
  }
}

inline DrawKey draw_key(const BinaryJob& job, int vector) {
  return {job.seed, job.layer, job.first_vector + static_cast<uint64_t>(vector)};
}

inline uint64_t third_counter(const BinaryJob& job, int set, int slice) {
  return set_number(job.names, static_cast<uint32_t>(job.group), static_cast<uint32_t>(set),
                    static_cast<uint32_t>(slice));
}

// Counters of the draws of one block.
inline void fill_counters(const BinaryJob& job, const BinaryWork& w, int block) {
  for (int unit = 0; unit < kBlockUnits; ++unit) {
    const int position = block * kBlockBits + unit * kDrawUnit;
    for (int set = 0; set < kMaxSets; ++set) {
      w.first[set * kBlockUnits + unit] =
          static_cast<uint64_t>(position % job.width / kDrawUnit);
      w.third[set * kBlockUnits + unit] = third_counter(job, set, position / job.width);
    }
  }
}

// Bytes of the draws of one vector and block.
inline void draw_block(const BinaryJob& job, const BinaryWork& w, int vector, int positions,
                       uint32_t role, uint8_t* bytes) {
  for (int set = 0; 4 * set < job.reads; ++set) {
    draw_bytes(draw_key(job, vector), role, w.first + set * kBlockUnits,
               w.third + set * kBlockUnits, positions / kDrawUnit, bytes + 4 * set * kBlockBits,
               kBlockBits);
  }
}

// Codes of all reads of one vector and block, from 16 bits for each.
inline void convert_noisy(const BinaryJob& job, const BinaryWork& w, int vector, int positions) {
  draw_block(job, w, vector, positions, kRoleReadNoise, w.high);
  draw_block(job, w, vector, positions, kRoleReadNoiseLow, w.low);
  const Shorts unit = splat<Shorts>(static_cast<int16_t>(rest_unit(job)));
  alignas(64) uint16_t draws[32];
  alignas(64) int16_t numbers[32];
  for (int i = 0; i < job.reads; ++i) {
    const int active = w.active[int64_t{vector} * job.reads + i];
    const int16_t* deviations = job.deviations + active * job.deviation_stride;
    for (int p = 0; p < positions; p += 32) {
      uint8_t* codes = w.codes + i * kBlockBits + p;
      if (active == 0) {
        __builtin_memset(codes, 0, 32);
        continue;
      }
      const int place = i * kBlockBits + p;
      for (int k = 0; k < 32; ++k) {
        draws[k] = static_cast<uint16_t>(w.high[place + k] << 8 | w.low[place + k]);
      }
      numbers_of_draws(draws, numbers, [&](int k) {
        const int counter = i / 4 * kBlockUnits + (p + k) / kDrawUnit;
        return number_of_tail(draw_key(job, vector), w.first[counter], w.third[counter], i % 4,
                              k % kDrawUnit, draws[k]);
      });
      const int32_t common = w.common[place / kStepBits];
      for (int k = 0; k < 32; k += kShorts) {
        const Shorts sum = widen_bytes(w.counts + i * kBlockBits + p + k);
        Shorts code = sum;
        if (job.codes_of_sums != nullptr) code = look_up(job.codes_of_sums, sum, active);
        Shorts rest = splat<Shorts>(int16_t{kHalfRest});
        if (job.rests != nullptr) rest = look_up(job.rests, sum, active);
        code += add_up(look_up(deviations, sum, active), load<Shorts>(numbers + k), rest, unit,
                       common, job.noise_bits);
        store_as_bytes(codes + k, limit_codes(code, job.adc_top));
      }
    }
  }
}

// Codes of the column whose cells are the same in all rows.
inline void read_noisy_uniform_column(const BinaryJob& job, const BinaryWork& w) {
  constexpr int most_slices = 8;
  constexpr int blocks = kMaxSets * most_slices;
  const auto quad = static_cast<uint64_t>(job.columns / kDrawUnit);
  const int byte = job.columns % kDrawUnit;
  alignas(64) uint64_t first[blocks];
  alignas(64) uint64_t third[blocks];
  for (int k = 0; k < blocks; ++k) {
    first[k] = quad;
    third[k] = third_counter(job, k / most_slices, k % most_slices);
  }
  alignas(64) uint8_t high[4 * 4 * blocks];
  alignas(64) uint8_t low[4 * 4 * blocks];
  alignas(64) uint16_t draws[kMaxReads * most_slices];
  alignas(64) int16_t numbers[kMaxReads * most_slices];
  const NoisyReadout readout(job);
  for (int m = 0; m < job.vectors; ++m) {
    draw_bytes(draw_key(job, m), kRoleReadNoise, first, third, blocks, high, 4 * blocks);
    draw_bytes(draw_key(job, m), kRoleReadNoiseLow, first, third, blocks, low, 4 * blocks);
    for (int k = 0; k < kMaxReads * most_slices; ++k) {
      const int i = k / most_slices;
      const int at = i % 4 * 4 * blocks + 4 * (i / 4 * most_slices + k % most_slices) + byte;
      draws[k] = static_cast<uint16_t>(high[at] << 8 | low[at]);
    }
    for (int k = 0; k < kMaxReads * most_slices; k += 32) {
      numbers_of_draws(draws + k, numbers + k, [&](int n) {
        const int i = (k + n) / most_slices;
        return number_of_tail(draw_key(job, m), quad, third[i / 4 * most_slices + n % most_slices],
                              i % 4, byte, draws[k + n]);
      });
    }
    int64_t total = 0;
    for (int i = 0; i < job.reads; ++i) {
      const int active = w.active[int64_t{m} * job.reads + i];
      for (int j = 0; active > 0 && j < job.slices; ++j) {
        const int32_t common =
            !job.has_reference_noise()
                ? 0
                : w.reference[(int64_t{m} * job.slices + j) * job.reads + i];
        const int sum = (job.uniform_bits >> j & 1U) != 0 ? active : 0;
        const int number = numbers[i * most_slices + j];
        total += int64_t{readout.code(active, sum, number, common)} << (i + j);
      }
    }
    job.sums[int64_t{m} * job.sum_stride() + job.width] += total;
  }
}
