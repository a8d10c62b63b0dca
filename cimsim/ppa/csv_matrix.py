"""Matrices of numbers in CSV files without header: read fast, and an error names its place."""

from __future__ import annotations

import math
from pathlib import Path
from typing import NoReturn

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv
from numpy.typing import NDArray

from cimsim.errors import UserError

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def read_matrix(path: Path) -> NDArray[np.float64]:
    """Return the numbers of a CSV file, float64 ``[lines, fields]``.

    Every line has as many fields as the first; blank lines at the end and a byte-order mark are
    ignored. One file is held in memory at a time, as text and as numbers.

    Raises:
        UserError: the file cannot be read, is empty, or holds something else; the message names
            line and column (the number of the field), both from 1.
    """
    try:
        text = path.read_bytes()
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror or error}") from error
    text = text.removeprefix(_BYTE_ORDER_MARK).rstrip()
    if not text:
        raise UserError(f"{path}: the file is empty; allowed: lines of numbers")
    first, _, _ = text.partition(b"\n")
    names = [str(i) for i in range(first.count(b",") + 1)]
    try:
        table = pacsv.read_csv(
            pa.BufferReader(text),
            # A block is at least a line, and a line can be longer than the default block.
            read_options=pacsv.ReadOptions(column_names=names, block_size=len(text) + 1),
            parse_options=pacsv.ParseOptions(quote_char=False, ignore_empty_lines=False),
            convert_options=pacsv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.float64()), null_values=[]
            ),
        )
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        _refuse(path, text, str(error))
    matrix = np.empty((table.num_rows, table.num_columns))
    for index, column in enumerate(table.columns):
        matrix[:, index] = column.to_numpy()
    if not np.isfinite(matrix).all():
        _refuse(path, text, "a number is not finite")
    return matrix


def refuse_field(path: Path, row: int, column: int, problem: str) -> NoReturn:
    """Raise the error about one field of a matrix; `row` and `column` count from 0.

    Raises:
        UserError: always.
    """
    raise UserError(f"{path}: line {row + 1}, column {column + 1}: {problem}")


def check_fields(
    path: Path, matrix: NDArray[np.float64], wrong: NDArray[np.bool_], rule: str
) -> None:
    """Refuse a matrix of which a field is `wrong`; the first one is named, with the `rule`.

    Raises:
        UserError: a field is wrong.
    """
    if not wrong.any():
        return
    row, column = (int(i) for i in np.unravel_index(np.argmax(wrong), wrong.shape))
    refuse_field(path, row, column, f"{matrix[row, column]:.6g}; allowed: {rule}")


def _refuse(path: Path, text: bytes, reason: str) -> NoReturn:
    """Find what the fast reader has refused, field by field, and name its place."""
    width = 0
    for row, line in enumerate(text.split(b"\n")):
        fields = line.decode("utf-8", "replace").split(",")
        width = width or len(fields)
        for column, field in enumerate(fields[:width]):
            if not _is_number(field):
                refuse_field(path, row, column, f"{field.strip()[:40]!r}; allowed: a finite number")
        if len(fields) != width:
            raise UserError(
                f"{path}: line {row + 1}, column {min(len(fields), width) + 1}: the line has "
                f"{len(fields)} fields but line 1 has {width}"
            )
    raise UserError(f"{path}: cannot be read as CSV: {' '.join(reason.split())[:200]}")


def _is_number(field: str) -> bool:
    try:
        return "_" not in field and math.isfinite(float(field))
    except ValueError:
        return False
