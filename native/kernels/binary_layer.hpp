// A layer of one-bit cells that are exactly at their state, read with one-bit inputs: the fast case
// of ArrayLayer.
#pragma once

#include <cstdint>
#include <optional>

#include "kernels/binary_job.hpp"
#include "kernels/buffer.hpp"
#include "kernels/isa.hpp"

namespace cimsim::kernels {

struct LayerSettings;

class BinaryLayer {
 public:
  // Digits [slice][row][column], 0 or 1, of conductance low or high; the reference column is low.
  // No layer where the settings are not such a case, or where a limit of BinaryJob does not hold.
  static std::optional<BinaryLayer> of(const LayerSettings& settings, const uint8_t* digits,
                                       double low, double high);

  // As ArrayLayer::product, of the input cycles from names.first_read on, up to kMaxReads.
  void product(const ReadNames& names, const uint8_t* codes, int64_t vectors, uint64_t first_vector,
               Isa isa, int64_t* result) const;
  // Adds to counts[sum].
  void count_column_sums(const uint8_t* codes, int64_t vectors, Isa isa, int64_t* counts) const;

 private:
  explicit BinaryLayer(const LayerSettings& settings);
  int rows_of_group(int64_t group) const;
  void lay_out(std::optional<uint32_t> uniform);
  void store_bits(const uint8_t* digits);
  bool store_codes(const LayerSettings& settings);
  bool store_noise(const LayerSettings& settings, double low, double high);
  void store_planes();
  BinaryJob job_template(int first_read) const;
  void run(BinaryJob job, const uint8_t* codes, int64_t vectors, uint64_t first_vector, Isa isa,
           int64_t* result) const;

  int64_t rows_ = 0;
  int64_t columns_ = 0;
  int parallel_rows_ = 0;  // rows of a full group
  int slices_ = 0;
  int reads_ = 0;  // all input cycles
  int64_t groups_ = 0;
  int64_t counted_ = 0;  // columns without the uniform one
  int64_t width_ = 0;    // the same, padded
  std::optional<uint32_t> uniform_;
  int adc_top_ = 0;        // highest code that occurs
  Buffer<char> bits_;      // [group][block][parallel rows + 1][kBlockBytes]
  Buffer<int16_t> codes_;  // code of each sum, or empty where that is min(sum, adc_top)
  int noise_bits_ = 0;     // 0: no noise
  Buffer<int16_t> rests_;
  Buffer<int16_t> deviations_;
  Buffer<uint8_t> deviation_planes_;
  Buffer<uint8_t> rest_planes_;
  Buffer<uint8_t> code_planes_;
  float reference_deviation_ = 0.0F;
  uint32_t seed_ = 0;
  uint32_t layer_ = 0;
};

}  // namespace cimsim::kernels
