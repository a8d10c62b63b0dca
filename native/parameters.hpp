// Every parameter of the power, performance and area model, with the derivations of
// DNN+NeuroSim V1.5: a chip is fully described by a Technology and a Parameters.
#pragma once
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "technology.hpp"

namespace cimsim {

enum class MemoryCell { Sram = 1, Rram = 2, Fefet = 3, NvCap = 4 };
enum class OperationMode {
  ConventionalSequential = 1,
  ConventionalParallel = 2,
  BnnSequential = 3,
  BnnParallel = 4,
  XnorSequential = 5,
  XnorParallel = 6,
};

/// Literal wire capacitance of the model: 0.2 fF per micrometre.
inline constexpr double kWireCapacitance = 0.2e-15 / 1e-6;  // F/m

/// Parameters after derivation. Each field's name in a map of overrides is given in quotes.
struct Parameters {
  // Mode and devices
  OperationMode operation_mode = OperationMode::ConventionalParallel;  ///< "operationmode"
  MemoryCell memory_cell = MemoryCell::Rram;                           ///< "memcelltype"
  int access_type = 1;                         ///< "accesstype": 1 CMOS; 2, 3, 4 cross-point
  int node = 22;                               ///< "technode", nm; of the technology
  Roadmap roadmap = Roadmap::LowStandbyPower;  ///< "deviceroadmap"; of the technology
  int transistor_type = 1;                     ///< "transistortype"; of the technology
  int temperature = 300;                       ///< "temp", K; of the technology

  // Chip
  bool global_bus_htree = false;            ///< "globalBusType": H-tree, else X-Y bus
  bool global_buffer_sram = false;          ///< "globalBufferType": SRAM, else flip-flops
  int global_buffer_core_rows = 128;        ///< "globalBufferCoreSizeRow"
  int global_buffer_core_cols = 128;        ///< "globalBufferCoreSizeCol"
  bool tile_buffer_sram = false;            ///< "tileBufferType"; read by nothing
  int tile_buffer_core_rows = 32;           ///< "tileBufferCoreSizeRow"
  int tile_buffer_core_cols = 32;           ///< "tileBufferCoreSizeCol"
  bool pe_buffer_sram = false;              ///< "peBufferType": type of the tile buffers
  bool chip_activation = true;              ///< "chipActivation": activation units at chip level
  bool relu = true;                         ///< "reLu": else sigmoid table
  bool novel_mapping = true;                ///< "novelMapping"
  bool sar_adc = false;                     ///< "SARADC": else multilevel sense amplifier
  bool current_mode = false;                ///< "currentMode" of the multilevel sense amplifier
  bool pipeline = true;                     ///< "pipeline"
  int speed_up_degree = 8;                  ///< "speedUpDegree"
  bool validated = true;                    ///< "validated": apply the silicon factors alpha..zeta
  bool synchronous = true;                  ///< "synchronous"
  bool sync_data_transfer = false;          ///< "sync_data_transfer"
  bool sigmoid_sram = true;                 ///< "Activationtype": sigmoid table in SRAM, else RRAM
  double clock_frequency = 1e9;             ///< "clkFreq", Hz
  double algorithm_weight_max = 1;          ///< "algoWeightMax"
  double algorithm_weight_min = -1;         ///< "algoWeightMin"
  double global_bus_delay_tolerance = 0.1;  ///< "globalBusDelayTolerance"
  double local_bus_delay_tolerance = 0.1;   ///< "localBusDelayTolerance"
  double tree_folded_ratio = 4;             ///< "treeFoldedRatio"
  double max_global_bus_width = 2048;       ///< "maxGlobalBusWidth", bits
  double input_toggle = 0.18;               ///< "inputtoggle"
  double output_toggle = 0.5;               ///< "outputtoggle"

  // Subarray
  int rows = 128;                  ///< "numRowSubArray"
  int cols = 128;                  ///< "numColSubArray"
  bool parallel_read = true;       ///< derived from the operation mode
  int parallel_rows = 128;         ///< "numRowParallel"; default `rows` if parallel, else 1
  bool relax_cell_height = false;  ///< "relaxArrayCellHeight"
  bool relax_cell_width = false;   ///< "relaxArrayCellWidth"
  int cols_muxed = 8;    ///< "numColMuxed": columns per ADC; SRAM sequential: cols_per_synapse
  int adc_levels = 128;  ///< "levelOutput"
  int cell_bits = 1;     ///< "cellBit"; SRAM: 1; at most synapse_bits
  double dummy_col_shared = 128;  ///< "dumcolshared"; default adc_levels
  int synapse_bits = 8;           ///< "synapseBit"
  int input_bits = 8;             ///< "numBitInput"
  int rows_per_synapse = 1;       ///< derived: 2 for the XNOR modes
  int groups_per_subarray = 1;    ///< "groupsPerSubArray": of a grouped convolution, at most
  int cols_per_synapse =
      8;  ///< derived: BNN parallel 2; other binary modes 1; else bits / cell bits

