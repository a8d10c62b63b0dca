#include "conductances.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <map>
#include <numeric>

#include "kernels/product.hpp"
#include "parallel.hpp"

namespace cimsim {
namespace {

using kernels::ConductanceJob;
constexpr int kSlice = kernels::kConductanceColumns;
constexpr int kGroup = 4;  ///< rows whose 16 partial sums are tabulated
constexpr std::size_t kSubsets = std::size_t{1} << kGroup;
constexpr int kCellShift = 23 - kernels::kCellBits;
/// Sensings times places that the lower half of a packed counter holds.
constexpr std::int64_t kMostSensings = std::int64_t{1} << (32 - kernels::kPlaceBits);

std::int32_t leading_bits(double conductance) {
  return std::bit_cast<std::int32_t>(static_cast<float>(conductance)) >> kCellShift;
}

/// Path conductances of every digit value and cell of a block: [digit][row][column].
class Paths {
 public:
  Paths(const CellNetwork& network, int rows, int cols)
      : rows_(static_cast<std::size_t>(rows)), cols_(static_cast<std::size_t>(cols)) {
    const auto digits = static_cast<int>(network.conductance.size());
    values_.reserve(network.conductance.size() * rows_ * cols_);
    for (int digit = 0; digit < digits; ++digit)
      for (int i = 0; i < rows; ++i)
        for (int j = 0; j < cols; ++j)
          values_.push_back(static_cast<float>(network.path(digit, i, j, rows)));
  }
  /// The columns from `col` in row `row`; those of the next digit value are `stride()` further.
  const float* at(std::size_t row, std::size_t col) const {
    return values_.data() + row * cols_ + col;
  }
  std::size_t stride() const { return rows_ * cols_; }

 private:
  std::size_t rows_, cols_;
  std::vector<float> values_;
};

/// What all threads read.
struct Layer {
  const CodeMatrix<std::int32_t>& weights;
  const ColumnReads& reads;
  std::map<int, Paths> paths;  ///< by the rows of a block
  std::vector<const RowActivity::PackedBits*> bits;
  std::int32_t first = 0;  ///< leading bits of the smallest conductance
  std::size_t cells = 0;
};

/// Counts of one thread.
class Counter {
 public:
  explicit Counter(const Layer& layer)
      : layer_(layer), packed_(layer.cells, 0), sensings(layer.cells, 0), places(layer.cells, 0) {}

  void add(std::size_t index) {
    const CellBlock& block = layer_.reads.blocks[index];
    const RowActivity::PackedBits& bits = *layer_.bits[index];
    if (block.times != times_) flush();
    times_ = block.times;
    sums_.resize(2 * bits.bytes_each * kSubsets * kSlice);
    ConductanceJob job;
    job.bytes = static_cast<std::int64_t>(bits.bytes_each);
    job.sums = sums_.data();
    job.per_row = layer_.reads.per_row;
    job.scale = 1.0F / static_cast<float>(layer_.reads.groups);
    job.histogram = packed_.data();
    job.first = layer_.first;
    for (int col = 0; col < block.cols.count; col += kSlice) {
      job.columns = std::min(kSlice, block.cols.count - col);
      fill_sums(block, col, job.columns);
      count(job, bits, block.rows.count);
    }
  }

  void flush() {
    const auto times = static_cast<std::uint64_t>(times_);
    for (std::size_t cell = 0; cell < packed_.size(); ++cell) {
      sensings[cell] += (packed_[cell] >> 32) * times;
      places[cell] += (packed_[cell] & 0xFFFFFFFFU) * times;
      packed_[cell] = 0;
    }
    held_ = 0;
  }

 private:
  /// Bit-vectors in portions that the packed counters hold.
  void count(ConductanceJob& job, const RowActivity::PackedBits& bits, int rows) {
    const std::int64_t each = std::int64_t{kSlice} * (job.per_row ? rows : 1);
    const auto vectors = static_cast<std::int64_t>(bits.active.size());
    for (std::int64_t n = 0; n < vectors; n += job.vectors) {
      if (held_ + each > kMostSensings) flush();
      job.vectors = std::min(vectors - n, (kMostSensings - held_) / each);
      job.bits = bits.bytes.data() + n * job.bytes;
      job.active = bits.active.data() + n;
      kernel_(job);
      held_ += job.vectors * each;
    }
  }

  /// Sums of every subset of `kGroup` rows, for the columns of the block from `col`.
  void fill_sums(const CellBlock& block, int col, int columns) {
    const CellNetwork& network = layer_.reads.network;
    const Paths& paths = layer_.paths.at(block.rows.count);
    const std::size_t groups = sums_.size() / (kSubsets * kSlice);
    int weight[kSlice] = {}, shift[kSlice] = {};
    for (int j = 0; j < columns; ++j) {
      const int cell = block.cols.first + col + j;
      weight[j] = cell / network.cells_per_weight;
      shift[j] =
          (network.cells_per_weight - 1 - cell % network.cells_per_weight) * network.cell_bits;
    }
    const auto mask = static_cast<std::uint32_t>((1 << network.cell_bits) - 1);
    for (std::size_t g = 0; g < groups; ++g) {
      float* group = sums_.data() + g * kSubsets * kSlice;
      std::fill_n(group, kSlice, 0.0F);
      for (std::size_t r = 0; r < kGroup; ++r) {
        const std::size_t row = g * kGroup + r;
        float path[kSlice] = {};
        if (row < static_cast<std::size_t>(block.rows.count)) {
          const std::int32_t* codes =
              layer_.weights.row(first_weight_row(layer_.weights, block) + row);
          const float* here = paths.at(row, static_cast<std::size_t>(col));
          for (int j = 0; j < columns; ++j) {
            const auto digit = static_cast<std::uint32_t>(codes[weight[j]]) >> shift[j] & mask;
            path[j] = here[digit * paths.stride() + static_cast<std::size_t>(j)];
          }
        }
        // Subsets with this row as their last: those of the rows before, plus it.
        const std::size_t half = std::size_t{1} << r;
        for (std::size_t subset = 0; subset < half; ++subset) {
          const float* from = group + subset * kSlice;
          float* to = group + (half + subset) * kSlice;
          for (std::size_t j = 0; j < kSlice; ++j) to[j] = from[j] + path[j];
        }
      }
    }
  }

