// Layers whose cells have a conductance each, held in fixed point.
#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <string>
#include <vector>

#include "kernels/array_layer.hpp"

namespace cimsim::kernels {

namespace {

constexpr double kFixedPointRange = 1 << 30;  // sums of fixed-point cells stay below this
constexpr int kMostFractionBits = 24;
constexpr int64_t kCellsAtOnce = 1 << 16;  // bounds the conductances that exist in float64

// Most fraction bits with which no sum of magnitude `largest` leaves the fixed-point range.
int fraction_bits(double largest) {
  if (!std::isfinite(largest) || largest >= kFixedPointRange) {
    throw std::invalid_argument("conductances: sums of a row group reach " +
                                std::to_string(largest) + " units");
  }
  int bits = 0;
  while (bits < kMostFractionBits && largest * std::ldexp(1.0, bits + 1) < kFixedPointRange) ++bits;
  return bits;
}

// The largest sums that any row group reaches in a column, of magnitudes of conductances above the
// reference and of the larger of the squares of a cell and its reference.
class LargestSums {
 public:
  explicit LargestSums(int64_t columns) : sum_(static_cast<std::size_t>(columns)), square_(sum_) {}

  // Takes one row group, cells [rows][column], reference [rows].
  void add_group(const double* cells, const double* reference, int64_t rows) {
    std::fill(sum_.begin(), sum_.end(), 0.0);
    std::fill(square_.begin(), square_.end(), 0.0);
    for (int64_t k = 0; k < rows; ++k) {
      const double* row = cells + k * static_cast<int64_t>(sum_.size());
      for (std::size_t n = 0; n < sum_.size(); ++n) {
        const double g = row[n] + reference[k];
        sum_[n] += std::abs(row[n]);
        square_[n] += std::max(g * g, reference[k] * reference[k]);
      }
    }
    sum = std::max(sum, *std::max_element(sum_.begin(), sum_.end()));
    square = std::max(square, *std::max_element(square_.begin(), square_.end()));
  }

  double sum = 0.0;
  double square = 0.0;

