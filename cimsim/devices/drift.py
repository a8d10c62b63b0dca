"""Retention: conductances move with time, g(t) = g(0) * t**(exponent * direction)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

AT_TARGET = 1e-9
"""Distance from the target, as a share of the range of states, below which a cell stays: states and
target are computed in different ways, and one unit in the last place must not set a direction."""


def direction_to_target(conductance: Floats, low: float, high: float, target: float) -> Floats:
    """Return +1, 0 or -1: the side on which the target lies, `target` = 0 at `low`, 1 at `high`."""
    distance = (low * (1.0 - target) + high * target) - conductance
    return np.where(np.abs(distance) > AT_TARGET * (high - low), np.sign(distance), 0.0)


def random_direction(draws: Floats) -> Floats:
    """Return -1, 0 or +1 with equal probability from uniform `draws` in (0, 1)."""
    return np.floor(draws * 3.0) - 1.0


def drift(
    conductance: Floats,
    direction: Floats,
    time: float,
    exponent: float,
    low: Floats | float,
    high: Floats | float,
) -> Floats:
    """Return the drifted conductance within [low, high]; `time` is over the reference time."""
    return np.clip(conductance * time ** (exponent * direction), low, high)
