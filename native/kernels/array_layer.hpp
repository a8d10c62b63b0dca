// A programmed layer: cells in the kernels' layout, and the product with input codes.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "kernels/binary_layer.hpp"
#include "kernels/buffer.hpp"
#include "kernels/column_errors.hpp"
#include "kernels/group_job.hpp"
#include "kernels/isa.hpp"

namespace cimsim::kernels {

// Geometry and readout of a layer. Conductances and sums are in ADC units (one cell-state step
// times one input step).
struct LayerSettings {
  int64_t rows = 0;
  int64_t columns = 0;
  int parallel_rows = 0;
  int cell_bits = 1;
  int slices = 1;  // cells of a weight, up to 8
  // Where a layer holds some of the slices only: the number of its first one, and of all (0: its
  // own). Draws are named by it, and the place of the sums is relative to it.
  int first_slice = 0;
  int all_slices = 0;
  int dac_bits = 1;
  int reads = 1;  // input cycles, up to 8, or 16 of one bit
  int64_t adc_top = 0;
  double adc_step = 1.0;
  // Code of each ideal sum up to the largest one, 0 for the sum 0 and never falling; empty:
  // rint(sum / step), clamped.
  std::vector<int32_t> code_of_sum;
  double read_noise = 0.0;  // relative to the conductance of each cell
  double output_sigma = 0.0;
  std::vector<double> output_mean;  // by ideal sum; empty: output_sigma
  std::vector<double> output_std;
  uint32_t seed = 0;
  uint32_t layer = 0;
};

// Returns the conductances [last - first][column] of rows `first` to `last` - 1 of a slice, which
// are whole row groups; they are good until the next call. It is called once for most cells, twice
// for some.
using CellSource = std::function<const double*(int slice, int64_t first, int64_t last)>;

class ArrayLayer {
 public:
  // Cells exactly at their state: digits [slice][row][column]. With read noise (one-bit cells only)
  // low and high are the conductances of the two states, and the reference column is in state 0.
  static ArrayLayer of_digits(const LayerSettings& settings, const uint8_t* digits, double low,
                              double high);
  // Cells of any conductance: above that of the reference column, and reference [row] that of the
  // reference column.
  static ArrayLayer of_conductances(const LayerSettings& settings, const CellSource& effective,
                                    const double* reference, const ColumnErrors& errors = {});

  const LayerSettings& settings() const { return settings_; }

  // Digital sums over input cycles, slices and groups of code * 2^(place of cycle and slice):
  // result [vector][column]. `codes` [vector][row] as their lowest reads * dac_bits bits. The
  // vectors have the indices first_vector, first_vector + 1, ... in the random draws.
  void product(const uint16_t* codes, int64_t vectors, uint64_t first_vector, Isa isa,
               int64_t* result) const;
  void product(const uint8_t* codes, int64_t vectors, uint64_t first_vector, Isa isa,
               int64_t* result) const;

  // Number of reads with each ideal column sum, from 0 to the largest possible one, over all
  // vectors, input cycles, slices, groups and columns. For layers of digits.
  std::vector<int64_t> count_column_sums(const uint16_t* codes, int64_t vectors, Isa isa) const;

 private:
  enum class CellType { bytes, halves, ints };

  explicit ArrayLayer(const LayerSettings& settings);
  int columns_of_block() const;
  int rows_of_group(int64_t group) const;
  int64_t cells_of_group() const;
  void limit_top(double largest_sum);
  void choose_code_table(int64_t largest_sum);
  template <class Cell, class Source>
  void store_cells(Buffer<Cell>& target, const Source& cell_at) const;
  void store_ints(int slice, int64_t first_group, int64_t groups, const double* cells, int bits);
  void set_readout(const ColumnErrors& errors, double largest_sum, double largest_square);
  void set_reference(const double* reference);
  GroupJob job_template(int first_read) const;
  ReadNames names_of(int first_read) const;
  std::vector<uint16_t> later_cycles(const uint16_t* codes, int64_t vectors) const;
  void run(GroupJob job, const uint16_t* codes, int64_t vectors, uint64_t first_vector, Isa isa,
           int64_t* result) const;
  void run_group(const GroupJob& job, Isa isa) const;
  const void* group_cells(int64_t group) const;

  LayerSettings settings_;
  std::optional<StoredErrors> errors_;
  std::optional<BinaryLayer> binary_;  // does all the work where it can
  Readout readout_ = Readout::ideal;
  CellType type_ = CellType::bytes;
  int32_t adc_top_ = 0;
  int64_t groups_ = 0;
  int64_t quads_ = 0;   // of a full group
  int64_t blocks_ = 0;  // of columns
  Buffer<uint8_t> bytes_;
  Buffer<uint16_t> halves_;
  Buffer<int32_t> ints_;
  std::vector<double> reference_;  // [group][4 * quads], or empty
  bool reference_is_silent_ = true;
  int value_bits_ = 0;
  int square_bits_ = 0;
  double noise_slope_ = 0.0;
  double noise_floor_ = 0.0;
  std::vector<int32_t> codes_;  // code of each ideal sum, where rint(sum * float(1 / step)) differs
  std::vector<float> output_mean_;
  std::vector<float> output_std_;
};

}  // namespace cimsim::kernels
