#include "data_transfer.hpp"

#include <cmath>
#include <stdexcept>
#include <string>

namespace cimsim {

EquivalentTiles equivalent_tiles(const FloorPlan& plan, double novel_array,
                                 double conventional_array) {
  int weight = 1;
  while (weight * novel_array < conventional_array) ++weight;
  EquivalentTiles out;
  out.count = weight * plan.conventional_tiles + plan.novel_tiles;
  out.rows = 2 * out.count;
  out.cols = 1;
  // The first count whose divisors make a grid that is square within a fifth.
  const auto oblong = [&] { return static_cast<double>(out.rows - out.cols) / out.rows > 0.2; };
  while (oblong()) {
    int best = 2 * out.count;
    for (int side = 1; side <= out.count / 2; ++side) {
      if (out.count % side != 0 || side + out.count / side >= best) continue;
      best = side + out.count / side;
      out.rows = out.count / side;
      out.cols = side;
    }
    if (oblong()) ++out.count;
  }
  return out;
}

double layer_inputs(const NetworkLayer& layer, bool novel) {
  return static_cast<double>(layer.in_channels) * (novel ? 1 : layer.kernel_height) *
         layer.kernel_width * layer.positions;
}

double total_inputs(double inputs_of_layer, std::size_t layers) {
  double total = 0;
  for (std::size_t l = 0; l < layers; ++l) total = std::floor(total + inputs_of_layer);
  return total;
}

void check_data_transfer(const Parameters& p) {
  std::string missing;
  const auto require = [&](bool met, const char* name, const char* value) {
    if (!met) missing += std::string(missing.empty() ? "" : ", ") + name + " " + value;
  };
  require(p.global_bus_htree, "globalBusType", "1");
  require(p.chip_activation, "chipActivation", "1");
  require(p.novel_mapping, "novelMapping", "1");
  require(p.pipeline, "pipeline", "1");
  require(p.synchronous, "synchronous", "1");
  require(!p.global_buffer_sram, "globalBufferType", "0");
  if (!missing.empty()) throw std::domain_error("sync_data_transfer needs " + missing);
}

}  // namespace cimsim
