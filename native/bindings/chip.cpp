// Floor plan and chip evaluation. No logic here.
#include "chip.hpp"

#include <pybind11/numpy.h>
#include <pybind11/stl.h>

#include <optional>

#include "bindings/bindings.hpp"
#include "floorplan.hpp"

namespace py = pybind11;

namespace cimsim {
namespace {

void bind_floorplan(py::module_& m) {
  py::class_<NetworkLayer>(m, "NetworkLayer", "One matrix layer; sizes in elements.")
      .def(py::init<>())
      .def_readwrite("height", &NetworkLayer::height)
      .def_readwrite("width", &NetworkLayer::width)
      .def_readwrite("in_channels", &NetworkLayer::in_channels)
      .def_readwrite("kernel_height", &NetworkLayer::kernel_height)
      .def_readwrite("kernel_width", &NetworkLayer::kernel_width)
      .def_readwrite("out_channels", &NetworkLayer::out_channels)
      .def_readwrite("pooled", &NetworkLayer::pooled)
      .def_readwrite("positions", &NetworkLayer::positions)
      .def_readwrite("groups", &NetworkLayer::groups);
  py::class_<Copies>(m, "Copies", "Copies of weights along rows and columns.")
      .def_readonly("rows", &Copies::rows)
      .def_readonly("cols", &Copies::cols)
      .def_property_readonly("total", &Copies::total);
  py::class_<LayerPlan>(m, "LayerPlan", "Where one layer goes; sizes in cells.")
      .def_readonly("novel", &LayerPlan::novel)
      .def_readonly("in_pe", &LayerPlan::in_pe)
      .def_readonly("in_tile", &LayerPlan::in_tile)
      .def_readonly("groups_each", &LayerPlan::groups_each)
      .def_readonly("copies", &LayerPlan::copies)
      .def_readonly("utilization", &LayerPlan::utilization)
      .def_property_readonly("tile_rows", &LayerPlan::tile_rows)
      .def_property_readonly("tile_cols", &LayerPlan::tile_cols)
      .def_property_readonly("tiles", &LayerPlan::tiles)
      .def_property_readonly("speed_up", &LayerPlan::speed_up);
  py::class_<FloorPlan>(m, "FloorPlan", "Tiles of a chip; sizes in cells.")
      .def_readonly("kernel_positions", &FloorPlan::kernel_positions)
      .def_readonly("novel_pe_size", &FloorPlan::novel_pe_size)
      .def_readonly("tile_size", &FloorPlan::tile_size)
      .def_readonly("pe_size", &FloorPlan::pe_size)
      .def_readonly("novel_tiles", &FloorPlan::novel_tiles)
      .def_readonly("conventional_tiles", &FloorPlan::conventional_tiles)
      .def_readonly("grid_rows", &FloorPlan::grid_rows)
      .def_readonly("grid_cols", &FloorPlan::grid_cols)
      .def_readonly("speed_up_degree", &FloorPlan::speed_up_degree)
      .def_readonly("utilization", &FloorPlan::utilization)
      .def_readonly("layers", &FloorPlan::layers)
      .def_property_readonly("novel", &FloorPlan::novel)
      .def_property_readonly("tiles", &FloorPlan::tiles);
  m.def("plan_floor", &plan_floor, py::arg("parameters"), py::arg("layers"),
        py::arg("cells_per_weight") = std::vector<int>{},
        "Floor plan of a network (at least one layer). Raises ValueError without layers.");
}

template <typename Code>
using Matrix = py::array_t<Code, py::array::c_style>;

template <typename Code>
CodeMatrix<Code> view(const Matrix<Code>& matrix) {
  if (matrix.ndim() != 2) throw py::value_error("codes must be a matrix");
  return {matrix.data(), static_cast<std::size_t>(matrix.shape(0)),
          static_cast<std::size_t>(matrix.shape(1))};
}

/// The activity of a network with the arrays that it reads.
class BoundActivity {
 public:
  using Inputs = std::vector<std::vector<Matrix<std::uint8_t>>>;
  using Weights = std::vector<Matrix<std::int32_t>>;

