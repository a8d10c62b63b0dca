"""A campaign's results beside published ones: published.csv and what figures show of it."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from cimsim.analysis import schemas
from cimsim.analysis.selection import Row, distinct, stage_of, telling, varying
from cimsim.campaign.expand import Campaign
from cimsim.campaign.figure import WITH_INTERVAL, Figure
from cimsim.campaign.labels import quantity, value_text
from cimsim.campaign.published import Published
from cimsim.errors import UserError
from cimsim.tables import read_table, write_atomically

COLUMNS = (
    "source",
    "second_hand",
    "design",
    "measure",
    "theirs",
    "theirs_low",
    "theirs_high",
    "ours",
    "ours_low",
    "ours_high",
    "difference",
    "relative_difference",
    "id",
    "note",
)
"""Columns of published.csv; difference: ours minus theirs; relative: over theirs."""


def matching(figure: Published, points: Sequence[Row]) -> Row | None:
    """Return the design point that a published figure is about; None if there is none.

    Raises:
        UserError: it could be several points with different results.
    """
    found = [
        row
        for row in points
        if all(row[name] == value for name, value in figure.parameters.items())
    ]
    if not found:
        return None
    chosen = distinct(found, [stage_of(figure.measure)])
    if len(chosen) > 1:
        differing = ", ".join(telling(chosen, varying(chosen)))
        raise UserError(
            f"published {figure.measure} of {figure.source}: {len(chosen)} design points match; "
            f"give the columns that tell them apart: {differing}"
        )
    return chosen[0]


def differences(published: Iterable[Published], points: Sequence[Row]) -> list[dict[str, Any]]:
    """Return one row (COLUMNS) for each published figure; ours is None without such a point."""
    found = []
    for figure in published:
        row = matching(figure, points)
        ours = row[figure.measure] if row else None
        ends = figure.measure in WITH_INTERVAL and row is not None
        difference = None if ours is None else ours - figure.value
        found.append(
            {
                "source": figure.source,
                "second_hand": figure.second_hand,
                "design": ", ".join(
                    f"{quantity(name).words} {value_text(name, value)}"
                    for name, value in figure.parameters.items()
                ),
                "measure": figure.measure,
                "theirs": figure.value,
                "theirs_low": figure.low,
                "theirs_high": figure.high,
                "ours": ours,
                "ours_low": row[f"{figure.measure}_low"] if row and ends else None,
                "ours_high": row[f"{figure.measure}_high"] if row and ends else None,
                "difference": difference,
                "relative_difference": difference / figure.value
                if difference is not None and figure.value
                else None,
                "id": row["id"] if row else None,
                "note": figure.note,
            }
        )
    return found


def write_differences(campaign: Campaign, *, directory: Path, output: Path) -> None:
    """Write published.csv of a campaign from its points.

    Raises:
        UserError: a table is missing, or a published figure could be several points.
    """
    points = read_table(directory / "points.parquet", schemas.points()).to_pylist()
    rows = differences(campaign.published, points)

    def write(path: Path) -> None:
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)

    write_atomically(output, write)


def of_line(figure: Figure, published: Iterable[Published]) -> list[Published]:
    """Return the published figures that a figure of kind line shows: its measure, at a value of x,
    within its filter."""
    return [
        held
        for held in published
        if held.measure == figure.y
        and figure.x in held.parameters
        and all(
            name not in held.parameters or figure.admits(name, held.parameters[name])
            for name in figure.filter
        )
    ]
