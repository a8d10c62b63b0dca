"""Signed weights (and inputs) on cells that hold only non-negative numbers, and back.

Codes are shifted to be non-negative; dummy cells (and a dummy vector) that hold the shift are read
from the array like all others, and their result is subtracted digitally.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cimsim.arrays.settings import ArraySettings

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


def shifted_codes(
    codes: NDArray[np.integer],
    weights: NDArray[np.integer],
    settings: ArraySettings,
    zero_point: int,
) -> tuple[Integers, Integers]:
    """Return the input codes and the weight codes that the array gets, dummies included.

    zero_point: inputs [M, K] are non-negative already; weights are shifted by
    2**(weight_bits - 1) and a dummy column, the last of [K, N + 1], holds that shift.
    data_minimum (DNN+NeuroSim V1.5): both are shifted by their minima, and there is a dummy vector,
    the last of [M + 1, K], as well. The dummies are negative if all values are positive (quirk Q8).

    Raises:
        ValueError: a zero point with data_minimum, which finds its own shift.
    """
    return shifted_inputs(codes, settings, zero_point), shifted_weights(weights, settings)


def shifted_inputs(
    codes: NDArray[np.integer], settings: ArraySettings, zero_point: int
) -> Integers:
    """Return the input codes of :func:`shifted_codes`. Raises ValueError like it."""
    x = codes.astype(np.int64)
    if settings.input_shift == "zero_point":
        return x
    if zero_point:
        raise ValueError("input_shift data_minimum has no zero point")
    shift = -int(x.min())
    return np.vstack([x + shift, np.full((1, x.shape[1]), shift)])


def shifted_weights(weights: NDArray[np.integer], settings: ArraySettings) -> Integers:
    """Return the weight codes of :func:`shifted_codes`."""
    w = weights.astype(np.int64)
    data_minimum = settings.input_shift == "data_minimum"
    shift = -int(w.min()) if data_minimum else 1 << (settings.weight_bits - 1)
    return np.hstack([w + shift, np.full((len(w), 1), shift)])


def remove_shift(
    z: Floats, weights: NDArray[np.integer], settings: ArraySettings, zero_point: int
) -> Floats:
    """Return the product [M, N] from the array's results Z, dummies included.

    zero_point: Z[m, n] - Z[m, N] - zero_point * sum_k W[k, n]; the last term is exact.
    data_minimum: Z[m, n] - Z[M, n] - Z[m, N] + Z[M, N], in float32 under accumulation float32.
    """
    if settings.input_shift == "data_minimum":
        if settings.accumulation == "float32":
            return _four_terms(z.astype(np.float32)).astype(np.float64)
        return _four_terms(z)
    column_sums: Integers = weights.astype(np.int64).sum(axis=0)
    difference: Floats = z[:, :-1] - z[:, -1:]
    return difference - zero_point * column_sums


def _four_terms(z: NDArray[Any]) -> NDArray[Any]:
    difference: NDArray[Any] = z[:-1, :-1] - z[-1:, :-1] - z[:-1, -1:] + z[-1:, -1:]
    return difference
