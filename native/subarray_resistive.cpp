// Subarrays of RRAM, FeFET and non-volatile capacitor cells, read through source lines.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <optional>
#include <stdexcept>
#include <string>

#include "circuits/decoder_driver.hpp"
#include "circuits/level_shifter.hpp"
#include "circuits/switch_matrix.hpp"
#include "subarray_kinds.hpp"

namespace cimsim {
namespace {

std::string number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.4g", value);
  return text;
}

class ResistiveBuilder : public SubarrayBuilder {
 public:
  explicit ResistiveBuilder(const Context& context)
      : SubarrayBuilder(context), source_lines_(context) {
    if (param().nvcap() && param().current_mode && !param().sar_adc)
      throw std::domain_error("nvcap cells conduct no current: currentMode must be 0");
    if (param().nvcap()) {
      average_resistance_ = 2 / (1 / param().resistance_on + 1 / param().resistance_off);
    } else {
      connect_cells();
    }
    if (param().write_voltage > 1.5) {
      for (auto* shifter : {&word_line_shifter_, &bit_line_shifter_})
        shifter->emplace(context).size(param().rows);
      source_line_shifter_.emplace(context).size(param().cols);
    }
  }

 protected:
  /// Access transistors on word and bit lines, and the resistances seen through them.
  void connect_cells() {
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
    // Through the parallel rows and back: the last digit decides how pass gates fold (circuit quirk
    // 1).
    const double rows = param().parallel_rows;
    average_resistance_ = rows / ((1 / on * rows + 1 / off * rows) / 2);
    array_.cell.resistance_on = on;
    array_.cell.resistance_off = off;
    array_.cell.resistance_average = average_resistance_;
  }

  void check_access_transistor(double width) const {
    const double needed =
        tech().bulk() ? width
                      : ((width - 1) * tech().fin_pitch + tech().fin_width) / tech().feature_size;
    if (needed <= array_.cell.width) return;
    throw std::domain_error("the access transistor for resistanceOn " +
                            number(param().resistance_on) + " ohm is " + number(needed) +
                            " F wide but the cell is " + number(array_.cell.width) +
                            " F; use a higher resistance or a cross-point cell");
  }

