#include "digital_block.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "circuits/adder_tree.hpp"
#include "circuits/buffer.hpp"
#include "circuits/shift_add.hpp"
#include "sram_cell.hpp"
#include "subarray.hpp"

namespace cimsim {
namespace {

int ceil_div(int a, int b) { return (a + b - 1) / b; }

int bits_of(double count) { return static_cast<int>(std::ceil(std::log2(std::max(count, 1.0)))); }

/// The same chip at the clock that its arrays allow.
Context at_clock(const Context& context, double period) {
  Context clocked = context;
  clocked.parameters.synchronous = period > 0;
  if (period > 0) {
    double& frequency = clocked.parameters.clock_frequency;
    frequency = std::min(frequency, 1 / period);
  }
  return clocked;
}

/// Time (s) of a step of combinational logic: whole cycles, at least one, if synchronous.
double step_time(const Context& clocked, double period, double seconds) {
  if (period == 0) return seconds;
  return std::max(1.0, std::ceil(seconds * clocked.parameters.clock_frequency)) * period;
}

/// A buffer or table of `bits` in lines. The reference counts neither the bit lines nor the sense
/// amplifiers of SRAM in a synchronous chip (circuit quirk 27); these count both.
struct Memory {
  double read_bit, write_bit;  // J
  double area, leakage;        // m^2, W; with the cells
  double read_time;            // s, a line of SRAM

  Memory(const Context& context, int bits, int line, bool sram) {
    Context complete = context;
    complete.parameters.synchronous = false;
    complete.parameters.buffer_sense_load = true;
    Cell cell = make_cell(complete.parameters);
    cell.cap_sram = sram_cell_capacitance(complete);
    Buffer buffer(complete);
    buffer.size(bits, line, sram);
    buffer.layout(0, 0, cell);
    buffer.latency(1, 1, cell);
    buffer.power(1, 1, 1, 1, cell);
    read_bit = buffer.read_energy;
    write_bit = buffer.write_energy;
    area = buffer.area;
    // The reference leaves the cells out (circuits.md 4.23).
    leakage = buffer.leakage + (sram ? bits * sram_cell_leakage(complete) : 0);
    read_time = sram ? buffer.read_latency : 0;
  }
};

/// Where operands come from and results go: cores of the global buffer. All operands and results
/// pass through it.
void add_buffer(const Context& context, double bits_read, double bits_written, double bits_kept,
                BlockFigures& out) {
  const Parameters& p = context.parameters;
  const int core = p.global_buffer_core_rows * p.global_buffer_core_cols;
  const Memory buffer(context, core, p.global_buffer_core_cols, p.global_buffer_sram);
  const double cores = std::ceil(bits_kept / core);
  out.energy["digital_buffer"] += bits_read * buffer.read_bit + bits_written * buffer.write_bit;
  out.area["digital_buffer"] += cores * buffer.area;
  out.leakage["digital_buffer"] += cores * buffer.leakage;
}

/// Time (s) in which the bus of the chip moves a number of bits.
double bus_time(const Context& context, double period, double bits) {
  return std::ceil(bits / context.parameters.max_global_bus_width) * period;
}

/// SRAM cells of one array with the circuits that write a row. The full swing of the bit lines is
/// charged for each bit (specification of precharger and write driver, DNN+NeuroSim V1.5).
struct WrittenArray {
  double cell_area, cell_leakage;    // m^2, W
  double write_area, write_leakage;  // m^2, W
  double row_energy, bit_energy;     // J for a row and for each bit of it
  double row_time;                   // s
  double row_cap, row_length;        // F, m: word line with its gates
  double col_length;                 // m

