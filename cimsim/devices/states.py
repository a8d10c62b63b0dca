"""Nominal memory states: from two resistances, or from a table of mean and standard deviation."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cimsim.devices.csv_columns import read_columns
from cimsim.errors import UserError

Floats = NDArray[np.float64]


def two_resistance_states(states: int, resistance_on: float, resistance_off: float) -> Floats:
    """Return evenly spaced conductances (S) from 1 / resistance_off to 1 / resistance_on (ohm)."""
    off, on = 1.0 / resistance_off, 1.0 / resistance_on
    return off + np.arange(states) * (on - off) / (states - 1)


def sram_states() -> Floats:
    """Return the states of an SRAM bit: its off current is negligible against its on current."""
    return np.array([0.0, 1.0])


def read_states(path: Path, states: int) -> tuple[Floats, Floats]:
    """Read mean and standard deviation (S or F) of each state, lowest first.

    Raises:
        UserError: no such file, no column `mean` or `std`, not exactly `states` rows, a value that
            is no finite number, a negative value, or means that do not increase.
    """
    table = read_columns(path, ("mean", "std"))
    mean, std = table["mean"], table["std"]
    if len(mean) != states:
        raise UserError(
            f"{path}: {len(mean)} rows of states; "
            f"allowed: exactly {states}, one per state of the cell"
        )
    for name, column in table.items():
        _refuse_negative(path, name, column)
    for row in range(1, states):
        if mean[row] <= mean[row - 1]:
            raise UserError(
                f"{path}: column mean, row {row + 1}: {mean[row]!r} is not above "
                f"{mean[row - 1]!r}; allowed: means that increase from state to state"
            )
    return np.array(mean), np.array(std)


def _refuse_negative(path: Path, name: str, column: Sequence[float]) -> None:
    for row, value in enumerate(column, start=1):
        if value < 0.0:
            raise UserError(f"{path}: column {name}, row {row}: {value!r}; allowed: 0 or above")
