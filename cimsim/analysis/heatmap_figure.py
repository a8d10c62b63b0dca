"""A measure over two parameters: one coloured cell for each pair of values."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm, Normalize
from matplotlib.figure import Figure as Canvas
from matplotlib.ticker import FuncFormatter, NullLocator
from numpy.typing import NDArray

from cimsim.analysis.axes import is_wide, plain
from cimsim.analysis.panels import label_outer, panels
from cimsim.analysis.selection import Row, hashable, null_first, one_of_each, stage_of
from cimsim.campaign.figure import Figure
from cimsim.campaign.labels import quantity, rounded, value_text
from cimsim.errors import UserError

MOST_CELLS = 32
"""Values that an axis can have."""

TEXT_COLUMNS = 8
"""Up to so many columns of cells, of all panels side by side, have their value written in them."""

INTERVAL_COLUMNS = 7
"""Up to so many columns have the interval as well."""

PALE = 0.55
"""Lightness above which the text of a cell is black."""


def draw_heatmap(canvas: Canvas, figure: Figure, points: Sequence[Row]) -> None:
    """Draw a figure of kind heatmap.

    Raises:
        UserError: points cannot be told apart, or an axis has too many values.
    """
    points = places_of_cells(figure, [row for row in points if row[figure.colour] is not None])
    columns, rows = (_values(points, name) for name in (figure.x, figure.y))
    values = [row[figure.colour] for row in points]
    shown = quantity(figure.colour, values)
    scaled = [value * shown.factor for value in values]
    norm = LogNorm(min(scaled), max(scaled)) if is_wide(scaled) else _linear(scaled)
    drawn = panels(canvas, figure, points)
    image: Any = None
    for axes, members in drawn:
        grid: dict[tuple[int, int], Row] = {
            (rows.index(hashable(row[figure.y])), columns.index(hashable(row[figure.x]))): row
            for row in members
        }
        filled: NDArray[np.float64] = np.full((len(rows), len(columns)), np.nan)
        for place, row in grid.items():
            filled[place] = row[figure.colour] * shown.factor
        image = axes.imshow(filled, cmap="viridis", norm=norm, aspect="auto", origin="lower")
        across = len(columns) * min(2, len(drawn))
        if across <= TEXT_COLUMNS:
            _write_values(axes, figure, grid, shown.factor, norm, across <= INTERVAL_COLUMNS)
        _ticks(axes, figure, columns, rows)
    label_outer([axes for axes, _ in drawn], quantity(figure.x).title, quantity(figure.y).title)
    bar = canvas.colorbar(image, ax=[axes for axes, _ in drawn], pad=0.02, aspect=25)
    bar.set_label(shown.title)
    bar.outline.set_linewidth(0.6)
    bar.ax.yaxis.set_minor_locator(NullLocator())
    bar.ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: plain(value)))


def places_of_cells(figure: Figure, points: Sequence[Row]) -> list[Row]:
    """Return one point for each cell.

    Raises:
        UserError: points cannot be told apart, or an axis has too few or too many values.
    """
    for name in (figure.x, figure.y):
        count = len(_values(points, name))
        if not 2 <= count <= MOST_CELLS:
            raise UserError(
                f"figure {figure.name}: {name} has {count} value{'s' * (count != 1)}; a heatmap "
                f"shows 2 to {MOST_CELLS}"
            )
    shown = [name for name in (figure.x, figure.y, figure.facet) if name]
    return one_of_each(figure, points, shown, [stage_of(figure.colour)])


def heatmap_rows(figure: Figure, points: Sequence[Row]) -> int:
    """Return how many rows of cells a panel has, for the figure's height."""
    return len(_values(points, figure.y))


def _values(points: Sequence[Row], name: str) -> list[Any]:
    return sorted({hashable(row[name]) for row in points}, key=null_first)


def _linear(values: Sequence[float]) -> Normalize:
    low, high = min(values), max(values)
    return Normalize(low, high) if high > low else Normalize(low - 0.5, high + 0.5)


def _write_values(
    axes: Axes,
    figure: Figure,
    grid: dict[tuple[int, int], Row],
    factor: float,
    norm: Normalize,
    interval: bool,
) -> None:
    """Write each value into its cell, and half the width of its interval where it has one."""
    scale = colormaps["viridis"]
    low, high = f"{figure.colour}_low", f"{figure.colour}_high"
    for (y, x), row in grid.items():
        value = row[figure.colour] * factor
        text = f"{value:.1f}" if factor == 100.0 else rounded(value)
        red, green, blue, _ = scale(float(norm(value)))
        colour = "black" if 0.3 * red + 0.59 * green + 0.11 * blue > PALE else "white"
        half = (row[high] - row[low]) / 2 * factor if interval and low in row else math.nan
        has_interval = not math.isnan(half)
        axes.text(
            x,
            y + (0.12 if has_interval else 0),
            text,
            ha="center",
            va="center",
            fontsize=6.5,
            color=colour,
        )
        if has_interval:
            axes.text(
                x, y - 0.26, f"±{half:.1f}", ha="center", va="center", fontsize=5, color=colour
            )


def _ticks(axes: Axes, figure: Figure, columns: list[Any], rows: list[Any]) -> None:
    axes.set_xticks(range(len(columns)), _texts(figure.x, columns))
    axes.set_yticks(range(len(rows)), _texts(figure.y, rows))
    axes.tick_params(length=0)
    axes.grid(visible=False)
    for spine in axes.spines.values():
        spine.set_visible(False)


def _texts(name: str, values: list[Any]) -> list[str]:
    """Return the values without the unit that the axis title has."""
    unit = quantity(name).unit
    every = max(1, math.ceil(len(values) / 12))
    texts = [value_text(name, value).removesuffix(f" {unit}") for value in values]
    return [text if index % every == 0 else "" for index, text in enumerate(texts)]
