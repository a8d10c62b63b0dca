"""The design point: the full, validated description of one experiment.

Every field has a default, so that a campaign names only what it varies. Fields that a stage reads
enter its key (see :mod:`cimsim.campaign.keys`); a field that equals its default never does, so a
new field keeps old keys.
"""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from cimsim.campaign.catalogue import DatasetName, ModelName
from cimsim.campaign.hardware import Buffers, Buses, Calibration, CellCircuit, Drivers, Wires
from cimsim.campaign.section import Fraction, Section

NODES = (130, 90, 65, 45, 32, 22, 14, 10, 7, 5, 3, 2, 1)
"""Technology nodes in nm that have a technology table (specification circuits.md 1.1)."""

OLDEST_FINFET = 14
"""First node (nm) of the FinFET and gate-all-around tables: LSTP at 300 K only, no RRAM."""


class Workload(Section):
    """Which network runs on which images."""

    model: ModelName = Field("vgg8", description="network, one of the catalogue")
    width: float = Field(
        0.125, gt=0.0, le=4.0, description="multiplier of the channel counts (VGG-8 only)"
    )
    dataset: DatasetName = Field("digits16", description="images, one of the catalogue")
    images: int = Field(0, ge=0, description="test images that are evaluated; 0 = all")
    checkpoint: str = Field(
        "train", description="'train' (seeded, in the workflow) or a path to a saved state_dict"
    )
    training_seed: int = Field(
        0, ge=0, description="seed of the initial weights and of the order of images"
    )


class Quantization(Section):
    """How float weights and activations become integers."""

    weight_bits: int = Field(8, ge=2, le=8, description="bits of a weight, sign included")
    input_bits: int = Field(8, ge=2, le=8, description="bits of an activation")
    weight_scale: Literal["channel", "tensor"] = Field(
        "channel", description="one weight scale per output channel or per layer"
    )
    observer: Literal["max", "percentile", "mse"] = Field(
        "max", description="how the range of an activation is found from the calibration images"
    )
    percentile: float = Field(
        99.99,
        gt=50.0,
        le=100.0,
        description="share of |x| inside the range, % (observer: percentile)",
    )
    images: int = Field(256, ge=1, description="calibration images, from the training split")
    float_layers: tuple[str, ...] = Field(
        (), description="name patterns (fnmatch) of matrix layers that stay in floating point"
    )


class Cell(Section):
    """The memory cell."""

    technology: Literal["sram", "rram", "fefet", "nvcap"] = Field(
        "rram", description="memory technology"
    )
    bits: int = Field(1, ge=1, le=4, description="bits per cell")
    resistance_on: float = Field(6e3, gt=0.0, description="resistance of the highest state, ohm")
    resistance_off: float = Field(102e3, gt=0.0, description="resistance of the lowest state, ohm")
    states_file: str = Field(
        "",
        description="CSV with columns mean,std (S), one row per state, lowest first; "
        "replaces the two resistances "
        "in the accuracy path",
    )
    access: Literal["cmos", "none"] = Field(
        "cmos", description="access device: CMOS transistor or cross-point"
    )
    circuit: CellCircuit = CellCircuit()


class Retention(Section):
    """Drift of programmed cells: g(t) = g(t0) * (t / t0) ** (exponent * direction)."""

    time: float = Field(0.0, ge=0.0, description="time since programming, s; 0 = no drift")
    reference_time: float = Field(
        1.0,
        gt=0.0,
        description="time after programming at which conductances are those of the states, s",
    )
    exponent: float = Field(0.0, ge=0.0, le=1.0, description="drift exponent; 0 = no drift")
    exponents_file: str = Field(
        "",
        description="CSV with the column exponent, one row per state, lowest first; replaces "
        "exponent",
    )
    direction: Literal["target", "random"] = Field(
        "target", description="towards a target conductance, or a random sign per cell"
    )
    target: Fraction = Field(0.0, description="target between the lowest (0) and highest (1) state")


class OutputNoise(Section):
    """Noise of a whole column read, in ADC steps of one cell state; "
    "replaces the cell-level models."""

    sigma: float = Field(
        0.0, ge=0.0, description="standard deviation, in units of one cell-state step; 0 = off"
    )
    file: str = Field(
        "", description="CSV with columns output,mean,std: one row per ideal column sum, from 0"
    )


