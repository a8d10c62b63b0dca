#include "circuits/sense_amp.hpp"

#include <algorithm>
#include <cmath>

namespace cimsim {

SenseAmp::SenseAmp(const Context& context) : Circuit(context) {
  const double unit = tech().fin_factor() * feature();
  pull_up_ = 7.5 * unit;
  pull_down_ = 3.75 * unit;
  isolation_ = 12.5 * unit;
  enable_ = 5 * unit;
  mux_ = 9 * unit;
}

void SenseAmp::size(int columns, double swing, double pitch, double columns_per_read) {
  columns_ = columns;
  swing_ = swing;
  pitch_ = pitch;
  per_read_ = columns_per_read;
}

void SenseAmp::layout(double new_height, double new_width) {
  // The pitch of a column stands where a cell height is expected (quirk 7).
  const auto device = [&](double n, double p) {
    return gate_outline(tech(), Gate::Inverter, 1, {n, p}, pitch_).area();
  };
  const double unit = device(0, pull_up_) * 2 + device(pull_down_, 0) * 2 + device(0, isolation_) +
                      device(enable_, 0);
  stretch(unit * columns_, new_height, new_width);
}

double SenseAmp::load_cap() const {
  const auto drain = [&](double w, Channel channel) {
    return drain_capacitance(tech(), w, channel, pitch_);
  };
  return gate_capacitance(tech(), pull_up_ + pull_down_) + drain(pull_down_, Channel::N) +
         drain(pull_up_, Channel::P) + drain(isolation_, Channel::P) + drain(mux_, Channel::N);
}

void SenseAmp::latency(double reads, double load) {
  const double gm = transconductance(tech(), pull_down_, Channel::N) +
                    transconductance(tech(), pull_up_, Channel::P);
  read_latency = load / gm * std::log(vdd() / swing_) * reads;
}

void SenseAmp::power(double reads, double load) {
  leakage = leakage_current(tech(), Gate::Inverter, 1, {enable_, 0}) * vdd() * columns_;
  read_energy = load * vdd2() * std::min<double>(per_read_, columns_) * reads;
}

void VoltageSenseAmp::layout(double unit_width) {
  // The PMOS devices are laid out as NMOS (quirk 48).
  const Widths w = minimum_inverter(tech());
  const double unit = cell_outline(context(), Gate::Inverter, 1, {w.n, 0}).area() * 6 +
                      cell_outline(context(), Gate::Inverter, 1, {w.p, 0}).area() * 5;
  width = std::min(unit_width, std::sqrt(unit / 5)) * count_;
  area = unit * count_;
  height = area / width;
}

void VoltageSenseAmp::latency(double load, const Cell& cell, double reads) {
  const Widths w = minimum_inverter(tech());
  const auto drain = [&](double width_n) {
    return cell_caps(context(), Gate::Inverter, 1, {width_n, 0}).output;
  };
  const double internal = gate_capacitance(tech(), w.n) + drain(w.n) + drain(w.p);
  const double current =
      param().read_voltage / cell.resistance_on - param().read_voltage / cell.resistance_off;
  read_latency = (2.3 * on_resistance(tech(), w.p, Channel::P) * internal +
                  0.1 * (internal + drain(w.n) + load) / current) *
                 reads;
}

void VoltageSenseAmp::power(double reads) {
  leakage = 2 * leakage_current(tech(), Gate::Nand, 2, minimum_inverter(tech())) * vdd();
  // Energy of a 65 nm design at 1.1 V, scaled with the supply alone.
  const double ratio = vdd() / 1.1;
  read_energy = 9.845e-15 * ratio * ratio * count_ * reads;
}

}  // namespace cimsim
