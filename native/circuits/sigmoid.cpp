#include "circuits/sigmoid.hpp"

#include <algorithm>
#include <cmath>

namespace cimsim {

void Sigmoid::size(bool sram, int output_bits, int entries, int functions, const Cell& cell) {
  sram_ = sram;
  output_bits_ = output_bits;
  entries_ = entries;
  functions_ = functions;
  // The geometry is that of the array's cell, whatever the table is stored in (quirk 25).
  const double cell_height = cell.height * feature(), cell_width = cell.width * feature();
  if (sram) {
    const Outline inverter = cell_outline(context(), Gate::Inverter, 1, minimum_inverter(tech()));
    unit_height_ = inverter.height + cell_height;
    unit_width_ = std::max(inverter.width * 3, cell_width) * output_bits;
    sense_amp_.size(output_bits, cell.min_sense_voltage, unit_width_ / output_bits, 1);
  } else {
    unit_height_ = cell_height;
    unit_width_ = cell_width * output_bits;
    voltage_sense_amp_.size(output_bits);
  }
  decoder_.size(DecoderKind::WordLine, static_cast<int>(std::ceil(std::log2(entries))));
}

void Sigmoid::layout(double new_height, double new_width) {
  decoder_.layout(0);
  double sensing = 0;
  if (sram_) {
    sense_amp_.layout(0, 0);
    sensing = sense_amp_.area;
  } else {
    voltage_sense_amp_.layout(unit_width_ / output_bits_);
    sensing = voltage_sense_amp_.area;
  }
  const double unit = unit_height_ * unit_width_ * entries_ + decoder_.area + sensing;
  stretch(unit * functions_, new_height, new_width);
}

void Sigmoid::latency(double reads, const Cell& cell) {
  // Neither the load of the word line nor the delay of the bit line is counted (quirk 25).
  decoder_.latency(kStep, 0, 0, unit_width_ * param().metal0_unit_resistance, output_bits_, 1, 1);
  double sensing = 0;
  if (sram_) {
    sense_amp_.latency(1, sense_amp_.load_cap());
    sensing = sense_amp_.read_latency;
  } else {
    voltage_sense_amp_.latency(0, cell, 1);
    sensing = voltage_sense_amp_.read_latency;
  }
  read_latency = in_cycles(decoder_.read_latency + sensing) * reads;
}

void Sigmoid::power(double reads, const Cell& cell) {
  decoder_.power(1, 1);
  if (sram_) {
    const double unit = tech().fin_factor() * feature();
    const Widths w{unit * cell.nmos_width, unit * cell.pmos_width};
    sense_amp_.power(1, sense_amp_.load_cap());
    read_energy = decoder_.read_energy + sense_amp_.read_energy;
    leakage = 2 * leakage_current(tech(), Gate::Inverter, 1, w) * vdd() * output_bits_ * entries_ +
              decoder_.leakage + sense_amp_.leakage;
  } else {
    voltage_sense_amp_.power(1);
    read_energy = decoder_.read_energy + voltage_sense_amp_.read_energy;
    leakage = decoder_.leakage + voltage_sense_amp_.leakage;
  }
  read_energy *= reads * functions_;
}

}  // namespace cimsim
