"""From measured conductances of cells to a table of states and a preset of the cell."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
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
    """Cells that were programmed to one state: their number, mean and standard deviation (S).

    The number is 0 where mean and deviation were given, not the cells.
    """

    cells: int
    mean: float
    std: float


@dataclass(frozen=True)
class Columns:
    """The columns of a file of measurements, and the unit (see UNITS) of its conductances.

    With a column of the `deviation`, a row is a state and not a cell.
    """

    state: str = "state"
    conductance: str = "conductance"
    unit: str = "S"
    deviation: str = ""


def measured_states(path: Path, columns: Columns = Columns()) -> list[State]:
    """Return the states of a CSV that has a row a cell: its state and its conductance.

    States may have any numbers; they are sorted by mean conductance, lowest first. The deviation is
    that of the sample (n - 1). With a column of deviations a row is a state, its conductance the
    mean.

    Raises:
        UserError: the file cannot be read, the states are not a power of two, a state has one cell
            alone, or two rows with a deviation; a number is negative, the lowest state has
            conductance 0, the highest that of no memory cell, or means are equal.
    """
    hint = ", or others by --state and --conductance"
    names = [columns.state, columns.conductance, columns.deviation]
    table = read_columns(path, [name for name in names if name], hint)
    for name in names[1:]:
        for row, value in enumerate(table.get(name, ()), start=1):
            if value < 0.0:
                raise UserError(
                    f"{path}: column {name}, row {row}: {value!r}; allowed: 0 or above "
                    f"({columns.unit})"
                )
    found = _given(path, table, columns) if columns.deviation else _sampled(path, table, columns)
    if len(found) not in [2**bits for bits in range(1, MOST_BITS + 1)]:
        raise UserError(f"{path}: {len(found)} states; allowed: 2, 4, 8 or 16, a whole cell")
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


def _given(path: Path, table: dict[str, list[float]], columns: Columns) -> list[State]:
    """Return the states of rows that have a mean and a deviation each."""
    states = table[columns.state]
    for state in states:
        if states.count(state) > 1:
            raise UserError(
                f"{path}: state {state:g} has {states.count(state)} rows; allowed: one, because "
                f"column {columns.deviation} has deviations of states"
            )
    unit = UNITS[columns.unit]
    rows = zip(table[columns.conductance], table[columns.deviation], strict=True)
    return [State(0, mean * unit, std * unit) for mean, std in rows]


def _sampled(path: Path, table: dict[str, list[float]], columns: Columns) -> list[State]:
    """Return the states of rows that are a cell each."""
    cells: dict[float, list[float]] = defaultdict(list)
    for state, conductance in zip(table[columns.state], table[columns.conductance], strict=True):
        cells[state].append(conductance * UNITS[columns.unit])
    for state, held in cells.items():
        if len(held) < 2:
            raise UserError(
                f"{path}: state {state:g} has one row; allowed: two cells or more, or a row a "
                "state with its mean and a column of deviations, which --deviation names"
            )
    return [
        State(len(held), float(np.mean(held)), float(np.std(held, ddof=1)))
        for held in cells.values()
    ]


def describe(states: Sequence[State], unit: str) -> list[str]:
    """Return a line a state, in `unit`: mean, deviation, and how far it is from even spacing.

    A last line says where evenly spaced states between the outermost ones would be.
    """
    scale = UNITS[unit]
    step = (states[-1].mean - states[0].mean) / (len(states) - 1)
    even = [states[0].mean + index * step for index in range(len(states))]
    lines = []
    for index, (held, target) in enumerate(zip(states, even, strict=True)):
        cells = f"{held.cells} cells, " if held.cells else ""
        lines.append(
            f"state {index}: {cells}{held.mean / scale:.4g} {unit}, deviation "
            f"{held.std / held.mean:.1%} ({held.std / step:.3f} steps), "
            f"{(held.mean - target) / step:+.3f} steps from even spacing"
        )
    targets = ", ".join(f"{target / scale:.4g}" for target in even)
    return [*lines, f"even spacing: {targets} {unit}"]


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
