"""Circuit modules against evaluations of DNN+NeuroSim V1.5 at all nodes and both roadmaps."""

from __future__ import annotations

import csv
import gzip
import math
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from cimsim import _native
from cimsim.ppa.technology import load_context

REFERENCE = Path(__file__).parents[1] / "reference" / "ppa" / "modules.csv.gz"
STEP = 1e20
COLUMNS = [100 * 1.1**i for i in range(128)]  # ohm
COLUMN_FIGURES = {
    "height_m": "height",
    "width_m": "width",
    "area_m2": "area",
    "readLatency": "read_latency",
    "writeLatency": "write_latency",
    "readDynamicEnergy_J": "read_energy",
    "writeDynamicEnergy_J": "write_energy",
    "leakage_W": "leakage",
}


class Case:
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

    def make(self, name: str) -> _native.Circuit:
        return getattr(_native, name)(self.context)

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


def adder(bits: int, count: int, height: float, width: float, case: Case) -> _native.Circuit:
    circuit = case.make("Adder")
    circuit.size(bits, count)
    circuit.layout(height, width)
    return circuit


def adder_in_width(case: Case) -> _native.Circuit:
    circuit = adder(8, 16, 0, case.width, case)
    circuit.latency(STEP, 1e-15, 3)
    circuit.power(3, 16)
    return circuit


def adder_free(case: Case) -> _native.Circuit:
    circuit = adder(5, 4, 0, 0, case)
    circuit.latency(STEP, 0, 1)
    circuit.power(1, 4)
    return circuit


def adder_in_height(case: Case) -> _native.Circuit:
    circuit = adder(8, 16, 4 * case.height, 0, case)
    circuit.latency(STEP, 0, 1)
    circuit.power(1, 4)
    return circuit


def flip_flops_in_width(case: Case) -> _native.Circuit:
    circuit = case.make("FlipFlops")
    circuit.size(100)
    circuit.layout(0, case.width)
    circuit.latency(3)
    circuit.power(3, 50, True)
    return circuit


def flip_flops_in_height(case: Case) -> _native.Circuit:
    circuit = case.make("FlipFlops")
    circuit.size(300)
    circuit.layout(1120 * case.f, 0)
    circuit.latency(1)
    circuit.power(1, 300, False)
    return circuit


def adder_tree(rows: int, reads: float, used: int) -> Callable[[Case], _native.Circuit]:
    def build(case: Case) -> _native.Circuit:
        circuit = case.make("AdderTree")
        circuit.size(rows, 7, 16)
        circuit.layout(0, case.width)
        circuit.latency(reads, used, 0)
        circuit.power(reads, used)
        return circuit

    return build


def bit_shifter(case: Case) -> _native.Circuit:
    circuit = case.make("BitShifter")
    circuit.size(16, 8)
    circuit.layout(0, case.width)
    circuit.latency(4)
    circuit.power(4)
    return circuit


def shift_add(case: Case, in_height: bool) -> _native.Circuit:
    circuit = case.make("ShiftAdd")
    circuit.size(16, 7, 8)
    circuit.layout(4 * case.height if in_height else 0, 0 if in_height else case.width)
    circuit.latency(4)
    circuit.power(4)
    return circuit


def buffer(bits: int, sram: bool) -> Callable[[Case], _native.Circuit]:
    def build(case: Case) -> _native.Circuit:
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


def bus(direction: str, inputs: bool) -> Callable[[Case], _native.Circuit]:
    def build(case: Case) -> _native.Circuit:
        circuit = case.make("Bus")
        circuit.size(_native.BusDirection.__members__[direction], 4, 4, 0, 128, 100e-6, 120e-6)
        circuit.latency(2)
        circuit.power(128, 2, inputs)
        return circuit

    return build


def h_tree(case: Case) -> _native.Circuit:
    circuit = case.make("HTree")
    circuit.size(5, 7, 0.1, 512)
    circuit.layout(200e-6, 300e-6, 4)
    circuit.latency(200e-6, 300e-6, 2)
    circuit.power(200e-6, 300e-6, 100, 2)
    return circuit


