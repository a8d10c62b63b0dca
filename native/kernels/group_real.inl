// Reads with one-bit inputs of cells that have a conductance each: what a read needs stays in
// registers. Included inside the namespace of one instruction set, after group_convert.inl and
// group_noise.inl.

// Row sums of the same list in two tables, or (without kBoth) in the first one alone. Two sums
// each, so that additions need not wait for each other.
template <bool kBoth>
inline void sum_rows(const int32_t* table, const int32_t* other, const uint16_t* list, int length,
                     RowSum<int32_t>& sum, RowSum<int32_t>& other_sum) {
  using Sum = RowSum<int32_t>;
  Sum sums[2] = {};
  Sum others[2] = {};
  for (int k = 0; k < length; k += 4) {
#pragma GCC unroll 4
    for (int u = 0; u < 4; ++u) {
      const int64_t at = int64_t{list[k + u]} * Sum::columns;
#pragma GCC unroll 4
      for (int p = 0; p < Sum::parts; ++p) {
        sums[u % 2].part[p] += load<Ints>(table + at + p * Sum::lanes);
        if constexpr (kBoth) others[u % 2].part[p] += load<Ints>(other + at + p * Sum::lanes);
      }
    }
  }
  for (int p = 0; p < Sum::parts; ++p) {
    sum.part[p] = sums[0].part[p] + sums[1].part[p];
    if constexpr (kBoth) other_sum.part[p] = others[0].part[p] + others[1].part[p];
  }
}

// Numbers times kDrawScale as floats.
inline Floats floats_of_numbers(const int16_t* numbers) {
  using Halves [[gnu::vector_size(CIMSIM_VECTOR_BYTES / 2)]] = int16_t;
  return __builtin_convertvector(load<Halves>(numbers), Floats) * (1.0F / float{kDrawScale});
}

// All reads of one vector in one block of columns and one slice: their codes by place, in w.total.
template <bool kNoisy>
inline void read_real_vector(const GroupJob& job, const Workspace& w, const ActiveReads& active,
                             int slice, int vector, int first_column) {
  using Sum = RowSum<int32_t>;
  constexpr int columns = Sum::columns;
  alignas(64) uint16_t draws[kMaxReads * columns];
  alignas(64) int16_t numbers[kMaxReads * columns];
  if constexpr (kNoisy) {
    const ReadNoiseName name = read_noise_name(job, slice, vector);
    draw_halves<columns>(name, first_column, draws);
    numbers_of_draws<columns>(name, first_column, draws, numbers);
  }
  const Floats top = splat<Floats>(static_cast<float>(job.adc_top));
  const float unit = 1.0F / static_cast<float>(int64_t{1} << job.value_bits);
  const float slope = job.noise_variance / static_cast<float>(int64_t{1} << job.square_bits);
  Sum total{};
  for (int k = 0; k < active.count; ++k) {
    const int i = active.read[k];
    const int64_t list = int64_t{vector} * job.reads + i;
    Sum sum;
    Sum square;
    sum_rows<kNoisy>(static_cast<const int32_t*>(w.table), w.square_table,
                     job.inputs.entries + list * job.inputs.capacity, job.inputs.lengths[list], sum,
                     square);
    const float reference = kNoisy ? reference_noise(job, w, vector, slice, i) : 0.0F;
    for (int p = 0; p < Sum::parts; ++p) {
      Floats value = to_float(sum.part[p]) * unit;
      if constexpr (kNoisy) {
        const Floats variance = to_float(square.part[p]) * slope;
        value = value + square_root(larger(variance, Floats{})) *
                            floats_of_numbers(numbers + i * columns + p * Sum::lanes);
        value += reference;
      }
      total.part[p] += codes_of(value * job.steps_per_unit, top) << i;
    }
  }
  for (int p = 0; p < Sum::parts; ++p) store(w.total + p * Sum::lanes, total.part[p]);
}
