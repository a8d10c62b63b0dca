#include "circuits/precharger.hpp"

#include <algorithm>
#include <cmath>

namespace cimsim {
namespace {

// Height of units that share a width.
double stacked_height(double columns, Outline unit, double new_width, const char* name) {
  const double per_row = std::min(std::floor(new_width / unit.width), columns);
  return columns_needed(columns, per_row, name) * unit.height;
}

}  // namespace

Precharger::Precharger(const Context& context)
    : Circuit(context),
      equalizer_(enlarge(tech(), {0, 2 * feature()}).p),
      pull_up_(enlarge(tech(), {0, 6 * feature()}).p) {
  for (const double w : {pull_up_, equalizer_}) {
    own_cap_ += cell_caps(context, Gate::Inverter, 1, {0, w}).output;
  }
}

void Precharger::size(int columns, double wire_resistance, ColumnActivity activity) {
  columns_ = columns;
  wire_resistance_ = wire_resistance;
  activity_ = activity;
}

void Precharger::layout(double new_width) {
  const Outline up = cell_outline(context(), Gate::Inverter, 1, {0, pull_up_});
  const Outline equal = cell_outline(context(), Gate::Inverter, 1, {0, equalizer_});
  const Outline unit{up.height * 2 + equal.height, std::max(up.width, equal.width)};
  if (new_width != 0) {
    set_outline(stacked_height(columns_, unit, new_width, "a precharger"), new_width);
  } else {
    set_outline(unit.height, unit.width * columns_);
  }
}

void Precharger::latency(double load, double reads, double writes) {
  load_ = load;
  const double tau =
      on_resistance(tech(), pull_up_, Channel::P) * (load + own_cap_) + wire_resistance_ * load / 2;
  const double delay = horowitz(tau, kStep).delay;
  read_latency = delay * reads;
  write_latency = delay * writes;
}

void Precharger::power(double reads, double writes) {
  leakage = 2 * leakage_current(tech(), Gate::Inverter, 1, {0, pull_up_}) * vdd() * columns_;
  const double once = load_ * vdd2();
  read_energy = once * std::min<double>(activity_.reads, columns_) * reads;
  write_energy = once * std::min(activity_.writes, columns_ * activity_.write_activity) * writes;
}

WriteDriver::WriteDriver(const Context& context)
    : Circuit(context),
      inverter_(enlarge(tech(), minimum_inverter(tech()))),
      caps_(cell_caps(context, Gate::Inverter, 1, inverter_)) {}

void WriteDriver::size(int columns, ColumnActivity activity) {
  columns_ = columns;
  activity_ = activity;
}

void WriteDriver::layout(double new_width) {
  const Outline inverter = cell_outline(context(), Gate::Inverter, 1, inverter_);
  const Outline unit{inverter.height * 3, inverter.width};
  if (new_width != 0) {
    set_outline(stacked_height(columns_, unit, new_width, "a write driver"), new_width);
  } else {
    set_outline(unit.height, unit.width * columns_);
  }
}

void WriteDriver::latency(double input_ramp, double load, double wire_resistance, double writes) {
  const double up = on_resistance(tech(), inverter_.p, Channel::P);
  const double down = on_resistance(tech(), inverter_.n, Channel::N);
  const Stage first = horowitz(up * (caps_.output + caps_.input), input_ramp);
  const Stage second =
      horowitz(down * (load + caps_.output) + wire_resistance * load / 2, first.ramp);
  write_latency = (first.delay + second.delay) * writes;
}

void WriteDriver::power(double writes) {
  leakage = 3 * leakage_current(tech(), Gate::Inverter, 1, inverter_) * vdd() * columns_;
  write_energy = (caps_.output + caps_.input) * vdd2() *
                 std::min(activity_.writes, columns_ * activity_.write_activity) * writes;
}

}  // namespace cimsim
