#include "column_moments.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdlib>
#include <map>
#include <mutex>
#include <numeric>

#include "kernels/buffer.hpp"
#include "kernels/product.hpp"
#include "parallel.hpp"

namespace cimsim {
namespace {

using kernels::kMoments;
using kernels::MomentJob;
constexpr std::size_t kSlice = kernels::kConductanceColumns;

std::size_t bin_number(std::size_t active, std::size_t on) {
  return active * (active + 1) / 2 + on;
}

/// Inputs of the rows of a block: their bits, and for each bit-vector the sums of its rows' codes.
struct CodedRows {
  const RowActivity::PackedBits* bits = nullptr;
  std::vector<std::int32_t> position, square;
  std::vector<std::int64_t> active;  ///< of each row, the bit-vectors in which it is on
  std::vector<std::uint32_t> word;   ///< of each row, the codes of a cell that is on
};

CodedRows code_rows(const RowActivity& activity, Range rows, const RowCodes& codes) {
  CodedRows out;
  out.bits = &activity.packed(rows);
  for (int r = 0; r < rows.count; ++r) {
    out.active.push_back(activity.count({rows.first + r, 1}));
    out.word.push_back(codes.word(rows.count - r));
  }
  // Sums of every eight rows, looked up by their byte.
  const std::size_t bytes = out.bits->bytes_each;
  std::vector<std::int32_t> position(bytes * 256, 0), square(bytes * 256, 0);
  for (std::size_t n = 0; n < position.size(); ++n) {
    const auto first = static_cast<int>(n / 256 * 8);
    for (int bit = 0; bit < 8 && first + bit < rows.count; ++bit) {
      if ((n >> bit & 1U) == 0) continue;
      position[n] += codes.position(rows.count - first - bit);
      square[n] += codes.square(rows.count - first - bit);
    }
  }
  const std::size_t vectors = out.bits->active.size();
  out.position.assign(vectors, 0);
  out.square.assign(vectors, 0);
  for (std::size_t v = 0; v < vectors; ++v) {
    for (std::size_t b = 0; b < bytes; ++b) {
      const std::size_t n = b * 256 + out.bits->bytes[v * bytes + b];
      out.position[v] += position[n];
      out.square[v] += square[n];
    }
  }
  return out;
}

/// The low `count` bits of a word in the opposite order.
std::uint32_t reversed(std::uint32_t word, int count) {
  word = (word >> 1 & 0x55555555U) | (word & 0x55555555U) << 1;
  word = (word >> 2 & 0x33333333U) | (word & 0x33333333U) << 2;
  word = (word >> 4 & 0x0F0F0F0FU) | (word & 0x0F0F0F0FU) << 4;
  word = (word >> 8 & 0x00FF00FFU) | (word & 0x00FF00FFU) << 8;
  return (word >> 16 | word << 16) >> (32 - count);
}

/// The one-bit cells of a block, [slice][row]: bit j is column j of the slice, the most significant
/// digit of a weight first.
std::vector<std::uint16_t> cells_of(const CodeMatrix<std::int32_t>& weights, const CellBlock& block,
                                    int each) {
  const auto rows = static_cast<std::size_t>(block.rows.count);
  const auto columns = static_cast<std::size_t>(block.cols.count);
  std::vector<std::uint16_t> found((columns + kSlice - 1) / kSlice * rows, 0);
  const auto cells_each = static_cast<std::size_t>(each);
  for (std::size_t row = 0; row < rows; ++row) {
    const std::int32_t* code =
        weights.row(first_weight_row(weights, block) + row) + block.cols.first / each;
    // Cells that wait for their slice to be full; the first weight may begin in another block.
    std::size_t waiting = 0, skipped = static_cast<std::size_t>(block.cols.first % each);
    std::uint64_t cells = 0;
    for (std::size_t first = 0; first < columns; first += kSlice) {
      const std::size_t count = std::min(kSlice, columns - first);
      for (; waiting < count; ++code, skipped = 0) {
        cells |= std::uint64_t{reversed(static_cast<std::uint32_t>(*code), each) >> skipped}
                 << waiting;
        waiting += cells_each - skipped;
      }
      found[first / kSlice * rows + row] =
          static_cast<std::uint16_t>(cells & ((std::uint64_t{1} << count) - 1));
      cells >>= count;
      waiting -= count;
    }
  }
  return found;
}

/// What all threads read.
struct Layer {
  const std::vector<CellBlock>& blocks;
  RowCodes codes;
  std::vector<std::vector<std::uint16_t>> cells;  ///< of each block
  std::vector<CodedRows> rows;                    ///< of all blocks, each once
  std::vector<std::size_t> rows_of;               ///< the number of each block's rows
  std::size_t most_active = 0;                    ///< rows in any bit-vector of any block
};

/// A slice while it is counted: a bin for each pair of active rows and on cells.
struct DenseSlice {
  explicit DenseSlice(const Layer& layer)
      : bins(bin_number(layer.most_active + 1, 0)),
        on_at(static_cast<std::size_t>(layer.codes.rows()) * kSlice, 0),
        reads(layer.rows.size() * kSlice, 0) {}
  void add(const DenseSlice& other) {
    for (std::size_t n = 0; n < bins.size(); ++n) bins[n].add(other.bins[n]);
    for (std::size_t n = 0; n < on_at.size(); ++n) on_at[n] += other.on_at[n];
    for (std::size_t n = 0; n < reads.size(); ++n) reads[n] += other.reads[n];
  }
  std::vector<MomentBin> bins;
  std::vector<std::int64_t> on_at;  ///< as in MomentSlice
  std::vector<std::int64_t> reads;  ///< [rows][place]: how often a column reads its inputs
};

/// Counts of one thread.
class Counter {
 public:
  explicit Counter(const Layer& layer)
      : layer_(layer), table_(bin_number(layer.most_active + 1, 0) * kSlice * kMoments) {}

