"""Gate formulas against 60,800 evaluations of DNN+NeuroSim V1.5, and properties that must hold."""

from __future__ import annotations

import csv
import gzip
import math
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cimsim import _native
from cimsim.ppa.formula_rows import GATES, N, P, formula_figures
from cimsim.ppa.technology import load_technology

REFERENCE = Path(__file__).parents[1] / "reference" / "ppa" / "formulas.csv.gz"
BULK = (130, 90, 65, 45, 32, 22)
ADVANCED = (14, 10, 7, 5, 3, 2, 1)


def test_every_reference_row_to_nine_digits() -> None:
    rows: Counter[str] = Counter()
    wrong = []
    with gzip.open(REFERENCE, "rt") as file:
        for row in csv.DictReader(file):
            rows[row["kind"]] += 1
            for column, value, expected in formula_figures(row):
                if not math.isclose(value, expected, rel_tol=1e-9, abs_tol=0.0):
                    wrong.append((row, column, value))
    assert rows == {"gate": 50400, "passgate": 8000, "enlarge": 2200, "device": 200}
    assert not wrong, f"{len(wrong)} values differ, first: {wrong[0]}"


@pytest.mark.parametrize("height_f", [28.0, 40.0])
@given(
    node=st.sampled_from(BULK + ADVANCED),
    gate=st.sampled_from(sorted(GATES)),
    inputs=st.integers(1, 4),
    units_n=st.integers(1, 20),
    units_p=st.integers(1, 20),
)
def test_gates_have_positive_finite_area_and_capacitance(
    height_f: float, node: int, gate: str, inputs: int, units_n: int, units_p: int
) -> None:
    t = load_technology(node)
    unit = 2 * t.feature_size
    w = _native.Widths(units_n * unit, units_p * unit)
    height = height_f * t.feature_size
    outline = _native.gate_outline(t, GATES[gate], inputs, w, height)
    caps = _native.gate_caps(t, GATES[gate], inputs, w, height)
    for value in (outline.height, outline.width, outline.area, caps.input, caps.output):
        assert 0 < value < math.inf
    assert outline.area == outline.height * outline.width


@given(
    node=st.sampled_from(BULK),
    roadmap=st.sampled_from(["hp", "lstp"]),
    gate=st.sampled_from(sorted(GATES)),
    colder=st.integers(300, 399),
    units=st.integers(1, 50),
)
def test_leakage_does_not_fall_with_temperature(
    node: int, roadmap: str, gate: str, colder: int, units: int
) -> None:
    cold, warm = (load_technology(node, roadmap, temperature) for temperature in (colder, 400))
    unit = 2 * cold.feature_size
    w = _native.Widths(units * unit, units * unit)
    leak = _native.leakage_current
    assert leak(cold, GATES[gate], 2, w) < leak(warm, GATES[gate], 2, w)


@given(node=st.sampled_from(BULK + ADVANCED), units=st.integers(1, 100))
def test_a_wider_transistor_has_lower_resistance_and_larger_gate(node: int, units: int) -> None:
    t = load_technology(node)
    narrow, wide = units * 2 * t.feature_size, (units + 2) * 2 * t.feature_size
    for channel in (N, P):
        assert _native.on_resistance(t, wide, channel) < _native.on_resistance(t, narrow, channel)
    assert _native.gate_capacitance(t, wide) > _native.gate_capacitance(t, narrow)


@given(tau=st.floats(1e-15, 1e-6), ramp=st.floats(1e6, 1e20))
def test_horowitz_delay_grows_with_slow_inputs(tau: float, ramp: float) -> None:
    ideal = _native.horowitz(tau, 1e30)
    real = _native.horowitz(tau, ramp)
    assert ideal.delay == pytest.approx(math.log(2) * tau, rel=1e-6)
    assert real.delay >= ideal.delay * (1 - 1e-12)
    # Closed form with threshold 0.5 and shape factor 0.5.
    assert real.delay == pytest.approx(
        math.sqrt((math.log(2) * tau) ** 2 + 0.5 * tau / ramp), rel=1e-9
    )
    assert real.ramp == pytest.approx(0.5 / real.delay)