class Nonideality(Section):
    """Deviations of the cells and of their reading."""

    device_variation: float = Field(
        0.0,
        ge=0.0,
        le=2.0,
        description="device-to-device standard deviation, as a share of variation_unit",
    )
    variation_unit: Literal["state", "step", "on_state"] = Field(
        "state",
        description="what device_variation is a share of: the mean of the cell's state, one "
        "step between states (the unit of the ADC), or the highest state",
    )
    variation_distribution: Literal["normal", "lognormal"] = Field(
        "normal", description="distribution of device-to-device variation; mean and deviation same"
    )
    read_noise: float = Field(
        0.0,
        ge=0.0,
        le=2.0,
        description="standard deviation of one read at 300 K relative to the cell's conductance",
    )
    read_noise_thermal_share: Fraction = Field(
        1.0, description="share of the variance of read_noise that grows with temperature"
    )
    temperature: float = Field(
        300.0,
        gt=0.0,
        le=1000.0,
        description="of the cells while they are read, K (accuracy; chip.temperature is that of "
        "the circuits)",
    )
    stuck_at_0: Fraction = Field(0.0, description="share of cells stuck at the lowest state")
    stuck_at_1: Fraction = Field(0.0, description="share of cells stuck at the highest state")
    retention: Retention = Retention()
    output_noise: OutputNoise = OutputNoise()

    @model_validator(mode="after")
    def _rates_add_up(self) -> Self:
        if self.stuck_at_0 + self.stuck_at_1 > 1.0:
            raise ValueError(
                "stuck_at_0 + stuck_at_1 is above 1; together they are a share of the cells"
            )
        return self


class AdcRange(Section):
    """Which column sums the ADC codes cover. The step is in units of one cell-state step."""

    policy: Literal["full", "calibrated", "fixed"] = Field(
        "full",
        description="full: the largest possible sum; calibrated: per layer, from the "
        "column sums of the calibration "
        "images; fixed: the given step",
    )
    observer: Literal["max", "percentile", "mse"] = Field(
        "percentile",
        description="how the range is found from the column sums: the largest one, a percentile, "
        "or the least mean squared error (policy: calibrated)",
    )
    percentile: float = Field(
        99.9,
        gt=50.0,
        le=100.0,
        description="share of column sums inside the range, % (policy: calibrated, observer: "
        "percentile)",
    )
    step: float = Field(1.0, gt=0.0, description="ADC step (policy: fixed)")


class Adc(Section):
    """The analog-to-digital converter at the foot of a column."""

    kind: Literal["mlsa", "sar"] = Field(
        "mlsa", description="multilevel sense amplifier (flash) or SAR"
    )
    sensing: Literal["voltage", "current"] = Field(
        "voltage", description="sensing mode of the MLSA"
    )
    bits: int = Field(7, ge=1, le=16, description="resolution, bits")
    columns_shared: int = Field(8, ge=1, description="columns that share one ADC")
    dummy_columns_shared: float | None = Field(
        None,
        ge=1.0,
        description="comparators that share a dummy column (MLSA); default: the ADC's levels",
    )
    range: AdcRange = AdcRange()
    offset: float = Field(
        0.0,
        ge=0.0,
        description="standard deviation of the offset of an ADC, in its codes; frozen for one seed",
    )
    gain_error: float = Field(
        0.0,
        ge=0.0,
        le=0.1,
        description="relative standard deviation of the gain of an ADC; frozen for one seed",
    )
    inl_file: str = Field(
        "",
        description="CSV with columns code,inl: deviation of the transition into each code from 1 "
        "up from its ideal place, in codes; the same for all ADCs",
    )