  explicit WrittenArray(const Context& context) {
    const Parameters& p = context.parameters;
    const double vdd2 = context.technology.vdd * context.technology.vdd;
    const double cells = static_cast<double>(p.rows) * p.cols;
    row_length = p.cols * p.sram_cell_width * context.technology.feature_size;
    col_length = p.rows * p.sram_cell_height * context.technology.feature_size;
    row_cap = row_length * kWireCapacitance + 2 * sram_access_gate(context) * p.cols;
    const double col_cap = col_length * kWireCapacitance + sram_bit_line_drain(context) * p.rows;
    const double col_resistance = col_length * p.metal0_unit_resistance;
    const ColumnActivity all{static_cast<double>(p.cols), static_cast<double>(p.cols), 1};

    RowDecoder decoder(context);
    decoder.size(DecoderKind::WordLine, bits_of(p.rows));
    decoder.layout(col_length);
    decoder.latency(kStep, row_cap, 0, row_length * p.metal1_unit_resistance, p.cols, 1, 1);
    decoder.power(1, 1);
    Precharger precharger(context);
    precharger.size(p.cols, col_resistance, all);
    precharger.layout(row_length);
    precharger.latency(col_cap, 1, 1);
    precharger.power(1, 1);
    WriteDriver driver(context);
    driver.size(p.cols, all);
    driver.layout(row_length);
    driver.latency(kStep, col_cap, col_resistance, 1);
    driver.power(1);

    cell_area = row_length * col_length;
    cell_leakage = cells * sram_cell_leakage(context);
    write_area = decoder.area + precharger.area + driver.area;
    write_leakage = decoder.leakage + precharger.leakage + driver.leakage;
    row_energy = decoder.write_energy + row_cap * vdd2;
    bit_energy = (precharger.write_energy + driver.write_energy) / p.cols +
                 sram_cell_capacitance(context) * vdd2;
    row_time = precharger.write_latency + std::max(decoder.write_latency, driver.write_latency);
  }
};

/// Arrays that hold the right operand of all products of a batch.
struct Placement {
  int words;   // of a row
  int down;    // arrays that share the rows K
  int across;  // arrays that share the columns N
  double arrays;

  Placement(const Parameters& p, const DynamicProduct& product)
      : words(p.cols / p.input_bits), down(ceil_div(product.rows, p.rows)) {
    if (words == 0)
      throw std::domain_error("a word of " + std::to_string(p.input_bits) +
                              " bits does not fit numColSubArray, " + std::to_string(p.cols));
    across = ceil_div(product.columns, words);
    arrays = static_cast<double>(product.batch) * down * across;
  }
};

/// Adds the sums of the arrays that share the rows of a product.
void add_partial_sums(const Context& context, double period, const DynamicProduct& product,
                      int down, BlockFigures& out) {
  if (down == 1) return;
  const Parameters& p = context.parameters;
  AdderTree tree(context);
  tree.size(down, 2 * p.input_bits + bits_of(p.rows), 1);
  tree.layout(nominal_cell_height(context.technology) * 4, 0);
  tree.latency(1, 0, 0);
  tree.power(1, 0);
  const double trees = static_cast<double>(product.batch) * product.columns;
  const double time = period > 0 ? tree.read_latency * period : tree.read_latency;
  out.energy["dynamic_product"] += tree.read_energy * trees * product.vectors;
  out.area["dynamic_product"] += tree.area * trees;
  out.leakage["dynamic_product"] += tree.leakage * trees;
  out.latency += time;  // of the last vector: the others hide behind the arrays
}

/// Writes the right operand, row by row in all arrays at once, as fast as the bus delivers it.
void add_write(const Context& context, double period, const DynamicProduct& product,
               const Placement& placed, const WrittenArray& array, BlockFigures& out) {
  const Parameters& p = context.parameters;
  const double rows = static_cast<double>(product.batch) * product.rows * placed.across;
  const double bits =
      static_cast<double>(product.batch) * product.rows * product.columns * p.input_bits;
  out.energy["dynamic_write"] = rows * array.row_energy + bits * array.bit_energy;
  out.area["dynamic_write"] = placed.arrays * array.write_area;
  out.leakage["dynamic_write"] = placed.arrays * array.write_leakage;
  const double row_time = step_time(context, period, array.row_time);
  out.latency +=
      std::max(std::min(product.rows, p.rows) * row_time, bus_time(context, period, bits));
}

void add_operands(const Context& context, double period, const DynamicProduct& product, double busy,
                  BlockFigures& out) {
  const double bits = context.parameters.input_bits;
  const double batch = product.batch, m = product.vectors, k = product.rows, n = product.columns;
  out.latency += std::max(busy, bus_time(context, period, batch * m * (k + n) * bits));
  add_buffer(context, batch * (m + n) * k * bits, batch * m * n * bits, batch * m * n * bits, out);
}

/// One array of the digital macro, for one bit of the inputs.
struct DigitalArray {
  double energy;   // J for each bit-vector, all rows and words used
  double time;     // s
  double area;     // m^2, without cells and write circuits
  double leakage;  // W

