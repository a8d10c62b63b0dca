// Analog sums, read noise, conversion and shift-add of one row group; see docs/simulator.md.
// Included inside the namespace of one instruction set, after simd.inl.

// Working memory of one call, laid out in GroupJob::workspace.
struct Workspace {
  void* table;            // [quads][16] rows of kRowBytes
  int32_t* square_table;  // the same, of squared conductances
  int32_t* square_cells;  // [4 * quads][columns of a block]
  void* sums;             // [read][column], int32_t or float
  void* squares;          // the same, of squares
  int32_t* total;         // [column]
  uint32_t* words;        // [read][column]
  float* noise;           // [read][column]
  float* column_noise;    // the same
  uint64_t* first;        // Philox counters of the blocks of four columns
  uint64_t* third;
  float* reference_noise;  // [vector][slice][read]
};

constexpr int64_t kSpare = 64;  // vectors may run past the end

inline int64_t table_bytes(const GroupJob& job) { return int64_t{job.quads} * 16 * kRowBytes; }

inline Workspace carve(const GroupJob& job) {
  char* next = static_cast<char*>(job.workspace);
  const auto take = [&next](int64_t bytes) {
    char* p = next;
    next += (bytes + 63) / 64 * 64;
    return p;
  };
  const int64_t cells = kMaxReads * kMaxColumns + kSpare;
  Workspace w{};
  w.table = take(table_bytes(job));
  w.square_table = reinterpret_cast<int32_t*>(take(table_bytes(job)));
  w.square_cells = reinterpret_cast<int32_t*>(take(int64_t{job.quads} * 4 * kRowBytes));
  w.sums = take(cells * 4);
  w.squares = take(cells * 4);
  w.total = reinterpret_cast<int32_t*>(take(kMaxColumns * 4));
  w.words = reinterpret_cast<uint32_t*>(take(cells * 4));
  w.noise = reinterpret_cast<float*>(take(cells * 4));
  w.column_noise = reinterpret_cast<float*>(take(cells * 4));
  w.first = reinterpret_cast<uint64_t*>(take(cells * 2));
  w.third = reinterpret_cast<uint64_t*>(take(cells * 2));
  w.reference_noise = reinterpret_cast<float*>(
      take(int64_t{job.vectors} * job.slices * job.reads * 4 + kSpare * 4));
  return w;
}

// Table of the sums of all subsets of each quad of rows ("four Russians" method: Arlazarov, Dinic,
// Kronrod and Faradzev 1970), table[16 * quad + subset][column].
template <class Cell>
inline void build_table(const Cell* cells, int quads, Cell* table) {
  constexpr int columns = kRowBytes / static_cast<int>(sizeof(Cell));
  using V = Vector<Cell>;
  constexpr int lanes = CIMSIM_VECTOR_BYTES / static_cast<int>(sizeof(Cell));
  for (int q = 0; q < quads; ++q) {
    const Cell* rows = cells + 4 * q * columns;
    Cell* subsets = table + 16 * q * columns;
    for (int c = 0; c < columns; c += lanes) {
      store(subsets + c, V{});
      for (int row = 0; row < 4; ++row) {
        const V added = load<V>(rows + row * columns + c);
        const int half = 1 << row;
        for (int subset = 0; subset < half; ++subset) {
          store(subsets + (half + subset) * columns + c,
                load<V>(subsets + subset * columns + c) + added);
        }
      }
    }
  }
}

// Fixed-point squares of the conductances of a block, in place of its cells: [4 * quads][columns].
inline void square_cells(const GroupJob& job, const int32_t* cells, int32_t* squares) {
  constexpr int columns = kRowBytes / 4;
  const double unit = 1.0 / static_cast<double>(int64_t{1} << job.value_bits);
  const double scale = static_cast<double>(int64_t{1} << job.square_bits);
  for (int row = 0; row < 4 * job.quads; ++row) {
    const double reference = job.reference[row];
    for (int c = 0; c < columns; ++c) {
      const double g = cells[row * columns + c] * unit + reference;
      squares[row * columns + c] = static_cast<int32_t>(g * g * scale + 0.5);
    }
  }
}

// Sum of the table rows in a list, one per column.
template <class Cell>
struct RowSum {
  static constexpr int columns = kRowBytes / static_cast<int>(sizeof(Cell));
  static constexpr int parts = kRowBytes / CIMSIM_VECTOR_BYTES;
  static constexpr int lanes = columns / parts;
  Vector<Cell> part[parts];
};