class ChargeColumn(Section):
    """How columns of capacitors (cell.technology nvcap) are read, in the accuracy path.

    The defaults are an ideal feedback amplifier, whose columns are those of ideal currents."""

    readout: Literal["feedback", "sharing"] = Field(
        "feedback",
        description="an amplifier holds the column at virtual ground, or the capacitors of a "
        "column are shorted",
    )
    parasitic: float = Field(
        0.0,
        ge=0.0,
        description="parasitic capacitance of a column, in steps of a cell state",
    )
    amplifier_gain: float = Field(
        0.0, ge=0.0, description="open-loop gain of the feedback amplifier; 0 = ideal"
    )
    mismatch: float = Field(
        0.0,
        ge=0.0,
        le=1.0,
        description="relative standard deviation of a cell's capacitance; frozen for one seed",
    )
    step_capacitance: float = Field(
        0.0,
        ge=0.0,
        le=1e-9,
        description="capacitance of one step of a cell state, F, for kT/C noise; 0 = no noise",
    )
    voltage: float = Field(
        1.0, gt=0.0, description="voltage of the largest input digit, V, for kT/C noise"
    )


class Array(Section):
    """The subarray and its read circuit."""

    rows: int = Field(128, ge=1, le=4096, description="rows of a subarray")
    columns: int = Field(128, ge=1, le=4096, description="columns of a subarray")
    parallel_rows: int = Field(128, ge=1, description="rows that are read together; divides rows")
    dac_bits: int = Field(1, ge=1, le=8, description="input bits applied per read")
    signed_weights: Literal["offset", "differential", "twos_complement"] = Field(
        "offset",
        description="weights plus an offset that a dummy column holds, a pair of columns of "
        "magnitudes, or a column of its own for the sign; the hardware model has offset only",
    )
    row_wire_resistance: float = Field(
        0.0,
        ge=0.0,
        description="of a row's wire from cell to cell, ohm, for the IR drop in the accuracy path",
    )
    column_wire_resistance: float = Field(
        0.0,
        ge=0.0,
        description="of a column's wire from cell to cell, ohm, for the IR drop in the accuracy "
        "path",
    )
    adc: Adc = Adc()
    charge: ChargeColumn = ChargeColumn()

    @model_validator(mode="after")
    def _row_groups(self) -> Self:
        if self.parallel_rows > self.rows or self.rows % self.parallel_rows:
            allowed = [p for p in range(1, self.rows + 1) if self.rows % p == 0]
            raise ValueError(
                f"parallel_rows is {self.parallel_rows} but must divide rows "
                f"({self.rows}): one of {allowed}"
            )
        if self.adc.columns_shared > self.columns or self.columns % self.adc.columns_shared:
            allowed = [p for p in range(1, self.columns + 1) if self.columns % p == 0]
            raise ValueError(
                f"adc.columns_shared is {self.adc.columns_shared} but must divide "
                f"columns ({self.columns}): "
                f"one of {allowed}"
            )
        return self