def xy_bus(case: Case) -> _native.Circuit:
    circuit = case.make("XYBus")
    circuit.size(5, 7, 0.1, 512)
    circuit.layout(200e-6, 300e-6, 4)
    circuit.latency(4, 3, 200e-6, 300e-6, 2, 3)
    circuit.power(4, 3, 200e-6, 300e-6, 100, 200)
    return circuit


def comparator(case: Case) -> _native.Circuit:
    circuit = case.make("Comparator")
    circuit.size(8, 4)
    circuit.layout(case.width)
    circuit.latency(STEP, 1e-15, 2)
    circuit.power(2, 4)
    return circuit


def max_pooling(case: Case) -> _native.Circuit:
    circuit = case.make("MaxPooling")
    circuit.size(8, 4, 16)
    assert circuit.comparators == int(case.extra["numComparator"])
    assert circuit.stages == int(case.extra["numStage"])
    circuit.layout(case.width)
    circuit.latency(STEP, 0, 2)
    circuit.power(2)
    return circuit


def decoder_driver(case: Case) -> _native.Circuit:
    circuit = case.make("DecoderDriver")
    circuit.size(128, 128, 7500.0)
    circuit.layout(case.height)
    circuit.latency(STEP, 1e-14, 500, 2)
    circuit.power(1, 2)
    return circuit


def new_decoder_driver(case: Case) -> _native.Circuit:
    circuit = case.make("NewDecoderDriver")
    circuit.size(128)
    circuit.layout(case.height)
    circuit.latency(STEP, 1e-14, 1000, 2)
    circuit.power(2)
    return circuit


def level_shifter(case: Case) -> _native.Circuit:
    circuit = case.make("LevelShifter")
    circuit.size(128)
    circuit.layout(case.height, 0)
    return circuit


def encoder(case: Case) -> _native.Circuit:
    circuit = case.make("SenseEncoder")
    circuit.size(128, 16)
    circuit.layout(0, case.width)
    circuit.latency(STEP, 2)
    circuit.power(2)
    return circuit


def multilevel_sense_amp(case: Case) -> _native.Circuit:
    circuit, array = case.make("MultilevelSenseAmp"), case.array()
    circuit.size(16, 128, True, array)
    for index, name in ((0, "Rref0"), (1, "Rref1"), (-1, "Rreflast")):
        assert circuit.references[index] == pytest.approx(float(case.extra[name]), rel=1e-9)
    circuit.layout(0, case.width, array)
    circuit.latency(array, 1)
    circuit.power(COLUMNS, 2, array)
    return circuit


def sar_adc(case: Case) -> _native.Circuit:
    circuit = case.make("SarAdc")
    circuit.size(16, 128)
    circuit.layout(0, case.width)
    circuit.latency(2)
    circuit.power(COLUMNS, 2)
    return circuit


def mux(case: Case) -> _native.Circuit:
    circuit = case.make("Mux")
    circuit.size(16, 8, 6e3 / 64)
    circuit.layout(case.width)
    assert circuit.height == pytest.approx(float(case.extra["h_first"]), rel=1e-9)
    circuit.layout_override(2 * circuit.height, case.width)
    circuit.latency(0, 2)
    circuit.power(2)
    return circuit


def row_decoder(
    kind: str, bits: int, load: tuple[float, float, float, int], times: tuple[float, ...]
) -> Callable[[Case], _native.Circuit]:
    """``times``: reads and writes of the latency, then of the power."""

    def build(case: Case) -> _native.Circuit:
        circuit = case.make("RowDecoder")
        circuit.size(_native.DecoderKind.__members__[kind], bits)
        circuit.layout(case.height if kind == "WORD_LINE" else 0)
        circuit.latency(STEP, *load, *times[:2])
        circuit.power(*times[2:])
        return circuit

    return build


MUX_LOAD = (1e-14, 2e-14, 0.0, 0)
SMALL_LOAD = (1e-14, 0.0, 100.0, 64)


