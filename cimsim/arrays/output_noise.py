"""Table of the noise of a whole column read, by ideal column sum."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cimsim.devices.csv_columns import read_columns
from cimsim.errors import UserError

Floats = NDArray[np.float64]


def read_output_noise(path: Path, needed: int, most: int) -> tuple[Floats, Floats]:
    """Read mean and standard deviation of the ADC input (cell-state steps) by ideal column sum.

    Row k is for the ideal sum k = 0, 1, 2, ...; the sums that can reach the ADC need `needed` rows,
    and there are at most `most`.

    Raises:
        UserError: no such file, a missing column, too few or too many rows, a value that is no
            finite number, a negative standard deviation, or `output` not 0, 1, 2, ... in order.
    """
    table = read_columns(path, ("output", "mean", "std"))
    rows = len(table["output"])
    if not needed <= rows <= most:
        raise UserError(
            f"{path}: {rows} rows of outputs; allowed: {needed} to {most} "
            "(one per ideal column sum from 0 to the largest one the ADC can meet)"
        )
    for row, (output, std) in enumerate(zip(table["output"], table["std"], strict=True), start=1):
        if output != row - 1:
            raise UserError(
                f"{path}: column output, row {row}: {output!r}; allowed: {row - 1} "
                "(rows are ideal column sums 0, 1, 2, ... in order)"
            )
        if std < 0.0:
            raise UserError(f"{path}: column std, row {row}: {std!r}; allowed: 0 or above")
    return np.array(table["mean"]), np.array(table["std"])
