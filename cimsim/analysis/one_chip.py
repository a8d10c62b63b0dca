"""What the figures of single chips share: which points are one chip, and the rows of its layers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from cimsim.analysis import schemas
from cimsim.analysis.budget import POINT_CODES, POINT_LAYERS
from cimsim.analysis.selection import Row, distinct, telling, varying
from cimsim.campaign.figure import Figure
from cimsim.campaign.layer_rules import bits_by_layer
from cimsim.errors import UserError
from cimsim.tables import read_rows_where


def only_one(figure: Figure, points: Sequence[Row], stage: str) -> Row:
    """Return the one point, of those that share the result of `stage`.

    Raises:
        UserError: there are several; the message names what tells them apart.
    """
    chosen = distinct(points, [stage])
    if len(chosen) == 1:
        return chosen[0]
    differing = ", ".join(telling(chosen, varying(chosen))) or "nothing that is a parameter"
    where = ", a colour" if figure.kind in ("layers", "roofline") else ""
    where += " or a facet" if figure.kind == "floorplan" else ""
    raise UserError(
        f"figure {figure.name}: {len(chosen)} design points but one is shown; they differ in "
        f"{differing}; name a sweep, a filter{where} that leaves one"
    )


def layers_of(directory: Path, row: Row) -> list[Row]:
    """Return the rows of layers.parquet of a point, in order of execution.

    Raises:
        UserError: the table is missing or damaged.
    """
    return read_rows_where(directory / "layers.parquet", schemas.layers(), "id", row["id"])


def matrix_layers_of(directory: Path, row: Row) -> list[Row]:
    """Return the rows of the matrix layers on arrays of a point."""
    found = layers_of(directory, row)
    return [layer for layer in found if layer["operation"] == "matrix" and layer["tile_rows"]]


def budget_layers_of(directory: Path, row: Row) -> list[Row]:
    """Return the rows of budget_layers.parquet of a point."""
    return read_rows_where(directory / "budget_layers.parquet", POINT_LAYERS, "id", row["id"])


def codes_of(directory: Path, row: Row) -> list[Row]:
    """Return the rows of budget_codes.parquet of a point."""
    return read_rows_where(directory / "budget_codes.parquet", POINT_CODES, "id", row["id"])


def input_bits_of(directory: Path, row: Row) -> dict[str, int]:
    """Return the bits of the inputs of each matrix layer of a point."""
    names = [x["layer"] for x in layers_of(directory, row) if x["operation"] == "matrix"]
    field = "quantization.layer_input_bits"
    return bits_by_layer(row[field], names, row["quantization.input_bits"], field)
