"""Sensitivities of whole campaigns: the tables against the results that they are made from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cimsim.analysis import schemas
from cimsim.analysis.compare import compare
from cimsim.analysis.figures import check_figures, draw_on
from cimsim.analysis.join import join
from cimsim.analysis.sensitivity import (
    EFFECTS,
    INDICES,
    analysed,
    by_measure,
    lines,
    read_indices,
    write_sensitivity,
)
from cimsim.analysis.style import canvas
from cimsim.analysis.summary import write_summary
from cimsim.campaign.checks import check_campaign
from cimsim.campaign.expand import Campaign, load_campaign
from cimsim.campaign.parameters import value
from cimsim.errors import UserError
from cimsim.tables import read_table

GRID = """
name: test
sensitivity: true
seeds: {count: 4, block: 2}
sweeps:
  - name: cells
    grid: {nonideality.read_noise: [0.0, 0.4], chip.node: [22, 32, 45]}
    zip: {array.rows: [64, 128], array.parallel_rows: [64, 128]}
figures:
  - {name: shares, kind: sensitivity}
"""

SAMPLE = """
name: test
sensitivity: true
seeds: {{count: 2, block: 2}}
sweeps:
  - name: spread
    sample:
      method: {method}
      count: {count}
      ranges: {{array.adc.bits: [4, 9], nonideality.device_variation: [0.0, 0.3]}}
      choices: {{cell.technology: [rram, sram]}}
figures:
  - {{name: shares, kind: sensitivity, y: energy_j}}