  // Sizing
  double special_layout = 1;            ///< "speciallayout": tuned cells at gate-all-around nodes
  double mux_driver_sizing = 1;         ///< "sizingfactor_MUX"
  double wl_driver_sizing = 1;          ///< "sizingfactor_WLdecoder"
  double new_switch_matrix_sizing = 6;  ///< "newswitchmatrixsizeratio"
  double switch_matrix_sizing = 0.1;    ///< "switchmatrixsizeratio"
  double repeaters = 0;                 ///< "buffernumber": repeaters in a word line
  double repeater_sizing = 0;           ///< "buffersizeratio"

  // Cells
  double sram_cell_height = 0;            ///< "heightInFeatureSizeSRAM", F
  double sram_cell_width = 0;             ///< "widthInFeatureSizeSRAM", F
  double sram_nmos_width = 1;             ///< "widthSRAMCellNMOS", fin factor x F
  double sram_pmos_width = 1;             ///< "widthSRAMCellPMOS"
  double sram_access_width = 1;           ///< "widthAccessCMOS"
  double min_sense_voltage = 0.1;         ///< "minSenseVoltage", V
  double one_transistor_cell_height = 4;  ///< "heightInFeatureSize1T1R", F
  double one_transistor_cell_width = 12;  ///< "widthInFeatureSize1T1R", F
  double cross_point_cell_height = 2;     ///< "heightInFeatureSizeCrossbar", F
  double cross_point_cell_width = 2;      ///< "widthInFeatureSizeCrossbar", F
  double resistance_on = 6e3;             ///< "resistanceOn", ohm
  double resistance_off = 6e3 * 17;       ///< "resistanceOff", ohm
  double max_conductance = 0;             ///< "maxConductance", S
  double min_conductance = 0;             ///< "minConductance", S
  double read_voltage = 0;                ///< "readVoltage", V
  double read_pulse_width = 10e-9;        ///< "readPulseWidth", s
  double access_voltage = 1.1;            ///< "accessVoltage", V
  double access_resistance = 0;           ///< "resistanceAccess", ohm
  double write_voltage = 2;               ///< "writeVoltage", V
  double charge_delay = 0;                ///< "chargeDelay", s (nvCap)

  // Corrections of the reference, off by default
  // (chip.md and circuits.md number the faults of the reference; docs/fidelity.md has their
  // effects)
  bool column_settling = false;    ///< "columnSettling": a clock cycle includes it (chip 17)
  bool clock_limit = false;        ///< "clockLimit": no cycle shorter than 1/clkFreq (chip 53)
  bool shift_add_width = false;    ///< "shiftAddWidth": of row groups and cell bits (chip 20)
  bool shared_weights = false;     ///< "sharedWeights": M/n weights per ADC, unrounded (chip 21)
  bool wire_directions = false;    ///< "wireDirections": cell width along rows (chip 22)
  bool fefet_access = false;       ///< "fefetAccess": resistance of its transistor (chip 23)
  bool word_line_load = false;     ///< "wordLineLoad": driven by all switches (chip 31)
  bool mux_driver_size = false;    ///< "muxDriverSize": at every node (observed 29)
  bool mux_decoder_load = false;   ///< "muxDecoderLoad": behind its driver (observed 30)
  bool precharge_energy = false;   ///< "prechargeEnergy": of SRAM columns (chip 30)
  bool column_switching = false;   ///< "columnSwitching": charge of the column (circuit 24)
  bool pass_gate_current = false;  ///< "passGateCurrent": PMOS with its own (circuit 20)
  bool wire_barrier = false;       ///< "wireBarrier": in the unit of the width (circuit 3)
  bool htree_energy = false;       ///< "htreeEnergy": of whole segments (circuit 15)
  bool empty_elements = false;     ///< "emptyElements": draw no energy (chip 37)
  bool adder_tree_energy = false;  ///< "adderTreeEnergy": once per element (chip 38)
  bool sum_width = false;          ///< "sumWidth": grows with the logarithm (chip 40)
  bool buffer_traffic = false;     ///< "bufferTraffic": bits are written and read (chip 43)
  bool copied_sums = false;        ///< "copiedSums": copies add nothing up (chip 54)
  bool buffer_sense_load = false;  ///< "bufferSenseLoad": of SRAM buffers (circuit 27)
  bool repeater_leakage = false;   ///< "repeaterLeakage": a power, in SRAM too (chip 28)
  bool block_leakage = false;      ///< "blockLeakage": of chip blocks and all cores (chip 50)
  bool busy_leakage = false;       ///< "busyLeakage": tiles leak while they work (chip 52)
  bool waiting_leakage = false;    ///< "waitingLeakage": of each layer's tiles, until the slowest
                                   ///< layer ends (chip 51, 52)

