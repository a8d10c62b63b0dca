// Conversion where columns and ADCs have deviations of their own. Included inside the namespace of
// one instruction set, after group_convert.inl.

// Codes of analog values (in codes): the number of transitions that lie at or below each.
inline Ints codes_by_transitions(const GroupErrors& errors, Floats position) {
  const float first = static_cast<float>(errors.first_bin);
  const float last = static_cast<float>(errors.first_bin + errors.bins - 1);
  const Floats held = smaller(larger(position, splat<Floats>(first)), splat<Floats>(last));
  Ints bin = __builtin_convertvector(held, Ints);
  bin += held < to_float(bin);  // floor: a comparison that holds is -1
  Ints code = gather(errors.first_codes, bin - errors.first_bin);
  for (int k = 0; k < errors.transitions_of_bin; ++k) {
    code -= position >= gather(errors.transitions, code);
  }
  return code;
}

// Codes of one read, from the sums of conductances and (with read noise) of their squares; numbers:
// normal ones for the noise of cells and of columns; first: of the columns in the errors' arrays.
inline void convert_real_errors(const GroupJob& job, const float* sums, const float* squares,
                                const float* noise, const float* column_noise, float reference,
                                int64_t first, int shift, int width, int32_t* total) {
  const GroupErrors& errors = job.errors;
  const Floats top = splat<Floats>(static_cast<float>(job.adc_top));
  const float unit = 1.0F / static_cast<float>(int64_t{1} << job.value_bits);
  const float slope = job.noise_variance / static_cast<float>(int64_t{1} << job.square_bits);
  for (int c = 0; c < width; c += kLanes) {
    Floats value = load<Floats>(sums + c) * unit;
    if (job.noise_variance > 0.0F) {
      const Floats variance = load<Floats>(squares + c) * slope;
      value += square_root(larger(variance, Floats{})) * load<Floats>(noise + c);
    }
    if (errors.deviation != nullptr) {
      value += load<Floats>(errors.deviation + first + c) * load<Floats>(column_noise + c);
    }
    const Floats position = (value + reference) * load<Floats>(errors.scale + first + c) +
                            load<Floats>(errors.offset + first + c);
    if (errors.transitions == nullptr) {
      add_codes(position, top, shift, total + c);
    } else {
      const Ints code = codes_by_transitions(errors, position);
      store(total + c, load<Ints>(total + c) + (code << shift));
    }
  }
}
