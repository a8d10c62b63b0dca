// One-bit cells and one-bit inputs: column sums in bit-sliced form, conversion and shift-add of one
// row group. Included inside the namespace of one instruction set, after bits.inl.

// Working memory of a call, laid out in BinaryJob::workspace.
struct BinaryWork {
  int capacity;        // of a list
  uint16_t* lists;     // [vector][read][capacity]: offsets of the active rows
  uint16_t* active;    // [vector][read]: their number
  uint8_t* counts;     // [read][kBlockBits]: column sums of one vector and block
  int32_t* reference;  // [vector][slice][read]: noise of the reference column, over 2^noise_bits
  uint64_t* numbers;   // [slice][read]: counters of its draws
  uint64_t* zeros;
  uint32_t* words;     // [slice][read][4]
};

inline BinaryWork carve(const BinaryJob& job) {
  char* next = static_cast<char*>(job.workspace);
  const auto take = [&next](int64_t bytes) {
    char* p = next;
    next += (bytes + 63) / 64 * 64;
    return p;
  };
  const int64_t lists = int64_t{job.vectors} * job.reads;
  constexpr int64_t most_reads = 8 * kMaxReads;  // of a vector: slices times input cycles
  BinaryWork w{};
  w.capacity = job.row_slots + kListSpare;
  w.lists = reinterpret_cast<uint16_t*>(take(lists * w.capacity * 2));
  w.active = reinterpret_cast<uint16_t*>(take(lists * 2));
  w.counts = reinterpret_cast<uint8_t*>(take(kMaxReads * kBlockBits));
  w.reference = reinterpret_cast<int32_t*>(take(lists * job.slices * 4));
  w.numbers = reinterpret_cast<uint64_t*>(take(most_reads * 8));
  w.zeros = reinterpret_cast<uint64_t*>(take(most_reads * 8));
  w.words = reinterpret_cast<uint32_t*>(take(most_reads * 16));
  return w;
}

// Appends the offsets of the active ones of 16 rows from `row` on to the lists of all reads.
inline void list_16_rows(const uint16_t* code, int row, int rows, int reads, int capacity,
                         uint16_t* list, int* length) {
  const int left = rows - row;
#if defined(CIMSIM_AVX512)
  const __mmask16 used = left >= 16 ? 0xFFFFU : static_cast<__mmask16>((1U << left) - 1U);
  const __m512i words = _mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16(used, code + row));
  const __m512i offsets = _mm512_add_epi32(
      _mm512_set1_epi32(row * kBlockBytes),
      _mm512_slli_epi32(_mm512_set_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0), 6));
  for (int i = 0; i < reads; ++i) {
    const __mmask16 active = _mm512_test_epi32_mask(words, _mm512_set1_epi32(1 << i));
    const __m256i found = _mm512_cvtepi32_epi16(_mm512_maskz_compress_epi32(active, offsets));
    store(list + i * capacity + length[i], found);
    length[i] += __builtin_popcount(active);
  }
#else
  for (int k = 0; k < (left < 16 ? left : 16); ++k) {
    for (int i = 0; i < reads; ++i) {
      list[i * capacity + length[i]] = static_cast<uint16_t>((row + k) * kBlockBytes);
      length[i] += code[row + k] >> i & 1;
    }
  }
#endif
}

// Lists of the active rows of each vector and read, padded with the empty row to multiples of 8.
inline void list_rows(const BinaryJob& job, const BinaryWork& w) {
  for (int m = 0; m < job.vectors; ++m) {
    const uint16_t* code = job.codes + m * job.code_stride;
    uint16_t* list = w.lists + int64_t{m} * job.reads * w.capacity;
    int length[kMaxReads] = {};
    for (int row = 0; row < job.rows; row += 16) {
      list_16_rows(code, row, job.rows, job.reads, w.capacity, list, length);
    }
    for (int i = 0; i < job.reads; ++i) {
      w.active[m * job.reads + i] = static_cast<uint16_t>(length[i]);
      for (int pad = 0; pad < 8; ++pad) {
        list[i * w.capacity + length[i] + pad] =
            static_cast<uint16_t>((job.row_slots - 1) * kBlockBytes);
      }
    }
  }
}

// Column sums of one list at the positions of B.
template <class B>
inline void count_list(const BinaryWork& w, int64_t list, const char* bits, B* planes) {
  count_rows(bits, w.lists + list * w.capacity, (w.active[list] + 7) / 8 * 8, planes);
}

