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
  int groups = 1;        ///< matrices of their own, each of a share of the channels

  int kernel_positions() const { return kernel_height * kernel_width; }
  int fan_in() const { return in_channels * kernel_positions(); }  ///< of all groups
  int group_rows() const { return fan_in() / groups; }
  int group_outputs() const { return out_channels / groups; }
  int vectors() const { return static_cast<int>(positions); }
};

/// A number of copies along the rows (input side) and columns (output side) of a matrix.
struct Copies {
  int rows = 1;
  int cols = 1;
  int total() const { return rows * cols; }
};

/// Where one layer goes. Sizes are in cells.
///
/// The places for copies of a weight matrix inside a tile hold the groups of a grouped convolution,
/// one or some of them each, before they hold copies.
struct LayerPlan {
  bool novel = false;   ///< each kernel position has a processing element of its own
  int matrix_rows = 0;  ///< cells of the unrolled weight matrices, all groups one after another
  int matrix_cols = 0;
  int groups = 1;
  int groups_each = 1;     ///< groups in a place; they are read one after another
  int base_tile_rows = 1;  ///< tiles of one set of places
  int base_tile_cols = 1;
  int group_tiles = 1;     ///< sets of places that the groups fill
  int tile_copies = 1;     ///< copies of the tiles, along the rows
  Copies in_pe;            ///< places of a matrix inside a processing element
  Copies in_tile;          ///< places in different processing elements of a tile
  int copies = 1;          ///< copies of all groups in these places
  double utilization = 0;  ///< used cells over the cells of the layer's tiles

  int group_rows() const { return matrix_rows / groups; }
  int group_cols() const { return matrix_cols / groups; }
  int summed_tile_rows() const { return base_tile_rows * tile_copies; }
  int tile_rows() const { return summed_tile_rows() * group_tiles; }
  int tile_cols() const { return base_tile_cols; }
  int tiles() const { return tile_rows() * tile_cols(); }
  /// Places that share the work of a group if there were nothing else in them.
  Copies places() const {
    return {in_tile.rows * in_pe.rows * tile_copies, in_tile.cols * in_pe.cols};
  }
  /// Copies that share the input vectors.
  Copies speed_up() const { return groups == 1 ? places() : Copies{copies * tile_copies, 1}; }
  /// Time of the layer over that of a group that has all places: they share out the groups as well
  /// as the vectors. 1 without groups.
  double turns() const {
    return static_cast<double>(in_tile.total() * in_pe.total()) / copies * groups_each;
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
/// `cells_per_weight` has one entry a layer, or none: then it is that of the parameters.
FloorPlan plan_floor(const Parameters& parameters, const std::vector<NetworkLayer>& layers,
                     const std::vector<int>& cells_per_weight = {});

}  // namespace cimsim
