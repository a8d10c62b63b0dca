"""Small multiples: one panel for each value of a figure's facet parameter."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas

from cimsim.analysis.selection import Row, by_value
from cimsim.campaign.figure import Figure
from cimsim.campaign.labels import quantity, value_text

MOST_PANELS = 8

ACROSS = 2
"""Panels side by side in one column of a paper."""

PANEL_INCHES = 1.55
"""Height of a row of panels where there are several."""


def facet_values(figure: Figure, points: Sequence[Row]) -> dict[Any, list[Row]]:
    """Return the points of each panel, in order of the facet's value; one panel without a facet.

    Raises:
        UserError: there are more panels than a figure can show.
    """
    return by_value(figure, "facet", points, MOST_PANELS)


def panel_rows(figure: Figure, points: Sequence[Row]) -> int:
    """Return how many rows of panels the figure has, for its height."""
    count = len(facet_values(figure, points))
    return 1 if count == 1 else math.ceil(count / ACROSS)


def panels(
    canvas: Canvas, figure: Figure, points: Sequence[Row], *, shared: bool = True
) -> list[tuple[Axes, list[Row]]]:
    """Return axes and points of each panel; `shared` axes have labels at the outer panels alone."""
    groups = facet_values(figure, points)
    if len(groups) == 1:
        (rows,) = groups.values()
        return [(canvas.add_subplot(), rows)]
    grid = canvas.subplots(
        math.ceil(len(groups) / ACROSS), ACROSS, sharex=shared, sharey=shared, squeeze=False
    ).ravel()
    words = quantity(figure.facet).words
    words = words[0].upper() + words[1:]
    for axes, value in zip(grid, groups, strict=False):
        axes.set_title(f"{words}: {value_text(figure.facet, value)}", fontsize=7)
    for unused in grid[len(groups) :]:
        unused.set_visible(False)
    return list(zip(grid, groups.values(), strict=False))


def label_outer(axes: Sequence[Axes], x: str, y: str) -> None:
    """Put the titles of shared axes once, and the values at the panels at the left and below."""
    if len(axes) == 1:
        axes[0].set_xlabel(x)
        axes[0].set_ylabel(y)
        return
    canvas = axes[0].get_figure()
    assert isinstance(canvas, Canvas)
    canvas.supxlabel(x, fontsize=8)
    canvas.supylabel(y, fontsize=8)
    for index, panel in enumerate(axes):
        panel.tick_params(labelbottom=index + ACROSS >= len(axes), labelleft=index % ACROSS == 0)
