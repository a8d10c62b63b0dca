#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "subarray_kinds.hpp"

namespace cimsim {
namespace {

int address_bits(int lines) { return static_cast<int>(std::ceil(std::log2(lines))); }

}  // namespace

ReadoutCounts::ReadoutCounts(const Parameters& p)
    : muxed(std::min(p.cols_muxed, p.cols)),
      adcs(p.cols / muxed),
      digits(p.cols_per_synapse),
      groups(p.parallel_read ? p.rows / p.parallel_rows : p.rows),
      weights_per_adc(p.weights_among(muxed)) {}

void ColumnSelect::size(const ReadoutCounts& n, double series_resistance) {
  if (n.muxed <= 1) return;
  present = true;
  mux.size(n.adcs, n.muxed, series_resistance);
  decoder.size(DecoderKind::Multiplexer, address_bits(n.muxed));
}

void ColumnSelect::layout(double width) {
  if (!present) return;
  mux.layout(width);
  decoder.layout(0);
  mux.layout_override(std::max(decoder.height, mux.height), width);
}

void ColumnSelect::characterise(const ReadoutCounts& n) {
  if (!present) return;
  mux.latency(0, 1);
  decoder.latency(kStep, mux.gate().gate_n * n.adcs, mux.gate().gate_p * n.adcs, 0, 0, 1, 0);
  mux.power(n.muxed);
  decoder.power(n.muxed, 1);
}

void ColumnAdc::size(int levels, bool parallel, bool encoded, const ArrayValues& array) {
  if (context_.parameters.sar_adc) {
    sar.emplace(context_).size(n_.adcs, levels);
    return;
  }
  flash.emplace(context_).size(n_.adcs, levels, parallel, array);
  if (encoded) encoder.emplace(context_).size(levels, n_.adcs);
}

void ColumnAdc::layout(double width, const ArrayValues& array) {
  if (flash) flash->layout(0, width, array);
  if (encoder) encoder->layout(0, width);
  if (sar) sar->layout(0, width);
}

void ColumnAdc::characterise(const ArrayValues& array, double encoder_reads) {
  if (flash) flash->latency(array, 1);
  if (sar) sar->latency(1);
  if (!encoder) return;
  encoder->latency(kStep, 1);
  encoder->power(encoder_reads);
}

double ColumnAdc::height() const {
  return (flash ? flash->height : 0) + (encoder ? encoder->height : 0) + (sar ? sar->height : 0);
}

double ColumnAdc::latency() const {
  return (flash ? flash->read_latency : 0) + (encoder ? encoder->read_latency : 0) +
         (sar ? sar->read_latency : 0);
}

ColumnSensing ColumnAdc::sensing(const ArrayValues& array) const {
  ColumnSensing out;
  out.part = sar ? Part::SarAdc : Part::MultilevelSenseAmplifier;
  const ColumnEnergy energy = sar ? sar->column_energy() : flash->column_energy(array);
  out.energy = [energy](double conductance) { return energy(1 / conductance); };
  return out;
}

void Accumulator::add_rows(int bits, int register_count, int units) {
  adder.emplace(context_).size(bits, units);
  registers.emplace(context_).size(register_count);
}

void Accumulator::add_digits(int units, int bits, int pulses) {
  digits.emplace(context_).size(units, bits, pulses);
}

void Accumulator::add_inputs(int units, int bits, int pulses) {
  inputs.emplace(context_).size(units, bits, pulses);
}

void Accumulator::layout(double width) {
  if (adder) adder->layout(0, width);
  if (registers) registers->layout(0, width);
  if (digits) digits->layout(0, width);
  if (inputs) inputs->layout(0, width);
}

void Accumulator::characterise() {
  if (adder) adder->latency(kStep, registers->input_drain_cap(), 1);
  if (digits) digits->latency(1);
  if (inputs) inputs->latency(1);
}

double Accumulator::height() const {
  return (adder ? adder->height : 0) + (registers ? registers->height : 0) +
         (digits ? digits->height : 0) + (inputs ? inputs->height : 0);
}

void SubarrayBuilder::lay_wires() {
  const double f = tech().feature_size, h = array_.cell.height, w = array_.cell.width;
  const bool cross_point = !param().sram() && !param().cmos_access();
  const double unit = cross_point ? param().cell_feature_size : f;
  // Products from left to right: how many row circuits fit beside the array hangs on the last
  // digit.
  wires_.row_length = param().cols * w * unit;
  wires_.col_length = param().rows * h * unit;
  const double gate_height = standard_cell_height(tech());
  // The pitch of two poly lines, rounded differently at 14 nm (circuit quirk 45).
  const double gate_width = tech().node == 14 ? 10.6 * f : minimum_cell_width(tech());
  if (param().relax_cell_width)
    wires_.row_length =
        std::max(wires_.row_length, param().cols * (param().sram() ? gate_height : 2 * gate_width));
  if (param().relax_cell_height)
    wires_.col_length =
        std::max(wires_.col_length, param().rows * (param().sram() ? gate_width : gate_height));
  wires_.plain_row_cap = wires_.row_cap = wires_.row_length * kWireCapacitance;
  wires_.bit_line_cap = wires_.col_cap = wires_.col_length * kWireCapacitance;
  wires_.row_resistance = wires_.row_length * param().metal1_unit_resistance;
  wires_.col_resistance = wires_.col_length * param().metal0_unit_resistance;
  // Dummy columns of the ADC: the local wire width serves as feature size (circuit quirk 51).
  array_.cell_width = w * (param().sram() ? f : param().cell_feature_size);
  array_.array_height = param().rows * h * param().cell_feature_size;
}

WordLineRepeaters SubarrayBuilder::word_line_repeaters() {
  WordLineRepeaters out;
  const double count = param().repeaters, f = tech().feature_size;
  if (count <= 0) return out;
  array_.unit_cap = wires_.row_cap / param().cols;
  const double minimum = transistor_width(1);
  const double drive = on_resistance(tech(), minimum * param().repeater_sizing, Channel::N);
  Widths w{on_resistance(tech(), minimum, Channel::N) / drive * f,
           on_resistance(tech(), minimum, Channel::P) / drive * f};
  if (!tech().bulk()) w = {2 * std::ceil(w.n / f) * f, 2 * std::ceil(w.p / f) * f};
  const double cell = nominal_cell_height(tech());
  const GateCaps caps = gate_caps(tech(), Gate::Inverter, 1, w, cell);
  const double section = param().cols / (count + 1);
  const double cap = array_.unit_cap * section;
  const double resistance = wires_.row_resistance / param().cols * section;
  const double wire = 0.69 * drive * caps.output + cap * (0.69 * drive + 0.38 * resistance);
  // Farad and ohm are added in this term (chip quirk 28).
  const double loaded = wire + (0.69 * cap + 0.69 * drive) * caps.input;
  const double own = 0.69 * drive * (caps.output + caps.input);
  out.delay = (count - 1) * (loaded + own) + (wire + own);
  out.area = gate_outline(tech(), Gate::Inverter, 1, w, cell).area() * count * 2 * param().rows;
  out.load = 2 * count * (caps.input + caps.output);
  // The reference takes the current for a power (chip quirk 28).
  const double volt = param().repeater_leakage ? tech().vdd : 1;
  out.leakage = leakage_current(tech(), Gate::Inverter, 1, w) * volt * count * 2 * param().rows;
  array_.repeater_input_cap = caps.input;
  return out;
}

void SubarrayBuilder::add(Part part, const Circuit& circuit, double sensing_time) {
  out_.parts.push_back({part, circuit.area, circuit.leakage, sensing_time, circuit.fits});
}

void SubarrayBuilder::add_select() {
  if (!select_.present) return;
  add(Part::ColumnMux, select_.mux, select_.mux.read_latency);
  add(Part::ColumnMuxDecoder, select_.decoder, select_.decoder.read_latency);
}

void SubarrayBuilder::add_adc() {
  if (adc_.flash) add(Part::MultilevelSenseAmplifier, *adc_.flash, adc_.flash->read_latency);
  if (adc_.encoder) add(Part::AdcEncoder, *adc_.encoder, adc_.encoder->read_latency);
  if (adc_.sar) add(Part::SarAdc, *adc_.sar, adc_.sar->read_latency);
}

void SubarrayBuilder::add_accumulator() {
  if (accumulator_.adder) add(Part::Adder, *accumulator_.adder);
  if (accumulator_.registers) add(Part::Register, *accumulator_.registers);
  if (accumulator_.digits) add(Part::WeightShiftAdd, *accumulator_.digits);
  if (accumulator_.inputs) add(Part::InputShiftAdd, *accumulator_.inputs);
}

void SubarrayBuilder::add_select_energy() {
  if (!select_.present) return;
  add_fixed_energy(Part::ColumnMux, select_.mux);
  add_fixed_energy(Part::ColumnMuxDecoder, select_.decoder);
}

void SubarrayBuilder::add_shift_energy() {
  if (accumulator_.digits) {
    accumulator_.digits->power((counts_.digits - 1) * counts_.weights_per_adc);
    add_fixed_energy(Part::WeightShiftAdd, *accumulator_.digits);
  }
  if (accumulator_.inputs) {
    accumulator_.inputs->power(counts_.weights_per_adc);
    add_fixed_energy(Part::InputShiftAdd, *accumulator_.inputs);
  }
}

void SubarrayBuilder::add_group_energy() {
  if (!accumulator_.adder) return;
  const double reads = counts_.muxed * (counts_.groups - 1);
  accumulator_.adder->power(reads, counts_.adcs);
  add_fixed_energy(Part::Adder, *accumulator_.adder);
  const double bits = std::log2(param().adc_levels) + std::ceil(std::log2(counts_.groups)) / 2;
  accumulator_.registers->power(reads, counts_.adcs * bits, param().validated);
  add_fixed_energy(Part::Register, *accumulator_.registers);
}

void SubarrayBuilder::finish(double height, double width, double cell_leakage) {
  out_.height = height;
  out_.width = width;
  out_.areas.array = wires_.area();
  out_.leakage = cell_leakage;
  for (const auto& part : out_.parts) {
    const double area = part.area;
    switch (info(part.part).category) {
      case Category::Adc:
        out_.areas.adc += area;
        break;
      case Category::Accumulation:
        out_.areas.accumulation += area;
        break;
      case Category::Other:
        out_.areas.other += area;
        break;
    }
    out_.leakage += part.leakage;
  }
  out_.parts.push_back({Part::Cells, wires_.area(), cell_leakage, 0});
  out_.row_groups = counts_.groups;
  out_.cell = array_.cell;
}

}  // namespace cimsim
