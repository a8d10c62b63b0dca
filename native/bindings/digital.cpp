// Products of activations and digital operations. No logic here.
#include <pybind11/stl.h>

#include "bindings/bindings.hpp"
#include "digital_block.hpp"

namespace py = pybind11;

namespace cimsim {

void bind_digital(py::module_& m) {
  py::class_<BlockFigures>(m, "BlockFigures", "Figures of a block of the chip, by component.")
      .def_readonly("latency", &BlockFigures::latency)
      .def_readonly("units", &BlockFigures::units)
      .def_readonly("energy", &BlockFigures::energy)
      .def_readonly("area", &BlockFigures::area)
      .def_readonly("leakage", &BlockFigures::leakage);
  py::class_<BlockSettings>(m, "BlockSettings", "What all blocks of a chip share.")
      .def(py::init([](double clock_period, double activity, int lanes) {
             return BlockSettings{clock_period, activity, lanes};
           }),
           py::arg("clock_period"), py::arg("activity"), py::arg("lanes"));
  py::class_<DynamicProduct>(m, "DynamicProduct", "Products of two activations.")
      .def(py::init([](int batch, int vectors, int rows, int columns) {
             return DynamicProduct{batch, vectors, rows, columns};
           }),
           py::arg("batch"), py::arg("vectors"), py::arg("rows"), py::arg("columns"));
  py::class_<UnitWork>(m, "UnitWork", "Operations of a digital unit.")
      .def(py::init<>())
      .def_readwrite("component", &UnitWork::component)
      .def_readwrite("elements", &UnitWork::elements)
      .def_readwrite("length", &UnitWork::length)
      .def_readwrite("passes", &UnitWork::passes)
      .def_readwrite("additions", &UnitWork::additions)
      .def_readwrite("multiplications", &UnitWork::multiplications)
      .def_readwrite("lookups", &UnitWork::lookups)
      .def_readwrite("row_steps", &UnitWork::row_steps)
      .def_readwrite("reads", &UnitWork::reads)
      .def_readwrite("kept", &UnitWork::kept)
      .def_readwrite("writes", &UnitWork::writes);
  m.def("digital_product", &digital_product, py::arg("context"), py::arg("product"),
        py::arg("settings"), "A product on a digital SRAM macro. Raises ValueError if none fits.");
  m.def("sram_product", &sram_product, py::arg("context"), py::arg("product"), py::arg("settings"),
        "A product on written SRAM subarrays. Raises ValueError if none fits.");
  m.def("digital_unit", &digital_unit, py::arg("context"), py::arg("work"), py::arg("settings"),
        "A unit for digital operations.");
}

}  // namespace cimsim
