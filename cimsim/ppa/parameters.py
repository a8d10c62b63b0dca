"""From a design point to the parameters of the power, performance and area model.

The parameters carry the names of DNN+NeuroSim V1.5, so that figures can be compared one to one;
what a design point does not name keeps its default there.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from cimsim.campaign.design import DesignPoint
from cimsim.errors import UserError

MEMORY_CELLS = {"sram": 1, "rram": 2, "fefet": 3, "nvcap": 4}
"""Values of the parameter ``memcelltype``."""

ROW_BY_ROW, ROWS_IN_PARALLEL = 1, 2
"""Values of the parameter ``operationmode`` that a design point can ask for."""


def engine_parameters(point: DesignPoint) -> dict[str, float]:
    """Return the parameters of a design point, by name.

    Rows that are read one at a time (``array.parallel_rows: 1``) are the sequential mode of the
    model: the array then has row decoders instead of row switches and its ADC resolves one cell.

    Raises:
        UserError: the model has no circuit for the design, for example an input DAC.
    """
    array, chip, cell = point.array, point.chip, point.cell
    if array.dac_bits != 1:
        raise UserError(
            f"array.dac_bits is {array.dac_bits} but the area and energy model has no input DAC "
            "(inputs are applied bit by bit); allowed: 1, or leave the ppa figures out"
        )
    _check_timing(point)
    parameters: dict[str, float] = {
        "memcelltype": MEMORY_CELLS[cell.technology],
        "accesstype": 1 if cell.access == "cmos" else 4,
        "operationmode": ROW_BY_ROW if array.parallel_rows == 1 else ROWS_IN_PARALLEL,
        "technode": chip.node,
        "deviceroadmap": 1 if chip.roadmap == "hp" else 2,
        "temp": chip.temperature,
        "synapseBit": point.quantization.weight_bits,
        "numBitInput": point.quantization.input_bits,
        "cellBit": cell.bits,
        "numRowSubArray": array.rows,
        "numColSubArray": array.columns,
        "numRowParallel": array.parallel_rows,
        "levelOutput": 2**array.adc.bits,
        "numColMuxed": array.adc.columns_shared,
        "SARADC": array.adc.kind == "sar",
        "currentMode": array.adc.sensing == "current",
        "novelMapping": chip.mapping == "novel",
        "pipeline": chip.pipeline,
        "speedUpDegree": chip.speed_up,
        "globalBusType": chip.global_bus == "htree",
        "globalBufferType": chip.global_buffer == "sram",
        "peBufferType": chip.tile_buffer == "sram",
        "chipActivation": chip.activation == "chip",
        "reLu": chip.activation_function == "relu",
        "synchronous": chip.synchronous,
        "inputtoggle": chip.input_toggle,
        "outputtoggle": chip.output_toggle,
        "validated": chip.post_layout_calibration,
    }
    if not chip.post_layout_calibration:
        parameters["gamma"] = 1.0  # buffers apply this activity factor in any case
    if cell.technology in ("rram", "fefet"):
        parameters["resistanceOn"] = cell.resistance_on
        parameters["resistanceOff"] = cell.resistance_off
    return {name: float(value) for name, value in parameters.items()}


_FIELDS = {
    "resistanceOn": "cell.resistance_on",
    "currentMode": "array.adc.sensing current",
    "numColMuxed": "array.adc.columns_shared",
    "numColSubArray": "array.columns",
}
"""Fields of a design point behind the parameters that the engine's errors name."""


@contextmanager
def errors_in_design_terms(point: DesignPoint) -> Iterator[None]:
    """Let errors of the engine name the fields of the design point that they are about.

    Raises:
        UserError: the block raised one.
    """
    try:
        yield
    except UserError as error:
        message = str(error)
        for name, field in _FIELDS.items():
            message = message.replace(name, field)
        raise UserError(
            f"{message} (cell.technology {point.cell.technology}, chip.node {point.chip.node}, "
            f"chip.temperature {point.chip.temperature}, array {point.array.rows} x "
            f"{point.array.columns})"
        ) from None


def _check_timing(point: DesignPoint) -> None:
    """Refuse circuits whose latency the reference never computes (infinite or not a number).

    Its register files have no asynchronous latency, and its SRAM tables and buffers take transistor
    widths and sensing voltage from the array's cell, which only an SRAM array sets (circuit quirks
    25 to 27).
    """
    chip, sram_array = point.chip, point.cell.technology == "sram"
    all_sram = sram_array and chip.global_buffer == "sram" and chip.tile_buffer == "sram"
    if not chip.synchronous and not all_sram:
        raise UserError(
            f"chip.synchronous is false with cell.technology {point.cell.technology}, "
            f"global_buffer {chip.global_buffer} and tile_buffer {chip.tile_buffer}; the model has "
            "asynchronous latencies only where all three are sram"
        )
    if chip.activation_function == "sigmoid" and not sram_array:
        raise UserError(
            f"chip.activation_function is sigmoid with cell.technology {point.cell.technology}; "
            "the model's table has a latency only with sram arrays; allowed: relu"
        )