"""


class Analysed:
    """A campaign with synthetic results, joined and analysed."""

    def __init__(self, stages: Any, folder: Path, text: str) -> None:
        self.campaign: Campaign = stages.campaign(text)
        self.file = self.campaign.file
        self.results: Path = stages.results
        self.folder = folder
        join(self.campaign, results=stages.results, output=folder, provenance={})
        write_sensitivity(
            self.campaign, results=stages.results, directory=folder, provenance={"stage": "x"}
        )
        self.rows = read_indices(folder)
        self.effects = read_table(folder / "main_effects.parquet", EFFECTS).to_pylist()
        points = read_table(folder / "points.parquet", schemas.points()).to_pylist()
        self.points = {row["id"]: row for row in points}

    def values(self, measure: str) -> np.ndarray:
        (design,) = self.campaign.designs
        return np.array([self.points[str(name)][measure] for name in design.ids])


@pytest.fixture
def grid(stages: Any, tmp_path: Path) -> Analysed:
    return Analysed(stages, tmp_path / "out", GRID)


def test_a_grid_has_a_row_for_each_axis(grid: Analysed) -> None:
    axes = [row["parameter"] for row in grid.rows if row["measure"] == "energy_j"]
    assert axes == ["nonideality.read_noise", "chip.node", "array.rows + array.parallel_rows"]
    assert {row["method"] for row in grid.rows} == {"grid"}
    assert {row["points"] for row in grid.rows} == {12}
    held = by_measure(grid.rows)["cells", "accuracy"]
    assert held[0]["parameter"] == "nonideality.read_noise"
    assert held[0]["first"] == pytest.approx(1.0)
    energy = {row["parameter"]: row for row in by_measure(grid.rows)["cells", "energy_j"]}
    assert energy["chip.node"]["first"] == pytest.approx(1.0)
    assert energy["chip.node"]["first_low"] == energy["chip.node"]["first_high"]
    assert energy["nonideality.read_noise"]["total"] == pytest.approx(0.0)


def test_main_effects_are_differences_of_means(grid: Analysed) -> None:
    values = grid.values("energy_j").reshape(2, 3, 2)
    found = [row for row in grid.effects if row["measure"] == "energy_j"]
    assert [row["value"] for row in found] == [
        *("0.0", "0.4"),
        *("22", "32", "45"),
        "array.rows 64, array.parallel_rows 64",
        "array.rows 128, array.parallel_rows 128",
    ]
    node = [row for row in found if row["parameter"] == "chip.node"]
    assert [row["effect"] for row in node] == pytest.approx(
        values.mean(axis=(0, 2)) - values.mean()
    )
    assert all(row["effect_low"] == row["effect"] == row["effect_high"] for row in node)
    assert [row["points"] for row in node] == [4, 4, 4]


def test_effects_on_accuracy_have_the_intervals_of_paired_differences(grid: Analysed) -> None:
    """Of two values each effect is half of the difference; `compare` knows that one."""
    off, on = [row for row in grid.effects if row["measure"] == "accuracy"][:2]
    noises = {row["nonideality.read_noise"]: row["id"] for row in grid.points.values()}
    (pair,) = compare(
        f"{grid.file}:{noises[0.4]}",
        f"{grid.file}:{noises[0.0]}",
        margin=0.01,
        confidence=0.95,
        results=grid.results,
    )
    assert on["effect"] == pytest.approx(pair.interval.estimate / 2)
    assert on["effect_low"] == pytest.approx(pair.interval.low / 2)
    assert on["effect_high"] == pytest.approx(pair.interval.high / 2)
    assert off["effect_high"] == pytest.approx(-on["effect_low"])


def test_an_axis_that_accuracy_does_not_depend_on_has_no_effect_for_sure(grid: Analysed) -> None:
    node = [
        row
        for row in grid.effects
        if row["measure"] == "accuracy" and row["parameter"] == "chip.node"
    ]
    assert len(node) == 3
    for row in node:
        assert row["effect_low"] == row["effect"] == row["effect_high"] == 0.0


@pytest.mark.parametrize(
    ("method", "count"), [("saltelli", 16), ("sobol", 64), ("latin_hypercube", 64)]
)
def test_samples(method: str, count: int, stages: Any, tmp_path: Path) -> None:
    done = Analysed(stages, tmp_path / "out", SAMPLE.format(method=method, count=count))
    (design,) = done.campaign.designs
    assert len(design.ids) == (count * 5 if method == "saltelli" else count)
    held = by_measure(done.rows)["spread", "energy_j"]
    names = {"array.adc.bits", "nonideality.device_variation", "cell.technology"}
    assert {row["parameter"] for row in held} == names
    for row in held:
        assert row["method"] == ("saltelli" if method == "saltelli" else "bins")
        assert (row["total"] is None) == (method != "saltelli")
        assert row["first_low"] <= row["first"] <= row["first_high"]
    # The synthetic energy does not depend on the variation of devices.
    (idle,) = (row for row in held if row["parameter"] == "nonideality.device_variation")
    if method == "saltelli":
        assert idle["first"] == idle["total"] == 0.0
    else:
        assert idle["first_low"] <= 0.0 <= idle["first_high"]
    assert done.effects == []


def test_pairs_differ_in_one_field(tmp_path: Path) -> None:
    names = ["array.adc.bits", "nonideality.device_variation", "cell.technology"]
    (tmp_path / "c.yaml").write_text(SAMPLE.format(method="saltelli", count=16))
    campaign = load_campaign(tmp_path / "c.yaml")
    points = {point.id: point.point for point in campaign.points}
    rows = [[value(points[str(i)], name) for name in names] for i in campaign.designs[0].ids]
    a, b, *mixed = (rows[16 * n : 16 * (n + 1)] for n in range(5))
    for field, block in enumerate(mixed):
        for first, second, row in zip(a, b, block, strict=True):
            assert row == [*first[:field], second[field], *first[field + 1 :]]


def test_equal_results_give_equal_bytes(stages: Any, tmp_path: Path) -> None:
    done = Analysed(stages, tmp_path / "out", SAMPLE.format(method="sobol", count=16))
    names = ("sensitivity.parquet", "sensitivity.csv", "main_effects.parquet")
    before = [(done.folder / name).read_bytes() for name in names]
    write_sensitivity(
        done.campaign, results=done.results, directory=done.folder, provenance={"stage": "x"}
    )
    assert [(done.folder / name).read_bytes() for name in names] == before
    assert read_table(done.folder / "sensitivity.parquet", INDICES).num_rows == len(done.rows)


def test_the_figure_and_the_summary_show_the_shares(grid: Analysed) -> None:
    (figure,) = grid.campaign.figures
    with canvas() as drawn:
        draw_on(drawn, figure, list(grid.points.values()), grid.folder)
        (axes,) = drawn.axes
        widths = [[bar.get_width() for bar in container] for container in axes.containers]
        labels = [text.get_text() for text in axes.get_yticklabels()]
    held = by_measure(grid.rows)["cells", "accuracy"]
    assert widths == [[100 * row[kind] for row in held] for kind in ("first", "total")]
    assert labels[0] == "read noise (σ / conductance)"
    write_summary(grid.campaign, directory=grid.folder, output=grid.folder / "summary.md")
    text = (grid.folder / "summary.md").read_text()
    assert "| cells | accuracy | nonideality.read_noise | 100.0 % | 100.0 % |" in text
    assert "[main_effects.csv](main_effects.csv)" in text
    assert "cells, accuracy (grid, 12 points):" in list(lines(grid.rows))


@pytest.mark.parametrize(
    ("sweep", "reason"),
    [
        (
            "grid: {chip.node: [22, 32, 45]}\n    where: chip.node != 32",
            "combinations are left out",
        ),
        ("grid: {chip.node: [22]}", "nothing varies"),
        (
            "grid: {chip.node: [22, 32]}\n"
            "    sample: {count: 16, ranges: {array.adc.bits: [4, 7]}}",
            "a sample and other axes",
        ),
        ("sample: {count: 8, ranges: {array.adc.bits: [4, 7]}}", "fewer than 16 sampled points"),
    ],
)
def test_sweeps_that_cannot_be_analysed(sweep: str, reason: str, tmp_path: Path) -> None:
    file = tmp_path / "c.yaml"
    file.write_text(f"name: c\nsensitivity: true\nsweeps:\n  - name: one\n    {sweep}\n")
    campaign = load_campaign(file)
    with pytest.raises(UserError, match=f"c.yaml: sweeps: no sens.*: one: {reason}"):
        analysed(campaign)
    with pytest.raises(UserError, match=reason):
        check_campaign(campaign)


def test_a_sweep_that_is_not_analysed_is_named(stages: Any, tmp_path: Path) -> None:
    text = GRID.replace("figures:", "  - {name: base, base: {array.adc.bits: 6}}\nfigures:")
    done = Analysed(stages, tmp_path / "out", text)
    write_summary(done.campaign, directory=done.folder, output=done.folder / "summary.md")
    assert (
        "Sweep base was not analysed: nothing varies." in (done.folder / "summary.md").read_text()
    )


def test_a_figure_names_a_sweep_that_is_analysed(tmp_path: Path) -> None:
    file = tmp_path / "c.yaml"
    file.write_text(
        "name: c\nsensitivity: true\nsweeps:\n"
        "  - {name: one, grid: {chip.node: [22, 32]}}\n"
        "  - {name: two, grid: {array.adc.bits: [5, 6]}}\n"
        "figures:\n  - {name: f, kind: sensitivity, y: energy_j}\n"
    )
    with pytest.raises(UserError, match=r"f: sweep is not given; sweeps with sens.*: one, two"):
        check_figures(load_campaign(file))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("figures: [{name: f, kind: sensitivity}]", "kind is sensitivity but sensitivity is false"),
        (
            "sensitivity: true\nfigures: [{name: f, kind: sensitivity, filter: {chip.node: 22}}]",
            "filter has no meaning for kind sensitivity",
        ),
        ("sweeps: [{grid: {chip.node: [22]}, sample: {method: saltelli, count: 16}}]", "grid: not"),
        ("sweeps: [{invalid: drop, sample: {method: saltelli, count: 16}}]", "'drop' is not allo"),
        ("sweeps: [{sample: {method: saltelli, count: 24}}]", "method saltelli: a power of two"),
    ],
)
def test_mistakes(text: str, message: str, tmp_path: Path) -> None:
    file = tmp_path / "c.yaml"
    file.write_text(f"name: c\n{text}\n")
    with pytest.raises(UserError, match=message):
        load_campaign(file)
