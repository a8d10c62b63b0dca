// All reads of one row group: sums of a block of columns and a slice for all vectors, then noise,
// conversion and shift-add vector by vector. See docs/simulator.md.

// Working memory, laid out in GroupJob::workspace.
struct Workspace {
  char* table;             // [parts][kSubsets] rows of kRowBytes
  char* rows;              // [kRowsPerEntry * parts] rows of kRowBytes
  char* sums;              // [table][read][column of the table]
  char* squares;           // the same, of squares
  float* reference_noise;  // [slice][read]
  uint32_t* words;         // [cycle][column]
  float* noise;            // [cycle][column]
  int32_t* total;          // [column]
  int64_t* block;          // [vector][column]
  uint64_t* first;         // Philox counters
  uint64_t* third;
  uint32_t* found;  // their words
};

constexpr int kMostBlocks = kMaxReads * 16 + kPhiloxBlocks;  // of Philox words at a time

inline Workspace carve(const GroupJob& job) {
  char* next = static_cast<char*>(job.workspace);
  const auto take = [&next](int64_t bytes) {
    char* p = next;
    next += (bytes + 63) / 64 * 64;
    return p;
  };
  Workspace w{};
  w.table = take(int64_t{job.parts} * kSubsets * kRowBytes);
  w.rows = take(int64_t{job.parts} * kRowsPerEntry * kRowBytes);
  const int64_t sums = (int64_t{job.inputs.reads} + 1) * 136;
  w.sums = take(sums);
  w.squares = take(sums);
  w.reference_noise = reinterpret_cast<float*>(take(4 * int64_t{job.inputs.reads} * job.slices));
  w.words = reinterpret_cast<uint32_t*>(take(4 * (kMaxReads * kMostColumns + 64)));
  w.noise = reinterpret_cast<float*>(take(4 * (kMaxReads * kMostColumns + 64)));
  w.block = reinterpret_cast<int64_t*>(take(int64_t{8} * job.vectors * kMostColumns));
  w.total = reinterpret_cast<int32_t*>(take(4 * kMostColumns));
  w.first = reinterpret_cast<uint64_t*>(take(8 * kMostBlocks));
  w.third = reinterpret_cast<uint64_t*>(take(8 * kMostBlocks));
  w.found = reinterpret_cast<uint32_t*>(take(16 * kMostBlocks));
  return w;
}

inline uint32_t read_number(const GroupJob& job, int slice, int cycle) {
  return static_cast<uint32_t>((job.group * job.cycles + cycle) * job.slices + slice);
}

inline uint32_t role_word(uint32_t role, uint64_t vector) {
  return role + static_cast<uint32_t>((vector >> 32) << 8);
}

// Noise of the reference column, shared by all columns of a read, in codes.
CIMSIM_STEP void draw_reference_noise(const GroupJob& job, const Workspace& w) {
  const GroupInputs& in = job.inputs;
  for (int m = 0; m < job.vectors; ++m) {
    const int start = in.first_read[m];
    const int reads = in.first_read[m + 1] - start;
    const int count = reads * job.slices;
    for (int k = 0; k < count; ++k) {
      w.first[k] = 0;
      w.third[k] = read_number(job, k / reads, in.cycle[start + k % reads]);
    }
    const uint64_t vector = job.first_vector + static_cast<uint64_t>(m);
    philox_words(w.first, static_cast<uint32_t>(vector), w.third,
                 role_word(kRoleReferenceReadNoise, vector), job.seed, job.layer, count, w.found);
    for (int k = 0; k < count; ++k) {
      const int read = start + k % reads;
      // The reference is subtracted.
      w.reference_noise[int64_t{k / reads} * in.reads + read] =
          -(in.reference_deviation[read] * normal_of_word(w.found[4 * k]));
    }
  }
}

// One word per column (and up to three more) of each read of a vector.
template <class Kind>
inline void draw_words(const GroupJob& job, const Workspace& w, int vector, const uint32_t* number,
                       int reads, int first_column, int used) {
  constexpr int tile = Kind::block_columns / 4;
  constexpr int wide = tile / kLongs < kPhiloxVectors ? tile / kLongs : kPhiloxVectors;
  const int pitch = (used + 3) / 4 * 4;
  const uint64_t index = job.first_vector + static_cast<uint64_t>(vector);
  const uint32_t c1 = static_cast<uint32_t>(index);
  const uint32_t c3 =
      role_word(job.readout == Readout::output_noise ? kRoleOutputNoise : kRoleReadNoise, index);
  const int first = first_column / 4;
  int done = 0;
  for (; done + wide * kLongs <= pitch / 4; done += wide * kLongs) {
    philox_tile<wide>(static_cast<uint32_t>(first + done), c1, number, c3, job.seed, job.layer,
                      reads, w.words + 4 * done, pitch);
  }
  const int left = pitch / 4 - done;
  if (left == 0) return;
  for (int k = 0; k < reads; ++k) {
    for (int b = 0; b < left; ++b) {
      w.first[k * left + b] = static_cast<uint64_t>(first + done + b);
      w.third[k * left + b] = number[k];
    }
  }
  philox_words(w.first, c1, w.third, c3, job.seed, job.layer, reads * left, w.found);
  for (int k = 0; k < reads; ++k) {
    __builtin_memcpy(w.words + k * pitch + 4 * done, w.found + 4 * k * left,
                     static_cast<unsigned long>(16 * left));
  }
}