// All reads of one vector at the positions of B, limited and shifted: added to the planes at out.
template <class B>
inline void convert_by_limit(const BinaryJob& job, const BinaryWork& w, int vector,
                             const char* bits, char* out) {
  // Before read i the window holds the sum of the reads so far over 2^i; what falls out is final.
  B window[kCountPlanes + 1] = {};
  B result[kMaxReads + kCountPlanes];
  for (int i = 0; i < job.reads; ++i) {
    B planes[kCountPlanes];
    count_list(w, int64_t{vector} * job.reads + i, bits, planes);
    if (job.adc_top < job.rows) limit_planes(planes, job.adc_top);
    B carry{};
#pragma GCC unroll 8
    for (int k = 0; k < kCountPlanes; ++k) full_add(window[k], planes[k], carry, window[k], carry);
    result[i] = window[0];
#pragma GCC unroll 8
    for (int k = 0; k < kCountPlanes - 1; ++k) window[k] = window[k + 1];
    window[kCountPlanes - 1] = carry;
  }
#pragma GCC unroll 8
  for (int k = 0; k < kCountPlanes; ++k) result[job.reads + k] = window[k];
  add_planes(result, job.reads + kCountPlanes, out, job.sum_planes);
}

// Column sums of all reads of one vector at the positions of one block, as bytes.
template <class B>
inline void count_block(const BinaryJob& job, const BinaryWork& w, int vector, const char* bits,
                        int bytes) {
  alignas(64) char sums[kCountPlanes * kBlockBytes];
  for (int i = 0; i < job.reads; ++i) {
    for (int at = 0; at < bytes; at += static_cast<int>(sizeof(B))) {
      B planes[kCountPlanes];
      count_list(w, int64_t{vector} * job.reads + i, bits + at, planes);
      for (int k = 0; k < kCountPlanes; ++k) store(sums + k * kBlockBytes + at, planes[k]);
    }
    expand_bytes(sums, kCountPlanes, bytes, w.counts + i * kBlockBits);
  }
}

inline void count_histogram(const BinaryJob& job, const BinaryWork& w, int block, int subs) {
  for (int k = 0; k < subs; ++k) {
    const int left = job.columns - (block * kSubsOfBlock + k) / job.slices * kSubColumns;
    const int used = left < kSubColumns ? left : kSubColumns;
    for (int i = 0; i < job.reads; ++i) {
      const uint8_t* counts = w.counts + i * kBlockBits + k * kSubColumns;
      for (int c = 0; c < used; ++c) ++job.histogram[counts[c]];
    }
  }
}

// Entries of a table of kTableEntries, of which `last` is the highest that occurs.
inline Shorts look_up(const int16_t* table, Shorts index, int last) {
#if defined(CIMSIM_AVX512)
  const __m512i at = (__m512i)index;
  __m512i found = entry_of_64(table, at);
  for (int from = 64; from <= last; from += 64) {
    const __mmask32 here = _mm512_cmpge_epi16_mask(at, _mm512_set1_epi16(static_cast<short>(from)));
    found = _mm512_mask_mov_epi16(found, here, entry_of_64(table + from, at));
  }
  return (Shorts)found;
#else
  static_cast<void>(last);
  Shorts found{};
  for (int k = 0; k < kShorts; ++k) found[k] = table[index[k]];
  return found;
#endif
}

inline Shorts widen_bytes(const uint8_t* bytes) {
#if defined(CIMSIM_AVX512)
  return (Shorts)_mm512_cvtepu8_epi16(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(bytes)));
#elif defined(CIMSIM_AVX2)
  return (Shorts)_mm256_cvtepu8_epi16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(bytes)));
#else
  Shorts wide{};
  for (int k = 0; k < kShorts; ++k) wide[k] = bytes[k];
  return wide;
#endif
}

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

