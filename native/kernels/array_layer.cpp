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

constexpr int64_t kVectorsAtOnce = 128;   // bounds the working memory of a call
constexpr double kLargestCode = 1 << 22;  // codes are exact in the kernels' floats up to here

void require(bool holds, const std::string& message) {
  if (!holds) throw std::invalid_argument(message);
}

void check(const LayerSettings& s) {
  require(s.rows >= 1 && s.columns >= 1, "a layer has at least one row and one column");
  require(s.parallel_rows >= 1 && s.parallel_rows <= 4096, "parallel_rows: allowed 1 to 4096");
  require(s.cell_bits >= 1 && s.cell_bits <= 8, "cell_bits: allowed 1 to 8");
  require(s.dac_bits >= 1 && s.dac_bits <= 8, "dac_bits: allowed 1 to 8");
  require(s.slices >= 1 && s.slices <= 8, "slices: allowed 1 to 8");
  require(s.reads >= 1 && (s.reads <= kMaxReads || s.dac_bits == 1),
          "reads: allowed 1 to 8, and 16 of one bit");
  require(s.reads * s.dac_bits <= 16, "reads * dac_bits: allowed up to 16");
  require(s.first_slice >= 0 && (s.all_slices == 0 || s.first_slice + s.slices <= s.all_slices),
          "first_slice, all_slices: allowed slices that exist");
  require(s.adc_top >= 0, "adc_top: allowed 0 or above");
  require(std::isfinite(s.adc_step) && s.adc_step > 0.0, "adc_step: allowed above 0");
  require(s.read_noise >= 0.0 && s.output_sigma >= 0.0, "noise: allowed 0 or above");
  const std::vector<int32_t>& codes = s.code_of_sum;
  const int64_t sums =
      int64_t{s.parallel_rows} * ((1 << s.cell_bits) - 1) * ((1 << s.dac_bits) - 1) + 1;
  require(codes.empty() || (static_cast<int64_t>(codes.size()) == sums && codes[0] == 0 &&
                            std::is_sorted(codes.begin(), codes.end())),
          "code_of_sum: one code for each sum, from 0 and never falling");
  require(s.output_mean.size() == s.output_std.size(), "output_mean and output_std: same length");
}

// Codes as another type; bytes hold their lowest bits, all that one-bit reads of bytes need.
template <class To, class From>
std::vector<To> copy_as(const From* codes, int64_t count) {
  std::vector<To> copy(static_cast<std::size_t>(count));
  std::transform(codes, codes + count, copy.begin(),
                 [](From code) { return static_cast<To>(code); });
  return copy;
}

}  // namespace

ArrayLayer::ArrayLayer(const LayerSettings& settings) : settings_(settings) {
  check(settings_);
  groups_ = (settings_.rows + settings_.parallel_rows - 1) / settings_.parallel_rows;
  quads_ = (std::min<int64_t>(settings_.rows, settings_.parallel_rows) + 3) / 4;
}

int ArrayLayer::columns_of_block() const {
  switch (type_) {
    case CellType::bytes:
      return kRowBytes;
    case CellType::halves:
      return kRowBytes / 2;
    case CellType::ints:
      return kRowBytes / 4;
  }
  throw std::logic_error("cell type");
}

int ArrayLayer::rows_of_group(int64_t group) const {
  const int64_t left = settings_.rows - group * settings_.parallel_rows;
  return static_cast<int>(std::min<int64_t>(left, settings_.parallel_rows));
}

int64_t ArrayLayer::cells_of_group() const {
  return settings_.slices * blocks_ * 4 * quads_ * columns_of_block();
}

// Lays the cells out as [group][slice][block][row of the group][column of the block], zero padded.
template <class Cell, class Source>
void ArrayLayer::store_cells(Buffer<Cell>& target, const Source& cell_at) const {
  const int width = columns_of_block();
  target = Buffer<Cell>(static_cast<std::size_t>(groups_ * cells_of_group()));
  Cell* next = target.data();
  for (int64_t g = 0; g < groups_; ++g) {
    const int rows = rows_of_group(g);
    for (int j = 0; j < settings_.slices; ++j) {
      for (int64_t b = 0; b < blocks_; ++b, next += 4 * quads_ * width) {
        const int64_t first = b * width;
        const int64_t used = std::min<int64_t>(width, settings_.columns - first);
        for (int row = 0; row < rows; ++row) {
          const int64_t k = g * settings_.parallel_rows + row;
          for (int64_t c = 0; c < used; ++c) {
            // NOLINTNEXTLINE(clang-analyzer-security.ArrayBound): it ignores cells_of_group().
            next[row * width + c] = static_cast<Cell>(cell_at(j, k, first + c));
          }
        }
      }
    }
  }
}

