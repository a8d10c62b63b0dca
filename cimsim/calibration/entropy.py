"""The clipping range that loses least information when values are rounded to a few codes.

S. Migacz, "8-bit Inference with TensorRT" (GTC 2017): for each threshold, the clipped histogram P
(what lies outside is added to the outermost bins) is compared with what its codes keep, Q (each
code's values spread evenly over its bins that are not empty, nothing added); the threshold with the
least Kullback-Leibler divergence of Q from P is taken. Here the histogram has both signs, the codes
are those of the quantiser (rounding to the nearest multiple of the step) and ranges may be affine.

All thresholds are searched, each in a time that grows with the codes and not with the bins: with
n values within the range and N in all, per code n_c values on e_c bins that are not empty, and p
the counts of P,

    D = (sum over bins of p ln p - sum over codes of p_c ln(n_c / e_c)) / N + ln(n / N),

and every sum over neighbouring bins is a difference of cumulated sums. Bins are numbered from zero:
bin 0 is the first one above it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

Counts = NDArray[np.int64]
Floats = NDArray[np.float64]

BLOCK = 1 << 17
"""Codes that are looked at together, of several thresholds, so that they fit into a cache."""

SAME = 1e-12
"""Nats by which rounding may tell divergences apart that are equal."""


def least_divergence(
    counts: Counts, below: int, above: int, levels: int, *, symmetric: bool
) -> int:
    """Return the threshold, in bins, whose range loses least information.

    Thresholds whose range has fewer bins than codes are left out: the histogram does not show what
    rounding loses there. The largest threshold, which clips nothing, never is. Of equal ones the
    largest is taken.

    Args:
        counts: [2 h], the first h below zero.
        below, above: bins on either side that hold values; not both 0.
        levels: number of codes.
        symmetric: whether codes are symmetric about zero whatever the values.
    """
    largest = max(below, above)
    ranges = _Ranges.clipped(np.arange(largest, 0, -1), below, above, symmetric=symmetric)
    sums = _CumulatedSums(counts)
    ranges = ranges.where((ranges.span >= levels) & sums.can_be_clipped(ranges))
    if not len(ranges.bins):
        return largest
    parts = [sums.divergences(part, levels) for part in ranges.blocks(max(1, BLOCK // levels))]
    divergences = np.concatenate(parts)
    return int(ranges.bins[int(np.argmax(divergences <= divergences.min() + SAME))])


@dataclass(frozen=True)
class _Ranges:
    """Thresholds, and the ranges that they clip to; arrays of one length.

    Attributes:
        bins: the threshold.
        below, above: bins of the range on either side of zero.
        span: bins from the lowest code to the highest one; more than below + above where the
            codes are symmetric and the values are not.
    """

    bins: Counts
    below: Counts
    above: Counts
    span: Counts

    @classmethod
    def clipped(cls, bins: Counts, below: int, above: int, *, symmetric: bool) -> Self:
        left, right = np.minimum(bins, below), np.minimum(bins, above)
        return cls(bins, left, right, 2 * bins if symmetric else left + right)

    def where(self, chosen: NDArray[Any] | slice) -> _Ranges:
        return _Ranges(self.bins[chosen], self.below[chosen], self.above[chosen], self.span[chosen])

    def blocks(self, length: int) -> Iterator[_Ranges]:
        for start in range(0, len(self.bins), length):
            yield self.where(slice(start, start + length))

    def code(self, number: Counts, levels: int) -> Counts:
        """Return the code of the centre of a bin of each range: rounded, ties upwards."""
        return ((2 * number + 1) * (levels - 1) + self.span) // (2 * self.span)

    def edges(self, levels: int) -> tuple[Counts, Counts]:
        """Return the first bin of each code, and the number of codes less one of each range.

        Each row [most codes + 1] ends with the end of its range, as often as is needed. Needs
        levels <= span, so that each code has a bin.
        """
        first = self.code(-self.below, levels)
        last = self.code(self.above - 1, levels) - first
        steps, span = levels - 1, self.span[:, None]
        codes = first[:, None] + np.arange(1, int(last.max()) + 2)
        starts = -((steps - (2 * codes - 1) * span) // (2 * steps))
        edges = np.minimum(starts, self.above[:, None])
        return np.concatenate([-self.below[:, None], edges], axis=1), last


class _CumulatedSums:
    """Sums over any run of bins of a histogram."""

    def __init__(self, counts: Counts) -> None:
        self._zero = len(counts) // 2
        self._counts = counts.astype(np.float64)
        self._values = _cumulated(counts)
        self._used = _cumulated(counts > 0)
        self._terms = _cumulated(_x_ln_x(counts))

    def _clipped(self, ranges: _Ranges) -> tuple[Floats, Floats, Floats, Floats]:
        """Return what lies below and above each range, and the counts of its outermost bins."""
        start, end = self._zero - ranges.below, self._zero + ranges.above
        outside = self._values[start], self._values[-1] - self._values[end]
        return *outside, self._counts[start], self._counts[end - 1]

    def can_be_clipped(self, ranges: _Ranges) -> NDArray[np.bool_]:
        """Return whether D is finite: clipped values are added to no empty bin."""
        low, high, lowest, highest = self._clipped(ranges)
        finite: NDArray[np.bool_] = ((low == 0) | (lowest > 0)) & ((high == 0) | (highest > 0))
        return finite

    def divergences(self, ranges: _Ranges, levels: int) -> Floats:
        """Return D in nats of ranges of which it is finite."""
        low, high, lowest, highest = self._clipped(ranges)
        edges, last = ranges.edges(levels)
        inside = np.diff(self._values[edges + self._zero], axis=1)
        used = np.diff(self._used[edges + self._zero], axis=1)
        spread = np.log(np.where(used > 0, inside / np.maximum(used, 1.0), 1.0))
        cross = (inside * spread).sum(axis=1) + low * spread[:, 0]
        cross += high * spread[np.arange(len(last)), last]
        start, end = self._zero - ranges.below, self._zero + ranges.above
        added = _x_ln_x(lowest + low) - _x_ln_x(lowest) + _x_ln_x(highest + high) - _x_ln_x(highest)
        one_bin = _x_ln_x(lowest + low + high) - _x_ln_x(lowest)
        terms = self._terms[end] - self._terms[start] + np.where(end - start == 1, one_bin, added)
        total, n = self._values[-1], self._values[end] - self._values[start]
        divergences: Floats = (terms - cross) / total + np.log(n / total)
        return divergences


def _cumulated(values: NDArray[Any]) -> Floats:
    """Return the sums of the first 0, 1, ... of `values`; counts are exact up to 2**53."""
    return np.concatenate([[0.0], np.cumsum(values, dtype=np.float64)])


def _x_ln_x(counts: NDArray[Any]) -> Floats:
    x = counts.astype(np.float64)
    terms: Floats = x * np.log(np.where(x > 0, x, 1.0))
    return terms
