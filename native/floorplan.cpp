#include "floorplan.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <stdexcept>

namespace cimsim {
namespace {

int ceil_div(int a, int b) { return (a + b - 1) / b; }

int next_power_of_two(int x) { return static_cast<int>(std::bit_ceil(static_cast<unsigned>(x))); }

/// Sizes that decide the floor plan of one layer, of one group each.
struct Shape {
  bool novel = false;
  int in_channels = 0;  ///< rows of one kernel position
  int rows = 0;         ///< cells of the unrolled matrix
  int cols = 0;
  int groups = 1;
  int groups_each = 1;  ///< see LayerPlan
  int matrices() const { return ceil_div(groups, groups_each); }
};

/// The kernel size that novel mapping serves: the one that most layers share. A layer with a 1 x 1
/// kernel counts for itself alone, so 1 x 1 wins only in a network that has no other kernel.
/// Grouped convolutions do not count, as their few input channels are no work for an element.
int shared_kernel_positions(const std::vector<NetworkLayer>& layers) {
  int best = 0, best_count = 0;
  for (const auto& layer : layers) {
    const int positions = layer.kernel_positions();
    if (layer.groups > 1) continue;
    int count = 1;
    if (positions != 1) {
      count += static_cast<int>(std::ranges::count_if(layers, [&](const auto& other) {
        return other.groups == 1 && other.kernel_positions() == positions;
      }));
    }
    if (count > best_count) {
      best_count = count;
      best = positions;
    }
  }
  return best;
}

class Planner {
 public:
  Planner(const Parameters& parameters, const std::vector<NetworkLayer>& layers,
          const std::vector<int>& cells_per_weight)
      : p_(parameters), layers_(layers) {
    const int positions = p_.novel_mapping ? shared_kernel_positions(layers) : 0;
    for (std::size_t l = 0; l < layers.size(); ++l) {
      const NetworkLayer& layer = layers[l];
      Shape shape;
      shape.groups = layer.groups;
      shape.in_channels = layer.in_channels / layer.groups * p_.rows_per_synapse;
      shape.rows = layer.group_rows() * p_.rows_per_synapse;
      shape.cols = layer.group_outputs() *
                   (cells_per_weight.empty() ? p_.cols_per_synapse : cells_per_weight[l]);
      shape.groups_each = std::max(1, std::min({p_.groups_per_subarray, layer.groups,
                                                p_.rows / shape.rows, p_.cols / shape.cols}));
      shape.novel =
          layer.groups == 1 && layer.kernel_positions() == positions && shape.rows >= p_.rows;
      if (shape.novel) plan_.kernel_positions = positions;
      shapes_.push_back(shape);
    }
  }

  FloorPlan run() {
    if (plan_.novel()) choose_novel_pe();
    choose_tile();
    choose_pe();
    place_layers();
    return plan_;
  }

 private:
  /// Sum of `value(shape)` over the novel or the conventional layers.
  template <typename Function>
  double sum(bool novel, Function value) const {
    double total = 0;
    for (const auto& shape : shapes_)
      if (shape.novel == novel) total += value(shape);
    return total;
  }

  int widest(bool novel) const {
    int cols = 0;
    for (const auto& shape : shapes_)
      if (shape.novel == novel) cols = std::max(cols, next_power_of_two(shape.cols));
    return cols;
  }

  static double cells(const Shape& s) { return static_cast<double>(s.rows) * s.cols * s.groups; }

  int novel_tiles(const Shape& s, int pe) const {
    return ceil_div(s.in_channels, pe) * ceil_div(s.cols, pe);
  }

  /// Tiles of a layer, without copies; groups fill the subarrays of a tile.
  int conventional_tiles(const Shape& s, int tile) const {
    const int tiles = ceil_div(s.rows, tile) * ceil_div(s.cols, tile);
    if (s.groups == 1) return tiles;
    const int rows = ceil_div(tile, p_.rows) / ceil_div(s.rows, p_.rows);
    const int cols = ceil_div(tile, p_.cols) / ceil_div(s.cols, p_.cols);
    return tiles * ceil_div(s.matrices(), std::max(1, rows) * std::max(1, cols));
  }

  /// Size of a novel processing element: of the candidates above 2 x 2 subarrays, the largest with
  /// the best cell utilization.
  void choose_novel_pe() {
    const int start = std::max(widest(true), 2 * p_.rows);
    plan_.novel_pe_size = start;
    double best = 0;
    for (int pe = start; pe > 2 * p_.rows; pe /= 2) {
      const double tiles = sum(true, [&](const Shape& s) { return novel_tiles(s, pe); });
      const double size = pe;
      const double utilization = sum(true, cells) / (tiles * size * size * plan_.kernel_positions);
      if (utilization > best) {
        best = utilization;
        plan_.novel_pe_size = pe;
      }
    }
  }

  /// Size of a conventional tile, by the same rule above 4 x 4 subarrays.
  void choose_tile() {
    const int start = std::max(widest(false), 4 * p_.rows);
    plan_.tile_size = start;
    for (int tile = start; tile > 4 * p_.rows; tile /= 2) {
      const double tiles = sum(false, [&](const Shape& s) { return conventional_tiles(s, tile); });
      const double size = tile;
      const double utilization = sum(false, cells) / (tiles * size * size);
      if (utilization > best_utilization_) {
        best_utilization_ = utilization;
        plan_.tile_size = tile;
      }
    }
  }