ArrayLayer ArrayLayer::of_digits(const LayerSettings& settings, const uint8_t* digits, double low,
                                 double high) {
  ArrayLayer layer(settings);
  const LayerSettings& s = layer.settings_;
  const bool output_noise = s.output_sigma > 0.0 || !s.output_mean.empty();
  require(output_noise || s.read_noise == 0.0 || s.cell_bits == 1,
          "read noise of cells with several bits needs their conductances");
  require(s.code_of_sum.empty() || (!output_noise && s.read_noise == 0.0),
          "code_of_sum: sums with noise");
  layer.binary_ = BinaryLayer::of(s, digits, low, high);
  if (layer.binary_) return layer;
  const int64_t rows = std::min<int64_t>(s.rows, s.parallel_rows);
  const int64_t one_plane = rows * ((1 << s.cell_bits) - 1);
  require(one_plane <= std::numeric_limits<uint16_t>::max(),
          "parallel_rows * cell states: column sums above 65535");
  layer.type_ =
      one_plane <= std::numeric_limits<uint8_t>::max() ? CellType::bytes : CellType::halves;
  const int width = layer.columns_of_block();
  layer.blocks_ = (s.columns + width - 1) / width;
  const auto cell_at = [&](int j, int64_t k, int64_t n) {
    return digits[(j * s.rows + k) * s.columns + n];
  };
  if (layer.type_ == CellType::bytes) {
    layer.store_cells(layer.bytes_, cell_at);
  } else {
    layer.store_cells(layer.halves_, cell_at);
  }
  const int64_t largest = one_plane * ((1 << s.dac_bits) - 1);
  const double sum = static_cast<double>(largest);
  const double largest_power = static_cast<double>(rows) * std::max(high * high, low * low) *
                               std::ldexp(1.0, 2 * s.dac_bits);
  layer.limit_top(sum + 7.0 * s.output_sigma + 14.0 * s.read_noise * std::sqrt(largest_power));
  if (output_noise) {
    layer.readout_ = Readout::output_noise;
    layer.output_mean_.assign(s.output_mean.begin(), s.output_mean.end());
    layer.output_std_.assign(s.output_std.begin(), s.output_std.end());
    if (!s.output_mean.empty()) {
      layer.limit_top(*std::max_element(s.output_mean.begin(), s.output_mean.end()) +
                      7.0 * *std::max_element(s.output_std.begin(), s.output_std.end()));
    }
  } else if (s.read_noise > 0.0) {
    layer.readout_ = Readout::binary_noise;
    const double variance = s.read_noise * s.read_noise;
    layer.noise_slope_ = variance * (high * high - low * low);
    layer.noise_floor_ = variance * low * low;
    layer.reference_.assign(static_cast<std::size_t>(layer.groups_ * 4 * layer.quads_), low);
    layer.reference_is_silent_ = low == 0.0;
  } else {
    layer.choose_code_table(largest);
  }
  return layer;
}

