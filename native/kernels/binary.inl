// One-bit cells and one-bit inputs: column sums in bit-sliced form, conversion and shift-add of one
// row group. Included inside the namespace of one instruction set, after bits.inl.

// Working memory of a call, laid out in BinaryJob::workspace.
struct BinaryWork {
  int capacity;        // of a list
  uint16_t* lists;     // [vector][read][capacity]: offsets of the active rows
  uint16_t* active;    // [vector][read]: their number
  uint8_t* counts;     // [read][kBlockBits]: column sums of one vector and block
  uint8_t* codes;      // [read][kBlockBits]: what becomes of them
  int32_t* reference;  // [vector][slice][read]: noise of the reference column, over 2^noise_bits
  uint64_t* numbers;   // [slice][read]: counters of its draws
  uint64_t* zeros;
  uint32_t* words;     // [slice][read][4]
  uint64_t* first;     // [set][unit of a block]: counters of the read noise of four columns and reads
  uint64_t* third;
  uint8_t* high;       // [read][kBlockBits]: draws, high bytes and low ones
  uint8_t* low;
  int32_t* common;     // [read][step of a block]: noise of the reference column in one vector
  uint16_t* doubtful;  // [read * kBlockBits + position]: codes that depend on the low byte
};

constexpr int kBlockSteps = kBlockBits / kStepBits;
constexpr int kBlockUnits = kBlockBits / kDrawUnit;

inline BinaryWork carve(const BinaryJob& job) {
  char* next = static_cast<char*>(job.workspace);
  const auto take = [&next](int64_t bytes) {
    char* p = next;
    next += (bytes + 63) / 64 * 64;
    return p;
  };
  const int64_t lists = int64_t{job.vectors} * job.reads;
  constexpr int64_t most_reads = 8 * kMaxReads;  // of a vector: slices times input cycles
  constexpr int64_t bytes = int64_t{kMaxReads} * kBlockBits;
  BinaryWork w{};
  w.capacity = job.row_slots + kListSpare;
  w.lists = reinterpret_cast<uint16_t*>(take(lists * w.capacity * 2));
  w.active = reinterpret_cast<uint16_t*>(take(lists * 2));
  w.counts = reinterpret_cast<uint8_t*>(take(bytes));
  w.codes = reinterpret_cast<uint8_t*>(take(bytes));
  w.reference = reinterpret_cast<int32_t*>(take(lists * job.slices * 4));
  w.numbers = reinterpret_cast<uint64_t*>(take(most_reads * 8));
  w.zeros = reinterpret_cast<uint64_t*>(take(most_reads * 8));
  w.words = reinterpret_cast<uint32_t*>(take(most_reads * 16));
  w.first = reinterpret_cast<uint64_t*>(take(kMaxSets * kBlockUnits * 8));
  w.third = reinterpret_cast<uint64_t*>(take(kMaxSets * kBlockUnits * 8));
  w.high = reinterpret_cast<uint8_t*>(take(bytes));
  w.low = reinterpret_cast<uint8_t*>(take(bytes));
  w.common = reinterpret_cast<int32_t*>(take(kMaxReads * kBlockSteps * 4));
  w.doubtful = reinterpret_cast<uint16_t*>(take(2 * bytes + 128));
  return w;
}

// Appends the offsets of the active ones of 16 rows from `row` on to the lists of all reads.
inline void list_16_rows(const uint8_t* code, int row, int rows, int reads, int capacity,
                         uint16_t* list, int* length) {
  const int left = rows - row;
#if defined(CIMSIM_AVX512)
  const __mmask16 used = left >= 16 ? 0xFFFFU : static_cast<__mmask16>((1U << left) - 1U);
  const __m512i words = _mm512_cvtepu8_epi32(_mm_maskz_loadu_epi8(used, code + row));
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
    const uint8_t* code = job.codes + m * job.code_stride;
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
  constexpr int size = static_cast<int>(sizeof(B));
  for (int i = 0; i < job.reads; ++i) {
    uint8_t* counts = w.counts + i * kBlockBits;
    const int64_t list = int64_t{vector} * job.reads + i;
#if defined(CIMSIM_VBMI)
    B planes[kCountPlanes];
    count_list(w, list, bits, planes);
    __m512i wide[kCountPlanes];
    for (int k = 0; k < kCountPlanes; ++k) wide[k] = widened(planes[k]);
    static_assert(kCountPlanes == 8);
    expand_planes(wide, bytes / 8, counts);
    static_cast<void>(size);
#else
    alignas(64) char sums[kCountPlanes * kBlockBytes];
    for (int at = 0; at < bytes; at += size) {
      B planes[kCountPlanes];
      count_list(w, list, bits + at, planes);
      for (int k = 0; k < kCountPlanes; ++k) store(sums + k * kBlockBytes + at, planes[k]);
    }
    expand_bytes(sums, kCountPlanes, bytes, counts);
#endif
  }
}

