"""The tiles of a chip, coloured by the layer whose weights they hold; colours that come again have
a pattern."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from matplotlib.patches import Patch, Rectangle

from cimsim.analysis.axes import legend_above
from cimsim.analysis.one_chip import matrix_layers_of, only_one
from cimsim.analysis.panels import facet_values, panels
from cimsim.analysis.selection import Row
from cimsim.analysis.style import COLOURS
from cimsim.campaign.figure import Figure
from cimsim.campaign.labels import rounded

MOST_NAMED = 12
"""Up to so many layers have an entry in the legend; the tiles of more have their number alone."""

NUMBERED_SIDE = 16
"""Up to so many tiles a side have the number of their layer written in each of them; with more it
stands once, in the middle of the layer's tiles."""

SHADES = tuple(colour for colour in COLOURS if colour != "#000000")
"""Colours of layers; black would hide the numbers."""

HATCHES = ("", "////", "....", "xxxx", "||||", "----", "++++")
"""Patterns in turn: a colour that comes again has the next one."""

HATCH_COLOUR = "#404040"
"""Colour of the patterns: dark on every shade."""

EMPTY = "#F4F4F4"
"""Colour of places of the grid without a tile."""


def draw_floorplan(canvas: Canvas, figure: Figure, points: Sequence[Row], directory: Path) -> None:
    """Draw a figure of kind floorplan.

    Raises:
        UserError: a panel would have several chips, or a table is missing.
    """
    chips = places_of_chips(figure, points)
    drawn = panels(canvas, figure, chips, shared=False)
    entries: dict[str, Patch] = {}
    for axes, (row,) in drawn:
        layers = matrix_layers_of(directory, row)
        tiles = [(i, layer) for i, layer in enumerate(layers) for _ in range(tile_count(layer))]
        _draw_tiles(axes, row, [index for index, _ in tiles], len(drawn) > 1)
        for index, layer in enumerate(layers):
            mark = Patch(facecolor=colour_of(index), **pattern_of(index))
            entries.setdefault(f"{index + 1} {layer['layer']}", mark)
    if len(entries) <= MOST_NAMED:
        legend_above(canvas, dict(entries))


def places_of_chips(figure: Figure, points: Sequence[Row]) -> list[Row]:
    """Return the one chip of each panel.

    Raises:
        UserError: a panel has several chips, or there are too many panels.
    """
    return [only_one(figure, rows, "ppa") for rows in facet_values(figure, points).values()]


def tile_count(layer: Row) -> int:
    """Return how many tiles hold a layer's weights, copies included."""
    return int(layer["tile_rows"] * layer["tile_columns"])


def colour_of(index: int) -> str:
    """Return the colour of the layer at a place in the order of execution."""
    return SHADES[index % len(SHADES)]


def pattern_of(index: int) -> dict[str, Any]:
    """Return what marks the layer at a place in the order of execution beside its colour."""
    pattern = HATCHES[index // len(SHADES) % len(HATCHES)]
    return {"hatch": pattern, "edgecolor": HATCH_COLOUR, "linewidth": 0.0} if pattern else {}


def place_of(number: int, columns: int) -> tuple[int, int]:
    """Return row and column of the n-th tile; every second row runs back, so layers stay whole."""
    row, column = divmod(number, columns)
    return row, column if row % 2 == 0 else columns - 1 - column


def _draw_tiles(axes: Axes, row: Row, owners: Sequence[int], small: bool) -> None:
    """Draw the grid of tiles; `owners` has the layer of each tile."""
    height, width = row["tile_grid_rows"], row["tile_grid_columns"]
    height = max(height, math.ceil(len(owners) / width))
    axes.add_patch(Rectangle((0, 0), width, height, facecolor=EMPTY, linewidth=0))
    side = max(height, width)
    each = side <= (NUMBERED_SIDE // 2 if small else NUMBERED_SIDE)
    numbered = set(range(len(owners)) if each else middle_tiles(owners))
    for number, owner in enumerate(owners):
        y, x = place_of(number, width)
        colour = colour_of(owner)
        axes.add_patch(Rectangle((x, y), 1, 1, facecolor=colour, edgecolor="white", linewidth=0.6))
        if pattern_of(owner):
            inside = Rectangle((x + 0.03, y + 0.03), 0.94, 0.94, fill=False, **pattern_of(owner))
            axes.add_patch(inside)
        if number in numbered:
            _write_number(axes, x, y, owner, min(7.0, 60 / side) if each else 5.0)
    axes.set_xlim(0, width)
    axes.set_ylim(height, 0)
    axes.set_aspect("equal")
    axes.set_axis_off()
    tiles = f"{len(owners)} tile{'s' * (len(owners) != 1)}"
    about = f"{tiles}, {rounded(row['area_mm2'])} mm², {row['memory_utilization'] * 100:.0f} % used"
    above = f"{axes.get_title()}\n" if axes.get_title() else ""
    axes.set_title(above + about, fontsize=7)


def middle_tiles(owners: Sequence[int]) -> list[int]:
    """Return the tile in the middle of each layer's, for layers whose tiles follow each other."""
    places = itertools.groupby(range(len(owners)), key=lambda number: owners[number])
    runs = [list(run) for _, run in places]
    return [run[len(run) // 2] for run in runs]


def _write_number(axes: Axes, x: int, y: int, owner: int, size: float) -> None:
    """Write the number of a layer into a tile, above its pattern."""
    colour = colour_of(owner)
    axes.text(
        x + 0.5,
        y + 0.5,
        str(owner + 1),
        ha="center",
        va="center",
        fontsize=size,
        color="white" if colour in ("#0072B2", "#D55E00") else "black",
        bbox={"facecolor": colour, "linewidth": 0.0, "pad": 0.6} if pattern_of(owner) else None,
    )
