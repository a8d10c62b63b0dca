// Analog-to-digital converters of columns: the multilevel (flash) sense amplifier and the SAR ADC.
#pragma once
#include <span>
#include <vector>

#include "circuits/circuit.hpp"

namespace cimsim {

/// Energy (J) of converting one column of a given resistance (ohm) once. Cheap to call: everything
/// that does not depend on the column is computed beforehand.
struct ColumnEnergy {
  const Context* context = nullptr;
  bool sar = false;
  int levels = 0;
  double switching = 0;        ///< J, all levels
  double reference_power = 0;  ///< W, dummy columns
  double time = 0;             ///< s
  double operator()(double column_resistance) const;
};

/// Multilevel sense amplifier: levels - 1 current or voltage comparators against dummy columns.
class MultilevelSenseAmp : public Circuit {
 public:
  explicit MultilevelSenseAmp(const Context& context);
  /// `parallel`: the references divide the sum of all rows, else one cell's range.
  void size(int count, int levels, bool parallel, const ArrayValues& array);
  /// Includes its share of the dummy columns.
  void layout(double new_height, double new_width, const ArrayValues& array);
  /// Always in s; `conversions` by each ADC.
  void latency(const ArrayValues& array, double conversions);
  void power(std::span<const double> column_resistances, double reads, const ArrayValues& array);

  ColumnEnergy column_energy(const ArrayValues& array) const;
  /// Reference resistances, ohm.
  const std::vector<double>& references() const { return references_; }

 private:
  double sensing_time(const ArrayValues& array) const;

  int count_ = 0;
  int levels_ = 0;
  std::vector<double> references_;
  double gate_n_, gate_p_, drain_n_, drain_p_;  // of minimum transistors, F
};

/// Successive-approximation ADC: a table of area, energy and one nanosecond per bit.
class SarAdc : public Circuit {
 public:
  explicit SarAdc(const Context& context) : Circuit(context) {}
  void size(int count, int levels);
  void layout(double new_height, double new_width);
  /// Always in s.
  void latency(double reads);
  void power(std::span<const double> column_resistances, double reads);

  ColumnEnergy column_energy() const;

 private:
  int count_ = 0;
  int levels_ = 0;
};

}  // namespace cimsim
