#include "circuits/switch_matrix.hpp"

#include <cmath>

namespace cimsim {
namespace {

// Pass gates of a word-line driver: one column of cells, or as many as fit a given height. Rows are
// counted with the scaled cell height, but laid out with the real one (quirk 7).
struct RowLayout {
  double columns = 1;
  double total_height = 0;
  Outline gate;
};

RowLayout row_layout(const Context& c, Widths w, int lines, double new_height) {
  const Technology& t = c.technology;
  const double minimum = standard_cell_height(t);
  if (new_height == 0) {
    const Outline gate = gate_outline(t, Gate::Inverter, 1, w, minimum);
    return {1, gate.height * lines, gate};
  }
  const double columns =
      columns_needed(lines, std::floor(new_height / minimum), "a word-line switch");
  const double rows = std::ceil(lines / columns);
  return {columns, new_height, gate_outline(t, Gate::Inverter, 1, w, new_height / rows)};
}

}  // namespace

void SwitchMatrix::size(LineKind kind, int lines, double line_resistance) {
  kind_ = kind;
  lines_ = lines;
  // The transistors have 0.2 of the width that the target resistance asks for (quirk 34).
  gate_ = PassGate::of_resistance(tech(), line_resistance * param().switch_matrix_sizing, 0.2);
  flip_flops_.size(lines);
}

void SwitchMatrix::layout(double new_height, double new_width) {
  if (kind_ == LineKind::Row) {
    const RowLayout rows = row_layout(context(), gate_.widths, lines_, new_height);
    flip_flops_.layout(rows.total_height, 0);
    set_outline(rows.total_height, rows.gate.width * 2 * rows.columns + flip_flops_.width);
    gate_.load_drain(tech(), rows.gate.height);
    return;
  }
  const PassGateRows fit =
      new_width != 0 ? spread_pass_gates(tech(), lines_, new_width, 2) : PassGateRows{};
  const Outline unit = pass_gate_outline(tech(), gate_.widths, fit.folds);
  const double total_width = new_width != 0 ? new_width : unit.width * 2 * lines_;
  flip_flops_.layout(0, total_width);
  set_outline(unit.height * fit.rows + flip_flops_.height, total_width);
  gate_.load_drain(tech(), unit.height);
}

void SwitchMatrix::latency(const ArrayValues& array, double reads) {
  const double section = param().cols / (param().repeaters + 1);
  const double r = gate_.resistance, c = array.unit_cap * section;
  double tau =
      0.69 * r * gate_.own_load(2) + c * (0.69 * r + 0.38 * array.unit_resistance * section);
  if (param().repeaters > 0) {
    // Capacitance plus resistance, times capacitance: kept as published (quirk 19).
    tau += (0.69 * c + 0.69 * r) * array.repeater_input_cap;
  }
  read_latency = tau * reads;
}

void SwitchMatrix::power(double reads, double activity) {
  flip_flops_.power(reads, lines_, false);
  leakage = flip_flops_.leakage;
  read_energy = flip_flops_.read_energy;
  if (kind_ == LineKind::Row) {
    const double v = param().read_voltage;
    read_energy += (gate_.drain * 3 * v * v + (gate_.gate_n + gate_.gate_p) * vdd2()) * lines_ *
                   activity * reads;
  }
}

void NewSwitchMatrix::size(int lines) {
  lines_ = lines;
  const double unit = 2 * feature() * param().new_switch_matrix_sizing;
  gate_ = PassGate::of_widths(tech(), {unit, tech().pn_size_ratio * unit});
  // Both transistors are taken with the NMOS current, unless corrected (quirk 20).
  const Channel second = param().pass_gate_current ? Channel::P : Channel::N;
  gate_.resistance = 1 / (1 / linear_resistance(tech(), gate_.widths.n, Channel::N) +
                          1 / linear_resistance(tech(), gate_.widths.p, second));
  flip_flops_.size(lines);
}

void NewSwitchMatrix::layout(double new_height) {
  const RowLayout rows = row_layout(context(), gate_.widths, lines_, new_height);
  flip_flops_.layout(rows.total_height, 0);
  set_outline(rows.total_height, rows.gate.width * 4 * rows.columns + flip_flops_.width);
  gate_.load_drain(tech(), rows.gate.height);
}

void NewSwitchMatrix::latency(double input_ramp, double load, double wire_resistance,
                              double reads) {
  const double tau = gate_.resistance * (gate_.own_load(2) + load) + wire_resistance * load / 2;
  read_latency = horowitz(tau, input_ramp).delay * reads;
}

void NewSwitchMatrix::power(double reads, double activity) {
  flip_flops_.power(reads, lines_, false);
  leakage = flip_flops_.leakage;
  const double read = param().read_voltage, access = param().access_voltage;
  read_energy = (gate_.drain * 2 * access * access + gate_.drain * 3 * read * read +
                 3 * (gate_.gate_n + gate_.gate_p) * vdd2()) *
                    lines_ * activity * reads +
                flip_flops_.read_energy;
}

}  // namespace cimsim