// Sums, and sums of squares where the readout needs them, of a block of columns.
template <class Kind>
inline void sum_block(const GroupJob& job, const Workspace& w, const typename Kind::Cell* cells,
                      int slice, int used) {
  using Sum = typename Kind::Sum;
  const GroupInputs& in = job.inputs;
  const bool square_planes = in.planes > job.dac_bits;
  const int first_square = square_planes ? job.dac_bits : 0;
  const int squares = square_planes ? in.planes - job.dac_bits : job.dac_bits;
  const int tables = (used < Kind::block_columns ? used : Kind::block_columns);
  for (int c = 0; c < tables; c += Kind::table_columns) {
    gather_rows<Kind>(job, cells + c / Kind::columns_of_cell, w.rows);
    build_table<typename Kind::TableCell>(w.rows, job.parts, w.table);
    sum_reads<Kind>(w.table, in, 0, job.dac_bits,
                    reinterpret_cast<Sum*>(w.sums) + int64_t{c} * in.reads);
    Sum* square_sums = reinterpret_cast<Sum*>(w.squares) + int64_t{c} * in.reads;
    if (job.readout == Readout::binary_noise && square_planes) {
      sum_reads<Kind>(w.table, in, first_square, squares, square_sums);
    }
    if constexpr (sizeof(typename Kind::Cell) == 4) {
      if (job.readout == Readout::real_noise) {
        gather_squares(job, cells + c, w.rows);
        build_table<typename Kind::TableCell>(w.rows, job.parts, w.table);
        sum_reads<Kind>(w.table, in, first_square, squares, square_sums);
      }
    }
  }
  if constexpr (sizeof(Sum) == 1) {
    if (used > Kind::block_columns) {
      sum_last_column(job, slice,
                      reinterpret_cast<Sum*>(w.sums) + int64_t{Kind::block_columns} * in.reads);
    }
  }
}

// Converts the reads of one vector in a block of columns; false if it has none.
template <class Kind>
inline bool convert_vector(const GroupJob& job, const Workspace& w, int vector, int slice,
                           int first_column, int used) {
  using Sum = typename Kind::Sum;
  const GroupInputs& in = job.inputs;
  const int64_t start = in.first_read[vector];
  Reads<Kind> reads;
  reads.count = static_cast<int>(in.first_read[vector + 1] - start);
  if (reads.count == 0) return false;
  reads.used = used;
  reads.all_reads = in.reads;
  reads.before = start;
  const Sum* sums = reinterpret_cast<const Sum*>(w.sums);
  const Sum* squares = reinterpret_cast<const Sum*>(w.squares);
  const bool own_squares = job.readout == Readout::real_noise || in.planes > job.dac_bits;
  reads.sums = sums + start * Kind::table_columns;
  reads.squares = (own_squares ? squares : sums) + start * Kind::table_columns;
  reads.words = w.words;
  reads.noise = w.noise;
  reads.word_pitch = (used + 3) / 4 * 4;
  uint32_t number[kMaxReads];
  for (int k = 0; k < reads.count; ++k) {
    const int cycle = in.cycle[start + k];
    number[k] = read_number(job, slice, cycle);
    reads.shift[k] = cycle * job.dac_bits;
    reads.floor[k] = job.noise_floor * in.square_sum[start + k];
    reads.reference[k] =
        job.reference_is_silent ? 0.0F : w.reference_noise[int64_t{slice} * in.reads + start + k];
  }
  if (job.readout == Readout::binary_noise || job.readout == Readout::real_noise ||
      job.readout == Readout::output_noise) {
    draw_words<Kind>(job, w, vector, number, reads.count, first_column, used);
    coarse_normals(w.words, (reads.count * reads.word_pitch + 15) / 16 * 16, w.noise);
  }
  switch (job.readout) {
    case Readout::ideal:
    case Readout::real:
      if constexpr (sizeof(Sum) == 1) {
        if (job.unit_step) {
          convert_bytes(job, reads, w.total);
          return true;
        }
      }
      convert_ideal(job, reads, w.total);
      return true;
    case Readout::binary_noise:
    case Readout::real_noise:
      convert_read_noise(job, reads, w.total);
      return true;
    case Readout::output_noise:
      convert_output_noise(job, reads, w.total);
      return true;
    case Readout::histogram:
      count_sums(job, reads);
      return false;
  }
  return false;
}

inline void add_shifted(const int32_t* total, int place, int count, int64_t* sums) {
  for (int c = 0; c < count; ++c) sums[c] += static_cast<int64_t>(total[c]) << place;
}

template <class Kind>
inline void read_group(const GroupJob& job) {
  const Workspace w = carve(job);
  if (!job.reference_is_silent) draw_reference_noise(job, w);
  const auto* cells = static_cast<const typename Kind::Cell*>(job.cells);
  const int64_t slice_cells = int64_t{kRowsPerEntry} * job.parts * job.stride;
  int used = 0;
  for (int first = 0; first < job.columns; first += used) {
    const int left = job.columns - first;
    used = left < Kind::block_columns ? left : Kind::block_columns;
    if (job.last_column != nullptr && left == Kind::block_columns + 1) used = left;
    for (int m = 0; m < job.vectors; ++m) {
      for (int c = 0; c < used; ++c) w.block[m * kMostColumns + c] = 0;
    }
    for (int slice = 0; slice < job.slices; ++slice) {
      sum_block<Kind>(job, w, cells + slice * slice_cells + first / Kind::columns_of_cell, slice,
                      used);
      const int place = slice * job.cell_bits;
      for (int m = 0; m < job.vectors; ++m) {
        if (!convert_vector<Kind>(job, w, m, slice, first, used)) continue;
        add_shifted(w.total, place, used, w.block + m * kMostColumns);
      }
    }
    if (job.sums == nullptr) continue;
    for (int m = 0; m < job.vectors; ++m) {
      int64_t* sums = job.sums + int64_t{m} * job.columns + first;
      for (int c = 0; c < used; ++c) sums[c] += w.block[m * kMostColumns + c];
    }
  }
}
