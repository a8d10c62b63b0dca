#include "kernels/binary_layer.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

#include "kernels/array_layer.hpp"
#include "kernels/draw_table.hpp"
#include "kernels/product.hpp"

namespace cimsim::kernels {

namespace {

constexpr int64_t kVectorsAtOnce = 32;  // bounds the working memory, to fit the second cache
constexpr int kMostCode = 255;
constexpr double kMostDeviations = 6.5;  // normal numbers from 32 bits stay below that
constexpr int kMostNoiseBits = 28;
constexpr int kLeastNoiseBits = 17;
constexpr double kMostShort = 32767.0;
// Deviations, in codes, up to which the high byte of a draw decides most codes.
constexpr double kMostDecidedDeviation = 2.0;

// The column whose digits are the same in all rows of each slice: bit j is that of slice j. None
// where the last column is no such column, or the only one.
std::optional<uint32_t> uniform_bits(const LayerSettings& s, const uint8_t* digits) {
  uint32_t bits = 0;
  if (s.columns == 1) return std::nullopt;
  for (int j = 0; j < s.slices; ++j) {
    const uint8_t* column = digits + j * s.rows * s.columns + s.columns - 1;
    for (int64_t k = 1; k < s.rows; ++k) {
      if (column[k * s.columns] != *column) return std::nullopt;
    }
    bits |= uint32_t{*column} << j;
  }
  return bits;
}

// Splits the first entries of a table of kTableEntries into low bytes and high ones.
void split_bytes(const int16_t* table, uint8_t* planes) {
  for (int k = 0; k < kPlaneEntries; ++k) {
    const auto entry = static_cast<uint16_t>(table[k]);
    planes[k] = static_cast<uint8_t>(entry & 0xFF);
    planes[kPlaneEntries + k] = static_cast<uint8_t>(entry >> 8);
  }
}

}  // namespace

BinaryLayer::BinaryLayer(const LayerSettings& s)
    : rows_(s.rows),
      columns_(s.columns),
      parallel_rows_(static_cast<int>(std::min<int64_t>(s.rows, s.parallel_rows))),
      slices_(s.slices),
      reads_(s.reads),
      groups_((s.rows + s.parallel_rows - 1) / s.parallel_rows),
      seed_(s.seed),
      layer_(s.layer) {}

std::optional<BinaryLayer> BinaryLayer::of(const LayerSettings& s, const uint8_t* digits,
                                           double low, double high) {
  const bool output_noise = s.output_sigma > 0.0 || !s.output_mean.empty();
  if (s.cell_bits != 1 || s.dac_bits != 1 || output_noise) return std::nullopt;
  BinaryLayer layer(s);
  if (layer.parallel_rows_ > kMostBinaryRows) return std::nullopt;
  const bool fits = s.read_noise > 0.0 ? layer.store_noise(s, low, high) : layer.store_codes(s);
  if (!fits) return std::nullopt;
  layer.lay_out(uniform_bits(s, digits));
  layer.store_bits(digits);
  return layer;
}

int BinaryLayer::rows_of_group(int64_t group) const {
  return static_cast<int>(std::min<int64_t>(rows_ - group * parallel_rows_, parallel_rows_));
}

void BinaryLayer::lay_out(std::optional<uint32_t> uniform) {
  uniform_ = uniform;
  counted_ = columns_ - (uniform ? 1 : 0);
  // Noise of a reference column is common to a step of positions, which so belongs to one slice.
  const int64_t granule = reference_deviation_ == 0.0F ? kGranule : kStepBits;
  width_ = (counted_ + granule - 1) / granule * granule;
}

void BinaryLayer::store_bits(const uint8_t* digits) {
  const int64_t slots = parallel_rows_ + 1;
  const int64_t blocks = job_template(0).blocks();
  bits_ = Buffer<char>(static_cast<std::size_t>(groups_ * blocks * slots * kBlockBytes));
  for (int j = 0; j < slices_; ++j) {
    for (int64_t k = 0; k < rows_; ++k, digits += columns_) {
      const int64_t group = k / parallel_rows_;
      for (int64_t n = 0; n < counted_; ++n) {
        const int64_t position = j * width_ + n;
        const int64_t block = group * blocks + position / kBlockBits;
        const int64_t bit = position % kBlockBits;
        const int64_t at = (block * slots + k % parallel_rows_) * kBlockBytes + bit / 8;
        char& byte = bits_[static_cast<std::size_t>(at)];
        byte = static_cast<char>(byte | digits[n] << (bit % 8));
      }
    }
  }
}

// The code of each sum that can occur; false if one exceeds a byte.
bool BinaryLayer::store_codes(const LayerSettings& s) {
  codes_ = Buffer<int16_t>(kTableEntries);
  bool same = true;
  for (int sum = 0; sum <= parallel_rows_; ++sum) {
    const double position = std::min(sum / s.adc_step, static_cast<double>(s.adc_top));
    const double code = s.code_of_sum.empty() ? std::nearbyint(position)
                                              : s.code_of_sum[static_cast<std::size_t>(sum)];
    if (code > kMostCode) return false;
    codes_[static_cast<std::size_t>(sum)] = static_cast<int16_t>(code);
    same = same && code == static_cast<double>(std::min<int64_t>(sum, s.adc_top));
    adc_top_ = static_cast<int>(code);
  }
  if (same) codes_ = Buffer<int16_t>();
  return true;
}

// Codes without noise, and deviations by sum and number of active rows; false if they do not fit.
bool BinaryLayer::store_noise(const LayerSettings& s, double low, double high) {
  const double rho = s.read_noise / s.adc_step;
  const double most = rho * std::sqrt(parallel_rows_) * std::max(std::abs(low), std::abs(high));
  const double of_reference = rho * std::abs(low);
  const double reach = kMostDeviations * (most + of_reference * std::sqrt(parallel_rows_)) + 1.5;
  const double highest = std::ceil(parallel_rows_ / s.adc_step + reach);
  if (!(highest < kMostShort)) return false;
  const auto top = std::min<int64_t>(s.adc_top, static_cast<int64_t>(highest));
  if (top > kMostCode) return false;
  adc_top_ = static_cast<int>(top);
  noise_bits_ = kMostNoiseBits;
  const auto fits = [&](double unit) {
    return reach * unit < std::ldexp(1.0, 31) && most * unit / double{kDrawScale} <= kMostShort;
  };
  while (noise_bits_ >= kLeastNoiseBits && !fits(std::ldexp(1.0, noise_bits_))) --noise_bits_;
  if (noise_bits_ < kLeastNoiseBits) return false;
  const double unit = std::ldexp(1.0, noise_bits_);
  reference_deviation_ = static_cast<float>(of_reference * unit);
  if (s.adc_step != 1.0) {
    codes_ = Buffer<int16_t>(kTableEntries);
    rests_ = Buffer<int16_t>(kTableEntries);
  }
  deviations_ = Buffer<int16_t>(static_cast<std::size_t>((parallel_rows_ + 1) * kTableEntries));
  for (int sum = 0; sum <= parallel_rows_; ++sum) {
    const auto at = static_cast<std::size_t>(sum);
    if (s.adc_step != 1.0) {
      const double position = sum / s.adc_step;
      const double code = std::nearbyint(position);
      codes_[at] = static_cast<int16_t>(code);
      rests_[at] = static_cast<int16_t>(std::nearbyint(std::ldexp(position - code + 0.5, 14)));
    }
    for (int active = sum; active <= parallel_rows_; ++active) {
      const double power = (high * high - low * low) * sum + low * low * active;
      deviations_[static_cast<std::size_t>(active * kTableEntries) + at] =
          static_cast<int16_t>(std::nearbyint(rho * std::sqrt(power) * unit / double{kDrawScale}));
    }
  }
  if (parallel_rows_ <= kPlaneEntries && most <= kMostDecidedDeviation) store_planes();
  return true;
}

void BinaryLayer::store_planes() {
  constexpr std::size_t size = 2 * kPlaneEntries;
  const auto rows = static_cast<std::size_t>(parallel_rows_ + 1);
  deviation_planes_ = Buffer<uint8_t>(rows * size);
  for (std::size_t active = 0; active < rows; ++active) {
    split_bytes(deviations_.data() + active * kTableEntries,
                deviation_planes_.data() + active * size);
  }
  if (rests_.size() == 0) return;
  rest_planes_ = Buffer<uint8_t>(size);
  code_planes_ = Buffer<uint8_t>(size);
  split_bytes(rests_.data(), rest_planes_.data());
  split_bytes(codes_.data(), code_planes_.data());
}

BinaryJob BinaryLayer::job_template(int first_read) const {
  BinaryJob job;
  job.code_stride = rows_;
  job.reads = std::min(reads_ - first_read, kMaxReads);
  job.slices = slices_;
  job.columns = static_cast<int>(counted_);
  job.width = static_cast<int>(width_);
  job.has_uniform_column = uniform_.has_value();
  job.uniform_bits = uniform_.value_or(0);
  job.row_slots = parallel_rows_ + 1;
  job.adc_top = adc_top_;
  job.codes_of_sums = codes_.size() == 0 ? nullptr : codes_.data();
  job.noisy = noise_bits_ > 0;
  job.noise_bits = noise_bits_;
  job.rests = rests_.size() == 0 ? nullptr : rests_.data();
  job.deviations = deviations_.data();
  job.deviation_stride = noise_bits_ > 0 ? kTableEntries : 0;
  job.deviation_planes = deviation_planes_.data();
  job.rest_planes = rest_planes_.data();
  job.code_planes = code_planes_.data();
  job.reference_deviation = reference_deviation_;
  job.seed = seed_;
  job.layer = layer_;
  return job;
}

void BinaryLayer::product(const ReadNames& names, const uint8_t* codes, int64_t vectors,
                          uint64_t first_vector, Isa isa, int64_t* result) const {
  BinaryJob job = job_template(static_cast<int>(names.first_read));
  job.names = names;
  run(job, codes, vectors, first_vector, isa, result);
}

void BinaryLayer::count_column_sums(const uint8_t* codes, int64_t vectors, Isa isa,
                                    int64_t* counts) const {
  BinaryJob job = job_template(0);
  job.histogram = counts;
  job.noisy = false;
  run(job, codes, vectors, 0, isa, nullptr);
}

// Runs all groups on up to kVectorsAtOnce vectors at a time.
void BinaryLayer::run(BinaryJob job, const uint8_t* codes, int64_t vectors, uint64_t first_vector,
                      Isa isa, int64_t* result) const {
  const Kernels& kernels = kernels_of(isa);
  const bool bit_sliced = job.converts_in_bits();
  const int64_t most = std::min(vectors, kVectorsAtOnce);
  const int64_t stride = job.sum_stride();
  const auto largest = static_cast<uint64_t>(adc_top_) * ((uint64_t{1} << job.reads) - 1) *
                       static_cast<uint64_t>(groups_);
  job.sum_planes = std::max(1, static_cast<int>(std::bit_width(largest)));
  const int64_t planes = bit_sliced ? job.blocks() * job.sum_planes * kBlockBytes : 0;
  Buffer<int64_t> sums(static_cast<std::size_t>(most * stride));
  Buffer<char> plane_sums(static_cast<std::size_t>(most * planes));
  Buffer<char> workspace(
      static_cast<std::size_t>(binary_workspace_bytes(most, job.reads, slices_, job.row_slots)));
  job.workspace = workspace.data();
  job.sums = sums.data();
  job.planes = plane_sums.data();
  for (int64_t start = 0; start < vectors; start += most) {
    job.vectors = static_cast<int>(std::min(most, vectors - start));
    job.first_vector = first_vector + static_cast<uint64_t>(start);
    if (start > 0) {
      std::fill_n(sums.data(), sums.size(), int64_t{0});
      std::fill_n(plane_sums.data(), plane_sums.size(), char{0});
    }
    for (int64_t g = 0; g < groups_; ++g) {
      job.group = static_cast<int>(g);
      job.rows = rows_of_group(g);
      job.codes = codes + start * rows_ + g * parallel_rows_;
      job.bits = bits_.data() + g * job.blocks() * job.row_slots * kBlockBytes;
      kernels.run_group_binary(job);
    }
    if (result == nullptr) continue;
    if (bit_sliced) kernels.expand_binary_sums(job);
    for (int m = 0; m < job.vectors; ++m) {
      int64_t* out = result + (start + m) * columns_;
      std::copy_n(sums.data() + m * stride, counted_, out);
      if (uniform_) out[counted_] = sums[static_cast<std::size_t>(m * stride + width_)];
    }
  }
}

}  // namespace cimsim::kernels
