#include "circuits/adc.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>

namespace cimsim {
namespace {

// Power grows by 0.13 % per kelvin.
double warm(const Context& c) { return 1 + 1.3e-3 * (c.technology.temperature - 300); }

// Static power (W) of a column. The fits hold for a read voltage of 0.5 V.
double column_power(const Context& c, bool sar, int levels, double resistance) {
  const double r = resistance * 0.5 / c.parameters.read_voltage;
  double power = 0;
  if (r == 0) {
    power = 0;
  } else if (std::isinf(r)) {
    power = 1e-6;
  } else if (sar) {
    const SarPowerFit& fit = c.technology.sar_power;
    power = fit.per_bit * std::log2(levels) + fit.base +
            fit.factor * std::exp(fit.exponent * std::log10(r));
  } else if (c.parameters.current_mode) {
    const MirrorPowerFit& fit = c.technology.mirror_power;
    power = (evaluate(fit.segments, r) + fit.base) * (levels - 1) +
            fit.factor * std::exp(fit.exponent * std::log10(r));
  }
  return power * warm(c);
}

}  // namespace

double ColumnEnergy::operator()(double column_resistance) const {
  // max(nan, 0) is 0: a column without an active row in sequential mode has no defined resistance.
  const double power = column_power(*context, sar, levels, column_resistance) + reference_power;
  const double conversion = power * time;
  return switching + (conversion > 0 ? conversion : 0);
}

MultilevelSenseAmp::MultilevelSenseAmp(const Context& context) : Circuit(context) {
  const Widths w = minimum_inverter(tech());
  const double cell = nominal_cell_height(tech());
  const auto device = [&](Widths single) {
    if (!tuned_cells(context)) return gate_caps(tech(), Gate::Inverter, 1, single, cell);
    const double d = tech().tuned_inverter_diffusion;
    return tuned_gate_caps(tech(), Gate::Inverter, 1, single, cell,
                           TunedCell{tech().tuned_inverter_gate, d, d});
  };
  const GateCaps n = device({w.n, 0}), p = device({0, w.p});
  gate_n_ = n.input;
  drain_n_ = n.output;
  gate_p_ = p.input;
  drain_p_ = p.output;
}

void MultilevelSenseAmp::size(int count, int levels, bool parallel, const ArrayValues& array) {
  if (levels < 2) throw std::domain_error("a multilevel sense amplifier needs two levels");
  count_ = count;
  levels_ = levels;
  references_.resize(levels - 1);
  const double on = param().max_conductance, off = param().min_conductance;
  const bool conventional = param().operation_mode == OperationMode::ConventionalParallel;
  if (parallel && !conventional && param().sram()) {
    throw std::domain_error("no sensing references exist for SRAM in the binary parallel modes");
  }
  const double full =
      param().parallel_rows / (param().sram() ? array.access_resistance : param().resistance_on);
  for (int i = 0; i < levels - 1; ++i) {
    double conductance = 0;
    if (parallel && conventional) {
      conductance = full * (1 - static_cast<double>(i) / levels);
    } else if (parallel) {
      conductance = on + i * (off - on) / levels;
    } else {
      const double step = (off - on) / (levels - 1);
      conductance = on + step / 2 + i * step;
    }
    references_[i] = 1 / conductance;
  }
}

void MultilevelSenseAmp::layout(double new_height, double new_width, const ArrayValues& array) {
  const Widths w = minimum_inverter(tech());
  // Nine NMOS per level and no PMOS (quirk 37).
  const double comparators =
      cell_outline(context(), Gate::Inverter, 1, {w.n, 0}).area() * 9 * (levels_ - 1) * count_;
  const double dummies =
      array.array_height * array.cell_width * (levels_ - 1) * count_ / param().dummy_col_shared;
  stretch(comparators + dummies, new_height, new_width);
}

double MultilevelSenseAmp::sensing_time(const ArrayValues& array) const {
  if (!param().current_mode) return 1e-9;
  const SensingTimeFit& fit = tech().sensing_time;
  const double load = array.column_cap + gate_n_ * (levels_ - 1 - 2);
  const auto time = [&](double r) {
    double t = evaluate(fit.segments, r);
    if (r > fit.threshold) {
      t += fit.extra_time / (fit.extra_resistance - fit.threshold) * (r - fit.threshold) *
           (load - fit.reference_cap) / fit.reference_cap;
    }
    return t;
  };
  // The slowest reference is taken as the last or the second one (quirk 35).
  const double second = references_[std::min<std::size_t>(1, references_.size() - 1)];
  return std::max(time(references_.back()), time(second));
}

void MultilevelSenseAmp::latency(const ArrayValues& array, double conversions) {
  read_latency = sensing_time(array) * conversions;
}

ColumnEnergy MultilevelSenseAmp::column_energy(const ArrayValues& array) const {
  ColumnEnergy energy;
  energy.context = &context();
  energy.levels = levels_;
  energy.time = sensing_time(array);
  const double shared = param().dummy_col_shared;
  // First and last reference are left out (quirk 35).
  for (int i = 1; i <= levels_ - 3; ++i) {
    energy.reference_power += column_power(context(), false, levels_, references_[i]) / shared;
  }
  // Always the node's read voltage (quirk 36), and an integer quotient of levels, unless corrected
  // (quirk 24).
  const double vr2 = tech().defaults.read_voltage * tech().defaults.read_voltage;
  const double share = param().column_switching ? 1.0 / (levels_ - 1) : 1 / (levels_ - 1);
  const double input = param().current_mode ? drain_n_ + gate_n_ : drain_n_;
  const double level = array.column_cap * 2 * (share + 1 / shared) / 2 * vr2 +
                       array.dummy_energy / shared +
                       (2 * gate_n_ + input / (levels_ - 1) + input / shared) * vr2 +
                       (2 * gate_p_ + gate_n_) * vdd2() +
                       (3 * gate_p_ + 3 * gate_n_ + 3 * (drain_p_ + drain_n_) + drain_p_) * vdd2() +
                       (gate_p_ + gate_n_) * vdd2();
  energy.switching = level * (levels_ - 1);
  return energy;
}

void MultilevelSenseAmp::power(std::span<const double> column_resistances, double reads,
                               const ArrayValues& array) {
  const ColumnEnergy energy = column_energy(array);
  read_energy = 0;
  for (const double r : column_resistances) read_energy += energy(r);
  read_energy *= reads;
  leakage = 0;
}

void SarAdc::size(int count, int levels) {
  if (levels < 2) throw std::domain_error("a SAR ADC needs two levels");
  count_ = count;
  levels_ = levels;
}

void SarAdc::layout(double new_height, double new_width) {
  const Widths w = minimum_inverter(tech());
  const double bits = std::log2(levels_);
  const double unit =
      cell_outline(context(), Gate::Inverter, 1, {w.n, 0}).area() * (269 + (bits - 1) * 109) +
      cell_outline(context(), Gate::Inverter, 1, {0, w.p}).area() * (209 + (bits - 1) * 73);
  stretch(unit * count_, new_height, new_width);
}

void SarAdc::latency(double reads) { read_latency = (std::log2(levels_) + 1) * 1e-9 * reads; }

ColumnEnergy SarAdc::column_energy() const {
  ColumnEnergy energy;
  energy.context = &context();
  energy.sar = true;
  energy.levels = levels_;
  energy.time = (std::log2(levels_) + 1) * 1e-9;
  return energy;
}

void SarAdc::power(std::span<const double> column_resistances, double reads) {
  const ColumnEnergy energy = column_energy();
  read_energy = 0;
  for (const double r : column_resistances) read_energy += energy(r);
  read_energy *= reads;
  leakage = 0;
}

}  // namespace cimsim