 private:
  std::vector<double> sum_;
  std::vector<double> square_;
};

double largest_of(const std::vector<double>& values) {
  double largest = 0.0;
  for (const double value : values) largest = std::max(largest, std::abs(value));
  return largest;
}

// Row groups of one slice, stored with so many fraction bits.
struct StoredBlock {
  int slice = 0;
  int64_t first_group = 0;
  int64_t groups = 0;
  int bits = 0;
};

}  // namespace

// Stores row groups of a slice, cells [row][column], with `bits` fraction bits.
void ArrayLayer::store_ints(int slice, int64_t first_group, int64_t groups, const double* cells,
                            int bits) {
  const int width = columns_of_block();
  const int64_t block = 4 * quads_ * width;
  const double scale = std::ldexp(1.0, bits);
  for (int64_t g = first_group; g < first_group + groups; ++g) {
    int32_t* next = ints_.data() + g * cells_of_group() + slice * blocks_ * block;
    for (int64_t first = 0; first < settings_.columns; first += width, next += block) {
      const int64_t used = std::min<int64_t>(width, settings_.columns - first);
      for (int row = 0; row < rows_of_group(g); ++row) {
        const double* from = cells + row * settings_.columns + first;
        for (int64_t c = 0; c < used; ++c) {
          next[row * width + c] = static_cast<int32_t>(std::nearbyint(from[c] * scale));
        }
      }
    }
    cells += rows_of_group(g) * settings_.columns;
  }
}

// Blocks are stored as they come, with the fraction bits that the largest sum so far allows; those
// that got more than the largest sum of all allows are asked for and stored once more. The last
// slice comes first: in the column that holds the offset of the weights all its cells are on, so
// that its sum is the largest, or nearly.
ArrayLayer ArrayLayer::of_conductances(const LayerSettings& settings, const CellSource& effective,
                                       const double* reference, const ColumnErrors& errors) {
  ArrayLayer layer(settings);
  const LayerSettings& s = layer.settings_;
  if (!s.code_of_sum.empty()) {
    throw std::invalid_argument("code_of_sum: sums that are no integers");
  }
  layer.type_ = CellType::ints;
  const int width = layer.columns_of_block();
  layer.blocks_ = (s.columns + width - 1) / width;
  layer.ints_ = Buffer<int32_t>(static_cast<std::size_t>(layer.groups_ * layer.cells_of_group()));

  const auto cells_of = [&](const StoredBlock& block) {
    const int64_t first = block.first_group * s.parallel_rows;
    const int64_t last = std::min(s.rows, first + block.groups * s.parallel_rows);
    return effective(block.slice, first, last);
  };
  const int64_t at_once = std::max<int64_t>(1, kCellsAtOnce / (s.parallel_rows * s.columns));
  LargestSums largest(s.columns);
  std::vector<StoredBlock> stored;
  for (int j = s.slices - 1; j >= 0; --j) {
    for (int64_t g = 0; g < layer.groups_; g += at_once) {
      StoredBlock block{j, g, std::min(at_once, layer.groups_ - g)};
      const double* cells = cells_of(block);
      const double* group_cells = cells;
      for (int64_t h = g; h < g + block.groups; ++h) {
        const int64_t rows = layer.rows_of_group(h);
        largest.add_group(group_cells, reference + h * s.parallel_rows, rows);
        group_cells += rows * s.columns;
      }
      block.bits = fraction_bits(largest.sum + 1.0);
      layer.store_ints(j, g, block.groups, cells, block.bits);
      stored.push_back(block);
    }
  }
  layer.value_bits_ = fraction_bits(largest.sum + 1.0);
  layer.square_bits_ = fraction_bits(largest.square + 1.0);
  for (const StoredBlock& block : stored) {
    if (block.bits == layer.value_bits_) continue;
    layer.store_ints(block.slice, block.first_group, block.groups, cells_of(block),
                     layer.value_bits_);
  }

  layer.set_readout(errors, largest.sum, largest.square);
  if (s.read_noise > 0.0) layer.set_reference(reference);
  return layer;
}

// Chooses the conversion, from the largest sums of conductances and of their squares.
void ArrayLayer::set_readout(const ColumnErrors& errors, double largest_sum,
                             double largest_square) {
  const LayerSettings& s = settings_;
  const double digit = (1 << s.dac_bits) - 1;
  double reach =
      largest_sum * digit + 14.0 * s.read_noise * digit * std::sqrt(2.0 * largest_square);
  readout_ = s.read_noise > 0.0 ? Readout::real_noise : Readout::real;
  if (errors.any()) {
    readout_ = Readout::real_errors;
    errors_.emplace(errors, s.slices, groups_, s.columns, blocks_ * columns_of_block(), s.adc_step);
    if (errors_->has_reference_noise()) reference_is_silent_ = false;
    // Normal numbers stay below 7.
    const double noise = 7.0 * (largest_of(errors.noise) + largest_of(errors.reference_noise));
    reach =
        (reach + noise) * (1.0 + largest_of(errors.gain)) + largest_of(errors.offset) * s.adc_step;
    if (!errors.transitions.empty()) {
      if (static_cast<int64_t>(errors.transitions.size()) != s.adc_top) {
        throw std::invalid_argument("transitions: one for each code from 1 to adc_top");
      }
      reach = static_cast<double>(s.adc_top) * s.adc_step;
    }
  }
  limit_top(reach);
}

// Lays out the reference column for the kernels.
void ArrayLayer::set_reference(const double* reference) {
  reference_.assign(static_cast<std::size_t>(groups_ * 4 * quads_), 0.0);
  for (int64_t k = 0; k < settings_.rows; ++k) {
    const int64_t g = k / settings_.parallel_rows;
    const int64_t place = g * 4 * quads_ + k % settings_.parallel_rows;
    reference_[static_cast<std::size_t>(place)] = reference[k];
    if (reference[k] != 0.0) reference_is_silent_ = false;
  }
}

}  // namespace cimsim::kernels
