// The subarray: memory cells with the circuits that select rows, sense columns and recombine bits.
//
// A subarray is sized once and read for every block of every layer, so what a read costs is reduced
// to a few numbers: for each part an energy that is fixed plus one that grows with the active rows,
// and the energy of sensing a column. Sensing depends on the stored weights only where the column
// current does (current-mode or SAR sensing of resistive cells).
#pragma once
#include <functional>
#include <optional>
#include <vector>

#include "activity.hpp"
#include "conductances.hpp"
#include "figures.hpp"
#include "parameters.hpp"

namespace cimsim {

/// Blocks of a layer whose sensing energy depends on their weights. It is added for the whole layer
/// at once (Subarray::sensing_energy).
class SensedBlocks {
 public:
  void add(Range rows, Range cols) { blocks_.push_back({rows, cols}); }
  std::size_t count() const { return blocks_.size(); }
  /// Counts the blocks from number `first` on once more.
  void repeat(std::size_t first) {
    for (std::size_t n = first; n < blocks_.size(); ++n) ++blocks_[n].times;
  }
  const std::vector<CellBlock>& blocks() const { return blocks_; }

 private:
  std::vector<CellBlock> blocks_;
};

/// What a layer feeds into its subarrays. Without `rows` every read has no active row.
struct LayerInputs {
  const RowActivity* rows = nullptr;
  double bit_vectors = 0;          ///< reads an image: input vectors times input bits
  SensedBlocks* sensed = nullptr;  ///< receives the blocks, if there are rows
};

/// A circuit of one subarray.
struct SubarrayPart {
  Part part = Part::Cells;
  double area = 0;          ///< m^2
  double leakage = 0;       ///< W, as counted by the model
  double sensing_time = 0;  ///< s in the search for the clock period
  bool fits = true;         ///< see Circuit::fits
};

/// Energy (J) of reading one bit-vector.
struct ReadEnergy {
  Part part = Part::Cells;
  double fixed = 0;
  double per_row = 0;  ///< for each active row
};

/// Latency of reading one bit-vector, in clock cycles if synchronous, else in s.
struct ReadTime {
  double adc = 0;
  double accumulation = 0;
  double other = 0;
  double total() const { return adc + accumulation + other; }
};

/// Sensing of one column: its energy as a function of the column's conductance.
struct ColumnSensing {
  enum class Dependence {
    None,
    IdleReads,   ///< only on whether any row is active
    ActiveRows,  ///< on their number
    Weights
  };
  Dependence dependence = Dependence::None;
  Part part = Part::MultilevelSenseAmplifier;
  std::function<double(double)> energy;  ///< J of one sensing at a conductance (S)
  double conductance_per_row = 0;        ///< S, with Dependence::ActiveRows
  CellNetwork network;                   ///< with Dependence::Weights
};

struct Subarray {
  double height = 0;  ///< m
  double width = 0;   ///< m
  Areas areas;        ///< by class; the corners of the outline belong to none
  std::vector<SubarrayPart> parts;
  std::vector<ReadEnergy> energies;
  ColumnSensing sensing;
  Cell cell;                 ///< as the circuits around the array see it
  double leakage = 0;        ///< W
  double idle_leakage = 0;   ///< W of the cells that are not read
  double sensing_cycle = 0;  ///< s, the shortest clock period
  double column_delay = 0;   ///< s
  bool sequential = false;   ///< rows one by one: the number of sensings is that of active rows
  int row_groups = 1;        ///< sensings a read, if not sequential
  /// Latency of a read with a number of active rows.
  std::function<ReadTime(double)> read_time;

  double area() const { return height * width; }
  /// Reads of all bit-vectors of an image through a block of cells, which is at most one subarray
  /// except where the model treats a larger matrix as one.
  /// With Dependence::Weights the energy of sensing is left out; the block is noted instead.
  Figures read(const LayerInputs& inputs, Range rows, Range cols) const;
  /// How columns are read, with Dependence::Weights.
  ColumnReads column_reads(std::vector<CellBlock> blocks) const {
    return {sensing.network, std::move(blocks), sequential, row_groups};
  }
  /// Energy (J) of sensing columns that conduct so.
  double sensing_energy(const std::vector<ConductanceCount>& columns) const;
  /// `reads` bit-vectors, each with `active` rows on average, through `cols` columns. Only where
  /// the sensing does not depend on weights.
  Figures read_uniform(double reads, double active, double cols) const;

 private:
  double sensing_energy(const LayerInputs& inputs, Range rows, Range cols) const;
  double sensings(double active_rows) const { return sequential ? active_rows : row_groups; }
};

/// Size, lay out and characterise the subarray of a design. The ADC's clock counts come from
/// `context.parameters.clock_frequency`.
/// Throws std::domain_error where a circuit does not fit or the design has none.
Subarray make_subarray(const Context& context);

/// Bits of a partial sum that leaves a subarray.
int partial_sum_bits(const Parameters& parameters);

}  // namespace cimsim
