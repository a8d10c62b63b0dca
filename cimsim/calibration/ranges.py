"""The range of an activation that a quantiser covers, from calibration images batch by batch."""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from cimsim.calibration.entropy import least_divergence
from cimsim.calibration.quantizer import SHARES

HALF_BINS = 8192
"""Histogram bins on each side of zero."""

Floats = NDArray[np.float64]

Method = Literal["max", "percentile", "mse", "entropy"]


class RangeObserver:
    """Minimum, maximum and histogram of all values seen.

    The histogram spans +-2**e with the smallest e that holds all values. Where the span has to
    double, pairs of bins merge exactly, so the result does not depend on how images are batched.
    """

    def __init__(self) -> None:
        self._minimum, self._maximum = math.inf, -math.inf
        self._exponent: int | None = None
        self._zeros = 0
        self._counts = np.zeros(2 * HALF_BINS, dtype=np.int64)

    def update(self, values: NDArray[np.float32]) -> None:
        """Take in one batch of finite values."""
        flat = values.ravel().astype(np.float64)
        self._minimum = min(self._minimum, float(flat.min()))
        self._maximum = max(self._maximum, float(flat.max()))
        self._zeros += int(np.count_nonzero(flat == 0.0))
        largest = max(-self._minimum, self._maximum)
        if largest == 0.0:
            return
        self._widen(math.frexp(largest)[1])
        bins = np.floor(flat * (HALF_BINS / self._span)).astype(np.int64) + HALF_BINS
        self._counts += np.bincount(bins[flat != 0.0], minlength=self._counts.size)

    def range(
        self, method: Method, percentile: float, levels: int, *, symmetric: bool = False
    ) -> tuple[float, float]:
        """Return (lowest, highest) value that the quantiser covers; 0 is always within.

        max: all values. percentile: that share (%) of the values, smallest magnitudes
        first. mse: the share of the full range that minimises the mean square difference
        between the values and their rounding to `levels` codes. entropy: the magnitude up to which
        codes keep most information (:mod:`cimsim.calibration.entropy`; exact zeros are left out:
        they have a code of their own in every range).

        With `symmetric` the codes that mse and entropy look at reach as far on either side.

        Raises:
            ValueError: no values were seen.
        """
        if self._minimum > self._maximum:
            raise ValueError("no batch has been observed")
        low, high = min(self._minimum, 0.0), max(self._maximum, 0.0)
        if low == high or method == "max":
            return low, high
        if method == "mse" and not symmetric:
            share = self._best_share(low, high, levels)
            return low * share, high * share
        if method == "mse":
            largest = max(-low, high)
            magnitude = largest * self._best_share(-largest, largest, levels)
        elif method == "entropy":
            magnitude = self._most_informative(levels, symmetric)
        else:
            magnitude = self._percentile(percentile)
        return max(low, -magnitude), min(high, magnitude)

    @property
    def counted(self) -> int:
        """Number of values seen."""
        return self._zeros + int(self._counts.sum())

    def histogram(self) -> tuple[NDArray[np.int64], int, int]:
        """Return the counts of values other than 0, half of the bins below 0.

        With them the number of bins on either side of 0 that reach to the lowest and the highest
        value; needs a value other than 0.
        """
        width = self._span / HALF_BINS
        below = math.ceil(max(0.0, -self._minimum) / width)
        above = math.floor(self._maximum / width) + 1 if self._maximum > 0.0 else 0
        return self._counts, below, above

    @property
    def _span(self) -> float:
        assert self._exponent is not None
        return math.ldexp(1.0, self._exponent)

    def _widen(self, exponent: int) -> None:
        if self._exponent is None:
            self._exponent = exponent
        while self._exponent < exponent:
            merged = self._counts.reshape(-1, 2).sum(axis=1)
            self._counts = np.pad(merged, HALF_BINS // 2)
            self._exponent += 1

    def _percentile(self, percentile: float) -> float:
        """Return the upper edge of the first bin of |x| that reaches the percentile."""
        magnitudes = self._counts[HALF_BINS:] + self._counts[HALF_BINS - 1 :: -1]
        total = self._zeros + np.cumsum(magnitudes)
        needed = total[-1] * (percentile / 100.0)
        return float(int(np.searchsorted(total, needed)) + 1) * self._span / HALF_BINS

    def _most_informative(self, levels: int, symmetric: bool) -> float:
        """Return the upper edge of the last bin of |x| that the range of least divergence holds."""
        counts, below, above = self.histogram()
        bins = least_divergence(counts, below, above, levels, symmetric=symmetric)
        return bins * self._span / HALF_BINS

    def _best_share(self, low: float, high: float, levels: int) -> float:
        """Return the candidate with the least square error; the largest of equal ones."""
        used = np.flatnonzero(self._counts)
        centres = (used + 0.5 - HALF_BINS) * (self._span / HALF_BINS)
        errors = [
            float(self._counts[used] @ _rounding_error(centres, low * s, high * s, levels) ** 2)
            for s in SHARES[::-1]
        ]
        return float(SHARES[::-1][int(np.argmin(errors))])


def _rounding_error(values: NDArray[np.floating], low: float, high: float, levels: int) -> Floats:
    """Return what is lost when `values` are clipped to a range and rounded to `levels` codes."""
    step = (high - low) / (levels - 1)
    difference: Floats = np.rint(np.clip(values, low, high) / step) * step - values
    return difference