class Chip(Section):
    """Technology, floor plan and system of the chip."""

    node: int = Field(
        22,
        ge=1,
        le=1000,
        description=f"technology node, nm: {', '.join(map(str, NODES))}, or that of the "
        "technology file",
    )
    technology_file: str = Field(
        "", description="YAML file that describes a node of one's own; docs/technology.md"
    )
    roadmap: Literal["lstp", "hp"] = Field(
        "lstp", description="low standby power or high performance devices"
    )
    temperature: int = Field(300, ge=300, le=400, description="K")
    transistor: Literal["conventional", "fet_2d", "tfet"] = Field(
        "conventional", description="the transistor of the node, a MoS2 FET or a tunnel FET (22 nm)"
    )
    mapping: Literal["novel", "conventional"] = Field(
        "novel",
        description="novel: one processing element per kernel position; conventional: "
        "unrolled matrix",
    )
    pipeline: bool = Field(True, description="layers work on successive images at the same time")
    speed_up: int = Field(
        8, ge=1, description="upper bound of the pipeline's speed-up of early layers"
    )
    global_bus: Literal["xy", "htree"] = Field("xy", description="interconnect between tiles")
    global_buffer: Literal["register", "sram"] = Field("register", description="chip buffer")
    tile_buffer: Literal["register", "sram"] = Field("register", description="tile buffers")
    activation: Literal["chip", "tile"] = Field(
        "chip", description="where the activation units sit"
    )
    activation_function: Literal["relu", "sigmoid"] = Field(
        "relu", description="what the activation units compute"
    )
    sigmoid_storage: Literal["sram", "rram"] = Field(
        "sram", description="memory of the table of the sigmoid"
    )
    synchronous: bool = Field(
        True, description="latencies in clock cycles; the slowest sensing sets the clock"
    )
    clock_frequency: float = Field(
        1e9,
        gt=0.0,
        le=1e12,
        description="fastest clock in which delays count as cycles, Hz; a cycle lasts as long as "
        "sensing does, however slow this clock (chip.md Q53); asynchronous: that of registers",
    )
    data_transfer: Literal["buffered", "synchronous"] = Field(
        "buffered",
        description="synchronous: all data moves in one transfer of the global buffer at a time "
        "(H-tree, novel mapping, pipeline, register buffer, activation at chip level)",
    )
    input_toggle: Fraction = Field(0.18, description="switching rate of input bits on buses")
    output_toggle: Fraction = Field(0.5, description="switching rate of output bits on buses")
    post_layout_calibration: bool = Field(
        True, description="apply the silicon calibration factors alpha..zeta"
    )
    trace_images: int = Field(1, ge=1, description="images whose activity drives the energy model")
    dynamic_products: Literal["digital", "sram_array", "none"] = Field(
        "digital",
        description="where products of two activations (attention) are computed: digital SRAM "
        "macros, SRAM subarrays that are written each time, or not counted",
    )
    dynamic_activity: Fraction = Field(
        0.5, description="share of ones among the bits of the operands of such products"
    )
    digital_operations: Literal["counted", "none"] = Field(
        "counted",
        description="residual adds, softmax, layer norm and other digital operations: counted or "
        "not",
    )
    digital_lanes: int = Field(
        64, ge=1, le=65536, description="elements that a unit for such operations takes in at once"
    )
    buffers: Buffers = Buffers()
    buses: Buses = Buses()
    wires: Wires = Wires()
    drivers: Drivers = Drivers()
    calibration: Calibration = Calibration()

    @model_validator(mode="after")
    def _circuits_exist(self) -> Self:
        if not self.technology_file and self.node not in NODES:
            raise ValueError(
                f"node is {self.node}; allowed: {', '.join(map(str, NODES))}, or any with a "
                "technology_file that describes it"
            )
        if self.transistor != "conventional" and self.node != 22:
            raise ValueError(
                f"node is {self.node} but transistor {self.transistor} has tables for [22]"
            )
        if self.data_transfer == "synchronous":
            needed = {
                "global_bus": "htree",
                "global_buffer": "register",
                "activation": "chip",
                "mapping": "novel",
                "pipeline": True,
                "synchronous": True,
            }
            lacking = [name for name, choice in needed.items() if getattr(self, name) != choice]
            if lacking:
                raise ValueError(
                    "data_transfer is synchronous, which needs "
                    + ", ".join(f"{name} {str(needed[name]).lower()}" for name in lacking)
                )
        return self


