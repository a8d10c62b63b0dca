"""Figures of the layers and tiles of chips, heat maps and panels: they show the tables' numbers."""

from __future__ import annotations

import itertools
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.patches import Rectangle

from cimsim.analysis import floorplan_figure, schemas
from cimsim.analysis.budget import POINT_CODES, POINT_LAYERS
from cimsim.analysis.figures import check_figures, draw, draw_on
from cimsim.analysis.floorplan_figure import colour_of, middle_tiles, pattern_of, place_of
from cimsim.analysis.join import join
from cimsim.analysis.roofline_figure import Load, load_of, roofs
from cimsim.analysis.selection import select
from cimsim.analysis.style import canvas
from cimsim.campaign.expand import load_campaign
from cimsim.campaign.figure import Figure
from cimsim.errors import UserError
from cimsim.tables import read_table, write_table

CAMPAIGN = """
name: test
seeds: {count: 4, block: 2}
sweeps:
  - name: adc
    grid: {array.adc.bits: [5, 6, 7], cell.technology: [rram, sram]}
"""
ONE = {"array.adc.bits": 7, "cell.technology": "rram"}


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory, stages_at: Any) -> Path:
    """Join a synthetic campaign, with a budget for each point, and return its tables."""
    folder = tmp_path_factory.mktemp("figures")
    stages = stages_at(folder / "results")
    output = folder / "tables"
    join(stages.campaign(CAMPAIGN), results=stages.results, output=output, provenance={})
    points = read_table(output / "points.parquet", schemas.points()).to_pylist()
    layers = [
        {"id": row["id"], "mode": "cumulative", "step": step, "layer": layer, "index": index}
        | {"seed": seed, "sqnr_db": ratio - index + seed, "clipped": 0.0}
        for row in points
        for step, ratio in (("adc", 40.0), ("read_noise", 30.0))
        for seed in (0, 1, 2)
        for index, layer in enumerate(("features.0", "features.3", "classifier"))
    ]
    codes = [
        {"id": row["id"], "layer": layer, "index": index, "code": code, "count": 10**code}
        for row in points
        for index, layer in enumerate(("features.0", "features.3"))
        for code in (0, 1, 3)
    ]
    for name, rows, schema in (
        ("budget_layers", layers, POINT_LAYERS),
        ("budget_codes", codes, POINT_CODES),
    ):
        columns = {field: [row[field] for row in rows] for field in schema.names}
        write_table(output / f"{name}.parquet", columns, schema, {})
    return output


def figure(**fields: Any) -> Figure:
    return Figure.model_validate({"name": "f", **fields})


def axes_of(tables: Path, wanted: Figure, budget: bool = False) -> list[Any]:
    with canvas() as empty:
        draw_on(empty, wanted, select(tables, wanted), tables, budget=budget)
        empty.canvas.draw()
        return list(empty.axes)


def points(tables: Path, **fixed: Any) -> list[dict[str, Any]]:
    found = read_table(tables / "points.parquet", schemas.points()).to_pylist()
    wanted = {name.replace("__", "."): value for name, value in fixed.items()}
    return [row for row in found if all(row[k] == v for k, v in wanted.items())]


def test_a_heatmap_has_the_value_of_each_pair(tables: Path) -> None:
    wanted = figure(kind="heatmap", x="array.adc.bits", y="cell.technology")
    axes, bar = axes_of(tables, wanted)
    shown = axes.get_images()[0].get_array()
    assert shown.shape == (2, 3)
    for y, technology in enumerate(("rram", "sram")):
        for x, bits in enumerate((5, 6, 7)):
            (row,) = points(tables, array__adc__bits=bits, cell__technology=technology)
            assert shown[y, x] == pytest.approx(row["accuracy"] * 100)
            texts = [t.get_text() for t in axes.texts if t.get_position()[0] == x]
            assert f"{row['accuracy'] * 100:.1f}" in texts
            half = (row["accuracy_high"] - row["accuracy_low"]) * 50
            assert f"±{half:.1f}" in texts
    assert bar.get_ylabel() == "Accuracy (%)"
    assert axes.get_xlabel() == "ADC resolution (bits)"


