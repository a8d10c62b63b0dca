"""The Pareto front against its definition."""

from __future__ import annotations

import operator
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from cimsim.analysis import schemas
from cimsim.analysis.join import join
from cimsim.analysis.pareto import best_points, costs_of, front, front_lines, grouped_front
from cimsim.tables import read_table

coordinate = st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0]) | st.floats(0, 1)


@st.composite
def tables(draw: st.DrawFn) -> list[list[float]]:
    """Draw points of one to five costs."""
    width = draw(st.integers(1, 5))
    return draw(st.lists(st.lists(coordinate, min_size=width, max_size=width), max_size=30))


@given(tables())
def test_front_is_what_no_point_beats(points: list[list[float]]) -> None:
    found = front(points) if points else []
    for point, chosen in zip(points, found, strict=True):
        beaten = any(
            all(a <= b for a, b in zip(other, point, strict=True)) and other != point
            for other in points
        )
        assert chosen == (not beaten)


@given(tables(), st.randoms())
def test_the_order_of_points_and_scales_do_not_matter(points: list, random) -> None:
    if not points:
        return
    order = list(range(len(points)))
    random.shuffle(order)
    costs = np.array(points)
    assert front(costs)[order].tolist() == front(costs[order]).tolist()
    assert front(costs).tolist() == front(4 * costs).tolist()


def test_unknown_values_are_never_on_the_front() -> None:
    costs = [[1.0, -0.5, 2.0], [np.nan, -0.9, 0.0], [2.0, np.nan, 0.0]]
    assert front(costs).tolist() == [True, False, False]


def test_groups_do_not_compete() -> None:
    costs = [[1.0, -0.9], [2.0, -0.8], [3.0, -0.7]]
    assert grouped_front(costs, ["a", "a", "b"]) == [True, False, True]
    assert grouped_front(costs, ["a", "a", "a"]) == [True, False, False]


def test_the_front_of_a_campaign_in_words(stages: Any, tmp_path: Path) -> None:
    campaign = stages.campaign(
        "name: c\nsweeps: [{grid: {array.adc.bits: [5, 7], chip.node: [22, 32]}}]\n"
    )
    join(campaign, results=stages.results, output=tmp_path, provenance={})
    points = read_table(tmp_path / "points.parquet", schemas.points()).to_pylist()
    measures = ("tops_per_w", "area_mm2", "accuracy")
    best = best_points(points, measures)
    keys = [[-row["tops_per_w"], row["area_mm2"], -row["accuracy"]] for row in points]
    expected = [
        row["id"]
        for row, key in zip(points, keys, strict=True)
        if not any(all(map(operator.le, k, key)) and k != key for k in keys)
    ]
    assert {row["id"] for row in best} == set(expected)
    assert [row["tops_per_w"] for row in best] == sorted(
        (row["tops_per_w"] for row in best), reverse=True
    )
    title, head, *lines = front_lines(points, measures)
    assert title == f"Pareto front: {len(best)} of 4 design points"
    assert head.startswith("most energy efficiency (TOPS/W)  least chip area (mm²)  most accuracy")
    assert all(row["id"] in line for row, line in zip(best, lines, strict=True))
    assert f"technology node {best[0]['chip.node']} nm" in lines[0]


def test_directions_are_those_of_the_measures() -> None:
    rows = [
        {"accuracy": 0.9, "tops_per_w": 5.0, "area_mm2": 3.0},
        {"accuracy": 0.8, "tops_per_w": 9.0, "area_mm2": 3.0},
        {"accuracy": 0.7, "tops_per_w": 4.0, "area_mm2": 3.0},
        {"accuracy": None, "tops_per_w": 99.0, "area_mm2": 1.0},
    ]
    costs = costs_of(rows, ("accuracy", "tops_per_w", "area_mm2"))
    assert costs[0].tolist() == [-0.9, -5.0, 3.0]
    assert front(costs).tolist() == [True, True, False, False]
