#include "circuits/decoder_driver.hpp"

#include <algorithm>
#include <cmath>

namespace cimsim {
namespace {

// Logic gates at the already scaled cell height, which is scaled once more (quirk 7).
Outline driver_gate(const Technology& t, Gate gate, int inputs, Widths w) {
  return gate_outline(t, gate, inputs, w, standard_cell_height(t));
}

}  // namespace

DecoderDriver::DecoderDriver(const Context& context)
    : Circuit(context), inverter_(enlarge(tech(), minimum_inverter(tech()))) {
  const double h = driver_gate(tech(), Gate::Inverter, 1, inverter_).height;
  caps_ = gate_caps(tech(), Gate::Inverter, 1, inverter_, h);
}

void DecoderDriver::size(int rows, int load_cells, double cell_resistance) {
  rows_ = rows;
  gate_ = PassGate::of_widths(
      tech(), widths_for_resistance(tech(), cell_resistance / load_cells * 0.25, 1));
}

void DecoderDriver::layout(double new_height) {
  const double columns =
      columns_needed(rows_, std::floor(new_height / standard_cell_height(tech())), "a row driver");
  const Outline gate = gate_outline(tech(), Gate::Inverter, 1, gate_.widths,
                                    new_height / std::ceil(rows_ / columns));
  const Outline inverter = driver_gate(tech(), Gate::Inverter, 1, inverter_);
  const double unit_height = std::max(inverter.height, gate.height);
  const double unit_width = inverter.width + (param().cmos_access() ? 3 : 2) * gate.width;
  const double unit_columns = std::min<double>(
      columns_needed(rows_, std::floor(new_height / unit_height), "a row driver"), rows_);
  set_outline(new_height, unit_width * unit_columns);
  gate_.load_drain(tech(), gate.height);
}

void DecoderDriver::latency(double input_ramp, double load, double wire_resistance, double reads) {
  const double tau = gate_.resistance * (gate_.own_load(4) + load) + wire_resistance * load / 2;
  read_latency = horowitz(tau, input_ramp).delay * reads;
}

void DecoderDriver::power(double active_rows, double reads) {
  leakage = leakage_current(tech(), Gate::Inverter, 1, inverter_) * vdd() * rows_;
  const int gates = param().cmos_access() ? 3 : 2;
  const double switched = caps_.input + caps_.output + gates * (gate_.gate_n + gate_.gate_p);
  read_energy = switched * vdd2() * active_rows * reads;
  if (!param().cmos_access()) {
    const double v = param().read_voltage;
    read_energy += gate_.drain * 2 * v * v * (rows_ - active_rows) * reads;
  }
}

NewDecoderDriver::NewDecoderDriver(const Context& context)
    : Circuit(context),
      nand_(enlarge(tech(), {4 * feature(), tech().pn_size_ratio * 2 * feature()})),
      inverter_(enlarge(tech(), minimum_inverter(tech()))),
      gate_(PassGate::of_widths(tech(), inverter_)) {
  // Both transistors have 0.2 of the linear resistance of their widths.
  gate_.resistance = 1 / (1 / (linear_resistance(tech(), inverter_.n, Channel::N) * 0.2) +
                          1 / (linear_resistance(tech(), inverter_.p, Channel::P) * 0.2));
  const double nand_height = driver_gate(tech(), Gate::Nand, 2, nand_).height;
  const double inverter_height = driver_gate(tech(), Gate::Inverter, 1, inverter_).height;
  nand_caps_ = gate_caps(tech(), Gate::Nand, 2, nand_, nand_height);
  inverter_caps_ = gate_caps(tech(), Gate::Inverter, 1, inverter_, inverter_height);
}

void NewDecoderDriver::layout(double new_height) {
  const double minimum = standard_cell_height(tech());
  const Outline nand = driver_gate(tech(), Gate::Nand, 2, nand_);
  const Outline inverter = driver_gate(tech(), Gate::Inverter, 1, inverter_);
  double pitch = minimum;
  if (new_height != 0) {
    pitch = new_height / rows_;
    if (pitch < minimum) pitch = new_height / std::ceil(rows_ / std::ceil(minimum / pitch));
  }
  const Outline gate = gate_outline(tech(), Gate::Inverter, 1, gate_.widths, pitch);
  const double unit_height = std::max({nand.height, inverter.height, gate.height});
  const double unit_width = nand.width * 3 + inverter.width + gate.width * 2;
  if (new_height != 0) {
    set_outline(new_height, unit_width * columns_needed(rows_, std::floor(new_height / unit_height),
                                                        "a row driver"));
  } else {
    set_outline(unit_height * rows_, unit_width);
  }
  gate_.load_drain(tech(), gate.height);
}

void NewDecoderDriver::latency(double input_ramp, double load, double wire_resistance,
                               double reads) {
  const double down = on_resistance(tech(), nand_.n, Channel::N) * 2;
  const double up = on_resistance(tech(), inverter_.p, Channel::P);
  const double select =
      horowitz(down * (nand_caps_.output + inverter_caps_.input), input_ramp).delay;
  const double buffer =
      horowitz(up * (inverter_caps_.output + nand_caps_.input * 2), input_ramp).delay;
  const double enable =
      horowitz(down * (nand_caps_.output + gate_.gate_p + gate_.gate_n), input_ramp).delay;
  const double line =
      horowitz(gate_.resistance * (gate_.drain * 2 + load) + wire_resistance * load / 2, kStep)
          .delay;
  read_latency = (select + buffer + enable + line) * reads;
}

void NewDecoderDriver::power(double reads) {
  leakage = 2 * rows_ *
            (leakage_current(tech(), Gate::Nand, 2, nand_) +
             leakage_current(tech(), Gate::Inverter, 1, inverter_)) *
            vdd();
  const double v = param().read_voltage;
  read_energy = ((nand_caps_.input + inverter_caps_.output + gate_.gate_n + nand_caps_.output +
                  gate_.gate_n + gate_.gate_p) *
                     vdd2() +
                 gate_.drain * v * v) *
                reads;
}

}  // namespace cimsim
