"""The Pareto front: points that no other point beats."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray


def front(cost: ArrayLike, value: ArrayLike) -> NDArray[np.bool_]:
    """Return which points are on the front of low `cost` and high `value`, bool [n].

    A point is off the front if another one has at most its cost and at least its value, one of
    them strictly better. Equal points are on it together. A point with NaN is never on it.
    """
    costs, values = np.asarray(cost, dtype=np.float64), np.asarray(value, dtype=np.float64)
    chosen = np.zeros(costs.shape, dtype=bool)
    known = np.flatnonzero(~(np.isnan(costs) | np.isnan(values)))
    # By rising cost, the best value first among equal costs.
    order = known[np.lexsort((-values[known], costs[known]))]
    best, best_cost = -np.inf, np.nan
    for point in order:
        if values[point] > best:
            best, best_cost = values[point], costs[point]
            chosen[point] = True
        elif values[point] == best and costs[point] == best_cost:
            chosen[point] = True
    return chosen


def grouped_front(
    cost: Sequence[float], value: Sequence[float], group: Sequence[Hashable]
) -> list[bool]:
    """Return :func:`front` within each group of points."""
    costs, values = np.array(cost), np.array(value)
    members: dict[Hashable, list[int]] = {}
    for index, key in enumerate(group):
        members.setdefault(key, []).append(index)
    chosen = np.zeros(len(costs), dtype=bool)
    for indices in members.values():
        chosen[indices] = front(costs[indices], values[indices])
    return [bool(c) for c in chosen]
