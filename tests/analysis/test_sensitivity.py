"""Sensitivities of whole campaigns: the tables against the results that they are made from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

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
from cimsim.tables import read_table, write_table

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


CROSSED = """
name: test
sensitivity: true
seeds: {count: 2, block: 2}
sweeps:
  - name: spread
    grid: {chip.node: [22, 32, 45], cell.technology: [rram, sram]}
    sample:
      method: latin_hypercube
      count: 16
      ranges: {array.adc.bits: [4, 9], nonideality.device_variation: [0.0, 0.3]}
figures:
  - {name: shares, kind: sensitivity, y: energy_j}
"""


def test_a_sample_crossed_with_a_grid(stages: Any, tmp_path: Path) -> None:
    done = Analysed(stages, tmp_path / "out", CROSSED)
    held = {row["parameter"]: row for row in by_measure(done.rows)["spread", "energy_j"]}
    fields = ["array.adc.bits", "nonideality.device_variation"]
    assert held.keys() == {"chip.node", "cell.technology", *fields}
    for name, row in held.items():
        assert (row["method"], row["points"]) == ("crossed", 96)
        assert (row["total"] is None) == (name in fields)
        assert row["first_low"] <= row["first"] <= row["first_high"]
    # The variance over all points and axes, and of the means at each node.
    values = done.values("energy_j").reshape(3, 2, 16)
    of_points = values.mean(axis=(0, 1)).var(ddof=1) + values.var(axis=(0, 1)).mean()
    assert held["chip.node"]["first"] == pytest.approx(
        values.mean(axis=(1, 2)).var() / of_points, rel=0.02
    )
    assert held["chip.node"]["total"] == pytest.approx(values.var(axis=0).mean() / of_points)
    # Effects are those of the axes of the grid, as if the points were one more axis.
    effects = [row for row in done.effects if row["measure"] == "energy_j"]
    assert [row["value"] for row in effects] == ["22", "32", "45", "rram", "sram"]
    means = values.mean(axis=(1, 2))
    assert [row["effect"] for row in effects[:3]] == pytest.approx(means - values.mean())
    assert all(row["effect_low"] == row["effect"] == row["effect_high"] for row in effects)
    accuracy = [row for row in done.effects if row["measure"] == "accuracy"]
    assert {row["parameter"] for row in accuracy} == {"chip.node", "cell.technology"}
    (figure,) = done.campaign.figures
    with canvas() as drawn:
        draw_on(drawn, figure, list(done.points.values()), done.folder)
        bars = [len(container) for container in drawn.axes[0].containers]
    assert bars == [4, 2]


def test_accuracies_on_a_grid_have_intervals_over_chips(stages: Any, tmp_path: Path) -> None:
    text = GRID.replace("read_noise: [0.0, 0.4]", "device_variation: [0.0, 0.05, 0.2]").replace(
        "chip.node: [22, 32, 45]", "array.adc.bits: [5, 8]"
    )
    done = Analysed(stages, tmp_path / "out", text)
    for measure in ("accuracy", "accuracy_change"):
        held = {row["parameter"]: row for row in by_measure(done.rows)["cells", measure]}
        variation, adc = held["nonideality.device_variation"], held["array.adc.bits"]
        for row in (variation, adc):
            assert row["first_low"] < row["first"] < row["first_high"]
            assert row["total_low"] < row["total"] < row["total_high"]
    # The quantised accuracy is the same at all points.
    both = [by_measure(done.rows)["cells", m] for m in ("accuracy", "accuracy_change")]
    for one, other in zip(*both, strict=True):
        assert one["first"] == pytest.approx(other["first"])


SPREAD = GRID.replace("read_noise: [0.0, 0.4]", "device_variation: [0.05, 0.2]").replace(
    "chip.node: [22, 32, 45]", "array.adc.bits: [5, 8]"
)


def with_errors(done: Analysed) -> None:
    """Give each chip of each point an error of its own, and analyse again."""
    path = done.folder / "seeds.parquet"
    table = read_table(path, schemas.seeds()).to_pydict()
    noise = [done.points[name]["nonideality.device_variation"] for name in table["id"]]
    rng = np.random.default_rng(2)
    table["logit_error_rms"] = [n * (1 + 0.1 * rng.normal()) for n in noise]
    write_table(path, table, schemas.seeds(), {})
    write_sensitivity(done.campaign, results=done.results, directory=done.folder, provenance={})
    done.rows = read_indices(done.folder)


@pytest.mark.parametrize("measure", ["accuracy_std", "logit_error_rms"])
def test_spreads_and_errors_on_a_grid_have_the_intervals_of_the_jackknife(
    measure: str, stages: Any, tmp_path: Path
) -> None:
    done = Analysed(stages, tmp_path / "out", SPREAD.replace("count: 4", "count: 20"))
    with_errors(done)
    seeds = read_table(done.folder / "seeds.parquet", schemas.seeds()).to_pylist()
    column = "accuracy" if measure == "accuracy_std" else measure
    (design,) = done.campaign.designs
    chips = np.array([[r[column] for r in seeds if r["id"] == name] for name in design.ids])

    def share(left_out: int | None) -> float:
        kept = np.delete(chips, left_out, axis=1) if left_out is not None else chips
        of = np.std(kept, axis=1, ddof=1) if column == "accuracy" else np.sqrt(np.mean(kept**2, 1))
        grid = of.reshape(2, 2, 2)
        return float(np.var(grid.mean(axis=(1, 2))) / np.var(grid))

    left = np.array([share(chip) for chip in range(20)])
    row = by_measure(done.rows)["cells", measure][0]
    assert row["parameter"] == "nonideality.device_variation"
    assert row["first"] == pytest.approx(20 * share(None) - 19 * left.mean())
    half = stats.t.ppf(0.975, 19) * np.sqrt(19 * left.var())
    assert row["first_high"] - row["first"] == pytest.approx(half)
    assert row["first"] - row["first_low"] == pytest.approx(half)
    assert half > 0.0


@pytest.mark.parametrize(
    ("chips", "told"),
    [
        (1, {"accuracy": False, "logit_error_rms": False}),
        (2, {"accuracy": True, "accuracy_std": False, "logit_error_rms": True}),
        (3, {"accuracy": True, "accuracy_std": True, "logit_error_rms": True}),
    ],
)
def test_too_few_chips_give_no_interval(
    chips: int, told: dict[str, bool], stages: Any, tmp_path: Path
) -> None:
    seeds = f"{{count: {chips}, block: {chips}}}"
    done = Analysed(stages, tmp_path / "out", SPREAD.replace("{count: 4, block: 2}", seeds))
    with_errors(done)
    held = by_measure(done.rows)
    on_arrays = {m for _, m in held if m in ("accuracy", "accuracy_std", "logit_error_rms")}
    assert on_arrays == told.keys()
    for measure, known in told.items():
        bounds = ("first_low", "first_high", "total_low", "total_high")
        found = [row[bound] for row in held["cells", measure] for bound in bounds]
        assert [bound is not None for bound in found] == [known] * len(found)
    # What shows the shares does without.
    assert any(line.startswith("cells, accuracy") for line in lines(done.rows))
    (figure,) = done.campaign.figures
    with canvas() as drawn:
        draw_on(drawn, figure, list(done.points.values()), done.folder)


def test_with_a_rule_that_ends_seeds_all_counts_are_on_the_same_chips(
    stages: Any, tmp_path: Path
) -> None:
    """Points that vary need more chips; means, effects and indices are those of the first four."""
    adaptive = GRID.replace("read_noise: [0.0, 0.4]", "device_variation: [0.0, 0.2]").replace(
        "seeds: {count: 4, block: 2}",
        "seeds: {count: 4, block: 4, stop: {half_width: 1 %, confidence: 95 %, max_seeds: 12}}",
    )
    done = Analysed(stages, tmp_path / "out", adaptive)
    assert {row["seeds"] for row in done.points.values()} == {4, 12}
    seeds = read_table(done.folder / "seeds.parquet", schemas.seeds()).to_pylist()
    common = {
        name: np.mean([row["accuracy"] for row in seeds if row["id"] == name and row["seed"] < 4])
        for name in done.points
    }
    (design,) = done.campaign.designs
    spread = {
        name: np.std([r["accuracy"] for r in seeds if r["id"] == name and r["seed"] < 4], ddof=1)
        for name in done.points
    }
    of_spread = [row for row in done.effects if row["measure"] == "accuracy_std"]
    deviations = np.array([spread[name] for name in design.ids]).reshape(2, 3, 2)
    assert of_spread[1]["mean"] == pytest.approx(deviations[1].mean())
    assert of_spread[1]["effect_low"] is None
    values = np.array([common[name] for name in design.ids]).reshape(2, 3, 2)
    effects = [row for row in done.effects if row["measure"] == "accuracy"][:2]
    for row, mean in zip(effects, values.mean(axis=(1, 2)), strict=True):
        assert row["mean"] == pytest.approx(mean)
        assert row["effect"] == pytest.approx(mean - values.mean())
        assert row["effect_low"] < row["effect"] < row["effect_high"]


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
    assert labels[0] == "Read noise (σ / conductance)"
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
            "grid: {chip.node: [22, 32]}\n    sample: {count: 8, ranges: {array.adc.bits: [4, 7]}}",
            "fewer than 16 sampled points",
        ),
        (
            "grid: {chip.node: [22, 32]}\n    where: chip.node == 22 or array.adc.bits > 5\n"
            "    sample: {count: 16, ranges: {array.adc.bits: [4, 7]}}",
            "combinations are left out",
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
