"""A measure against a parameter, with intervals and the accuracies without arrays.

Values of a parameter that is no number have marks side by side, without a line between them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas

from cimsim.analysis.axes import (
    NEWEST_LAST,
    Places,
    is_wide,
    legend_above,
    limit_percentage,
    make_logarithmic,
)
from cimsim.analysis.panels import label_outer, panels
from cimsim.analysis.selection import Row, hashable, one_of_each, series, stage_of
from cimsim.analysis.style import COLOURS, MARKERS, series_colours
from cimsim.campaign.figure import Figure
from cimsim.campaign.labels import Quantity, quantity, value_text
from cimsim.campaign.parameters import parameters
from cimsim.campaign.published import Published
from cimsim.errors import UserError

BASELINES: dict[str, dict[str, Any]] = {
    "float_accuracy": {"label": "floating point", "color": "#B8B8B8", "linewidth": 2.4},
    "quantized_accuracy": {
        "label": "quantised",
        "color": "black",
        "linewidth": 1.0,
        "linestyle": (0, (1, 1.5)),
    },
}
"""Accuracies without arrays; both lines can be seen where they coincide."""

DODGE = 0.012
"""Distance between points of two series at the same value, of the axis, so that none is hidden."""

PUBLISHED_MARKERS = ("*", "h", "8", "p")
"""Marks of published results; open, and none of the series' own."""

DASH = 0.35
"""Half the length of a baseline at a name, of the distance of names."""

BAND = 0.12
"""Opacity of the band between the ends of the intervals."""


def draw_lines(
    canvas: Canvas,
    figure: Figure,
    points: Sequence[Row],
    published: Sequence[Published] = (),
) -> None:
    """Draw a figure of kind line, with `published` results beside the campaign's own.

    Raises:
        UserError: x has one value alone, or points cannot be told apart.
    """
    points = places_of_lines(figure, [row for row in points if row[figure.y] is not None])
    x_shown = quantity(figure.x, [row[figure.x] for row in points if _is_number(figure.x)])
    y_shown = quantity(figure.y, [row[figure.y] for row in points])
    places = _places(figure, points, published, x_shown)
    at = {row["id"]: places.at[_on_axis(figure, row[figure.x], x_shown)] for row in points}
    groups = series(figure, points, len(COLOURS))
    colours = series_colours(len(groups), _is_number(figure.colour))
    handles: dict[str, Any] = {}
    baselines: dict[str, Any] = {}
    drawn = panels(canvas, figure, points)
    for axes, shown in drawn:
        here = {row["id"] for row in shown}
        for index, (value, members) in enumerate(groups.items()):
            rows = sorted((r for r in members if r["id"] in here), key=lambda row: at[row["id"]])
            if not rows:
                continue
            dodge = DODGE * places.span * (index - (len(groups) - 1) / 2)
            x = [at[row["id"]] + dodge for row in rows]
            label = value_text(figure.colour, value) if figure.colour else "on arrays"
            style = {"color": colours[index], "marker": MARKERS[index]}
            if places.names:
                style["linestyle"] = "none"
            handles[label] = _line(axes, x, rows, figure.y, y_shown, style)
        baselines |= _published(axes, figure, published, places, x_shown, y_shown)
        if figure.y == "accuracy":
            baselines |= _baselines(axes, shown, at, named=bool(places.names))
            limit_percentage(axes)
        elif is_wide([row[figure.y] for row in points]):
            make_logarithmic(axes, "y")
        places.label(axes)
    if figure.x in NEWEST_LAST:
        drawn[0][0].invert_xaxis()  # the others share it
    label_outer([axes for axes, _ in drawn], x_shown.title, y_shown.title)
    if len(handles) + len(baselines) > 1:
        title = quantity(figure.colour).title if figure.colour else ""
        legend_above(canvas, handles | baselines, title)


def _places(
    figure: Figure, points: Sequence[Row], published: Sequence[Published], shown: Quantity
) -> Places:
    """Return where the values of x lie: numbers to scale, names in the order of the points."""
    every = [row[figure.x] for row in points] + [held.parameters[figure.x] for held in published]
    if not _is_number(figure.x):
        return Places.of_names({hashable(v): value_text(figure.x, v) for v in every})
    return Places.of([_on_axis(figure, value, shown) for value in every])