  /// Counts the columns from `first` of blocks that are all counted equally often.
  void add(std::size_t number, std::size_t first, DenseSlice& slice) {
    const CellBlock& block = layer_.blocks[number];
    const std::size_t inputs = layer_.rows_of[number];
    const CodedRows& rows = layer_.rows[inputs];
    MomentJob job;
    job.bytes = static_cast<std::int64_t>(rows.bits->bytes_each);
    job.columns =
        std::min(kernels::kConductanceColumns, block.cols.count - static_cast<int>(first));
    job.position_bits = layer_.codes.position_bits();
    job.square_bits = layer_.codes.square_bits();
    job.bias = static_cast<std::uint32_t>(layer_.codes.bias());
    for (std::size_t j = 0; j < static_cast<std::size_t>(job.columns); ++j)
      slice.reads[inputs * kSlice + j] += block.times;
    fill_sums(number, first, slice);
    job.sums = sums_.data();
    job.bits = rows.bits->bytes.data();
    job.active = rows.bits->active.data();
    job.position = rows.position.data();
    job.square = rows.square.data();
    job.vectors = static_cast<std::int64_t>(rows.position.size());
    job.table = table_.data();
    kernels_.count_moments(job);
  }

  /// Moves what has been counted to the slice, `times` times.
  void drain(std::int64_t times, DenseSlice& slice) {
    for (std::size_t n = 0; n < slice.bins.size(); ++n) {
      MomentBin found;
      for (std::size_t j = 0; j < kSlice; ++j) {
        std::int64_t* sums = table_.data() + (n * kSlice + j) * kMoments;
        if (sums[kernels::kSensings] == 0) continue;
        const std::int64_t place = ColumnMoments::place(static_cast<int>(j)) * times;
        for (int k = 0; k < kMoments; ++k) found.sums[k] += sums[k] * times;
        found.place += sums[kernels::kSensings] * place;
        found.place_square +=
            sums[kernels::kSensings] * place * ColumnMoments::place(static_cast<int>(j));
        found.place_on += sums[kernels::kOnPosition] * place;
        found.place_all += sums[kernels::kAllPosition] * place;
        std::fill_n(sums, kMoments, 0);
      }
      slice.bins[n].add(found);
    }
  }