  BoundActivity(std::vector<NetworkLayer> layers, Inputs inputs, Weights weights,
                std::vector<int> input_bits, int threads)
      : inputs_(std::move(inputs)), weights_(std::move(weights)) {
    if (!weights_.empty() && weights_.size() != inputs_.size())
      throw py::value_error("weights and inputs differ in number of layers");
    std::vector<LayerData> data(inputs_.size());
    for (std::size_t l = 0; l < inputs_.size(); ++l) {
      for (const auto& bytes : inputs_[l]) data[l].inputs.push_back(view(bytes));
      if (!weights_.empty()) data[l].weights = view(weights_[l]);
    }
    py::gil_scoped_release unlocked;
    activity_.emplace(std::move(layers), std::move(data), std::move(input_bits), threads);
  }

  ChipReport evaluate(std::vector<Context> contexts, std::vector<std::size_t> of_layer,
                      int threads) {
    for (const std::size_t design : of_layer)
      if (design >= contexts.size()) throw py::value_error("a layer has no design");
    const ChipDesigns designs{std::move(contexts), std::move(of_layer)};
    py::gil_scoped_release unlocked;
    return evaluate_chip(designs, *activity_, threads);
  }

 private:
  Inputs inputs_;
  Weights weights_;
  std::optional<NetworkActivity> activity_;
};

void bind_activity(py::module_& m) {
  py::class_<BoundActivity>(m, "NetworkActivity",
                            "Inputs of a network, counted once for many design points. inputs: for "
                            "each layer its images, each as ceil(input_bits / 8) matrices of "
                            "bytes, lowest first, "
                            "uint8 [K, V]; weights: for each layer int32 [K, N], or no layers. "
                            "Raises ValueError for what "
                            "does not fit.")
      .def(py::init<std::vector<NetworkLayer>, BoundActivity::Inputs, BoundActivity::Weights,
                    std::vector<int>, int>(),
           py::arg("layers"), py::arg("inputs"), py::arg("weights"), py::arg("input_bits"),
           py::arg("threads") = 1)
      .def("evaluate", &BoundActivity::evaluate, py::arg("contexts"), py::arg("of_layer"),
           py::arg("threads") = 1,
           "Evaluate the network on a chip: the design of what layers share, those of tiles, and "
           "which one each layer has; the figures do not depend on threads or on what was "
           "evaluated before. Raises ValueError for what does not fit.");
}

void bind_reports(py::module_& m) {
  py::class_<ChipComponent>(m, "ChipComponent", "A circuit: copies, and area and leakage of one.")
      .def_readonly("name", &ChipComponent::name)
      .def_readonly("copies", &ChipComponent::copies)
      .def_readonly("area", &ChipComponent::area)
      .def_readonly("leakage", &ChipComponent::leakage)
      .def_readonly("sensing_time", &ChipComponent::sensing_time)
      .def_readonly("fits", &ChipComponent::fits);
  py::class_<LayerReport>(m, "LayerReport",
                          "Figures of a layer by name; energy and leakage by part.")
      .def_readonly("scalars", &LayerReport::scalars)
      .def_readonly("energy", &LayerReport::energy)
      .def_readonly("leakage", &LayerReport::leakage)
      .def_readonly("waiting", &LayerReport::waiting);
  py::class_<ChipReport>(m, "ChipReport", "Figures of a chip, its layers and its circuits.")
      .def_readonly("chip", &ChipReport::chip)
      .def_readonly("layers", &ChipReport::layers)
      .def_readonly("components", &ChipReport::components);
  m.def("sensing_depends_on_weights", &sensing_depends_on_weights, py::arg("context"),
        "Whether the stored weights change any figure.");
}

}  // namespace

void bind_chip(py::module_& m) {
  bind_floorplan(m);
  bind_reports(m);
  bind_activity(m);
}

}  // namespace cimsim