  void layout_columns() {
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

  /// Recombination of weight digits and of input bits, where there is more than one.
  void add_shift_adds(int digit_bits, int digit_pulses, int input_bits) {
    if (counts_.digits > 1) accumulator_.add_digits(counts_.adcs, digit_bits, digit_pulses);
    if (param().input_bits > 1)
      accumulator_.add_inputs(counts_.adcs, input_bits, param().input_bits);
  }

  /// Height (m) that row circuits may take beside the multiplexer's decoder.
  double row_side_height() const { return height_ - select_.decoder.height; }

  /// Lays out the level shifters of rows and returns their width (m).
  double layout_row_shifters() {
    double width = 0;
    for (auto* shifter : {&word_line_shifter_, &bit_line_shifter_}) {
      if (!*shifter) continue;
      (*shifter)->layout(row_side_height(), 0);
      width += (*shifter)->width;
    }
    return width;
  }

  void add_shifters() {
    if (word_line_shifter_) add(Part::WordLineLevelShifter, *word_line_shifter_);
    if (bit_line_shifter_) add(Part::BitLineLevelShifter, *bit_line_shifter_);
    if (source_line_shifter_) add(Part::SourceLineLevelShifter, *source_line_shifter_);
  }

  ReadDelays delays(double word_line) const {
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

  void set_sensing() {
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
    const bool access = param().memory_cell == MemoryCell::Rram && param().cmos_access();
    network.access_resistance = access ? param().access_resistance : 0;
    const int top = (1 << param().cell_bits) - 1;
    for (int digit = 0; digit <= top; ++digit)
      network.conductance.push_back(static_cast<double>(digit) / top *
                                        (param().max_conductance - param().min_conductance) +
                                    param().min_conductance);
  }

  SwitchMatrix source_lines_;
  std::optional<LevelShifter> word_line_shifter_, bit_line_shifter_, source_line_shifter_;
  double average_resistance_ = 0;  // ohm
  double height_ = 0;              // m
};

class ResistiveParallel : public ResistiveBuilder {
 public:
  explicit ResistiveParallel(const Context& context) : ResistiveBuilder(context) {}

  Subarray build() {
    size();
    layout_columns();
    layout_rows();
    repeaters_ =
        param().nvcap() || !param().cmos_access() ? WordLineRepeaters{} : word_line_repeaters();
    characterise();
    collect();
    return out_;
  }

 private:
  bool pass_gates() const { return param().cmos_access() && !param().nvcap(); }

  void size() {
    const double resistance = average_resistance_ / param().parallel_rows;
    if (pass_gates()) {
      pass_gates_.emplace(context_).size(param().rows);
    } else {
      switches_.emplace(context_).size(LineKind::Row, param().rows,
                                       resistance * param().rows / param().cols);
    }
    source_lines_.size(LineKind::Column, param().cols, resistance * param().rows);
    select_.size(counts_, resistance);
    adc_.size(param().adc_levels, true, true, array_);
    const double level_bits = std::log2(param().adc_levels);
    const int bits = static_cast<int>(level_bits + std::ceil(std::log2(counts_.groups)));
    if (counts_.groups > 1) accumulator_.add_rows(bits - 1, bits * counts_.adcs, counts_.adcs);
    if (param().nvcap()) {
      const int weight_bits = (counts_.digits - 1) * param().cell_bits + 1;
      add_shift_adds(bits, weight_bits, bits + weight_bits);
    } else {
      // Row groups and bits per cell are left out of these widths (chip quirk 20).
      add_shift_adds(static_cast<int>(level_bits), counts_.digits,
                     static_cast<int>(level_bits + counts_.digits));
    }
  }

  void layout_rows() {
    if (pass_gates_) pass_gates_->layout(row_side_height());
    if (switches_) switches_->layout(row_side_height(), 0);
    row_width_ = layout_row_shifters() + (pass_gates_ ? pass_gates_->width : switches_->width);
  }

  void characterise() {
    double driver = 0;
    if (pass_gates_) {
      const double sections = param().repeaters + 1;
      const double load = repeaters_.area > 0
                              ? wires_.row_cap / sections + array_.repeater_input_cap
                              : wires_.row_cap;
      const double resistance =
          repeaters_.area > 0 ? wires_.row_resistance / sections : wires_.row_resistance;
      pass_gates_->latency(kStep, load, resistance, 1);
      driver = pass_gates_->read_latency;
    } else {
      switches_->latency(array_, 1);
      driver = switches_->read_latency;
    }
    select_.characterise(counts_);
    adc_.characterise(array_, counts_.muxed * counts_.groups);
    accumulator_.characterise();
    source_lines_.power(1, 1);
    const int pairs = std::max(param().parallel_rows / 2, 1);
    out_.column_delay = param().nvcap() ? param().charge_delay / 128 * param().parallel_rows
                                        : 0.2 * wires_.col_cap * average_resistance_ / pairs;
    // Only capacitive columns settle within the clock period (chip quirk 17).
    out_.sensing_cycle = (std::max(driver + repeaters_.delay, select_.latency()) +
                          (param().nvcap() ? out_.column_delay : 0) + adc_.latency()) *
                         validated(param().beta);
    const ReadTime time = parallel_read_time(param(), counts_, delays(driver));
    out_.read_time = [time](double) { return time; };
  }

  void collect() {
    const double rows = param().rows;
    if (pass_gates_) {
      add_energy(Part::WordLinePassGates, [&](double n) {
        pass_gates_->power(counts_.muxed, n / rows);
        return pass_gates_->read_energy;
      });
      add(Part::WordLinePassGates, *pass_gates_, pass_gates_->read_latency);
    } else {
      add_energy(Part::WordLineSwitch, [&](double n) {
        switches_->power(counts_.muxed, n / rows);
        return switches_->read_energy;
      });
      add(Part::WordLineSwitch, *switches_, switches_->read_latency);
    }
    add_energy(Part::Cells, [&](double n) { return cell_energy(n); });
    add_select_energy();
    add_group_energy();
    add_shift_energy();
    set_sensing();

    add_shifters();
    add(Part::SourceLineSwitch, source_lines_);
    add_select();
    add_adc();
    add_accumulator();
    if (repeaters_.area > 0)
      out_.parts.push_back(
          {Part::WordLineRepeaters, repeaters_.area, repeaters_.leakage, repeaters_.delay});
    finish(height_,
           std::max(row_width_, select_.decoder.width) + wires_.row_length +
               repeaters_.area / wires_.col_length,
           0);
  }

  /// Energy (J) of the word lines of a read, and for capacitive cells of the charge amplifiers.
  double cell_energy(double active_rows) const {
    const double reads = counts_.muxed * active_rows;
    if (!param().nvcap()) {
      const double v = param().access_voltage;
      return reads * v * v * (wires_.row_cap + repeaters_.load);
    }
    const double v = param().read_voltage;
    return reads * wires_.row_cap * v * v +
           0.29e-3 * (out_.column_delay + 1e-9) * param().cols / 128 * counts_.groups;
  }

  std::optional<NewSwitchMatrix> pass_gates_;
  std::optional<SwitchMatrix> switches_;
  WordLineRepeaters repeaters_;
  double row_width_ = 0;  // m
};

class ResistiveSequential : public ResistiveBuilder {
 public:
  explicit ResistiveSequential(const Context& context)
      : ResistiveBuilder(context), decoder_(context) {}

  Subarray build() {
    out_.sequential = true;
    size();
    layout_columns();
    layout_rows();
    characterise();
    collect();
    return out_;
  }

 private:
  int row_bits() const { return static_cast<int>(std::ceil(std::log2(param().rows))); }
  /// Columns that are sensed at once.
  double sensed() const { return std::ceil(static_cast<double>(param().cols) / counts_.muxed); }

  void size() {
    const double resistance = array_.cell.resistance_on;
    decoder_.size(DecoderKind::WordLine, row_bits());
    if (param().cmos_access()) {
      driver_.emplace(context_).size(param().rows);
    } else {
      cross_point_driver_.emplace(context_).size(param().rows, param().cols, resistance);
    }
    source_lines_.size(LineKind::Column, param().cols, resistance);
    select_.size(counts_, resistance);
    adc_.size(1 << param().cell_bits, false, param().cell_bits > 1, array_);
    const int bits = row_bits() + param().cell_bits;
    const int weight_bits = (counts_.digits - 1) * param().cell_bits + 1;
    accumulator_.add_rows(bits - 1, bits * counts_.adcs, counts_.adcs);
    add_shift_adds(bits, weight_bits, bits + weight_bits);
  }

  void layout_rows() {
    const double height = row_side_height();
    decoder_.layout(height);
    if (driver_) driver_->layout(height);
    if (cross_point_driver_) cross_point_driver_->layout(height);
    row_width_ = layout_row_shifters() + decoder_.width +
                 (driver_ ? driver_->width : cross_point_driver_->width);
  }

  void characterise() {
    decoder_.latency(kStep, wires_.row_cap, 0, wires_.row_resistance, param().cols, 1, 1);
    double row = decoder_.read_latency;
    if (driver_) {
      driver_->latency(decoder_.output_ramp(), wires_.row_cap, wires_.row_resistance, 1);
      row += driver_->read_latency;
    } else {
      cross_point_driver_->latency(decoder_.output_ramp(), wires_.plain_row_cap,
                                   wires_.row_resistance, 1);
      row += cross_point_driver_->read_latency;
    }
    select_.characterise(counts_);
    adc_.characterise(array_, counts_.muxed);
    accumulator_.characterise();
    source_lines_.power(1, 1);
    out_.column_delay = 0.2 * wires_.col_cap * average_resistance_;
    out_.sensing_cycle = (std::max(row, select_.latency()) + out_.column_delay + adc_.latency()) *
                         validated(param().beta);
    const Parameters p = param();
    const ReadoutCounts n = counts_;
    const ReadDelays d = delays(row);
    out_.read_time = [p, n, d](double active) { return sequential_read_time(p, n, d, active); };
  }

  void collect() {
    const double muxed = counts_.muxed;
    add_energy(Part::RowDecoder, [&](double n) {
      decoder_.power(n * muxed, 1);
      return decoder_.read_energy;
    });
    if (driver_) {
      add_energy(Part::RowDecoderDriver, [&](double n) {
        driver_->power(n * muxed);
        return driver_->read_energy;
      });
    } else {
      add_energy(Part::CrossPointDecoderDriver, [&](double n) {
        cross_point_driver_->power(sensed(), n * muxed);
        return cross_point_driver_->read_energy;
      });
    }
    add_energy(Part::Cells, [&](double n) {
      const double read = param().read_voltage, access = param().access_voltage;
      return n * muxed *
             (wires_.bit_line_cap * read * read * sensed() + wires_.row_cap * access * access);
    });
    add_energy(Part::Adder, [&](double n) {
      accumulator_.adder->power(muxed * n, sensed());
      return accumulator_.adder->read_energy;
    });
    add_energy(Part::Register, [&](double n) {
      accumulator_.registers->power(muxed * n, sensed() * (row_bits() / 2.0 + param().cell_bits),
                                    param().validated);
      return accumulator_.registers->read_energy;
    });
    add_select_energy();
    add_shift_energy();
    set_sensing();

    add_shifters();
    add(Part::RowDecoder, decoder_, decoder_.read_latency);
    if (driver_) add(Part::RowDecoderDriver, *driver_, driver_->read_latency);
    if (cross_point_driver_)
      add(Part::CrossPointDecoderDriver, *cross_point_driver_, cross_point_driver_->read_latency);
    add(Part::SourceLineSwitch, source_lines_);
    add_select();
    add_adc();
    add_accumulator();
    finish(height_, std::max(row_width_, select_.decoder.width) + wires_.row_length, 0);
  }

  RowDecoder decoder_;
  std::optional<NewDecoderDriver> driver_;
  std::optional<DecoderDriver> cross_point_driver_;
  double row_width_ = 0;  // m
};

}  // namespace

Subarray resistive_parallel(const Context& context) { return ResistiveParallel(context).build(); }
Subarray resistive_sequential(const Context& context) {
  return ResistiveSequential(context).build();
}

}  // namespace cimsim
