// Floor plan of DNN+NeuroSim V1.5: which tile and processing-element sizes a chip has, how many
// subarrays each layer takes, and how often its weights are copied to work on more input vectors at
// once.
#pragma once
#include <vector>

#include "parameters.hpp"

namespace cimsim {

/// One matrix layer. Sizes are in elements of the feature map or the kernel.
struct NetworkLayer {
  int height = 1;  ///< input feature map without padding; a linear layer has 1 (or its tokens)
  int width = 1;
  int in_channels = 1;
  int kernel_height = 1;
  int kernel_width = 1;
  int out_channels = 1;
  bool pooled = false;   ///< followed by 2 x 2 pooling
  double positions = 1;  ///< input vectors an image; the model uses the integer part

  int kernel_positions() const { return kernel_height * kernel_width; }
  int fan_in() const { return in_channels * kernel_positions(); }
  int vectors() const { return static_cast<int>(positions); }
};

/// A number of copies along the rows (input side) and columns (output side) of a matrix.
struct Copies {
  int rows = 1;
  int cols = 1;
  int total() const { return rows * cols; }
};

/// Where one layer goes. Sizes are in cells.
struct LayerPlan {
  bool novel = false;   ///< each kernel position has a processing element of its own
  int matrix_rows = 0;  ///< cells of the unrolled weight matrix
  int matrix_cols = 0;
  int base_tile_rows = 1;  ///< tiles of one copy
  int base_tile_cols = 1;
  int tile_copies = 1;     ///< copies of the tiles, along the rows
  Copies in_pe;            ///< copies of the weights inside a processing element
  Copies in_tile;          ///< copies in different processing elements of a tile
  double utilization = 0;  ///< used cells over the cells of the layer's tiles

  int tile_rows() const { return base_tile_rows * tile_copies; }
  int tile_cols() const { return base_tile_cols; }
  int tiles() const { return tile_rows() * tile_cols(); }
  Copies speed_up() const {
    return {in_tile.rows * in_pe.rows * tile_copies, in_tile.cols * in_pe.cols};
  }
};

struct FloorPlan {
  int kernel_positions = 0;  ///< processing elements of a novel tile; 0 without novel layers
  int novel_pe_size = 0;     ///< cells a side; 0 without novel layers
  int tile_size = 0;         ///< conventional tile, cells a side
  int pe_size = 0;           ///< conventional processing element, cells a side
  int novel_tiles = 0;
  int conventional_tiles = 0;
  int grid_rows = 0;
  int grid_cols = 0;
  int speed_up_degree = 1;  ///< after the limit set by the network's feature maps
  double utilization = 0;   ///< used cells over the cells of all tiles
  std::vector<LayerPlan> layers;

  bool novel() const { return kernel_positions > 0; }
  int tiles() const { return novel_tiles + conventional_tiles; }
};

/// Plan a chip for `layers` (at least one, all sizes positive).
///
/// A design with novel mapping whose layers all are too small or have another kernel size is
/// planned like one with conventional mapping: `novel()` is false. Layers smaller than the smallest
/// processing element (2 x 2 subarrays) or tile (4 x 4) get that smallest one; the reference stops
/// in both cases.
FloorPlan plan_floor(const Parameters& parameters, const std::vector<NetworkLayer>& layers);

}  // namespace cimsim
