"""Ranges (amax) of a tensor, gathered batch by batch (functional specification, section 2.3)."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

HISTOGRAM_BINS = 2048
"""Bins over the range of the first batch."""

REFERENCE_PERCENTILE = 99.9999
"""Percentile that the reference's histogram calibration uses."""


class MaxObserver:
    """Running maximum of |x|, over the whole tensor or per slice along `axis`."""

    def __init__(self, axis: int | None = None) -> None:
        self._axis = axis
        self._amax: NDArray[np.float32] | None = None

    def update(self, values: ArrayLike) -> None:
        """Take in one batch. The result keeps size 1 in every dimension but `axis`."""
        magnitude = np.abs(np.asarray(values, dtype=np.float32))
        if self._axis is None:
            batch = np.asarray(magnitude.max(initial=0.0), dtype=np.float32)
        else:
            axis = self._axis % magnitude.ndim
            others = tuple(d for d in range(magnitude.ndim) if d != axis)
            batch = magnitude.max(axis=others, keepdims=True)
        self._amax = batch if self._amax is None else np.maximum(self._amax, batch)

    def amax(self) -> NDArray[np.float32]:
        """Return the range. Raises ValueError before the first batch."""
        if self._amax is None:
            raise ValueError("no batch has been observed")
        return self._amax


class HistogramObserver:
    """Histogram of |x| whose bins keep their width and are added to when the maximum grows."""

    def __init__(self, bins: int = HISTOGRAM_BINS) -> None:
        self._bins = bins
        self._counts: NDArray[np.int64] = np.zeros(0, dtype=np.int64)
        self._width = 0.0

    def update(self, values: ArrayLike) -> None:
        """Take in one batch; a tensor of zeros only is not counted."""
        magnitude = np.abs(np.asarray(values, dtype=np.float32)).ravel().astype(np.float64)
        largest = float(magnitude.max(initial=0.0))
        if largest == 0.0:
            return
        if not self._counts.size:
            self._width = largest / self._bins
            self._counts = np.zeros(self._bins, dtype=np.int64)
        elif largest > self._width * self._counts.size:
            bins = int(np.ceil(largest / self._width))
            self._counts = np.pad(self._counts, (0, bins - self._counts.size))
        index = np.minimum((magnitude / self._width).astype(np.int64), self._counts.size - 1)
        self._counts += np.bincount(index, minlength=self._counts.size)

    def amax(self, percentile: float = REFERENCE_PERCENTILE) -> np.float32:
        """Return the left edge of the first bin at which the cumulated share reaches `percentile`.

        Raises ValueError before the first batch that is not all zero.
        """
        if not self._counts.size:
            raise ValueError("no batch with a value other than zero has been observed")
        share = np.cumsum(self._counts) / self._counts.sum()
        bin_index = int(np.searchsorted(share, percentile / 100.0))
        return np.float32(self._width * bin_index)
