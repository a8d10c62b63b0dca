"""Recorded evaluations of the gate formulas of DNN+NeuroSim V1.5."""

from __future__ import annotations

from collections.abc import Iterator

from cimsim import _native
from cimsim.ppa.technology import load_technology

GATES = {"INV": _native.Gate.INVERTER, "NAND": _native.Gate.NAND, "NOR": _native.Gate.NOR}
N, P = _native.Channel.N, _native.Channel.P
TUNED = (1.0, 22 / 15, 8 / 15)
"""Factors of the tuned NAND at 2 nm, applied by the reference run at both nodes."""


def gate_figures(t: _native.Technology, row: dict[str, str], w: _native.Widths) -> list[float]:
    gate, inputs = GATES[row["gate"]], int(row["numInput_or_fold"])
    height = float(row["hRegion_F"]) * t.feature_size
    outline = _native.gate_outline(t, gate, inputs, w, height)
    caps = _native.gate_caps(t, gate, inputs, w, height)
    tuned = 0.0
    if t.device_class == _native.DeviceClass.GATE_ALL_AROUND:
        tuned = _native.tuned_gate_caps(t, gate, inputs, w, height, *TUNED).output
    leakage = _native.leakage_current(t, gate, inputs, w)
    return [outline.height, outline.width, caps.input, caps.output, leakage, tuned]


def figures(t: _native.Technology, row: dict[str, str]) -> list[float]:
    w = _native.Widths(float(row["wN_F"]) * t.feature_size, float(row["wP_F"]) * t.feature_size)
    kind = row["kind"]
    if kind == "gate":
        return gate_figures(t, row, w)
    if kind == "passgate":
        outline = _native.pass_gate_outline(t, w, float(row["numInput_or_fold"]))
        return [outline.height, outline.width]
    if kind == "enlarge":
        grown = _native.enlarge(t, w)
        return [grown.n, grown.p]
    return [
        _native.gate_capacitance(t, w.n),
        _native.on_resistance(t, w.n, N),
        _native.on_resistance(t, w.n, P),
        _native.linear_resistance(t, w.n, N),
        _native.transconductance(t, w.n, N),
        _native.transconductance(t, w.n, P),
    ]


def formula_figures(row: dict[str, str]) -> Iterator[tuple[str, float, float]]:
    """Yield column, our value and the recorded value of every figure of a row."""
    t = load_technology(int(row["technode"]), row["roadmap"].lower(), int(row["temp"]))
    for index, value in enumerate(figures(t, row), start=1):
        yield f"c{index}", value, float(row[f"c{index}"])
