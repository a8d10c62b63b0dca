// Conversion and shift-add of one read. Included inside the namespace of one instruction set, after
// group_sums.inl.

// round(clamp(x, 0, top)); the sum with 2^23 rounds half to even.
inline Ints codes_of(Floats x, Floats top) {
  constexpr float magic = 8388608.0F;
  const Floats held = smaller(larger(x, Floats{}), top);
  return (Ints)(held + magic) - static_cast<int32_t>(bits_of_float(magic));
}

// total += the codes of x, times 2^shift.
inline void add_codes(Floats x, Floats top, int shift, int32_t* total) {
  store(total, load<Ints>(total) + (codes_of(x, top) << shift));
}

inline void convert_ideal(const GroupJob& job, const int32_t* sums, int shift, int width,
                          int32_t* total) {
  if (job.codes != nullptr) {
    for (int c = 0; c < width; ++c) total[c] += job.codes[sums[c]] << shift;
    return;
  }
  const Floats top = splat<Floats>(static_cast<float>(job.adc_top));
  for (int c = 0; c < width; c += kLanes) {
    add_codes(to_float(load<Ints>(sums + c)) * job.steps_per_unit, top, shift, total + c);
  }
}

// Read noise of one-bit cells: the variance of a read is linear in the count of cells in state 1.
inline void convert_binary_noise(const GroupJob& job, const int32_t* sums, const int32_t* squares,
                                 const float* noise, float square_sum, float reference, int shift,
                                 int width, int32_t* total) {
  const Floats top = splat<Floats>(static_cast<float>(job.adc_top));
  const float floor_variance = job.noise_floor * square_sum;
  for (int c = 0; c < width; c += kLanes) {
    const Floats variance = to_float(load<Ints>(squares + c)) * job.noise_slope + floor_variance;
    const Floats deviation = square_root(larger(variance, Floats{}));
    const Floats value = to_float(load<Ints>(sums + c)) + deviation * load<Floats>(noise + c);
    add_codes((value + reference) * job.steps_per_unit, top, shift, total + c);
  }
}

inline void convert_real(const GroupJob& job, const float* sums, int shift, int width,
                         int32_t* total) {
  const Floats top = splat<Floats>(static_cast<float>(job.adc_top));
  const float unit = 1.0F / static_cast<float>(int64_t{1} << job.value_bits);
  for (int c = 0; c < width; c += kLanes) {
    const Floats value = load<Floats>(sums + c) * unit;
    add_codes(value * job.steps_per_unit, top, shift, total + c);
  }
}

inline void convert_real_noise(const GroupJob& job, const float* sums, const float* squares,
                               const float* noise, float reference, int shift, int width,
                               int32_t* total) {
  const Floats top = splat<Floats>(static_cast<float>(job.adc_top));
  const float unit = 1.0F / static_cast<float>(int64_t{1} << job.value_bits);
  const float slope = job.noise_variance / static_cast<float>(int64_t{1} << job.square_bits);
  for (int c = 0; c < width; c += kLanes) {
    const Floats variance = load<Floats>(squares + c) * slope;
    const Floats deviation = square_root(larger(variance, Floats{}));
    const Floats sum = load<Floats>(sums + c) * unit;
    const Floats value = sum + deviation * load<Floats>(noise + c);
    add_codes((value + reference) * job.steps_per_unit, top, shift, total + c);
  }
}

inline void convert_output_noise(const GroupJob& job, const int32_t* sums, const float* noise,
                                 int shift, int width, int32_t* total) {
  const Floats top = splat<Floats>(static_cast<float>(job.adc_top));
  const bool table = job.output_mean != nullptr;
  alignas(64) float mean[kMaxColumns];
  alignas(64) float deviation[kMaxColumns];
  for (int c = 0; c < width; ++c) {
    if (table) {
      const int32_t sum = sums[c] < job.output_last ? sums[c] : job.output_last;
      mean[c] = job.output_mean[sum];
      deviation[c] = job.output_std[sum];
    } else {
      const float sum = static_cast<float>(sums[c]);
      mean[c] = sum < job.output_limit ? sum : job.output_limit;
      deviation[c] = job.output_sigma;
    }
  }
  for (int c = 0; c < width; c += kLanes) {
    const Floats value =
        load<Floats>(mean + c) + load<Floats>(deviation + c) * load<Floats>(noise + c);
    add_codes(value * job.steps_per_unit, top, shift, total + c);
  }
}

inline void count_sums(const GroupJob& job, const int32_t* sums, int used) {
  for (int c = 0; c < used; ++c) ++job.histogram[sums[c]];
}
