// What a chip report contains and how the figures of layers combine: layer by layer, or as a
// pipeline whose slowest layer sets the pace.
#include <algorithm>
#include <cmath>
#include <set>
#include <stdexcept>

#include "chip.hpp"

namespace cimsim {
namespace {

/// Figures of one layer with latencies in s.
struct LayerFigures {
  Figures figures;
  double tile_leakage = 0;       // W, one tile
  double idle_tile_leakage = 0;  // W, SRAM cells of one tile that are not read
  double leakage_power = 0;      // W, as reported
  Energies waiting_parts;        // W, one tile that waits
  Energies working_parts;        // W, one tile that works
  Energies chip_parts;           // W, share of the chip's own circuits
  Energies leaked;               // J an image, by part
  double leakage_energy = 0;     // J an image
};

void check_design(const Parameters& p) {
  if (p.sync_data_transfer) check_data_transfer(p);
  if (p.cols_muxed > p.cols && p.sram() && !p.parallel_read)
    throw std::domain_error("numColSubArray is " + std::to_string(p.cols) + " but must hold the " +
                            std::to_string(p.cols_per_synapse) +
                            " cells of a weight, which an SRAM array read row by row senses "
                            "together");
  if (p.cols_muxed > p.cols)
    throw std::domain_error("numColMuxed is " + std::to_string(p.cols_muxed) +
                            " but must be at most numColSubArray, " + std::to_string(p.cols));
}

void check_bits(const ChipDesigns& designs, const NetworkActivity& activity) {
  for (std::size_t l = 0; l < activity.layers().size(); ++l) {
    const int bits = designs.of(l).parameters.input_bits, packed = activity.input_bits(l);
    if (bits != packed)
      throw std::invalid_argument("numBitInput is " + std::to_string(bits) +
                                  " but the trace was packed for " + std::to_string(packed) +
                                  " input bits");
  }
}

/// Leakage of a pipeline: each tile leaks while the slowest layer so far works, or the slowest of
/// all with `until_slowest` (chip quirk 51).
double pipeline_leakage(const Chip& chip, std::vector<LayerFigures>& layers, bool until_slowest) {
  double slowest = 0, until = 0;
  for (const auto& layer : layers) slowest = slower(slowest, layer.figures.times.total);
  for (std::size_t l = 0; l < layers.size(); ++l) {
    LayerFigures& layer = layers[l];
    const double busy = layer.figures.times.total;
    until = until_slowest ? slowest : slower(until, busy);
    const double tiles = chip.plan().layers[l].tiles(), waiting = until - busy;
    layer.leakage_power =
        tiles * (layer.tile_leakage * waiting + layer.idle_tile_leakage * busy) / until;
    layer.leakage_energy = layer.leakage_power * slowest;
    layer.leaked = tiles * slowest / until * waiting * layer.waiting_parts;
    layer.leaked += tiles * slowest / until * busy * layer.working_parts;
  }
  return slowest;
}

/// Leakage layer by layer: the other tiles leak like this layer's, or as what they are with
/// `by_their_kind` (chip quirk 52).
double sequential_leakage(const Chip& chip, std::vector<LayerFigures>& layers, bool by_their_kind) {
  double total = 0, all_tiles = 0;
  for (std::size_t l = 0; l < layers.size(); ++l)
    all_tiles += chip.plan().layers[l].tiles() * layers[l].tile_leakage;
  for (std::size_t l = 0; l < layers.size(); ++l) {
    LayerFigures& layer = layers[l];
    const double tiles = chip.plan().layers[l].tiles();
    const double busy = layer.figures.times.total;
    const double others = by_their_kind ? all_tiles - tiles * layer.tile_leakage
                                        : (chip.plan().tiles() - tiles) * layer.tile_leakage;
    layer.leakage_energy = (others + tiles * layer.idle_tile_leakage) * busy;
    layer.leakage_power = tiles * layer.tile_leakage;
    layer.leaked = tiles * busy * layer.working_parts;
    if (by_their_kind) {
      for (std::size_t j = 0; j < layers.size(); ++j)
        if (j != l) layer.leaked += chip.plan().layers[j].tiles() * busy * layers[j].waiting_parts;
    } else {
      layer.leaked += (chip.plan().tiles() - tiles) * busy * layer.waiting_parts;
    }
    total += busy;
  }
  return total;
}

/// Adds the leakage (W) of the chip's own circuits to the layers, by the time that each works.
void share_leakage(std::vector<LayerFigures>& layers, const Energies& power, double latency) {
  double busy = 0;
  for (const auto& layer : layers) busy += layer.figures.times.total;
  for (auto& layer : layers) {
    const double share = layer.figures.times.total / busy;
    layer.chip_parts = share * power;
    layer.leakage_power += power.total() * share;
    layer.leakage_energy += power.total() * latency * share;
    layer.leaked += latency * share * power;
  }
}

void put_figures(Scalars& out, const Figures& f) {
  out["energy_dynamic_j"] = f.energy.total();
  out["energy_adc_j"] = f.energy.total(Category::Adc);
  out["energy_accumulation_j"] = f.energy.total(Category::Accumulation);
  out["energy_other_j"] = f.energy.total(Category::Other);
  out["energy_buffer_j"] = f.energy.total(Transport::Buffer);
  out["energy_interconnect_j"] = f.energy.total(Transport::Interconnect);
  out["latency_adc_s"] = f.times.adc;
  out["latency_accumulation_s"] = f.times.accumulation;
  out["latency_other_s"] = f.times.other;
  out["latency_buffer_s"] = f.times.buffer;
  out["latency_interconnect_s"] = f.times.interconnect;
}

LayerReport report_layer(const LayerPlan& plan, const LayerFigures& layer) {
  LayerReport out;
  out.scalars = {{"novel", plan.novel},
                 {"tile_rows", plan.tile_rows()},
                 {"tile_columns", plan.tile_cols()},
                 {"speed_up_rows", plan.speed_up().rows},
                 {"speed_up_columns", plan.speed_up().cols},
                 {"utilization", plan.utilization},
                 {"latency_s", layer.figures.times.total},
                 {"tile_leakage_w", layer.tile_leakage},
                 {"tile_idle_leakage_w", layer.idle_tile_leakage},
                 {"energy_leakage_j", layer.leakage_energy},
                 {"power_leakage_w", layer.leakage_power}};
  put_figures(out.scalars, layer.figures);
  for (std::size_t p = 0; p < kParts; ++p) {
    const Part part = static_cast<Part>(p);
    out.energy[info(part).name] = layer.figures.energy[part];
    out.leakage[info(part).name] = layer.leaked[part];
    out.waiting[info(part).name] =
        plan.tiles() * layer.waiting_parts[part] + layer.chip_parts[part];
  }
  return out;
}

Scalars report_chip(const Chip& chip, const Parameters& p, const std::vector<LayerFigures>& layers,
                    double latency, double period) {
  Figures total;
  double leakage_energy = 0, leakage_power = 0;
  Times sums;
  for (const auto& layer : layers) {
    const Times& t = layer.figures.times;
    total.energy += layer.figures.energy;
    total.times.slowest(t);
    sums.adc += t.adc;
    sums.accumulation += t.accumulation;
    sums.other += t.other;
    sums.buffer += t.buffer;
    sums.interconnect += t.interconnect;
    leakage_energy += layer.leakage_energy;
    leakage_power += layer.leakage_power;
  }
  if (!p.pipeline) total.times = sums;
  const Areas& areas = chip.areas();
  const FloorPlan& plan = chip.plan();
  Scalars out{{"area_m2", chip.area()},
              {"area_array_m2", areas.array},
              {"area_interconnect_m2", areas.interconnect},
              {"area_adc_m2", areas.adc},
              {"area_accumulation_m2", areas.accumulation},
              {"area_other_m2", areas.other},
              {"clock_period_s", period},
              {"latency_s", latency},
              {"energy_leakage_j", leakage_energy},
              {"power_leakage_w", leakage_power},
              {"memory_utilization", plan.utilization},
              {"tiles", plan.tiles()},
              {"tile_grid_rows", plan.grid_rows},
              {"tile_grid_columns", plan.grid_cols}};
  put_figures(out, total);
  const Scalars between = chip.intermediate();
  out.insert(between.begin(), between.end());
  return out;
}

/// Returns the clock period (s; 0 if asynchronous) that the slowest sensing of any tile sets, and
/// gives `clocked` its frequency.
double clock(const ChipDesigns& designs, ChipDesigns& clocked) {
  const Parameters& p = designs.shared().parameters;
  if (!p.synchronous) return 0;
  double period = 0;
  for (const std::size_t used : std::set(designs.of_layer.begin(), designs.of_layer.end()))
    period = std::max(period, make_subarray(designs.contexts[used]).sensing_cycle);
  // In the reference a cycle may be shorter than its own clock allows (chip quirk 53).
  if (p.clock_limit) period = std::max(period, 1 / p.clock_frequency);
  for (Context& context : clocked.contexts)
    context.parameters.clock_frequency = std::min(p.clock_frequency, 1 / period);
  return period;
}

}  // namespace

bool sensing_depends_on_weights(const Context& context) {
  const Parameters& p = context.parameters;
  const bool resistive = p.memory_cell == MemoryCell::Rram || p.memory_cell == MemoryCell::Fefet;
  return resistive && (p.sar_adc || p.current_mode);
}

ChipReport evaluate_chip(const ChipDesigns& designs, NetworkActivity& activity, int threads) {
  const std::lock_guard lock(activity.mutex());
  const std::vector<NetworkLayer>& layers = activity.layers();
  if (designs.of_layer.size() != layers.size())
    throw std::invalid_argument("layers and designs differ in number");
  for (const Context& context : designs.contexts) check_design(context.parameters);
  check_bits(designs, activity);
  const bool weights_needed = sensing_depends_on_weights(designs.shared());
  if (weights_needed) activity.check_weights();
  ChipDesigns clocked = designs;
  const double period = clock(designs, clocked);
  const Parameters& p = clocked.shared().parameters;
  Chip chip(clocked, layers);
  const auto bit_vectors = [&](std::size_t l) {
    return static_cast<double>(layers[l].vectors()) * clocked.of(l).parameters.input_bits;
  };
  if (p.synchronous) {
    // The reference has run through all layers once in search of the clock, which leaves the adder
    // trees as the last layers used them (chip quirk 48).
    for (std::size_t l = 0; l < layers.size(); ++l)
      chip.evaluate(l, {nullptr, bit_vectors(l), nullptr});
  }
  std::vector<LayerFigures> results(layers.size());
  for (std::size_t l = 0; l < layers.size(); ++l) {
    SensedBlocks sensed;
    results[l].figures = chip.evaluate(l, {&activity.rows(l), bit_vectors(l), &sensed});
    if (weights_needed) {
      const Subarray& array = chip.subarray(l);
      const auto& counts = activity.conductances(l, array.column_reads(sensed.blocks()), threads);
      results[l].figures.energy[array.sensing.part] += array.sensing_energy(counts);
    }
    if (p.synchronous) results[l].figures.times *= period;
    results[l].tile_leakage = chip.tile_leakage(l);
    results[l].waiting_parts = chip.tile_leakage_parts(l);
    // In the reference nothing but SRAM cells that are not read leaks in a tile that works.
    results[l].idle_tile_leakage =
        p.busy_leakage ? results[l].tile_leakage : chip.idle_tile_leakage(l);
    if (p.busy_leakage)
      results[l].working_parts = results[l].waiting_parts;
    else
      results[l].working_parts[Part::Cells] = results[l].idle_tile_leakage;
  }
  const double latency = p.pipeline ? pipeline_leakage(chip, results, p.waiting_leakage)
                                    : sequential_leakage(chip, results, p.waiting_leakage);
  if (p.block_leakage) share_leakage(results, chip.block_leakage(), latency);
  ChipReport report;
  report.chip = report_chip(chip, p, results, latency, period);
  for (std::size_t l = 0; l < layers.size(); ++l)
    report.layers.push_back(report_layer(chip.plan().layers[l], results[l]));
  report.components = chip.components();
  return report;
}

}  // namespace cimsim
