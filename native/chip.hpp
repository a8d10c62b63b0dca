// The chip: tiles on a grid with a global buffer, a global bus, accumulation, activation and
// pooling.
#pragma once
#include <algorithm>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "circuits/max_pooling.hpp"
#include "data_transfer.hpp"
#include "floorplan.hpp"
#include "network_activity.hpp"
#include "tile.hpp"

namespace cimsim {

/// Figures by name; units are in the names (m2, s, j, w) where there are any.
using Scalars = std::map<std::string, double>;

/// A circuit of the chip. Area (m^2) and leakage (W) are those of one copy.
struct ChipComponent {
  std::string name;
  double copies = 1;
  double area = 0;
  double leakage = 0;
  double sensing_time = 0;  ///< s in the search for the clock period, else 0
  bool fits = true;         ///< see Circuit::fits
};

struct LayerReport {
  Scalars scalars;
  Scalars energy;   ///< J by part
  Scalars leakage;  ///< J by part
  Scalars waiting;  ///< W by part, of all waiting tiles and a share of the chip's own circuits
};

struct ChipReport {
  Scalars chip;
  std::vector<LayerReport> layers;
  std::vector<ChipComponent> components;
};

/// The designs of one chip, which differ in the bits of weights, inputs and ADCs alone. The first
/// one is that of the circuits that all layers share; layer l has tiles of design of_layer[l].
struct ChipDesigns {
  std::vector<Context> contexts;
  std::vector<std::size_t> of_layer;

  const Context& shared() const { return contexts.front(); }
  const Context& of(std::size_t layer) const { return contexts[of_layer[layer]]; }
};

/// Tiles for the layers of one design. They refer to the subarray beside them.
struct TileKinds {
  /// `context` must outlive the tiles.
  TileKinds(const Context& context, const FloorPlan& plan);
  TileKinds(const TileKinds&) = delete;
  TileKinds(TileKinds&&) = delete;
  TileKinds& operator=(const TileKinds&) = delete;
  TileKinds& operator=(TileKinds&&) = delete;
  ~TileKinds() = default;
  double height() const { return std::max(conventional.height, novel ? novel->height : 0); }

  Subarray subarray;
  Tile conventional;
  std::optional<Tile> novel;
  int layers = 0;
  int conventional_tiles = 0;
  int novel_tiles = 0;
};

/// Whether the stored weights change any figure of a design.
bool sensing_depends_on_weights(const Context& context);

/// Area, latency, energy and leakage of a network on a chip. A pure function: what `activity` keeps
/// for the next design point and the number of threads change no figure.
/// Throws std::domain_error or std::invalid_argument that says what does not fit.
ChipReport evaluate_chip(const ChipDesigns& designs, NetworkActivity& activity, int threads);

/// The hardware of one design, and its use by one layer after the other.
class Chip {
 public:
  /// `designs` and `layers` must outlive the chip.
  Chip(const ChipDesigns& designs, const std::vector<NetworkLayer>& layers);

  /// Figures of a layer (without the clock period) for one image. Latencies are in cycles if
  /// synchronous. The state that it leaves is the leakage of adder trees (chip quirk 48).
  Figures evaluate(std::size_t layer, const LayerInputs& inputs);
  /// Leakage (W) of buffer, bus, pooling, accumulation and activation of the chip, all idle; sets
  /// that of these circuits. The reference counts none of it (chip quirk 50).
  Energies block_leakage();
  double tile_leakage(std::size_t layer) const { return tile(layer).leakage(); }
  Energies tile_leakage_parts(std::size_t layer) const { return tile(layer).leakage_parts(); }
  double idle_tile_leakage(std::size_t layer) const { return tile(layer).idle_leakage(); }

  const FloorPlan& plan() const { return plan_; }
  const Subarray& subarray(std::size_t layer) const { return kind(layer).subarray; }
  double area() const { return area_; }
  const Areas& areas() const { return areas_; }
  /// Sizes between the levels, for comparison with other programs.
  Scalars intermediate() const;
  std::vector<ChipComponent> components() const;

 private:
  TileKinds& kind(std::size_t layer) { return kinds_[designs_.of_layer[layer]]; }
  const TileKinds& kind(std::size_t layer) const { return kinds_[designs_.of_layer[layer]]; }
  Tile& tile(std::size_t layer) {
    return plan_.layers[layer].novel ? *kind(layer).novel : kind(layer).conventional;
  }
  const Tile& tile(std::size_t layer) const {
    return plan_.layers[layer].novel ? *kind(layer).novel : kind(layer).conventional;
  }
  const Parameters& of(std::size_t layer) const { return designs_.of(layer).parameters; }
  int result_bits(std::size_t layer) const;
  void size_bus_and_buffer();
  void size_results();
  int summed_tiles(const LayerPlan& layer) const;
  void layout();
  Figures evaluate_tiles(std::size_t layer, const LayerInputs& inputs);
  Figures evaluate_group(std::size_t layer, int group, const LayerInputs& inputs);
  void add_results(std::size_t layer, double vectors, Figures& figures);
  void add_transport(std::size_t layer, double vectors, Figures& figures);
  double bus_transfer(std::size_t layer, double bits_out, double bits_in, Figures& figures);
  double synchronous_transfer(std::size_t layer, double bits_out, double bits_in, Figures& figures);

  const ChipDesigns& designs_;
  const Context& context_;  // of what all layers share
  const std::vector<NetworkLayer>& layers_;
  FloorPlan plan_;
  std::deque<TileKinds> kinds_;  // one a design
  BufferBank buffer_;
  std::optional<HTree> htree_;
  std::optional<XYBus> xy_bus_;
  AdderTree accumulator_;
  MaxPooling pooling_;
  std::optional<ActivationUnit> activation_;
  double bus_width_ = 0;        // bits
  EquivalentTiles equivalent_;  // with synchronous data transfer
  double area_ = 0;
  Areas areas_;
};

}  // namespace cimsim
