// One-bit cells and one-bit inputs: column sums in bit-sliced form, then the conversion. Included
// inside the namespace of one instruction set, after bits.inl, noise.inl and group.inl.

constexpr int kListSpare = 40;   // list_rows writes whole vectors, and pads
constexpr int kTableRow = 256;   // entries of a table by column sum
constexpr int kSubColumns = 32;  // positions that share a slice

// Working memory of a row group, laid out in BinaryJob::workspace.
struct BinaryWork {
  int capacity;        // of a list
  uint16_t* lists;     // [vector][read][capacity]
  uint16_t* active;    // [vector][read] active rows
  char* planes;        // [kCountPlanes][kBlockBytes]
  uint8_t* counts;     // [vector][read][kBlockBits]
  void* table;         // subset sums of the deviations of 32 positions
  int16_t* deviation;  // [vector][read][32]
  int16_t* sigma;      // [vector][read][32]
  uint16_t* draws;     // [2][kBatchDraws]
  int16_t* normals;    // [2][kBatchDraws]
  int16_t* reference;  // [vector][read][slice up to 32]: noise of the reference column
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
  w.planes = take(kCountPlanes * kBlockBytes);
  w.draws = reinterpret_cast<uint16_t*>(take(2 * kBatchDraws * 2));
  w.normals = reinterpret_cast<int16_t*>(take(2 * kBatchDraws * 2));
  if (job.conversion_is_limit) return w;
  w.counts = reinterpret_cast<uint8_t*>(take(lists * kBlockBits));
  w.reference = reinterpret_cast<int16_t*>(take(int64_t{job.vectors} * kBatchDraws * 2));
  if (job.quads == 0) return w;
  w.table = take(int64_t{job.quads} * 16 * kRowBytes);
  w.deviation = reinterpret_cast<int16_t*>(take(lists * kSubColumns * 2));
  w.sigma = reinterpret_cast<int16_t*>(take(lists * kSubColumns * 2));
  return w;
}

// All reads of one vector at the positions of B, converted and shifted: added to the planes at out.
template <class B>
inline void convert_by_limit(const BinaryJob& job, const BinaryWork& w, int vector,
                             const char* bits, char* out) {
  // Before read i the window holds the sum of the reads so far, over 2^i; what falls out is final.
  B window[kCountPlanes + 1] = {};
  B result[kMaxReads + kCountPlanes];
  for (int i = 0; i < job.reads; ++i) {
    const int64_t list = int64_t{vector} * job.reads + i;
    B planes[kCountPlanes];
    count_rows(bits, w.lists + list * w.capacity, (w.active[list] + 7) / 8 * 8, planes);
    if (job.adc_top < job.rows) limit_planes(planes, job.adc_top);
    B carry{};
#pragma GCC unroll 8
    for (int k = 0; k < kCountPlanes; ++k) full_add(window[k], planes[k], carry, window[k], carry);
    result[i] = window[0];
#pragma GCC unroll 8
    for (int k = 0; k < kCountPlanes - 1; ++k) window[k] = window[k + 1];
    window[kCountPlanes - 1] = carry;
  }
  for (int k = 0; k < kCountPlanes; ++k) result[job.reads + k] = window[k];
  const int planes = job.reads + kCountPlanes;
  add_planes(result, planes < job.sum_planes ? planes : job.sum_planes, out, job.sum_planes);
}

// Column sums of all reads at the positions of one block, as bytes.
template <class B>
inline void count_block(const BinaryJob& job, const BinaryWork& w, const char* bits, int bytes) {
  for (int list = 0; list < job.vectors * job.reads; ++list) {
    for (int at = 0; at < bytes; at += static_cast<int>(sizeof(B))) {
      B planes[kCountPlanes];
      count_rows(bits + at, w.lists + int64_t{list} * w.capacity, (w.active[list] + 7) / 8 * 8,
                 planes);
      for (int k = 0; k < kCountPlanes; ++k) store(w.planes + k * kBlockBytes + at, planes[k]);
    }
    expand_bytes(w.planes, kCountPlanes, bytes, w.counts + int64_t{list} * kBlockBits);
  }
}

// Entries of a table of up to 256, of which the last that occurs is `last`.
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

