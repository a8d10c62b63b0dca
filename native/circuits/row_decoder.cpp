#include "circuits/row_decoder.hpp"

#include <algorithm>
#include <cmath>

namespace cimsim {

void RowDecoder::size(DecoderKind kind, int address_bits) {
  kind_ = kind;
  bits_ = address_bits;
  nands_ = 4 * (address_bits / 2);
  nors_ = address_bits > 2 ? 1 << address_bits : 0;
  nor_inputs_ = (address_bits + 1) / 2;
  const double f = feature(), pn = tech().pn_size_ratio;
  if (kind == DecoderKind::WideMultiplexer) {
    inverter_ = {16 * f, pn * 16 * f};
    nand_ = {32 * f, pn * 16 * f};
    nor_ = {16 * f, nor_inputs_ * pn * 16 * f};
    driver_ = {48 * f, pn * 48 * f};
  } else {
    const double s = multiplexer() ? param().mux_driver_sizing : param().wl_driver_sizing;
    inverter_ = enlarge(tech(), {2 * f, pn * 2 * f});
    nand_ = enlarge(tech(), {4 * f, pn * 2 * f});
    nor_ = enlarge(tech(), {2 * f, nor_inputs_ * pn * 2 * f});
    driver_ = {4 * f * s, pn * 4 * f * s};
  }
  inverter_caps_ = cell_caps(context(), Gate::Inverter, 1, inverter_);
  driver_caps_ = cell_caps(context(), Gate::Inverter, 1, driver_);
  // Its output stage has a NAND even where no two address bits are decoded together.
  const bool enabled = multiplexer() && param().mux_decoder_load;
  nand_caps_ = nands_ || enabled ? cell_caps(context(), Gate::Nand, 2, nand_) : GateCaps{};
  nor_caps_ = nors_ ? cell_caps(context(), Gate::Nor, nor_inputs_, nor_) : GateCaps{};
}

void RowDecoder::layout(double new_height) {
  // Without a height, NAND and NOR take their width even if the decoder has none.
  const Outline inverter = cell_outline(context(), Gate::Inverter, 1, inverter_);
  const Outline nand = cell_outline(context(), Gate::Nand, 2, nand_);
  const Outline nor = cell_outline(context(), Gate::Nor, nor_inputs_, nor_);
  const double driver = cell_outline(context(), Gate::Inverter, 1, driver_).width;
  const int tracks = bits_ > 2 ? nands_ + 2 * (bits_ % 2) : 0;
  const double metal = tech().layout.m3_pitch * tracks * feature();
  const double output = multiplexer() ? nand.width + 2 * driver : 2 * driver;
  if (new_height == 0) {
    set_outline(std::max(nor.height * nors_, nand.height * nands_),
                inverter.width + nand.width + metal + nor.width + output);
    return;
  }
  // The address inverters get no column (quirk 12).
  const auto columns = [&](int count, double gate_height) -> double {
    if (count == 0) return 0;
    const double rows = std::min<double>(std::floor(new_height / gate_height), count);
    return rows == 0 ? 0 : std::ceil(count / rows);
  };
  const double nand_columns = columns(nands_, nand.height);
  const double nor_columns = columns(nors_, nor.height);
  set_outline(new_height,
              nand.width * nand_columns + metal + nor.width * nor_columns + nor_columns * output);
}

void RowDecoder::latency(double input_ramp, double load, double load_p, double wire_resistance,
                         int columns, double reads, double writes) {
  const auto n = [&](Widths w) { return on_resistance(tech(), w.n, Channel::N); };
  const auto p = [&](Widths w) { return on_resistance(tech(), w.p, Channel::P); };
  double total = 0;
  const auto stage = [&](double tau, double ramp) {
    const Stage s = horowitz(tau, ramp);
    total += s.delay;
    return s.ramp;
  };
  // Of up to two address bits. In the reference these small gates drive the multiplexers, which the
  // output stage then drives once more (observed fault 30).
  const bool staged = multiplexer() && param().mux_decoder_load;
  const double output = staged ? nand_caps_.input : load;
  double ramp =
      stage(n(inverter_) * (inverter_caps_.output + (nands_ ? nand_caps_.input * 2 : output)),
            input_ramp);
  if (nands_) {
    const double next = nors_ ? nor_caps_.input * nors_ / 4 : output;
    ramp = stage(n(nand_) * 2 * (nand_caps_.output + next), ramp);
  }
  double driver_ramp = staged ? ramp : kStep;
  if (nors_) {
    const double next = multiplexer() ? nand_caps_.input : inverter_caps_.input;
    driver_ramp = stage(p(nor_) * 2 * (nor_caps_.output + next), ramp);
  }
  if (multiplexer()) {
    driver_ramp = stage(n(nand_) * (nand_caps_.output + inverter_caps_.input), driver_ramp);
    output_ramp_ =
        stage(p(driver_) * (driver_caps_.output + driver_caps_.input + load), driver_ramp);
    stage(n(driver_) * (driver_caps_.output + load_p), output_ramp_);
  } else {
    output_ramp_ = stage(n(driver_) * (driver_caps_.output + driver_caps_.input), driver_ramp);
    stage(p(driver_) * (driver_caps_.output + load) + wire_resistance * (load + load / columns) / 2,
          output_ramp_);
  }
  read_latency = total * reads;
  write_latency = total * writes;
}

void RowDecoder::power(double reads, double writes) {
  const auto leak = [&](Gate gate, int inputs, Widths w) {
    return leakage_current(tech(), gate, inputs, w);
  };
  double amperes = leak(Gate::Inverter, 1, inverter_) * bits_ +
                   leak(Gate::Nand, 2, nand_) * nands_ + leak(Gate::Nor, nor_inputs_, nor_) * nors_;
  if (multiplexer()) {
    amperes += leak(Gate::Nand, 2, nand_) * nors_ + 2 * leak(Gate::Inverter, 1, inverter_) * nors_;
  } else {
    amperes += 2 * leak(Gate::Inverter, 1, driver_) * nors_;
  }
  leakage = amperes * vdd();

  const double pairs = bits_ / 2, single = bits_ % 2;
  const double outputs = driver_caps_.input + driver_caps_.output;
  const double cap =
      (inverter_caps_.input + nand_caps_.input * 2) * 2 * pairs +
      (inverter_caps_.input + nor_caps_.input * nors_ / 2) * single +
      (nand_caps_.output + nor_caps_.input * nors_ / 4) * nands_ / 4 + nor_caps_.output +
      (multiplexer() ? nand_caps_.input + nand_caps_.output : inverter_caps_.input) + 2 * outputs;
  const double once = cap * vdd2();
  read_energy = once * reads * calibrated(param().epsilon);
  write_energy = once * writes;  // without the activity factor (quirk 14)
}

}  // namespace cimsim
