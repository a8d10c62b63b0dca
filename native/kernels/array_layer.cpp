#include "kernels/array_layer.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <stdexcept>
#include <string>

#include "kernels/inputs.hpp"
#include "kernels/product.hpp"

namespace cimsim::kernels {

namespace {

constexpr int64_t kReadsAtOnce = 1024;        // bounds the working memory of a call
constexpr double kLargestCode = 1 << 22;      // codes are exact in the kernels' floats up to here
constexpr double kFixedPointRange = 1 << 30;  // sums of fixed-point cells stay below this
constexpr int kMostFractionBits = 24;
constexpr double kMostDeviations = 6.5;  // normal numbers from 32 bits stay below

void require(bool holds, const std::string& message) {
  if (!holds) throw std::invalid_argument(message);
}

void check(const LayerSettings& s) {
  require(s.rows >= 1 && s.columns >= 1, "a layer has at least one row and one column");
  require(s.parallel_rows >= 1 && s.parallel_rows <= 4096, "parallel_rows: allowed 1 to 4096");
  require(s.cell_bits >= 1 && s.cell_bits <= 8, "cell_bits: allowed 1 to 8");
  require(s.dac_bits >= 1 && s.dac_bits <= 8, "dac_bits: allowed 1 to 8");
  require(s.slices >= 1 && s.slices <= 8, "slices: allowed 1 to 8");
  require(s.cycles >= 1 && s.cycles <= kMaxReads, "cycles: allowed 1 to 8");
  require(s.cycles * s.dac_bits <= 16, "cycles * dac_bits: allowed up to 16");
  require(s.adc_top >= 0, "adc_top: allowed 0 or above");
  require(std::isfinite(s.adc_step) && s.adc_step > 0.0, "adc_step: allowed above 0");
  require(s.read_noise >= 0.0 && s.output_sigma >= 0.0, "noise: allowed 0 or above");
  require(s.output_mean.size() == s.output_std.size(), "output_mean and output_std: same length");
}

// Most fraction bits with which no sum of magnitude `largest` leaves the fixed-point range.
int fraction_bits(double largest) {
  require(std::isfinite(largest) && largest < kFixedPointRange,
          "conductances: sums of a row group reach " + std::to_string(largest) + " units");
  int bits = 0;
  while (bits < kMostFractionBits && largest * std::ldexp(1.0, bits + 1) < kFixedPointRange) ++bits;
  return bits;
}

double largest_of(const std::vector<double>& values) {
  return values.empty() ? 0.0 : *std::max_element(values.begin(), values.end());
}

}  // namespace

ArrayLayer::ArrayLayer(const LayerSettings& settings) : settings_(settings) {
  check(settings_);
  const int64_t rows = std::min<int64_t>(settings_.rows, settings_.parallel_rows);
  groups_ = (settings_.rows + settings_.parallel_rows - 1) / settings_.parallel_rows;
  parts_ = (rows + kRowsPerEntry - 1) / kRowsPerEntry;
  words_ = (rows + 63) / 64;
  stride_ = (settings_.columns + 15) / 16 * 16;
}

int ArrayLayer::rows_of_group(int64_t group) const {
  const int64_t left = settings_.rows - group * settings_.parallel_rows;
  return static_cast<int>(std::min<int64_t>(left, settings_.parallel_rows));
}

// The largest sum of digits in a column of a row group.
int64_t ArrayLayer::largest_group_sum(const uint8_t* digits) const {
  const LayerSettings& s = settings_;
  std::vector<int64_t> sum(static_cast<std::size_t>(s.columns));
  int64_t largest = 0;
  for (int j = 0; j < s.slices; ++j) {
    for (int64_t g = 0; g < groups_; ++g) {
      std::fill(sum.begin(), sum.end(), 0);
      for (int row = 0; row < rows_of_group(g); ++row) {
        const uint8_t* cells = digits + (j * s.rows + g * s.parallel_rows + row) * s.columns;
        for (std::size_t n = 0; n < sum.size(); ++n) sum[n] += cells[n];
      }
      largest = std::max(largest, *std::max_element(sum.begin(), sum.end()));
    }
  }
  return largest;
}

// Lays the cells out as [group][slice][row of the group][stride], zero padded: put_row(j, k, next)
// writes row k of slice j.
template <class Cell, class Source>
void ArrayLayer::store_cells(Buffer<Cell>& target, const Source& put_row) {
  const int64_t rows = kRowsPerEntry * parts_;
  const int64_t cells = groups_ * settings_.slices * rows * stride_;
  target = Buffer<Cell>(static_cast<std::size_t>(cells + kSpareCells));
  for (int64_t g = 0; g < groups_; ++g) {
    for (int j = 0; j < settings_.slices; ++j) {
      Cell* next = target.data() + (g * settings_.slices + j) * rows * stride_;
      for (int row = 0; row < rows_of_group(g); ++row, next += stride_) {
        put_row(j, g * settings_.parallel_rows + row, next);
      }
    }
  }
}

// One-bit cells, 64 columns in a word; and the rows of the last column as bits, which the kernels
// use where it alone is left over from blocks of columns.
void ArrayLayer::store_bits(const uint8_t* digits) {
  const LayerSettings& s = settings_;
  stride_ = (s.columns + 63) / 64;
  last_column_.assign(static_cast<std::size_t>(groups_ * s.slices * words_), 0);
  store_cells(bits_, [&](int j, int64_t k, uint64_t* words) {
    const uint8_t* row = digits + (j * s.rows + k) * s.columns;
    for (int64_t n = 0; n < s.columns; ++n) words[n / 64] |= uint64_t{row[n]} << (n % 64);
    const int64_t group = k / s.parallel_rows;
    const int64_t bit = k % s.parallel_rows;
    const int64_t word = (group * s.slices + j) * words_ + bit / 64;
    last_column_[static_cast<std::size_t>(word)] |= uint64_t{row[s.columns - 1]} << (bit % 64);
  });
}

ArrayLayer ArrayLayer::of_digits(const LayerSettings& settings, const uint8_t* digits, double low,
                                 double high) {
  ArrayLayer layer(settings);
  const LayerSettings& s = layer.settings_;
  const bool output_noise = s.output_sigma > 0.0 || !s.output_mean.empty();
  require(output_noise || s.read_noise == 0.0 || s.cell_bits == 1,
          "read noise of cells with several bits needs their conductances");
  const int64_t one_plane = layer.largest_group_sum(digits);
  require(one_plane <= std::numeric_limits<uint16_t>::max(), "digits: column sums above 65535");
  if (s.cell_bits == 1 && s.dac_bits == 1 && one_plane <= std::numeric_limits<uint8_t>::max()) {
    layer.type_ = CellType::bits;
    layer.store_bits(digits);
  } else {
    layer.type_ = CellType::halves;
    layer.store_cells(layer.halves_, [&](int j, int64_t k, uint16_t* cells) {
      std::copy_n(digits + (j * s.rows + k) * s.columns, s.columns, cells);
    });
  }

  const int64_t largest = one_plane * ((1 << s.dac_bits) - 1);
  const double sum = static_cast<double>(largest);
  if (output_noise) {
    layer.readout_ = Readout::output_noise;
    const double noise = kMostDeviations * std::max(s.output_sigma, largest_of(s.output_std));
    layer.limit_top(std::max(sum, largest_of(s.output_mean)) + noise);
    for (const double mean : s.output_mean) {
      layer.output_mean_.push_back(static_cast<float>(mean / s.adc_step));
    }
    for (const double std : s.output_std) {
      const double in_codes = std / s.adc_step;
      layer.output_variances_.push_back(static_cast<float>(in_codes * in_codes));
    }
  } else if (s.read_noise > 0.0) {
    layer.readout_ = Readout::binary_noise;
    const double rows = static_cast<double>(std::min<int64_t>(s.rows, s.parallel_rows));
    const double one_read = std::max(std::abs(low), std::abs(high)) * std::sqrt(rows);
    layer.limit_top(sum + 2.0 * kMostDeviations * s.read_noise * std::ldexp(one_read, s.dac_bits));
    const double variance = s.read_noise * s.read_noise / (s.adc_step * s.adc_step);
    layer.noise_slope_ = variance * (high * high - low * low);
    layer.noise_floor_ = variance * low * low;
    layer.reference_is_silent_ = low == 0.0;
    layer.reference_.assign(static_cast<std::size_t>(layer.groups_ * kRowsPerEntry * layer.parts_),
                            low);
  } else {
    layer.limit_top(sum);
    layer.choose_code_table(largest);
  }
  return layer;
}

ArrayLayer ArrayLayer::of_conductances(const LayerSettings& settings, const double* effective,
                                       const double* reference) {
  ArrayLayer layer(settings);
  const LayerSettings& s = layer.settings_;
  layer.type_ = CellType::fixed;
  layer.readout_ = s.read_noise > 0.0 ? Readout::real_noise : Readout::real;

  // The largest sums that a row group can reach, of conductances and of their squares.
  double largest = 0.0;
  double largest_square = 0.0;
  std::vector<double> sum(static_cast<std::size_t>(s.columns));
  std::vector<double> square(sum.size());
  for (int j = 0; j < s.slices; ++j) {
    for (int64_t g = 0; g < layer.groups_; ++g) {
      std::fill(sum.begin(), sum.end(), 0.0);
      std::fill(square.begin(), square.end(), 0.0);
      const int64_t first = g * s.parallel_rows;
      for (int64_t k = first; k < first + layer.rows_of_group(g); ++k) {
        const double* row = effective + (j * s.rows + k) * s.columns;
        for (std::size_t n = 0; n < sum.size(); ++n) {
          const double cell = row[n] + reference[k];
          sum[n] += std::abs(row[n]);
          square[n] += std::max(cell * cell, reference[k] * reference[k]);
        }
      }
      largest = std::max(largest, largest_of(sum));
      largest_square = std::max(largest_square, largest_of(square));
    }
  }
  layer.value_bits_ = fraction_bits(largest + 1.0);
  layer.square_bits_ = fraction_bits(largest_square + 1.0);
  const double noise = 2.0 * kMostDeviations * s.read_noise * std::sqrt(largest_square);
  layer.limit_top(std::ldexp(largest + noise, s.dac_bits));
  const double scale = std::ldexp(1.0, layer.value_bits_);
  layer.store_cells(layer.fixed_, [&](int j, int64_t k, int32_t* cells) {
    std::transform(effective + (j * s.rows + k) * s.columns,
                   effective + (j * s.rows + k + 1) * s.columns, cells,
                   [&](double g) { return static_cast<int32_t>(std::nearbyint(g * scale)); });
  });
  if (s.read_noise > 0.0) {
    const int64_t rows = kRowsPerEntry * layer.parts_;
    layer.reference_.assign(static_cast<std::size_t>(layer.groups_ * rows), 0.0);
    for (int64_t k = 0; k < s.rows; ++k) {
      const int64_t place = k / s.parallel_rows * rows + k % s.parallel_rows;
      layer.reference_[static_cast<std::size_t>(place)] = reference[k];
      if (reference[k] != 0.0) layer.reference_is_silent_ = false;
    }
  }
  return layer;
}

// The kernels compute rint(sum * float(1 / step)). Where that is not rint(sum / step) for a sum
// that can occur, they look the code up instead.
void ArrayLayer::choose_code_table(int64_t largest_sum) {
  const double top = static_cast<double>(adc_top_);
  const float steps_per_unit = static_cast<float>(1.0 / settings_.adc_step);
  const auto exact = [&](int64_t sum) {
    return std::min(std::nearbyint(static_cast<double>(sum) / settings_.adc_step), top);
  };
  bool same = true;
  for (int64_t sum = 0; sum <= largest_sum && same; ++sum) {
    const float held = std::min(static_cast<float>(sum) * steps_per_unit, static_cast<float>(top));
    same = static_cast<double>(std::nearbyint(held)) == exact(sum);
  }
  if (same) return;
  codes_.resize(static_cast<std::size_t>(largest_sum) + 1);
  for (int64_t sum = 0; sum <= largest_sum; ++sum) {
    codes_[static_cast<std::size_t>(sum)] = static_cast<int32_t>(exact(sum));
  }
}

// A top that no sum reaches does not limit; the kernels get one that is not far above the largest.
void ArrayLayer::limit_top(double largest_sum) {
  const double reach = std::ceil(largest_sum / settings_.adc_step) + 1.0;
  const double top = std::min(static_cast<double>(settings_.adc_top), reach);
  const double added = std::ldexp(top, settings_.cycles * settings_.dac_bits);
  require(top <= kLargestCode && added < std::ldexp(1.0, 31),
          "adc_top: codes up to " + std::to_string(static_cast<int64_t>(top)) +
              " can occur; allowed: 4194304, and 2^31 after the shift-add of the inputs");
  adc_top_ = static_cast<int32_t>(top);
}

GroupJob ArrayLayer::job_template() const {
  const LayerSettings& s = settings_;
  GroupJob job;
  job.cycles = s.cycles;
  job.dac_bits = s.dac_bits;
  job.slices = s.slices;
  job.cell_bits = s.cell_bits;
  job.parts = static_cast<int>(parts_);
  job.columns = static_cast<int>(s.columns);
  job.stride = stride_;
  job.readout = readout_;
  job.reference_is_silent = reference_is_silent_;
  job.value_bits = value_bits_;
  job.square_bits = square_bits_;
  job.adc_top = adc_top_;
  job.steps_per_unit = static_cast<float>(1.0 / s.adc_step);
  job.unit_step = s.adc_step == 1.0;
  job.codes = codes_.empty() ? nullptr : codes_.data();
  job.noise_slope = static_cast<float>(noise_slope_);
  job.noise_floor = static_cast<float>(noise_floor_);
  const double variance = s.read_noise * s.read_noise / (s.adc_step * s.adc_step);
  job.noise_variance = static_cast<float>(std::ldexp(variance, -square_bits_));
  if (!output_mean_.empty()) {
    job.output_mean = output_mean_.data();
    job.output_variances = output_variances_.data();
    const double limit = std::floor(static_cast<double>(s.adc_top) * s.adc_step);
    const double end = static_cast<double>(output_mean_.size()) - 1.0;
    job.output_last = static_cast<int32_t>(std::min(limit, end));
  }
  const double sigma = s.output_sigma / s.adc_step;
  job.output_variance = static_cast<float>(sigma * sigma);
  job.seed = s.seed;
  job.layer = s.layer;
  return job;
}

void ArrayLayer::run_group(GroupJob job, int64_t group, Isa isa) const {
  const Kernels& kernels = kernels_of(isa);
  const int64_t first = group * settings_.slices * kRowsPerEntry * parts_ * stride_;
  switch (type_) {
    case CellType::bits:
      job.cells = bits_.data() + first;
      job.last_column = last_column_.data() + group * settings_.slices * words_;
      return kernels.run_bits(job);
    case CellType::halves:
      job.cells = halves_.data() + first;
      return kernels.run_halves(job);
    case CellType::fixed:
      job.cells = fixed_.data() + first;
      return kernels.run_fixed(job);
  }
}

void ArrayLayer::product(const uint16_t* codes, int64_t vectors, uint64_t first_vector, Isa isa,
                         int64_t* result) const {
  std::fill_n(result, vectors * settings_.columns, int64_t{0});
  run(job_template(), codes, vectors, first_vector, isa, result);
}

std::vector<int64_t> ArrayLayer::count_column_sums(const uint16_t* codes, int64_t vectors,
                                                   Isa isa) const {
  require(type_ != CellType::fixed, "column sums are counted in layers of digits");
  const LayerSettings& s = settings_;
  const int64_t largest = std::min<int64_t>(s.rows, s.parallel_rows) * ((1 << s.cell_bits) - 1) *
                          ((1 << s.dac_bits) - 1);
  std::vector<int64_t> found(static_cast<std::size_t>(largest) + 1, 0);
  GroupJob job = job_template();
  job.readout = Readout::histogram;
  job.reference_is_silent = true;
  job.histogram = found.data();
  run(job, codes, vectors, 0, isa, nullptr);
  // Reads without an active row were skipped: their sums are 0.
  const int64_t all = vectors * s.cycles * s.slices * groups_ * s.columns;
  found[0] += all - std::accumulate(found.begin(), found.end(), int64_t{0});
  return found;
}

// Runs all groups on a limited number of vectors at a time.
void ArrayLayer::run(GroupJob job, const uint16_t* codes, int64_t vectors, uint64_t first_vector,
                     Isa isa, int64_t* result) const {
  const LayerSettings& s = settings_;
  const int64_t most = std::max<int64_t>(1, std::min(vectors, kReadsAtOnce / s.cycles));
  InputShape shape;
  shape.cycles = s.cycles;
  shape.dac_bits = s.dac_bits;
  const bool cell_noise =
      job.readout == Readout::real_noise || job.readout == Readout::binary_noise;
  shape.squares = cell_noise && s.dac_bits > 1;
  shape.silent_reads = job.readout == Readout::output_noise;
  Buffer<char> workspace(
      static_cast<std::size_t>(workspace_bytes(most * s.cycles, s.slices, parts_)));
  job.workspace = workspace.data();
  PackedInputs packed;
  const int64_t group_rows = kRowsPerEntry * parts_;
  for (int64_t start = 0; start < vectors; start += most) {
    job.vectors = static_cast<int>(std::min(most, vectors - start));
    job.first_vector = first_vector + static_cast<uint64_t>(start);
    job.sums = result == nullptr ? nullptr : result + start * s.columns;
    for (int64_t g = 0; g < groups_; ++g) {
      job.group = static_cast<int>(g);
      job.reference = reference_.empty() ? nullptr : reference_.data() + g * group_rows;
      job.inputs =
          packed.pack(shape, codes + start * s.rows + g * s.parallel_rows, s.rows, job.vectors,
                      rows_of_group(g), job.reference_is_silent ? nullptr : job.reference,
                      s.read_noise / s.adc_step);
      run_group(job, g, isa);
    }
  }
}

}  // namespace cimsim::kernels
