"""Stuck-at faults: cells that hold the lowest or the highest state whatever was written."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Digits = NDArray[np.uint8]


def stick_as_given(
    digits: Digits, draws: NDArray[np.float64], rate_0: float, rate_1: float, highest: int
) -> Digits:
    """Return `digits` with cells stuck at 0 (probability rate_0) and at `highest` (rate_1).

    `draws` are uniform in (0, 1), one per cell: below rate_0 stuck at 0, from there to
    rate_0 + rate_1 stuck at the highest state. Draws belong to cells, so that with rate_1 = 0 a
    larger rate_0 keeps the cells that a smaller one has stuck.
    """
    stuck = np.where(draws < rate_0 + rate_1, np.uint8(highest), digits)
    return np.where(draws < rate_0, np.uint8(0), stuck).astype(np.uint8)


def stick_squared(
    digits: Digits, draws: NDArray[np.float64], rate_0: float, rate_1: float, highest: int
) -> Digits:
    """Return `digits` with the reference's share of stuck cells (quirk Q5).

    Exactly floor(cells * (rate_0 + rate_1)) cells are picked. The first ceil(picked * rate_0) of
    them are stuck at 0, all others at the highest state, each only if its rate is above 0.
    """
    order = np.argsort(draws, axis=None, kind="stable")
    picked = order[: math.floor(order.size * (rate_0 + rate_1))]
    zeros = math.ceil(picked.size * rate_0)
    result = digits.flatten()
    if rate_0 > 0.0:
        result[picked[:zeros]] = 0
    if rate_1 > 0.0:
        result[picked[zeros:]] = highest
    return result.reshape(digits.shape)