  // Silicon calibration (used if validated)
  double alpha = 1.44;    ///< "alpha": wiring area of level shifters
  double beta = 1.4;      ///< "beta": sensing cycle
  double gamma = 0.5;     ///< "gamma": activity of flip-flops
  double delta = 0.15;    ///< "delta": activity of adders
  double epsilon = 0.05;  ///< "epsilon": activity of control logic
  double zeta = 1.22;     ///< "zeta": post-layout energy

  // Wires
  int wire_width = 0;                 ///< "wireWidth", nm
  double cell_feature_size = 0;       ///< "featuresize", m: wire width, not F (circuit quirk 51)
  double metal0 = 0;                  ///< "Metal0", nm
  double metal1 = 0;                  ///< "Metal1", nm
  double barrier_thickness = 0;       ///< "barrierthickness", m
  double metal0_unit_resistance = 0;  ///< derived, ohm/m
  double metal1_unit_resistance = 0;  ///< derived, ohm/m
  double unit_wire_resistance = 0;    ///< derived, ohm/m, local wire at temperature
  double wire_resistance_row = 0;     ///< derived, ohm per cell along a row
  double wire_resistance_col = 0;     ///< derived, ohm per cell along a column

  Parameters() = default;

  /// Defaults of the technology, then the overrides, then every derived value. An override has the
  /// meaning of editing that assignment of DNN+NeuroSim V1.5 and recompiling.
  /// Throws std::invalid_argument that names an unknown, derived or out-of-range parameter.
  Parameters(const Technology& technology, const std::map<std::string, double>& overrides);

  /// Names that may be overridden, sorted.
  static std::vector<std::string> names();
  /// Names of the reference's parameters that are computed here and may not be overridden.
  static std::vector<std::string> derived_names();
  /// Values by name, as an override map that reproduces these parameters.
  std::map<std::string, double> values() const;

  bool sram() const { return memory_cell == MemoryCell::Sram; }
  bool nvcap() const { return memory_cell == MemoryCell::NvCap; }
  bool cmos_access() const { return access_type == 1; }
  /// A barrier thickness (m) in the unit in which the resistivity formula takes it: nanometres,
  /// like the width; the reference leaves it in metres, which makes it vanish (circuit quirk 3).
  double barrier_in_width_unit(double metres) const { return wire_barrier ? metres * 1e9 : metres; }
  /// Weights among `muxed` columns of an ADC. An integer quotient in the reference: 0 if there are
  /// fewer columns than a weight has, so that their accumulation costs nothing (chip quirk 21).
  double weights_among(int muxed) const {
    return shared_weights ? static_cast<double>(muxed) / cols_per_synapse
                          : muxed / cols_per_synapse;
  }

 private:
  void derive(const Technology& technology);
};

/// The memory cell as the array's circuits see it.
struct Cell {
  double height = 0;  ///< in units of F (SRAM, 1T1R) or of feature_size (cross-point)
  double width = 0;
  double feature_size = 0;  ///< m, the local wire width
  double nmos_width = 0;    ///< SRAM transistors in fin factor x F; 0 for other memories
  double pmos_width = 0;
  double access_width = 0;       ///< SRAM: its access transistor; 1T1R: set by the subarray
  double min_sense_voltage = 0;  ///< V; 0 unless SRAM
  double cap_sram = 0;           ///< F, set by an SRAM subarray, else 0
  double resistance_on = 0;  ///< ohm, seen from the array; set by the subarray (1T1R: with access)
  double resistance_off = 0;
  double resistance_average = 0;
};

/// Cell before a subarray has changed it.
Cell make_cell(const Parameters& parameters);

/// Values that a subarray computes and that circuits of the chip read later (0 until set).
struct ArrayValues {
  Cell cell;
  double column_cap = 0;          ///< F, bit line
  double array_height = 0;        ///< m
  double cell_width = 0;          ///< m, width of the dummy column of a sense amplifier
  double access_resistance = 0;   ///< ohm, SRAM access transistor (sense-amplifier references)
  double dummy_energy = 0;        ///< J, one activation of a dummy column (SRAM parallel)
  double unit_cap = 0;            ///< F per cell along a row
  double unit_resistance = 0;     ///< ohm per cell along a row
  double repeater_input_cap = 0;  ///< F, repeaters of a word line
};

/// Everything that a circuit reads. Constant while a chip is evaluated.
struct Context {
  Technology technology;
  Parameters parameters;
  Context(Technology t, const std::map<std::string, double>& overrides)
      : technology(std::move(t)), parameters(technology, overrides) {}
};

}  // namespace cimsim
