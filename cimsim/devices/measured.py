"""From measured conductances of cells to a table of states and a preset of the cell."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

from cimsim.devices.csv_columns import read_columns
from cimsim.errors import UserError
from cimsim.tables import write_atomically

MOST_BITS = 4

UNITS = {"S": 1.0, "mS": 1e-3, "uS": 1e-6, "nS": 1e-9}
"""Units of conductance, in siemens."""

MOST_CONDUCTANCE = 0.01
"""Siemens (100 ohm); a mean above it is no memory cell's but given in another unit."""


@dataclass(frozen=True)
class State:
    """Cells that were programmed to one state: their number, mean and standard deviation (S)."""

    cells: int
    mean: float
    std: float


@dataclass(frozen=True)
class Columns:
    """The columns of a file of measurements, and the unit (see UNITS) of its conductances."""

    state: str = "state"
    conductance: str = "conductance"
    unit: str = "S"


def measured_states(path: Path, columns: Columns = Columns()) -> list[State]:
    """Return the states of a CSV that has a row a cell: its state and its conductance.

    States may have any numbers; they are sorted by mean conductance, lowest first. The deviation is
    that of the sample (n - 1).

    Raises:
        UserError: the file cannot be read, the states are not a power of two, a state has one cell
            alone, a conductance is negative, zero throughout or that of no memory cell, or means
            are equal.
    """
    hint = ", or others by --state and --conductance"
    table = read_columns(path, (columns.state, columns.conductance), hint)
    cells: dict[float, list[float]] = defaultdict(list)
    rows = zip(table[columns.state], table[columns.conductance], strict=True)
    for row, (state, conductance) in enumerate(rows, start=1):
        if conductance < 0.0:
            raise UserError(
                f"{path}: column {columns.conductance}, row {row}: {conductance!r}; "
                f"allowed: 0 or above ({columns.unit})"
            )
        cells[state].append(conductance * UNITS[columns.unit])
    if len(cells) not in [2**bits for bits in range(1, MOST_BITS + 1)]:
        raise UserError(f"{path}: {len(cells)} states; allowed: 2, 4, 8 or 16, a whole cell")
    for state, held in cells.items():
        if len(held) < 2:
            raise UserError(f"{path}: state {state:g} has one row; allowed: two cells or more")
    found = [
        State(len(held), float(np.mean(held)), float(np.std(held, ddof=1)))
        for held in cells.values()
    ]
    found.sort(key=lambda state: state.mean)
    for low, high in pairwise(found):
        if not 0.0 <= low.mean < high.mean:
            raise UserError(f"{path}: two states have the mean {low.mean:g} S; allowed: different")
    if found[0].mean == 0.0:
        raise UserError(
            f"{path}: the lowest state has conductance 0, hence no finite resistance for the "
            "hardware model; allowed: above 0"
        )
    if found[-1].mean > MOST_CONDUCTANCE:
        raise UserError(
            f"{path}: column {columns.conductance}: the highest state has {found[-1].mean:.4g} S; "
            f"allowed: {MOST_CONDUCTANCE:g} S at most; if the column is in another unit, say so: "
            "--unit uS"
        )
    return found


def write_cell(
    measured: Path, output: Path, technology: str, columns: Columns = Columns()
) -> list[State]:
    """Write a preset of the cell to `output` (YAML) and its states beside it; return the states.

    Raises:
        UserError: as :func:`measured_states`; a file cannot be written.
    """
    states = measured_states(measured, columns)
    table = output.with_name(f"{output.stem}-states.csv")
    lines = ["mean,std", *(f"{s.mean!r},{s.std!r}" for s in states)]
    bits = len(states).bit_length() - 1
    text = f"""description: Cell of {bits} bit{"s" * (bits > 1)}, measured ({measured.name})
cell:
  technology: {technology}
  bits: {bits}
  resistance_on: {1 / states[-1].mean!r}  # ohm; 1 / mean of the highest state
  resistance_off: {1 / states[0].mean!r}  # ohm; 1 / mean of the lowest state
  states_file: {table.name}  # mean and deviation (S) of each state
"""
    write_atomically(table, lambda path: path.write_text("\n".join(lines) + "\n"))
    write_atomically(output, lambda path: path.write_text(text))
    return states
