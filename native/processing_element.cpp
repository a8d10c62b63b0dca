#include "processing_element.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace cimsim {
namespace {

int ceil_div(int a, int b) { return (a + b - 1) / b; }

std::int64_t whole(double value) { return static_cast<std::int64_t>(value); }

}  // namespace

ProcessingElement::ProcessingElement(const Context& context, const Subarray& subarray, int size)
    : context_(context),
      subarray_(subarray),
      array_rows_(ceil_div(size, context.parameters.rows)),
      array_cols_(ceil_div(size, context.parameters.cols)),
      partial_bits_(partial_sum_bits(context.parameters)),
      tree_(context),
      input_buffer_(context),
      output_buffer_(context),
      input_bus_(context),
      output_bus_(context) {
  const Parameters& p = context.parameters;
  side_ = static_cast<int>(std::ceil(std::sqrt(static_cast<double>(array_rows_) * array_cols_)));
  tree_.size(side_, partial_bits_,
             static_cast<int>(std::ceil(static_cast<double>(side_) * p.cols / p.cols_muxed)));
  // With synchronous data transfer all subarrays of a side are served at once (chip.md 4.1).
  const int served = p.sync_data_transfer ? side_ : 1;
  input_buffer_.size(p.input_bits * p.rows * served);
  output_buffer_.size(p.cols * served / p.cols_muxed * (partial_bits_ + tree_.stages()));
  input_bus_.size(BusDirection::Horizontal, side_, side_, 0, p.rows * served, subarray.height,
                  subarray.width);
  output_bus_.size(BusDirection::Vertical, side_, side_, 0, p.cols * served, subarray.height,
                   subarray.width);

  tree_.layout(0, subarray.width);
  input_buffer_.layout(side_ * subarray.height, 0);
  output_buffer_.layout(0, side_ * subarray.width);
  areas = static_cast<double>(subarrays()) * subarray.areas;
  areas.accumulation += tree_.area;
  areas.other += input_buffer_.area + output_buffer_.area;
  // The outline holds whole subarrays, corners included, which belong to no class.
  height = std::sqrt(subarrays() * subarray.area() + tree_.area + input_buffer_.area +
                     output_buffer_.area);
}

double ProcessingElement::leakage() const {
  return subarray_.leakage * array_rows_ * array_cols_ + tree_.leakage + input_buffer_.leakage +
         output_buffer_.leakage + input_bus_.leakage + output_bus_.leakage;
}

Energies ProcessingElement::leakage_parts() const {
  Energies watt;
  const double count = static_cast<double>(array_rows_) * array_cols_;
  for (const auto& part : subarray_.parts) watt[part.part] += count * part.leakage;
  watt[Part::PeAdderTree] += tree_.leakage;
  watt[Part::PeInputBuffer] += input_buffer_.leakage;
  watt[Part::PeOutputBuffer] += output_buffer_.leakage;
  watt[Part::PeInputBus] += input_bus_.leakage;
  watt[Part::PeOutputBus] += output_bus_.leakage;
  return watt;
}

double ProcessingElement::idle_leakage() const {
  return subarray_.idle_leakage * array_rows_ * array_cols_;
}

void ProcessingElement::add_tree(Figures& figures, double reads, int units) {
  tree_.latency(reads, units, 0);
  tree_.power(reads, units);
  figures.times.add_accumulation(tree_.read_latency);
  figures.energy[Part::PeAdderTree] += tree_.read_energy;
}

Figures ProcessingElement::evaluate(const LayerInputs& inputs, Range rows, Range cols,
                                    Copies copies) {
  const Parameters& p = context_.parameters;
  const double vectors = inputs.bit_vectors / p.input_bits;
  const double tree_reads = vectors * p.weights_among(p.cols_muxed);
  const int tree_units = ceil_div(rows.count, p.rows);
  const bool shared = copies.total() > 1;
  Figures total;
  if (shared && copies.rows >= array_rows_ && copies.cols >= array_cols_) {
    // Every subarray holds a copy, so that nothing is added. A matrix larger than a subarray is
    // read as one all the same (chip quirk 39).
    total = subarray_.read(inputs, rows, cols);
  } else {
    // Without copies, cells beyond the element are not read: a layer whose copies are spread over
    // all elements of its tile may be larger than one of them, and the reference drops the rest.
    const int row_end = shared ? rows.count : std::min(rows.count, array_rows_ * p.rows);
    const int col_end = shared ? cols.count : std::min(cols.count, array_cols_ * p.cols);
    for (int r = 0; r < row_end; r += p.rows) {
      for (int c = 0; c < col_end; c += p.cols) {
        Figures block = subarray_.read(inputs, {rows.first + r, std::min(p.rows, rows.count - r)},
                                       {cols.first + c, std::min(p.cols, cols.count - c)});
        if (shared) add_tree(block, tree_reads, tree_units);
        // In the reference a layer with copies pays the tree for each of its subarrays (quirk 38).
        if (p.adder_tree_energy && r + c > 0) block.energy[Part::PeAdderTree] = 0;
        total.times.slowest(block.times);
        total.energy += block.energy;
      }
    }
    if (!shared) add_tree(total, tree_reads, tree_units);
  }
  if (shared) total.times /= copies.total();
  add_transport(total, inputs, rows, cols);
  return total;
}

/// Buffers and buses. Counts of transfers are whole for the buffers, and so is the number of bits
/// on the output bus (chip quirk 44).
void ProcessingElement::add_transport(Figures& figures, const LayerInputs& inputs, Range rows,
                                      Range cols) {
  const Parameters& p = context_.parameters;
  const std::int64_t reads = whole(inputs.bit_vectors);
  const std::int64_t inputs_in = rows.count / p.rows_per_synapse;
  const std::int64_t weights = cols.count / p.cols_per_synapse;
  const auto loads_in = static_cast<double>(inputs_in * reads / input_buffer_.count());
  const auto loads_out =
      static_cast<double>(weights * partial_bits_ * reads / p.input_bits / output_buffer_.count());
  input_buffer_.latency(loads_in);
  output_buffer_.latency(loads_out);
  input_buffer_.power(loads_in, input_buffer_.count(), false);
  output_buffer_.power(loads_out, output_buffer_.count(), false);

  const double bus_in = static_cast<double>(inputs_in * reads) / input_bus_.bus_width();
  const double bus_out =
      static_cast<double>(weights * (tree_.stages() + partial_bits_) * reads / p.input_bits) /
      (side_ * output_bus_.bus_width());
  input_bus_.latency(bus_in);
  input_bus_.power(input_bus_.bus_width(), bus_in, true);
  output_bus_.latency(bus_out);
  output_bus_.power(side_ * output_bus_.bus_width(), bus_out, false);

  // A synchronous chip moves data within the sensing cycles (chip quirk 45).
  const double bus_time = p.synchronous ? 0 : input_bus_.read_latency + output_bus_.read_latency;
  if (!p.sync_data_transfer)  // else hidden behind the transfer from the global buffer
    figures.times.add_transport(input_buffer_.read_latency + output_buffer_.read_latency, bus_time);
  figures.energy[Part::PeInputBuffer] += input_buffer_.read_energy;
  figures.energy[Part::PeOutputBuffer] += output_buffer_.read_energy;
  figures.energy[Part::PeInputBus] += input_bus_.read_energy;
  figures.energy[Part::PeOutputBus] += output_bus_.read_energy;
}

}  // namespace cimsim
