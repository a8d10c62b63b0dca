"""From a design point to the parameters of the power, performance and area model.

The parameters carry the names of DNN+NeuroSim V1.5, so that figures can be compared one to one;
what a design point does not name keeps its default there.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from cimsim import _native
from cimsim.campaign.circuits import check_circuits
from cimsim.campaign.design import DesignPoint
from cimsim.campaign.layer_design import is_mixed, widest
from cimsim.campaign.parameters import value
from cimsim.errors import UserError
from cimsim.ppa.technology import load_context

MEMORY_CELLS = {"sram": 1, "rram": 2, "fefet": 3, "nvcap": 4}
"""Values of the parameter ``memcelltype``."""

ROW_BY_ROW, ROWS_IN_PARALLEL = 1, 2
"""Values of the parameter ``operationmode`` that a design point can ask for."""

NANOMETRE = 1e-9  # m


@dataclass(frozen=True)
class Source:
    """The design field that a parameter comes from.

    Attributes:
        field: dotted name.
        convert: from the field's value, which is never None, to the parameter's.
        applies: whether the parameter is set for a design; otherwise it keeps its default.
    """

    field: str
    convert: Callable[[Any], float] = float
    applies: Callable[[DesignPoint], bool] = lambda point: True


def _is(choice: str) -> Callable[[Any], float]:
    return lambda held: float(held == choice)


def _memory(*technologies: str) -> Callable[[DesignPoint], bool]:
    return lambda point: point.cell.technology in technologies


def _stacked(access: str) -> Callable[[DesignPoint], bool]:
    """Return whether cells are no SRAM and have the given access device."""
    return lambda point: point.cell.technology != "sram" and point.cell.access == access


SOURCES: dict[str, Source] = {
    # memory cell
    "memcelltype": Source("cell.technology", MEMORY_CELLS.__getitem__),
    "accesstype": Source("cell.access", {"cmos": 1, "none": 4}.__getitem__),
    "cellBit": Source("cell.bits"),
    "resistanceOn": Source("cell.resistance_on", applies=_memory("rram", "fefet")),
    "resistanceOff": Source("cell.resistance_off", applies=_memory("rram", "fefet")),
    "heightInFeatureSizeSRAM": Source("cell.circuit.height", applies=_memory("sram")),
    "widthInFeatureSizeSRAM": Source("cell.circuit.width", applies=_memory("sram")),
    "heightInFeatureSize1T1R": Source("cell.circuit.height", applies=_stacked("cmos")),
    "widthInFeatureSize1T1R": Source("cell.circuit.width", applies=_stacked("cmos")),
    "heightInFeatureSizeCrossbar": Source("cell.circuit.height", applies=_stacked("none")),
    "widthInFeatureSizeCrossbar": Source("cell.circuit.width", applies=_stacked("none")),
    "featuresize": Source("cell.circuit.feature_size", lambda nm: float(nm * NANOMETRE)),
    "relaxArrayCellHeight": Source("cell.circuit.relaxed_height"),
    "relaxArrayCellWidth": Source("cell.circuit.relaxed_width"),
    "readVoltage": Source("cell.circuit.read_voltage"),
    "accessVoltage": Source("cell.circuit.access_voltage"),
    "writeVoltage": Source("cell.circuit.write_voltage"),
    "chargeDelay": Source("cell.circuit.charge_delay", applies=_memory("nvcap")),
    "minSenseVoltage": Source("cell.circuit.minimum_swing"),
    "widthSRAMCellNMOS": Source("cell.circuit.pull_down_width"),
    "widthSRAMCellPMOS": Source("cell.circuit.pull_up_width"),
    "widthAccessCMOS": Source("cell.circuit.access_width"),
    # array and ADC
    "synapseBit": Source("quantization.weight_bits"),
    "numBitInput": Source("quantization.input_bits"),
    "numRowSubArray": Source("array.rows"),
    "numColSubArray": Source("array.columns"),
    "numRowParallel": Source("array.parallel_rows"),
    "operationmode": Source(
        "array.parallel_rows", lambda rows: ROW_BY_ROW if rows == 1 else ROWS_IN_PARALLEL
    ),
    "SARADC": Source("array.adc.kind", _is("sar")),
    "currentMode": Source("array.adc.sensing", _is("current")),
    "levelOutput": Source("array.adc.bits", lambda bits: float(2**bits)),
    "numColMuxed": Source("array.adc.columns_shared"),
    "groupsPerSubArray": Source("array.groups_per_subarray"),
    "dumcolshared": Source("array.adc.dummy_columns_shared"),
    # technology
    "technode": Source("chip.node"),
    "deviceroadmap": Source("chip.roadmap", {"hp": 1, "lstp": 2}.__getitem__),
    "temp": Source("chip.temperature"),
    "transistortype": Source(
        "chip.transistor", {"conventional": 1, "fet_2d": 2, "tfet": 3}.__getitem__
    ),
    "wireWidth": Source("chip.wires.local_width"),
    "Metal0": Source("chip.wires.column_width"),
    "Metal1": Source("chip.wires.row_width"),
    "barrierthickness": Source("chip.wires.barrier", lambda nm: float(nm * NANOMETRE)),
    # floor plan and system
    "novelMapping": Source("chip.mapping", _is("novel")),
    "pipeline": Source("chip.pipeline"),
    "speedUpDegree": Source("chip.speed_up"),
    "synchronous": Source("chip.synchronous"),
    "clkFreq": Source("chip.clock_frequency"),
    "sync_data_transfer": Source("chip.data_transfer", _is("synchronous")),
    "chipActivation": Source("chip.activation", _is("chip")),
    "reLu": Source("chip.activation_function", _is("relu")),
    "Activationtype": Source("chip.sigmoid_storage", _is("sram")),
    "inputtoggle": Source("chip.input_toggle"),
    "outputtoggle": Source("chip.output_toggle"),
    "globalBusType": Source("chip.global_bus", _is("htree")),
    "globalBusDelayTolerance": Source("chip.buses.global_delay_tolerance"),
    "localBusDelayTolerance": Source("chip.buses.tile_delay_tolerance"),
    "treeFoldedRatio": Source("chip.buses.folding"),
    "maxGlobalBusWidth": Source("chip.buses.max_global_width"),
    "globalBufferType": Source("chip.global_buffer", _is("sram")),
    "globalBufferCoreSizeRow": Source("chip.buffers.global_rows"),
    "globalBufferCoreSizeCol": Source("chip.buffers.global_columns"),
    "peBufferType": Source("chip.tile_buffer", _is("sram")),
    "tileBufferCoreSizeRow": Source("chip.buffers.tile_rows"),
    "tileBufferCoreSizeCol": Source("chip.buffers.tile_columns"),
    # sizes of drivers
    "sizingfactor_MUX": Source("chip.drivers.column_decoder"),
    "sizingfactor_WLdecoder": Source("chip.drivers.row_decoder"),
    "newswitchmatrixsizeratio": Source("chip.drivers.pass_gate"),
    "switchmatrixsizeratio": Source("chip.drivers.switch_resistance"),
    "buffernumber": Source("chip.drivers.repeaters"),
    "buffersizeratio": Source("chip.drivers.repeater_size"),
    "speciallayout": Source("chip.drivers.tuned_cells"),
    # silicon calibration
    "validated": Source("chip.post_layout_calibration"),
    "alpha": Source("chip.calibration.level_shifter_wiring"),
    "beta": Source("chip.calibration.sensing_cycle"),
    "gamma": Source("chip.calibration.register_activity"),
    "delta": Source("chip.calibration.adder_activity"),
    "epsilon": Source("chip.calibration.control_activity"),
    "zeta": Source("chip.calibration.post_layout_energy"),
    # corrections, which the reference does not have
    "columnSettling": Source("fidelity.circuit.column_settling"),
    "clockLimit": Source("fidelity.circuit.clock_limit"),
    "shiftAddWidth": Source("fidelity.circuit.shift_add_width"),
    "sharedWeights": Source("fidelity.circuit.shared_weights"),
    "wireDirections": Source("fidelity.circuit.wire_directions"),
    "fefetAccess": Source("fidelity.circuit.fefet_access"),
    "wordLineLoad": Source("fidelity.circuit.word_line_load"),
    "muxDriverSize": Source("fidelity.circuit.mux_driver_size"),
    "muxDecoderLoad": Source("fidelity.circuit.mux_decoder_load"),
    "prechargeEnergy": Source("fidelity.circuit.precharge_energy"),
    "columnSwitching": Source("fidelity.circuit.column_switching"),
    "passGateCurrent": Source("fidelity.circuit.pass_gate_current"),
    "wireBarrier": Source("fidelity.circuit.wire_barrier"),
    "htreeEnergy": Source("fidelity.circuit.htree_energy"),
    "emptyElements": Source("fidelity.circuit.empty_elements"),
    "adderTreeEnergy": Source("fidelity.circuit.adder_tree_energy"),
    "sumWidth": Source("fidelity.circuit.sum_width"),
    "bufferTraffic": Source("fidelity.circuit.buffer_traffic"),
    "copiedSums": Source("fidelity.circuit.copied_sums"),
    "bufferSenseLoad": Source("fidelity.circuit.buffer_sense_load"),
    "repeaterLeakage": Source("fidelity.circuit.repeater_leakage"),
    "blockLeakage": Source("fidelity.circuit.block_leakage"),
    "busyLeakage": Source("fidelity.circuit.busy_leakage"),
    "waitingLeakage": Source("fidelity.circuit.waiting_leakage"),
}
"""Where each parameter of DNN+NeuroSim V1.5 that a design can set comes from."""

NOT_SET = {
    "tileBufferType": "read by nothing: `peBufferType` selects the tile buffers (chip quirk 42)",
    "readPulseWidth": "changes no figure: shift-adds count the delay of their adder alone",
    "algoWeightMax": "replaced: the cells hold the integer weights of the mapping; "
    "`fidelity.weight_digits` chooses the reference's reading of its weight files",
    "algoWeightMin": "as `algoWeightMax`",
    "maxConductance": "derived: 1 / `resistanceOn`",
    "minConductance": "derived: 1 / `resistanceOff`",
    "resistanceAccess": "derived: a quarter of `resistanceOn`, for which the model sizes the "
    "access transistor",
}
"""Parameters that a design cannot set, and why."""


def engine_parameters(point: DesignPoint) -> dict[str, float]:
    """Return the parameters of a design point, by name.

    Rows that are read one at a time (``array.parallel_rows: 1``) are the sequential mode of the
    model: the array then has row decoders instead of row switches and its ADC resolves one cell.

    Raises:
        UserError: the model has no circuit for the design, for example an input DAC; or the
            accuracy is about arrays for products of activations that the chip does not have.
    """
    check_circuits(point)
    parameters = {}
    for name, source in SOURCES.items():
        held = value(point, source.field)
        if held is not None and source.applies(point):
            parameters[name] = float(source.convert(held))
    if not point.chip.post_layout_calibration:
        parameters["gamma"] = 1.0  # buffers apply this activity factor in any case
    return parameters


def design_context(point: DesignPoint) -> _native.Context:
    """Return technology and parameters of a design point.

    Raises:
        UserError: as :func:`engine_parameters`, or the model has no technology for the design.
    """
    parameters = engine_parameters(point)
    with errors_in_design_terms(point):
        context = load_context(parameters, point.chip.technology_file)
    derived = context.parameters.values()
    if derived["buffernumber"] > 0 and derived["buffersizeratio"] == 0:
        raise UserError(
            f"chip.drivers.repeaters is {derived['buffernumber']:g} but node {point.chip.node} has "
            "no repeaters of its own, so that it needs chip.drivers.repeater_size (3, for example)"
        )
    return context


def chip_contexts(
    point: DesignPoint, designs: Sequence[DesignPoint]
) -> tuple[_native.Context, list[_native.Context] | None]:
    """Return technology and parameters of what layers share, and of the tiles of each layer.

    Layers with the same object in `designs` share theirs; None where all layers have those of
    `point`.

    Raises:
        UserError: as :func:`design_context`.
    """
    shared = design_context(widest(point, designs))
    if not is_mixed(point):
        return shared, None
    made = {key: design_context(one) for key, one in {id(one): one for one in designs}.items()}
    return shared, [made[id(one)] for one in designs]


_NAMES = re.compile(r"(?<![\w.])(" + "|".join(SOURCES) + r")\b")
"""Names of parameters in the engine's errors."""


@contextmanager
def errors_in_design_terms(point: DesignPoint) -> Iterator[None]:
    """Let errors of the engine name the fields of the design point that they are about.

    Raises:
        UserError: the block raised one.
    """
    try:
        yield
    except UserError as error:
        message = _NAMES.sub(lambda found: SOURCES[found[0]].field, str(error))
        raise UserError(
            f"{message} (cell.technology {point.cell.technology}, chip.node {point.chip.node}, "
            f"chip.temperature {point.chip.temperature}, array {point.array.rows} x "
            f"{point.array.columns})"
        ) from None
