// What an evaluation adds up: the dynamic energy of every part of the chip and six latencies.
#pragma once
#include <array>
#include <cmath>
#include <cstddef>

namespace cimsim {

/// Parts of a chip that draw dynamic energy or take area.
enum class Part {
  Cells,
  WordLineLevelShifter,
  SourceLineLevelShifter,
  BitLineLevelShifter,
  WordLineSwitch,
  WordLinePassGates,
  RowDecoder,
  RowDecoderDriver,
  CrossPointDecoderDriver,
  WordLineRepeaters,
  SourceLineSwitch,
  Precharger,
  WriteDriver,
  ColumnMux,
  ColumnMuxDecoder,
  SenseAmplifier,
  MultilevelSenseAmplifier,
  AdcEncoder,
  SarAdc,
  Adder,
  Register,
  WeightShiftAdd,
  InputShiftAdd,
  PeAdderTree,
  PeInputBuffer,
  PeOutputBuffer,
  PeInputBus,
  PeOutputBus,
  TileAccumulation,
  TileActivation,
  TileInputBuffer,
  TileOutputBuffer,
  TileHTree,
  ChipActivation,
  ChipAccumulation,
  ChipPooling,
  GlobalBus,
  GlobalBufferRead,
  GlobalBufferWrite,
  Count
};
inline constexpr std::size_t kParts = static_cast<std::size_t>(Part::Count);

/// Class in which DNN+NeuroSim V1.5 reports a part; buffers and interconnect are also part of
/// Other.
enum class Category { Adc, Accumulation, Other };
enum class Transport { None, Buffer, Interconnect };

struct PartInfo {
  const char* name;
  Category category;
  Transport transport;
};
const PartInfo& info(Part part);

/// Dynamic energy (J) of every part, or another quantity that adds up over them.
class Energies {
 public:
  double& operator[](Part part) { return joule_[static_cast<std::size_t>(part)]; }
  double operator[](Part part) const { return joule_[static_cast<std::size_t>(part)]; }
  Energies& operator+=(const Energies& other) {
    for (std::size_t p = 0; p < kParts; ++p) joule_[p] += other.joule_[p];
    return *this;
  }
  friend Energies operator*(double factor, Energies e) {
    for (double& joule : e.joule_) joule *= factor;
    return e;
  }
  double total() const;
  double total(Category category) const;
  double total(Transport transport) const;

 private:
  std::array<double, kParts> joule_{};
};

/// The larger of both; not a number if one of them is not, so that a missing latency stays visible.
inline double slower(double a, double b) { return std::isnan(b) || b > a ? b : a; }

/// Latencies of one unit, in clock cycles if the chip is synchronous, else in s. `buffer` and
/// `interconnect` are contained in `other`; the classes need not add up to `total` once the slowest
/// of several units has been taken.
struct Times {
  double total = 0;
  double buffer = 0;
  double interconnect = 0;
  double adc = 0;
  double accumulation = 0;
  double other = 0;

  /// Each latency becomes the slower of both.
  void slowest(const Times& t) {
    total = slower(total, t.total);
    buffer = slower(buffer, t.buffer);
    interconnect = slower(interconnect, t.interconnect);
    adc = slower(adc, t.adc);
    accumulation = slower(accumulation, t.accumulation);
    other = slower(other, t.other);
  }
  Times& operator*=(double factor) {
    for (double* t : {&total, &buffer, &interconnect, &adc, &accumulation, &other}) *t *= factor;
    return *this;
  }
  Times& operator/=(double divisor) {
    for (double* t : {&total, &buffer, &interconnect, &adc, &accumulation, &other}) *t /= divisor;
    return *this;
  }
  void add_accumulation(double t) {
    total += t;
    accumulation += t;
  }
  void add_other(double t) {
    total += t;
    other += t;
  }
  void add_transport(double buffer_time, double interconnect_time) {
    buffer += buffer_time;
    interconnect += interconnect_time;
    add_other(buffer_time + interconnect_time);
  }
};

/// Result of evaluating a unit for all input vectors of one image.
struct Figures {
  Times times;
  Energies energy;
};

/// Area (m^2) by class; the cells are apart.
struct Areas {
  double array = 0;
  double adc = 0;
  double accumulation = 0;
  double other = 0;
  double interconnect = 0;

  Areas& operator+=(const Areas& a) {
    array += a.array;
    adc += a.adc;
    accumulation += a.accumulation;
    other += a.other;
    interconnect += a.interconnect;
    return *this;
  }
  friend Areas operator*(double n, Areas a) {
    for (double* x : {&a.array, &a.adc, &a.accumulation, &a.other, &a.interconnect}) *x *= n;
    return a;
  }
};

}  // namespace cimsim
