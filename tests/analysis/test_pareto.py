"""The Pareto front against its definition."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from cimsim.analysis.pareto import front, grouped_front

coordinate = st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0]) | st.floats(0, 1)


@given(st.lists(st.tuples(coordinate, coordinate), max_size=30))
def test_front_is_what_no_point_beats(points: list[tuple[float, float]]) -> None:
    found = front([c for c, _ in points], [v for _, v in points])
    for (cost, value), chosen in zip(points, found, strict=True):
        beaten = any(c <= cost and v >= value and (c < cost or v > value) for c, v in points)
        assert chosen == (not beaten)


def test_unknown_values_are_never_on_the_front() -> None:
    assert front([1.0, np.nan, 2.0], [0.5, 0.9, np.nan]).tolist() == [True, False, False]


def test_groups_do_not_compete() -> None:
    cost, value = [1.0, 2.0, 3.0], [0.9, 0.8, 0.7]
    assert grouped_front(cost, value, ["a", "a", "b"]) == [True, False, True]
    assert grouped_front(cost, value, ["a", "a", "a"]) == [True, False, False]