class CircuitFidelity(Section):
    """Corrections of the circuit model. All are off by default: its equations were calibrated
    together to silicon. Numbers are those of the specification's lists of faults (chip.md 8,
    circuits.md 5, and what was observed in runs of the reference); docs/fidelity.md shows what each
    changes."""

    column_settling: bool = Field(
        False,
        description="settling of the columns is part of a clock cycle (chip 17)",
    )
    clock_limit: bool = Field(
        False,
        description="no clock cycle is shorter than 1 / chip.clock_frequency (chip 53)",
    )
    shift_add_width: bool = Field(
        False,
        description="shift-adders of resistive arrays have the bits of row groups and multi-bit "
        "cells (chip 20)",
    )
    shared_weights: bool = Field(
        False,
        description="weights per ADC are columns_shared / columns of a weight, not rounded down to "
        "0 (chip 21)",
    )
    wire_directions: bool = Field(
        False,
        description="cell wires are as long as the cell is wide along a row and high along "
        "a column (chip 22)",
    )
    fefet_access: bool = Field(
        False,
        description="columns of FeFET cells have the resistance of their access transistors (chip "
        "23)",
    )
    word_line_load: bool = Field(
        False,
        description="switch matrices drive the wires and gates of their word line (chip 31)",
    )
    mux_driver_size: bool = Field(
        False,
        description="decoders of column multiplexers have drivers for their load above 22 nm, too "
        "(observed 29)",
    )
    mux_decoder_load: bool = Field(
        False,
        description="decoders of 2 or 4 columns drive the multiplexers by their driver alone "
        "(observed 30)",
    )
    precharge_energy: bool = Field(
        False,
        description="precharging SRAM columns costs energy in parallel arrays, too (chip 30)",
    )
    column_switching: bool = Field(
        False,
        description="charge of the column per ADC level, an integer quotient of 0 otherwise "
        "(circuit 24)",
    )
    pass_gate_current: bool = Field(
        False,
        description="PMOS of word-line pass gates has its own current (circuit 20)",
    )
    wire_barrier: bool = Field(
        False,
        description="barrier of wires in the unit of their width (circuit 3, chip 35)",
    )
    htree_energy: bool = Field(
        False,
        description="H-trees are charged over the lengths that their latency counts (circuit 15)",
    )
    empty_elements: bool = Field(
        False,
        description="empty processing elements of a tile draw no energy (chip 37)",
    )
    adder_tree_energy: bool = Field(
        False,
        description="adder tree of an element with copied weights is charged once (chip 38)",
    )
    sum_width: bool = Field(
        False,
        description="sums of subarrays grow by the logarithm of their number, not its "
        "root (chip 40)",
    )
    buffer_traffic: bool = Field(
        False,
        description="each bit in a tile buffer is written once and read once, not half a time each "
        "(chip 43)",
    )
    copied_sums: bool = Field(
        False,
        description="copies of tiles are no operands of the accumulation between tiles (chip 54)",
    )
    buffer_sense_load: bool = Field(
        False,
        description="SRAM buffers count the load of their sense amplifiers (circuit 27)",
    )
    repeater_leakage: bool = Field(
        False,
        description="repeaters leak current times voltage, in SRAM arrays, too (chip 28)",
    )
    block_leakage: bool = Field(
        False,
        description="buffer, bus, accumulation, activation and pooling of the chip leak, and all "
        "cores of tile buffers (chip 50)",
    )
    busy_leakage: bool = Field(
        False,
        description="tiles leak while they work as when they wait (chip 52)",
    )
    waiting_leakage: bool = Field(
        False,
        description="each tile leaks as what it is until the slowest layer ends (chip 51, 52)",
    )


class Fidelity(Section):
    """Where cimsim corrects the reference and where it follows it: one switch per known fault.

    The defaults are the corrected behaviour; the preset ``neurosim-v1.5`` sets the other one. Qn
    are the numbers of the specification's list of faults (functional.md 9 and chip.md 8)."""

    integer_conversion: Literal["nearest", "truncate"] = Field(
        "nearest", description="rounding of scaled weights and inputs (Q1)"
    )
    input_shift: Literal["zero_point", "data_minimum"] = Field(
        "zero_point",
        description="zero_point: calibrated and exact, corrected digitally; data_minimum: "
        "minimum of the batch with a "
        "dummy vector read from the array (Q8, Q10)",
    )
    stuck_at_rates: Literal["as_given", "squared"] = Field("as_given", description="(Q5)")
    read_noise_scope: Literal["read", "batch"] = Field(
        "read", description="fresh for each read, or shared by all vectors of a batch (Q10)"
    )
    drift_direction_scope: Literal["device", "read"] = Field(
        "device", description="random direction drawn once per device or at each read (Q6)"
    )
    drift_bounds: Literal["states", "observed"] = Field(
        "states",
        description="drift stays between the nominal states or the extremes of the layer's "
        "slice (Q18)",
    )
    negative_conductance: Literal["clamp", "keep"] = Field(
        "clamp", description="variation cannot take a conductance below zero (Q12)"
    )
    adc_unit: Literal["mean_step", "first_step"] = Field(
        "mean_step", description="conductance of one unit at the ADC for non-uniform states (Q24)"
    )
    adc_levels: Literal["2^b", "2^b+1"] = Field("2^b", description="number of ADC levels (Q7)")
    accumulation: Literal["integer", "float32"] = Field(
        "integer", description="digital recombination (Q15)"
    )
    first_layer: Literal["array", "float"] = Field(
        "array", description="where the first layer is computed"
    )
    trace_vectors: Literal["all", "unpadded"] = Field(
        "all",
        description="input vectors of a padded convolution in the hardware model (chip.md Q2, Q3)",
    )
    weight_digits: Literal["stored", "parity"] = Field(
        "stored", description="weight digits that the hardware model sees (chip.md Q1)"
    )
    stem_trace: Literal["integer", "float_truncated"] = Field(
        "integer", description="trace of a first layer that stays in floating point (chip.md Q4)"
    )
    circuit: CircuitFidelity = CircuitFidelity()


