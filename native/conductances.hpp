// What columns of resistive cells conduct: a distribution, from which the energy of any ADC
// follows.
#pragma once
#include <cstddef>
#include <cstdint>
#include <vector>

#include "activity.hpp"

namespace cimsim {

/// Conductances of the cells of one block, seen from the foot of its column.
struct CellNetwork {
  std::vector<double> conductance;  ///< S, one a digit value
  double row_resistance = 0;        ///< ohm a cell along the row
  double col_resistance = 0;        ///< ohm a cell along the column
  double access_resistance = 0;     ///< ohm
  int cell_bits = 1;
  int cells_per_weight = 1;

  /// Conductance (S) of row i of `rows` and column j, including wires and access device.
  double path(int digit, int i, int j, int rows) const {
    return 1.0 / (1.0 / conductance[static_cast<std::size_t>(digit)] + (j + 1) * row_resistance +
                  (rows - i) * col_resistance + access_resistance);
  }
  bool operator==(const CellNetwork&) const = default;
};

/// Cells that are read together: a subarray, or what the model treats as one.
struct CellBlock {
  Range rows;
  Range cols;
  int times = 1;  ///< how often the model counts the block
  bool operator==(const CellBlock&) const = default;
};

/// Row of `weights` [K, N] with the first cells of a block. The groups of a layer are side by side
/// in `weights`, but one below the other in its inputs; a block lies within a group.
inline std::size_t first_weight_row(const CodeMatrix<std::int32_t>& weights,
                                    const CellBlock& block) {
  return static_cast<std::size_t>(block.rows.first) % weights.rows;
}

/// The reads of a layer's columns: which cells, and how a sensing sees them.
struct ColumnReads {
  CellNetwork network;
  std::vector<CellBlock> blocks;
  bool per_row = false;  ///< each active row is sensed by itself, and sees the mean of them
  int groups = 1;  ///< otherwise each read is sensed once a group of rows, and sees their mean
  bool operator==(const ColumnReads&) const = default;
};

/// Sensings (a mean over images) of columns that conduct about the same.
struct ConductanceCount {
  double conductance = 0;  ///< S, mean of the columns
  double sensings = 0;
};

/// Distribution of the conductance over all sensings of an image, ascending: every current is added
/// up. For many designs moment_conductances says the same of all technologies at once.
///
/// Conductances are summed in single precision (relative error of some 1e-7) and counted in cells
/// of 1/1024 of a power of two, of which the mean is kept. A smooth function of the conductance
/// summed over the distribution is off by a relative 2e-6 at most, and the result is the same
/// whatever the number of threads: all counts are integers.
///
/// `weights` are stored integer codes [K, N]; cell column c holds digit number
/// cells_per_weight - 1 - c % cells_per_weight of weight c / cells_per_weight (most significant
/// first). Memory: the packed bits of the inputs, and some MB a thread.
std::vector<ConductanceCount> column_conductances(const RowActivity& activity,
                                                  const CodeMatrix<std::int32_t>& weights,
                                                  const ColumnReads& reads, int threads);

}  // namespace cimsim
