#include "circuits/wires.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace cimsim {
namespace {

double pair_resistance(const Technology& t, Widths w) {
  return (on_resistance(t, w.n, Channel::N) + on_resistance(t, w.p, Channel::P)) / 2;
}

// Wire with repeaters of a given size (in minimum inverters) and distance (m).
RepeatedWire repeated(const Context& c, double size, double distance) {
  const Widths one = minimum_inverter(c.technology);
  RepeatedWire wire;
  wire.size = size;
  wire.distance = distance;
  wire.widths = {size * one.n, size * one.p};
  wire.outline = cell_outline(c, Gate::Inverter, 1, wire.widths);
  wire.caps = cell_caps(c, Gate::Inverter, 1, wire.widths);
  return wire;
}

}  // namespace

RepeatedWire RepeatedWire::design(const Context& c, double tolerance, Shrink shrink) {
  const double r = c.parameters.unit_wire_resistance, cap = kWireCapacitance;
  const RepeatedWire one = repeated(c, 1, 0);
  const double resistance = pair_resistance(c.technology, one.widths);
  double size = std::floor(std::sqrt(resistance * cap / one.caps.input / r));
  double distance = std::sqrt(2 * resistance * (one.caps.output + one.caps.input) / (r * cap));
  const auto delay_now = [&] {
    return size < 1 ? std::numeric_limits<double>::infinity()
                    : repeated(c, size, distance).delay(c, r);
  };
  if (tolerance > 0) {
    // The last step, which violates the tolerance, is kept.
    const double slowest = delay_now() * (1 + tolerance);
    double current = 0;
    while (current < slowest) {
      size = shrink == Shrink::Halve ? std::floor(size / 2) : size - 1;
      distance *= 0.9;
      if (shrink == Shrink::ByOne && size < 1) break;
      current = delay_now();
    }
  }
  return repeated(c, std::max(1.0, size), distance);
}

double RepeatedWire::delay(const Context& c, double unit_resistance) const {
  const double cap = kWireCapacitance;
  return 0.7 *
         (pair_resistance(c.technology, widths) * (caps.input + caps.output + cap * distance) +
          0.54 * unit_resistance * distance * cap * distance +
          unit_resistance * distance * caps.input) /
         distance;
}

double RepeatedWire::energy(const Context& c) const {
  const double vdd = c.technology.vdd;
  return (caps.input + caps.output + kWireCapacitance * distance) * vdd * vdd / distance * 0.5;
}

double RepeatedWire::leakage(const Context& c) const {
  return leakage_current(c.technology, Gate::Inverter, 1, widths) * c.technology.vdd / distance;
}

double long_wire_resistance(const Context& c, double length) {
  const Technology& t = c.technology;
  const double lengths = length / t.feature_size;
  const double wider = lengths >= 1e5 ? 4 : lengths >= 1e4 ? 2 : 1;
  const double width = wider * c.parameters.wire_width;
  const WireMaterial& material = wire_material(t.long_wires, width);
  const double barrier = c.parameters.barrier_in_width_unit(material.barrier);
  const double rho =
      resistivity_with_barrier(material, width, barrier) * (1 + 0.00451 * (t.temperature - 300));
  return rho / (width * 1e-9 * width * 1e-9 * material.aspect_ratio);
}

void Bus::size(BusDirection direction, int rows, int cols, double tolerance, double bus_width,
               double unit_height, double unit_width) {
  wire_ = RepeatedWire::design(context(), tolerance, RepeatedWire::Shrink::ByOne);
  bus_width_ = bus_width;
  length_ =
      direction == BusDirection::Horizontal ? unit_width * (cols - 1) : unit_height * (rows - 1);
}

void Bus::latency(double reads) {
  // The local wire's resistance, whatever the length.
  read_latency = in_cycles(length_ * wire_.delay(context(), param().unit_wire_resistance)) * reads;
}

void Bus::power(double bits, double reads, bool inputs) {
  leakage = wire_.leakage(context()) * length_ * bits;
  const double toggle = inputs ? param().input_toggle : param().output_toggle;
  read_energy = length_ * wire_.energy(context()) * toggle * bits * reads;
}