def switch_matrix(case: Case, column: bool) -> _native.Circuit:
    circuit = case.make("SwitchMatrix")
    kind = _native.LineKind.COLUMN if column else _native.LineKind.ROW
    circuit.size(kind, 128, 2000 if column else 1000)
    circuit.layout(*((0, case.width) if column else (2 * case.height, 0)))
    circuit.latency(case.array(), 1)
    circuit.power(8, 0.4)
    return circuit


def new_switch_matrix(case: Case) -> _native.Circuit:
    circuit = case.make("NewSwitchMatrix")
    circuit.size(128)
    circuit.layout(2 * case.height)
    circuit.latency(STEP, 1e-14, 1000, 1)
    circuit.power(8, 0.4)
    return circuit


def precharger(case: Case) -> _native.Circuit:
    circuit = case.make("Precharger")
    circuit.size(128, 500, _native.ColumnActivity(128, 128, 0.5))
    circuit.layout(case.width)
    circuit.latency(1e-14, 2, 3)
    circuit.power(2, 3)
    return circuit


def write_driver(case: Case) -> _native.Circuit:
    circuit = case.make("WriteDriver")
    circuit.size(128, _native.ColumnActivity(128, 128, 0.5))
    circuit.layout(case.width)
    circuit.latency(STEP, 1e-14, 500, 3)
    circuit.power(3)
    return circuit


def sense_amp(case: Case) -> _native.Circuit:
    circuit = case.make("SenseAmp")
    circuit.size(128, 0.1, 28 * case.f, 128)
    circuit.layout(0, case.width)
    load = circuit.load_cap()
    assert load == pytest.approx(float(case.extra["capLoad"]), rel=1e-9)
    circuit.latency(2, load)
    circuit.power(2, load)
    return circuit


def voltage_sense_amp(case: Case) -> _native.Circuit:
    circuit = case.make("VoltageSenseAmp")
    case.cell.resistance_on, case.cell.resistance_off = 7500, 103500
    circuit.size(16)
    circuit.layout(case.width / 16)
    circuit.latency(1e-14, case.cell, 2)
    circuit.power(2)
    return circuit


def sigmoid(case: Case) -> _native.Circuit:
    circuit = case.make("Sigmoid")
    # The reference run set the SRAM transistors whatever the array's cell.
    for name in ("nmos_width", "pmos_width", "min_sense_voltage"):
        setattr(case.cell, name, getattr(case.sram_cell, name))
    circuit.size(True, 8, 10, 16, case.cell)
    circuit.layout(0, case.width)
    circuit.latency(2, case.cell)
    circuit.power(2, case.cell)
    return circuit


