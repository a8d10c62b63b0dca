// Technology, parameters and gate formulas. No logic here.
#include "technology.hpp"

#include <pybind11/stl.h>

#include "bindings/bindings.hpp"
#include "gates.hpp"
#include "parameters.hpp"

namespace py = pybind11;

namespace cimsim {
namespace {

void bind_records(py::module_& m) {
  py::enum_<DeviceClass>(m, "DeviceClass")
      .value("BULK", DeviceClass::Bulk)
      .value("FINFET", DeviceClass::FinFet)
      .value("GATE_ALL_AROUND", DeviceClass::GateAllAround);
  py::enum_<Roadmap>(m, "Roadmap")
      .value("HIGH_PERFORMANCE", Roadmap::HighPerformance)
      .value("LOW_STANDBY_POWER", Roadmap::LowStandbyPower);
  py::class_<CellLayout>(m, "CellLayout", "Standard-cell geometry in units of the feature size.")
      .def(py::init<>())
      .def_readwrite("height", &CellLayout::height)
      .def_readwrite("pn_gap", &CellLayout::pn_gap)
      .def_readwrite("outer_region", &CellLayout::outer_region)
      .def_readwrite("poly_pitch", &CellLayout::poly_pitch)
      .def_readwrite("drain_gap", &CellLayout::drain_gap)
      .def_readwrite("m3_pitch", &CellLayout::m3_pitch);
  py::class_<WireMaterial>(m, "WireMaterial", "Row of a resistivity table.")
      .def(py::init<>())
      .def_readwrite("min_width", &WireMaterial::min_width)
      .def_readwrite("aspect_ratio", &WireMaterial::aspect_ratio)
      .def_readwrite("resistivity", &WireMaterial::resistivity)
      .def_readwrite("barrier", &WireMaterial::barrier);
  py::class_<NodeDefaults>(m, "NodeDefaults", "Parameters that default to a value of the node.")
      .def(py::init<>())
      .def_readwrite("wire_width", &NodeDefaults::wire_width)
      .def_readwrite("metal0", &NodeDefaults::metal0)
      .def_readwrite("metal1", &NodeDefaults::metal1)
      .def_readwrite("barrier_thickness", &NodeDefaults::barrier_thickness)
      .def_readwrite("read_voltage", &NodeDefaults::read_voltage)
      .def_readwrite("sram_cell_height", &NodeDefaults::sram_cell_height)
      .def_readwrite("sram_cell_width", &NodeDefaults::sram_cell_width)
      .def_readwrite("mux_driver_sizing", &NodeDefaults::mux_driver_sizing)
      .def_readwrite("new_switch_matrix_sizing", &NodeDefaults::new_switch_matrix_sizing)
      .def_readwrite("switch_matrix_sizing", &NodeDefaults::switch_matrix_sizing)
      .def_readwrite("repeaters", &NodeDefaults::repeaters)
      .def_readwrite("repeater_sizing", &NodeDefaults::repeater_sizing);
  py::class_<FitSegment>(m, "FitSegment", "Piece of a fit: a*ln(R)+b or a*R+b below `upper` ohm.")
      .def(py::init<>())
      .def_readwrite("upper", &FitSegment::upper)
      .def_readwrite("logarithmic", &FitSegment::logarithmic)
      .def_readwrite("a", &FitSegment::a)
      .def_readwrite("b", &FitSegment::b);
  py::class_<SensingTimeFit>(m, "SensingTimeFit", "Sensing time over reference resistance.")
      .def(py::init<>())
      .def_readwrite("segments", &SensingTimeFit::segments)
      .def_readwrite("reference_cap", &SensingTimeFit::reference_cap)
      .def_readwrite("extra_time", &SensingTimeFit::extra_time)
      .def_readwrite("extra_resistance", &SensingTimeFit::extra_resistance)
      .def_readwrite("threshold", &SensingTimeFit::threshold);
  py::class_<MirrorPowerFit>(m, "MirrorPowerFit", "Static power of a current-mode column.")
      .def(py::init<>())
      .def_readwrite("segments", &MirrorPowerFit::segments)
      .def_readwrite("base", &MirrorPowerFit::base)
      .def_readwrite("factor", &MirrorPowerFit::factor)
      .def_readwrite("exponent", &MirrorPowerFit::exponent);
  py::class_<SarPowerFit>(m, "SarPowerFit", "Column power of the SAR ADC.")
      .def(py::init<>())
      .def_readwrite("per_bit", &SarPowerFit::per_bit)
      .def_readwrite("base", &SarPowerFit::base)
      .def_readwrite("factor", &SarPowerFit::factor)
      .def_readwrite("exponent", &SarPowerFit::exponent);
  py::class_<Technology>(m, "Technology", "Devices, layout, wires and fits at one temperature.")
      .def(py::init<>())
      .def("validate", &Technology::validate, "Raise ValueError for a field out of range.")
      .def_readwrite("node", &Technology::node)
      .def_readwrite("roadmap", &Technology::roadmap)
      .def_readwrite("device_class", &Technology::device_class)
      .def_readwrite("transistor_type", &Technology::transistor_type)
      .def_readwrite("temperature", &Technology::temperature)
      .def_readwrite("feature_size", &Technology::feature_size)
      .def_readwrite("vdd", &Technology::vdd)
      .def_readwrite("vth", &Technology::vth)
      .def_readwrite("cap_ideal_gate", &Technology::cap_ideal_gate)
      .def_readwrite("cap_fringe", &Technology::cap_fringe)
      .def_readwrite("cap_overlap", &Technology::cap_overlap)
      .def_readwrite("cap_junction", &Technology::cap_junction)
      .def_readwrite("cap_sidewall", &Technology::cap_sidewall)
      .def_readwrite("cap_drain_to_channel", &Technology::cap_drain_to_channel)
      .def_readwrite("pn_size_ratio", &Technology::pn_size_ratio)
      .def_readwrite("resistance_multiplier", &Technology::resistance_multiplier)
      .def_readwrite("gm_current_n", &Technology::gm_current_n)
      .def_readwrite("gm_current_p", &Technology::gm_current_p)
      .def_readwrite("gm_advanced", &Technology::gm_advanced)
      .def_readwrite("cap_drain_total", &Technology::cap_drain_total)
      .def_readwrite("fin_height", &Technology::fin_height)
      .def_readwrite("fin_width", &Technology::fin_width)
      .def_readwrite("fin_pitch", &Technology::fin_pitch)
      .def_readwrite("max_fins", &Technology::max_fins)
      .def_readwrite("effective_width", &Technology::effective_width)
      .def_readwrite("sheets", &Technology::sheets)
      .def_readwrite("max_stacks", &Technology::max_stacks)
      .def_readwrite("tuned_inverter_gate", &Technology::tuned_inverter_gate)
      .def_readwrite("tuned_inverter_diffusion", &Technology::tuned_inverter_diffusion)
      .def_readwrite("tuned_nand_diffusion_n", &Technology::tuned_nand_diffusion_n)
      .def_readwrite("tuned_nand_diffusion_p", &Technology::tuned_nand_diffusion_p)
      .def_readwrite("ion_n", &Technology::ion_n)
      .def_readwrite("ion_p", &Technology::ion_p)
      .def_readwrite("ioff_n", &Technology::ioff_n)
      .def_readwrite("ioff_p", &Technology::ioff_p)
      .def_readwrite("layout", &Technology::layout)
      .def_readwrite("defaults", &Technology::defaults)
      .def_readwrite("local_wires", &Technology::local_wires)
      .def_readwrite("long_wires", &Technology::long_wires)
      .def_readwrite("sensing_time", &Technology::sensing_time)
      .def_readwrite("mirror_power", &Technology::mirror_power)
      .def_readwrite("sar_power", &Technology::sar_power);
}

void bind_parameters(py::module_& m) {
  py::class_<Parameters>(m, "Parameters", "Every parameter of the model, after derivation.")
      .def("values", &Parameters::values, "Values by name, as a map of overrides.")
      .def_readonly("parallel_read", &Parameters::parallel_read)
      .def_readonly("rows_per_synapse", &Parameters::rows_per_synapse)
      .def_readonly("cols_per_synapse", &Parameters::cols_per_synapse)
      .def_readonly("metal0_unit_resistance", &Parameters::metal0_unit_resistance)
      .def_readonly("metal1_unit_resistance", &Parameters::metal1_unit_resistance)
      .def_readonly("unit_wire_resistance", &Parameters::unit_wire_resistance)
      .def_readonly("wire_resistance_row", &Parameters::wire_resistance_row)
      .def_readonly("wire_resistance_col", &Parameters::wire_resistance_col);
  py::class_<Context>(m, "Context", "Technology and parameters of a chip.")
      .def(py::init<Technology, const std::map<std::string, double>&>(), py::arg("technology"),
           py::arg("overrides"))
      .def_readonly("technology", &Context::technology)
      .def_readonly("parameters", &Context::parameters);
  m.def("parameter_names", &Parameters::names, "Names of the parameters that may be set.");
  m.def("derived_parameter_names", &Parameters::derived_names,
        "Names of parameters that are computed and may not be set.");
}

void bind_gates(py::module_& m) {
  py::enum_<Gate>(m, "Gate")
      .value("INVERTER", Gate::Inverter)
      .value("NAND", Gate::Nand)
      .value("NOR", Gate::Nor);
  py::enum_<Channel>(m, "Channel").value("N", Channel::N).value("P", Channel::P);
  py::class_<Widths>(m, "Widths", "NMOS and PMOS width, m.")
      .def(py::init([](double n, double p) { return Widths{n, p}; }), py::arg("n"), py::arg("p"))
      .def_readonly("n", &Widths::n)
      .def_readonly("p", &Widths::p);
  py::class_<Outline>(m, "Outline", "Outline of a layout, m.")
      .def_readonly("height", &Outline::height)
      .def_readonly("width", &Outline::width)
      .def_property_readonly("area", &Outline::area);
  py::class_<GateCaps>(m, "GateCaps", "Input and output capacitance, F.")
      .def_readonly("input", &GateCaps::input)
      .def_readonly("output", &GateCaps::output);
  py::class_<Stage>(m, "Stage", "Delay (s) and output ramp (1/s).")
      .def_readonly("delay", &Stage::delay)
      .def_readonly("ramp", &Stage::ramp);
  m.def("gate_capacitance", &gate_capacitance);
  m.def("gate_caps", &gate_caps);
  m.def("tuned_gate_caps", [](const Technology& t, Gate gate, int inputs, Widths w,
                              double cell_height, double g, double n, double p) {
    return tuned_gate_caps(t, gate, inputs, w, cell_height, TunedCell{g, n, p});
  });
  m.def("drain_capacitance", &drain_capacitance);
  m.def("gate_outline", &gate_outline);
  m.def("pass_gate_outline", &pass_gate_outline);
  m.def("enlarge", &enlarge);
  m.def("leakage_current", &leakage_current);
  m.def("on_resistance", &on_resistance);
  m.def("linear_resistance", &linear_resistance);
  m.def("transconductance", &transconductance);
  m.def("horowitz", &horowitz);
}

}  // namespace

void bind_technology(py::module_& m) {
  bind_records(m);
  bind_parameters(m);
  bind_gates(m);
}

}  // namespace cimsim
