// Resistive cells read row by row.
#include <algorithm>
#include <cmath>
#include <optional>

#include "circuits/decoder_driver.hpp"
#include "subarray_resistive.hpp"

namespace cimsim {
namespace {

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

Subarray resistive_sequential(const Context& context) {
  return ResistiveSequential(context).build();
}

}  // namespace cimsim