class DesignPoint(Section):
    """One experiment: network, quantisation, cell, non-idealities, array and chip."""

    workload: Workload = Workload()
    quantization: Quantization = Quantization()
    cell: Cell = Cell()
    nonideality: Nonideality = Nonideality()
    array: Array = Array()
    chip: Chip = Chip()
    fidelity: Fidelity = Fidelity()

    @model_validator(mode="after")
    def _parts_fit_together(self) -> Self:
        cell, chip, adc = self.cell, self.chip, self.array.adc
        if cell.bits > self.quantization.weight_bits:
            raise ValueError(
                f"cell.bits is {cell.bits} but quantization.weight_bits is "
                f"{self.quantization.weight_bits}; "
                f"allowed: 1 to {self.quantization.weight_bits}"
            )
        if self.array.charge != ChargeColumn() and cell.technology != "nvcap":
            raise ValueError(
                f"array.charge is given but cell.technology is {cell.technology}; allowed: "
                "nvcap, or no array.charge"
            )
        wires = [
            name
            for name in ("row_wire_resistance", "column_wire_resistance")
            if getattr(self.array, name)
        ]
        if wires and cell.technology not in ("rram", "fefet"):
            raise ValueError(
                f"array.{wires[0]} is given but cell.technology is {cell.technology}, whose cells "
                "have no conductance in S; allowed: rram, fefet, or 0"
            )
        frozen = self.fidelity.drift_direction_scope == "device"
        if not frozen and (wires or self.array.charge != ChargeColumn()):
            raise ValueError(
                f"array.{wires[0] if wires else 'charge'} is given but "
                "fidelity.drift_direction_scope is read; allowed: device"
            )
        signed = self.array.signed_weights
        if signed != "offset" and self.fidelity.input_shift == "data_minimum":
            raise ValueError(
                f"array.signed_weights is {signed} but fidelity.input_shift is data_minimum, which "
                "shifts the weights; allowed: offset, or input_shift zero_point"
            )
        if cell.technology == "sram" and cell.bits != 1:
            raise ValueError(f"cell.bits is {cell.bits} but an sram cell holds 1 bit; allowed: 1")
        if self.array.dac_bits > self.quantization.input_bits:
            raise ValueError(
                f"array.dac_bits is {self.array.dac_bits} but quantization.input_bits is "
                f"{self.quantization.input_bits}; allowed: 1 to {self.quantization.input_bits}"
            )
        finfet = chip.node <= OLDEST_FINFET and not chip.technology_file
        if cell.technology == "rram" and finfet:
            allowed = [n for n in NODES if n > OLDEST_FINFET]
            raise ValueError(
                f"chip.node is {chip.node} but cell.technology rram supports {allowed}"
            )
        if cell.technology == "nvcap" and chip.node != 22:
            raise ValueError(f"chip.node is {chip.node} but cell.technology nvcap supports [22]")
        if finfet and (chip.roadmap != "lstp" or chip.temperature != 300):
            raise ValueError(
                f"chip.node {chip.node} has tables for roadmap lstp at 300 K only; "
                f"got {chip.roadmap} at {chip.temperature} K"
            )
        if cell.technology == "nvcap" and adc.kind == "mlsa" and adc.sensing == "current":
            raise ValueError("array.adc.sensing is current but cell.technology nvcap needs voltage")
        if cell.circuit.charge_delay is not None and cell.technology != "nvcap":
            raise ValueError(
                f"cell.circuit.charge_delay is {cell.circuit.charge_delay!r} s but "
                f"cell.technology {cell.technology} transfers no charge; allowed: null"
            )
        if (
            cell.technology != "sram"
            and not cell.states_file
            and cell.resistance_off <= cell.resistance_on
        ):
            raise ValueError(
                f"cell.resistance_off is {cell.resistance_off!r} ohm but must be above "
                f"cell.resistance_on "
                f"({cell.resistance_on!r} ohm)"
            )
        return self
