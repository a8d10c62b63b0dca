// Long wires with repeaters: bus inside a processing element, H-tree and X-Y bus between tiles.
#pragma once
#include "circuits/circuit.hpp"

namespace cimsim {

/// Repeaters of a long wire, chosen for the local wire's resistance.
struct RepeatedWire {
  /// How the repeaters shrink while a tolerance of the delay allows it.
  enum class Shrink { Halve, ByOne };
  static RepeatedWire design(const Context& c, double tolerance, Shrink shrink);

  double delay(const Context& c, double unit_resistance) const;  ///< s/m
  double energy(const Context& c) const;                         ///< J/m per bit at full activity
  double leakage(const Context& c) const;                        ///< W/m per bit

  double size = 1;      ///< in minimum inverters
  double distance = 0;  ///< m between repeaters
  Widths widths;
  GateCaps caps;
  Outline outline;
};

/// Resistance (ohm/m) of the wire that a segment of the given length (m) uses: longer segments run
/// on wider wires.
double long_wire_resistance(const Context& c, double length);

enum class BusDirection { Horizontal, Vertical };

/// Straight bus along one side of a square of units.
class Bus : public Circuit {
 public:
  explicit Bus(const Context& context) : Circuit(context) {}
  void size(BusDirection direction, int rows, int cols, double tolerance, double bus_width,
            double unit_height, double unit_width);
  /// Cycles if synchronous.
  void latency(double reads);
  void power(double bits, double reads, bool inputs);

  double bus_width() const { return bus_width_; }
  double length() const { return length_; }  ///< m
  const RepeatedWire& wire() const { return wire_; }

 private:
  RepeatedWire wire_;
  double bus_width_ = 0;
  double length_ = 0;
};

/// H-tree from one corner to every unit.
class HTree : public Circuit {
 public:
  explicit HTree(const Context& context) : Circuit(context) {}
  void size(int rows, int cols, double tolerance, double bus_width);
  void layout(double unit_height, double unit_width, double folds);
  /// Cycles if synchronous.
  void latency(double unit_height, double unit_width, double reads);
  void power(double unit_height, double unit_width, double bits, double reads);

  /// Cycles (not rounded) of one transfer, synchronous only.
  double critical_latency() const { return critical_latency_; }
  double bus_width() const { return bus_width_; }
  double total_length() const { return total_length_; }  ///< m
  const RepeatedWire& wire() const { return wire_; }

 private:
  RepeatedWire wire_;
  double bus_width_ = 0;
  int levels_ = 0;    // stages of each direction
  int main_bus_ = 0;  // length of the main bus in unit widths
  double total_length_ = 0;
  double critical_latency_ = 0;
};

/// Bus of a horizontal and a vertical trunk.
class XYBus : public Circuit {
 public:
  explicit XYBus(const Context& context) : Circuit(context) {}
  void size(int rows, int cols, double tolerance, double bus_width);
  void layout(double unit_height, double unit_width, double folds);
  /// To column `x_end` and row `y_start`. Cycles if synchronous.
  void latency(int x_end, int y_start, double unit_height, double unit_width, double inputs,
               double outputs);
  void power(int x_end, int y_start, double unit_height, double unit_width, double input_bits,
             double output_bits);

  double bus_width() const { return bus_width_; }
  const RepeatedWire& wire() const { return wire_; }

 private:
  RepeatedWire wire_;
  double bus_width_ = 0;
  int rows_ = 0;
  int cols_ = 0;
  double resistance_v_ = 0;  // ohm/m
  double resistance_h_ = 0;
};

}  // namespace cimsim
