"""The symmetric quantiser of DNN+NeuroSim V1.5 (functional specification, section 2).

All arithmetic is float32, step by step as on the reference's accelerator, so that codes agree to
the last unit. Ranges (`amax`) are scalars or arrays that broadcast against the values.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

SMALLEST_RANGE = 2.0**-24
"""Tensors with a smaller range quantise to zero (functional specification, section 2.1)."""

SHARES = np.arange(20, 101) / 100.0
"""Shares of the full range among which least squared error chooses."""


def code_bound(bits: int) -> int:
    """Return the largest magnitude of a signed code of `bits` bits: 2**(bits - 1) - 1."""
    return (1 << (bits - 1)) - 1


def symmetric_scale(amax: ArrayLike, bits: int) -> NDArray[np.float32]:
    """Return bound / amax in float32, and 0 where the range is too small to divide by."""
    limit = np.asarray(amax, dtype=np.float32)
    usable = limit >= np.float32(SMALLEST_RANGE)
    bound = np.float32(code_bound(bits))
    scale: NDArray[np.float32] = np.where(usable, bound / np.where(usable, limit, bound), 0)
    return scale.astype(np.float32)


def fake_quantize(values: ArrayLike, amax: ArrayLike, bits: int) -> NDArray[np.float32]:
    """Round `values` to the grid of `bits` bits within +-amax; the result is float32 again.

    q = clamp(rint(s * x), -bound, bound), result q / s, with s = bound / amax. A range below 2**-24
    gives zeros.
    """
    codes, scale = _rounded(values, amax, bits)
    divisor = np.where(scale > 0, scale, np.float32(1))
    return (codes / divisor).astype(np.float32)


def integer_codes(
    values: ArrayLike,
    amax: ArrayLike,
    bits: int,
    conversion: Literal["nearest", "truncate"] = "nearest",
) -> NDArray[np.int32]:
    """Return the signed integer codes of `values`.

    nearest: rint(s * x), clamped. truncate: the reference's way (quirk Q1), which scales the
    fake-quantised value back and drops the fraction, so that a code whose float32 round trip lands
    one unit in the last place too low loses one unit.
    """
    codes, scale = _rounded(values, amax, bits)
    if conversion == "nearest":
        return codes.astype(np.int32)
    round_trip = fake_quantize(values, amax, bits) * scale
    truncated: NDArray[np.int32] = np.trunc(round_trip).astype(np.int32)
    return truncated


def least_error_share(
    values: NDArray[np.float32], amax: NDArray[np.float32], bits: int, axis: int | None
) -> NDArray[np.float32]:
    """Return the share of `amax` whose range loses least, by mean squared error.

    Args:
        values: matrix.
        amax: range of each row (axis 1) or of all (axis None), of two dimensions.
        bits: of a code.
        axis: over which the error of one range is summed.

    Of equal shares the largest is taken, so that rows that any range holds exactly keep theirs.
    """
    best = np.ones_like(amax)
    least = np.full(amax.shape, np.inf)
    for share in SHARES[::-1].astype(np.float32):
        lost = fake_quantize(values, amax * share, bits) - values
        error = np.square(lost, dtype=np.float64).sum(axis=axis, keepdims=True)
        best = np.where(error < least, share, best)
        least = np.minimum(error, least)
    return best


def _rounded(
    values: ArrayLike, amax: ArrayLike, bits: int
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the codes as float32 and the scale."""
    scale = symmetric_scale(amax, bits)
    bound = np.float32(code_bound(bits))
    codes = np.clip(np.rint(np.asarray(values, dtype=np.float32) * scale), -bound, bound)
    return codes.astype(np.float32), scale
