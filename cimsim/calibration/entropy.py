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

and every sum over neighbouring bins is a difference of cumulated sums.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

Counts = NDArray[np.int64]


@dataclass(frozen=True)
class BinGrid:
    """Codes on a histogram whose bins are numbered from zero: bin 0 is the first above it.

    Attributes:
        below, above: bins on either side of zero that the range covers.
        levels: number of codes.
        span: bins from the lowest code to the highest one; more than below + above where the
            codes are symmetric and the values are not.
    """

    below: int
    above: int
    levels: int
    span: int

    @classmethod
    def clipped(cls, bins: int, below: int, above: int, levels: int, *, symmetric: bool) -> Self:
        """Return the grid of a range of +-`bins` bins for values on `below` and `above` ones."""
        below, above = min(bins, below), min(bins, above)
        return cls(below, above, levels, 2 * bins if symmetric else below + above)

    def code(self, number: int) -> int:
        """Return the code of the centre of a bin: centre / step, rounded, ties upwards."""
        steps = self.levels - 1
        return ((2 * number + 1) * steps + self.span) // (2 * self.span)

    def starts(self) -> Counts:
        """Return the first bin of each code; needs levels <= span, so that each code has one."""
        steps = self.levels - 1
        codes = np.arange(self.code(-self.below) + 1, self.code(self.above - 1) + 1)
        first = -((steps - (2 * codes - 1) * self.span) // (2 * steps))
        return np.concatenate([[-self.below], first])


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
    sums = _CumulatedSums(counts)
    largest = best = max(below, above)
    least = math.inf
    for bins in range(largest, 0, -1):
        grid = BinGrid.clipped(bins, below, above, levels, symmetric=symmetric)
        if grid.span < levels:
            break
        divergence = sums.divergence(grid)
        if divergence < least:
            least, best = divergence, bins
    return best


class _CumulatedSums:
    """Sums over any run of bins of a histogram."""

    def __init__(self, counts: Counts) -> None:
        self._zero = len(counts) // 2
        self._counts = counts
        self._values = _cumulated(counts)
        self._used = _cumulated(counts > 0)
        self._terms = _cumulated(_x_ln_x(counts))

    def divergence(self, grid: BinGrid) -> float:
        """Return D in nats; infinite where an outermost bin is empty but values are clipped."""
        start, end = self._zero - grid.below, self._zero + grid.above
        total = self._values[-1]
        clipped = np.array([self._values[start], total - self._values[end]])
        outermost = self._counts[[start, end - 1]]
        if (outermost[clipped > 0] == 0).any():
            return math.inf
        edges = np.append(grid.starts() + self._zero, end)
        inside, used = np.diff(self._values[edges]), np.diff(self._used[edges])
        kept = inside.copy()  # p_c: what lies outside counts in the outermost codes
        kept[0] += clipped[0]
        kept[-1] += clipped[1]
        terms = self._terms[end] - self._terms[start]
        if end - start == 1:
            terms += _x_ln_x(outermost[:1] + clipped.sum())[0] - _x_ln_x(outermost[:1])[0]
        else:
            terms += (_x_ln_x(outermost + clipped) - _x_ln_x(outermost)).sum()
        full = inside > 0
        cross = kept[full] @ np.log(inside[full] / used[full])
        n = self._values[end] - self._values[start]
        return float((terms - cross) / total + math.log(n / total))


def _cumulated(values: NDArray[Any]) -> NDArray[np.float64]:
    """Return the sums of the first 0, 1, ... of `values`; counts are exact up to 2**53."""
    return np.concatenate([[0.0], np.cumsum(values, dtype=np.float64)])


def _x_ln_x(counts: NDArray[Any]) -> NDArray[np.float64]:
    x = counts.astype(np.float64)
    terms: NDArray[np.float64] = x * np.log(np.where(x > 0, x, 1.0))
    return terms
