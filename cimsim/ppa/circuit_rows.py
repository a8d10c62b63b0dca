"""Recorded evaluations of circuit modules of DNN+NeuroSim V1.5.

A row of the recording names a module and, in ``args``, the calls that were made; :data:`BUILDERS`
makes the same calls of ours.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from cimsim.ppa.circuit_setups import (
    MUX_LOAD,
    SMALL_LOAD,
    CircuitCase,
    adder_free,
    adder_in_height,
    adder_in_width,
    adder_tree,
    bit_shifter,
    buffer,
    bus,
    comparator,
    decoder_driver,
    encoder,
    flip_flops_in_height,
    flip_flops_in_width,
    h_tree,
    level_shifter,
    max_pooling,
    multilevel_sense_amp,
    mux,
    new_decoder_driver,
    new_switch_matrix,
    precharger,
    row_decoder,
    sar_adc,
    sense_amp,
    shift_add,
    sigmoid,
    switch_matrix,
    voltage_sense_amp,
    write_driver,
    xy_bus,
)

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
"""Columns of a row and the fields of our circuits."""

BUILDERS: dict[tuple[str, str], Callable[[CircuitCase], Any]] = {
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

NOT_BUILT = {"CurrentSenseAmp": "no inference chip has one"}
"""Modules of the recording that we do not have, and why."""


def not_compared(row: dict[str, str]) -> set[str]:
    """Figures of a row that have no meaning."""
    if row["module"] in ("SwitchMatrix", "WLNewDecoderDriver", "NewSwitchMatrix"):
        # Writing of weights: computed by the reference but used by no result.
        return {"writeLatency", "writeDynamicEnergy_J"}
    if row["module"] == "Buffer_SRAM" and row["synchronous"] == "1":
        # The reference reads an uninitialised capacitance here.
        return {"readDynamicEnergy_J", "writeDynamicEnergy_J"}
    return set()


def circuit_figures(row: dict[str, str]) -> Iterator[tuple[str, float, float]]:
    """Yield name, our value and the recorded value of every comparable figure of a row."""
    case = CircuitCase(row)
    circuit = BUILDERS[row["module"], row["args"]](case)
    meaningless = not_compared(row)
    for column, field in COLUMN_FIGURES.items():
        if column not in meaningless:
            yield column, getattr(circuit, field), float(row[column])
    yield from case.also
