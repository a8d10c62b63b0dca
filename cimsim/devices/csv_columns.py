"""Reading named columns of numbers from a CSV file, with an error that names the cell."""

from __future__ import annotations

import csv
import math
from collections.abc import Sequence
from pathlib import Path

from cimsim.errors import UserError


def read_columns(path: Path, names: Sequence[str], hint: str = "") -> dict[str, list[float]]:
    """Read the columns `names`, found by their header, as finite numbers; rows count from 1.

    Other columns and empty lines are ignored. A missing column is refused with the `hint`.

    Raises:
        UserError: the file cannot be read, a column is missing or there twice, a row is too short,
            or a value is no finite number.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            lines = [line for line in csv.reader(file) if any(cell.strip() for cell in line)]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"{path}: cannot be read as CSV: {error}") from error
    if not lines:
        raise UserError(f"{path}: the file is empty; allowed: a header with {', '.join(names)}")
    header = [cell.strip() for cell in lines[0]]
    for name in names:
        if header.count(name) != 1:
            found = (
                "is there twice" if name in header else f"is missing (found: {', '.join(header)})"
            )
            raise UserError(
                f"{path}: column {name} {found}; allowed: columns {', '.join(names)}{hint}"
            )
    columns: dict[str, list[float]] = {name: [] for name in names}
    for row, line in enumerate(lines[1:], start=1):
        for name in names:
            index = header.index(name)
            text = line[index].strip() if index < len(line) else ""
            columns[name].append(_number(path, name, row, text))
    return columns


def _number(path: Path, name: str, row: int, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise UserError(f"{path}: column {name}, row {row}: {text!r}; allowed: a finite number")
    return value
