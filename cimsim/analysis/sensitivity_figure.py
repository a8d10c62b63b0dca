"""How much of a measure's variance each parameter of a sweep explains: bars with intervals."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure as Canvas

from cimsim.analysis.axes import legend_above
from cimsim.analysis.selection import Row
from cimsim.analysis.sensitivity import by_measure, read_indices
from cimsim.analysis.style import COLOURS
from cimsim.campaign.figure import Figure
from cimsim.campaign.labels import quantity
from cimsim.errors import UserError

MOST_BARS = 24
"""Parameters that are shown: those that matter most."""

THICKNESS = 0.36
"""Of a bar, of the distance of two parameters."""


def sweep_of(figure: Figure, sweeps: Sequence[str]) -> str:
    """Return the sweep that a figure shows, of those that were analysed.

    Raises:
        UserError: it names another one, or none where there are several.
    """
    named = figure.sweep or (sweeps[0] if len(sweeps) == 1 else "")
    if named not in sweeps:
        given = f"sweep is '{named}'" if named else "sweep is not given"
        raise UserError(
            f"figure {figure.name}: {given}; sweeps with sensitivities: {', '.join(sweeps)}"
        )
    return named


def bar_rows(figure: Figure, directory: Path) -> list[Row]:
    """Return the indices that the figure shows, the parameter that matters most first.

    Raises:
        UserError: the sweep was not analysed, or the measure is the same at all of its points.
    """
    rows = read_indices(directory)
    sweep = sweep_of(figure, list(dict.fromkeys(row["sweep"] for row in rows)))
    found = by_measure(rows).get((sweep, figure.y))
    if not found:
        raise UserError(
            f"figure {figure.name}: nothing to show: {figure.y} is the same, or unknown, at all "
            f"points of sweep {sweep}"
        )
    return found[:MOST_BARS]


def draw_sensitivity(canvas: Canvas, figure: Figure, directory: Path) -> None:
    """Draw a figure of kind sensitivity.

    Raises:
        UserError: as :func:`bar_rows`.
    """
    rows = bar_rows(figure, directory)
    axes = canvas.add_subplot()
    kinds = [("first", "by itself", COLOURS[0])]
    if any(row["total"] is not None for row in rows):
        kinds.append(("total", "with interactions", COLOURS[4]))
    handles: dict[str, Any] = {}
    for index, (name, label, colour) in enumerate(kinds):
        places = np.arange(len(rows)) + THICKNESS * (index - (len(kinds) - 1) / 2)
        known = [n for n, row in enumerate(rows) if row[name] is not None]
        values = [100 * rows[n][name] for n in known]
        handles[label] = axes.barh(places[known], values, THICKNESS, color=colour)
        told = [n for n in known if rows[n][f"{name}_low"] is not None]
        low, high = ([100 * rows[n][f"{name}{end}"] for n in told] for end in ("_low", "_high"))
        if low != high:
            axes.hlines(places[told], low, high, color="black", linewidth=0.8)
    axes.set_yticks(range(len(rows)), [_words(row["parameter"]) for row in rows])
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.set_xlim(min(0.0, axes.get_xlim()[0]), None)
    axes.grid(visible=False, axis="y")
    axes.set_xlabel(f"Share of the variance of {quantity(figure.y).words} (%)")
    legend_above(canvas, handles)


def _words(parameter: str) -> str:
    """Return the fields of an axis in words, as the titles of axes are written."""
    words = ", ".join(quantity(name).words for name in parameter.split(" + "))
    return words[0].upper() + words[1:]
