// Subarrays of 6T SRAM cells, read through their bit lines.
#include <algorithm>
#include <cmath>

#include "circuits/precharger.hpp"
#include "circuits/sense_amp.hpp"
#include "circuits/switch_matrix.hpp"
#include "sram_cell.hpp"
#include "subarray_kinds.hpp"

namespace cimsim {
namespace {

class SramBuilder : public SubarrayBuilder {
 public:
  explicit SramBuilder(const Context& context)
      : SubarrayBuilder(context), precharger_(context), write_driver_(context) {
    load_lines();
    const double cols = param().cols;
    const ColumnActivity all{cols, cols, 1};
    precharger_.size(param().cols, wires_.col_resistance, all);
    write_driver_.size(param().cols, all);
  }

 protected:
  /// Access transistors on word and bit lines; publishes what circuits read from the cells.
  void load_lines() {
    const double height = nominal_cell_height(tech());
    const double access = transistor_width(param().sram_access_width);
    access_resistance_ = on_resistance(tech(), access, Channel::N);
    access_drain_ = drain_capacitance(tech(), access, Channel::N, height);
    array_.cell.cap_sram = sram_cell_capacitance(context_);
    array_.unit_cap = wires_.row_cap / param().cols;  // wire only (chip quirk 31)
    array_.unit_resistance = wires_.row_resistance / param().cols;
    wires_.col_cap += sram_bit_line_drain(context_) * param().rows;
    array_.column_cap = wires_.col_cap;
    const int gates = param().parallel_read ? 1 : 2;
    wires_.row_cap += gates * gate_capacitance(tech(), access) * param().cols;
    if (param().word_line_load) array_.unit_cap = wires_.row_cap / param().cols;
  }

  /// Time (s) for the bit line to fall by half of the sensed swing.
  double column_delay() const {
    const double pull_down =
        on_resistance(tech(), transistor_width(param().sram_nmos_width), Channel::N);
    const double rows = param().rows;
    const double cap = wires_.col_cap / rows + access_drain_;
    const double resistance = wires_.col_resistance / rows;
    const double tau =
        (access_resistance_ + pull_down) * cap * rows + cap * resistance * rows * (rows + 1) / 2;
    return tau * std::log(tech().vdd / (tech().vdd - param().min_sense_voltage / 2));
  }

  double cell_leakage() const { return sram_cell_leakage(context_); }

  Precharger precharger_;
  WriteDriver write_driver_;
  double access_resistance_ = 0;  // ohm
  double access_drain_ = 0;       // F
};

class SramParallel : public SramBuilder {
 public:
  explicit SramParallel(const Context& context) : SramBuilder(context), rows_(context) {}

  Subarray build() {
    size();
    layout();
    repeaters_ = word_line_repeaters();
    characterise();
    collect();
    return out_;
  }

 private:
  void size() {
    const double sections = param().repeaters + 1;
    rows_.size(LineKind::Row, param().rows, wires_.row_resistance / sections);
    array_.access_resistance = access_resistance_;
    const double pairs = param().parallel_rows / 2;
    select_.size(counts_, access_resistance_ / pairs);
    adc_.size(param().adc_levels, true, true, array_);
    const int bits =
        static_cast<int>(std::log2(param().adc_levels) + std::ceil(std::log2(counts_.groups)));
    if (counts_.groups > 1) accumulator_.add_rows(bits - 1, bits * counts_.adcs, counts_.adcs);
    if (counts_.digits > 1) accumulator_.add_digits(counts_.adcs, bits, counts_.digits);
    if (param().input_bits > 1)
      accumulator_.add_inputs(counts_.adcs, bits + counts_.digits, param().input_bits);
  }

  void layout() {
    const double width = wires_.row_length;
    rows_.layout(wires_.col_length, 0);
    precharger_.layout(width);
    write_driver_.layout(width);
    select_.layout(width);
    adc_.layout(width, array_);
    accumulator_.layout(width);
  }