inline Shorts widen_counts(const uint8_t* counts) {
#if defined(CIMSIM_AVX512)
  return (Shorts)_mm512_cvtepu8_epi16(
      _mm256_loadu_si256(reinterpret_cast<const __m256i*>(counts)));
#else
  typedef uint8_t Some __attribute__((vector_size(CIMSIM_VECTOR_BYTES / 2), may_alias));
  return __builtin_convertvector(load<Some>(counts), Shorts);
#endif
}

inline Shorts limit(Shorts code, int top) {
#if defined(CIMSIM_AVX512)
  const __m512i above = _mm512_max_epi16((__m512i)code, _mm512_setzero_si512());
  return (Shorts)_mm512_min_epi16(above, _mm512_set1_epi16(static_cast<short>(top)));
#else
  const Shorts most = splat<Shorts>(static_cast<int16_t>(top));
  const Shorts above = code > Shorts{} ? code : Shorts{};
  return above < most ? above : most;
#endif
}

// Sums of the frozen deviations of 32 positions, and deviations of their read noise.
inline void sum_deviations(const BinaryJob& job, const BinaryWork& w, int sub) {
  const int64_t cells = int64_t{sub} * 4 * job.quads * kSubColumns;
  const int lists = job.vectors * job.reads;
  int16_t* table = static_cast<int16_t*>(w.table);
  build_table(job.deviations + cells, job.quads, table);
  for (int list = 0; list < lists; ++list) {
    const RowSum<int16_t> sum = sum_rows(
        table, job.inputs.entries + int64_t{list} * job.inputs.capacity, job.inputs.lengths[list]);
    for (int p = 0; p < RowSum<int16_t>::parts; ++p) {
      store(w.deviation + list * kSubColumns + p * kShorts, sum.part[p]);
    }
  }
  if (job.squares == nullptr) return;
  uint16_t* square_table = static_cast<uint16_t*>(w.table);
  build_table(job.squares + cells, job.quads, square_table);
  for (int list = 0; list < lists; ++list) {
    const RowSum<uint16_t> sum =
        sum_rows(square_table, job.inputs.entries + int64_t{list} * job.inputs.capacity,
                 job.inputs.lengths[list]);
    alignas(64) uint16_t squares[kSubColumns];
    alignas(64) float sigma[kSubColumns];
    for (int p = 0; p < RowSum<uint16_t>::parts; ++p) store(squares + p * kShorts, sum.part[p]);
    for (int c = 0; c < kSubColumns; ++c) {
      sigma[c] = static_cast<float>(static_cast<int32_t>(squares[c])) * job.square_scale;
    }
    for (int c = 0; c < kSubColumns; c += kLanes) {
      store(sigma + c, square_root(load<Floats>(sigma + c)));
    }
    int16_t* out = w.sigma + list * kSubColumns;
    for (int c = 0; c < kSubColumns; ++c) out[c] = static_cast<int16_t>(sigma[c] + 0.5F);
  }
}

// Noise of the reference column in every read: the draw of "column" j is for slice j.
inline void draw_reference(const BinaryJob& job, const BinaryWork& w) {
  for (int m = 0; m < job.vectors; m += 2) {
    const int count = m + 1 < job.vectors ? 2 : 1;
    DrawBatch batches[2];
    for (int b = 0; b < count; ++b) {
      batches[b] = {0, static_cast<uint32_t>(job.group),
                    job.first_vector + static_cast<uint64_t>(m + b)};
    }
    draw_batches(job.seed, job.layer, kRoleReferenceReadNoise, batches, count, w.draws);
    normal_batches(job.seed, job.layer, kRoleReferenceReadNoise, batches, count, w.draws,
                   w.normals);
    for (int k = 0; k < count * kMaxReads; ++k) {
      const int read = k % kMaxReads;
      if (read >= job.reads) continue;
      const int vector = m + k / kMaxReads;
      const int64_t list = int64_t{vector} * job.reads + read;
      int32_t square = w.active[list];
      if (job.reference_squares != nullptr) {
        square = 0;
        for (int n = 0; n < w.active[list]; ++n) {
          square += job.reference_squares[w.lists[list * w.capacity + n] / kBlockBytes];
        }
      }
      const float scaled = static_cast<float>(square) * job.reference_scale;
      const int16_t sigma = static_cast<int16_t>(__builtin_sqrtf(scaled) + 0.5F);
      const int16_t* normal = w.normals + k * kBatchColumns;
      int16_t* noise = w.reference + (vector * kMaxReads + read) * kBatchColumns;
      for (int j = 0; j < job.slices; ++j) {
        noise[j] = static_cast<int16_t>(-multiply_round(normal[j], sigma));
      }
    }
  }
}