// Noise of the reference column in all reads. It is subtracted.
inline void draw_reference(const BinaryJob& job, const BinaryWork& w) {
  const int count = job.slices * job.reads;
  for (int k = 0; k < count; ++k) {
    w.zeros[k] = 0;
    w.numbers[k] = static_cast<uint64_t>((int64_t{job.group} * job.reads + k % job.reads) *
                                             job.slices + k / job.reads);
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

// Codes of all reads of one vector at the positions of one sub-block, shifted and added up.
template <bool kNoisy>
inline void convert_sub(const BinaryJob& job, const BinaryWork& w, int vector, int block, int k,
                        const int16_t* numbers, int64_t* row) {
  constexpr int parts = kSubColumns / kShorts;
  const int sub = block * kSubsOfBlock + k;
  const int slice = sub % job.slices;
  const Shorts unit = splat<Shorts>(static_cast<int16_t>(kNoisy ? 1 << (job.noise_bits - 14) : 0));
  Shorts total[parts] = {};
  for (int i = 0; i < job.reads; ++i) {
    const int active = w.active[int64_t{vector} * job.reads + i];
    if (active == 0) continue;
    const uint8_t* counts = w.counts + i * kBlockBits + k * kSubColumns;
    const int16_t* deviations = job.deviations + active * job.deviation_stride;
    const int32_t common =
        kNoisy ? w.reference[(vector * job.slices + slice) * job.reads + i] : 0;
#pragma GCC unroll 4
    for (int p = 0; p < parts; ++p) {
      const Shorts sum = widen_bytes(counts + p * kShorts);
      Shorts code = sum;
      if (job.codes_of_sums != nullptr) code = look_up(job.codes_of_sums, sum, active);
      if constexpr (kNoisy) {
        Shorts rest = splat<Shorts>(int16_t{1 << 13});
        if (job.rests != nullptr) rest = look_up(job.rests, sum, active);
        const Shorts number = load<Shorts>(numbers + i * kDrawColumns + p * kShorts);
        code += add_up(look_up(deviations, sum, active), number, rest, unit, common,
                       job.noise_bits);
        code = limit_codes(code, job.adc_top);
      }
      total[p] += code << i;
    }
  }
  alignas(64) uint16_t codes[kSubColumns];
  for (int p = 0; p < parts; ++p) store(codes + p * kShorts, total[p]);
  int64_t* sums = row + sub / job.slices * kSubColumns;
  for (int c = 0; c < kSubColumns; ++c) sums[c] += static_cast<int64_t>(codes[c]) << slice;
}

inline void convert_block(const BinaryJob& job, const BinaryWork& w, int vector, int block,
                          int subs) {
  alignas(64) uint16_t draws[kBatchDraws];
  alignas(64) int16_t numbers[kBatchDraws];
  ReadNoiseName name;
  name.seed = job.seed;
  name.layer = job.layer;
  name.vector = job.first_vector + static_cast<uint64_t>(vector);
  name.group = static_cast<uint32_t>(job.group);
  name.slices = static_cast<uint32_t>(job.slices);
  name.reads = job.reads;
  int64_t* row = job.sums + int64_t{vector} * job.column_blocks * kSubColumns;
  for (int k = 0; k < subs; ++k) {
    const int sub = block * kSubsOfBlock + k;
    if (!job.noisy) {
      convert_sub<false>(job, w, vector, block, k, nullptr, row);
      continue;
    }
    const int first_column = sub / job.slices * kSubColumns;
    name.slice = static_cast<uint32_t>(sub % job.slices);
    draw_halves(name, first_column, draws);
    numbers_of_draws(name, first_column, draws, numbers);
    convert_sub<true>(job, w, vector, block, k, numbers, row);
  }
}

// All reads at the positions of `subs` sub-blocks of a block.
template <class B>
inline void read_block(const BinaryJob& job, const BinaryWork& w, int block, int subs) {
  const char* bits = job.bits + int64_t{block} * job.row_slots * kBlockBytes;
  const int bytes = subs * kSubColumns / 8;
  if (!job.converts_in_bits()) {
    for (int m = 0; m < job.vectors; ++m) {
      count_block<B>(job, w, m, bits, bytes);
      job.histogram != nullptr ? count_histogram(job, w, block, subs)
                               : convert_block(job, w, m, block, subs);
    }
    return;
  }
  const int blocks = (job.column_blocks * job.slices + kSubsOfBlock - 1) / kSubsOfBlock;
  for (int m = 0; m < job.vectors; ++m) {
    char* out = job.planes + (int64_t{m} * blocks + block) * job.sum_planes * kBlockBytes;
    for (int at = 0; at < bytes; at += static_cast<int>(sizeof(B))) {
      convert_by_limit<B>(job, w, m, bits + at, out + at);
    }
  }
}

// All reads of one row group.
inline void read_binary_group(const BinaryJob& job) {
  const BinaryWork w = carve(job);
  list_rows(job, w);
  if (job.noisy) draw_reference(job, w);
  const int all = job.column_blocks * job.slices;
  for (int block = 0; block * kSubsOfBlock < all; ++block) {
    const int left = all - block * kSubsOfBlock;
#if defined(CIMSIM_AVX512)
    if (2 * left <= kSubsOfBlock) {
      read_block<HalfBits>(job, w, block, left);
      continue;
    }
#endif
    read_block<Bits>(job, w, block, left < kSubsOfBlock ? left : kSubsOfBlock);
  }
}

// Adds the bit-sliced sums of all vectors to job.sums.
inline void expand_binary_sums(const BinaryJob& job) {
  const int all = job.column_blocks * job.slices;
  const char* planes = job.planes;
  alignas(64) uint8_t part[kBlockBits];
  for (int m = 0; m < job.vectors; ++m) {
    int64_t* row = job.sums + int64_t{m} * job.column_blocks * kSubColumns;
    for (int first = 0; first < all; first += kSubsOfBlock) {
      const int subs = all - first < kSubsOfBlock ? all - first : kSubsOfBlock;
      for (int plane = 0; plane < job.sum_planes; plane += 8, planes += 8 * kBlockBytes) {
        const int count = job.sum_planes - plane < 8 ? job.sum_planes - plane : 8;
        expand_bytes(planes, count, subs * kSubColumns / 8, part);
        for (int k = 0; k < subs; ++k) {
          int64_t* sums = row + (first + k) / job.slices * kSubColumns;
          const int place = plane + (first + k) % job.slices;
          for (int c = 0; c < kSubColumns; ++c) {
            sums[c] += int64_t{part[k * kSubColumns + c]} << place;
          }
        }
        if (count < 8) planes -= (8 - count) * kBlockBytes;
      }
    }
  }
}
