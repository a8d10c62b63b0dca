"""Codes that are shifted to be non-negative, and the product without the shift.

zero_point: inputs [M, K] are non-negative already; weights are shifted by 2**(weight_bits - 1), and
a dummy column, the last of [K, N + 1], holds that shift.
data_minimum (DNN+NeuroSim V1.5): both are shifted by their minima, and there is a dummy vector, the
last of [M + 1, K], as well. The dummies are negative if all values are positive (quirk Q8).

Dummies are read from the array like all others, and their result is subtracted digitally.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cimsim.arrays.settings import ArraySettings

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


def shifted_inputs(
    codes: NDArray[np.integer], settings: ArraySettings, zero_point: int
) -> Integers:
    """Return the input codes that the array gets, [M, K] or [M + 1, K].

    Raises:
        ValueError: a zero point with data_minimum, which finds its own shift.
    """
    x = codes.astype(np.int64)
    if settings.input_shift == "zero_point":
        return x
    if zero_point:
        raise ValueError("input_shift data_minimum has no zero point")
    shift = -int(x.min())
    return np.vstack([x + shift, np.full((1, x.shape[1]), shift)])


def shifted_weights(weights: NDArray[np.integer], settings: ArraySettings) -> NDArray[np.int32]:
    """Return the weight codes W' that the array gets, dummy column included [K, N + 1]."""
    data_minimum = settings.input_shift == "data_minimum"
    shift = -int(weights.min()) if data_minimum else 1 << (settings.weight_bits - 1)
    shifted = np.zeros((len(weights), weights.shape[1] + 1), dtype=np.int32)
    shifted[:, :-1] = weights
    shifted += shift
    return shifted


def without_minima(z: Floats, settings: ArraySettings) -> Floats:
    """Return the product [M, N] from the results Z [M + 1, N + 1] of input_shift data_minimum.

    Z[m, n] - Z[M, n] - Z[m, N] + Z[M, N], in float32 under accumulation float32.
    """
    if settings.accumulation == "float32":
        return _four_terms(z.astype(np.float32)).astype(np.float64)
    return _four_terms(z)


def _four_terms(z: NDArray[Any]) -> NDArray[Any]:
    difference: NDArray[Any] = z[:-1, :-1] - z[-1:, :-1] - z[:-1, -1:] + z[-1:, -1:]
    return difference
