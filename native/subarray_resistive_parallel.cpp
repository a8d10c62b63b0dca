// Resistive and capacitive cells, groups of rows read together.
#include <algorithm>
#include <cmath>
#include <optional>

#include "subarray_resistive.hpp"

namespace cimsim {
namespace {

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
    if (param().nvcap() || param().shift_add_width) {
      const int weight_bits = (counts_.digits - 1) * param().cell_bits + 1;
      add_shift_adds(bits, weight_bits, bits + weight_bits);
    } else {
      // The reference leaves row groups and bits per cell out of these widths (chip quirk 20).
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
    // In the reference only capacitive columns settle within the clock period (chip quirk 17).
    const bool settles = param().nvcap() || param().column_settling;
    out_.sensing_cycle = (std::max(driver + repeaters_.delay, select_.latency()) +
                          (settles ? out_.column_delay : 0) + adc_.latency()) *
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

}  // namespace

Subarray resistive_parallel(const Context& context) { return ResistiveParallel(context).build(); }

}  // namespace cimsim