template <class Cell>
inline RowSum<Cell> sum_rows(const Cell* table, const uint16_t* list, int length) {
  using Sum = RowSum<Cell>;
  Sum sum{};
  for (int k = 0; k < length; k += 4) {
#pragma GCC unroll 4
    for (int u = 0; u < 4; ++u) {
      const Cell* row = table + static_cast<int64_t>(list[k + u]) * Sum::columns;
#pragma GCC unroll 4
      for (int p = 0; p < Sum::parts; ++p) {
        sum.part[p] += load<Vector<Cell>>(row + p * Sum::lanes);
      }
    }
  }
  return sum;
}

// Sums of one read are exact integers of digits, or floats of fixed-point conductances (each plane
// is exact; planes of an input with several bits are added in float).
template <class Cell>
struct SumOf {
  using type = int32_t;
};
template <>
struct SumOf<int32_t> {
  using type = float;
};

// Column sums of one read: sum over `planes` planes b of 2^b times the sum of the rows in plane b.
template <class Cell>
inline void column_sums(const Cell* table, const GroupInputs& in, int64_t read, int first_plane,
                        int planes, int width, typename SumOf<Cell>::type* out) {
  using Sum = typename SumOf<Cell>::type;
  constexpr int columns = RowSum<Cell>::columns;
  alignas(64) Cell sum[columns];
  for (int plane = planes - 1; plane >= 0; --plane) {
    const int64_t list = read * in.planes + first_plane + plane;
    const RowSum<Cell> rows = sum_rows(table, in.entries + list * in.capacity, in.lengths[list]);
    for (int p = 0; p < RowSum<Cell>::parts; ++p) {
      store(sum + p * RowSum<Cell>::lanes, rows.part[p]);
    }
    if (plane == planes - 1) {
      for (int c = 0; c < width; ++c) out[c] = static_cast<Sum>(sum[c]);
    } else {
      for (int c = 0; c < width; ++c) out[c] = 2 * out[c] + static_cast<Sum>(sum[c]);
    }
  }
}

// total += round(clamp(x, 0, top)) * 2^shift; the sum with 2^23 rounds half to even.
inline void add_codes(Floats x, Floats top, int shift, int32_t* total) {
  constexpr float magic = 8388608.0F;
  const Floats held = smaller(larger(x, Floats{}), top);
  const Ints code = (Ints)(held + magic) - static_cast<int32_t>(bits_of_float(magic));
  store(total, load<Ints>(total) + (code << shift));
}

#include "kernels/column_errors.inl"

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

// True if cells have read noise.
inline bool has_cell_noise(const GroupJob& job) {
  return job.readout == Readout::binary_noise || job.readout == Readout::real_noise ||
         (job.readout == Readout::real_errors && job.noise_variance > 0.0F);
}

inline uint32_t read_number(const GroupJob& job, int slice, int read) {
  return read_number(job.names, static_cast<uint32_t>(job.group), static_cast<uint32_t>(read),
                     static_cast<uint32_t>(slice));
}

// Normal numbers of one vector in all reads, for the reference column: [slice][read], in w.noise.
inline void draw_reference_numbers(const GroupJob& job, const Workspace& w, int vector,
                                   uint32_t role) {
  const int count = job.slices * job.reads;
  for (int k = 0; k < count; ++k) {
    w.first[k] = 0;
    w.third[k] = read_number(job, k / job.reads, k % job.reads);
  }
  const uint64_t index = job.first_vector + static_cast<uint64_t>(vector);
  philox(w.first, static_cast<uint32_t>(index), w.third, role_word(role, index), job.seed,
         job.layer, count, w.words);
  for (int k = 0; k < count; ++k) w.noise[k] = normal_of_word(w.words[4 * k]);
}

// Noise of the reference column, shared by all columns of a read: [vector][slice][read]. The
// reference is subtracted.
inline void draw_reference_noise(const GroupJob& job, const Workspace& w) {
  const int count = job.slices * job.reads;
  for (int m = 0; m < job.vectors; ++m) {
    float* noise = w.reference_noise + m * count;
    draw_reference_numbers(job, w, m, kRoleReferenceReadNoise);
    for (int k = 0; k < count; ++k) {
      noise[k] = -(job.inputs.reference_deviation[m * job.reads + k % job.reads] * w.noise[k]);
    }
    const float of_column = job.errors.reference_deviation;
    if (of_column == 0.0F) continue;
    draw_reference_numbers(job, w, m, kRoleReferenceColumnNoise);
    for (int k = 0; k < count; ++k) noise[k] -= of_column * w.noise[k];
  }
}