  DigitalArray(const Context& context, double period, const WrittenArray& array, int words,
               int used_rows, double activity) {
    const Parameters& p = context.parameters;
    const Technology& t = context.technology;
    const double vdd2 = t.vdd * t.vdd, cells = static_cast<double>(p.rows) * words * p.input_bits;
    const Widths minimum = tuned_cells(context) ? tuned_widths(context) : minimum_inverter(t);
    const GateCaps gate = nand2_caps(context, minimum);
    const double input_line = array.row_length * kWireCapacitance + p.cols * gate.input;
    // A stored bit and an input bit are both one with the square of the activity.
    const double used = static_cast<double>(used_rows) * words * p.input_bits;
    const double gates =
        used_rows * activity * input_line + used * activity * activity * gate.output;

    AdderTree tree(context);
    tree.size(p.rows, p.input_bits, words);
    tree.layout(array.col_length, 0);
    tree.latency(1, used_rows, 0);
    tree.power(1, used_rows);
    const double tree_energy = tree.read_energy;
    tree.power(1, 0);  // all of it leaks
    ShiftAdd shift(context);
    shift.size(words, p.input_bits + bits_of(p.rows), p.input_bits);
    shift.layout(array.col_length, 0);
    shift.latency(1);
    shift.power(1);

    energy = gates * vdd2 + tree_energy + shift.read_energy;
    // The shift-and-add registers end the step, so that the tree sets its time.
    time = period > 0 ? std::max(1.0, tree.read_latency) * period
                      : tree.read_latency + shift.read_latency;
    area = cells * cell_outline(context, Gate::Nand, 2, minimum).area() + tree.area + shift.area;
    leakage =
        cells * leakage_current(t, Gate::Nand, 2, minimum) * t.vdd + tree.leakage + shift.leakage;
    if (!tree.fits || !shift.fits)
      throw std::domain_error("an adder of a digital product is wider than numRowSubArray cells");
  }
};

}  // namespace

BlockFigures digital_product(const Context& context, const DynamicProduct& product,
                             const BlockSettings& settings) {
  const double period = settings.clock_period;
  const Context clocked = at_clock(context, period);
  const Parameters& p = clocked.parameters;
  const Placement placed(p, product);
  const WrittenArray array(clocked);
  BlockFigures out;
  out.units = placed.arrays;
  out.area["dynamic_cells"] = placed.arrays * array.cell_area;
  out.leakage["dynamic_cells"] = placed.arrays * array.cell_leakage;
  add_write(clocked, period, product, placed, array, out);

  // Full arrays down the rows, and one with the rest; the used share of the words across.
  const double bit_vectors = static_cast<double>(product.batch) * product.vectors * p.input_bits;
  const double word_columns = static_cast<double>(product.columns) / placed.words;
  double time = 0;
  for (int first = 0; first < product.rows; first += p.rows) {
    const int used = std::min(p.rows, product.rows - first);
    const DigitalArray one(clocked, period, array, placed.words, used, settings.activity);
    out.energy["dynamic_product"] += one.energy * bit_vectors * word_columns;
    out.area["dynamic_product"] += one.area * product.batch * placed.across;
    out.leakage["dynamic_product"] += one.leakage * product.batch * placed.across;
    time = std::max(time, one.time);
  }
  add_partial_sums(clocked, period, product, placed.down, out);
  add_operands(clocked, period, product, time * product.vectors * p.input_bits, out);
  return out;
}

BlockFigures sram_product(const Context& context, const DynamicProduct& product,
                          const BlockSettings& settings) {
  const double period = settings.clock_period;
  const Context clocked = at_clock(context, period);
  const Parameters& p = clocked.parameters;
  const Placement placed(p, product);
  const WrittenArray array(clocked);
  const Subarray subarray = make_subarray(clocked);
  for (const auto& part : subarray.parts)
    if (!part.fits) throw std::domain_error("an adder of an SRAM array is wider than the array");
  BlockFigures out;
  out.units = placed.arrays;
  add_write(clocked, period, product, placed, array, out);
  // Precharger and driver are parts of the subarray; only the decoder of the written rows is not.
  RowDecoder decoder(clocked);
  decoder.size(DecoderKind::WordLine, bits_of(p.rows));
  decoder.layout(array.col_length);
  decoder.power(1, 1);
  out.area["dynamic_write"] = placed.arrays * decoder.area;
  out.leakage["dynamic_write"] = placed.arrays * decoder.leakage;
  out.area["dynamic_cells"] = placed.arrays * subarray.areas.array;
  out.area["dynamic_product"] = placed.arrays * (subarray.area() - subarray.areas.array);
  const double cells = static_cast<double>(p.rows) * p.cols * sram_cell_leakage(clocked);
  out.leakage["dynamic_cells"] = placed.arrays * cells;
  out.leakage["dynamic_product"] = placed.arrays * (subarray.leakage - cells);

  const double bit_vectors = static_cast<double>(product.vectors) * p.input_bits;
  double slowest = 0;
  for (int first = 0; first < product.rows; first += p.rows) {
    const double active = settings.activity * std::min(p.rows, product.rows - first);
    for (int left = 0; left < product.columns; left += placed.words) {
      const int columns = std::min(placed.words, product.columns - left) * p.input_bits;
      const Figures read = subarray.read_uniform(bit_vectors, active, columns);
      out.energy["dynamic_product"] += read.energy.total() * product.batch;
      slowest = slower(slowest, read.times.total);
    }
  }
  // A sensing that is slower than that of the arrays with weights takes several cycles.
  const double cycle = step_time(clocked, period, subarray.sensing_cycle);
  add_partial_sums(clocked, period, product, placed.down, out);
  add_operands(clocked, period, product, period > 0 ? slowest * cycle : slowest, out);
  return out;
}

namespace {

/// Circuits of one lane of a digital unit, and what one use of them costs.
struct Lane {
  double add = 0, multiply = 0, look_up = 0;  // J
  double time = 0;                            // s, the slowest
  double area = 0;                            // m^2
  double leakage = 0;                         // W
  double table_area = 0, table_leakage = 0;   // of one table

