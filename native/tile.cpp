#include "tile.hpp"

#include <algorithm>
#include <cmath>

namespace cimsim {
namespace {

int ceil_div(int a, int b) { return (a + b - 1) / b; }

int bits_of(double count) { return static_cast<int>(std::ceil(std::log2(count))); }

}  // namespace

void ActivationUnit::size(int units, int entries, int functions) {
  const Parameters& p = context_.parameters;
  if (p.relu) {
    relu_.emplace(context_).size(units, p.input_bits);
  } else {
    sigmoid_.emplace(context_).size(p.sigmoid_sram, p.input_bits, entries, functions, cell_);
  }
}

void ActivationUnit::layout(double new_width) {
  if (relu_) relu_->layout(0, new_width);
  if (sigmoid_) sigmoid_->layout(0, new_width);
}

void ActivationUnit::evaluate(double reads) {
  if (relu_) {
    relu_->latency(reads);
    relu_->power(reads);
  } else {
    sigmoid_->latency(reads, cell_);
    sigmoid_->power(reads, cell_);
  }
}

void BufferBank::size(double bits, double line, int core_rows, int core_cols, bool sram) {
  const double whole = static_cast<double>(core_rows) * core_cols;
  cores = static_cast<int>(std::ceil(bits / whole));
  if (bits < whole) {
    core.size(static_cast<int>(bits), static_cast<int>(line), sram);
  } else {
    core.size(core_rows * core_cols, core_cols, sram);
  }
}

double BufferBank::parallel(double bus_width) const {
  return std::min<double>(cores, std::ceil(bus_width / core.line_width()));
}

Tile::Tile(const Context& context, const Subarray& subarray, Kind kind, int elements, int pe_size)
    : pe(context, subarray, pe_size),
      accumulator(context),
      input_buffer(context),
      output_buffer(context),
      htree(context),
      context_(context),
      cell_(subarray.cell),
      kind_(kind),
      side_(elements),
      pe_size_(pe_size) {
  size();
  layout();
}

void Tile::size() {
  const Parameters& p = context_.parameters;
  const double n = side_, muxed = p.cols_muxed;
  const int subarrays = ceil_div(pe_size_, p.rows) * ceil_div(pe_size_, p.cols);
  // In the reference the root of the number of subarrays, not its logarithm, widens the sums (chip
  // quirk 40).
  const double carries = p.sum_width ? std::log2(subarrays) : std::sqrt(subarrays);
  const int bits = static_cast<int>(partial_sum_bits(p) + std::ceil(carries));
  const double outputs = kind_ == Kind::Novel ? pe_size_ : n * pe_size_;
  accumulator.size(side_, bits, static_cast<int>(std::ceil(outputs / muxed)));

  const double sum_bits = bits + bits_of(n);
  const double line_bits = p.chip_activation ? sum_bits : p.input_bits;
  output_buffer.size(line_bits * n * p.cols / muxed, line_bits * n, p.tile_buffer_core_rows,
                     p.tile_buffer_core_cols, p.pe_buffer_sram);
  input_buffer.size(n * p.input_bits * p.rows, n * p.rows, p.tile_buffer_core_rows,
                    p.tile_buffer_core_cols, p.pe_buffer_sram);
  if (p.sync_data_transfer) size_one_line_buffers(sum_bits, n);
  if (!p.chip_activation) {
    activation.emplace(context_, cell_);
    activation->size(static_cast<int>(std::ceil(pe_size_ * p.cols / muxed)),
                     static_cast<int>(sum_bits), static_cast<int>(std::ceil(n * p.cols / muxed)));
  }
  const int grid = kind_ == Kind::Novel ? static_cast<int>(std::ceil(std::sqrt(n))) : side_;
  htree.size(grid, grid, p.local_bus_delay_tolerance, n * pe_size_);
}

/// Buffers whose single line is as wide as the tile, for synchronous data transfer (chip.md 5.1):
/// a novel tile keeps the number of cores that its narrow buffers have.
void Tile::size_one_line_buffers(double sum_bits, double elements) {
  const Parameters& p = context_.parameters;
  const double core = static_cast<double>(p.tile_buffer_core_rows) * p.tile_buffer_core_cols;
  const double columns = (kind_ == Kind::Novel ? 1 : elements) * pe_size_;
  const double results = sum_bits * columns / p.cols_muxed;
  const double inputs = elements * pe_size_ * p.input_bits;
  const auto size_line = [&](BufferBank& bank, double bits) {
    const int line = std::max(1, static_cast<int>(bits));
    bank.core.size(line, line, p.pe_buffer_sram);
    if (kind_ == Kind::Conventional) bank.cores = static_cast<int>(std::ceil(bits / core));
  };
  size_line(output_buffer, results);
  size_line(input_buffer, inputs);
}

void Tile::layout() {
  const double count = elements(), side = std::ceil(std::sqrt(count)) * pe.height;
  accumulator.layout(0, side);
  if (activation) activation->layout(side);
  input_buffer.core.layout(side, 0, cell_);
  output_buffer.core.layout(0, side, cell_);
  const double folds = 16;  // the tile's tree is folded, whatever treeFoldedRatio
  htree.layout(pe.height, pe.height, folds);

  const double buffers =
      input_buffer.core.area * input_buffer.cores + output_buffer.core.area * output_buffer.cores;
  const double activation_area = activation ? activation->circuit().area : 0;
  areas = count * pe.areas;
  areas.accumulation += accumulator.area;
  areas.other += buffers + activation_area;
  areas.interconnect += htree.area;
  height = std::sqrt(count * pe.area() + accumulator.area + buffers + htree.area + activation_area);
}

double Tile::leakage() const {
  const Energies parts = tile_parts();
  return pe.leakage() * elements() + parts.total();
}

Energies Tile::leakage_parts() const {
  Energies watt = static_cast<double>(elements()) * pe.leakage_parts();
  watt += tile_parts();
  return watt;
}

/// W of the circuits outside the elements. The reference counts one core of each buffer and no
/// activation unit (chip quirk 50).
Energies Tile::tile_parts() const {
  const bool all = context_.parameters.block_leakage;
  const auto leaking = [all](const BufferBank& bank) {
    return bank.core.leakage * (all ? bank.cores : 1);
  };
  Energies watt;
  watt[Part::TileAccumulation] = accumulator.leakage;
  watt[Part::TileInputBuffer] = leaking(input_buffer);
  watt[Part::TileOutputBuffer] = leaking(output_buffer);
  watt[Part::TileHTree] = htree.leakage;
  if (all && activation) watt[Part::TileActivation] = activation->circuit().leakage;
  return watt;
}

Figures Tile::evaluate_conventional(const LayerInputs& inputs, Range rows, Range cols,
                                    Copies speed_up) {
  const Parameters& p = context_.parameters;
  const double vectors = inputs.bit_vectors / p.input_bits;
  const double reads = vectors * std::ceil(static_cast<double>(p.cols_muxed) / p.cols_per_synapse);
  const bool copied = speed_up.total() > 1;
  Figures total;
  if (copied && speed_up.rows >= side_ && speed_up.cols >= side_) {
    total = pe.evaluate(inputs, rows, cols,
                        {ceil_div(speed_up.rows, side_), ceil_div(speed_up.cols, side_)});
    total.times /= elements();
  } else {
    const int used_rows = ceil_div(rows.count, pe_size_),
              used_cols = ceil_div(cols.count, pe_size_);
    // Without copies the reference charges every element: an empty one costs what the last one did
    // (chip quirk 37).
    const bool used_only = copied || p.empty_elements;
    const int all_rows = used_only ? used_rows : side_, all_cols = used_only ? used_cols : side_;
    Figures last;
    std::size_t last_blocks = 0;
    for (int r = 0; r < all_rows; ++r) {
      for (int c = 0; c < all_cols; ++c) {
        if (r < used_rows && c < used_cols) {
          const int top = r * pe_size_, left = c * pe_size_;
          if (inputs.sensed) last_blocks = inputs.sensed->count();
          last = pe.evaluate(inputs, {rows.first + top, std::min(pe_size_, rows.count - top)},
                             {cols.first + left, std::min(pe_size_, cols.count - left)}, {});
        } else if (inputs.sensed) {
          inputs.sensed->repeat(last_blocks);
        }
        total.times.slowest(last.times);
        total.energy += last.energy;
      }
    }
    if (copied) total.times /= speed_up.total();
    if (!copied) accumulate(total, reads, side_);
    if (copied && used_rows > 1) accumulate(total, reads, used_rows);
  }
  add_activation(total, vectors);
  add_transport(total, result_bits(inputs, cols), rows.count * inputs.bit_vectors);
  return total;
}

Figures Tile::evaluate_novel(const LayerInputs& inputs, Range rows, Range cols, int position_rows,
                             Copies speed_up) {
  const Parameters& p = context_.parameters;
  const double vectors = inputs.bit_vectors / p.input_bits;
  Figures total;
  for (int position = 0; position < side_; ++position) {
    const Figures part =
        pe.evaluate(inputs, {rows.first + position * position_rows, rows.count}, cols, {});
    total.times.slowest(part.times);
    total.energy += part.energy;
  }
  total.times /= speed_up.total();
  accumulate(total, vectors * p.weights_among(p.cols_muxed), side_);
  add_activation(total, vectors);
  double results = result_bits(inputs, cols);
  if (activation) results /= side_;
  add_transport(total, results,
                rows.count * static_cast<double>(side_) * inputs.bit_vectors / std::sqrt(side_));
  return total;
}

void Tile::accumulate(Figures& figures, double reads, int units) {
  accumulator.latency(reads, units, 0);
  accumulator.power(reads, units);
  if (!context_.parameters.sync_data_transfer)
    figures.times.add_accumulation(accumulator.read_latency);
  figures.energy[Part::TileAccumulation] += accumulator.read_energy;
}

void Tile::add_activation(Figures& figures, double vectors) {
  if (!activation) return;
  const Parameters& p = context_.parameters;
  activation->evaluate(vectors * p.weights_among(p.cols_muxed) / activation->width());
  figures.times.add_other(activation->circuit().read_latency);
  figures.energy[Part::TileActivation] += activation->circuit().read_energy;
}

double Tile::result_bits(const LayerInputs& inputs, Range cols) const {
  const Parameters& p = context_.parameters;
  const int weights = cols.count / p.cols_per_synapse;
  const double bits = activation ? 1 + p.input_bits : accumulator.stages() + accumulator.bits();
  return weights * bits * inputs.bit_vectors / p.input_bits;
}

/// `bits_in` enter the output buffer, `bits_out` leave the input buffer. The reference counts half
/// of each as reads and half as writes (chip quirk 43).
void Tile::add_transport(Figures& figures, double bits_in, double bits_out) {
  const Parameters& p = context_.parameters;
  const double bus_width = static_cast<double>(side_) * pe_size_;
  double buffer_time = 0;
  const auto move = [&](BufferBank& bank, double bits, Part part) {
    const double line = bank.core.line_width(), reads = bits / line / (p.buffer_traffic ? 1 : 2);
    bank.core.latency(reads, reads, cell_);
    bank.core.power(line, reads, line, reads, cell_);
    buffer_time += (bank.core.read_latency + bank.core.write_latency) / bank.parallel(bus_width);
    figures.energy[part] += bank.core.read_energy + bank.core.write_energy;
  };
  move(output_buffer, bits_in, Part::TileOutputBuffer);
  move(input_buffer, bits_out, Part::TileInputBuffer);
  htree.latency(pe.height, pe.height, (bits_out + bits_in) / bus_width);
  htree.power(pe.height, pe.height, bus_width,
              (bits_out * p.input_toggle + bits_in * p.output_toggle) / bus_width);
  figures.energy[Part::TileHTree] += htree.read_energy;
  if (!p.sync_data_transfer) figures.times.add_transport(buffer_time, htree.read_latency);
}

}  // namespace cimsim
