#include "subarray.hpp"

#include <cmath>
#include <stdexcept>

#include "subarray_kinds.hpp"

namespace cimsim {

Figures Subarray::read(const LayerInputs& inputs, Range rows, Range cols) const {
  Figures out;
  const double reads = inputs.bit_vectors;
  const double active = inputs.rows ? inputs.rows->active(rows) : 0.0;
  for (const auto& e : energies) out.energy[e.part] += e.fixed * reads + e.per_row * active;
  out.energy[sensing.part] += sensing_energy(inputs, rows, cols);

  const auto add_time = [&](const ReadTime& t, double times) {
    out.times.total += t.total() * times;
    out.times.adc += t.adc * times;
    out.times.accumulation += t.accumulation * times;
    out.times.other += t.other * times;
  };
  if (!sequential || !inputs.rows) {
    add_time(read_time(0), reads);
  } else {
    const RowHistogram& times = inputs.rows->histogram(rows);
    for (std::size_t n = 0; n < times.size(); ++n)
      if (times[n] > 0) add_time(read_time(static_cast<double>(n)), times[n]);
  }
  return out;
}

Figures Subarray::read_uniform(double reads, double active, double cols) const {
  Figures out;
  for (const auto& e : energies) out.energy[e.part] += (e.fixed + e.per_row * active) * reads;
  const double conductance = sensing.dependence == ColumnSensing::Dependence::ActiveRows
                                 ? active * sensing.conductance_per_row
                                 : 0;
  out.energy[sensing.part] += sensing.energy(conductance) * sensings(active) * reads * cols;
  out.times.total = read_time(active).total() * reads;
  return out;
}

double Subarray::sensing_energy(const LayerInputs& inputs, Range rows, Range cols) const {
  using Dependence = ColumnSensing::Dependence;
  if (!inputs.rows) return 0;
  if (sensing.dependence == Dependence::Weights) inputs.sensed->add(rows, cols);
  if (sensing.dependence == Dependence::None) {
    const double count = sequential ? inputs.rows->active(rows) : inputs.bit_vectors * row_groups;
    return sensing.energy(0) * count * cols.count;
  }
  if (sensing.dependence == Dependence::IdleReads) {
    if (sequential) return sensing.energy(1) * inputs.rows->active(rows) * cols.count;
    const double idle = inputs.rows->idle(rows);
    return (sensing.energy(1) * (inputs.bit_vectors - idle) + sensing.energy(0) * idle) *
           row_groups * cols.count;
  }
  if (sensing.dependence == Dependence::ActiveRows) {
    double joule = 0;
    const RowHistogram& times = inputs.rows->histogram(rows);
    for (std::size_t n = 0; n < times.size(); ++n) {
      const auto active = static_cast<double>(n);
      if (times[n] > 0)
        joule += sensing.energy(active * sensing.conductance_per_row) * sensings(active) * times[n];
    }
    return joule * cols.count;
  }
  return 0;  // Dependence::Weights
}

double Subarray::sensing_energy(const std::vector<ConductanceCount>& columns) const {
  double joule = 0;
  for (const auto& column : columns) joule += sensing.energy(column.conductance) * column.sensings;
  return joule;
}

Subarray make_subarray(const Context& context) {
  const Parameters& p = context.parameters;
  const bool parallel = p.operation_mode == OperationMode::ConventionalParallel;
  if (!parallel && p.operation_mode != OperationMode::ConventionalSequential)
    throw std::domain_error(
        "operationmode is a binary mode (3 to 6); only 1 (sequential) and 2 (parallel) are built");
  if (p.sram()) return parallel ? sram_parallel(context) : sram_sequential(context);
  if (parallel) return resistive_parallel(context);
  if (p.nvcap())
    throw std::domain_error(
        "numRowParallel is 1 but nvcap cells are read in parallel only; allowed: 2 or more");
  return resistive_sequential(context);
}

int partial_sum_bits(const Parameters& p) {
  const int weight_bits = (p.cols_per_synapse - 1) * p.cell_bits;
  if (!p.parallel_read)
    return static_cast<int>(std::ceil(std::log2(p.rows))) + p.cell_bits + p.input_bits +
           weight_bits + 1;
  return static_cast<int>(std::log2(p.adc_levels) + std::ceil(std::log2(p.rows / p.parallel_rows)) +
                          p.input_bits + weight_bits + 1);
}

}  // namespace cimsim
