// One-bit cells and one-bit inputs: column sums in bit-sliced form, conversion and shift-add of one
// row group. Included inside the namespace of one instruction set, after bits.inl.

// Working memory of a call, laid out in BinaryJob::workspace.
struct BinaryWork {
  int capacity;      // of a list
  uint16_t* lists;   // [vector][read][capacity]: offsets of the active rows
  uint16_t* active;  // [vector][read]: their number
  uint8_t* counts;   // [vector][read][kBlockBits]: column sums of a block
};

inline BinaryWork carve(const BinaryJob& job) {
  char* next = static_cast<char*>(job.workspace);
  const auto take = [&next](int64_t bytes) {
    char* p = next;
    next += (bytes + 63) / 64 * 64;
    return p;
  };
  const int64_t lists = int64_t{job.vectors} * job.reads;
  BinaryWork w{};
  w.capacity = job.row_slots + kListSpare;
  w.lists = reinterpret_cast<uint16_t*>(take(lists * w.capacity * 2));
  w.active = reinterpret_cast<uint16_t*>(take(lists * 2));
  w.counts = reinterpret_cast<uint8_t*>(take(lists * kBlockBits));
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

// Column sums of all reads at the positions of one block, as bytes.
template <class B>
inline void count_block(const BinaryJob& job, const BinaryWork& w, const char* bits, int bytes) {
  alignas(64) char sums[kCountPlanes * kBlockBytes];
  for (int64_t list = 0; list < int64_t{job.vectors} * job.reads; ++list) {
    for (int at = 0; at < bytes; at += static_cast<int>(sizeof(B))) {
      B planes[kCountPlanes];
      count_list(w, list, bits + at, planes);
      for (int k = 0; k < kCountPlanes; ++k) store(sums + k * kBlockBytes + at, planes[k]);
    }
    expand_bytes(sums, kCountPlanes, bytes, w.counts + list * kBlockBits);
  }
}

inline void count_histogram(const BinaryJob& job, const BinaryWork& w, int block, int subs) {
  for (int k = 0; k < subs; ++k) {
    const int left = job.columns - (block * kSubsOfBlock + k) / job.slices * kSubColumns;
    const int used = left < kSubColumns ? left : kSubColumns;
    for (int64_t list = 0; list < int64_t{job.vectors} * job.reads; ++list) {
      const uint8_t* counts = w.counts + list * kBlockBits + k * kSubColumns;
      for (int c = 0; c < used; ++c) ++job.histogram[counts[c]];
    }
  }
}

// Codes by table, shifted and added to the sums.
inline void convert_by_table(const BinaryJob& job, const BinaryWork& w, int block, int subs) {
  for (int m = 0; m < job.vectors; ++m) {
    int64_t* row = job.sums + int64_t{m} * job.column_blocks * kSubColumns;
    for (int k = 0; k < subs; ++k) {
      const int sub = block * kSubsOfBlock + k;
      int32_t total[kSubColumns] = {};
      for (int i = 0; i < job.reads; ++i) {
        const int64_t list = int64_t{m} * job.reads + i;
        if (w.active[list] == 0) continue;
        const uint8_t* counts = w.counts + list * kBlockBits + k * kSubColumns;
        for (int c = 0; c < kSubColumns; ++c) total[c] += job.codes_of_sums[counts[c]] << i;
      }
      int64_t* sums = row + sub / job.slices * kSubColumns;
      for (int c = 0; c < kSubColumns; ++c) sums[c] += int64_t{total[c]} << (sub % job.slices);
    }
  }
}

// All reads at the positions of `subs` sub-blocks of a block.
template <class B>
inline void read_block(const BinaryJob& job, const BinaryWork& w, int block, int subs) {
  const char* bits = job.bits + int64_t{block} * job.row_slots * kBlockBytes;
  const int bytes = subs * kSubColumns / 8;
  if (job.histogram != nullptr || job.codes_of_sums != nullptr) {
    count_block<B>(job, w, bits, bytes);
    job.histogram != nullptr ? count_histogram(job, w, block, subs)
                             : convert_by_table(job, w, block, subs);
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