  Lane(const Context& context, const UnitWork& work) {
    const Parameters& p = context.parameters;
    const int bits = p.input_bits;
    const int wide = bits + bits_of(work.length);  // sums over a row
    const bool activity = p.validated;
    const auto registers = [&](int count) {
      FlipFlops stage(context);
      stage.size(count);
      stage.layout(0, 0);
      stage.power(1, count, activity);
      return stage;
    };
    const auto take = [&](const Circuit& circuit, int copies, double seconds) {
      area += copies * circuit.area;
      leakage += copies * circuit.leakage;
      if (copies > 0) time = std::max(time, seconds);
    };
    Adder adder(context);
    adder.size(wide, 1);
    adder.layout(0, 0);
    adder.latency(kStep, 0, 1);
    adder.power(1, 1);
    const FlipFlops sum = registers(wide);
    add = adder.read_energy + sum.read_energy;
    take(adder, work.additions, adder.read_latency);
    take(sum, work.additions, 0);

    // Partial products of an array multiplier: an AND for each pair of bits, then a tree.
    AdderTree tree(context);
    tree.size(bits, bits, 1);
    tree.layout(nominal_cell_height(context.technology) * 4, 0);
    tree.power(1, 0);
    Adder carry(context);  // the longest path: one carry chain over the whole product
    carry.size(2 * bits, 1);
    carry.latency(kStep, 0, 1);
    const FlipFlops product = registers(2 * bits);
    const Widths w =
        tuned_cells(context) ? tuned_widths(context) : minimum_inverter(context.technology);
    const GateCaps gate = nand2_caps(context, w);
    const double ands = static_cast<double>(bits) * bits;
    const double vdd = context.technology.vdd;
    multiply = tree.read_energy + product.read_energy +
               ands * (gate.input + gate.output) * vdd * vdd * (activity ? p.delta : 1);
    take(tree, work.multiplications, carry.read_latency);
    take(product, work.multiplications, 0);
    area += work.multiplications * ands * cell_outline(context, Gate::Nand, 2, w).area();
    leakage +=
        work.multiplications * ands * vdd * leakage_current(context.technology, Gate::Nand, 2, w);

    const Memory table(context, (1 << bits) * bits, bits, true);
    look_up = table.read_bit * bits;
    table_area = table.area;
    table_leakage = table.leakage;
    area += work.lookups * table_area;
    leakage += work.lookups * table_leakage;
    if (work.lookups + work.row_steps > 0) time = std::max(time, table.read_time);
  }
};

}  // namespace

BlockFigures digital_unit(const Context& context, const UnitWork& work,
                          const BlockSettings& settings) {
  const double period = settings.clock_period;
  const Context clocked = at_clock(context, period);
  const Lane lane(clocked, work);
  const double lanes = settings.lanes, bits = clocked.parameters.input_bits;
  const double rows = work.elements / work.length;
  BlockFigures out;
  out.units = lanes;
  out.energy[work.component] =
      work.elements * (work.additions * lane.add + work.multiplications * lane.multiply +
                       work.lookups * lane.look_up) +
      rows * work.row_steps * lane.look_up;
  const double shared = work.row_steps > 0 ? 1 : 0;  // a table for the steps of a row
  out.area[work.component] = lanes * lane.area + shared * lane.table_area;
  out.leakage[work.component] = lanes * lane.leakage + shared * lane.table_leakage;
  const double rows_at_once = std::max(1.0, std::floor(lanes / work.length));
  const double steps = work.passes * std::ceil(work.elements / lanes) +
                       std::ceil(rows / rows_at_once) * work.row_steps;
  const double moved = work.elements * (work.reads + work.writes) * bits;
  out.latency =
      std::max(steps * step_time(clocked, period, lane.time), bus_time(clocked, period, moved));
  add_buffer(clocked, work.elements * work.reads * bits, work.elements * work.writes * bits,
             work.elements * work.kept * bits, out);
  return out;
}

}  // namespace cimsim