def _on_axis(figure: Figure, value: Any, shown: Quantity) -> Any:
    """Return a value of x as a key of its place: a number in the unit of the axis, or itself."""
    return value * shown.factor if _is_number(figure.x) else hashable(value)


def _is_number(parameter: str) -> bool:
    return bool(parameter) and parameters()[parameter].is_number


def places_of_lines(figure: Figure, points: Sequence[Row]) -> list[Row]:
    """Return one of the points that share what is shown and the result itself.

    Raises:
        UserError: x has one value alone or none, or points cannot be told apart.
    """
    present = {hashable(row[figure.x]) for row in points}
    if None in present:
        raise UserError(
            f"figure {figure.name}: {figure.x} is null (a default that depends on node or memory) "
            "for some design points and has no place on the axis; filter its values"
        )
    if len(present) < 2:
        values = "".join(f", {value_text(figure.x, value)}" for value in present) or ", none"
        raise UserError(
            f"figure {figure.name}: nothing to show: {figure.x} needs two values or more but the "
            f"points have one{values}"
        )
    shown = [name for name in (figure.x, figure.colour, figure.facet) if name]
    return one_of_each(figure, points, shown, [stage_of(figure.y)])


def _line(
    axes: Axes,
    x: Sequence[float],
    rows: Sequence[Row],
    measure: str,
    shown: Quantity,
    style: dict[str, Any],
) -> object:
    """Draw one series, with intervals if the measure has them; return what its legend shows."""
    y = [row[measure] * shown.factor for row in rows]
    if f"{measure}_low" not in rows[0]:
        return axes.plot(x, y, **style)[0]
    below = [(row[measure] - row[f"{measure}_low"]) * shown.factor for row in rows]
    above = [(row[f"{measure}_high"] - row[measure]) * shown.factor for row in rows]
    low = [value - part for value, part in zip(y, below, strict=True)]
    high = [value + part for value, part in zip(y, above, strict=True)]
    if style.get("linestyle") != "none":
        axes.fill_between(x, low, high, color=style["color"], alpha=BAND, linewidth=0)
    return axes.errorbar(
        x, y, yerr=[below, above], capsize=2, elinewidth=0.8, capthick=0.8, **style
    )


def _published(
    axes: Axes,
    figure: Figure,
    published: Sequence[Published],
    places: Places,
    x_shown: Quantity,
    y_shown: Quantity,
) -> dict[str, Any]:
    """Draw published results as open marks, one kind a source; return what the legend shows."""
    handles: dict[str, Any] = {}
    sources = list(dict.fromkeys(held.cited for held in published))
    for held in published:
        x = places.at[_on_axis(figure, held.parameters[figure.x], x_shown)]
        y = held.value * y_shown.factor
        low = y if held.low is None else held.low * y_shown.factor
        high = y if held.high is None else held.high * y_shown.factor
        handles[held.cited] = axes.errorbar(
            [x],
            [y],
            yerr=[[y - low], [high - y]],
            linestyle="none",
            color="black",
            marker=PUBLISHED_MARKERS[sources.index(held.cited) % len(PUBLISHED_MARKERS)],
            markerfacecolor="white",
            markersize=5,
            capsize=2,
            elinewidth=0.8,
            zorder=6,
        )
    return handles


def _baselines(
    axes: Axes, points: Sequence[Row], at: dict[str, float], *, named: bool
) -> dict[str, Any]:
    """Draw the accuracies without arrays where all points at one x agree on them.

    At names each has a dash of its own, since nothing lies between them.
    """
    handles: dict[str, Any] = {}
    for measure, style in BASELINES.items():
        levels: dict[float, set[float]] = {}
        for row in points:
            levels.setdefault(at[row["id"]], set()).add(row[measure] * 100)
        if all(len(level) == 1 for level in levels.values()):
            x = sorted(levels)
            y = [max(levels[place]) for place in x]
            if named:
                x = [end for place in x for end in (place - DASH, place + DASH, place + DASH)]
                y = [value for level in y for value in (level, level, math.nan)]
            (handle,) = axes.plot(x, y, zorder=1.5, **style)
            handles[style["label"]] = handle
    return handles