void HTree::size(int rows, int cols, double tolerance, double bus_width) {
  wire_ = RepeatedWire::design(context(), tolerance, RepeatedWire::Shrink::Halve);
  bus_width_ = bus_width;
  levels_ = static_cast<int>(std::ceil(std::log2(std::max(rows, cols))));
  const int side = 1 << levels_;
  int center = side / 2;
  if (side - center < 1) --center;
  main_bus_ = std::min(side - center, center);
}

void HTree::layout(double unit_height, double unit_width, double folds) {
  area = total_length_ = 0;
  const double wire_w = bus_width_ * wire_.outline.width / folds;
  const double wire_h = bus_width_ * wire_.outline.height / folds;
  for (int i = 1; i < levels_; ++i) {
    const double vertical = unit_height * std::exp2(levels_ - 1 - i);
    const double horizontal = unit_width * std::exp2(levels_ - 1 - i);
    area += i * wire_w * vertical / 2 + i * wire_h * horizontal / 2;
    total_length_ += vertical + horizontal;
  }
  total_length_ += main_bus_ * unit_width;
  area += wire_h * main_bus_ * unit_width;
}

void HTree::latency(double unit_height, double unit_width, double reads) {
  double total = 0, last = 0;
  for (int i = 0; i < levels_; ++i) {
    const double vertical = unit_height * std::exp2(levels_ - 1 - i);
    const double horizontal = unit_width * std::exp2(levels_ - 1 - i);
    last = wire_.delay(context(), long_wire_resistance(context(), horizontal));
    total += vertical * wire_.delay(context(), long_wire_resistance(context(), vertical)) +
             horizontal * last;
  }
  total += main_bus_ * unit_width * last;
  critical_latency_ = param().synchronous ? total * clock_frequency : 0;
  read_latency = in_cycles(total) * reads;
}

void HTree::power(double unit_height, double unit_width, double bits, double reads) {
  leakage = wire_.leakage(context()) * total_length_ * bits;
  // Half of the lengths that the latency counts, unless corrected (quirk 15).
  const int longest = levels_ - (param().htree_energy ? 1 : 2);
  double path = main_bus_ * unit_width;
  for (int i = 0; i < levels_; ++i) {
    path += (unit_height + unit_width) * std::exp2(longest - i);
  }
  read_energy = path * wire_.energy(context()) * bits * reads;
}

void XYBus::size(int rows, int cols, double tolerance, double bus_width) {
  wire_ = RepeatedWire::design(context(), tolerance, RepeatedWire::Shrink::Halve);
  rows_ = rows;
  cols_ = cols;
  bus_width_ = bus_width;
}

void XYBus::layout(double unit_height, double unit_width, double folds) {
  const double vertical = unit_height * rows_, horizontal = unit_width * cols_;
  area = bus_width_ * wire_.outline.width / folds * vertical +
         bus_width_ * wire_.outline.height / folds * horizontal;
  resistance_v_ = long_wire_resistance(context(), vertical);
  resistance_h_ = long_wire_resistance(context(), horizontal);
}

void XYBus::latency(int x_end, int y_start, double unit_height, double unit_width, double inputs,
                    double outputs) {
  const double horizontal = unit_width * x_end, vertical = unit_height * (rows_ - y_start - 1);
  read_latency = in_cycles(horizontal * wire_.delay(context(), resistance_h_)) * inputs +
                 in_cycles(vertical * wire_.delay(context(), resistance_v_)) * outputs;
}

void XYBus::power(int x_end, int y_start, double unit_height, double unit_width, double input_bits,
                  double output_bits) {
  const double horizontal = unit_width * x_end, vertical = unit_height * (rows_ - y_start - 1);
  leakage = wire_.leakage(context()) * (horizontal + vertical) * bus_width_;
  read_energy = wire_.energy(context()) * (horizontal * input_bits + vertical * output_bits);
}

}  // namespace cimsim
