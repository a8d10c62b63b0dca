// Common part of subarrays of RRAM, FeFET and non-volatile capacitor cells, read through source
// lines.
#pragma once
#include <optional>

#include "circuits/level_shifter.hpp"
#include "circuits/switch_matrix.hpp"
#include "subarray_kinds.hpp"

namespace cimsim {

class ResistiveBuilder : public SubarrayBuilder {
 public:
  explicit ResistiveBuilder(const Context& context);

 protected:
  void layout_columns();
  /// Height (m) that row circuits may take beside the multiplexer's decoder.
  double row_side_height() const { return height_ - select_.decoder.height; }
  /// Lays out the level shifters of rows and returns their width (m).
  double layout_row_shifters();
  /// Recombination of weight digits and of input bits, where there is more than one.
  void add_shift_adds(int digit_bits, int digit_pulses, int input_bits);
  void add_shifters();
  void set_sensing();
  ReadDelays delays(double word_line) const;

  SwitchMatrix source_lines_;
  double average_resistance_ = 0;  // ohm
  double height_ = 0;              // m

 private:
  /// Access transistors on word and bit lines, and the resistances seen through them.
  void connect_cells();
  void check_access_transistor(double width) const;

  std::optional<LevelShifter> word_line_shifter_, bit_line_shifter_, source_line_shifter_;
};

}  // namespace cimsim