  /// Size of a conventional processing element: the one whose copies fill the tiles best. The best
  /// utilization of the tile search is the one to beat (chip quirk 12).
  void choose_pe() {
    const int tile = plan_.tile_size;
    plan_.pe_size = tile / 2;
    const double tiles = sum(false, [&](const Shape& s) { return conventional_tiles(s, tile); });
    for (int pe = tile / 2; pe > 2 * p_.rows; pe /= 2) {
      const double used = sum(false, [&](const Shape& s) {
        return std::max(1, copies_in_tile(s, pe).total() / s.matrices()) * cells(s);
      });
      const double utilization = used / (tiles * static_cast<double>(tile) * tile);
      if (utilization > best_utilization_) {
        best_utilization_ = utilization;
        plan_.pe_size = pe;
      }
    }
  }

  Copies copies_in_tile(const Shape& s, int pe) const {
    if (s.novel || (s.rows > plan_.tile_size && s.cols > plan_.tile_size)) return {};
    const int side = ceil_div(plan_.tile_size, pe);
    return {std::max(1, side / ceil_div(s.rows, pe)), std::max(1, side / ceil_div(s.cols, pe))};
  }

  Copies copies_in_pe(const Shape& s) const {
    const int pe = s.novel ? plan_.novel_pe_size : plan_.pe_size;
    const int rows = s.novel ? s.in_channels : s.rows;
    if (rows > pe && s.cols > pe) return {};
    return {std::max(1, ceil_div(pe, p_.rows) / ceil_div(rows, p_.rows)),
            std::max(1, ceil_div(pe, p_.cols) / ceil_div(s.cols, p_.cols))};
  }

  /// Copies that a layer needs to keep up with the pipeline, from the area of its feature map over
  /// that of the reference map (the reference counts squared heights, the same for square maps).
  std::vector<int> pipeline_targets() {
    const int first = layers_.front().height;
    int smallest = first;
    for (const auto& layer : layers_)
      if (layer.kernel_height != 1) smallest = std::min(smallest, layer.height);
    plan_.speed_up_degree = std::max(1, std::min(p_.speed_up_degree, first / smallest));
    const double base = std::ceil(static_cast<double>(first) / plan_.speed_up_degree);
    std::vector<int> targets;
    targets.reserve(layers_.size());
    for (const auto& layer : layers_)
      targets.push_back(static_cast<int>(
          std::ceil(static_cast<double>(layer.height) * layer.width / (base * base))));
    return targets;
  }

  void place_layers() {
    const auto targets = p_.pipeline ? pipeline_targets() : std::vector<int>(layers_.size(), 1);
    if (!p_.pipeline) plan_.speed_up_degree = p_.speed_up_degree;
    double used_tiles = 0;
    for (std::size_t l = 0; l < shapes_.size(); ++l) {
      const LayerPlan layer = place(shapes_[l], targets[l]);
      (layer.novel ? plan_.novel_tiles : plan_.conventional_tiles) += layer.tiles();
      used_tiles += layer.tiles() * layer.utilization;
      plan_.layers.push_back(layer);
    }
    plan_.utilization = used_tiles / plan_.tiles();
    plan_.grid_rows = static_cast<int>(std::ceil(std::sqrt(static_cast<double>(plan_.tiles()))));
    plan_.grid_cols = ceil_div(plan_.tiles(), plan_.grid_rows);
  }

  LayerPlan place(const Shape& s, int target) const {
    LayerPlan layer;
    layer.novel = s.novel;
    layer.matrix_rows = s.rows * s.groups;
    layer.matrix_cols = s.cols * s.groups;
    layer.groups = s.groups;
    layer.groups_each = s.groups_each;
    const int size = s.novel ? plan_.novel_pe_size : plan_.tile_size;
    const int rows = s.novel ? s.in_channels : s.rows;
    layer.base_tile_rows = ceil_div(rows, size);
    layer.base_tile_cols = ceil_div(s.cols, size);
    layer.in_tile = copies_in_tile(s, plan_.pe_size);
    layer.in_pe = copies_in_pe(s);
    const int places = layer.in_tile.total() * layer.in_pe.total();
    layer.copies = std::max(1, places / s.matrices());
    layer.group_tiles = ceil_div(s.matrices(), places);
    if (p_.pipeline) layer.tile_copies = ceil_div(target, layer.copies);
    const double copies = p_.pipeline ? std::max(target, layer.copies) : layer.copies;
    layer.utilization =
        copies * s.groups * rows * s.cols / (static_cast<double>(layer.tiles()) * size * size);
    return layer;
  }

  const Parameters& p_;
  const std::vector<NetworkLayer>& layers_;
  std::vector<Shape> shapes_;
  FloorPlan plan_;
  double best_utilization_ = 0;
};

}  // namespace

FloorPlan plan_floor(const Parameters& parameters, const std::vector<NetworkLayer>& layers,
                     const std::vector<int>& cells_per_weight) {
  if (layers.empty()) throw std::invalid_argument("the network has no matrix layer to place");
  return Planner(parameters, layers, cells_per_weight).run();
}

}  // namespace cimsim
