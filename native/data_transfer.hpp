// Synchronous data transfer ("sync_data_transfer" of DNN+NeuroSim V1.5): every layer owns a share
// of a global H-tree and of the global buffer that grows with its inputs, and one transfer of that
// buffer sets the time in which all data moves (chip.md 6.6).
#pragma once
#include "floorplan.hpp"
#include "parameters.hpp"

namespace cimsim {

/// Novel tiles that take the place of all tiles of a chip, on a nearly square grid.
struct EquivalentTiles {
  int count = 0;
  int rows = 0;
  int cols = 0;
};

/// The grid for `plan`, whose conventional tiles are counted as whole numbers of novel tiles by
/// their cell areas (m^2).
EquivalentTiles equivalent_tiles(const FloorPlan& plan, double novel_array,
                                 double conventional_array);

/// Elements that enter a layer for one image: the rows of its matrix (novel: of one kernel column)
/// times its input vectors.
double layer_inputs(const NetworkLayer& layer, bool novel);

/// What the reference takes for the inputs of all layers: those of this layer once for each layer
/// (chip quirk 59).
double total_inputs(double inputs_of_layer, std::size_t layers);

/// Throws std::domain_error unless the design has all that synchronous data transfer needs.
void check_data_transfer(const Parameters& parameters);

}  // namespace cimsim