// The kernels compute rint(sum * float(1 / step)). Where that is not rint(sum / step) for a sum
// that can occur, they look the code up instead.
void ArrayLayer::choose_code_table(int64_t largest_sum) {
  const double top = static_cast<double>(settings_.adc_top);
  const float steps_per_unit = static_cast<float>(1.0 / settings_.adc_step);
  const std::vector<int32_t>& given = settings_.code_of_sum;
  const auto exact = [&](int64_t sum) {
    if (!given.empty()) return static_cast<double>(given[static_cast<std::size_t>(sum)]);
    return std::clamp(std::nearbyint(static_cast<double>(sum) / settings_.adc_step), 0.0, top);
  };
  if (!given.empty()) limit_top(exact(largest_sum) * settings_.adc_step);
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

// A top that no sum reaches does not limit; the kernels get one that is not far above the largest
// sum. Read noise is Gaussian, of 6.4 standard deviations at most (32-bit draws).
void ArrayLayer::limit_top(double largest_sum) {
  const double reach = std::ceil(largest_sum / settings_.adc_step) + 1.0;
  const double top = std::min(static_cast<double>(settings_.adc_top), reach);
  // The places of the input cycles add up to (2^(reads * dac_bits) - 1) / (2^dac_bits - 1).
  const int reads = std::min(settings_.reads, kMaxReads);
  const double places = (std::ldexp(1.0, reads * settings_.dac_bits) - 1.0) /
                        (std::ldexp(1.0, settings_.dac_bits) - 1.0);
  require(top * places < std::ldexp(1.0, 31) && top <= kLargestCode,
          "adc_top: codes up to " + std::to_string(static_cast<int64_t>(top)) +
              " can occur; allowed: 4194304, and 2^31 after the shift-add of the inputs");
  adc_top_ = static_cast<int32_t>(top);
}

ReadNames ArrayLayer::names_of(int first_read) const {
  const LayerSettings& s = settings_;
  return {static_cast<uint32_t>(first_read), static_cast<uint32_t>(s.reads),
          static_cast<uint32_t>(s.first_slice),
          static_cast<uint32_t>(s.all_slices == 0 ? s.slices : s.all_slices)};
}

// Of the input cycles from first_read on, as many as the kernels have room for.
GroupJob ArrayLayer::job_template(int first_read) const {
  const LayerSettings& s = settings_;
  GroupJob job;
  job.reads = std::min(s.reads - first_read, kMaxReads);
  job.names = names_of(first_read);
  job.dac_bits = s.dac_bits;
  job.slices = s.slices;
  job.cell_bits = s.cell_bits;
  job.quads = static_cast<int>(quads_);
  job.blocks = static_cast<int>(blocks_);
  job.columns = static_cast<int>(s.columns);
  job.readout = readout_;
  job.reference_is_silent = reference_is_silent_;
  job.value_bits = value_bits_;
  job.square_bits = square_bits_;
  job.adc_top = adc_top_;
  job.steps_per_unit = static_cast<float>(1.0 / s.adc_step);
  job.unit_step = s.adc_step == 1.0 && codes_.empty();
  job.codes = codes_.empty() ? nullptr : codes_.data();
  job.noise_slope = static_cast<float>(noise_slope_);
  job.noise_floor = static_cast<float>(noise_floor_);
  job.noise_variance = static_cast<float>(s.read_noise * s.read_noise);
  if (!output_mean_.empty()) {
    job.output_mean = output_mean_.data();
    job.output_std = output_std_.data();
    const double last = std::floor(static_cast<double>(s.adc_top) * s.adc_step);
    const double end = static_cast<double>(output_mean_.size()) - 1.0;
    job.output_last = static_cast<int32_t>(std::min(last, end));
  }
  job.output_sigma = static_cast<float>(s.output_sigma);
  job.output_limit = static_cast<float>(static_cast<double>(s.adc_top) * s.adc_step);
  job.seed = s.seed;
  job.layer = s.layer;
  return job;
}

void ArrayLayer::run_group(const GroupJob& job, Isa isa) const {
  const Kernels& kernels = kernels_of(isa);
  switch (type_) {
    case CellType::bytes:
      kernels.run_group_bytes(job);
      break;
    case CellType::halves:
      kernels.run_group_halves(job);
      break;
    case CellType::ints:
      kernels.run_group_ints(job);
      break;
  }
}

const void* ArrayLayer::group_cells(int64_t group) const {
  switch (type_) {
    case CellType::bytes:
      return bytes_.data() + group * cells_of_group();
    case CellType::halves:
      return halves_.data() + group * cells_of_group();
    case CellType::ints:
      return ints_.data() + group * cells_of_group();
  }
  throw std::logic_error("cell type");
}

// Input cycles beyond those that the kernels have room for are one more product, of shifted codes.
void ArrayLayer::product(const uint16_t* codes, int64_t vectors, uint64_t first_vector, Isa isa,
                         int64_t* result) const {
  const auto product_from = [&](int first_read, const uint16_t* shifted, int64_t* sums) {
    if (binary_) {
      const auto bytes = copy_as<uint8_t>(shifted, vectors * settings_.rows);
      binary_->product(names_of(first_read), bytes.data(), vectors, first_vector, isa, sums);
    } else {
      run(job_template(first_read), shifted, vectors, first_vector, isa, sums);
    }
  };
  product_from(0, codes, result);
  if (settings_.reads <= kMaxReads) return;
  std::vector<int64_t> sums(static_cast<std::size_t>(vectors * settings_.columns));
  product_from(kMaxReads, later_cycles(codes, vectors).data(), sums.data());
  for (std::size_t k = 0; k < sums.size(); ++k) result[k] += sums[k] << kMaxReads;
}

// Codes [vector][row] of one-bit cycles without those of a first product.
std::vector<uint16_t> ArrayLayer::later_cycles(const uint16_t* codes, int64_t vectors) const {
  std::vector<uint16_t> later(codes, codes + vectors * settings_.rows);
  for (uint16_t& code : later) code = static_cast<uint16_t>(code >> kMaxReads);
  return later;
}

void ArrayLayer::product(const uint8_t* codes, int64_t vectors, uint64_t first_vector, Isa isa,
                         int64_t* result) const {
  if (binary_ && settings_.reads <= kMaxReads) {
    binary_->product(names_of(0), codes, vectors, first_vector, isa, result);
  } else {
    product(copy_as<uint16_t>(codes, vectors * settings_.rows).data(), vectors, first_vector, isa,
            result);
  }
}

std::vector<int64_t> ArrayLayer::count_column_sums(const uint16_t* codes, int64_t vectors,
                                                   Isa isa) const {
  require(type_ != CellType::ints, "column sums are counted in layers of digits");
  const LayerSettings& s = settings_;
  const int64_t largest = std::min<int64_t>(s.rows, s.parallel_rows) * ((1 << s.cell_bits) - 1) *
                          ((1 << s.dac_bits) - 1);
  std::vector<int64_t> found(static_cast<std::size_t>(largest) + 1, 0);
  if (s.reads > kMaxReads)
    throw std::invalid_argument("reads: allowed 1 to 8 where sums are counted");
  if (binary_) {
    const auto bytes = copy_as<uint8_t>(codes, vectors * s.rows);
    binary_->count_column_sums(bytes.data(), vectors, isa, found.data());
    return found;
  }
  GroupJob job = job_template(0);
  job.readout = Readout::histogram;
  job.histogram = found.data();
  run(job, codes, vectors, 0, isa, nullptr);
  // Reads without an active row were skipped: their sums are 0.
  const int64_t all = vectors * s.reads * s.slices * groups_ * s.columns;
  found[0] += all - std::accumulate(found.begin(), found.end(), int64_t{0});
  return found;
}

// Runs all groups on up to kVectorsAtOnce vectors at a time.
void ArrayLayer::run(GroupJob job, const uint16_t* codes, int64_t vectors, uint64_t first_vector,
                     Isa isa, int64_t* result) const {
  const LayerSettings& s = settings_;
  const int64_t width = blocks_ * columns_of_block();
  const int64_t most = std::min(vectors, kVectorsAtOnce);
  const bool cell_noise = s.read_noise > 0.0 && job.readout != Readout::output_noise &&
                          job.readout != Readout::histogram;
  const InputShape shape{job.reads, s.dac_bits, cell_noise && s.dac_bits > 1};
  Buffer<int64_t> sums(static_cast<std::size_t>(most * width));
  Buffer<char> workspace(
      static_cast<std::size_t>(workspace_bytes(most, s.slices, job.reads, quads_)));
  PackedInputs packed;
  job.workspace = workspace.data();
  job.sums = sums.data();
  for (int64_t start = 0; start < vectors; start += most) {
    job.vectors = static_cast<int>(std::min(most, vectors - start));
    job.first_vector = first_vector + static_cast<uint64_t>(start);
    std::fill(sums.data(), sums.data() + sums.size(), int64_t{0});
    for (int64_t g = 0; g < groups_; ++g) {
      job.group = static_cast<int>(g);
      job.cells = group_cells(g);
      if (errors_) job.errors = errors_->of_group(g);
      job.reference = reference_.empty() ? nullptr : reference_.data() + g * 4 * quads_;
      job.inputs = packed.pack(shape, codes + start * s.rows + g * s.parallel_rows, s.rows,
                               job.vectors, rows_of_group(g),
                               reference_is_silent_ ? nullptr : job.reference, s.read_noise);
      run_group(job, isa);
    }
    if (result == nullptr) continue;
    for (int m = 0; m < job.vectors; ++m) {
      std::copy_n(sums.data() + m * width, s.columns, result + (start + m) * s.columns);
    }
  }
}

}  // namespace cimsim::kernels
