"""Main effects in a grid: the mean of a measure at each value of an axis, less the mean over all.

Hardware figures have no error, so their effects are exact. An effect on accuracy is a difference of
mean outcomes on the same images and the same chips, and gets the interval of such differences
(:mod:`paired`): it counts images and chips, not that another grid would have other means. The
points of a sample that is crossed with a grid count as one more axis, whose values have no effects
of interest.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cimsim.analysis.intervals import Interval
from cimsim.analysis.join import SeedFiles
from cimsim.analysis.outputs import read_baseline, read_outcomes
from cimsim.analysis.paired import Paired
from cimsim.campaign.expand import Campaign, CampaignPoint, SweepDesign
from cimsim.campaign.paths import stage_folder

Values = NDArray[np.float64]


@dataclass(frozen=True)
class Effect:
    """Effect of one value of an axis.

    Attributes:
        axis: number of the axis.
        level: number of the value.
        points: combinations that have it.
        mean: mean of the measure over them.
        effect: that less the mean over the grid, with its interval; a bound is NaN if unknown.
    """

    axis: int
    level: int
    points: int
    mean: float
    effect: Interval


def main_effects(
    values: Values, axes: int, intervals: Mapping[tuple[int, int], Interval]
) -> list[Effect]:
    """Return the effects of each value of the first axes of a grid.

    Args:
        values: the measure [levels of axis 1, ..., of the last axis].
        axes: number of axes whose effects are asked for.
        intervals: those of effects with an error, by axis and value.
    """
    found = []
    grand = float(values.mean())
    for axis, levels in enumerate(values.shape[:axes]):
        if levels < 2:
            continue
        others = tuple(a for a in range(values.ndim) if a != axis)
        for level, mean in enumerate(values.mean(axis=others).tolist()):
            change = mean - grand
            interval = intervals.get((axis, level), Interval(change, change, change))
            if math.isnan(interval.estimate):
                interval = Interval(change, math.nan, math.nan)
            found.append(Effect(axis, level, values.size // levels, mean, interval))
    return found


def unknown(shape: Sequence[int]) -> dict[tuple[int, int], Interval]:
    """Return that no effect in a grid has an interval that is known."""
    nothing = Interval(math.nan, math.nan, math.nan)
    return {(axis, level): nothing for axis, n in enumerate(shape) for level in range(n)}


def accuracy_effects(
    campaign: Campaign, design: SweepDesign, shape: Sequence[int], axes: int, results: Path
) -> dict[tuple[int, int], Interval]:
    """Return the effects of the first axes on accuracy with their intervals, by axis and value.

    Points with more chips than others count with as many as all have. Results that points share
    are read once; memory holds one matrix of images and chips for each value.

    Raises:
        UserError: a file is missing or damaged.
    """
    by_id = {point.id: point for point in campaign.points}
    members = [by_id[name] for name in design.ids if name is not None]
    if len({(p.point.workload.dataset, p.point.workload.images) for p in members}) > 1:
        return unknown(shape)
    places: dict[str, list[int]] = {}
    for index, point in enumerate(members):
        places.setdefault(point.keys["infer"], []).append(index)
    examples = {key: members[found[0]] for key, found in places.items()}
    sums = _sums(campaign, examples, places, shape, axes, results)
    found = {}
    for axis, totals in enumerate(sums):
        size = len(members) // len(totals)
        counts = [_levels(index, axis, shape) for index in places.values()]
        # An axis that the results do not depend on has no effect, and none by chance.
        idle = all(len(set(count.values())) == 1 and len(count) == len(totals) for count in counts)
        mean = totals.sum(axis=0) / len(members)
        for level, total in enumerate(totals):
            if idle:
                found[axis, level] = Interval(0.0, 0.0, 0.0)
                continue
            paired = Paired.of(total / size - mean, largest=1 - 1 / len(totals))
            found[axis, level] = paired.interval(campaign.statistics.confidence)
    return found


def _sums(
    campaign: Campaign,
    examples: Mapping[str, CampaignPoint],
    places: Mapping[str, list[int]],
    shape: Sequence[int],
    axes: int,
    results: Path,
) -> list[Values]:
    """Return how many points of each value get an image right on a chip: an axis [levels, I, S]."""
    files = SeedFiles(campaign, results)
    sums: list[Values] = []
    for key, point in examples.items():
        baseline = read_baseline(stage_folder("calibrate", point.keys["calibrate"], results))
        folder = stage_folder("infer", key, results)
        right = read_outcomes(folder, files(key), baseline)[1]
        if not sums:
            sums = [np.zeros((n, *right.shape)) for n in shape[:axes]]
        chips = min(right.shape[1], sums[0].shape[2])
        sums = [total[:, :, :chips] for total in sums]
        for axis, total in enumerate(sums):
            for level, count in _levels(places[key], axis, shape).items():
                total[level] += count * right[:, :chips]
    return sums


def _levels(indices: Sequence[int], axis: int, shape: Sequence[int]) -> Counter[int]:
    """Return how many combinations (numbers of cells of the grid) have each value of an axis."""
    return Counter(np.unravel_index(indices, tuple(shape))[axis].tolist())