  void characterise() {
    array_.dummy_energy = wires_.row_cap / param().cols * vdd2() * param().rows;
    rows_.latency(array_, 1);
    precharger_.latency(wires_.col_cap, 1, 1);
    select_.characterise(counts_);
    adc_.characterise(array_, counts_.muxed * counts_.groups);
    accumulator_.characterise();
    out_.column_delay = column_delay();

    const double driver = std::max(rows_.read_latency + repeaters_.delay, select_.latency());
    // The reference leaves the settling of columns out of the clock period (chip quirk 17).
    const double settling = param().column_settling ? out_.column_delay : 0;
    out_.sensing_cycle =
        (driver + precharger_.read_latency + settling + adc_.latency()) * validated(param().beta);
    ReadDelays d;
    d.sensing = adc_.latency() + precharger_.read_latency;
    d.column = out_.column_delay;
    d.word_line = rows_.read_latency;  // without the repeaters (chip quirk 18)
    d.selection = select_.latency();
    d.row_addition = accumulator_.row_time();
    d.digit_addition = accumulator_.digit_time();
    d.input_addition = accumulator_.input_time();
    const ReadTime time = parallel_read_time(param(), counts_, d);
    out_.read_time = [time](double) { return time; };
  }

  void collect() {
    add_energy(Part::WordLineSwitch, [&](double n) {
      rows_.power(counts_.muxed, n / param().rows);
      return rows_.read_energy;
    });
    add_energy(Part::Cells, [&](double n) {
      return counts_.muxed * n * vdd2() * (wires_.row_cap + repeaters_.load);
    });
    add_select_energy();
    add_group_energy();
    add_shift_energy();
    out_.sensing = adc_.sensing(array_);
    out_.sensing.dependence = ColumnSensing::Dependence::ActiveRows;
    out_.sensing.conductance_per_row = 1 / (access_resistance_ + param().wire_resistance_col);
    precharger_.power(counts_.muxed * counts_.groups, 1);
    // The reference counts this energy in its binary modes only (chip quirk 30).
    if (param().precharge_energy) add_fixed_energy(Part::Precharger, precharger_);
    write_driver_.power(1);

    add(Part::WordLineSwitch, rows_, rows_.read_latency);
    add(Part::Precharger, precharger_, precharger_.read_latency);
    add(Part::WriteDriver, write_driver_);
    add_select();
    add_adc();
    add_accumulator();
    if (repeaters_.area > 0)
      out_.parts.push_back({Part::WordLineRepeaters, repeaters_.area,
                            param().repeater_leakage ? repeaters_.leakage : 0, repeaters_.delay});

    const double height = precharger_.height + write_driver_.height + wires_.col_length +
                          adc_.height() + accumulator_.height() + select_.mux.height;
    const double width = std::max(rows_.width, select_.decoder.width) + wires_.row_length +
                         repeaters_.area / wires_.col_length;
    const double cells = static_cast<double>(param().rows) * param().cols;
    finish(height, width, cells * cell_leakage());
    out_.idle_leakage =
        cell_leakage() * (cells - static_cast<double>(param().parallel_rows) * counts_.adcs);
  }

  SwitchMatrix rows_;
  WordLineRepeaters repeaters_;
};

class SramSequential : public SramBuilder {
 public:
  explicit SramSequential(const Context& context)
      : SramBuilder(context), decoder_(context), sense_amp_(context) {}

  Subarray build() {
    out_.sequential = true;
    size();
    layout();
    characterise();
    collect();
    return out_;
  }

 private:
  int row_bits() const { return static_cast<int>(std::ceil(std::log2(param().rows))); }
  int weights() const { return param().cols / counts_.digits; }

  void size() {
    decoder_.size(DecoderKind::WordLine, row_bits());
    sense_amp_.size(param().cols, param().min_sense_voltage, wires_.row_length / param().cols,
                    param().cols);
    const int bits = row_bits() + 1;
    accumulator_.add_rows(bits - 1, bits * param().cols, param().cols);
    if (counts_.digits > 1) accumulator_.add_digits(weights(), bits, counts_.digits);
    if (param().input_bits > 1)
      accumulator_.add_inputs(weights(), bits + counts_.digits, param().input_bits);
  }