 private:
  /// Codes of the on cells of every subset of four rows; counts the cells on the way.
  void fill_sums(std::size_t number, std::size_t first, DenseSlice& slice) {
    const CellBlock& block = layer_.blocks[number];
    const CodedRows& rows = layer_.rows[layer_.rows_of[number]];
    active_.clear();
    for (const std::int64_t active : rows.active) active_.push_back(active * block.times);
    kernels::MomentCells here;
    here.rows = block.rows.count;
    here.on = layer_.cells[number].data() + first / kSlice * rows.active.size();
    here.word = rows.word.data();
    here.active = active_.data();
    here.on_at = slice.on_at.data();
    here.groups = static_cast<std::int64_t>(2 * rows.bits->bytes_each);
    const std::size_t size = 2 * rows.bits->bytes_each * 16 * kSlice;
    if (size > sums_.size()) sums_ = kernels::Buffer<std::uint32_t>(size);
    here.sums = sums_.data();
    kernels_.fill_moment_sums(here);
  }

  const Layer& layer_;
  const kernels::Kernels& kernels_ = kernels::kernels_of(kernels::available_isas().back());
  std::vector<std::int64_t> active_;
  kernels::Buffer<std::uint32_t> sums_;
  kernels::Buffer<std::int64_t> table_;
};

/// Numbers of the blocks with columns from `first` on; equally often counted ones adjoin, because a
/// change costs a pass over the table.
std::vector<std::size_t> blocks_with(const std::vector<CellBlock>& blocks, std::size_t first) {
  std::vector<std::size_t> found;
  for (std::size_t n = 0; n < blocks.size(); ++n)
    if (static_cast<std::size_t>(blocks[n].cols.count) > first) found.push_back(n);
  std::ranges::stable_sort(found, {}, [&](std::size_t n) { return blocks[n].times; });
  return found;
}

MomentSlice compact(const Layer& layer, const DenseSlice& dense) {
  MomentSlice out{{}, std::vector<std::int64_t>(dense.on_at.size(), 0), dense.on_at};
  for (std::size_t n = 0; n < dense.reads.size(); ++n) {
    const std::vector<std::int64_t>& active = layer.rows[n / kSlice].active;
    for (std::size_t up = 0; up < active.size(); ++up)  // from the foot of the column
      out.active_at[up * kSlice + n % kSlice] += active[active.size() - 1 - up] * dense.reads[n];
  }
  std::size_t n = 0;
  for (std::int64_t active = 0; n < dense.bins.size(); ++active) {
    for (std::int64_t on = 0; on <= active; ++on, ++n) {
      if (dense.bins[n].sums[kernels::kSensings] == 0) continue;
      out.bins.push_back(dense.bins[n]);
      out.bins.back().active = active;
      out.bins.back().on = on;
    }
  }
  return out;
}

}  // namespace

void MomentBin::add(const MomentBin& other) {
  for (int k = 0; k < kMoments; ++k) sums[k] += other.sums[k];
  place += other.place;
  place_square += other.place_square;
  place_on += other.place_on;
  place_all += other.place_all;
}

RowCodes::RowCodes(int rows)
    : rows_(rows), bias_(rows / 2 * (rows / 2 - 1) / 2), spread_(rows - rows / 2) {
  // The finest codes whose sum fits.
  const int most = (1 << square_bits()) - 1;
  const auto total = [&] {
    int sum = 0;
    for (int x = 1; x <= rows_; ++x) sum += square(x);
    return sum;
  };
  double shares = 0;
  for (int x = 1; x <= rows_; ++x)
    shares += std::pow(static_cast<double>(position(x)) / spread_, 2);
  finest_ = static_cast<int>(most / shares);
  while (total() > most) --finest_;
}

int RowCodes::square(int x) const {
  const double share = static_cast<double>(position(x)) / spread_;
  return static_cast<int>(std::lround(share * share * finest_));
}

std::uint32_t RowCodes::word(int x) const {
  const std::uint32_t codes = (1U << square_bits()) + static_cast<std::uint32_t>(square(x));
  return (codes << position_bits()) + static_cast<std::uint32_t>(position(x));
}

int RowCodes::position_bits() const {
  return static_cast<int>(
      std::bit_width(static_cast<unsigned>(bias_ + spread_ * (spread_ + 1) / 2)));
}

int RowCodes::square_bits() const {
  const int others =
      position_bits() + static_cast<int>(std::bit_width(static_cast<unsigned>(rows_)));
  return std::min(32 - others, 16);
}

ColumnMoments column_moments(const RowActivity& activity, const CodeMatrix<std::int32_t>& weights,
                             const std::vector<CellBlock>& blocks, int cells_per_weight,
                             int threads) {
  int most_rows = 0, most_cols = 0;
  for (const CellBlock& block : blocks) {
    most_rows = std::max(most_rows, block.rows.count);
    most_cols = std::max(most_cols, block.cols.count);
  }
  Layer layer{blocks, RowCodes(most_rows), {}, {}, {}, 0};
  layer.cells.resize(blocks.size());
  parallel_for(blocks.size(), threads, [&](std::size_t n, std::size_t) {
    layer.cells[n] = cells_of(weights, blocks[n], cells_per_weight);
  });
  std::map<std::pair<int, int>, std::size_t> seen;
  for (const CellBlock& block : blocks) {
    const auto [entry, is_new] =
        seen.try_emplace({block.rows.first, block.rows.count}, layer.rows.size());
    layer.rows_of.push_back(entry->second);
    if (!is_new) continue;
    layer.rows.push_back(code_rows(activity, block.rows, layer.codes));
    // Bit-vectors are in the order of their active rows.
    layer.most_active = std::max(layer.most_active,
                                 static_cast<std::size_t>(layer.rows.back().bits->active.back()));
  }
  // Each work item is a slice, or where threads would idle a share of its blocks.
  const std::size_t slices = (static_cast<std::size_t>(most_cols) + kSlice - 1) / kSlice;
  const std::size_t workers = static_cast<std::size_t>(std::max(threads, 1));
  const std::size_t shares = (2 * workers + slices - 1) / slices;
  std::vector<DenseSlice> dense(slices, DenseSlice(layer));
  std::vector<Counter> counters;
  counters.reserve(workers);
  for (std::size_t n = 0; n < workers; ++n) counters.emplace_back(layer);
  std::mutex adding;
  parallel_for(slices * shares, threads, [&](std::size_t item, std::size_t thread) {
    const std::size_t s = item / shares, share = item % shares;
    const std::size_t first = s * kSlice;
    const std::vector<std::size_t> mine = blocks_with(blocks, first);
    DenseSlice found(layer);
    const std::size_t end = mine.size() * (share + 1) / shares;
    for (std::size_t n = mine.size() * share / shares; n < end; ++n) {
      const CellBlock& block = blocks[mine[n]];
      counters[thread].add(mine[n], first, found);
      if (n + 1 == end || blocks[mine[n + 1]].times != block.times)
        counters[thread].drain(block.times, found);
    }
    const std::scoped_lock lock(adding);
    dense[s].add(found);
  });
  ColumnMoments out{layer.codes, {}};
  for (const DenseSlice& slice : dense) out.slices.push_back(compact(layer, slice));
  return out;
}

}  // namespace cimsim
