// Column conductances, inside the namespace of an instruction set. The loops over columns are for
// the compiler to vectorise; each column's sum has the same order everywhere.

namespace {

constexpr int kDropped = 23 - kCellBits - kPlaceBits;  // mantissa bits below the place

void count_conductances(const ConductanceJob& job) {
  constexpr int kColumns = kConductanceColumns;
  for (int64_t n = 0; n < job.vectors; ++n) {
    const int32_t active = job.active[n];
    if (active == 0) {
      if (!job.per_row) job.histogram[0] += static_cast<uint64_t>(job.columns) << 32;
      continue;
    }
    const uint8_t* bits = job.bits + n * job.bytes;
    float even[kColumns] = {}, odd[kColumns] = {};
    for (int64_t b = 0; b < job.bytes; ++b) {
      const float* low = job.sums + (b * 32 + (bits[b] & 15)) * kColumns;
      const float* high = job.sums + (b * 32 + 16 + (bits[b] >> 4)) * kColumns;
      for (int j = 0; j < kColumns; ++j) even[j] += low[j];
      for (int j = 0; j < kColumns; ++j) odd[j] += high[j];
    }
    const float scale = job.per_row ? 1.0F / static_cast<float>(active) : job.scale;
    const uint32_t weight = job.per_row ? static_cast<uint32_t>(active) : 1U;
    int32_t words[kColumns], cells[kColumns];
    for (int j = 0; j < kColumns; ++j) even[j] = (even[j] + odd[j]) * scale;
    __builtin_memcpy(words, even, sizeof words);
    for (int j = 0; j < kColumns; ++j) {
      const int32_t cell = (words[j] >> (kPlaceBits + kDropped)) - job.first + 1;
      cells[j] = cell > 0 ? cell : 0;
    }
    for (int j = 0; j < job.columns; ++j) {
      const uint64_t place = static_cast<uint32_t>(words[j] >> kDropped) & ((1U << kPlaceBits) - 1);
      job.histogram[cells[j]] += ((uint64_t{1} << 32) | place) * weight;
    }
  }
}

}  // namespace
