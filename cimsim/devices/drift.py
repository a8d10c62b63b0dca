"""Retention: conductances move with time, g(t) = g(0) * t**(exponent * direction)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cimsim.devices.csv_columns import read_columns
from cimsim.errors import UserError

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
    exponent: Floats | float,
    low: Floats | float,
    high: Floats | float,
) -> Floats:
    """Return the drifted conductance within [low, high]; `time` is over the reference time.

    `exponent` is one number or one for each cell.
    """
    return np.clip(conductance * time ** (exponent * direction), low, high)


def read_exponents(path: Path, states: int) -> Floats:
    """Read the drift exponent of each state, lowest first, from the column `exponent`.

    Raises:
        UserError: no such file, no such column, not exactly `states` rows, or an exponent that is
            not between 0 and 1.
    """
    exponents = read_columns(path, ("exponent",))["exponent"]
    if len(exponents) != states:
        raise UserError(
            f"{path}: {len(exponents)} rows of exponents; "
            f"allowed: exactly {states}, one per state of the cell"
        )
    for row, exponent in enumerate(exponents, start=1):
        if not 0.0 <= exponent <= 1.0:
            raise UserError(f"{path}: column exponent, row {row}: {exponent!r}; allowed: 0 to 1")
    return np.array(exponents)
