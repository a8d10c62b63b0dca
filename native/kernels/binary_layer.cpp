#include "kernels/binary_layer.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

#include "kernels/array_layer.hpp"
#include "kernels/inputs.hpp"
#include "kernels/product.hpp"

namespace cimsim::kernels {

namespace {

constexpr int64_t kVectorsAtOnce = 32;  // bounds the working memory, to fit the second cache
constexpr int64_t kMostGroups = 1 << 14;
constexpr int kMostCode = 255;
constexpr int kTableRow = 256;
constexpr int kBlockColumns = 32;
constexpr int kSubsOfBlock = kBlockBits / kBlockColumns;
constexpr double kMostDeviations = 8.0;  // normal numbers from 32 bits stay below 6.5
constexpr int kMostFractionBits = 13;
constexpr int kLeastFractionBits = 5;
constexpr double kRoundings = 256.0;  // last places that rounding each of 255 rows can add

// Most bits below `most` with which `largest` stays below 2^width.
int bits_below(double largest, int width, int most) {
  int bits = most;
  while (bits > -width && largest * std::ldexp(1.0, bits) + kRoundings >= std::ldexp(1.0, width)) {
    --bits;
  }
  return bits;
}

template <class T>
void reserve(Buffer<T>& buffer, int64_t size) {
  const auto needed = static_cast<std::size_t>(size);
  if (buffer.size() < needed) buffer = Buffer<T>(needed);
}

}  // namespace

BinaryLayer::BinaryLayer(const LayerSettings& s)
    : rows_(s.rows),
      columns_(s.columns),
      parallel_rows_(static_cast<int>(std::min<int64_t>(s.rows, s.parallel_rows))),
      slices_(s.slices),
      reads_(s.reads),
      adc_step_(s.adc_step),
      read_noise_(s.read_noise),
      seed_(s.seed),
      layer_(s.layer),
      groups_((s.rows + s.parallel_rows - 1) / s.parallel_rows),
      column_blocks_((s.columns + kBlockColumns - 1) / kBlockColumns),
      blocks_((column_blocks_ * slices_ + kSubsOfBlock - 1) / kSubsOfBlock),
      quads_((parallel_rows_ + 3) / 4),
      adc_top_(static_cast<int>(std::min<int64_t>(s.adc_top, kMostCode + 1))) {}

std::optional<BinaryLayer> BinaryLayer::of(const LayerSettings& settings,
                                           const BinaryCells& cells) {
  const bool fits = settings.cell_bits == 1 && settings.dac_bits == 1 &&
                    settings.output_sigma == 0.0 && settings.output_mean.empty();
  BinaryLayer layer(settings);
  if (!fits || layer.parallel_rows_ > kMostBinaryRows || layer.groups_ > kMostGroups ||
      !layer.choose_scale(cells)) {
    return std::nullopt;
  }
  layer.store_bits(cells.digits);
  layer.store_codes();
  if (cells.effective != nullptr) layer.store_deviations(cells);
  if (settings.read_noise > 0.0) layer.store_noise(cells);
  return layer;
}

int BinaryLayer::rows_of_group(int64_t group) const {
  return static_cast<int>(std::min<int64_t>(rows_ - group * parallel_rows_, parallel_rows_));
}

template <class Visit>
void BinaryLayer::for_cells(const Visit& visit) const {
  for (int slice = 0; slice < slices_; ++slice) {
    for (int64_t k = 0; k < rows_; ++k) {
      const int64_t group = k / parallel_rows_;
      const int row = static_cast<int>(k % parallel_rows_);
      for (int64_t n = 0; n < columns_; ++n) {
        visit(group, row, slice, n, (slice * rows_ + k) * columns_ + n);
      }
    }
  }
}

// Fraction bits and ADC top from the largest deviations of a row group; false if they do not fit.
bool BinaryLayer::choose_scale(const BinaryCells& cells) {
  double deviation = 0.0;
  double reference = parallel_rows_ * cells.low * cells.low;
  if (cells.effective == nullptr) {
    largest_square_ = parallel_rows_ * std::max(cells.low * cells.low, cells.high * cells.high);
  } else {
    const auto width = static_cast<std::size_t>(columns_);
    std::vector<double> sum(width);
    std::vector<double> square(width);
    reference = 0.0;
    for (int64_t start = 0; start < slices_ * rows_; start += parallel_rows_) {
      std::fill(sum.begin(), sum.end(), 0.0);
      std::fill(square.begin(), square.end(), 0.0);
      double reference_square = 0.0;
      // A slice ends within a group where the rows do: start over there.
      const int64_t left = rows_ - start % rows_;
      const int64_t count = std::min<int64_t>(left, parallel_rows_);
      for (int64_t cell_row = start; cell_row < start + count; ++cell_row) {
        const double base = cells.reference[cell_row % rows_];
        reference_square += base * base;
        for (std::size_t n = 0; n < width; ++n) {
          const auto at = cell_row * columns_ + static_cast<int64_t>(n);
          sum[n] += std::abs(cells.effective[at] - cells.digits[at]);
          square[n] += (cells.effective[at] + base) * (cells.effective[at] + base);
        }
      }
      deviation = std::max(deviation, *std::max_element(sum.begin(), sum.end()));
      largest_square_ =
          std::max(largest_square_, *std::max_element(square.begin(), square.end()));
      reference = std::max(reference, reference_square);
      start -= parallel_rows_ - count;
    }
  }
  const double noise =
      kMostDeviations * read_noise_ * (std::sqrt(largest_square_) + std::sqrt(reference));
  const double range = (deviation + noise) / adc_step_;
  const double reach = parallel_rows_ / adc_step_ + range + 1.0;
  if (!(std::ceil(reach) < 16384.0)) return false;
  adc_top_ = std::min(adc_top_, static_cast<int>(std::ceil(reach)));
  if (adc_top_ > kMostCode) return false;
  // Half a code for rounding, and half for the fraction of the sum.
  fraction_bits_ = std::min(bits_below(range + 1.0, 15, kMostFractionBits), kMostFractionBits);
  scale_ = std::ldexp(1.0, fraction_bits_) / adc_step_;
  return fraction_bits_ >= kLeastFractionBits;
}

void BinaryLayer::store_bits(const uint8_t* digits) {
  const int64_t slots = parallel_rows_ + 1;
  bits_ = Buffer<char>(static_cast<std::size_t>(groups_ * blocks_ * slots * kBlockBytes));
  for_cells([&](int64_t group, int row, int slice, int64_t n, int64_t cell) {
    const int64_t sub = n / kBlockColumns * slices_ + slice;
    const int64_t block = group * blocks_ + sub / kSubsOfBlock;
    const int64_t bit = sub % kSubsOfBlock * kBlockColumns + n % kBlockColumns;
    char& byte = bits_[static_cast<std::size_t>((block * slots + row) * kBlockBytes + bit / 8)];
    byte = static_cast<char>(byte | digits[cell] << (bit % 8));
  });
}

void BinaryLayer::store_codes() {
  if (adc_step_ == 1.0) return;
  codes_ = Buffer<int16_t>(kTableRow);
  fractions_ = Buffer<int16_t>(kTableRow);
  for (int sum = 0; sum <= parallel_rows_; ++sum) {
    const double value = sum / adc_step_;
    const double code = std::nearbyint(value);
    codes_[static_cast<std::size_t>(sum)] = static_cast<int16_t>(code);
    fractions_[static_cast<std::size_t>(sum)] =
        static_cast<int16_t>(std::nearbyint(std::ldexp(value - code, fraction_bits_)));
  }
}

void BinaryLayer::store_deviations(const BinaryCells& cells) {
  const int64_t rows = int64_t{4} * quads_;
  const auto size = static_cast<std::size_t>(groups_ * subs() * rows * kBlockColumns);
  const int square_bits = bits_below(largest_square_, 16, 15);
  const double square_unit = std::ldexp(1.0, square_bits);
  deviations_ = Buffer<int16_t>(size);
  if (read_noise_ > 0.0) {
    squares_ = Buffer<uint16_t>(size);
    const double sigma = kMostDeviations * read_noise_ * scale_;
    square_scale_ = static_cast<float>(sigma * sigma / square_unit);
  }
  for_cells([&](int64_t group, int row, int slice, int64_t n, int64_t cell) {
    const int64_t sub = group * subs() + n / kBlockColumns * slices_ + slice;
    const auto at = static_cast<std::size_t>((sub * rows + row) * kBlockColumns + n % kBlockColumns);
    const double deviation = cells.effective[cell] - cells.digits[cell];
    deviations_[at] = static_cast<int16_t>(std::nearbyint(deviation * scale_));
    if (squares_.size() == 0) return;
    const double g = cells.effective[cell] + cells.reference[group * parallel_rows_ + row];
    squares_[at] = static_cast<uint16_t>(std::nearbyint(g * g * square_unit));
  });
}

void BinaryLayer::store_noise(const BinaryCells& cells) {
  const double sigma = kMostDeviations * read_noise_ * scale_;
  if (cells.effective == nullptr) {
    const double floor = cells.low * cells.low;
    const double slope = cells.high * cells.high - floor;
    reference_scale_ = static_cast<float>(sigma * sigma * floor);
    sigmas_ = Buffer<int16_t>(static_cast<std::size_t>((parallel_rows_ + 1) * kTableRow));
    for (int active = 0; active <= parallel_rows_; ++active) {
      for (int sum = 0; sum <= active; ++sum) {
        const double power = std::max(0.0, slope * sum + floor * active);
        sigmas_[static_cast<std::size_t>(active * kTableRow + sum)] =
            static_cast<int16_t>(std::nearbyint(sigma * std::sqrt(power)));
      }
    }
    return;
  }
  double largest = 0.0;
  for (int64_t k = 0; k < rows_; ++k) largest = std::max(largest, std::abs(cells.reference[k]));
  if (largest == 0.0) return;
  const int bits = bits_below(largest * largest * parallel_rows_, 30, 24);
  const double unit = std::ldexp(1.0, bits);
  reference_scale_ = static_cast<float>(sigma * sigma / unit);
  const int64_t slots = parallel_rows_ + 1;
  reference_squares_ = Buffer<int32_t>(static_cast<std::size_t>(groups_ * slots));
  for (int64_t k = 0; k < rows_; ++k) {
    const auto at = static_cast<std::size_t>(k / parallel_rows_ * slots + k % parallel_rows_);
    reference_squares_[at] =
        static_cast<int32_t>(std::nearbyint(cells.reference[k] * cells.reference[k] * unit));
  }
}

BinaryJob BinaryLayer::job_template() const {
  BinaryJob job;
  job.code_stride = rows_;
  job.reads = reads_;
  job.slices = slices_;
  job.columns = static_cast<int>(columns_);
  job.column_blocks = static_cast<int>(column_blocks_);
  job.row_slots = parallel_rows_ + 1;
  job.adc_top = adc_top_;
  job.noisy = read_noise_ > 0.0;
  job.fraction_bits = fraction_bits_;
  const bool deviates = job.noisy || deviations_.size() > 0;
  job.conversion_is_limit = !deviates && codes_.size() == 0;
  job.codes_of_sums = codes_.size() == 0 ? nullptr : codes_.data();
  job.fractions = deviates && codes_.size() > 0 ? fractions_.data() : nullptr;
  job.quads = deviations_.size() == 0 ? 0 : quads_;
  job.square_scale = square_scale_;
  job.sigmas = sigmas_.size() == 0 ? nullptr : sigmas_.data();
  job.reference_scale = reference_scale_;
  job.seed = seed_;
  job.layer = layer_;
  return job;
}

void BinaryLayer::product(const uint16_t* codes, int64_t vectors, uint64_t first_vector, Isa isa,
                          int64_t* result) const {
  run(job_template(), codes, vectors, first_vector, isa, result);
}

void BinaryLayer::count_column_sums(const uint16_t* codes, int64_t vectors, Isa isa,
                                    int64_t* counts) const {
  BinaryJob job = job_template();
  job.conversion_is_limit = false;
  job.histogram = counts;
  run(job, codes, vectors, 0, isa, nullptr);
}

// Runs all groups on up to kVectorsAtOnce vectors at a time.
void BinaryLayer::run(BinaryJob job, const uint16_t* codes, int64_t vectors, uint64_t first_vector,
                      Isa isa, int64_t* result) const {
  if (vectors == 0) return;
  const Kernels& kernels = kernels_of(isa);
  const int64_t most = std::min(vectors, kVectorsAtOnce);
  const int64_t width = column_blocks_ * kBlockColumns;
  // Working memory is kept from call to call: fresh pages cost as much as a tenth of the work.
  thread_local Buffer<int64_t> sums;
  thread_local Buffer<char> workspace;
  thread_local Buffer<char> plane_sums;
  reserve(sums, most * width);
  reserve(workspace, binary_workspace_bytes(most, reads_, job.row_slots, job.quads));
  const auto largest = static_cast<uint64_t>(std::min(adc_top_, parallel_rows_)) *
                       ((uint64_t{1} << reads_) - 1) * static_cast<uint64_t>(groups_);
  job.sum_planes = std::max(1, static_cast<int>(std::bit_width(largest)));
  const int64_t planes = job.conversion_is_limit ? blocks_ * job.sum_planes * kBlockBytes : 0;
  reserve(plane_sums, most * planes);
  PackedInputs packed;
  job.workspace = workspace.data();
  job.sums = sums.data();
  job.planes = plane_sums.data();
  const int64_t group_bits = blocks_ * job.row_slots * kBlockBytes;
  const int64_t group_cells = subs() * 4 * quads_ * kBlockColumns;
  for (int64_t start = 0; start < vectors; start += most) {
    job.vectors = static_cast<int>(std::min(most, vectors - start));
    job.first_vector = first_vector + static_cast<uint64_t>(start);
    std::fill_n(sums.data(), job.vectors * width, int64_t{0});
    std::fill_n(plane_sums.data(), job.vectors * planes, char{0});
    for (int64_t g = 0; g < groups_; ++g) {
      job.group = static_cast<int>(g);
      job.rows = rows_of_group(g);
      job.codes = codes + start * rows_ + g * parallel_rows_;
      job.bits = bits_.data() + g * group_bits;
      if (deviations_.size() > 0) {
        job.deviations = deviations_.data() + g * group_cells;
        job.squares = squares_.size() == 0 ? nullptr : squares_.data() + g * group_cells;
        job.inputs = packed.pack({reads_, 1, false}, job.codes, rows_, job.vectors, job.rows,
                                 nullptr, 0.0);
      }
      if (reference_squares_.size() > 0) {
        job.reference_squares = reference_squares_.data() + g * job.row_slots;
      }
      kernels.run_group_binary(job);
    }
    if (result == nullptr) continue;
    if (job.conversion_is_limit) kernels.expand_binary_sums(job);
    for (int m = 0; m < job.vectors; ++m) {
      std::copy_n(sums.data() + m * width, columns_, result + (start + m) * columns_);
    }
  }
}

}  // namespace cimsim::kernels
