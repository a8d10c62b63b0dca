// Circuit modules. No logic here.
#include <pybind11/stl.h>

#include "bindings/bindings.hpp"
#include "circuits/adc.hpp"
#include "circuits/adder_tree.hpp"
#include "circuits/buffer.hpp"
#include "circuits/decoder_driver.hpp"
#include "circuits/level_shifter.hpp"
#include "circuits/max_pooling.hpp"
#include "circuits/mux.hpp"
#include "circuits/sense_encoder.hpp"
#include "circuits/shift_add.hpp"
#include "circuits/sigmoid.hpp"
#include "circuits/switch_matrix.hpp"
#include "circuits/wires.hpp"

namespace py = pybind11;

namespace cimsim {
namespace {

/// A circuit class with its constructor; the context outlives the circuit.
template <class T>
py::class_<T, Circuit> circuit(py::module_& m, const char* name, const char* doc) {
  return py::class_<T, Circuit>(m, name, doc)
      .def(py::init<const Context&>(), py::arg("context"), py::keep_alive<1, 2>());
}

void bind_array_values(py::module_& m) {
  py::class_<Cell>(m, "Cell", "The memory cell as the circuits of the array see it.")
      .def_readwrite("height", &Cell::height)
      .def_readwrite("width", &Cell::width)
      .def_readwrite("feature_size", &Cell::feature_size)
      .def_readwrite("nmos_width", &Cell::nmos_width)
      .def_readwrite("pmos_width", &Cell::pmos_width)
      .def_readwrite("access_width", &Cell::access_width)
      .def_readwrite("min_sense_voltage", &Cell::min_sense_voltage)
      .def_readwrite("cap_sram", &Cell::cap_sram)
      .def_readwrite("resistance_on", &Cell::resistance_on)
      .def_readwrite("resistance_off", &Cell::resistance_off)
      .def_readwrite("resistance_average", &Cell::resistance_average);
  m.def("make_cell", &make_cell, "Cell before a subarray has changed it.");
  py::class_<ArrayValues>(m, "ArrayValues", "Values that a subarray publishes to its circuits.")
      .def(py::init<>())
      .def_readwrite("cell", &ArrayValues::cell)
      .def_readwrite("column_cap", &ArrayValues::column_cap)
      .def_readwrite("array_height", &ArrayValues::array_height)
      .def_readwrite("cell_width", &ArrayValues::cell_width)
      .def_readwrite("access_resistance", &ArrayValues::access_resistance)
      .def_readwrite("dummy_energy", &ArrayValues::dummy_energy)
      .def_readwrite("unit_cap", &ArrayValues::unit_cap)
      .def_readwrite("unit_resistance", &ArrayValues::unit_resistance)
      .def_readwrite("repeater_input_cap", &ArrayValues::repeater_input_cap);
}

void bind_logic(py::module_& m) {
  circuit<Adder>(m, "Adder", "Ripple-carry adder.")
      .def("size", &Adder::size)
      .def("layout", &Adder::layout)
      .def("latency", &Adder::latency)
      .def("power", &Adder::power);
  circuit<FlipFlops>(m, "FlipFlops", "Registers.")
      .def("size", &FlipFlops::size)
      .def("layout", &FlipFlops::layout)
      .def("latency", &FlipFlops::latency)
      .def("power", &FlipFlops::power);
  circuit<AdderTree>(m, "AdderTree", "Tree of adders.")
      .def("size", &AdderTree::size)
      .def("layout", &AdderTree::layout)
      .def("latency", &AdderTree::latency)
      .def("power", &AdderTree::power);
  circuit<ShiftAdd>(m, "ShiftAdd", "Shift-and-add of bit-serial sums.")
      .def("size", &ShiftAdd::size)
      .def("layout", &ShiftAdd::layout)
      .def("latency", &ShiftAdd::latency)
      .def("power", &ShiftAdd::power);
  circuit<BitShifter>(m, "BitShifter", "Rectifier.")
      .def("size", &BitShifter::size)
      .def("layout", &BitShifter::layout)
      .def("latency", &BitShifter::latency)
      .def("power", &BitShifter::power);
  circuit<Comparator>(m, "Comparator", "Digital comparator.")
      .def("size", &Comparator::size)
      .def("layout", &Comparator::layout)
      .def("latency", &Comparator::latency)
      .def("power", &Comparator::power);
  circuit<MaxPooling>(m, "MaxPooling", "Maximum pooling.")
      .def("size", &MaxPooling::size)
      .def("layout", &MaxPooling::layout)
      .def("latency", &MaxPooling::latency)
      .def("power", &MaxPooling::power)
      .def_property_readonly("comparators", &MaxPooling::comparators)
      .def_property_readonly("stages", &MaxPooling::stages);
  circuit<Sigmoid>(m, "Sigmoid", "Sigmoid table.")
      .def("size", &Sigmoid::size)
      .def("layout", &Sigmoid::layout)
      .def("latency", &Sigmoid::latency)
      .def("power", &Sigmoid::power);
  circuit<Buffer>(m, "Buffer", "Register file or SRAM buffer.")
      .def("size", &Buffer::size)
      .def("layout", &Buffer::layout)
      .def("latency", &Buffer::latency)
      .def("power", &Buffer::power);
}

void bind_drivers(py::module_& m) {
  py::enum_<DecoderKind>(m, "DecoderKind")
      .value("WORD_LINE", DecoderKind::WordLine)
      .value("MULTIPLEXER", DecoderKind::Multiplexer)
      .value("WIDE_MULTIPLEXER", DecoderKind::WideMultiplexer);
  py::enum_<LineKind>(m, "LineKind").value("ROW", LineKind::Row).value("COLUMN", LineKind::Column);
  circuit<RowDecoder>(m, "RowDecoder", "Row decoder.")
      .def("size", &RowDecoder::size)
      .def("layout", &RowDecoder::layout)
      .def("latency", &RowDecoder::latency)
      .def("power", &RowDecoder::power);
  circuit<Mux>(m, "Mux", "Column multiplexer.")
      .def("size", &Mux::size)
      .def("layout", &Mux::layout)
      .def("layout_override", &Mux::layout_override)
      .def("latency", &Mux::latency)
      .def("power", &Mux::power);
  circuit<SwitchMatrix>(m, "SwitchMatrix", "Line driver with two pass gates.")
      .def("size", &SwitchMatrix::size)
      .def("layout", &SwitchMatrix::layout)
      .def("latency", &SwitchMatrix::latency)
      .def("power", &SwitchMatrix::power);
  circuit<NewSwitchMatrix>(m, "NewSwitchMatrix", "Word-line driver of 1T1R arrays.")
      .def("size", &NewSwitchMatrix::size)
      .def("layout", &NewSwitchMatrix::layout)
      .def("latency", &NewSwitchMatrix::latency)
      .def("power", &NewSwitchMatrix::power);
  circuit<DecoderDriver>(m, "DecoderDriver", "Row driver of cross-point arrays.")
      .def("size", &DecoderDriver::size)
      .def("layout", &DecoderDriver::layout)
      .def("latency", &DecoderDriver::latency)
      .def("power", &DecoderDriver::power);
  circuit<NewDecoderDriver>(m, "NewDecoderDriver", "Row driver of 1T1R arrays.")
      .def("size", &NewDecoderDriver::size)
      .def("layout", &NewDecoderDriver::layout)
      .def("latency", &NewDecoderDriver::latency)
      .def("power", &NewDecoderDriver::power);
  circuit<LevelShifter>(m, "LevelShifter", "Level shifter (area only).")
      .def("size", &LevelShifter::size)
      .def("layout", &LevelShifter::layout);
}

void bind_sensing(py::module_& m) {
  py::class_<ColumnActivity>(m, "ColumnActivity", "Active columns of an SRAM.")
      .def(py::init([](double reads, double writes, double write_activity) {
             return ColumnActivity{reads, writes, write_activity};
           }),
           py::arg("reads"), py::arg("writes"), py::arg("write_activity"));
  circuit<Precharger>(m, "Precharger", "Bit-line precharger.")
      .def("size", &Precharger::size)
      .def("layout", &Precharger::layout)
      .def("latency", &Precharger::latency)
      .def("power", &Precharger::power);
  circuit<WriteDriver>(m, "WriteDriver", "SRAM write driver.")
      .def("size", &WriteDriver::size)
      .def("layout", &WriteDriver::layout)
      .def("latency", &WriteDriver::latency)
      .def("power", &WriteDriver::power);
  circuit<SenseAmp>(m, "SenseAmp", "Latch-type sense amplifier.")
      .def("size", &SenseAmp::size)
      .def("layout", &SenseAmp::layout)
      .def("latency", &SenseAmp::latency)
      .def("power", &SenseAmp::power)
      .def("load_cap", &SenseAmp::load_cap);
  circuit<VoltageSenseAmp>(m, "VoltageSenseAmp", "Voltage sense amplifier.")
      .def("size", &VoltageSenseAmp::size)
      .def("layout", &VoltageSenseAmp::layout)
      .def("latency", &VoltageSenseAmp::latency)
      .def("power", &VoltageSenseAmp::power);
  circuit<SenseEncoder>(m, "SenseEncoder", "Encoder of a multilevel sense amplifier.")
      .def("size", &SenseEncoder::size)
      .def("layout", &SenseEncoder::layout)
      .def("latency", &SenseEncoder::latency)
      .def("power", &SenseEncoder::power);
  circuit<MultilevelSenseAmp>(m, "MultilevelSenseAmp", "Multilevel (flash) sense amplifier.")
      .def("size", &MultilevelSenseAmp::size)
      .def("layout", &MultilevelSenseAmp::layout)
      .def("latency", &MultilevelSenseAmp::latency)
      .def("power", [](MultilevelSenseAmp& a, const std::vector<double>& columns, double reads,
                       const ArrayValues& array) { a.power(columns, reads, array); })
      .def_property_readonly("references", &MultilevelSenseAmp::references);
  circuit<SarAdc>(m, "SarAdc", "Successive-approximation ADC.")
      .def("size", &SarAdc::size)
      .def("layout", &SarAdc::layout)
      .def("latency", &SarAdc::latency)
      .def("power", [](SarAdc& a, const std::vector<double>& columns, double reads) {
        a.power(columns, reads);
      });
}

void bind_wires(py::module_& m) {
  py::enum_<BusDirection>(m, "BusDirection")
      .value("HORIZONTAL", BusDirection::Horizontal)
      .value("VERTICAL", BusDirection::Vertical);
  circuit<Bus>(m, "Bus", "Straight bus.")
      .def("size", &Bus::size)
      .def("latency", &Bus::latency)
      .def("power", &Bus::power);
  circuit<HTree>(m, "HTree", "H-tree.")
      .def("size", &HTree::size)
      .def("layout", &HTree::layout)
      .def("latency", &HTree::latency)
      .def("power", &HTree::power);
  circuit<XYBus>(m, "XYBus", "X-Y bus.")
      .def("size", &XYBus::size)
      .def("layout", &XYBus::layout)
      .def("latency", &XYBus::latency)
      .def("power", &XYBus::power);
}

}  // namespace

void bind_circuits(py::module_& m) {
  py::class_<Circuit>(m, "Circuit", "Figures of a circuit, in SI units.")
      .def_readonly("height", &Circuit::height)
      .def_readonly("width", &Circuit::width)
      .def_readonly("area", &Circuit::area)
      .def_readonly("read_latency", &Circuit::read_latency)
      .def_readonly("write_latency", &Circuit::write_latency)
      .def_readonly("read_energy", &Circuit::read_energy)
      .def_readonly("write_energy", &Circuit::write_energy)
      .def_readonly("leakage", &Circuit::leakage)
      .def_readonly("fits", &Circuit::fits);
  bind_array_values(m);
  bind_logic(m);
  bind_drivers(m);
  bind_sensing(m);
  bind_wires(m);
}

}  // namespace cimsim
