#include "chip.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>

namespace cimsim {
namespace {

double ceil_sqrt(double x) { return std::ceil(std::sqrt(x)); }

double ceil_div(double a, double b) { return std::ceil(a / b); }

std::vector<int> cells_per_weight(const ChipDesigns& designs) {
  std::vector<int> cells;
  cells.reserve(designs.of_layer.size());
  for (std::size_t l = 0; l < designs.of_layer.size(); ++l)
    cells.push_back(designs.of(l).parameters.cols_per_synapse);
  return cells;
}

}  // namespace

TileKinds::TileKinds(const Context& context, const FloorPlan& plan)
    : subarray(make_subarray(context)),
      conventional(context, subarray, Tile::Kind::Conventional,
                   static_cast<int>(ceil_div(plan.tile_size, plan.pe_size)), plan.pe_size) {
  if (plan.novel())
    novel.emplace(context, subarray, Tile::Kind::Novel, plan.kernel_positions, plan.novel_pe_size);
}

Chip::Chip(const ChipDesigns& designs, const std::vector<NetworkLayer>& layers)
    : designs_(designs),
      context_(designs.shared()),
      layers_(layers),
      plan_(plan_floor(context_.parameters, layers, cells_per_weight(designs))),
      buffer_(context_),
      accumulator_(context_),
      pooling_(context_) {
  for (const Context& context : designs.contexts) kinds_.emplace_back(context, plan_);
  for (std::size_t l = 0; l < layers.size(); ++l) {
    ++kind(l).layers;
    (plan_.layers[l].novel ? kind(l).novel_tiles : kind(l).conventional_tiles) +=
        plan_.layers[l].tiles();
  }
  size_bus_and_buffer();
  size_results();
  layout();
}

void Chip::size_bus_and_buffer() {
  const Parameters& p = context_.parameters;
  double stored = 0;  // bits of feature maps
  for (std::size_t l = 0; l < layers_.size(); ++l) {
    const NetworkLayer& layer = layers_[l];
    const double map =
        static_cast<double>(layer.height) * layer.width * layer.in_channels * of(l).input_bits;
    stored = p.pipeline ? stored + map / 2 : std::max(stored, map);
    const LayerPlan& placed = plan_.layers[l];
    const double side =
        placed.novel ? plan_.novel_pe_size * ceil_sqrt(plan_.kernel_positions) : plan_.tile_size;
    bus_width_ += (side + side / of(l).cols_muxed) * (p.pipeline ? placed.tiles() : 1);
  }
  while (bus_width_ > p.max_global_bus_width) bus_width_ /= 2;

  const double core = static_cast<double>(p.global_buffer_core_rows) * p.global_buffer_core_cols;
  // With synchronous data transfer two images are held, and a line is as wide as the bus.
  const bool synchronous = p.sync_data_transfer;
  buffer_.core.size(
      p.global_buffer_core_rows * p.global_buffer_core_cols,
      synchronous ? std::max(1, static_cast<int>(bus_width_)) : p.global_buffer_core_cols,
      p.global_buffer_sram);
  const double bits = std::floor(stored) * (synchronous ? 2 : 1);
  buffer_.cores = std::max(1, static_cast<int>(ceil_div(bits, core)));
  if (synchronous) {
    if (designs_.contexts.size() > 1)
      throw std::domain_error(
          "sync_data_transfer moves the data of all layers in tiles of one kind, but their bits "
          "differ");
    const TileKinds& kinds = kinds_.front();
    if (!kinds.novel)
      throw std::domain_error(
          "sync_data_transfer needs a layer in novel mapping, and the network has none");
    equivalent_ = equivalent_tiles(plan_, kinds.novel->areas.array, kinds.conventional.areas.array);
  }
  if (p.global_bus_htree) {
    htree_.emplace(context_).size(synchronous ? equivalent_.rows : plan_.grid_rows,
                                  synchronous ? equivalent_.cols : plan_.grid_cols,
                                  p.global_bus_delay_tolerance, bus_width_);
  } else {
    xy_bus_.emplace(context_).size(plan_.grid_rows, plan_.grid_cols, p.global_bus_delay_tolerance,
                                   bus_width_);
  }
}

/// Accumulation, activation and pooling of results. Their number grows with the layers of a
/// pipeline.
void Chip::size_results() {
  const Parameters& p = context_.parameters;
  const double muxed = p.cols_muxed;
  const double pooled = std::max(plan_.tile_size, plan_.novel_pe_size) / muxed;
  pooling_.size(p.input_bits, 4, std::max(1, static_cast<int>(pooled)));
  int operands = 1;
  for (const auto& layer : plan_.layers) operands = std::max(operands, summed_tiles(layer));
  double outputs = std::max(plan_.tile_size, plan_.novel_pe_size);
  double sums =
      std::max(ceil_div(plan_.pe_size, p.rows), ceil_div(plan_.novel_pe_size, p.rows)) *
      std::max(ceil_div(plan_.tile_size, plan_.pe_size), ceil_sqrt(plan_.kernel_positions));
  const double stages = static_cast<double>(layers_.size()) + 1;
  if (p.pipeline && plan_.novel()) outputs *= stages;
  if (p.pipeline) sums *= stages;
  const int units = static_cast<int>(ceil_div(outputs, muxed));
  if (!p.chip_activation) {
    accumulator_.size(operands, p.input_bits, units);
    return;
  }
  const int bits = static_cast<int>(partial_sum_bits(p) + std::ceil(std::log2(sums)));
  accumulator_.size(operands, bits, units);
  activation_.emplace(context_, kinds_.front().subarray.cell);
  activation_->size(units, static_cast<int>(bits + std::ceil(std::log2(operands))), units);
}

/// Tiles whose results are added up. In the reference copies count although their results are not
/// added (chip quirk 54).
int Chip::summed_tiles(const LayerPlan& layer) const {
  return context_.parameters.copied_sums ? layer.base_tile_rows : layer.summed_tile_rows();
}

Energies Chip::block_leakage() {
  const double line = buffer_.core.line_width(), side = kinds_.front().conventional.height;
  buffer_.core.power(line, 0, line, 0, kinds_.front().subarray.cell);
  if (htree_) htree_->power(side, side, bus_width_, 0);
  if (xy_bus_) xy_bus_->power(plan_.grid_cols, 0, side, side, 0, 0);
  pooling_.power(0);
  accumulator_.power(0, 0);
  if (activation_) activation_->evaluate(0);
  Energies watt;
  watt[Part::GlobalBufferRead] = buffer_.core.leakage * buffer_.cores;
  watt[Part::GlobalBus] = htree_ ? htree_->leakage : xy_bus_->leakage;
  watt[Part::ChipPooling] = pooling_.leakage;
  watt[Part::ChipAccumulation] = accumulator_.leakage;
  if (activation_) watt[Part::ChipActivation] = activation_->circuit().leakage;
  return watt;
}

void Chip::layout() {
  const Parameters& p = context_.parameters;
  double tile_side = 0;
  for (const TileKinds& kinds : kinds_)
    if (kinds.layers > 0) tile_side = std::max(tile_side, kinds.height());
  const double buffer_height = plan_.grid_rows * tile_side;
  buffer_.core.layout(buffer_height, 0, kinds_.front().subarray.cell);
  const double buffer_area = buffer_.core.area * buffer_.cores;
  const double buffer_width = buffer_area / buffer_height;
  if (htree_) htree_->layout(tile_side, tile_side, p.tree_folded_ratio);
  if (xy_bus_) xy_bus_->layout(tile_side, tile_side, p.tree_folded_ratio);
  pooling_.layout(buffer_width);
  accumulator_.layout(0, buffer_height / 3);
  if (activation_) activation_->layout(buffer_width / 3);

  const double bus_area = htree_ ? htree_->area : xy_bus_->area;
  const double activation_area = activation_ ? activation_->circuit().area : 0;
  for (const TileKinds& kinds : kinds_) {
    areas_ += static_cast<double>(kinds.conventional_tiles) * kinds.conventional.areas;
    area_ += kinds.conventional_tiles * kinds.conventional.area();
    if (!kinds.novel) continue;
    areas_ += static_cast<double>(kinds.novel_tiles) * kinds.novel->areas;
    area_ += kinds.novel_tiles * kinds.novel->area();
  }
  if (context_.parameters.sync_data_transfer) {
    // Only outline and cells are those of the equivalent tiles (chip.md 6.1).
    const Tile& novel = *kinds_.front().novel;
    areas_.array = equivalent_.count * novel.areas.array;
    area_ = equivalent_.count * novel.area();
  }
  areas_.interconnect += bus_area;
  areas_.accumulation += accumulator_.area;
  areas_.other += buffer_area + pooling_.area + activation_area;
  area_ += bus_area + buffer_area + pooling_.area + accumulator_.area + activation_area;
}

Figures Chip::evaluate(std::size_t layer, const LayerInputs& inputs) {
  Figures figures = evaluate_tiles(layer, inputs);
  const Times in_tiles = figures.times;
  const double vectors = inputs.bit_vectors / of(layer).input_bits;
  add_results(layer, vectors, figures);
  // With synchronous data transfer the results are processed while the next data arrives.
  if (context_.parameters.sync_data_transfer) figures.times = in_tiles;
  add_transport(layer, vectors, figures);
  return figures;
}

/// All groups of one copy of the layer; further copies share its vectors.
Figures Chip::evaluate_tiles(std::size_t layer, const LayerInputs& inputs) {
  const LayerPlan& placed = plan_.layers[layer];
  Figures total;
  for (int group = 0; group < placed.groups; ++group) {
    const Figures part = evaluate_group(layer, group, inputs);
    total.times.slowest(part.times);
    total.energy += part.energy;
  }
  total.times *= placed.turns();
  return total;
}

/// The tiles with the matrix of one group, as if it had all places for itself.
Figures Chip::evaluate_group(std::size_t layer, int group, const LayerInputs& inputs) {
  const LayerPlan& placed = plan_.layers[layer];
  const int position_rows = layers_[layer].in_channels * context_.parameters.rows_per_synapse;
  const int size = placed.novel ? plan_.novel_pe_size : plan_.tile_size;
  const int rows = placed.novel ? position_rows : placed.group_rows();
  const int cols = placed.group_cols();
  Figures total;
  for (int top = 0; top < rows; top += size) {
    for (int left = 0; left < cols; left += size) {
      const Range held_rows{group * rows + top, std::min(size, rows - top)};
      const Range held_cols{group * cols + left, std::min(size, cols - left)};
      const Figures part = placed.novel ? tile(layer).evaluate_novel(inputs, held_rows, held_cols,
                                                                     position_rows, placed.places())
                                        : tile(layer).evaluate_conventional(
                                              inputs, held_rows, held_cols, placed.places());
      total.times.slowest(part.times);
      total.energy += part.energy;
    }
  }
  return total;
}

void Chip::add_results(std::size_t layer, double vectors, Figures& figures) {
  const Parameters& p = of(layer);
  const LayerPlan& placed = plan_.layers[layer];
  const double weights = placed.matrix_cols / p.cols_per_synapse;
  if (activation_) {
    activation_->evaluate(std::ceil(vectors * layers_[layer].out_channels / activation_->width()));
    figures.times.add_other(activation_->circuit().read_latency);
    figures.energy[Part::ChipActivation] += activation_->circuit().read_energy;
  }
  if (summed_tiles(placed) > 1) {
    const double reads = std::ceil(weights * (vectors / accumulator_.trees()));
    accumulator_.latency(reads, summed_tiles(placed), 0);
    accumulator_.power(reads, summed_tiles(placed));
    figures.times.add_accumulation(accumulator_.read_latency);
    figures.energy[Part::ChipAccumulation] += accumulator_.read_energy;
  }
  if (layers_[layer].pooled) {
    const double results = std::floor(vectors * placed.matrix_cols / p.cols_per_synapse);
    const double reads = std::ceil(results / 4 / pooling_.count());
    pooling_.latency(kStep, 0, reads);
    pooling_.power(reads);
    figures.times.add_other(pooling_.read_latency);
    figures.energy[Part::ChipPooling] += pooling_.read_energy;
  }
}

/// Bits of a result: those of the inputs of the next layer.
int Chip::result_bits(std::size_t layer) const {
  return of(std::min(layer + 1, layers_.size() - 1)).input_bits;
}

void Chip::add_transport(std::size_t layer, double vectors, Figures& figures) {
  const Parameters& p = of(layer);
  const LayerPlan& placed = plan_.layers[layer];
  // Overlapping vectors of a novel layer are read once for each kernel column.
  double bits_out = static_cast<double>(placed.matrix_rows) * p.input_bits * vectors;
  if (placed.novel) bits_out /= layers_[layer].kernel_height;
  double bits_in =
      static_cast<double>(placed.matrix_cols / p.cols_per_synapse) * result_bits(layer) * vectors;
  if (layers_[layer].pooled) bits_in /= 4;

  const bool synchronous = p.sync_data_transfer;
  const double time = synchronous ? synchronous_transfer(layer, bits_out, bits_in, figures)
                                  : bus_transfer(layer, bits_out, bits_in, figures);
  const double line = buffer_.core.line_width();
  buffer_.core.latency(bits_out / line, bits_in / line, kinds_.front().subarray.cell);
  buffer_.core.power(line, bits_out / line, line, bits_in / line, kinds_.front().subarray.cell);
  figures.energy[Part::GlobalBufferRead] += buffer_.core.read_energy;
  figures.energy[Part::GlobalBufferWrite] += buffer_.core.write_energy;
  const double transfers = buffer_.core.read_latency + buffer_.core.write_latency;
  if (!synchronous) {
    figures.times.add_transport(transfers / buffer_.parallel(bus_width_), time);
    return;
  }
  figures.times.other = 0;  // the reference overwrites what there was (chip quirk 59)
  figures.times.add_transport(transfers * time, 0);
}

/// Moves a layer's data in synchronous transfers and returns the cycles of one line of the buffer:
/// those of the H-tree, as often as the other layers' shares of the wires have to wait.
double Chip::synchronous_transfer(std::size_t layer, double bits_out, double bits_in,
                                  Figures& figures) {
  const Parameters& p = context_.parameters;
  const double inputs = layer_inputs(layers_[layer], plan_.layers[layer].novel);
  const double total = total_inputs(inputs, layers_.size());
  const double wires = bus_width_ * inputs / total;
  // All units are equivalent tiles. A fraction of a wire switches but carries no data.
  const double side = kinds_.front().novel->height, width = std::max(std::floor(wires), 1.0);
  htree_->latency(side, side, 1);
  htree_->power(
      side, side, std::ceil(wires),
      ceil_div(bits_out * p.input_toggle, width) + ceil_div(bits_in * p.output_toggle, width));
  figures.energy[Part::GlobalBus] += htree_->read_energy;
  return std::max(htree_->critical_latency(), 1.0) * std::ceil(total / inputs);
}

/// Moves a layer's data over its share of the bus and returns the latency.
double Chip::bus_transfer(std::size_t layer, double bits_out, double bits_in, Figures& figures) {
  const Parameters& p = context_.parameters;
  const LayerPlan& placed = plan_.layers[layer];
  const double tiles = plan_.tiles(), rows = ceil_sqrt(tiles), cols = ceil_div(tiles, rows);
  const double side = tile(layer).height;
  if (htree_) {
    const double width = std::ceil(bus_width_ * (placed.tiles() / tiles));
    htree_->latency(side, side, ceil_div(bits_out + bits_in, width));
    htree_->power(
        side, side, width,
        ceil_div(bits_out * p.input_toggle, width) + ceil_div(bits_in * p.output_toggle, width));
    figures.energy[Part::GlobalBus] += htree_->read_energy;
    return htree_->read_latency;
  }
  const int x = static_cast<int>(std::ceil(cols / 2));
  // A chip of one tile has no vertical bus; the reference gives it a negative length and energy.
  const int y = static_cast<int>(std::min(std::ceil(rows / 2), rows - 1));
  xy_bus_->latency(x, y, side, side, std::ceil(bits_out / bus_width_ * rows / placed.tile_rows()),
                   std::ceil(bits_in / bus_width_ * cols / placed.tile_cols()));
  xy_bus_->power(x, y, side, side, bits_out * p.input_toggle, bits_in * p.output_toggle);
  figures.energy[Part::GlobalBus] += xy_bus_->read_energy;
  return xy_bus_->read_latency;
}

}  // namespace cimsim
