// Circuits of a chip by name, with their number, area and leakage.
#include "chip.hpp"

namespace cimsim {
namespace {

class ComponentList {
 public:
  explicit ComponentList(bool all_cores_leak) : all_cores_leak_(all_cores_leak) {}
  void add(const std::string& name, double copies, double area, double leakage,
           double sensing_time = 0, bool fits = true) {
    list_.push_back({name, copies, area, leakage, sensing_time, fits});
  }
  void add(const std::string& name, double copies, const Circuit& circuit) {
    add(name, copies, circuit.area, circuit.leakage, 0, circuit.fits);
  }

  /// All cores take area; in the reference only one leaks (chip quirk 50).
  void add_bank(const std::string& name, double copies, const BufferBank& bank) {
    add(name, copies, bank.core.area * bank.cores,
        bank.core.leakage * (all_cores_leak_ ? bank.cores : 1));
  }

  void add_tile(const std::string& kind, double tiles, const Tile& tile) {
    const double elements = tiles * tile.elements();
    add(kind + "_pe.adder_tree", elements, tile.pe.tree());
    add(kind + "_pe.input_buffer", elements, tile.pe.input_buffer());
    add(kind + "_pe.output_buffer", elements, tile.pe.output_buffer());
    add(kind + "_pe.input_bus", elements, tile.pe.input_bus());
    add(kind + "_pe.output_bus", elements, tile.pe.output_bus());
    add(kind + "_tile.accumulation", tiles, tile.accumulator);
    add_bank(kind + "_tile.input_buffer", tiles, tile.input_buffer);
    add_bank(kind + "_tile.output_buffer", tiles, tile.output_buffer);
    add(kind + "_tile.htree", tiles, tile.htree);
    if (tile.activation) add(kind + "_tile.activation", tiles, tile.activation->circuit());
  }

  void add_subarrays(double count, const Subarray& subarray, bool clocked) {
    double corners = subarray.area();
    for (const auto& part : subarray.parts) {
      add(std::string("subarray.") + info(part.part).name, count, part.area, part.leakage,
          clocked ? part.sensing_time : 0, part.fits);
      corners -= part.area;
    }
    add("subarray.layout", count, corners, 0);
  }

  std::vector<ChipComponent> take() { return std::move(list_); }

 private:
  bool all_cores_leak_;
  std::vector<ChipComponent> list_;
};

}  // namespace

std::vector<ChipComponent> Chip::components() const {
  ComponentList list(context_.parameters.block_leakage);
  const bool all_novel = context_.parameters.sync_data_transfer;
  for (const TileKinds& kinds : kinds_) {
    if (kinds.layers == 0) continue;
    const int conventional = all_novel ? 0 : kinds.conventional_tiles;
    const int novel = all_novel ? equivalent_.count : kinds.novel_tiles;
    double subarrays = static_cast<double>(conventional) * kinds.conventional.elements() *
                       kinds.conventional.pe.subarrays();
    if (kinds.novel)
      subarrays +=
          static_cast<double>(novel) * kinds.novel->elements() * kinds.novel->pe.subarrays();
    list.add_subarrays(subarrays, kinds.subarray, context_.parameters.synchronous);
    list.add_tile("conventional", conventional, kinds.conventional);
    if (kinds.novel) list.add_tile("novel", novel, *kinds.novel);
  }
  list.add("chip.global_buffer", buffer_.cores, buffer_.core);
  if (htree_) list.add("chip.global_bus", 1, *htree_);
  if (xy_bus_) list.add("chip.global_bus", 1, *xy_bus_);
  list.add("chip.pooling", 1, pooling_);
  list.add("chip.accumulation", 1, accumulator_);
  if (activation_) list.add("chip.activation", 1, activation_->circuit());
  return list.take();
}

Scalars Chip::intermediate() const {
  const TileKinds& kinds = kinds_.front();
  Scalars out{{"tile_size_cells", plan_.tile_size},
              {"pe_size_cells", plan_.pe_size},
              {"novel_pe_size_cells", plan_.novel_pe_size},
              {"novel_pe_per_tile", plan_.kernel_positions},
              {"novel_tiles", plan_.novel_tiles},
              {"conventional_tiles", plan_.conventional_tiles},
              {"speed_up_degree", plan_.speed_up_degree},
              {"sensing_cycle_s", kinds.subarray.sensing_cycle},
              {"subarray_leakage_w", kinds.subarray.leakage},
              {"subarray_idle_leakage_w", kinds.subarray.idle_leakage},
              {"partial_sum_bits", partial_sum_bits(context_.parameters)},
              {"subarray_height_m", kinds.subarray.height},
              {"subarray_width_m", kinds.subarray.width},
              {"conventional_pe_area_m2", kinds.conventional.pe.area()},
              {"conventional_tile_area_m2", kinds.conventional.area()},
              {"conventional_tile_height_m", kinds.conventional.height},
              {"global_bus_bits", bus_width_},
              {"global_buffer_cores", buffer_.cores},
              {"conventional_tile_input_cores", kinds.conventional.input_buffer.cores},
              {"conventional_tile_output_cores", kinds.conventional.output_buffer.cores}};
  if (kinds.novel) {
    out["novel_pe_area_m2"] = kinds.novel->pe.area();
    out["novel_tile_area_m2"] = kinds.novel->area();
    out["novel_tile_height_m"] = kinds.novel->height;
    out["novel_tile_input_cores"] = kinds.novel->input_buffer.cores;
    out["novel_tile_output_cores"] = kinds.novel->output_buffer.cores;
  }
  return out;
}

}  // namespace cimsim