  void layout() {
    const double width = wires_.row_length;
    decoder_.layout(wires_.col_length);
    precharger_.layout(width);
    write_driver_.layout(width);
    sense_amp_.layout(0, width);
    accumulator_.layout(width);
  }

  void characterise() {
    decoder_.latency(kStep, wires_.row_cap, 0, wires_.row_resistance, param().cols, 1, 1);
    precharger_.latency(wires_.col_cap, 1, 1);
    sense_amp_.latency(1, sense_amp_.load_cap());
    accumulator_.characterise();
    out_.column_delay = column_delay();
    ReadDelays d;
    d.sensing = precharger_.read_latency + sense_amp_.read_latency;
    d.column = out_.column_delay;
    d.word_line = decoder_.read_latency;
    d.row_addition = accumulator_.row_time();
    d.digit_addition = accumulator_.digit_time();
    d.input_addition = accumulator_.input_time();
    out_.sensing_cycle = (d.word_line + d.sensing + d.column) * validated(param().beta);
    const Parameters p = param();
    const ReadoutCounts n = counts_;
    out_.read_time = [p, n, d](double active) { return sram_row_read_time(p, n, d, active); };
  }

  void collect() {
    add_energy(Part::RowDecoder, [&](double n) {
      decoder_.power(n, 1);
      return decoder_.read_energy;
    });
    add_energy(Part::Precharger, [&](double n) {
      precharger_.power(n, 1);
      return precharger_.read_energy;
    });
    add_energy(Part::Cells, [&](double n) { return wires_.row_cap * vdd2() * n; });
    add_energy(Part::Adder, [&](double n) {
      accumulator_.adder->power(n, weights());
      return accumulator_.adder->read_energy;
    });
    add_energy(Part::Register, [&](double n) {
      accumulator_.registers->power(n, weights() * (row_bits() / 2.0 + 1), param().validated);
      return accumulator_.registers->read_energy;
    });
    add_energy(Part::SenseAmplifier, [&](double n) {
      sense_amp_.power(n, sense_amp_.load_cap());
      return sense_amp_.read_energy;
    });
    if (accumulator_.digits) {
      accumulator_.digits->power(counts_.digits - 1);
      add_fixed_energy(Part::WeightShiftAdd, *accumulator_.digits);
    }
    if (accumulator_.inputs) {
      accumulator_.inputs->power(1);
      add_fixed_energy(Part::InputShiftAdd, *accumulator_.inputs);
    }
    write_driver_.power(1);
    out_.sensing.part = Part::SenseAmplifier;
    out_.sensing.energy = [](double) { return 0.0; };  // counted for each active row above

    add(Part::RowDecoder, decoder_, decoder_.read_latency);
    add(Part::Precharger, precharger_, precharger_.read_latency);
    add(Part::WriteDriver, write_driver_);
    add(Part::SenseAmplifier, sense_amp_, sense_amp_.read_latency);
    add_accumulator();
    // The layout has room for the registers twice.
    const FlipFlops& registers = *accumulator_.registers;
    out_.parts.push_back({Part::Register, registers.area, 0, 0});
    const double height = precharger_.height + write_driver_.height + wires_.col_length +
                          sense_amp_.height + accumulator_.height() + registers.height;
    const double cells = static_cast<double>(param().rows) * param().cols;
    finish(height, decoder_.width + wires_.row_length, cells * cell_leakage());
    out_.idle_leakage = cell_leakage() * (param().rows - 1.0) * param().cols;
  }

  RowDecoder decoder_;
  SenseAmp sense_amp_;
};

}  // namespace

Subarray sram_parallel(const Context& context) { return SramParallel(context).build(); }
Subarray sram_sequential(const Context& context) { return SramSequential(context).build(); }

}  // namespace cimsim
