#include "parameters.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>
#include <stdexcept>
#include <type_traits>
#include <variant>

namespace cimsim {
namespace {

using Field =
    std::variant<int Parameters::*, double Parameters::*, bool Parameters::*,
                 MemoryCell Parameters::*, OperationMode Parameters::*, Roadmap Parameters::*>;

struct Entry {
  const char* name;
  Field field;
  double low;
  double high;
};

constexpr double kMax = std::numeric_limits<double>::max();
constexpr double kTiny = std::numeric_limits<double>::min();  // "positive"
constexpr double kPlanarMuxDriver = 110;                      // of the 22 nm row of defaults.csv
constexpr double kCount = 1 << 20;                            // no array or buffer is larger

using P = Parameters;
const Entry kEntries[] = {
    {"operationmode", &P::operation_mode, 1, 6},
    {"memcelltype", &P::memory_cell, 1, 4},
    {"accesstype", &P::access_type, 1, 4},
    {"technode", &P::node, 1, 1000},
    {"deviceroadmap", &P::roadmap, 1, 2},
    {"transistortype", &P::transistor_type, 1, 3},
    {"temp", &P::temperature, 300, 400},
    {"globalBusType", &P::global_bus_htree, 0, 1},
    {"globalBufferType", &P::global_buffer_sram, 0, 1},
    {"globalBufferCoreSizeRow", &P::global_buffer_core_rows, 1, kCount},
    {"globalBufferCoreSizeCol", &P::global_buffer_core_cols, 1, kCount},
    {"tileBufferType", &P::tile_buffer_sram, 0, 1},
    {"tileBufferCoreSizeRow", &P::tile_buffer_core_rows, 1, kCount},
    {"tileBufferCoreSizeCol", &P::tile_buffer_core_cols, 1, kCount},
    {"peBufferType", &P::pe_buffer_sram, 0, 1},
    {"chipActivation", &P::chip_activation, 0, 1},
    {"reLu", &P::relu, 0, 1},
    {"novelMapping", &P::novel_mapping, 0, 1},
    {"SARADC", &P::sar_adc, 0, 1},
    {"currentMode", &P::current_mode, 0, 1},
    {"pipeline", &P::pipeline, 0, 1},
    {"speedUpDegree", &P::speed_up_degree, 1, kCount},
    {"validated", &P::validated, 0, 1},
    {"synchronous", &P::synchronous, 0, 1},
    {"sync_data_transfer", &P::sync_data_transfer, 0, 1},
    {"Activationtype", &P::sigmoid_sram, 0, 1},
    {"clkFreq", &P::clock_frequency, kTiny, kMax},
    {"algoWeightMax", &P::algorithm_weight_max, -kMax, kMax},
    {"algoWeightMin", &P::algorithm_weight_min, -kMax, kMax},
    {"globalBusDelayTolerance", &P::global_bus_delay_tolerance, 0, kMax},
    {"localBusDelayTolerance", &P::local_bus_delay_tolerance, 0, kMax},
    {"treeFoldedRatio", &P::tree_folded_ratio, kTiny, kMax},
    {"maxGlobalBusWidth", &P::max_global_bus_width, 1, kMax},
    {"inputtoggle", &P::input_toggle, 0, 1},
    {"outputtoggle", &P::output_toggle, 0, 1},
    {"numRowSubArray", &P::rows, 1, kCount},
    {"numColSubArray", &P::cols, 1, kCount},
    {"numRowParallel", &P::parallel_rows, 1, kCount},
    {"relaxArrayCellHeight", &P::relax_cell_height, 0, 1},
    {"relaxArrayCellWidth", &P::relax_cell_width, 0, 1},
    {"numColMuxed", &P::cols_muxed, 1, kCount},
    {"levelOutput", &P::adc_levels, 2, kCount},
    {"cellBit", &P::cell_bits, 1, 16},
    {"groupsPerSubArray", &P::groups_per_subarray, 1, kCount},
    {"dumcolshared", &P::dummy_col_shared, 1, kMax},
    {"synapseBit", &P::synapse_bits, 1, 32},
    {"numBitInput", &P::input_bits, 1, 32},
    {"speciallayout", &P::special_layout, 0, 1},
    {"sizingfactor_MUX", &P::mux_driver_sizing, kTiny, kMax},
    {"sizingfactor_WLdecoder", &P::wl_driver_sizing, kTiny, kMax},
    {"newswitchmatrixsizeratio", &P::new_switch_matrix_sizing, kTiny, kMax},
    {"switchmatrixsizeratio", &P::switch_matrix_sizing, kTiny, kMax},
    {"buffernumber", &P::repeaters, 0, kCount},
    {"buffersizeratio", &P::repeater_sizing, 0, kMax},
    {"heightInFeatureSizeSRAM", &P::sram_cell_height, kTiny, kMax},
    {"widthInFeatureSizeSRAM", &P::sram_cell_width, kTiny, kMax},
    {"widthSRAMCellNMOS", &P::sram_nmos_width, kTiny, kMax},
    {"widthSRAMCellPMOS", &P::sram_pmos_width, kTiny, kMax},
    {"widthAccessCMOS", &P::sram_access_width, kTiny, kMax},
    {"minSenseVoltage", &P::min_sense_voltage, kTiny, kMax},
    {"heightInFeatureSize1T1R", &P::one_transistor_cell_height, kTiny, kMax},
    {"widthInFeatureSize1T1R", &P::one_transistor_cell_width, kTiny, kMax},
    {"heightInFeatureSizeCrossbar", &P::cross_point_cell_height, kTiny, kMax},
    {"widthInFeatureSizeCrossbar", &P::cross_point_cell_width, kTiny, kMax},
    {"resistanceOn", &P::resistance_on, kTiny, kMax},
    {"resistanceOff", &P::resistance_off, kTiny, kMax},
    {"maxConductance", &P::max_conductance, kTiny, kMax},
    {"minConductance", &P::min_conductance, kTiny, kMax},
    {"readVoltage", &P::read_voltage, kTiny, kMax},
    {"readPulseWidth", &P::read_pulse_width, 0, kMax},
    {"accessVoltage", &P::access_voltage, kTiny, kMax},
    {"resistanceAccess", &P::access_resistance, 0, kMax},
    {"writeVoltage", &P::write_voltage, 0, kMax},
    {"chargeDelay", &P::charge_delay, 0, kMax},
    {"columnSettling", &P::column_settling, 0, 1},
    {"clockLimit", &P::clock_limit, 0, 1},
    {"shiftAddWidth", &P::shift_add_width, 0, 1},
    {"sharedWeights", &P::shared_weights, 0, 1},
    {"wireDirections", &P::wire_directions, 0, 1},
    {"fefetAccess", &P::fefet_access, 0, 1},
    {"wordLineLoad", &P::word_line_load, 0, 1},
    {"muxDriverSize", &P::mux_driver_size, 0, 1},
    {"muxDecoderLoad", &P::mux_decoder_load, 0, 1},
    {"prechargeEnergy", &P::precharge_energy, 0, 1},
    {"columnSwitching", &P::column_switching, 0, 1},
    {"passGateCurrent", &P::pass_gate_current, 0, 1},
    {"wireBarrier", &P::wire_barrier, 0, 1},
    {"htreeEnergy", &P::htree_energy, 0, 1},
    {"emptyElements", &P::empty_elements, 0, 1},
    {"adderTreeEnergy", &P::adder_tree_energy, 0, 1},
    {"sumWidth", &P::sum_width, 0, 1},
    {"bufferTraffic", &P::buffer_traffic, 0, 1},
    {"copiedSums", &P::copied_sums, 0, 1},
    {"bufferSenseLoad", &P::buffer_sense_load, 0, 1},
    {"repeaterLeakage", &P::repeater_leakage, 0, 1},
    {"blockLeakage", &P::block_leakage, 0, 1},
    {"busyLeakage", &P::busy_leakage, 0, 1},
    {"waitingLeakage", &P::waiting_leakage, 0, 1},
    {"alpha", &P::alpha, 0, kMax},
    {"beta", &P::beta, 0, kMax},
    {"gamma", &P::gamma, 0, kMax},
    {"delta", &P::delta, 0, kMax},
    {"epsilon", &P::epsilon, 0, kMax},
    {"zeta", &P::zeta, kTiny, kMax},
    {"wireWidth", &P::wire_width, 1, 10000},
    {"featuresize", &P::cell_feature_size, kTiny, 1},
    {"Metal0", &P::metal0, kTiny, 10000},
    {"Metal1", &P::metal1, kTiny, 10000},
    {"barrierthickness", &P::barrier_thickness, 0, 1},
};

// "12", "0.5", "1e-09": the shortest text a person would write.
std::string text(double value) {
  std::string s = std::to_string(static_cast<long long>(value));
  if (static_cast<double>(static_cast<long long>(value)) == value) return s;
  char buffer[32];
  std::snprintf(buffer, sizeof buffer, "%.15g", value);
  return buffer;
}

std::string range(const Entry& e) {
  if (e.low == kTiny) return e.high == kMax ? "a positive number" : "0 < value <= " + text(e.high);
  if (e.high == kMax) return e.low == -kMax ? "a number" : "a number >= " + text(e.low);
  return text(e.low) + " to " + text(e.high);
}

void set(Parameters& p, const Entry& e, double value) {
  std::visit(
      [&](auto field) {
        using T = std::remove_reference_t<decltype(p.*field)>;
        const bool whole = std::is_same_v<T, double> || value == std::floor(value);
        if (!std::isfinite(value) || value < e.low || value > e.high || !whole) {
          throw std::invalid_argument(std::string("parameter ") + e.name + " is " +
                                      (std::isfinite(value) ? text(value) : "not finite") +
                                      " but must be " + range(e) +
                                      (std::is_same_v<T, double> ? "" : ", a whole number"));
        }
        if constexpr (std::is_same_v<T, bool>) {
          p.*field = value != 0;
        } else if constexpr (std::is_enum_v<T>) {
          p.*field = static_cast<T>(static_cast<int>(value));
        } else {
          p.*field = static_cast<T>(value);
        }
      },
      e.field);
}

double get(const Parameters& p, const Entry& e) {
  return std::visit([&](auto field) { return static_cast<double>(p.*field); }, e.field);
}

// Unit resistance (ohm/m) of a wire; `temperature_factor` multiplies the resistivity.
double unit_resistance(const std::vector<WireMaterial>& table, double width_nm, double barrier,
                       double temperature_factor) {
  const WireMaterial& material = wire_material(table, width_nm);
  const double rho = resistivity_with_barrier(material, width_nm, barrier) * temperature_factor;
  const double w = width_nm * 1e-9;
  return rho / (w * w * material.aspect_ratio);
}

const char* const kDerived[] = {"parallelRead",
                                "numRowPerSynapse",
                                "numColPerSynapse",
                                "AR",
                                "Rho",
                                "AR_Metal0",
                                "AR_Metal1",
                                "Rho_Metal0",
                                "Rho_Metal1",
                                "Metal0_unitwireresis",
                                "Metal1_unitwireresis",
                                "wireLengthRow",
                                "wireLengthCol",
                                "unitLengthWireResistance",
                                "wireResistanceRow",
                                "wireResistanceCol",
                                "columncap",
                                "arrayheight",
                                "arraywidthunit",
                                "resCellAccess",
                                "reference_energy_peri",
                                "unitcap",
                                "unitres",
                                "drivecapin"};

}  // namespace

Parameters::Parameters(const Technology& t, const std::map<std::string, double>& overrides) {
  node = t.node;
  roadmap = t.roadmap;
  transistor_type = t.transistor_type;
  temperature = t.temperature;
  const NodeDefaults& d = t.defaults;
  mux_driver_sizing = d.mux_driver_sizing;
  new_switch_matrix_sizing = d.new_switch_matrix_sizing;
  switch_matrix_sizing = d.switch_matrix_sizing;
  repeaters = d.repeaters;
  repeater_sizing = d.repeater_sizing;
  sram_cell_height = d.sram_cell_height;
  sram_cell_width = d.sram_cell_width;
  read_voltage = d.read_voltage;
  wire_width = static_cast<int>(d.wire_width);
  metal0 = d.metal0;
  metal1 = d.metal1;
  barrier_thickness = d.barrier_thickness;

  // Assignments that others are derived from come first, then the derived defaults, then again the
  // overrides of those derived defaults.
  const auto apply = [&] {
    for (const auto& [name, value] : overrides) {
      const auto* entry = std::find_if(std::begin(kEntries), std::end(kEntries),
                                       [&](const Entry& e) { return name == e.name; });
      if (entry == std::end(kEntries)) {
        const bool derived =
            std::find(std::begin(kDerived), std::end(kDerived), name) != std::end(kDerived);
        throw std::invalid_argument("parameter " + name +
                                    (derived ? " is derived and cannot be set" : " is unknown"));
      }
      set(*this, *entry, value);
    }
  };
  apply();
  if (node != t.node || roadmap != t.roadmap || temperature != t.temperature ||
      transistor_type != t.transistor_type) {
    throw std::invalid_argument(
        "technode, deviceroadmap, temp and transistortype must be those of the technology");
  }
  access_resistance = 0.25 * resistance_on;
  if (nvcap()) {
    // A non-volatile capacitor has no resistive states; the access resistance above is kept.
    one_transistor_cell_height = one_transistor_cell_width = 2;
    resistance_on = 1e20;
    resistance_off = 1e20 * 25;
    read_voltage = access_voltage = 0.06;
    charge_delay = 5e-9;
  }
  const int mode = static_cast<int>(operation_mode);
  parallel_read = mode % 2 == 0;
  parallel_rows = parallel_read ? rows : 1;
  dummy_col_shared = adc_levels;
  // Above 22 nm the reference leaves this driver at its smallest width (observed fault 29). Widths
  // are multiples of F, and so is the load that they drive.
  if (mux_driver_size && mux_driver_sizing == 1) mux_driver_sizing = kPlanarMuxDriver;
  cell_feature_size = wire_width * 1e-9;
  apply();
  const auto given = [&](const char* name) { return overrides.contains(name); };
  if (!given("maxConductance")) max_conductance = 1 / resistance_on;
  if (!given("minConductance")) min_conductance = 1 / resistance_off;
  derive(t);
}

void Parameters::derive(const Technology& t) {
  if (parallel_rows > rows) {
    throw std::invalid_argument("parameter numRowParallel is " + text(parallel_rows) +
                                " but must be at most numRowSubArray, " + text(rows));
  }
  cell_bits = sram() ? 1 : std::min(cell_bits, synapse_bits);
  rows_per_synapse = operation_mode == OperationMode::XnorSequential ||
                             operation_mode == OperationMode::XnorParallel
                         ? 2
                         : 1;
  switch (operation_mode) {
    case OperationMode::BnnParallel:
      cols_per_synapse = 2;
      break;
    case OperationMode::BnnSequential:
    case OperationMode::XnorSequential:
    case OperationMode::XnorParallel:
      cols_per_synapse = 1;
      break;
    default:
      cols_per_synapse = (synapse_bits + cell_bits - 1) / cell_bits;
  }
  if (sram() && operation_mode == OperationMode::ConventionalSequential) {
    cols_muxed = cols_per_synapse;
  }
  const double barrier = barrier_in_width_unit(barrier_thickness);
  metal0_unit_resistance = unit_resistance(t.local_wires, metal0, barrier, 1);
  metal1_unit_resistance = unit_resistance(t.local_wires, metal1, barrier, 1);
  unit_wire_resistance = unit_resistance(t.local_wires, wire_width, barrier,
                                         1 + 0.00451 * std::abs(temperature - 300));
  const Cell cell = make_cell(*this);
  // The reference lets row wires take the cell's height and column wires its width (chip quirk 22).
  const double along_row = wire_directions ? cell.width : cell.height;
  const double along_column = wire_directions ? cell.height : cell.width;
  wire_resistance_row = unit_wire_resistance * (wire_width * 1e-9 * along_row);
  wire_resistance_col = unit_wire_resistance * (wire_width * 1e-9 * along_column);
}

std::vector<std::string> Parameters::names() {
  std::vector<std::string> result;
  for (const Entry& e : kEntries) result.emplace_back(e.name);
  std::sort(result.begin(), result.end());
  return result;
}

std::vector<std::string> Parameters::derived_names() {
  return {std::begin(kDerived), std::end(kDerived)};
}

std::map<std::string, double> Parameters::values() const {
  std::map<std::string, double> result;
  for (const Entry& e : kEntries) result[e.name] = get(*this, e);
  return result;
}

Cell make_cell(const Parameters& p) {
  Cell cell;
  cell.feature_size = p.cell_feature_size;
  if (p.sram()) {
    cell.height = p.sram_cell_height;
    cell.width = p.sram_cell_width;
    cell.nmos_width = p.sram_nmos_width;
    cell.pmos_width = p.sram_pmos_width;
    cell.access_width = p.sram_access_width;
    cell.min_sense_voltage = p.min_sense_voltage;
  } else if (p.cmos_access()) {
    cell.height = p.one_transistor_cell_height;
    cell.width = p.one_transistor_cell_width;
  } else {
    cell.height = p.cross_point_cell_height;
    cell.width = p.cross_point_cell_width;
  }
  cell.resistance_on = p.resistance_on;
  cell.resistance_off = p.resistance_off;
  cell.resistance_average = (p.resistance_on + p.resistance_off) / 2;
  return cell;
}

}  // namespace cimsim