// The reads of one vector in which a row is active, or all where silent rows count as well.
struct ActiveReads {
  int count = 0;
  int read[kMaxReads] = {};
};

inline ActiveReads active_reads(const GroupJob& job, int vector) {
  ActiveReads active;
  for (int i = 0; i < job.reads; ++i) {
    if (job.readout == Readout::output_noise || job.readout == Readout::real_errors ||
        job.inputs.square_sum[vector * job.reads + i] > 0.0F) {
      active.read[active.count++] = i;
    }
  }
  return active;
}

// One normal number for each active read and column, of a noise of whole columns.
inline void draw_column_noise(const GroupJob& job, const Workspace& w, const ActiveReads& active,
                              int slice, int vector, int width, uint32_t role, float* numbers) {
  const int quarter = width / 4;
  for (int k = 0; k < active.count; ++k) {
    const uint64_t number = read_number(job, slice, active.read[k]);
    for (int b = 0; b < quarter; ++b) w.third[k * quarter + b] = number;
  }
  const uint64_t index = job.first_vector + static_cast<uint64_t>(vector);
  philox(w.first, static_cast<uint32_t>(index), w.third, role_word(role, index), job.seed,
         job.layer, active.count * quarter, w.words);
  normals(w.words, active.count * width, numbers);
}

// The same of the noise of cells, from column first_column on.
inline void draw_read_noise(const GroupJob& job, const Workspace& w, const ActiveReads& active,
                            int slice, int vector, int first_column, int width) {
  ReadNoiseName name;
  name.seed = job.seed;
  name.layer = job.layer;
  name.vector = job.first_vector + static_cast<uint64_t>(vector);
  name.group = static_cast<uint32_t>(job.group);
  name.slice = static_cast<uint32_t>(slice);
  name.names = job.names;
  name.reads = job.reads;
  alignas(64) uint16_t draws[kBatchDraws];
  alignas(64) int16_t numbers[kBatchDraws];
  for (int c = 0; c < width; c += kDrawColumns) {
    draw_halves(name, first_column + c, draws);
    numbers_of_draws(name, first_column + c, draws, numbers);
    const int used = width - c < kDrawColumns ? width - c : kDrawColumns;
    for (int k = 0; k < active.count; ++k) {
      const int16_t* from = numbers + active.read[k] * kDrawColumns;
      for (int n = 0; n < used; ++n) {
        w.noise[k * width + c + n] = static_cast<float>(from[n]) * (1.0F / float{kDrawScale});
      }
    }
  }
}

// Noise of the reference column in one read.
inline float reference_noise(const GroupJob& job, const Workspace& w, int vector, int slice,
                             int read) {
  if (job.reference_is_silent) return 0.0F;
  return w.reference_noise[(vector * job.slices + slice) * job.reads + read];
}

// Reads of one vector in one block of columns and one slice; adds to w.total.
template <class Cell>
inline void read_vector(const GroupJob& job, const Workspace& w, const ActiveReads& active,
                        int slice, int vector, int first_column, int used, int width) {
  using Sum = typename SumOf<Cell>::type;
  constexpr int columns = RowSum<Cell>::columns;
  const Cell* table = static_cast<const Cell*>(w.table);
  if (job.readout == Readout::output_noise) {
    draw_column_noise(job, w, active, slice, vector, width, kRoleOutputNoise, w.noise);
  } else if (has_cell_noise(job)) {
    draw_read_noise(job, w, active, slice, vector, first_column, width);
  }
  if (job.errors.deviation != nullptr) {
    draw_column_noise(job, w, active, slice, vector, width, kRoleColumnNoise, w.column_noise);
  }
  const int64_t first_error = (int64_t{slice} * job.blocks + first_column / columns) * columns;
  const bool squares_too = job.inputs.planes > job.dac_bits;
  const int first_square = squares_too ? job.dac_bits : 0;
  const int square_planes = squares_too ? job.inputs.planes - job.dac_bits : job.dac_bits;
  for (int k = 0; k < active.count; ++k) {
    const int i = active.read[k];
    const int64_t read = int64_t{vector} * job.reads + i;
    const int shift = i * job.dac_bits;
    Sum* sums = static_cast<Sum*>(w.sums) + k * columns;
    Sum* squares = static_cast<Sum*>(w.squares) + k * columns;
    const float* noise = w.noise + k * width;
    const float reference = reference_noise(job, w, vector, slice, i);
    column_sums(table, job.inputs, read, 0, job.dac_bits, width, sums);
    if constexpr (sizeof(Cell) == 4) {
      if (has_cell_noise(job)) {
        column_sums(w.square_table, job.inputs, read, first_square, square_planes, width, squares);
      }
      if (job.readout == Readout::real_errors) {
        convert_real_errors(job, sums, squares, noise, w.column_noise + k * width, reference,
                            first_error, shift, width, w.total);
      } else if (job.readout == Readout::real_noise) {
        convert_real_noise(job, sums, squares, noise, reference, shift, width, w.total);
      } else {
        convert_real(job, sums, shift, width, w.total);
      }
    } else if (job.readout == Readout::binary_noise) {
      if (squares_too) {
        column_sums(table, job.inputs, read, first_square, square_planes, width, squares);
      }
      convert_binary_noise(job, sums, squares_too ? squares : sums, noise,
                           job.inputs.square_sum[read], reference, shift, width, w.total);
    } else if (job.readout == Readout::output_noise) {
      convert_output_noise(job, sums, noise, shift, width, w.total);
    } else if (job.readout == Readout::histogram) {
      count_sums(job, sums, used);
    } else {
      convert_ideal(job, sums, shift, width, w.total);
    }
  }
}