// Codes of all reads of one vector at 32 positions of one slice, shifted and added to the sums.
template <bool kVaries, bool kNoisy>
inline void convert_vector(const BinaryJob& job, const BinaryWork& w, int block, int sub_of_block,
                           int vector, const int16_t* normals) {
  constexpr int parts = kSubColumns / kShorts;
  const int sub = block * (kBlockBits / kSubColumns) + sub_of_block;
  const int slice = sub % job.slices;
  const int16_t half = static_cast<int16_t>(job.fraction_bits > 0 ? 1 << (job.fraction_bits - 1) : 0);
  Shorts total[parts] = {};
  for (int i = 0; i < job.reads; ++i) {
    const int64_t list = int64_t{vector} * job.reads + i;
    const int active = w.active[list];
    if (active == 0) continue;
    const uint8_t* counts = w.counts + list * kBlockBits + sub_of_block * kSubColumns;
    int16_t start = half;
    if (kNoisy && job.reference_scale > 0.0F) {
      const int16_t noise = w.reference[(vector * kMaxReads + i) * kBatchColumns + slice];
      start = static_cast<int16_t>(start + noise);
    }
#pragma GCC unroll 4
    for (int p = 0; p < parts; ++p) {
      const Shorts sum = widen_counts(counts + p * kShorts);
      Shorts code = sum;
      if (job.codes_of_sums != nullptr) code = look_up(job.codes_of_sums, sum, active);
      if constexpr (kVaries || kNoisy) {
        Shorts deviation = splat<Shorts>(start);
        if (job.fractions != nullptr) deviation += look_up(job.fractions, sum, active);
        const int64_t at = list * kSubColumns + p * kShorts;
        if constexpr (kVaries) deviation += load<Shorts>(w.deviation + at);
        if constexpr (kNoisy) {
          Shorts sigma;
          if constexpr (kVaries) {
            sigma = load<Shorts>(w.sigma + at);
          } else {
            sigma = look_up(job.sigmas + active * kTableRow, sum, active);
          }
          deviation +=
              multiply_round(load<Shorts>(normals + i * kBatchColumns + p * kShorts), sigma);
        }
        code += deviation >> job.fraction_bits;
      }
      total[p] += limit(code, job.adc_top) << i;
    }
  }
  alignas(64) uint16_t codes[kSubColumns];
  for (int p = 0; p < parts; ++p) store(codes + p * kShorts, total[p]);
  int64_t* sums =
      job.sums + (int64_t{vector} * job.column_blocks + sub / job.slices) * kSubColumns;
  for (int c = 0; c < kSubColumns; ++c) sums[c] += static_cast<int64_t>(codes[c]) << slice;
}

template <bool kVaries, bool kNoisy>
inline void convert_block(const BinaryJob& job, const BinaryWork& w, int block, int subs) {
  for (int k = 0; k < subs; ++k) {
    const int sub = block * (kBlockBits / kSubColumns) + k;
    const uint32_t column_block = static_cast<uint32_t>(sub / job.slices);
    const uint32_t number = static_cast<uint32_t>(job.group * job.slices + sub % job.slices);
    if constexpr (kVaries) sum_deviations(job, w, sub);
    for (int m = 0; m < job.vectors; m += 2) {
      const int count = m + 1 < job.vectors ? 2 : 1;
      if constexpr (kNoisy) {
        DrawBatch batches[2];
        for (int b = 0; b < count; ++b) {
          batches[b] = {column_block, number, job.first_vector + static_cast<uint64_t>(m + b)};
        }
        draw_batches(job.seed, job.layer, kRoleReadNoise, batches, count, w.draws);
        normal_batches(job.seed, job.layer, kRoleReadNoise, batches, count, w.draws, w.normals);
      }
      for (int b = 0; b < count; ++b) {
        convert_vector<kVaries, kNoisy>(job, w, block, k, m + b, w.normals + b * kBatchDraws);
      }
    }
  }
}

