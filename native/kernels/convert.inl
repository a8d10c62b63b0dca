// From column sums to ADC codes, and shift-add over the input cycles of a vector.

// Reads of one vector in one block of columns.
template <class Kind>
struct Reads {
  using Sum = typename Kind::Sum;
  int count = 0;
  int used = 0;  // columns
  int64_t all_reads =
      0;  // of the group: table t of a block starts at t * all_reads * table_columns
  const Sum* sums = nullptr;  // of this vector's first read, see sum_reads
  const Sum* squares = nullptr;
  const uint32_t* words = nullptr;  // one per column of each read
  const float* noise = nullptr;     // their coarse normal numbers
  int word_pitch = 0;
  int shift[kMaxReads];
  float floor[kMaxReads];      // of the variance, in codes
  float reference[kMaxReads];  // noise of the reference column, in codes

  const Sum* at(const Sum* first, int c, int k) const {
    constexpr int columns = Kind::table_columns;
    // The last column alone has a table of narrower rows.
    if (sizeof(Sum) == 1 && c >= columns) {
      return first + (all_reads - before) * columns + (before + k) * kLastPitch + c % columns;
    }
    return first + c / columns * all_reads * columns + k * columns + c % columns;
  }
  // Sums of kLanes columns.
  Floats load_sums(const Sum* first, int c, int k) const {
    if constexpr (Kind::table_columns < kLanes) {
      return load_halves(at(first, c, k), at(first, c + kLanes / 2, k));
    } else {
      return load_as_float(at(first, c, k));
    }
  }
  int64_t before = 0;  // reads of earlier vectors
};

constexpr int kMostColumns = 80;  // of a block, in whole vectors

constexpr float kMagic = 8388608.0F;  // 2^23: adding it rounds to an integer, half to even

// Bits of kMagic + code, for the code of x; shifting and adding these needs one correction at the
// end.
inline Ints code_bits(Floats x, Floats top) {
  return (Ints)(smaller(larger(x, Floats{}), top) + kMagic);
}
template <class Kind>
inline Ints without_magic(Ints total, const Reads<Kind>& reads) {
  uint32_t places = 0;
  for (int k = 0; k < reads.count; ++k) places += 1U << reads.shift[k];
  return total - static_cast<int32_t>(places * bits_of_float(kMagic));
}

// total[c] = sum over reads of code * 2^shift, where value(c, k) is the noise-free ADC input in
// codes.
template <class Kind, class Value>
inline void convert_quiet(const GroupJob& job, const Reads<Kind>& reads, int32_t* total,
                          const Value& value) {
  const Floats top = splat<Floats>(static_cast<float>(job.adc_top));
  for (int c = 0; c < reads.used; c += kLanes) {
    Ints sum{};
    for (int k = 0; k < reads.count; ++k) sum += code_bits(value(c, k), top) << reads.shift[k];
    store(total + c, without_magic(sum, reads));
  }
}

// Mean and variance of the ADC input of kLanes columns, in codes.
struct Moments {
  Floats mean, variance;
};

// The same with Gaussian noise of the moments value(c, k). Coarse normal numbers and roots are
// enough unless the code could depend on the rest; then it is done again with the exact ones. Two
// short loops keep more of the work in flight than a long one.
template <class Kind, class Value>
inline void convert_noisy(const GroupJob& job, const Reads<Kind>& reads, int32_t* total,
                          const Value& value) {
  const float largest = static_cast<float>(job.adc_top);
  const Floats top = splat<Floats>(largest);
  // Rounding of the two sums that are compared: a few units in the last place of the largest code.
  const Floats safe = splat<Floats>(0.5F - largest * 1e-6F);
  constexpr float kError = kCoarseError + 7.0F * kRootError;  // normal numbers stay below 7
  struct Rough {
    Floats mean, deviation;
  };
  Rough rough[kMaxReads];
  uint16_t doubtful[kMaxReads * kMostColumns / 4];  // c * kMaxReads + k
  int doubts = 0;
  const int count = reads.count;
  for (int c = 0; c < reads.used; c += kLanes) {
    for (int k = 0; k < count; ++k) {
      const Moments moments = value(c, k);
      rough[k].mean = moments.mean;
      rough[k].deviation = rough_square_root(moments.variance);
    }
    Ints sum{};
    const float* noise = reads.noise + c;
    for (int k = 0; k < count; ++k, noise += reads.word_pitch) {
      const Floats deviation = rough[k].deviation;
      const Floats near = rough[k].mean + deviation * load<Floats>(noise);
      const Floats held = smaller(larger(near, Floats{}), top);
      const Floats magic_code = held + kMagic;
      const Floats to_code = magnitude(held - (magic_code - kMagic));
      sum += (Ints)magic_code << reads.shift[k];
      doubtful[doubts] = static_cast<uint16_t>(c * kMaxReads + k);
      doubts += any_above(to_code + deviation * kError, safe);
    }
    store(total + c, without_magic(sum, reads));
  }
  for (int d = 0; d < doubts; ++d) {
    const int c = doubtful[d] / kMaxReads;
    const int k = doubtful[d] % kMaxReads;
    const int64_t place = k * reads.word_pitch + c;
    const Moments moments = value(c, k);
    const Floats near = rough_square_root(moments.variance) * load<Floats>(reads.noise + place);
    const Floats root = square_root(larger(moments.variance, Floats{}));
    const Floats fine = root * normals_of_words(load<Ints>(reads.words + place));
    const Ints change = code_bits(moments.mean + fine, top) - code_bits(moments.mean + near, top);
    store(total + c, load<Ints>(total + c) + (change << reads.shift[k]));
  }
}

