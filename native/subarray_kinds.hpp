// The kinds of subarray and what they share: geometry, column selection, ADCs and the accumulation
// of their results.
#pragma once
#include <optional>
#include <vector>

#include "circuits/adc.hpp"
#include "circuits/adder.hpp"
#include "circuits/flip_flops.hpp"
#include "circuits/mux.hpp"
#include "circuits/row_decoder.hpp"
#include "circuits/sense_encoder.hpp"
#include "circuits/shift_add.hpp"
#include "subarray.hpp"

namespace cimsim {

Subarray sram_parallel(const Context& context);
Subarray sram_sequential(const Context& context);
Subarray resistive_parallel(const Context& context);
Subarray resistive_sequential(const Context& context);

/// Wires and word-line loads of the cell array.
struct ArrayWires {
  double row_length = 0;      ///< m
  double col_length = 0;      ///< m
  double plain_row_cap = 0;   ///< F, word line without gates
  double row_cap = 0;         ///< F, word line with the gates it drives
  double bit_line_cap = 0;    ///< F, bit line without drains
  double col_cap = 0;         ///< F, bit line with the drains on it
  double row_resistance = 0;  ///< ohm
  double col_resistance = 0;  ///< ohm
  double area() const { return row_length * col_length; }
};

/// Repeaters in the word lines of a parallel array.
struct WordLineRepeaters {
  double area = 0;     ///< m^2, all
  double delay = 0;    ///< s
  double load = 0;     ///< F, of all repeaters of one word line
  double leakage = 0;  ///< as the model counts it (quirk 28)
};

/// Counts that follow from the parameters.
struct ReadoutCounts {
  explicit ReadoutCounts(const Parameters& p);
  int muxed;               ///< columns per ADC
  int adcs;                ///< ADCs
  int digits;              ///< columns per weight
  int groups;              ///< groups of rows that one read senses one after the other
  double weights_per_adc;  ///< weights among the columns of an ADC (Parameters::weights_among)
};

/// Column multiplexer with its decoder; absent if every column has its own ADC.
class ColumnSelect {
 public:
  explicit ColumnSelect(const Context& context) : mux(context), decoder(context) {}
  void size(const ReadoutCounts& n, double series_resistance);
  void layout(double width);
  void characterise(const ReadoutCounts& n);
  double latency() const { return mux.read_latency + decoder.read_latency; }

  bool present = false;
  Mux mux;
  RowDecoder decoder;
};

/// ADC of the columns: a multilevel sense amplifier with its encoder, or a SAR ADC.
class ColumnAdc {
 public:
  ColumnAdc(const Context& context, const ReadoutCounts& counts) : context_(context), n_(counts) {}
  void size(int levels, bool parallel, bool encoded, const ArrayValues& array);
  void layout(double width, const ArrayValues& array);
  void characterise(const ArrayValues& array, double encoder_reads);
  double height() const;
  double latency() const;  ///< s
  /// Energy of sensing a column; the caller sets what it depends on.
  ColumnSensing sensing(const ArrayValues& array) const;

  std::optional<MultilevelSenseAmp> flash;
  std::optional<SenseEncoder> encoder;
  std::optional<SarAdc> sar;

 private:
  const Context& context_;
  const ReadoutCounts& n_;
};

/// What adds the results of row groups, weight digits and input bits.
class Accumulator {
 public:
  explicit Accumulator(const Context& context) : context_(context) {}
  /// Adds successive results of `bits` bits.
  void add_rows(int bits, int register_count, int units);
  void add_digits(int units, int bits, int pulses);
  void add_inputs(int units, int bits, int pulses);
  void layout(double width);
  void characterise();
  double height() const;
  double row_time() const { return adder ? adder->read_latency : 0; }         ///< s, one addition
  double digit_time() const { return digits ? digits->adder_latency() : 0; }  ///< s
  double input_time() const { return inputs ? inputs->adder_latency() : 0; }  ///< s

  std::optional<Adder> adder;
  std::optional<FlipFlops> registers;
  std::optional<ShiftAdd> digits;
  std::optional<ShiftAdd> inputs;

 private:
  const Context& context_;
};

/// Delays of a subarray that decide how long a read takes, s.
struct ReadDelays {
  double sensing = 0;    ///< ADC, and precharger of SRAM
  double column = 0;     ///< settling of the column
  double word_line = 0;  ///< driver or decoder of the rows
  double selection = 0;  ///< column multiplexer
  double row_addition = 0;
  double digit_addition = 0;
  double input_addition = 0;
};

/// Latency of a parallel read, the same for every bit-vector.
ReadTime parallel_read_time(const Parameters& p, const ReadoutCounts& n, const ReadDelays& d);
/// Latency of a row-by-row read with a number of active rows, columns shared by ADCs.
ReadTime sequential_read_time(const Parameters& p, const ReadoutCounts& n, const ReadDelays& d,
                              double active_rows);
/// The same for SRAM with a sense amplifier in each column.
ReadTime sram_row_read_time(const Parameters& p, const ReadoutCounts& n, const ReadDelays& d,
                            double active_rows);

/// Common part of the builders.
class SubarrayBuilder {
 public:
  explicit SubarrayBuilder(const Context& context)
      : context_(context),
        counts_(context.parameters),
        select_(context),
        adc_(context, counts_),
        accumulator_(context) {
    array_.cell = make_cell(context.parameters);
    lay_wires();
  }

 protected:
  const Technology& tech() const { return context_.technology; }
  const Parameters& param() const { return context_.parameters; }
  double vdd2() const { return tech().vdd * tech().vdd; }
  double validated(double factor) const { return param().validated ? factor : 1; }
  /// Width (m) of a transistor given in fin factor x F.
  double transistor_width(double units) const {
    return units * tech().fin_factor() * tech().feature_size;
  }
  void add(Part part, const Circuit& circuit, double sensing_time = 0);
  void add_select();
  void add_adc();
  void add_accumulator();
  /// Adds the energy of a read, which is `joule(n)` for n active rows and linear in n.
  template <typename Function>
  void add_energy(Part part, Function joule) {
    const double none = joule(0.0), all = joule(static_cast<double>(param().rows));
    out_.energies.push_back({part, none, (all - none) / param().rows});
  }
  /// Energy of a circuit whose power does not depend on the active rows and has been computed.
  void add_fixed_energy(Part part, const Circuit& circuit) {
    out_.energies.push_back({part, circuit.read_energy, 0});
  }
  void add_select_energy();
  /// Energies of the shift-adds, and in parallel arrays of the addition of row groups.
  void add_shift_energy();
  void add_group_energy();
  WordLineRepeaters word_line_repeaters();
  /// Adds the cells and sums up outline, class areas and leakage.
  void finish(double height, double width, double cell_leakage);

  const Context& context_;
  ReadoutCounts counts_;
  ArrayValues array_;  ///< what circuits read from the array
  ArrayWires wires_;
  ColumnSelect select_;
  ColumnAdc adc_;
  Accumulator accumulator_;
  Subarray out_;

 private:
  void lay_wires();
};

}  // namespace cimsim