  const Layer& layer_;
  void (*kernel_)(const ConductanceJob&) =
      kernels::kernels_of(kernels::available_isas().back()).count_conductances;
  std::vector<std::uint64_t> packed_;
  std::vector<float> sums_;
  int times_ = 1;
  std::int64_t held_ = 0;  // sensings in packed_, at most

 public:
  std::vector<std::uint64_t> sensings;
  std::vector<std::uint64_t> places;
};

/// Sensings of an image without any current, where no row of any block is ever active.
std::vector<ConductanceCount> silence(const RowActivity& activity, const ColumnReads& reads) {
  if (reads.per_row) return {};
  double sensings = 0;
  for (const CellBlock& block : reads.blocks)
    sensings += activity.bit_vectors() * block.cols.count * block.times * reads.groups;
  return {{0.0, sensings}};
}

/// Numbers the histogram's cells from one off cell at the end of the wires to all cells on.
void number_cells(Layer& layer) {
  const ColumnReads& reads = layer.reads;
  double least = 0, most = 0;
  for (const CellBlock& block : reads.blocks) {
    for (std::size_t digit = 0; digit < reads.network.conductance.size(); ++digit) {
      const double path =
          reads.network.path(static_cast<int>(digit), 0, block.cols.count - 1, block.rows.count);
      if (path > 0) least = least == 0 ? path : std::min(least, path);
      most = std::max(most, reads.network.conductance[digit] * block.rows.count);
    }
  }
  const int divisor =
      reads.per_row
          ? std::ranges::max(reads.blocks, {}, [](const CellBlock& b) { return b.rows.count; })
                .rows.count
          : reads.groups;
  // One cell more on each side for rounding.
  layer.first = leading_bits(least / divisor) - 1;
  layer.cells = static_cast<std::size_t>(leading_bits(most) - layer.first) + 3;
}

/// Conductance at a place within a cell of the histogram.
double conductance_at(std::int32_t cell, double place) {
  const double low = std::bit_cast<float>(cell << kCellShift);
  const double high = std::bit_cast<float>((cell + 1) << kCellShift);
  return low + (high - low) * (place + 0.5) / (1 << kernels::kPlaceBits);
}

}  // namespace

std::vector<ConductanceCount> column_conductances(const RowActivity& activity,
                                                  const CodeMatrix<std::int32_t>& weights,
                                                  const ColumnReads& reads, int threads) {
  if (std::ranges::all_of(reads.blocks,
                          [&](const CellBlock& block) { return activity.active(block.rows) == 0; }))
    return silence(activity, reads);
  Layer layer{weights, reads, {}, {}, 0, 0};
  number_cells(layer);
  std::map<int, int> widest;
  for (const CellBlock& block : reads.blocks) {
    int& cols = widest[block.rows.count];
    cols = std::max(cols, block.cols.count);
    layer.bits.push_back(&activity.packed(block.rows));
  }
  for (const auto& [rows, cols] : widest) layer.paths.try_emplace(rows, reads.network, rows, cols);
  // Blocks that count equally often are next to each other, because a change costs a flush.
  std::vector<std::size_t> order(reads.blocks.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::stable_sort(order, {}, [&](std::size_t n) { return reads.blocks[n].times; });

  std::vector<Counter> counters(static_cast<std::size_t>(std::max(threads, 1)), Counter(layer));
  parallel_for(order.size(), threads,
               [&](std::size_t n, std::size_t thread) { counters[thread].add(order[n]); });
  Counter& total = counters.front();
  for (Counter& counter : counters) {
    counter.flush();
    if (&counter == &total) continue;
    for (std::size_t cell = 0; cell < layer.cells; ++cell) {
      total.sensings[cell] += counter.sensings[cell];
      total.places[cell] += counter.places[cell];
    }
  }
  const double each = (reads.per_row ? 1.0 : reads.groups) / static_cast<double>(activity.images());
  std::vector<ConductanceCount> found;
  for (std::size_t cell = 0; cell < layer.cells; ++cell) {
    const auto sensings = static_cast<double>(total.sensings[cell]);
    if (sensings == 0) continue;
    const auto place = static_cast<double>(total.places[cell]) / sensings;
    const auto leading = layer.first + static_cast<std::int32_t>(cell) - 1;
    found.push_back({cell == 0 ? 0.0 : conductance_at(leading, place), sensings * each});
  }
  return found;
}

}  // namespace cimsim
