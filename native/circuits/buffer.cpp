#include "circuits/buffer.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>

namespace cimsim {

Buffer::Buffer(const Context& context)
    : Circuit(context),
      flip_flops_(context),
      decoder_(context),
      precharger_(context),
      write_driver_(context),
      sense_amp_(context) {}

int Buffer::rows() const { return (bits_ + line_width_ - 1) / line_width_; }

void Buffer::size(int bits, int line_width, bool sram) {
  if (bits < 1 || line_width < 1) throw std::domain_error("a buffer must hold one bit at least");
  bits_ = bits;
  line_width_ = line_width;
  sram_ = sram;
  decoder_.size(DecoderKind::WordLine, static_cast<int>(std::ceil(std::log2(rows()))));
  if (sram) {
    row_length_ = line_width * param().sram_cell_width * feature();
    col_length_ = rows() * param().sram_cell_height * feature();
  } else {
    flip_flops_.size(bits);
  }
}

// The array's cell sets the transistors of the buffer's cells, also if it is not SRAM (quirk 27).
void Buffer::size_sram(const Cell& cell) {
  const double access = tech().fin_factor() * cell.access_width * feature();
  row_cap_ = row_length_ * kWireCapacitance + 2 * gate_capacitance(tech(), access) * line_width_;
  const double drain = tech().bulk()
                           ? drain_capacitance(tech(), cell.access_width * feature(), Channel::N,
                                               nominal_cell_height(tech()))
                           : tech().cap_drain_total * cell.access_width * tech().effective_width;
  col_cap_ = col_length_ * kWireCapacitance + drain * rows();
  const ColumnActivity all{double(line_width_), double(line_width_), 1};
  precharger_.size(line_width_, col_length_ * param().unit_wire_resistance, all);
  write_driver_.size(line_width_, all);
  sense_amp_.size(line_width_, cell.min_sense_voltage, row_length_ / line_width_, line_width_);
}

double Buffer::sense_load() const {
  // The reference never computes the load of these sense amplifiers: it stays 0 (quirk 27).
  return param().buffer_sense_load ? sense_amp_.load_cap() : 0;
}

void Buffer::layout(double new_height, double new_width, const Cell& cell) {
  if (!sram_) {
    flip_flops_.layout(0, 0);
    decoder_.layout(flip_flops_.unit().height * rows());
    stretch(flip_flops_.area + decoder_.area, new_height, new_width);
    return;
  }
  size_sram(cell);
  decoder_.layout(col_length_);
  precharger_.layout(row_length_);
  write_driver_.layout(row_length_);
  stretch(row_length_ * col_length_ + decoder_.area + precharger_.area + write_driver_.area,
          new_height, new_width);
}

void Buffer::latency(double reads, double writes, const Cell& cell) {
  if (param().synchronous) {
    read_latency = reads;
    write_latency = writes;
  } else if (sram_) {
    sram_latency(reads, writes, cell);
  } else {
    read_latency = write_latency = std::numeric_limits<double>::infinity();
  }
}

void Buffer::sram_latency(double reads, double writes, const Cell& cell) {
  const double lines = rows();
  const double bit_line = col_length_ * kWireCapacitance;
  decoder_.latency(kStep, row_length_ * kWireCapacitance, 0,
                   row_length_ * param().metal0_unit_resistance, line_width_, lines, lines);
  precharger_.latency(bit_line, lines, lines);
  write_driver_.latency(kStep, bit_line, col_length_ * param().unit_wire_resistance, lines);
  sense_amp_.latency(lines, sense_load());
  const double unit = tech().fin_factor() * feature();
  const double pull_down = on_resistance(tech(), unit * cell.access_width, Channel::N) +
                           on_resistance(tech(), unit * cell.nmos_width, Channel::N);
  const double wire = col_length_ * param().metal1_unit_resistance;
  const double swing = std::log(vdd() / (vdd() - cell.min_sense_voltage / 2));
  const double column =
      lines * swing *
      (pull_down * col_cap_ + col_cap_ / lines * (wire / lines) * lines * (lines + 1) / 2);
  const double read =
      decoder_.read_latency + precharger_.read_latency + column + sense_amp_.read_latency;
  const double write =
      precharger_.write_latency + std::max(decoder_.write_latency, write_driver_.write_latency);
  read_latency = read / lines * reads;
  write_latency = write / lines * writes;
}

void Buffer::power(double read_bits, double reads, double write_bits, double writes,
                   const Cell& cell) {
  double read = 0, write = 0;  // of the whole buffer
  if (sram_) {
    const double lines = rows();
    decoder_.power(lines, lines);
    precharger_.power(lines, lines);
    write_driver_.power(lines);
    sense_amp_.power(lines, sense_load());
    const double word_lines = row_cap_ * vdd2() * lines;
    read = decoder_.read_energy + precharger_.read_energy + sense_amp_.read_energy + word_lines;
    write = decoder_.write_energy + precharger_.write_energy + write_driver_.write_energy +
            cell.cap_sram * vdd2() * bits_ + word_lines;
    leakage = decoder_.leakage + precharger_.leakage + write_driver_.leakage + sense_amp_.leakage;
  } else {
    decoder_.power(bits_ / line_width_, bits_ / line_width_);
    flip_flops_.power(1, bits_, true);
    read = flip_flops_.read_energy + decoder_.read_energy;
    write = flip_flops_.write_energy + decoder_.write_energy;
    leakage = flip_flops_.leakage + decoder_.leakage;
  }
  read_energy = read / bits_ * read_bits * reads;
  write_energy = write / bits_ * write_bits * writes;
}

}  // namespace cimsim