def test_panels_share_the_points_between_them(tables: Path) -> None:
    wanted = figure(kind="line", x="array.adc.bits", facet="cell.technology")
    one, two = axes_of(tables, wanted)
    assert [axes.get_title() for axes in (one, two)] == ["Memory: RRAM", "Memory: SRAM"]
    for axes, technology in ((one, "rram"), (two, "sram")):
        (bars,) = axes.containers
        expected = [row["accuracy"] * 100 for row in points(tables, cell__technology=technology)]
        assert list(bars[0].get_ydata()) == pytest.approx(expected)
    assert one.get_ylim() == two.get_ylim()


def test_a_layer_profile_has_the_figures_of_each_layer(tables: Path) -> None:
    energy, latency, used, ratio = axes_of(tables, figure(kind="layers", filter=ONE), budget=True)
    (row,) = points(tables, array__adc__bits=7, cell__technology="rram")
    layers = read_table(tables / "layers.parquet", schemas.layers()).to_pylist()
    mine = [r for r in layers if r["id"] == row["id"] and r["operation"] == "matrix"]
    joules = [r["energy_dynamic_j"] + r["energy_leakage_j"] for r in mine]
    (line,) = energy.get_lines()
    factor = 1e3 if "mJ" in energy.get_ylabel() else 1.0
    assert list(line.get_ydata()) == pytest.approx([j * factor for j in joules])
    assert list(used.get_lines()[0].get_ydata()) == [25.0] * 3
    assert "Latency" in latency.get_ylabel()
    # The last step: the mean of three chips, 1 dB apart, and Student's interval of it.
    assert list(ratio.get_lines()[0].get_ydata()) == [31.0, 30.0, 29.0]
    half = 4.302653 / math.sqrt(3)
    ends = [sorted(y for _, y in segment) for segment in ratio.collections[0].get_segments()]
    assert ends == [pytest.approx([m - half, m + half]) for m in (31.0, 30.0, 29.0)]
    assert not energy.collections[0].get_segments()
    assert [t.get_text() for t in ratio.get_xticklabels()] == [r["layer"] for r in mine]


def test_without_a_budget_there_is_no_error_panel(tables: Path) -> None:
    assert len(axes_of(tables, figure(kind="layers", filter=ONE))) == 3


def test_a_floorplan_has_every_tile_of_every_layer(tables: Path) -> None:
    (axes,) = axes_of(tables, figure(kind="floorplan", filter=ONE))
    _, *tiles = [patch for patch in axes.patches if isinstance(patch, Rectangle)]
    assert len(tiles) == 3 * 4  # three layers of 2 x 2 tiles
    assert len({(tile.get_x(), tile.get_y()) for tile in tiles}) == 12
    assert [text.get_text() for text in axes.texts] == [*"111122223333"]


