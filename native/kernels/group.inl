// All reads of one row group. Included inside the namespace of one instruction set, after
// group_sums.inl, group_convert.inl, column_errors.inl and group_noise.inl.

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
    constexpr int drawn = columns < kDrawColumns ? columns : kDrawColumns;
    draw_read_noise<drawn>(job, w, active, slice, vector, first_column, width);
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
  const bool in_registers =
      sizeof(Cell) == 4 && job.readout != Readout::real_errors && job.inputs.planes == 1;
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
        } else if (in_registers) {
          if constexpr (sizeof(Cell) == 4) {
            has_cell_noise(job) ? read_real_vector<true>(job, w, active, slice, m, first_column)
                                : read_real_vector<false>(job, w, active, slice, m, first_column);
          }
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
