"""Figures that others have published, to be shown beside a campaign's own.

A CSV file has one row a figure. Columns: `measure` (a column of points.parquet), `value`, `source`;
optional `low` and `high` (its interval), `second_hand` (true where the number was seen in another
text than the source's own), `note`; all other columns are parameters of the design, empty where the
row says nothing about one. Names of files are relative to the CSV file. Values are in the units of
points.parquet: accuracies are shares.
"""

from __future__ import annotations

import csv
import os
from dataclasses import dataclass
from pathlib import Path

from cimsim.campaign.figure import MEASURES
from cimsim.campaign.keys import FILE_FIELDS, NO_FILE
from cimsim.campaign.parameters import Value, parameters
from cimsim.errors import UserError, nearest

REQUIRED = ("measure", "value", "source")
OPTIONAL = ("low", "high", "second_hand", "note")
FLAGS = {"": False, "false": False, "true": True}


@dataclass(frozen=True)
class Published:
    """One published figure.

    Attributes:
        parameters: what the design has to be, by dotted name.
        measure: column of points.parquet.
        value: in the unit of that column.
        low: lower end of its interval, if one is published.
        high: upper end.
        source: publication, in a few words.
        second_hand: whether the number was taken from another text than the source's own.
        note: anything else.
    """

    parameters: dict[str, Value]
    measure: str
    value: float
    low: float | None
    high: float | None
    source: str
    second_hand: bool
    note: str

    @property
    def cited(self) -> str:
        """The source, with what a reader has to know about how it was read."""
        return f"{self.source} (second-hand)" if self.second_hand else self.source


def read_published(path: Path) -> tuple[Published, ...]:
    """Return the rows of a file of published figures.

    Raises:
        UserError: the file is missing, or a column or value in it is not allowed.
    """
    try:
        with path.open(newline="", encoding="utf-8") as file:
            reader = csv.DictReader(file)
            columns = tuple(reader.fieldnames or ())
            rows = list(reader)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"{path}: cannot be read: {error}") from error
    for name in REQUIRED:
        if name not in columns:
            raise UserError(f"{path}: column {name} is missing; required: {', '.join(REQUIRED)}")
    for name in columns:
        if name not in (*REQUIRED, *OPTIONAL) and name not in parameters():
            hint = nearest(name, (*REQUIRED, *OPTIONAL, *parameters()))
            raise UserError(f"{path}: column '{name}' is no parameter{hint}")
    return tuple(_row(path, number, row) for number, row in enumerate(rows, start=2))


def _row(path: Path, line: int, row: dict[str, str]) -> Published:
    place = f"{path}: line {line}"
    if row["measure"] not in MEASURES:
        raise UserError(
            f"{place}: measure is '{row['measure']}'{nearest(row['measure'], MEASURES)}; "
            f"allowed: {', '.join(MEASURES)}"
        )
    flag = row.get("second_hand") or ""
    if flag not in FLAGS:
        raise UserError(f"{place}: second_hand is '{flag}'; allowed: true, false")
    known = parameters()
    return Published(
        parameters={
            name: _file(path, text)
            if name in FILE_FIELDS and text not in NO_FILE
            else _value(place, name, text, known[name].kind)
            for name, text in row.items()
            if name in known and text
        },
        measure=row["measure"],
        value=_number(place, "value", row["value"]),
        low=_number(place, "low", row["low"]) if row.get("low") else None,
        high=_number(place, "high", row["high"]) if row.get("high") else None,
        source=row["source"],
        second_hand=FLAGS[flag],
        note=row.get("note") or "",
    )


def _file(path: Path, text: str) -> str:
    """Return a file that is named relative to the CSV file as a campaign's design points name it;
    it need not be there."""
    return os.path.normpath(path.parent / text)


def _value(place: str, name: str, text: str, kind: type) -> Value:
    if kind is bool:
        if text not in ("true", "false"):
            raise UserError(f"{place}: {name} is '{text}'; allowed: true, false")
        return text == "true"
    if kind in (int, float):
        number = _number(place, name, text)
        return int(number) if kind is int else number
    return text


def _number(place: str, name: str, text: str | None) -> float:
    try:
        return float(text or "")
    except ValueError:
        raise UserError(f"{place}: {name} is '{text}' but must be a number") from None
