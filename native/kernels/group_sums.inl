// Working memory and analog sums of one row group; see docs/simulator.md. Included inside the
// namespace of one instruction set, after noise.inl.

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
