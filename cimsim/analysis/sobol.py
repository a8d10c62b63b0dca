r"""Sobol' indices: the share of a measure's variance that a parameter explains.

For independent parameters x_1..x_d and a measure y = f(x),

    first order   S_i = Var(E[y | x_i]) / Var(y)          x_i by itself,
    total        ST_i = E[Var(y | x_others)] / Var(y)     x_i with all its interactions

(Saltelli et al., "Global Sensitivity Analysis: The Primer", Wiley 2008, chapter 4). Three designs:

- a full grid, each combination once: both follow exactly, with every value as likely as another;
- pairs of samples (`sample.method: saltelli`): estimators (b) and (f) of table 2 in Saltelli et
  al., Computer Physics Communications 181, 2010, 259; the latter is that of Jansen (ibid. 117,
  1999, 35);
- any sample: the first order alone, from the means of y in bins of x_i (Plischke, Borgonovo,
  Smith, "Global sensitivity measures from given data", European J. of Operational Research 226,
  2013, 536), less what the means of few points vary by chance: Kelley's epsilon squared,
  1 - (n - 1)/(n - K) SS_within/SS_total for n points in K bins (PNAS 21, 1935, 554).

Intervals of samples are those of the bootstrap over points, or over pairs; of the binned index the
basic one, about the uncorrected index, which is what epsilon squared estimates in a resample
(resampled points are alike by chance, which would shift a percentile interval up). Estimates and
bounds are not cut at 0 and 1: an index of 0 is estimated on both sides of it. With independent
points binned intervals of nominal 95 % held the index of a linear effect in noise in 79 % of
simulated runs with 16 points, 92 % with 64 and 96 % with 256; that of no effect in 95 % or more.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cimsim.analysis.intervals import Interval

Values = NDArray[np.float64]

RESAMPLES = 1000
"""Samples of the bootstrap."""

AT_ONCE = 2**18
"""Values of resamples in memory at a time."""

LEAST_POINTS = 16
"""Points, or pairs, of a sample; an interval of fewer would mean nothing."""


@dataclass(frozen=True)
class Indices:
    """Indices of one parameter; without `total` where a design does not give it."""

    first: Interval
    total: Interval | None


def varies(values: Values) -> bool:
    """Return whether numbers differ by more than their last digits."""
    return float(np.ptp(values)) > 1e-12 * float(np.max(np.abs(values)))


def grid_indices(values: Values) -> list[Indices]:
    """Return the indices of each axis of a grid [levels of axis 1, ..., of axis d], exact.

    Raises:
        ValueError: the values do not vary.
    """
    variance = _variance(values)
    found = []
    for axis in range(values.ndim):
        others = tuple(a for a in range(values.ndim) if a != axis)
        first = float(np.var(values.mean(axis=others))) / variance
        total = float(np.mean(np.var(values, axis=axis))) / variance
        found.append(Indices(_exact(first), _exact(total)))
    return found


def pair_indices(first: Values, second: Values, mixed: Values, confidence: float) -> list[Indices]:
    """Return the indices of each parameter from pairs of samples.

    Args:
        first: y at the points A [n].
        second: y at the points B [n].
        mixed: y at the points AB_i [d, n]: A with x_i from B.
        confidence: nominal coverage of the intervals.

    Raises:
        ValueError: the values do not vary.
    """
    _variance(np.stack([first, second]))
    # The estimators do not depend on the mean, but their variance does (Sobol', Levitan, Computer
    # Physics Communications 117, 1999, 52).
    mean = np.mean([first, second])
    a, b, ab = first - mean, second - mean, mixed - mean

    def statistic(chosen: NDArray[np.intp]) -> Values:
        here, there, between = a[chosen], b[chosen], ab[:, chosen]
        variance = np.var(np.concatenate([here, there], axis=-1), axis=-1)
        variance = np.maximum(variance, math.ulp(0.0))
        product = np.mean(there * (between - here), axis=-1) / variance
        square = 0.5 * np.mean((here - between) ** 2, axis=-1) / variance
        return np.concatenate([product, square]).T

    estimates = statistic(np.arange(len(a))[None])[0]
    low, high = np.quantile(_resampled(len(a), statistic), _ends(confidence), axis=0)
    held = [
        Interval(float(e), float(x), float(y)) for e, x, y in zip(estimates, low, high, strict=True)
    ]
    return [Indices(s, t) for s, t in zip(held[: len(ab)], held[len(ab) :], strict=True)]


def binned_index(
    bins: NDArray[np.intp], values: Values, confidence: float, *, balanced: bool = False
) -> Indices:
    """Return the first-order index of a parameter from the bins [n] of its values and y [n].

    `balanced` says that the points are of a Sobol' sequence. There the other parameters are nearly
    the same in all bins, so that means vary less by chance than those of independent points, and
    the index lies between epsilon squared and the uncorrected one: the upper bound counts that.

    Raises:
        ValueError: the values do not vary.
    """
    _variance(values)
    centred = values - values.mean()

    def statistic(chosen: NDArray[np.intp]) -> Values:
        return _epsilon_squared(bins[chosen], centred[chosen])[0]

    found = _epsilon_squared(bins[None], centred[None])
    estimate, uncorrected = float(found[0][0]), float(found[1][0])
    errors = _resampled(len(values), statistic) - uncorrected
    low, high = np.quantile(errors, _ends(confidence))
    surplus = uncorrected - estimate if balanced else 0.0
    upper = estimate - float(low) + surplus
    return Indices(Interval(estimate, estimate - float(high), upper), None)


def equal_bins(column: Values) -> NDArray[np.intp]:
    """Return the bin of each number: a value each if there are few, else bins of as many points.

    Their number is (2n)^(1/3) for n points (Terrell, Scott, J. American Statistical Association 80,
    1985, 209); what varies within K bins is lost, 1/K^2 of a linear effect.
    """
    distinct, place = np.unique(column, return_inverse=True)
    count = round((2 * len(column)) ** (1 / 3))
    if len(distinct) <= count:
        return place.reshape(-1)
    edges = np.quantile(column, np.arange(1, count) / count)
    return np.searchsorted(edges, column, side="right")


def _epsilon_squared(bins: NDArray[np.intp], values: Values) -> tuple[Values, Values]:
    """Return epsilon squared, and eta squared, which is not corrected for chance, of samples.

    Args:
        bins: bin of each point of each sample, [samples, points].
        values: the values there.
    """
    samples, points = bins.shape
    width = int(bins.max()) + 1
    cells = (bins + width * np.arange(samples)[:, None]).reshape(-1)
    counts = np.bincount(cells, minlength=samples * width).reshape(samples, width)
    sums = np.bincount(cells, values.reshape(-1), samples * width).reshape(samples, width)
    square_of_mean = values.sum(axis=1) ** 2 / points
    total = np.square(values).sum(axis=1) - square_of_mean
    between = np.sum(sums**2 / np.maximum(counts, 1), axis=1) - square_of_mean
    freedom = points - np.count_nonzero(counts, axis=1)
    # A resample may hold one value alone, or no bin with two points: it says nothing.
    known = (total > 0.0) & (freedom > 0)
    total, freedom = np.where(known, total, 1.0), np.where(known, freedom, 1)
    corrected = 1.0 - (points - 1) / freedom * (total - between) / total
    return np.where(known, corrected, 0.0), np.where(known, between / total, 0.0)


def _resampled(count: int, statistic: Callable[[NDArray[np.intp]], Values]) -> Values:
    """Return the statistic of each bootstrap sample, [RESAMPLES, ...]; the same in every run.

    `statistic` takes indices [samples, count] and returns [samples, ...].
    """
    rng = np.random.default_rng(0)
    at_once = max(1, AT_ONCE // count)
    parts = [min(at_once, RESAMPLES - first) for first in range(0, RESAMPLES, at_once)]
    return np.concatenate([statistic(rng.integers(0, count, (n, count))) for n in parts])


def _ends(confidence: float) -> tuple[float, float]:
    return (1 - confidence) / 2, (1 + confidence) / 2


def _variance(values: Values) -> float:
    """Return the variance.

    Raises:
        ValueError: there is none.
    """
    if not varies(values):
        raise ValueError("the values do not vary")
    return float(np.var(values))


def _exact(value: float) -> Interval:
    return Interval(value, value, value)
