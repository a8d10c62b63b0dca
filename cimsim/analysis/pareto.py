"""The Pareto front: points that no other point beats."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cimsim.analysis.selection import Row, telling, varying
from cimsim.campaign.labels import MORE_IS_BETTER, quantity, rounded, value_text


def front(costs: ArrayLike) -> NDArray[np.bool_]:
    """Return which points are on the front, bool [n], of costs [n, m] that are better when low.

    A point is off the front if another one has at most its cost in every column, and less in one.
    Equal points are on it together. A point with NaN is never on it.

    Time grows with n times the size of the front.
    """
    table = np.atleast_2d(np.asarray(costs, dtype=np.float64))
    chosen = np.zeros(len(table), dtype=bool)
    known = np.flatnonzero(~np.isnan(table).any(axis=1))
    # In lexicographic order only an earlier point can beat a later one.
    distinct, place = np.unique(table[known], axis=0, return_inverse=True)
    on_front = np.zeros(len(distinct), dtype=bool)
    left = np.arange(len(distinct))
    while len(left):
        on_front[left[0]] = True
        left = left[(distinct[left] < distinct[left[0]]).any(axis=1)]
    chosen[known] = on_front[place.reshape(-1)]
    return chosen


def grouped_front(costs: ArrayLike, group: Sequence[Hashable]) -> list[bool]:
    """Return :func:`front` of costs [n, m] within each group of points."""
    table = np.asarray(costs, dtype=np.float64)
    members: dict[Hashable, list[int]] = {}
    for index, key in enumerate(group):
        members.setdefault(key, []).append(index)
    chosen = np.zeros(len(table), dtype=bool)
    for indices in members.values():
        chosen[indices] = front(table[indices])
    return [bool(c) for c in chosen]


def costs_of(points: Sequence[Mapping[str, Any]], measures: Sequence[str]) -> NDArray[np.float64]:
    """Return the measures of points [n, m], negative where more is better; NaN where none is."""
    signs = [-1.0 if name in MORE_IS_BETTER else 1.0 for name in measures]
    held = [[np.nan if p[m] is None else p[m] for m in measures] for p in points]
    return np.array(held, dtype=np.float64).reshape(len(points), len(measures)) * signs


def best_points(points: Sequence[Row], measures: Sequence[str]) -> list[Row]:
    """Return the points on the front of any measures, among those of the same images.

    They are sorted by the first measure, the best one first. A point without one of the measures
    is none of them.
    """
    groups = [(row["workload.dataset"], row["workload.images"]) for row in points]
    costs = costs_of(points, measures)
    chosen = [index for index, on in enumerate(grouped_front(costs, groups)) if on]
    return [points[index] for index in sorted(chosen, key=lambda index: tuple(costs[index]))]


def front_lines(points: Sequence[Row], measures: Sequence[str]) -> Iterator[str]:
    """Yield the front of any measures as a table: measures, parameters that vary, id."""
    best = best_points(points, measures)
    names = telling(points, varying(points))
    units = [quantity(name, [row[name] for row in best]) for name in measures]
    aims = ["most" if name in MORE_IS_BETTER else "least" for name in measures]
    yield f"Pareto front: {len(best)} of {len(points)} design points"
    yield "  ".join(
        f"{aim} {shown.title[0].lower()}{shown.title[1:]}"
        for aim, shown in zip(aims, units, strict=True)
    )
    for row in best:
        values = "  ".join(
            f"{rounded(row[name] * shown.factor):>10}"
            for name, shown in zip(measures, units, strict=True)
        )
        design = ", ".join(f"{quantity(n).words} {value_text(n, row[n])}" for n in names)
        yield f"{values}  {row['id']}  {design or 'the only one'}"