inline void count_histogram(const BinaryJob& job, const BinaryWork& w, int block, int subs) {
  for (int k = 0; k < subs; ++k) {
    const int sub = block * (kBlockBits / kSubColumns) + k;
    const int left = job.columns - sub / job.slices * kSubColumns;
    const int used = left < kSubColumns ? left : kSubColumns;
    for (int list = 0; list < job.vectors * job.reads; ++list) {
      const uint8_t* counts = w.counts + int64_t{list} * kBlockBits + k * kSubColumns;
      for (int c = 0; c < used; ++c) ++job.histogram[counts[c]];
    }
  }
}

template <class B>
inline void read_block(const BinaryJob& job, const BinaryWork& w, int block, int subs) {
  const char* bits = job.bits + int64_t{block} * job.row_slots * kBlockBytes;
  const int bytes = subs * kSubColumns / 8;
  if (job.conversion_is_limit) {
    const int all = job.column_blocks * job.slices * kSubColumns;
    const int blocks = (all + kBlockBits - 1) / kBlockBits;
    for (int m = 0; m < job.vectors; ++m) {
      char* out = job.planes + (int64_t{m} * blocks + block) * job.sum_planes * kBlockBytes;
      for (int at = 0; at < bytes; at += static_cast<int>(sizeof(B))) {
        convert_by_limit<B>(job, w, m, bits + at, out + at);
      }
    }
    return;
  }
  count_block<B>(job, w, bits, bytes);
  if (job.histogram != nullptr) {
    count_histogram(job, w, block, subs);
  } else if (job.deviations != nullptr) {
    job.noisy ? convert_block<true, true>(job, w, block, subs)
              : convert_block<true, false>(job, w, block, subs);
  } else {
    job.noisy ? convert_block<false, true>(job, w, block, subs)
              : convert_block<false, false>(job, w, block, subs);
  }
}

// All reads of one row group.
inline void read_binary_group(const BinaryJob& job) {
  const BinaryWork w = carve(job);
  list_rows(job.codes, job.code_stride, job.vectors, job.rows, job.reads,
            (job.row_slots - 1) * kBlockBytes, w.capacity, w.lists, w.active);
  if (job.noisy && job.reference_scale > 0.0F) draw_reference(job, w);
  constexpr int subs_of_block = kBlockBits / kSubColumns;
  const int all = job.column_blocks * job.slices;
  for (int block = 0; block * subs_of_block < all; ++block) {
    const int left = all - block * subs_of_block;
#if defined(CIMSIM_AVX512)
    if (2 * left <= subs_of_block) {
      read_block<HalfBits>(job, w, block, left);
      continue;
    }
#endif
    read_block<Bits>(job, w, block, left < subs_of_block ? left : subs_of_block);
  }
}

// Adds the bit-sliced sums of all vectors to job.sums.
inline void expand_binary_sums(const BinaryJob& job) {
  constexpr int subs_of_block = kBlockBits / kSubColumns;
  const int all = job.column_blocks * job.slices;
  const char* planes = job.planes;
  alignas(64) int32_t numbers[kBlockBits];
  for (int m = 0; m < job.vectors; ++m) {
    int64_t* row = job.sums + int64_t{m} * job.column_blocks * kSubColumns;
    for (int first = 0; first < all; first += subs_of_block) {
      const int subs = all - first < subs_of_block ? all - first : subs_of_block;
      expand_planes(planes, job.sum_planes, subs * kSubColumns / 8, numbers);
      planes += job.sum_planes * kBlockBytes;
      for (int k = 0; k < subs; ++k) {
        int64_t* sums = row + (first + k) / job.slices * kSubColumns;
        const int slice = (first + k) % job.slices;
        for (int c = 0; c < kSubColumns; ++c) {
          sums[c] += static_cast<int64_t>(numbers[k * kSubColumns + c]) << slice;
        }
      }
    }
  }
}
