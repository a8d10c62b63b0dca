"""The calls of the recorded evaluations of circuit modules, made on ours.

Each function sizes, lays out and evaluates one circuit as a row of the recording did; the rows are
in :mod:`cimsim.ppa.circuit_rows`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cimsim import _native
from cimsim.ppa.technology import load_context

STEP = 1e20
"""Input ramp of an ideal step, 1/s."""

COLUMNS = [100 * 1.1**i for i in range(128)]
"""Resistances of the columns that an ADC senses, ohm."""


class CircuitCase:
    """Set-up of one reference row: 128 x 128 cells of 4 F x 12 F (RRAM) or of the SRAM table."""

    def __init__(self, row: dict[str, str]) -> None:
        self.node = int(row["technode"])
        self.extra = dict(item.split("=") for item in row["extra"].split())
        overrides = {
            "technode": self.node,
            "deviceroadmap": 1 if row["roadmap"] == "HP" else 2,
            "temp": int(row["temp"]),
            "memcelltype": int(row["memcelltype"]),
            "synchronous": int(row["synchronous"]),
            "currentMode": int(self.extra.get("currentMode", "0")),
            "bufferSenseLoad": 1,  # the reference run forced this load
        }
        self.context = load_context(overrides)
        self.technology = self.context.technology
        self.f = self.technology.feature_size
        self.sram_cell = _native.make_cell(load_context(overrides | {"memcelltype": 1}).parameters)
        self.cell = _native.make_cell(self.context.parameters)
        self.width = 128 * self.cell.width * self.f
        self.height = 128 * self.cell.height * self.f
        self.also: list[tuple[str, float, float]] = []

    def make(self, name: str) -> Any:
        """Return a circuit of a native class."""
        return getattr(_native, name)(self.context)

    def expect(self, name: str, value: float) -> None:
        """Note a figure that the row lists besides its columns."""
        self.also.append((name, value, float(self.extra[name])))

    def array(self) -> _native.ArrayValues:
        values = _native.ArrayValues()
        values.column_cap = 2e-14
        values.dummy_energy = 1e-13
        values.access_resistance = 20e3
        values.array_height = self.height
        values.cell_width = self.width / 128
        values.unit_cap, values.unit_resistance = 1e-16, 5.0
        values.repeater_input_cap = 1e-15
        return values


def adder(bits: int, count: int, height: float, width: float, case: CircuitCase) -> Any:
    circuit = case.make("Adder")
    circuit.size(bits, count)
    circuit.layout(height, width)
    return circuit


def adder_in_width(case: CircuitCase) -> Any:
    circuit = adder(8, 16, 0, case.width, case)
    circuit.latency(STEP, 1e-15, 3)
    circuit.power(3, 16)
    return circuit


def adder_free(case: CircuitCase) -> Any:
    circuit = adder(5, 4, 0, 0, case)
    circuit.latency(STEP, 0, 1)
    circuit.power(1, 4)
    return circuit


def adder_in_height(case: CircuitCase) -> Any:
    circuit = adder(8, 16, 4 * case.height, 0, case)
    circuit.latency(STEP, 0, 1)
    circuit.power(1, 4)
    return circuit


def flip_flops_in_width(case: CircuitCase) -> Any:
    circuit = case.make("FlipFlops")
    circuit.size(100)
    circuit.layout(0, case.width)
    circuit.latency(3)
    circuit.power(3, 50, True)
    return circuit


def flip_flops_in_height(case: CircuitCase) -> Any:
    circuit = case.make("FlipFlops")
    circuit.size(300)
    circuit.layout(1120 * case.f, 0)
    circuit.latency(1)
    circuit.power(1, 300, False)
    return circuit


def adder_tree(rows: int, reads: float, used: int) -> Callable[[CircuitCase], Any]:
    def build(case: CircuitCase) -> Any:
        circuit = case.make("AdderTree")
        circuit.size(rows, 7, 16)
        circuit.layout(0, case.width)
        circuit.latency(reads, used, 0)
        circuit.power(reads, used)
        return circuit

    return build


def bit_shifter(case: CircuitCase) -> Any:
    circuit = case.make("BitShifter")
    circuit.size(16, 8)
    circuit.layout(0, case.width)
    circuit.latency(4)
    circuit.power(4)
    return circuit


def shift_add(case: CircuitCase, in_height: bool) -> Any:
    circuit = case.make("ShiftAdd")
    circuit.size(16, 7, 8)
    circuit.layout(4 * case.height if in_height else 0, 0 if in_height else case.width)
    circuit.latency(4)
    circuit.power(4)
    return circuit


def buffer(bits: int, sram: bool) -> Callable[[CircuitCase], Any]:
    def build(case: CircuitCase) -> Any:
        circuit = case.make("Buffer")
        cell = case.sram_cell
        if sram:
            cell.cap_sram = float(case.extra["capSRAMCell"])
        circuit.size(bits, 128, sram)
        circuit.layout(0, case.width, cell)
        circuit.latency(3, 2, cell)
        circuit.power(128, 3, 128, 2, cell)
        return circuit

    return build


def bus(direction: str, inputs: bool) -> Callable[[CircuitCase], Any]:
    def build(case: CircuitCase) -> Any:
        circuit = case.make("Bus")
        circuit.size(_native.BusDirection.__members__[direction], 4, 4, 0, 128, 100e-6, 120e-6)
        circuit.latency(2)
        circuit.power(128, 2, inputs)
        return circuit

    return build


def h_tree(case: CircuitCase) -> Any:
    circuit = case.make("HTree")
    circuit.size(5, 7, 0.1, 512)
    circuit.layout(200e-6, 300e-6, 4)
    circuit.latency(200e-6, 300e-6, 2)
    circuit.power(200e-6, 300e-6, 100, 2)
    return circuit


def xy_bus(case: CircuitCase) -> Any:
    circuit = case.make("XYBus")
    circuit.size(5, 7, 0.1, 512)
    circuit.layout(200e-6, 300e-6, 4)
    circuit.latency(4, 3, 200e-6, 300e-6, 2, 3)
    circuit.power(4, 3, 200e-6, 300e-6, 100, 200)
    return circuit


def comparator(case: CircuitCase) -> Any:
    circuit = case.make("Comparator")
    circuit.size(8, 4)
    circuit.layout(case.width)
    circuit.latency(STEP, 1e-15, 2)
    circuit.power(2, 4)
    return circuit


def max_pooling(case: CircuitCase) -> Any:
    circuit = case.make("MaxPooling")
    circuit.size(8, 4, 16)
    case.expect("numComparator", circuit.comparators)
    case.expect("numStage", circuit.stages)
    circuit.layout(case.width)
    circuit.latency(STEP, 0, 2)
    circuit.power(2)
    return circuit


def decoder_driver(case: CircuitCase) -> Any:
    circuit = case.make("DecoderDriver")
    circuit.size(128, 128, 7500.0)
    circuit.layout(case.height)
    circuit.latency(STEP, 1e-14, 500, 2)
    circuit.power(1, 2)
    return circuit


def new_decoder_driver(case: CircuitCase) -> Any:
    circuit = case.make("NewDecoderDriver")
    circuit.size(128)
    circuit.layout(case.height)
    circuit.latency(STEP, 1e-14, 1000, 2)
    circuit.power(2)
    return circuit


def level_shifter(case: CircuitCase) -> Any:
    circuit = case.make("LevelShifter")
    circuit.size(128)
    circuit.layout(case.height, 0)
    return circuit


def encoder(case: CircuitCase) -> Any:
    circuit = case.make("SenseEncoder")
    circuit.size(128, 16)
    circuit.layout(0, case.width)
    circuit.latency(STEP, 2)
    circuit.power(2)
    return circuit


def multilevel_sense_amp(case: CircuitCase) -> Any:
    circuit, array = case.make("MultilevelSenseAmp"), case.array()
    circuit.size(16, 128, True, array)
    for index, name in ((0, "Rref0"), (1, "Rref1"), (-1, "Rreflast")):
        case.expect(name, circuit.references[index])
    circuit.layout(0, case.width, array)
    circuit.latency(array, 1)
    circuit.power(COLUMNS, 2, array)
    return circuit


def sar_adc(case: CircuitCase) -> Any:
    circuit = case.make("SarAdc")
    circuit.size(16, 128)
    circuit.layout(0, case.width)
    circuit.latency(2)
    circuit.power(COLUMNS, 2)
    return circuit


def mux(case: CircuitCase) -> Any:
    circuit = case.make("Mux")
    circuit.size(16, 8, 6e3 / 64)
    circuit.layout(case.width)
    case.expect("h_first", circuit.height)
    circuit.layout_override(2 * circuit.height, case.width)
    circuit.latency(0, 2)
    circuit.power(2)
    return circuit


def row_decoder(
    kind: str, bits: int, load: tuple[float, float, float, int], times: tuple[float, ...]
) -> Callable[[CircuitCase], Any]:
    """``times``: reads and writes of the latency, then of the power."""

    def build(case: CircuitCase) -> Any:
        circuit = case.make("RowDecoder")
        circuit.size(_native.DecoderKind.__members__[kind], bits)
        circuit.layout(case.height if kind == "WORD_LINE" else 0)
        circuit.latency(STEP, *load, *times[:2])
        circuit.power(*times[2:])
        return circuit

    return build


MUX_LOAD = (1e-14, 2e-14, 0.0, 0)
SMALL_LOAD = (1e-14, 0.0, 100.0, 64)


def switch_matrix(case: CircuitCase, column: bool) -> Any:
    circuit = case.make("SwitchMatrix")
    kind = _native.LineKind.COLUMN if column else _native.LineKind.ROW
    circuit.size(kind, 128, 2000 if column else 1000)
    circuit.layout(*((0, case.width) if column else (2 * case.height, 0)))
    circuit.latency(case.array(), 1)
    circuit.power(8, 0.4)
    return circuit


def new_switch_matrix(case: CircuitCase) -> Any:
    circuit = case.make("NewSwitchMatrix")
    circuit.size(128)
    circuit.layout(2 * case.height)
    circuit.latency(STEP, 1e-14, 1000, 1)
    circuit.power(8, 0.4)
    return circuit


def precharger(case: CircuitCase) -> Any:
    circuit = case.make("Precharger")
    circuit.size(128, 500, _native.ColumnActivity(128, 128, 0.5))
    circuit.layout(case.width)
    circuit.latency(1e-14, 2, 3)
    circuit.power(2, 3)
    return circuit


def write_driver(case: CircuitCase) -> Any:
    circuit = case.make("WriteDriver")
    circuit.size(128, _native.ColumnActivity(128, 128, 0.5))
    circuit.layout(case.width)
    circuit.latency(STEP, 1e-14, 500, 3)
    circuit.power(3)
    return circuit


def sense_amp(case: CircuitCase) -> Any:
    circuit = case.make("SenseAmp")
    circuit.size(128, 0.1, 28 * case.f, 128)
    circuit.layout(0, case.width)
    load = circuit.load_cap()
    case.expect("capLoad", load)
    circuit.latency(2, load)
    circuit.power(2, load)
    return circuit


def voltage_sense_amp(case: CircuitCase) -> Any:
    circuit = case.make("VoltageSenseAmp")
    case.cell.resistance_on, case.cell.resistance_off = 7500, 103500
    circuit.size(16)
    circuit.layout(case.width / 16)
    circuit.latency(1e-14, case.cell, 2)
    circuit.power(2)
    return circuit


def sigmoid(case: CircuitCase) -> Any:
    circuit = case.make("Sigmoid")
    # The reference run set the SRAM transistors whatever the array's cell.
    for name in ("nmos_width", "pmos_width", "min_sense_voltage"):
        setattr(case.cell, name, getattr(case.sram_cell, name))
    circuit.size(True, 8, 10, 16, case.cell)
    circuit.layout(0, case.width)
    circuit.latency(2, case.cell)
    circuit.power(2, case.cell)
    return circuit