// Ideal bytes with a step of one unit: code = min(sum, top). The codes of eight one-bit cycles fit
// in 16 bits: 255 * 255.
CIMSIM_STEP void convert_bytes(const GroupJob& job, const Reads<Bit>& reads, int32_t* total) {
  using Shorts = VectorOf<uint16_t>::type;
  using Bytes = VectorOf<uint8_t, CIMSIM_VECTOR_BYTES / 2>::type;
  constexpr int lanes = CIMSIM_VECTOR_BYTES / 2;
  constexpr int parts = Bit::table_columns / lanes;
  const uint8_t largest = static_cast<uint8_t>(job.adc_top < 255 ? job.adc_top : 255);
  const Bytes top = splat<Bytes>(largest);
  Shorts sum[parts] = {};
  for (int k = 0; k < reads.count; ++k) {
    const uint8_t* sums = reads.sums + k * Bit::table_columns;
#pragma GCC unroll 8
    for (int p = 0; p < parts; ++p) {
      const Bytes part = load<Bytes>(sums + p * lanes);
      sum[p] += __builtin_convertvector(part < top ? part : top, Shorts) << reads.shift[k];
    }
  }
  alignas(64) uint16_t added[Bit::table_columns + 1];
  for (int p = 0; p < parts; ++p) store(added + p * lanes, sum[p]);
  added[Bit::table_columns] = 0;
  if (reads.used > Bit::table_columns) {
    for (int k = 0; k < reads.count; ++k) {
      const uint8_t last = *reads.at(reads.sums, Bit::table_columns, k);
      added[Bit::table_columns] = static_cast<uint16_t>(
          added[Bit::table_columns] + ((last < largest ? last : largest) << reads.shift[k]));
    }
  }
  for (int c = 0; c < reads.used; ++c) total[c] = added[c];
}

template <class Kind>
CIMSIM_STEP void convert_ideal(const GroupJob& job, const Reads<Kind>& reads, int32_t* total) {
  if (job.codes != nullptr) {
    for (int c = 0; c < reads.used; ++c) {
      total[c] = 0;
      for (int k = 0; k < reads.count; ++k) {
        total[c] += job.codes[static_cast<int>(*reads.at(reads.sums, c, k))] << reads.shift[k];
      }
    }
    return;
  }
  const float factor = job.readout == Readout::real
                           ? job.steps_per_unit / static_cast<float>(int64_t{1} << job.value_bits)
                           : job.steps_per_unit;
  convert_quiet(job, reads, total,
                [&](int c, int k) { return reads.load_sums(reads.sums, c, k) * factor; });
}

// Read noise: the sum of independent normal numbers x * g * rho z of all cells is one normal number
// of variance rho^2 * sum of (x * g)^2. Of one-bit cells that is linear in the sum of x^2 over the
// cells in state 1.
template <class Kind>
CIMSIM_STEP void convert_read_noise(const GroupJob& job, const Reads<Kind>& reads, int32_t* total) {
  const bool real = job.readout == Readout::real_noise;
  const float factor = real ? job.steps_per_unit / static_cast<float>(int64_t{1} << job.value_bits)
                            : job.steps_per_unit;
  const float slope = real ? job.noise_variance : job.noise_slope;
  const bool own_squares = reads.squares != reads.sums;
  convert_noisy(job, reads, total, [&](int c, int k) {
    const Floats sums = reads.load_sums(reads.sums, c, k);
    const Floats squares = own_squares ? reads.load_sums(reads.squares, c, k) : sums;
    return Moments{sums * factor + reads.reference[k], squares * slope + reads.floor[k]};
  });
}

template <class Kind>
CIMSIM_STEP void convert_output_noise(const GroupJob& job, const Reads<Kind>& reads,
                                      int32_t* total) {
  const Floats limit = splat<Floats>(static_cast<float>(job.adc_top));
  if (job.output_mean == nullptr) {
    convert_noisy(job, reads, total, [&](int c, int k) {
      const Floats sums = reads.load_sums(reads.sums, c, k) * job.steps_per_unit;
      return Moments{smaller(sums, limit), splat<Floats>(job.output_variance)};
    });
    return;
  }
  convert_noisy(job, reads, total, [&](int c, int k) {
    Moments moments;
    for (int n = 0; n < kLanes; ++n) {
      const int sum = static_cast<int>(*reads.at(reads.sums, c + n, k));
      const int row = sum < job.output_last ? sum : job.output_last;
      moments.mean[n] = job.output_mean[row];
      moments.variance[n] = job.output_variances[row];
    }
    return moments;
  });
}

template <class Kind>
CIMSIM_STEP void count_sums(const GroupJob& job, const Reads<Kind>& reads) {
  for (int k = 0; k < reads.count; ++k) {
    for (int c = 0; c < reads.used; ++c) {
      ++job.histogram[static_cast<int>(*reads.at(reads.sums, c, k))];
    }
  }
}
