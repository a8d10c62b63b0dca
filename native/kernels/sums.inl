// Analog sums of the reads of a row group from tables of the sums of all subsets of five rows (the
// "four Russians" method: Arlazarov, Dinic, Kronrod and Faradzev, 1970).

// What a kernel keeps of one type of cell.
//   Bit: one-bit cells and one-bit inputs. A table row has 64 columns in 4-bit fields, of which
//   three
//     rows can be added (3 * 5 = 15); sums are bytes.
//   Half: digits of any size; sums are integers.
//   Fixed: fixed-point conductances; sums are floats (each plane of the input is exact).
struct Bit {
  using Cell = uint64_t;  // 64 columns
  static constexpr int columns_of_cell = 64;
  using TableCell = uint8_t;
  using Sum = uint8_t;
  static constexpr int table_columns = 64;
  static constexpr int block_columns = 64;  // or one column more, the last one
};
struct Half {
  using Cell = uint16_t;
  using TableCell = Cell;
  static constexpr int columns_of_cell = 1;
  using Sum = int32_t;
  static constexpr int table_columns = 16;
  static constexpr int block_columns = 32;
};
struct Fixed {
  using Cell = int32_t;
  using TableCell = Cell;
  static constexpr int columns_of_cell = 1;
  using Sum = float;
  static constexpr int table_columns = 8;
  static constexpr int block_columns = 32;
};

// A row of a table.
template <class T>
using TableRow = typename VectorOf<T, kRowBytes>::type;

// Table of the sums of all subsets: table[(kSubsets * part + subset) * kRowBytes]; rows[row] are
// the cells of a row, kRowBytes wide.
template <class T>
CIMSIM_STEP void build_table(const char* rows, int parts, char* table) {
  using Row = TableRow<T>;
  for (int q = 0; q < parts; ++q) {
    const char* in = rows + q * kRowsPerEntry * kRowBytes;
    char* out = table + q * kSubsets * kRowBytes;
    const Row row3 = load<Row>(in + 3 * kRowBytes);
    const Row row4 = load<Row>(in + 4 * kRowBytes);
    Row of_three[8];  // sums of the subsets of the first three rows
    of_three[0] = Row{};
    of_three[1] = load<Row>(in);
    of_three[2] = load<Row>(in + kRowBytes);
    of_three[4] = load<Row>(in + 2 * kRowBytes);
    of_three[3] = of_three[1] + of_three[2];
    of_three[5] = of_three[1] + of_three[4];
    of_three[6] = of_three[2] + of_three[4];
    of_three[7] = of_three[3] + of_three[4];
    const Row both = row3 + row4;
#pragma GCC unroll 8
    for (int k = 0; k < 8; ++k) {
      store(out + k * kRowBytes, of_three[k]);
      store(out + (8 + k) * kRowBytes, of_three[k] + row3);
      store(out + (16 + k) * kRowBytes, of_three[k] + row4);
      store(out + (24 + k) * kRowBytes, of_three[k] + both);
    }
  }
}

// 64 one-bit cells as 4-bit fields: cell c in the low half of byte c, 32 + c in its high half.
inline void spread_bits(uint64_t cells, char* out) {
#if defined(CIMSIM_AVX512) || defined(CIMSIM_AVX2)
  const __m256i byte = _mm256_setr_epi64x(0x0000000000000000, 0x0101010101010101,
                                          0x0202020202020202, 0x0303030303030303);
  const __m256i bit = _mm256_set1_epi64x(static_cast<int64_t>(0x8040201008040201U));
  const auto chosen = [&](uint64_t half) {
    const __m256i all = _mm256_set1_epi32(static_cast<int32_t>(half));
    return _mm256_cmpeq_epi8(_mm256_and_si256(_mm256_shuffle_epi8(all, byte), bit), bit);
  };
  store(out,
        ((TableRow<uint8_t>)chosen(cells) & 1) | ((TableRow<uint8_t>)chosen(cells >> 32) & 16));
#else
  uint64_t fields[4];
  const auto spread = [](uint64_t eight) {  // bit k to byte k
    const uint64_t chosen = (eight * 0x0101010101010101U) & 0x8040201008040201U;
    return ((chosen + 0x7F7F7F7F7F7F7F7FU) >> 7) & 0x0101010101010101U;
  };
  for (int k = 0; k < 4; ++k) {
    fields[k] = spread(cells >> (8 * k) & 255) | spread(cells >> (32 + 8 * k) & 255) << 4;
  }
  store(out, load<TableRow<uint8_t>>(fields));
#endif
}

