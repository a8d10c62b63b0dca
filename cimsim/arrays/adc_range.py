"""The ADC range of a layer from the column sums that its calibration images give."""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
from numpy.typing import NDArray

RANGES = 512
"""Ranges (at most) among which the mse observer chooses."""


def calibrated_step(
    histogram: NDArray[np.int64],
    observer: Literal["max", "percentile", "mse"],
    percentile: float,
    codes: int,
) -> float:
    """Return the ADC step, in units, and never below 1: a finer one resolves no integer sum.

    The range ends at the largest sum (max), at the smallest sum such that `percentile` % of the
    sums are not above it, or where the mean squared error of the converted sums is least (mse).
    The step is that sum over `codes`.

    Args:
        histogram: int64, how often each sum 0, 1, 2, ... occurs; at least one does.
        codes: steps above code 0 in the range.
    """
    largest = int(np.flatnonzero(histogram)[-1])
    if observer == "mse":
        return _least_error(histogram, largest, codes)
    if observer == "percentile":
        total = int(histogram.sum())
        rank = min(total, max(1, math.ceil(total * (percentile / 100.0))))
        largest = int(np.searchsorted(np.cumsum(histogram), rank))
    return max(1.0, largest / codes)


def _least_error(histogram: NDArray[np.int64], largest: int, codes: int) -> float:
    """Return the step of least mean squared error; of equal ones the finest."""
    sums = np.flatnonzero(histogram)
    counts = histogram[sums].astype(np.float64)
    ends = np.unique(np.rint(np.linspace(min(codes, largest), largest, RANGES)))
    steps = np.maximum(1.0, ends / codes)
    errors = [
        float(counts @ (step * np.clip(np.rint(sums / step), 0, codes) - sums) ** 2)
        for step in steps
    ]
    return float(steps[int(np.argmin(errors))])
