"""Two measures of all points against each other, and the front that no point beats."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas

from cimsim.analysis.axes import is_wide, legend_above, limit_percentage, make_logarithmic
from cimsim.analysis.pareto import front
from cimsim.analysis.selection import Row, distinct, series, stage_of
from cimsim.analysis.style import COLOURS, MARKERS, REFERENCE, series_colours
from cimsim.campaign.figure import Figure
from cimsim.campaign.labels import MORE_IS_BETTER, quantity, value_text
from cimsim.campaign.parameters import parameters
from cimsim.errors import UserError

MOST_INTERVALS = 60
"""With more points than this, the points on the front alone show their intervals."""


def draw_pareto(canvas: Canvas, figure: Figure, points: Sequence[Row]) -> None:
    """Draw a figure of kind pareto.

    Raises:
        UserError: there are no two different points, or images or series cannot be compared.
    """
    points = distinct(points, dict.fromkeys((stage_of(figure.x), stage_of(figure.y))))
    _check(figure, points)
    axes = canvas.add_subplot()
    x_shown = quantity(figure.x, [row[figure.x] for row in points])
    y_shown = quantity(figure.y, [row[figure.y] for row in points])
    at = {
        row["id"]: (row[figure.x] * x_shown.factor, row[figure.y] * y_shown.factor)
        for row in points
    }
    cost = [row[figure.x] * (-1 if figure.x in MORE_IS_BETTER else 1) for row in points]
    value = [row[figure.y] * (1 if figure.y in MORE_IS_BETTER else -1) for row in points]
    best = {row["id"] for row, on in zip(points, front(cost, value), strict=True) if on}
    handles: dict[str, Any] = {}
    groups = series(figure, points, len(COLOURS))
    ordered = bool(figure.colour) and parameters()[figure.colour].is_number
    colours = series_colours(len(groups), ordered)
    for (group, rows), colour, marker in zip(groups.items(), colours, MARKERS, strict=False):
        with_interval = [r for r in rows if len(points) <= MOST_INTERVALS or r["id"] in best]
        _intervals(axes, figure.y, with_interval, at, y_shown.factor, colour)
        style: dict[str, Any] = {
            "linestyle": "none",
            "marker": marker,
            "color": colour,
            "markeredgewidth": 0,
        }
        off = [at[row["id"]] for row in rows if row["id"] not in best]
        on = [at[row["id"]] for row in rows if row["id"] in best]
        axes.plot(*_columns(off), alpha=0.45, markersize=3.5, zorder=3, **style)
        axes.plot(*_columns(on), markersize=5.5, zorder=4, **style)
        label = "design points" if group is None else value_text(figure.colour, group)
        (handles[label],) = axes.plot([], [], markersize=4.5, **style)
    # The staircase bounds what the points achieve.
    where = "pre" if figure.x in MORE_IS_BETTER else "post"
    x, y = _columns(sorted(at[name] for name in best))
    (handles["Pareto front"],) = axes.plot(
        x, y, drawstyle=f"steps-{where}", color=REFERENCE, linewidth=1.0, zorder=2
    )
    for name, which in ((figure.x, "x"), (figure.y, "y")):
        if "accuracy" not in name and is_wide([row[name] for row in points]):
            make_logarithmic(axes, which)
    if figure.y == "accuracy":
        limit_percentage(axes)
    axes.set_xlabel(x_shown.title)
    axes.set_ylabel(y_shown.title)
    legend_above(canvas, handles, quantity(figure.colour).title if figure.colour else "")


def _columns(places: Iterable[tuple[float, float]]) -> tuple[list[float], list[float]]:
    listed = list(places)
    return [x for x, _ in listed], [y for _, y in listed]


def _check(figure: Figure, points: Sequence[Row]) -> None:
    if len({(row[figure.x], row[figure.y]) for row in points}) < 2:
        raise UserError(f"figure {figure.name}: nothing to show: there is one design point alone")
    for name in ("workload.dataset", "workload.images"):
        if len({row[name] for row in points}) > 1:
            raise UserError(
                f"figure {figure.name}: accuracies on different images cannot be compared: "
                f"filter {name}"
            )


def _intervals(
    axes: Axes,
    measure: str,
    rows: Sequence[Row],
    at: dict[str, tuple[float, float]],
    factor: float,
    colour: str,
) -> None:
    """Draw the intervals of the measure on the y axis, if it has them."""
    low, high = f"{measure}_low", f"{measure}_high"
    if rows and low in rows[0]:
        x = [at[row["id"]][0] for row in rows]
        bounds = [row[low] * factor for row in rows], [row[high] * factor for row in rows]
        axes.vlines(x, *bounds, colors=colour, linewidth=0.8, alpha=0.5, zorder=2.5)