BUILDERS: dict[tuple[str, str], Callable[[Case], _native.Circuit]] = {
    ("Adder", "numBit=8 numAdder=16; area(0,W); lat(1e20,1e-15,3); pow(3,16)"): adder_in_width,
    ("Adder", "numBit=5 numAdder=4; area(0,0); lat(1e20,0,1); pow(1,4)"): adder_free,
    ("Adder_h", "numBit=8 numAdder=16; area(4HA,0); lat(1e20,0,1); pow(1,4)"): adder_in_height,
    ("DFF", "numDff=100; area(0,W); lat(1e20,3); pow(3,50,true)"): flip_flops_in_width,
    ("DFF", "numDff=300; area(1120F,0); pow(1,300,false)"): flip_flops_in_height,
    ("AdderTree", "rows=9 bits=7 trees=16; area(0,W); lat(5,7,0); pow(5,7)"): adder_tree(9, 5, 7),
    ("AdderTree", "rows=4 bits=7 trees=16; area(0,W); lat(1,0,0); pow(1,0)"): adder_tree(4, 1, 0),
    ("AdderTree1", "rows=1 bits=7 trees=16; area(0,W); lat(5,1,0); pow(5,1)"): adder_tree(1, 5, 1),
    ("BitShifter", "numUnit=16 numBit=8; area(0,W); lat(4); pow(4)"): bit_shifter,
    (
        "ShiftAdd",
        "numUnit=16 numAdderBit=7 numReadPulse=8; area(0,W); lat(4); pow(4)",
    ): lambda case: shift_add(case, in_height=False),
    (
        "ShiftAdd_h",
        "numUnit=16 numAdderBit=7 numReadPulse=8; area(4HA,0); lat(4); pow(4)",
    ): lambda case: shift_add(case, in_height=True),
    ("Buffer_DFF", "numBit=2048 iface=128; area(0,W); lat/pow(128,3,128,2)"): buffer(2048, False),
    ("Buffer_SRAM", "numBit=16384 iface=128; area(0,W); lat/pow(128,3,128,2)"): buffer(16384, True),
    (
        "Bus",
        "HORIZONTAL 4x4 tol=0 bw=128 H=100um W=120um; area(1,true); lat(2); pow(128,2,true)",
    ): bus("HORIZONTAL", True),
    ("Bus", "VERTICAL 4x4 tol=0 bw=128; pow(128,2,false)"): bus("VERTICAL", False),
    (
        "HTree",
        "5x7 tol=0.1 bw=512; unit 200um x 300um fold=4; lat(0 0 3 4 ..2); pow(..100,2)",
    ): h_tree,
    (
        "XYBus",
        "5x7 tol=0.1 bw=512; unit 200um x 300um fold=4; lat(4,3,..2,3); pow(4,3,..100,200)",
    ): xy_bus,
    ("Comparator", "numBit=8 num=4; area(W); lat(1e20,1e-15,2); pow(2,4)"): comparator,
    ("MaxPooling", "bits=8 window=4 num=16; area(W); lat(1e20,0,2); pow(2)"): max_pooling,
    (
        "DecoderDriver",
        "ROW 128 128; area(HA,0); lat(1e20,1e-14,1e-14,500,2,0); pow(1,1,2,0)",
    ): decoder_driver,
    (
        "WLNewDecoderDriver",
        "num=128; area(HA,0); lat(1e20,1e-14,1000,2,3); pow(2,3)",
    ): new_decoder_driver,
    ("LevelShifter", "numOutput=128; area(HA,0)"): level_shifter,
    ("MultilevelSAEncoder", "level=128 num=16; area(0,W); lat(1e20,2); pow(2)"): encoder,
    (
        "MultilevelSenseAmp",
        "numCol=16 level=128; cols R_i=100*1.1^i i<128; area(0,W); lat(..,1,1); pow(..,2)",
    ): multilevel_sense_amp,
    (
        "SarADC",
        "numCol=16 level=128; cols R_i=100*1.1^i i<128; area(0,W); lat(2); pow(..,2)",
    ): sar_adc,
    (
        "Mux",
        "16x8 resTg=6e3/64; area(0,W) then area(2h,W,OVERRIDE); lat(0,0,2); pow(2)",
    ): mux,
    (
        "RowDecoder_MUX",
        "addr=3 MUX; area(0,0); lat(1e20,1e-14,2e-14,0,0,1,0); pow(8,1)",
    ): row_decoder("MULTIPLEXER", 3, MUX_LOAD, (1, 0, 8, 1)),
    (
        "RowDecoder_sm",
        "addr=1 MUX; area(0,0); lat(1e20,1e-14,2e-14,0,0,1,0); pow(8,1)",
    ): row_decoder("MULTIPLEXER", 1, MUX_LOAD, (1, 0, 8, 1)),
    (
        "RowDecoder_par",
        "addr=3 MUX parallel; area(0,0); lat(1e20,1e-14,2e-14,0,0,1,0); pow(8,1)",
    ): row_decoder("WIDE_MULTIPLEXER", 3, MUX_LOAD, (1, 0, 8, 1)),
    (
        "RowDecoder_par",
        "addr=2 MUX parallel; area(0,0); lat(1e20,1e-14,2e-14,0,0,1,0); pow(8,1)",
    ): row_decoder("WIDE_MULTIPLEXER", 2, MUX_LOAD, (1, 0, 8, 1)),
    (
        "RowDecoder_sm",
        "addr=0; area(HA,0); lat(1e20,1e-14,0,100,64,1,1); pow(8,1)",
    ): row_decoder("WORD_LINE", 0, SMALL_LOAD, (1, 1, 8, 1)),
    (
        "RowDecoder_sm",
        "addr=2; area(HA,0); lat(1e20,1e-14,0,100,64,1,1); pow(8,1)",
    ): row_decoder("WORD_LINE", 2, SMALL_LOAD, (1, 1, 8, 1)),
    (
        "RowDecoder",
        "addr=7; area(HA,0); lat(1e20,1e-14,0,1000,128,2,3); pow(8,3)",
    ): row_decoder("WORD_LINE", 7, (1e-14, 0.0, 1000.0, 128), (2, 3, 8, 3)),
    (
        "NewSwitchMatrix",
        "num=128; area(2HA,0); lat(1e20,1e-14,1000,1,0); pow(8,0,0.4)",
    ): new_switch_matrix,
    (
        "SwitchMatrix",
        "ROW 128 res=1000; area(2HA,0); lat(1e20,1e-14,1000,1,2); pow(8,2,0.4,0.5)",
    ): lambda case: switch_matrix(case, column=False),
    (
        "SwitchMatrix",
        "COL 128 res=2000; area(0,W); lat(1e20,1e-14,1000,1,2); pow(8,2,0.4,0.5)",
    ): lambda case: switch_matrix(case, column=True),
    (
        "Precharger",
        "numCol=128 res=500 act=0.5; area(0,W); lat(1e20,1e-14,2,3); pow(2,3)",
    ): precharger,
    (
        "SRAMWriteDriver",
        "numCol=128 act=0.5; area(0,W); lat(1e20,1e-14,500,3); pow(3)",
    ): write_driver,
    ("SenseAmp", "numCol=128 v=0.1 pitch=28F; area(0,W,MAGIC); lat(2); pow(2)"): sense_amp,
    ("VoltageSenseAmp", "num=16; area(W/16); lat(1e-14,2); pow(2)"): voltage_sense_amp,
    ("Sigmoid_SRAM", "ybit=8 entry=10 nfun=16; area(0,W); lat(2); pow(2)"): sigmoid,
}

