"""Names, units and prefixes."""

from __future__ import annotations

import pytest

from cimsim.campaign.figure import MEASURES
from cimsim.campaign.labels import MEASURES as MEASURE_LABELS
from cimsim.campaign.labels import MORE_IS_BETTER, PARAMETERS, quantity, rounded, value_text
from cimsim.campaign.parameters import parameters


def test_labels_are_of_columns_that_exist() -> None:
    assert set(MEASURE_LABELS) == set(MEASURES)
    assert set(MORE_IS_BETTER) <= set(MEASURES)
    assert set(PARAMETERS) <= set(parameters())


@pytest.mark.parametrize(
    ("column", "values", "title", "factor"),
    [
        ("energy_j", [2e-7, 9.99e-7], "Energy per image (nJ)", 1e9),
        ("energy_j", [2e-7, 1e-6], "Energy per image (µJ)", 1e6),
        ("latency_s", [0.5], "Latency per image (ms)", 1e3),
        ("cell.resistance_off", [6e3, 1e5], "Off resistance (kΩ)", 1e-3),
        ("accuracy", [0.5], "Accuracy (%)", 100.0),
        ("nonideality.stuck_at_0", [0.01], "Cells stuck at the lowest state (%)", 100.0),
        ("array.adc.bits", [7], "ADC resolution (bits)", 1.0),
        ("chip.speed_up", [8], "Speed up", 1.0),
        ("energy_j", [0.0], "Energy per image (J)", 1.0),
    ],
)
def test_shown_values_have_a_fitting_unit(
    column: str, values: list[float], title: str, factor: float
) -> None:
    shown = quantity(column, values)
    assert shown.title == title
    assert shown.factor == pytest.approx(factor, rel=1e-12)


@pytest.mark.parametrize(
    ("column", "value", "text"),
    [
        ("cell.technology", "rram", "RRAM"),
        ("array.adc.bits", 7, "7 bits"),
        ("nonideality.stuck_at_0", 0.003, "0.3 %"),
        ("chip.pipeline", True, "yes"),
        ("quantization.float_layers", ("a", "b"), "a, b"),
        ("quantization.float_layers", (), "none"),
        ("cell.states_file", "", "none"),
        ("nonideality.retention.time", 1e7, "1e+07"),
        ("chip.wires.barrier", None, "default"),
    ],
)
def test_values_in_words(column: str, value: object, text: str) -> None:
    assert value_text(column, value) == text


def test_rounding_keeps_the_zeros_that_count() -> None:
    assert [rounded(v) for v in (22, 0.054, 402.3, 1.0, 7.126, 140123)] == [
        "22.0",
        "0.0540",
        "402",
        "1.00",
        "7.13",
        "140000",
    ]
