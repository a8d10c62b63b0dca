// One row group of one-bit cells: which of the conversions runs where. Included inside the namespace
// of one instruction set, last of the binary ones.

// All reads at `positions` positions of a block, a multiple of kStepBits.
template <class B>
inline void read_block(const BinaryJob& job, const BinaryWork& w, int block, int positions) {
  const char* bits = job.bits + int64_t{block} * job.row_slots * kBlockBytes;
  const int bytes = positions / 8;
  if (job.converts_in_bits()) {
    for (int m = 0; m < job.vectors; ++m) {
      char* out =
          job.planes + (int64_t{m} * job.blocks() + block) * job.sum_planes * kBlockBytes;
      for (int at = 0; at < bytes; at += static_cast<int>(sizeof(B))) {
        convert_by_limit<B>(job, w, m, bits + at, out + at);
      }
    }
    return;
  }
  if (job.noisy) fill_counters(job, w, block);
  for (int m = 0; m < job.vectors; ++m) {
    count_block<B>(job, w, m, bits, bytes);
    if (job.histogram != nullptr) {
      count_histogram(job, w, block, positions);
      continue;
    }
    if (job.noisy) spread_reference(job, w, m, block);
    if (!job.noisy) {
      look_up_codes(job, w, m, positions);
#if defined(CIMSIM_VBMI)
    } else if (job.deviation_planes != nullptr) {
      job.rests == nullptr ? convert_most<false>(job, w, m, positions)
                           : convert_most<true>(job, w, m, positions);
#endif
    } else {
      convert_noisy(job, w, m, positions);
    }
    add_codes(job, w, block, positions, job.sums + int64_t{m} * job.sum_stride());
  }
}

// All reads of one row group.
inline void read_binary_group(const BinaryJob& job) {
  const BinaryWork w = carve(job);
  list_rows(job, w);
  if (job.noisy && job.has_reference_noise()) draw_reference(job, w);
  for (int k = 0; k < kMaxReads * kBlockSteps; ++k) w.common[k] = 0;
  if (job.has_uniform_column) {
    job.noisy ? read_noisy_uniform_column(job, w) : read_uniform_column(job, w);
  }
  for (int block = 0; block < job.blocks(); ++block) {
    const int left = job.positions() - block * kBlockBits;
    const int used = left < kBlockBits ? (left + kStepBits - 1) / kStepBits * kStepBits : kBlockBits;
#if defined(CIMSIM_AVX512)
    if (2 * used <= kBlockBits) {
      read_block<HalfBits>(job, w, block, used);
      continue;
    }
#endif
    read_block<Bits>(job, w, block, used);
  }
}

// Adds the bit-sliced sums of all vectors to job.sums.
inline void expand_binary_sums(const BinaryJob& job) {
  const char* planes = job.planes;
  alignas(64) uint8_t part[kBlockBits];
  for (int m = 0; m < job.vectors; ++m) {
    int64_t* sums = job.sums + int64_t{m} * job.sum_stride();
    for (int block = 0; block < job.blocks(); ++block, planes += job.sum_planes * kBlockBytes) {
      const int left = job.positions() - block * kBlockBits;
      const int used = left < kBlockBits ? left : kBlockBits;
      for (int plane = 0; plane < job.sum_planes; plane += 8) {
        const int count = job.sum_planes - plane < 8 ? job.sum_planes - plane : 8;
        expand_bytes(planes + plane * kBlockBytes, count, (used + 7) / 8, part);
        add_to_sums(job, block * kBlockBits, used, part, plane, sums);
      }
    }
  }
}