// The cells of table_columns columns as table rows.
template <class Kind>
CIMSIM_STEP void gather_rows(const GroupJob& job, const typename Kind::Cell* cells, char* rows) {
  for (int row = 0; row < kRowsPerEntry * job.parts; ++row, cells += job.stride) {
    if constexpr (sizeof(typename Kind::Sum) == 1) {
      spread_bits(*cells, rows + row * kRowBytes);
    } else {
      __builtin_memcpy(rows + row * kRowBytes, cells, kRowBytes);
    }
  }
}

// The same for squared conductances.
CIMSIM_STEP void gather_squares(const GroupJob& job, const int32_t* cells, char* rows) {
  const double unit = 1.0 / static_cast<double>(int64_t{1} << job.value_bits);
  const double scale = static_cast<double>(int64_t{1} << job.square_bits);
  for (int row = 0; row < kRowsPerEntry * job.parts; ++row) {
    int32_t squares[Fixed::table_columns];
    for (int c = 0; c < Fixed::table_columns; ++c) {
      const double g = cells[row * job.stride + c] * unit + job.reference[row];
      squares[c] = static_cast<int32_t>(g * g * scale + 0.5);
    }
    __builtin_memcpy(rows + row * kRowBytes, squares, sizeof squares);
  }
}

template <class T>
inline TableRow<T> row_of_table(const char* table, uint16_t entry) {
  return load<TableRow<T>>(table + int64_t{entry} * kRowBytes);
}

template <class T>
inline void sum_rows(const char* table, const uint16_t* list, int length, T* out) {
  TableRow<T> sum{};
#pragma GCC unroll 3
  for (int k = 0; k < length; k += kEntriesAtOnce) {
    sum += row_of_table<T>(table, list[k]);
    sum += row_of_table<T>(table, list[k + 1]);
    sum += row_of_table<T>(table, list[k + 2]);
  }
  store(out, sum);
}

inline void sum_bits(const char* table, const uint16_t* list, int length, uint8_t* out) {
  using Row = TableRow<uint8_t>;
  using Shorts = TableRow<uint16_t>;
  Row low{};
  Row high{};
#pragma GCC unroll 3
  for (int k = 0; k < length; k += kEntriesAtOnce) {
    const Row sum = row_of_table<uint8_t>(table, list[k]) +
                    row_of_table<uint8_t>(table, list[k + 1]) +
                    row_of_table<uint8_t>(table, list[k + 2]);
    low += sum & 15;
    high += (Row)((Shorts)sum >> 4) & 15;
  }
  store(out, low);
  store(out + kRowBytes, high);
}

// Eight sums at `column` of a table row, as integers or floats.
using EightInts = VectorOf<int32_t, 32>::type;
using EightFloats = VectorOf<float, 32>::type;
inline EightInts eight_sums(const uint16_t* row, int column, int32_t) {
  return __builtin_convertvector(load<VectorOf<uint16_t, 16>::type>(row + column), EightInts);
}
inline EightFloats eight_sums(const int32_t* row, int column, float) {
  return __builtin_convertvector(load<EightInts>(row + column), EightFloats);
}

// Sums of all reads for the columns of one table: sum over `planes` planes b, the first being
// `first_plane`, of 2^b times the sum of the rows in that plane. out[read * table_columns +
// column].
template <class Kind>
CIMSIM_STEP void sum_reads(const char* table, const GroupInputs& inputs, int first_plane,
                           int planes, typename Kind::Sum* out) {
  using Sum = typename Kind::Sum;
  const GroupInputs in = inputs;
  for (int read = 0; read < in.reads; ++read, out += Kind::table_columns) {
    const int64_t first = int64_t{read} * in.planes + first_plane;
    if constexpr (sizeof(Sum) == 1) {
      sum_bits(table, in.entries + first * in.capacity, in.lengths[first], out);
    } else {
      for (int b = planes - 1; b >= 0; --b) {
        alignas(32) typename Kind::TableCell row[Kind::table_columns];
        sum_rows(table, in.entries + (first + b) * in.capacity, in.lengths[first + b], row);
#pragma GCC unroll 2
        for (int c = 0; c < Kind::table_columns; c += 8) {
          auto sum = eight_sums(row, c, Sum{});
          if (b < planes - 1) sum += 2 * load<decltype(sum)>(out + c);
          store(out + c, sum);
        }
      }
    }
  }
}

// Sums of the last column, where it alone is left over from blocks of 64: out[read * kLastPitch].
constexpr int kLastPitch = 16;
CIMSIM_STEP void sum_last_column(const GroupJob& job, int slice, uint8_t* out) {
  const GroupInputs& in = job.inputs;
  const uint64_t* column = job.last_column + int64_t{slice} * in.words;
  for (int read = 0; read < in.reads; ++read) {
    int sum = 0;
    for (int k = 0; k < in.words; ++k) {
      sum += __builtin_popcountll(in.bits[int64_t{read} * in.words + k] & column[k]);
    }
    out[read * kLastPitch] = static_cast<uint8_t>(sum);
  }
}
