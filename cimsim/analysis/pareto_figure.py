"""Two measures of all points against each other, and the front that no point beats."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas

from cimsim.analysis.axes import is_wide, legend_above, limit_percentage, make_logarithmic
from cimsim.analysis.panels import facet_values, label_outer, panels
from cimsim.analysis.pareto import costs_of, front
from cimsim.analysis.selection import Row, distinct, hashable, series, stage_of
from cimsim.analysis.style import COLOURS, MARKERS, REFERENCE, series_colours
from cimsim.campaign.figure import Figure
from cimsim.campaign.labels import MORE_IS_BETTER, quantity, value_text
from cimsim.campaign.parameters import parameters
from cimsim.errors import UserError

MOST_INTERVALS = 60
"""With more points than this, the points on the front alone show their intervals."""


def draw_pareto(canvas: Canvas, figure: Figure, points: Sequence[Row]) -> None:
    """Draw a figure of kind pareto; each panel has a front of its own.

    Raises:
        UserError: there are no two different points, or images or series cannot be compared.
    """
    points = places_of_pareto(figure, points)
    if len({(row[figure.x], row[figure.y]) for row in points}) < 2:
        raise UserError(f"figure {figure.name}: nothing to show: there is one design point alone")
    shown = [quantity(name, [row[name] for row in points]) for name in (figure.x, figure.y)]
    groups = series(figure, points, len(COLOURS))
    ordered = bool(figure.colour) and parameters()[figure.colour].is_number
    colours = series_colours(len(groups), ordered)
    styles = {
        value: {
            "linestyle": "none",
            "marker": marker,
            "color": colour,
            "markeredgewidth": 0,
        }
        for value, colour, marker in zip(groups, colours, MARKERS, strict=False)
    }
    drawn = panels(canvas, figure, points)
    handles: dict[str, Any] = {}
    for axes, rows in drawn:
        handles |= _panel(axes, figure, rows, styles, (shown[0].factor, shown[1].factor))
        for name, which in ((figure.x, "x"), (figure.y, "y")):
            if "accuracy" not in name and is_wide([row[name] for row in points]):
                make_logarithmic(axes, which)
        if figure.y == "accuracy":
            limit_percentage(axes)
    label_outer([axes for axes, _ in drawn], shown[0].title, shown[1].title)
    handles["Pareto front"] = handles.pop("Pareto front")  # last in the legend
    legend_above(canvas, handles, quantity(figure.colour).title if figure.colour else "")


def _panel(
    axes: Axes,
    figure: Figure,
    points: Sequence[Row],
    styles: dict[Any, dict[str, Any]],
    factors: tuple[float, float],
) -> dict[str, Any]:
    """Draw the points of one panel and their front; return what the legend shows."""
    at = {row["id"]: (row[figure.x] * factors[0], row[figure.y] * factors[1]) for row in points}
    on_front = front(costs_of(points, (figure.x, figure.y)))
    best = {row["id"] for row, on in zip(points, on_front, strict=True) if on}
    handles: dict[str, Any] = {}
    for group, style in styles.items():
        rows = [r for r in points if not figure.colour or hashable(r[figure.colour]) == group]
        with_interval = [r for r in rows if len(points) <= MOST_INTERVALS or r["id"] in best]
        _intervals(axes, figure.y, with_interval, at, factors[1], style["color"])
        off = [at[row["id"]] for row in rows if row["id"] not in best]
        on = [at[row["id"]] for row in rows if row["id"] in best]
        axes.plot(*_columns(off), alpha=0.45, markersize=3.5, zorder=3, **style)
        axes.plot(*_columns(on), markersize=5.5, zorder=4, **style)
        label = value_text(figure.colour, group) if figure.colour else "design points"
        (handles[label],) = axes.plot([], [], markersize=4.5, **style)
    # The staircase bounds what the points achieve.
    where = "pre" if figure.x in MORE_IS_BETTER else "post"
    x, y = _columns(sorted(at[name] for name in best))
    (handles["Pareto front"],) = axes.plot(
        x, y, drawstyle=f"steps-{where}", color=REFERENCE, linewidth=1.0, zorder=2
    )
    return handles


def _columns(places: Iterable[tuple[float, float]]) -> tuple[list[float], list[float]]:
    listed = list(places)
    return [x for x, _ in listed], [y for _, y in listed]


def places_of_pareto(figure: Figure, points: Sequence[Row]) -> list[Row]:
    """Return the points whose results differ.

    Raises:
        UserError: their images or series cannot be compared.
    """
    stages = dict.fromkeys((stage_of(figure.x), stage_of(figure.y)))
    panels_of = facet_values(figure, points).values()
    points = [row for rows in panels_of for row in distinct(rows, stages)]
    series(figure, points, len(COLOURS))
    for name in ("workload.dataset", "workload.images"):
        if name != figure.facet and len({row[name] for row in points}) > 1:
            raise UserError(
                f"figure {figure.name}: accuracies on different images cannot be compared: "
                f"filter {name}"
            )
    return points


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