// The most common case in one go: one-bit inputs, sums in bytes, code = min(sum, top).
inline void read_vector_in_bytes(const GroupJob& job, const Workspace& w, const ActiveReads& active,
                                 int vector) {
  using Sum = RowSum<uint8_t>;
  const uint8_t top = static_cast<uint8_t>(job.adc_top < 255 ? job.adc_top : 255);
  alignas(64) uint8_t codes[Sum::columns];
  alignas(64) uint16_t total[Sum::columns] = {};
  for (int k = 0; k < active.count; ++k) {
    const int64_t list = int64_t{vector} * job.reads + active.read[k];
    const Sum sum =
        sum_rows(static_cast<const uint8_t*>(w.table),
                 job.inputs.entries + list * job.inputs.capacity, job.inputs.lengths[list]);
    for (int p = 0; p < Sum::parts; ++p) store(codes + p * Sum::lanes, sum.part[p]);
    for (int c = 0; c < Sum::columns; ++c) {
      const uint8_t code = codes[c] < top ? codes[c] : top;
      total[c] = static_cast<uint16_t>(total[c] + (uint16_t{code} << active.read[k]));
    }
  }
  for (int c = 0; c < Sum::columns; ++c) w.total[c] = total[c];
}

// All reads of a row group. Cell is the type of table entries and must hold every column sum of
// one bit plane.
template <class Cell>
inline void read_group(const GroupJob& job) {
  constexpr int columns = RowSum<Cell>::columns;
  const Workspace w = carve(job);
  const bool reference = !job.reference_is_silent;
  if (reference) draw_reference_noise(job, w);
  const bool in_bytes =
      sizeof(Cell) == 1 && job.readout == Readout::ideal && job.unit_step && job.dac_bits == 1;
  const int64_t block_cells = int64_t{4} * job.quads * columns;
  for (int block = 0; block < job.blocks; ++block) {
    const int first_column = block * columns;
    const int used = job.columns - first_column < columns ? job.columns - first_column : columns;
    const int width = (used + 15) / 16 * 16;
    for (int k = 0; k < kMaxReads * width / 4; ++k) {
      w.first[k] = static_cast<uint64_t>(first_column / 4 + k % (width / 4));
    }
    for (int slice = 0; slice < job.slices; ++slice) {
      const Cell* cells =
          static_cast<const Cell*>(job.cells) + (int64_t{slice} * job.blocks + block) * block_cells;
      build_table(cells, job.quads, static_cast<Cell*>(w.table));
      if constexpr (sizeof(Cell) == 4) {
        if (has_cell_noise(job)) {
          square_cells(job, cells, w.square_cells);
          build_table(w.square_cells, job.quads, w.square_table);
        }
      }
      for (int m = 0; m < job.vectors; ++m) {
        const ActiveReads active = active_reads(job, m);
        if (active.count == 0) continue;
        if (in_bytes) {
          if constexpr (sizeof(Cell) == 1) read_vector_in_bytes(job, w, active, m);
        } else {
          for (int c = 0; c < width; ++c) w.total[c] = 0;
          read_vector<Cell>(job, w, active, slice, m, first_column, used, width);
        }
        int64_t* sums = job.sums + (int64_t{m} * job.blocks + block) * columns;
        for (int c = 0; c < width; ++c) {
          sums[c] += static_cast<int64_t>(w.total[c]) << (slice * job.cell_bits);
        }
      }
    }
  }
}
