// A layer of one-bit cells that is read with one-bit inputs: the fast case of ArrayLayer.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "kernels/buffer.hpp"
#include "kernels/group_job.hpp"
#include "kernels/isa.hpp"

namespace cimsim::kernels {

struct LayerSettings;

// Cells of a layer by digit, and how they deviate. Null pointers where they do not.
struct BinaryCells {
  const uint8_t* digits = nullptr;     // [slice][row][column], 0 or 1
  double low = 0.0;                    // conductance of state 0 and 1, where there is no `effective`
  double high = 1.0;
  const double* effective = nullptr;   // [slice][row][column], above the reference column
  const double* reference = nullptr;   // [row], with `effective`
};

class BinaryLayer {
 public:
  // No layer where one of the limits of BinaryJob does not hold.
  static std::optional<BinaryLayer> of(const LayerSettings& settings, const BinaryCells& cells);

  // As ArrayLayer::product.
  void product(const uint16_t* codes, int64_t vectors, uint64_t first_vector, Isa isa,
               int64_t* result) const;
  // Adds to counts[sum].
  void count_column_sums(const uint16_t* codes, int64_t vectors, Isa isa, int64_t* counts) const;

 private:
  explicit BinaryLayer(const LayerSettings& settings);
  int rows_of_group(int64_t group) const;
  int64_t subs() const { return column_blocks_ * slices_; }
  // Calls visit(group, row of the group, slice, column, index of the cell) for every cell.
  template <class Visit>
  void for_cells(const Visit& visit) const;
  bool choose_scale(const BinaryCells& cells);
  void store_bits(const uint8_t* digits);
  void store_codes();
  void store_deviations(const BinaryCells& cells);
  void store_noise(const BinaryCells& cells);
  BinaryJob job_template() const;
  void run(BinaryJob job, const uint16_t* codes, int64_t vectors, uint64_t first_vector, Isa isa,
           int64_t* result) const;

  int64_t rows_ = 0;
  int64_t columns_ = 0;
  int parallel_rows_ = 0;  // rows of a full group
  int slices_ = 0;
  int reads_ = 0;
  double adc_step_ = 1.0;
  double read_noise_ = 0.0;
  uint32_t seed_ = 0;
  uint32_t layer_ = 0;
  int64_t groups_ = 0;
  int64_t column_blocks_ = 0;  // of 32 columns
  int64_t blocks_ = 0;         // of kBlockBits positions
  int quads_ = 0;              // of rows
  int adc_top_ = 0;
  int fraction_bits_ = 0;
  double scale_ = 1.0;           // of a deviation in units: 2^fraction_bits / step
  double largest_square_ = 0.0;  // of conductances over a row group
  float square_scale_ = 0.0F;
  float reference_scale_ = 0.0F;
  Buffer<char> bits_;                   // [group][block][parallel rows + 1][kBlockBytes]
  Buffer<int16_t> codes_;               // [256], or empty: the code is the sum
  Buffer<int16_t> fractions_;           // [256], or empty
  Buffer<int16_t> deviations_;          // [group][position / 32][4 * quads][32], or empty
  Buffer<uint16_t> squares_;            // the same
  Buffer<int16_t> sigmas_;              // [active rows][256], or empty
  Buffer<int32_t> reference_squares_;  // [group][parallel rows + 1], or empty
};

}  // namespace cimsim::kernels
