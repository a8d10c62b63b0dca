#include "gates.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>

namespace cimsim {
namespace {

// Largest size per polarity that fits a cell: metres in bulk, whole fins or stacks otherwise.
struct MaxSize {
  double n = 0;
  double p = 0;
};

double bulk_outer(const Technology& t) { return (1.8 * 2) * t.feature_size; }

MaxSize bulk_max(const Technology& t, Widths w, double height) {
  const double r = w.p / (w.p + w.n);
  if (r == 0) return {height - bulk_outer(t), 0};
  if (r == 1) return {0, height - bulk_outer(t)};
  const double p = r * ((height - 3.5 * t.feature_size) - bulk_outer(t));
  return {(p / r) * (1 - r), p};
}

// Fins or stacks per device in a cell of a height that is not the nominal one.
int fins_in_height(const Technology& t, double scaled_height) {
  const double f = t.feature_size;
  return static_cast<int>(
      std::floor(((scaled_height - t.layout.pn_gap * f - t.layout.outer_region * f) + t.fin_pitch) /
                 2 / (t.fin_width + t.fin_pitch)));
}

MaxSize advanced_max(const Technology& t, Widths w, double scaled_height, bool special) {
  const double r = w.p / (w.p + w.n);
  const int nominal = t.gate_all_around() ? t.max_stacks : t.max_fins;
  const int m = special ? fins_in_height(t, scaled_height) : nominal;
  if (r == 0) return {2.0 * m, 0};
  if (r == 1) return {0, 2.0 * m};
  if (t.gate_all_around()) return {double(t.max_stacks), double(t.max_stacks)};
  int n = 0, p = 0;
  if (r > 0.5) {
    n = static_cast<int>(2 * m * (1 - r));
    p = 2 * m - n;
  } else {
    p = static_cast<int>(2 * m * r);
    n = 2 * m - p;
  }
  if (p == 0) {
    p = 1;
    n = 2 * m - 1;
  }
  if (n == 0) {
    n = 1;
    p = 2 * m - 1;
  }
  return {double(n), double(p)};
}

struct CellHeight {
  double scaled;
  bool special;
};

CellHeight scale_height(const Technology& t, double height) {
  const bool special = height != nominal_cell_height(t);
  if (t.bulk()) return {height, special};
  return {height * (34.0 / 28.0) * (t.layout.height / 34.0), special};
}

// Below 22 nm the ratio is that of the unit counts before rounding up to whole fins.
MaxSize max_size(const Technology& t, Widths w, Widths units, const CellHeight& height) {
  return t.bulk() ? bulk_max(t, w, height.scaled)
                  : advanced_max(t, units, height.scaled, height.special);
}

// Width in fins or stacks. The capacitance and leakage formulas multiply by the reciprocal, layout
// and resistance divide; a width of whole fins may round up to one more fin in either.
double units_by_product(const Technology& t, double width) {
  return width * (1 / (2 * t.feature_size));
}
double units_by_quotient(const Technology& t, double width) { return width / (2 * t.feature_size); }

double electrical_width(const Technology& t, double units) {
  if (t.gate_all_around()) return std::ceil(units) * t.effective_width * t.sheets / t.max_stacks;
  return std::ceil(units) * t.effective_width;
}

int truncated_quotient(double size, double limit) {
  if (limit == 0) throw std::domain_error("a gate does not fit its cell: no fin fits the height");
  return static_cast<int>(size) / static_cast<int>(limit);
}

// Diffusion of one polarity: D and S lengths (m), height of one finger, number of fingers.
struct Diffusion {
  double drain = 0;
  double source = 0;
  double height = 0;
  double fingers = 1;
};

Diffusion diffusion(const Technology& t, double width, double limit, double tuning) {
  if (width == 0) return {};
  const double gap = t.layout.drain_gap * t.feature_size;
  const double fin = t.fin_width * tuning;
  const double size = t.bulk() ? width : std::ceil(units_by_product(t, width));
  if (size <= limit) return {gap, gap, t.bulk() ? size : size * fin, 1};
  const double fingers = t.bulk() ? std::ceil(size / limit) : truncated_quotient(size, limit);
  return {std::ceil((fingers + 1) / 2) * gap, std::floor((fingers + 1) / 2) * gap,
          t.bulk() ? limit : limit * fin, fingers};
}

bool even(double fingers) { return std::fmod(fingers + 1, 2) != 0; }

// Drain area length W and sidewall length.
struct Junction {
  double length = 0;
  double sidewall = 0;
};

Junction series_stack(const Diffusion& d, int inputs, bool folded) {
  const double x = inputs;
  if (!folded) {
    const double length = d.drain * x;
    return {length, 2 * length + d.height};
  }
  const double e = even(d.fingers);
  const double length = d.drain * x + (x - 1) * d.source;
  return {length, 2 * length + d.height * (1 + e) * x + d.height * (1 - e) * (x - 1)};
}

Junction parallel_devices(const Diffusion& d, int inputs, bool folded) {
  const double x = inputs;
  if (!folded) {
    const double length = d.drain * std::floor((x + 1) / 2);
    return {length, 2 * length + d.height * (1 - (inputs + 1) % 2)};
  }
  const double e = even(d.fingers);
  const double length = d.drain * x;
  return {length, 2 * length + d.height * (1 + e) * x};
}

double junction_cap(const Technology& t, const Diffusion& d, const Junction& j) {
  double cap = j.length * d.height * t.cap_junction;
  if (t.bulk()) {
    cap += j.sidewall * t.cap_sidewall + d.fingers * d.height * t.cap_drain_to_channel;
  }
  return cap;
}

double current(const Technology& t, Channel channel) {
  return channel == Channel::N ? t.ion_n : t.ion_p;
}

Widths enlarge_bulk(const Technology& t, Widths w) {
  const MaxSize m = bulk_max(t, w, nominal_cell_height(t));
  const double r = w.p / (w.p + w.n);
  if (r == 0) return {w.n < m.n ? m.n : w.n, 0};
  if (r == 1) return {0, w.p < m.p ? m.p : w.p};
  return w.p < m.p && w.n < m.n ? Widths{m.n, m.p} : w;
}

Widths enlarge_fins(const Technology& t, Widths w) {
  const double unit = 2.0 * t.feature_size;
  const int m = t.max_fins;
  const double r = w.p / (w.p + w.n);
  int n = static_cast<int>(std::ceil(w.n / unit));
  int p = static_cast<int>(std::ceil(w.p / unit));
  if (n > m || p > m) return w;
  if (r == 0 || r == 1) return r == 0 ? Widths{unit * m, 0} : Widths{0, unit * m};
  // The ratio is kept only if it gives a whole number of fins.
  const double other = r >= 0.5 ? m / r * (1 - r) : m / (1 - r) * r;
  if (other == std::floor(other)) {
    n = r >= 0.5 ? static_cast<int>(other) : m;
    p = r >= 0.5 ? m : static_cast<int>(other);
  }
  return {n * 2 * t.feature_size, p * 2 * t.feature_size};
}

Widths enlarge_stacks(const Technology& t, Widths w) {
  const double unit = 2.0 * t.feature_size;
  const int n = static_cast<int>(std::ceil(w.n / unit));
  const int p = static_cast<int>(std::ceil(w.p / unit));
  if (p == 0) return n <= 2 ? Widths{2 * unit, 0} : w;
  if (n == 0) return p <= 2 ? Widths{0, 2 * unit} : w;
  return n == 1 && p == 1 ? Widths{unit, unit} : w;
}

}  // namespace

double nominal_cell_height(const Technology& t) { return 28.0 * t.feature_size; }

double standard_cell_height(const Technology& t) {
  // Layouts compare it with sides that are equal in exact arithmetic: keep this association.
  return nominal_cell_height(t) * (t.layout.height / 28.0);
}

double minimum_cell_width(const Technology& t) { return 2 * t.layout.poly_pitch * t.feature_size; }

Widths minimum_inverter(const Technology& t) {
  return {2 * t.feature_size, t.pn_size_ratio * 2 * t.feature_size};
}

double effective_width(const Technology& t, double width) {
  return t.bulk() ? width : electrical_width(t, units_by_product(t, width));
}

double gate_capacitance(const Technology& t, double width) {
  return (t.cap_ideal_gate + t.cap_overlap + t.cap_fringe) * effective_width(t, width);
}

GateCaps gate_caps(const Technology& t, Gate gate, int inputs, Widths w, double cell_height) {
  return tuned_gate_caps(t, gate, inputs, w, cell_height, TunedCell{});
}

GateCaps tuned_gate_caps(const Technology& t, Gate gate, int inputs, Widths w, double cell_height,
                         const TunedCell& tuned) {
  const Widths units{units_by_product(t, w.n), units_by_product(t, w.p)};
  const MaxSize limit = max_size(t, w, units, scale_height(t, cell_height));
  const Diffusion n = diffusion(t, w.n, limit.n, tuned.diffusion_n);
  const Diffusion p = diffusion(t, w.p, limit.p, tuned.diffusion_p);
  const bool folded = n.fingers != 1 || p.fingers != 1;
  Junction jn, jp;
  switch (gate) {
    case Gate::Inverter: {
      // The parity of the PMOS fingers is used for both polarities (circuit quirk 4).
      const double e = even(p.fingers);
      jn = {n.drain, 2 * n.drain + n.height * (1 + e)};
      jp = {p.drain, 2 * p.drain + p.height * (1 + e)};
      break;
    }
    case Gate::Nand:
      jn = series_stack(n, inputs, folded);
      jp = parallel_devices(p, inputs, folded);
      break;
    case Gate::Nor:
      jn = parallel_devices(n, inputs, folded);
      jp = series_stack(p, inputs, folded);
      break;
  }
  GateCaps caps;
  caps.input = (gate_capacitance(t, w.n) + gate_capacitance(t, w.p)) * tuned.gate;
  caps.output = (w.n == 0 ? 0 : junction_cap(t, n, jn)) + (w.p == 0 ? 0 : junction_cap(t, p, jp));
  return caps;
}

double drain_capacitance(const Technology& t, double width, Channel channel, double cell_height) {
  const Widths w = channel == Channel::N ? Widths{width, 0} : Widths{0, width};
  return gate_caps(t, Gate::Inverter, 1, w, cell_height).output;
}

Outline gate_outline(const Technology& t, Gate gate, int inputs, Widths w, double cell_height) {
  const CellHeight height = scale_height(t, cell_height);
  const Widths units{units_by_quotient(t, w.n), units_by_quotient(t, w.p)};
  const MaxSize limit = max_size(t, w, units, height);
  const double pitch = t.layout.poly_pitch * t.feature_size;
  int folds_n = 1, folds_p = 1;
  const auto region = [&](double width, double max, int& folds) -> double {
    if (width == 0) return 0;
    const double size = t.bulk() ? width : std::ceil(units_by_quotient(t, width));
    if (size <= max) return 2 * pitch;
    // FinFET: an integer quotient, so the ceiling has no effect (circuit quirk 5).
    folds = t.device_class == DeviceClass::FinFet ? truncated_quotient(size, max)
                                                  : static_cast<int>(std::ceil(size / max));
    return (folds + 1) * pitch;
  };
  double region_n = region(w.n, limit.n, folds_n);
  double region_p = region(w.p, limit.p, folds_p);
  if (gate != Gate::Inverter) {
    const double shared = folds_n == 1 && folds_p == 1 ? (inputs - 1) * pitch : 0;
    region_n = region_n * inputs - shared;
    region_p = region_p * inputs - shared;
  }
  return {height.scaled, std::max(region_n, region_p)};
}

Outline pass_gate_outline(const Technology& t, Widths w, double folds) {
  const double f = t.feature_size;
  if (t.bulk()) {
    return {((w.p / folds + w.n / folds) + 3.5 * f) + bulk_outer(t),
            (folds + 1) * t.layout.poly_pitch * f};
  }
  const auto region = [&](double width) {
    const double fins = std::ceil(std::ceil(units_by_quotient(t, width)) / folds);
    return (fins - 1) * t.fin_pitch + t.fin_width;
  };
  // FinFET counts the outer region, which has both sides in it, twice (circuit quirk 8).
  const double sides = t.gate_all_around() ? 1 : 2;
  return {region(w.n) + region(w.p) + t.layout.pn_gap * f + t.layout.outer_region * sides * f,
          (folds + 1) * t.layout.poly_pitch * f};
}

Widths enlarge(const Technology& t, Widths w) {
  switch (t.device_class) {
    case DeviceClass::Bulk:
      return enlarge_bulk(t, w);
    case DeviceClass::FinFet:
      return enlarge_fins(t, w);
    default:
      return enlarge_stacks(t, w);
  }
}

double leakage_current(const Technology& t, Gate gate, int inputs, Widths w) {
  switch (gate) {
    case Gate::Inverter:
      // Mean of both states, also where one device is absent (circuit quirk 29).
      return (effective_width(t, w.n) * t.ioff_n + effective_width(t, w.p) * t.ioff_p) / 2;
    case Gate::Nor:
      return (inputs == 2 ? 0.95 : 0.62) * effective_width(t, w.n) * t.ioff_n * inputs;
    default:
      return (inputs == 2 ? 0.48 : 0.31) * effective_width(t, w.p) * t.ioff_p * inputs;
  }
}

namespace {

double resistive_width(const Technology& t, double width) {
  return t.bulk() ? width : electrical_width(t, units_by_quotient(t, width));
}

}  // namespace

double linear_resistance(const Technology& t, double width, Channel channel) {
  return t.vdd / (current(t, channel) * resistive_width(t, width));
}

double on_resistance(const Technology& t, double width, Channel channel) {
  return t.resistance_multiplier * t.vdd / (current(t, channel) * resistive_width(t, width));
}

double transconductance(const Technology& t, double width, Channel channel) {
  if (t.bulk()) {
    const double gm = channel == Channel::N ? t.gm_current_n : t.gm_current_p;
    return 2 * gm * width / (0.7 * t.vdd - t.vth);
  }
  const double units = std::ceil(units_by_quotient(t, width));
  if (t.gate_all_around()) return t.gm_advanced * units * t.effective_width * t.sheets;
  return t.gm_advanced * units * (2 * t.fin_height + t.fin_width);
}

Stage horowitz(double time_constant, double input_ramp) {
  const double log_half = std::log(0.5);
  const double a = (1 / input_ramp) / time_constant;
  const double delay = time_constant * std::sqrt(log_half * log_half + 2 * a * 0.5 * 0.5);
  return {delay, 0.5 / delay};
}

}  // namespace cimsim
