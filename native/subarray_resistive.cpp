#include "subarray_resistive.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <stdexcept>
#include <string>

namespace cimsim {
namespace {

std::string number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.4g", value);
  return text;
}

}  // namespace

ResistiveBuilder::ResistiveBuilder(const Context& context)
    : SubarrayBuilder(context), source_lines_(context) {
  if (param().word_line_load && (param().nvcap() || !param().cmos_access())) {
    // The reference publishes these for cells with a transistor only (chip quirk 31).
    array_.unit_cap = wires_.row_cap / param().cols;
    array_.unit_resistance = wires_.row_resistance / param().cols;
  }
  if (param().nvcap()) {
    average_resistance_ = 2 / (1 / param().resistance_on + 1 / param().resistance_off);
    array_.column_cap = wires_.col_cap;
  } else {
    connect_cells();
  }
  if (param().write_voltage > 1.5) {
    for (auto* shifter : {&word_line_shifter_, &bit_line_shifter_})
      shifter->emplace(context).size(param().rows);
    source_line_shifter_.emplace(context).size(param().cols);
  }
}

void ResistiveBuilder::connect_cells() {
  double access = 0;
  if (param().cmos_access()) {
    access = 0.25 * param().resistance_on;
    const double width = on_resistance(tech(), transistor_width(1), Channel::N) * 0.2 / access;
    check_access_transistor(width);
    const double metres = transistor_width(width);
    array_.cell.access_width = width;
    wires_.row_cap += gate_capacitance(tech(), metres) * param().cols;
    wires_.col_cap +=
        drain_capacitance(tech(), metres, Channel::N, nominal_cell_height(tech())) * param().rows;
    array_.unit_cap = wires_.row_cap / param().cols;
    array_.unit_resistance = wires_.row_resistance / param().cols;
  }
  array_.column_cap = wires_.col_cap;
  const double on = param().resistance_on + access, off = param().resistance_off + access;
  // Through the parallel rows and back: its last digit decides how pass gates fold.
  const double rows = param().parallel_rows;
  average_resistance_ = rows / ((1 / on * rows + 1 / off * rows) / 2);
  array_.cell.resistance_on = on;
  array_.cell.resistance_off = off;
  array_.cell.resistance_average = average_resistance_;
}

void ResistiveBuilder::check_access_transistor(double width) const {
  const double needed =
      tech().bulk() ? width
                    : ((width - 1) * tech().fin_pitch + tech().fin_width) / tech().feature_size;
  if (needed <= array_.cell.width) return;
  throw std::domain_error("the access transistor for resistanceOn " +
                          number(param().resistance_on) + " ohm is " + number(needed) +
                          " F wide but the cell is " + number(array_.cell.width) +
                          " F; use a higher resistance or a cross-point cell");
}

void ResistiveBuilder::layout_columns() {
  const double width = wires_.row_length;
  // The reference never lays out this shifter for capacitive cells (chip quirk 24).
  if (source_line_shifter_ && !param().nvcap()) source_line_shifter_->layout(0, width);
  source_lines_.layout(0, width);
  select_.layout(width);
  adc_.layout(width, array_);
  accumulator_.layout(width);
  if (param().nvcap() && adc_.flash) {
    // Charge sensing: fewer comparators and an operational amplifier in each ADC.
    const double amplifiers = 0.5 * param().cols / counts_.muxed * 5 * 656e-15;
    adc_.flash->area = adc_.flash->area / 10 + amplifiers;
    adc_.flash->height = adc_.flash->area / adc_.flash->width;
  }
  height_ = (source_line_shifter_ ? source_line_shifter_->height : 0) + source_lines_.height +
            wires_.col_length + select_.mux.height + adc_.height() + accumulator_.height();
}

void ResistiveBuilder::add_shift_adds(int digit_bits, int digit_pulses, int input_bits) {
  if (counts_.digits > 1) accumulator_.add_digits(counts_.adcs, digit_bits, digit_pulses);
  if (param().input_bits > 1) accumulator_.add_inputs(counts_.adcs, input_bits, param().input_bits);
}

double ResistiveBuilder::layout_row_shifters() {
  double width = 0;
  for (auto* shifter : {&word_line_shifter_, &bit_line_shifter_}) {
    if (!*shifter) continue;
    (*shifter)->layout(row_side_height(), 0);
    width += (*shifter)->width;
  }
  return width;
}

void ResistiveBuilder::add_shifters() {
  if (word_line_shifter_) add(Part::WordLineLevelShifter, *word_line_shifter_);
  if (bit_line_shifter_) add(Part::BitLineLevelShifter, *bit_line_shifter_);
  if (source_line_shifter_) add(Part::SourceLineLevelShifter, *source_line_shifter_);
}

ReadDelays ResistiveBuilder::delays(double word_line) const {
  ReadDelays d;
  d.sensing = adc_.latency();
  d.column = out_.column_delay;
  d.word_line = word_line;
  d.selection = select_.latency();
  d.row_addition = accumulator_.row_time();
  d.digit_addition = accumulator_.digit_time();
  d.input_addition = accumulator_.input_time();
  return d;
}

void ResistiveBuilder::set_sensing() {
  using Dependence = ColumnSensing::Dependence;
  out_.sensing = adc_.sensing(array_);
  if (param().nvcap()) {
    // No conductance: a constant for charge sensing, an open column for a SAR ADC (quirk 24).
    out_.sensing.dependence = Dependence::None;
    if (!adc_.sar) {
      const double joule = 1.7e-6 * (param().adc_levels - 1) / 2 * 1e-9;
      out_.sensing.energy = [joule](double) { return joule; };
    }
    return;
  }
  out_.sensing.dependence =
      adc_.sar || param().current_mode ? Dependence::Weights : Dependence::IdleReads;
  CellNetwork& network = out_.sensing.network;
  network.cell_bits = param().cell_bits;
  network.cells_per_weight = param().cols_per_synapse;
  network.row_resistance = param().wire_resistance_row;
  network.col_resistance = param().wire_resistance_col;
  // The reference leaves the access transistor of FeFET cells out (chip quirk 23).
  const bool counted = param().memory_cell == MemoryCell::Rram || param().fefet_access;
  const bool access = counted && param().cmos_access();
  network.access_resistance = access ? param().access_resistance : 0;
  const int top = (1 << param().cell_bits) - 1;
  for (int digit = 0; digit <= top; ++digit)
    network.conductance.push_back(static_cast<double>(digit) / top *
                                      (param().max_conductance - param().min_conductance) +
                                  param().min_conductance);
}

}  // namespace cimsim
