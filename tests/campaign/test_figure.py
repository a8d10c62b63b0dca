"""Figures of a campaign file: defaults by kind and messages for what cannot be drawn."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import Any

import pytest
from pydantic import ValidationError

from cimsim.campaign.figure import Figure


@pytest.mark.parametrize(
    ("given", "x", "y"),
    [
        ({"kind": "line", "x": "array.adc.bits"}, "array.adc.bits", "accuracy"),
        ({"kind": "pareto"}, "energy_j", "accuracy"),
        ({"kind": "pareto", "x": "area_mm2"}, "area_mm2", "accuracy"),
        ({"kind": "breakdown"}, "", "energy"),
        ({"kind": "layers"}, "", ""),
        ({"kind": "breakdown", "x": "chip.node", "y": "area"}, "chip.node", "area"),
    ],
)
def test_defaults_follow_the_kind(given: dict[str, Any], x: str, y: str) -> None:
    figure = Figure.model_validate({"name": "f", **given})
    assert (figure.x, figure.y) == (x, y)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"kind": "line", "x": "array.adc.bit"}, "did you mean 'array.adc.bits'"),
        ({"kind": "line"}, "x is '' but must be a parameter; one of workload.model"),
        ({"kind": "line", "x": "chip.node", "y": "energy"}, "must be a measure"),
        ({"kind": "breakdown", "y": "accuracy"}, "quantity with components"),
        (
            {"kind": "breakdown", "colour": "chip.node"},
            "colour has no meaning for kind breakdown; allowed: x, y,",
        ),
        ({"kind": "pareto", "colour": "chip.nodes"}, "did you mean 'chip.node'"),
        ({"kind": "pareto", "filter": {"chip.nodes": 22}}, "did you mean 'chip.node'"),
        ({"kind": "scatter"}, "'roofline' or 'sensitivity'"),
        ({"kind": "heatmap", "x": "chip.node"}, "y is '' but must be a parameter"),
        ({"kind": "heatmap", "x": "chip.node", "y": "chip.node"}, "chip.node is shown twice"),
        ({"kind": "heatmap", "x": "chip.node", "y": "tops"}, "y is 'tops' but must be a parameter"),
        ({"kind": "layers", "y": "energie"}, "did you mean 'energy'"),
        ({"kind": "floorplan", "colour": "chip.node"}, "colour has no meaning for kind floorplan"),
        ({"kind": "breakdown", "facet": "chip.node"}, "facet has no meaning for kind breakdown"),
        ({"kind": "pareto", "name": "../up"}, "pattern"),
        ({"kind": "pareto", "color": "chip.node"}, "Extra inputs"),
    ],
)
def test_what_cannot_be_drawn_is_refused(given: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=re.escape(words)):
        Figure.model_validate({"name": "f", **given})


def test_filter_admits_one_value_or_a_list() -> None:
    figure = Figure.model_validate(
        {"name": "f", "kind": "pareto", "filter": {"chip.node": [22, 32], "cell.bits": 1}}
    )
    assert figure.admits("chip.node", 22)
    assert not figure.admits("chip.node", 7)
    assert figure.admits("cell.bits", 1)
    assert not figure.admits("cell.bits", 2)
    assert figure.admits("cell.technology", "sram")


def test_the_model_needs_no_heavy_package() -> None:
    heavy = "{'torch', 'pandas', 'pyarrow', 'matplotlib', 'numpy'}"
    code = f"import sys, cimsim.campaign.figure; print({heavy} & set(sys.modules))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "set()"


def test_the_text_says_what_is_shown_and_how_to_read_it() -> None:
    line = Figure.model_validate({"name": "f", "kind": "line", "x": "nonideality.read_noise"})
    assert line.text.startswith("Accuracy against read noise")
    assert "confidence intervals" in line.text
    own = line.model_copy(update={"caption": "Six bits are enough."})
    assert own.text.startswith("Six bits are enough. Bars are")
    area = Figure.model_validate({"name": "f", "kind": "breakdown", "y": "area"})
    assert area.text == "Area by component. The number at the end of a bar is the total."
    power = Figure.model_validate({"name": "f", "kind": "line", "x": "chip.node", "y": "tops"})
    assert power.text == "Throughput against technology node."


def test_a_figure_names_its_tables() -> None:
    tables = {
        "layers": ("points.parquet", "layers.parquet"),
        "floorplan": ("points.parquet", "layers.parquet"),
        "roofline": ("points.parquet", "layers.parquet"),
        "codes": ("points.parquet", "budget_codes.parquet"),
        "pareto": ("points.parquet",),
    }
    for kind, names in tables.items():
        assert Figure.model_validate({"name": "f", "kind": kind}).tables == names
    ratio = Figure.model_validate({"name": "f", "kind": "layers", "y": "sqnr"})
    assert ratio.needs_budget
    assert "budget_layers.parquet" in ratio.tables


def test_a_heatmap_shows_accuracy_unless_it_is_told_otherwise() -> None:
    given = {"name": "f", "kind": "heatmap", "x": "chip.node", "y": "array.adc.bits"}
    assert Figure.model_validate(given).colour == "accuracy"
    energy = Figure.model_validate({**given, "colour": "energy_j"})
    assert energy.text == "Energy per image over technology node and ADC resolution."