inline void count_histogram(const BinaryJob& job, const BinaryWork& w, int block, int positions) {
  int column = block * kBlockBits % job.width;
  const int left = job.positions() - block * kBlockBits;
  for (int p = 0; p < (left < positions ? left : positions); ++p) {
    if (column < job.columns) {
      for (int i = 0; i < job.reads; ++i) ++job.histogram[w.counts[i * kBlockBits + p]];
    }
    column = column + 1 == job.width ? 0 : column + 1;
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

inline void store_as_bytes(uint8_t* bytes, Shorts values) {
#if defined(CIMSIM_AVX512)
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(bytes), _mm512_cvtepi16_epi8((__m512i)values));
#else
  for (int k = 0; k < kShorts; ++k) bytes[k] = static_cast<uint8_t>(values[k]);
#endif
}

// sums += numbers << place, at kGranule columns.
template <class T>
inline void add_granule(const T* numbers, int place, int64_t* sums) {
#if defined(CIMSIM_AVX512)
  const __m128i narrow = sizeof(T) == 1 ? _mm_loadl_epi64(reinterpret_cast<const __m128i*>(numbers))
                                        : _mm_loadu_si128(reinterpret_cast<const __m128i*>(numbers));
  const __m512i wide =
      sizeof(T) == 1 ? _mm512_cvtepu8_epi64(narrow) : _mm512_cvtepu16_epi64(narrow);
  const __m512i shifted = _mm512_sll_epi64(wide, _mm_cvtsi32_si128(place));
  _mm512_storeu_si512(sums, _mm512_add_epi64(_mm512_loadu_si512(sums), shifted));
#else
  for (int c = 0; c < kGranule; ++c) sums[c] += static_cast<int64_t>(numbers[c]) << place;
#endif
}

// Adds the numbers of consecutive positions, times 2^place and their slice's place, to a vector's
// sums.
template <class T>
inline void add_to_sums(const BinaryJob& job, int first, int count, const T* numbers, int place,
                        int64_t* sums) {
  int slice = first / job.width;
  int column = first % job.width;
  for (int p = 0; p < count && slice < job.slices; ++slice, column = 0) {
    const int end = p + job.width - column < count ? p + job.width - column : count;
    for (; p < end; p += kGranule, column += kGranule) {
      add_granule(numbers + p, place + slice, sums + column);
    }
  }
}

// Codes of the reads at kStepBits positions, times their places: sums of 16 bits.
inline void add_reads(const BinaryJob& job, const uint8_t* codes, uint16_t* totals) {
#if defined(CIMSIM_AVX512)
  __m512i low = _mm512_setzero_si512();  // positions 0 to 7 of each 16
  __m512i high = _mm512_setzero_si512();
#pragma GCC unroll 4
  for (int i = 0; i < kMaxReads; i += 2) {
    if (i >= job.reads) break;
    const __m512i even = _mm512_loadu_si512(codes + i * kBlockBits);
    const __m512i odd = i + 1 < job.reads ? _mm512_loadu_si512(codes + (i + 1) * kBlockBits)
                                          : _mm512_setzero_si512();
    const int place = i < 6 ? i : 4;  // factors fit signed bytes
    const __m512i factors = _mm512_set1_epi16(static_cast<short>((2 << 8 | 1) << place));
    const auto pair = [&](__m512i codes_of_two) {
      return _mm512_slli_epi16(_mm512_maddubs_epi16(codes_of_two, factors),
                               static_cast<unsigned>(i - place));
    };
    low = _mm512_add_epi16(low, pair(_mm512_unpacklo_epi8(even, odd)));
    high = _mm512_add_epi16(high, pair(_mm512_unpackhi_epi8(even, odd)));
  }
  const __m512i first = _mm512_setr_epi64(0, 1, 8, 9, 2, 3, 10, 11);
  const __m512i second = _mm512_setr_epi64(4, 5, 12, 13, 6, 7, 14, 15);
  _mm512_storeu_si512(totals, _mm512_permutex2var_epi64(low, first, high));
  _mm512_storeu_si512(totals + 32, _mm512_permutex2var_epi64(low, second, high));
#else
  for (int p = 0; p < kStepBits; p += kShorts) {
    Shorts total{};
    for (int i = 0; i < job.reads; ++i) total += widen_bytes(codes + i * kBlockBits + p) << i;
    store(totals + p, total);
  }
#endif
}

// Codes of all reads of one vector and block, shifted and added up.
inline void add_codes(const BinaryJob& job, const BinaryWork& w, int block, int positions,
                      int64_t* sums) {
  alignas(64) uint16_t totals[kBlockBits];
  for (int p = 0; p < positions; p += kStepBits) add_reads(job, w.codes + p, totals + p);
  add_to_sums(job, block * kBlockBits, positions, totals, 0, sums);
}

inline int code_of_sum(const BinaryJob& job, int sum) {
  if (job.codes_of_sums != nullptr) return job.codes_of_sums[sum];
  return sum < job.adc_top ? sum : job.adc_top;
}

// Looks up the codes of one vector and block without noise.
inline void look_up_codes(const BinaryJob& job, const BinaryWork& w, int vector, int positions) {
  for (int i = 0; i < job.reads; ++i) {
    const int active = w.active[int64_t{vector} * job.reads + i];
    for (int p = i * kBlockBits; p < i * kBlockBits + positions; p += kShorts) {
      Shorts code{};
      if (active > 0) code = look_up(job.codes_of_sums, widen_bytes(w.counts + p), active);
      store_as_bytes(w.codes + p, code);
    }
  }
}

// Codes of the column whose cells are the same in all rows, or its sums for the histogram.
inline void read_uniform_column(const BinaryJob& job, const BinaryWork& w) {
  const int64_t ones = job.uniform_bits;
  const int64_t zeros = ((int64_t{1} << job.slices) - 1) & ~ones;
  for (int m = 0; m < job.vectors; ++m) {
    int64_t sum = 0;
    for (int i = 0; i < job.reads; ++i) {
      const int active = w.active[int64_t{m} * job.reads + i];
      if (job.histogram != nullptr) {
        job.histogram[active] += __builtin_popcountll(static_cast<uint64_t>(ones));
        job.histogram[0] += __builtin_popcountll(static_cast<uint64_t>(zeros));
      } else if (active > 0) {
        sum += (ones * code_of_sum(job, active) + zeros * code_of_sum(job, 0)) << i;
      }
    }
    if (job.histogram == nullptr) job.sums[int64_t{m} * job.sum_stride() + job.width] += sum;
  }
}