# The reference never instantiates this one in an inference chip, and neither do we.
NOT_BUILT = {"CurrentSenseAmp"}


def not_compared(row: dict[str, str]) -> set[str]:
    """Figures of a row that have no meaning."""
    if row["module"] in ("SwitchMatrix", "WLNewDecoderDriver", "NewSwitchMatrix"):
        # Writing of weights: computed by the reference but used by no result.
        return {"writeLatency", "writeDynamicEnergy_J"}
    if row["module"] == "Buffer_SRAM" and row["synchronous"] == "1":
        # The reference reads an uninitialised capacitance here.
        return {"readDynamicEnergy_J", "writeDynamicEnergy_J"}
    return set()


def reference_rows() -> list[dict[str, str]]:
    with gzip.open(REFERENCE, "rt") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("module", sorted({module for module, _ in BUILDERS}))
def test_reference_rows_to_ten_digits(module: str) -> None:
    rows = [row for row in reference_rows() if row["module"] == module]
    assert rows
    wrong = []
    for row in rows:
        circuit = BUILDERS[module, row["args"]](Case(row))
        for column, field in COLUMN_FIGURES.items():
            if column in not_compared(row):
                continue
            value, expected = getattr(circuit, field), float(row[column])
            if not math.isclose(value, expected, rel_tol=1e-10, abs_tol=0.0):
                where = [row[k] for k in ("technode", "roadmap", "memcelltype", "synchronous")]
                wrong.append((row["args"], where, column, value, expected))
    assert not wrong, f"{len(wrong)} of {len(rows)} rows' figures differ, first: {wrong[:3]}"


def test_every_kind_of_reference_row_is_covered() -> None:
    kinds = Counter((row["module"], row["args"]) for row in reference_rows())
    assert {kind for kind in kinds if kind[0] not in NOT_BUILT} == set(BUILDERS)
    assert sum(kinds.values()) == 2988
