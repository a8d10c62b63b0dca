// Draws of noise for one row group. Included inside the namespace of one instruction set, after
// group_sums.inl.

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

// Names the draws of read noise of one vector in one slice.
inline ReadNoiseName read_noise_name(const GroupJob& job, int slice, int vector) {
  ReadNoiseName name;
  name.seed = job.seed;
  name.layer = job.layer;
  name.vector = job.first_vector + static_cast<uint64_t>(vector);
  name.group = static_cast<uint32_t>(job.group);
  name.slice = static_cast<uint32_t>(slice);
  name.names = job.names;
  name.reads = job.reads;
  return name;
}

// The numbers of the noise of cells, from column first_column on: [active read][width].
template <int kColumns>
inline void draw_read_noise(const GroupJob& job, const Workspace& w, const ActiveReads& active,
                            int slice, int vector, int first_column, int width) {
  const ReadNoiseName name = read_noise_name(job, slice, vector);
  alignas(64) uint16_t draws[kMaxReads * kColumns];
  alignas(64) int16_t numbers[kMaxReads * kColumns];
  for (int c = 0; c < width; c += kColumns) {
    draw_halves<kColumns>(name, first_column + c, draws);
    numbers_of_draws<kColumns>(name, first_column + c, draws, numbers);
    const int used = width - c < kColumns ? width - c : kColumns;
    for (int k = 0; k < active.count; ++k) {
      const int16_t* from = numbers + active.read[k] * kColumns;
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
