"""Figures: what they show is in the tables, equal tables give equal bytes, and clear refusals."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from matplotlib.axes import Axes
from matplotlib.container import ErrorbarContainer
from PIL import Image

from cimsim.analysis import schemas
from cimsim.analysis.breakdown_figure import area_parts, energy_parts
from cimsim.analysis.figures import draw, draw_on
from cimsim.analysis.join import join
from cimsim.analysis.line_figure import draw_lines
from cimsim.analysis.selection import select
from cimsim.analysis.style import canvas
from cimsim.campaign.figure import Figure
from cimsim.errors import UserError
from cimsim.tables import read_table

CAMPAIGN = """
name: test
seeds: {count: 4, block: 2}
sweeps:
  - name: adc
    grid: {array.adc.bits: [5, 6, 7, 8], cell.technology: [rram, sram]}
  - name: retention
    base: {nonideality.retention.exponent: 0.05}
    grid: {nonideality.retention.time: [0, 10, 1.0e+3, 1.0e+7]}
  - name: nodes
    base: {cell.technology: sram}
    grid: {chip.node: [130, 22, 7]}
"""


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory, stages_at: Any) -> Path:
    """Join a synthetic campaign and return the folder of its tables."""
    folder = tmp_path_factory.mktemp("figures")
    stages = stages_at(folder / "results")
    campaign = stages.campaign(CAMPAIGN)
    join(campaign, results=stages.results, output=folder / "tables", provenance={})
    return folder / "tables"


def figure(**fields: Any) -> Figure:
    """Return a figure named f."""
    return Figure.model_validate({"name": "f", **fields})


def rows(tables: Path) -> list[dict[str, Any]]:
    """Return points.parquet as rows."""
    found: list[dict[str, Any]] = read_table(
        tables / "points.parquet", schemas.points()
    ).to_pylist()
    return found


def drawn(tables: Path, wanted: Figure) -> Axes:
    """Draw a figure and return its axes."""
    (axes,) = drawn_panels(tables, wanted)
    return axes


def drawn_panels(tables: Path, wanted: Figure, budget: bool = False) -> list[Axes]:
    """Draw a figure and return the axes of all its panels, in order."""
    with canvas() as empty:
        draw_on(empty, wanted, select(tables, wanted), tables, budget=budget)
        empty.canvas.draw()
        return list(empty.axes)


def ticks(axes: Axes) -> list[str]:
    """Return the texts of the x axis that lie inside it."""
    low, high = sorted(axes.get_xlim())
    labels = zip(axes.get_xticks(), axes.get_xticklabels(), strict=True)
    return [label.get_text() for place, label in labels if low <= place <= high]


ALL = [
    figure(kind="line", x="array.adc.bits", colour="cell.technology", sweep="adc"),
    figure(kind="line", x="nonideality.retention.time", sweep="retention"),
    figure(kind="line", x="chip.node", y="energy_j", sweep="nodes"),
    figure(kind="breakdown", y="area", x="chip.node", sweep="nodes"),
    figure(kind="breakdown", sweep="adc"),
    figure(kind="pareto", colour="cell.technology", sweep="adc"),
    figure(kind="pareto", x="tops_per_w", sweep="adc"),
    figure(kind="pareto", sweep="adc", facet="cell.technology"),
    figure(kind="line", x="array.adc.bits", sweep="adc", facet="cell.technology"),
    figure(kind="heatmap", x="array.adc.bits", y="cell.technology", sweep="adc"),
    figure(kind="layers", sweep="nodes", colour="chip.node"),
    figure(kind="floorplan", sweep="nodes", facet="chip.node"),
    figure(kind="roofline", sweep="nodes", filter={"chip.node": 22}),
]


@pytest.mark.parametrize("wanted", ALL)
def test_equal_tables_give_equal_bytes(wanted: Figure, tables: Path, tmp_path: Path) -> None:
    for name in ("one", "two"):
        draw(tables, wanted, tmp_path / name)
    for suffix in (".svg", ".png"):
        one, two = ((tmp_path / name).with_suffix(suffix).read_bytes() for name in ("one", "two"))
        assert one == two
    assert b"<dc:date>" not in (tmp_path / "one.svg").read_bytes()
    with Image.open(tmp_path / "one.png") as image:
        assert image.width == 1050  # 3.5 inches at 300 dots
        assert image.height <= 1500


def test_lines_are_the_accuracies_with_their_intervals(tables: Path) -> None:
    wanted = figure(kind="line", x="array.adc.bits", sweep="adc", colour="cell.technology")
    axes = drawn(tables, wanted)
    bars = [c for c in axes.containers if isinstance(c, ErrorbarContainer)]
    assert len(bars) == 2
    for container, technology in zip(bars, ("rram", "sram"), strict=True):
        expected = sorted(
            (row for row in rows(tables) if "adc" in row["sweeps"]),
            key=lambda row: row["array.adc.bits"],
        )
        expected = [row for row in expected if row["cell.technology"] == technology]
        line, _, (lines,) = container
        assert list(line.get_ydata()) == [row["accuracy"] * 100 for row in expected]
        assert list(line.get_xdata()) == pytest.approx([5, 6, 7, 8], abs=0.05)
        ends = [sorted(y for _, y in segment) for segment in lines.get_segments()]
        assert ends == [
            pytest.approx([row["accuracy_low"] * 100, row["accuracy_high"] * 100])
            for row in expected
        ]
    baselines = {line.get_label(): line.get_ydata() for line in axes.get_lines()}
    assert set(baselines["quantised"]) == {rows(tables)[0]["quantized_accuracy"] * 100}
    assert set(baselines["floating point"]) == {rows(tables)[0]["float_accuracy"] * 100}
    assert ticks(axes) == ["5", "6", "7", "8"]
    assert axes.get_xlabel() == "ADC resolution (bits)"
    assert axes.get_ylabel() == "Accuracy (%)"


def test_time_is_logarithmic_with_zero_apart(tables: Path) -> None:
    axes = drawn(tables, figure(kind="line", x="nonideality.retention.time", sweep="retention"))
    (container,) = axes.containers
    zero, *powers = container[0].get_xdata()
    assert powers == [1, 3, 7]
    assert zero < 1
    assert ticks(axes) == ["0", "10", "1000", "10⁷"]


def test_nodes_shrink_to_the_right(tables: Path) -> None:
    axes = drawn(tables, figure(kind="line", x="chip.node", y="energy_j", sweep="nodes"))
    left, right = axes.get_xlim()
    assert left > right
    assert axes.get_ylabel() == "Energy per image (µJ)"
    assert axes.get_yscale() == "log"


@pytest.mark.parametrize(("divide", "total"), [(area_parts, "area_m2"), (energy_parts, "energy_j")])
def test_parts_add_up(divide: Any, total: str, tables: Path) -> None:
    for row in rows(tables):
        parts = divide(row)
        assert sum(parts.values()) == pytest.approx(row[total], rel=1e-12)
        assert min(parts.values()) >= 0


def test_bars_have_the_length_of_the_totals(tables: Path) -> None:
    wanted = figure(kind="breakdown", y="area", sweep="adc", filter={"cell.technology": "rram"})
    axes = drawn(tables, wanted)
    expected = [row for row in rows(tables) if "adc" in row["sweeps"]]
    expected = [row for row in expected if row["cell.technology"] == "rram"]
    ends = [0.0] * 4
    for container in axes.containers:
        for place, patch in enumerate(container):
            assert patch.get_x() == pytest.approx(ends[place])
            ends[place] += patch.get_width()
    assert ends == pytest.approx([row["area_mm2"] for row in expected])
    assert [label.get_text() for label in axes.get_yticklabels()] == ["5", "6", "7", "8"]
    assert axes.get_ylabel() == "ADC resolution (bits)"


def test_chips_of_very_different_size_are_shown_as_shares(tables: Path) -> None:
    axes = drawn(tables, figure(kind="breakdown", y="area", x="chip.node", sweep="nodes"))
    assert axes.get_xlabel() == "Share of chip area (%)"
    widths = [sum(c[bar].get_width() for c in axes.containers) for bar in range(3)]
    assert widths == pytest.approx([100, 100, 100])
    assert [label.get_text() for label in axes.get_yticklabels()] == ["130", "22", "7"]
    assert all(text.get_text().endswith("mm²") for text in axes.texts)


def test_the_front_is_that_of_the_tables(tables: Path) -> None:
    axes = drawn(tables, figure(kind="pareto"))
    lines = [line for line in axes.get_lines() if line.get_drawstyle() == "steps-post"]
    (line,) = lines
    shown = {(round(x, 6), round(y, 6)) for x, y in line.get_xydata()}
    expected = {
        (round(row["energy_j"] * 1e6, 6), round(row["accuracy"] * 100, 6))
        for row in rows(tables)
        if row["pareto_energy"]
    }
    assert shown == expected


# --- what is refused --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        (
            figure(kind="pareto", filter={"cell.technology": "fefet"}),
            "figure f: nothing to show: filter cell.technology is 'fefet' but the points have "
            "'rram', 'sram'",
        ),
        (
            figure(kind="pareto", sweep="noise"),
            "figure f: sweep is 'noise' but the campaign has adc, nodes, retention",
        ),
        (
            figure(kind="line", x="cell.bits"),
            "figure f: nothing to show: cell.bits needs two values or more but the points have "
            "one, 1",
        ),
        (
            figure(kind="line", x="cell.circuit.read_voltage"),
            "figure f: cell.circuit.read_voltage is null (a default that depends on node",
        ),
        (
            figure(kind="line", x="array.adc.bits", sweep="adc"),
            "figure f: 2 design points have array.adc.bits 5 bits and differ in cell.technology;",
        ),
        (
            figure(kind="breakdown", x="cell.technology", sweep="adc"),
            "4 design points have cell.technology RRAM and differ in array.adc.bits",
        ),
        (
            figure(kind="pareto", filter={"array.adc.bits": 5, "cell.technology": "rram"}),
            "figure f: nothing to show: there is one design point alone",
        ),
    ],
)
def test_nothing_or_ambiguous_is_refused(
    wanted: Figure, words: str, tables: Path, tmp_path: Path
) -> None:
    with pytest.raises(UserError) as caught:
        draw(tables, wanted, tmp_path / "figure")
    assert words in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_more_series_than_colours_are_refused(tables: Path) -> None:
    with canvas() as empty:
        many = [
            {**row, "array.parallel_rows": index % 12, "key.infer": str(index)}
            for index, row in enumerate(rows(tables) * 3)
        ]
        wanted = figure(kind="line", x="array.adc.bits", colour="array.parallel_rows")
        for index, row in enumerate(many):
            row["array.adc.bits"] = index // 12
        with pytest.raises(UserError, match="has 12 values; a figure shows 8 at most"):
            draw_lines(empty, wanted, many)


def test_figures_of_tables_that_are_missing(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"points\.parquet: no such file"):
        draw(tmp_path, figure(kind="pareto"), tmp_path / "figure")