def test_no_two_layers_of_a_large_network_look_alike(
    tables: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Patterns of a tile and of its entry in the legend are those of its layer; 49 differ."""
    layers = [{"layer": f"l{n}", "tile_rows": 1, "tile_columns": 1} for n in range(12)]
    monkeypatch.setattr(floorplan_figure, "matrix_layers_of", lambda *_: layers)
    wanted = figure(kind="floorplan", filter=ONE)
    with canvas() as empty:
        draw_on(empty, wanted, select(tables, wanted), tables, budget=False)
        (axes,), (legend,) = empty.axes, empty.legends
    _, *tiles = [patch for patch in axes.patches if isinstance(patch, Rectangle)]
    coloured = [tile.get_facecolor() for tile in tiles if tile.get_fill()]
    patterns = [tile.get_hatch() for tile in tiles if not tile.get_fill()]
    keys = legend.get_patches()
    assert [key.get_facecolor() for key in keys] == coloured
    assert [key.get_hatch() for key in keys] == [None] * 7 + patterns
    assert len(set(zip(coloured, [None] * 7 + patterns, strict=True))) == 12
    looks = {(colour_of(n), str(pattern_of(n))) for n in range(49)}
    assert len(looks) == 49
    for name in ("one", "two"):
        draw(tables, wanted, tmp_path / name)
    for suffix in (".svg", ".png"):
        one, two = ((tmp_path / name).with_suffix(suffix).read_bytes() for name in ("one", "two"))
        assert one == two


def test_layers_of_a_large_chip_are_numbered_once(
    tables: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More tiles a side than have room for a number each."""
    sides = [(20, 17), (1, 1), (8, 2)]
    layers = [
        {"layer": f"l{n}", "tile_rows": a, "tile_columns": b} for n, (a, b) in enumerate(sides)
    ]
    monkeypatch.setattr(floorplan_figure, "matrix_layers_of", lambda *_: layers)
    (axes,) = axes_of(tables, figure(kind="floorplan", filter=ONE))
    assert [text.get_text() for text in axes.texts] == ["1", "2", "3"]
    assert middle_tiles([0, 0, 0, 1, 2, 2]) == [1, 3, 5]


def test_every_place_of_a_grid_is_used_once() -> None:
    places = [place_of(n, 4) for n in range(12)]
    assert sorted(places) == [(y, x) for y in range(3) for x in range(4)]
    for one, two in itertools.pairwise(places):
        assert abs(one[0] - two[0]) + abs(one[1] - two[1]) == 1


def test_strips_have_the_shares_of_the_codes(tables: Path) -> None:
    axes, _ = axes_of(tables, figure(kind="codes", filter=ONE))
    shown = axes.collections[0].get_array().reshape(2, 4)
    assert shown[0].tolist()[:2] == pytest.approx([1 / 1011, 10 / 1011])
    assert np.ma.is_masked(shown[0, 2]) or np.isnan(shown[0, 2])
    assert float(shown[1, 3]) == pytest.approx(1000 / 1011)


def test_no_layer_is_above_its_roofs() -> None:
    rng = np.random.default_rng(1)
    loads = [Load(*rng.uniform(0.1, 10.0, 4).tolist()) for _ in range(50)]
    peak, bandwidth = roofs(loads)
    for load in loads:
        assert load.throughput < min(peak, bandwidth * load.intensity)
    alone = Load(operations=6.0, bytes=3.0, compute_s=2.0, move_s=0.0)
    assert (alone.throughput, alone.intensity, roofs([alone])) == (3.0, 2.0, (3.0, 0.0))


def test_the_load_of_a_layer_counts_operations_and_bytes() -> None:
    shape = {"in_channels": 3, "in_height": 8, "in_width": 8, "out_channels": 4}
    shape |= {"out_height": 6, "out_width": 6, "rows": 27, "columns": 4, "vectors": 36}
    times = {"latency_s": 5.0, "latency_buffer_s": 1.0, "latency_interconnect_s": 0.5}
    load = load_of({**shape, **times}, input_bits=4)
    assert load.operations == 2 * 27 * 4 * 36
    assert load.bytes == (3 * 64 + 4 * 36) / 2
    assert (load.compute_s, load.move_s) == (3.5, 1.5)


@pytest.mark.parametrize(
    ("declared", "words"),
    [
        ("kind: layers", "figure f: 6 design points but one is shown; they differ in"),
        ("kind: floorplan, facet: array.adc.bits", "figure f: 2 design points but one is shown"),
        ("kind: line, x: array.adc.bits", "differ in cell.technology; name a sweep"),
        ("kind: heatmap, x: array.adc.bits, y: chip.node", "chip.node has 1 value; a heatmap"),
        ("kind: pareto, filter: {chip.node: 7}", "nothing to show: filter chip.node is 7"),
        ("kind: codes", "'codes' is shown but budget is false"),
        ("kind: layers, y: sqnr", "'sqnr' is shown but budget is false"),
    ],
)
def test_what_cannot_be_drawn_is_refused_before_anything_runs(
    declared: str, words: str, tmp_path: Path
) -> None:
    file = tmp_path / "campaign.yaml"
    file.write_text(f"{CAMPAIGN}figures:\n  - {{name: f, {declared}}}\n")
    with pytest.raises(UserError) as caught:
        check_figures(load_campaign(file))
    assert words in str(caught.value)
    assert str(file) in str(caught.value)
