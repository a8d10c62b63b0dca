"""Energy, latency, utilisation and error of each layer, one panel a quantity."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from matplotlib.ticker import MaxNLocator

from cimsim.analysis.axes import is_wide, legend_above, make_logarithmic
from cimsim.analysis.intervals import CONFIDENCE, Interval
from cimsim.analysis.one_chip import budget_layers_of, matrix_layers_of, only_one
from cimsim.analysis.selection import Row, series
from cimsim.analysis.style import COLOURS, MARKERS, series_colours
from cimsim.campaign.figure import PROFILES, Figure
from cimsim.campaign.labels import quantity, value_text
from cimsim.campaign.parameters import parameters
from cimsim.inference.stopping import half_width
from cimsim.tables import provenance_of

NAMED_LAYERS = 22
"""Up to so many layers have their name on the axis; more have their number."""


LOW_DECADES = 1.7
"""Decades from which the low panels have ticks at powers of ten alone; more would overlap."""


@dataclass(frozen=True)
class Profile:
    """One quantity of every layer.

    Attributes:
        title: name of the quantity.
        unit: its unit before a prefix.
        prefixed: whether an SI prefix may be put before the unit.
    """

    title: str
    unit: str
    prefixed: bool

    def scaled(self, largest: float) -> tuple[str, float]:
        """Return the axis title and the factor that suit values up to `largest`."""
        if not self.prefixed:
            return f"{self.title}\n({self.unit})", 1.0
        shown = quantity("energy_j" if self.unit == "J" else "latency_s", [largest])
        return f"{self.title}\n({shown.unit})", shown.factor


KINDS = {
    "energy": Profile("Energy", "J", True),
    "latency": Profile("Latency", "s", True),
    "utilization": Profile("Utilisation", "%", False),
    "sqnr": Profile("Signal to error", "dB", False),
}
"""Quantities by name; sqnr is the power of a layer's exact outputs over that of the deviation that
its arrays add, on exact inputs, with all effects of the design point (schemas.BUDGET_LAYERS)."""


def draw_layers(
    canvas: Canvas, figure: Figure, points: Sequence[Row], directory: Path, budget: bool
) -> None:
    """Draw a figure of kind layers.

    Args:
        canvas: an empty figure.
        figure: its declaration.
        points: the points that pass its filter.
        directory: folder of the joined tables.
        budget: whether the campaign has an error budget.

    Raises:
        UserError: points cannot be told apart, or a table is missing.
    """
    groups = places_of_layers(figure, points)
    names = profiles(figure, budget)
    grid = canvas.subplots(len(names), 1, sharex=True, squeeze=False).ravel()
    ordered = bool(figure.colour) and parameters()[figure.colour].is_number
    colours = series_colours(len(groups), ordered)
    handles = {}
    layers: list[str] = []
    found = {value: layer_values(directory, row, names) for value, row in groups.items()}
    for axes, name in zip(grid, names, strict=True):
        every = [v.estimate for held in found.values() for v in held[name].values()]
        every = [value for value in every if math.isfinite(value)]
        title, factor = KINDS[name].scaled(max(every, default=0.0))
        for (value, held), colour, marker in zip(found.items(), colours, MARKERS, strict=False):
            layers = layers or list(held[name])
            x = [index for index, layer in enumerate(layers) if layer in held[name]]
            shown = [held[name][layer] for layer in layers if layer in held[name]]
            line = _line(axes, x, shown, factor, {"color": colour, "marker": marker})
            handles[value_text(figure.colour, value) if figure.colour else ""] = line
        _finish(axes, name, title, every)
    _name_layers(grid[-1], layers)
    if figure.colour:
        legend_above(canvas, handles, quantity(figure.colour).title)


def _line(
    axes: Axes, x: Sequence[int], shown: Sequence[Interval], factor: float, style: dict[str, Any]
) -> object:
    """Draw one series, with the intervals of values that have one; return its line."""
    y = [value.estimate * factor for value in shown]
    (line,) = axes.plot(x, y, linewidth=0.7, markersize=3, **style)
    uncertain = [(at, v) for at, v in zip(x, shown, strict=True) if v.low < v.high < math.inf]
    axes.vlines(
        [at for at, _ in uncertain],
        [value.low * factor for _, value in uncertain],
        [value.high * factor for _, value in uncertain],
        color=style["color"],
        linewidth=0.8,
    )
    return line


def places_of_layers(figure: Figure, points: Sequence[Row]) -> dict[object, Row]:
    """Return the one point of each series.

    Raises:
        UserError: a series has several points, or there are too many series.
    """
    stage = "infer" if figure.y == "sqnr" else "ppa"
    groups = series(figure, points, len(COLOURS))
    return {value: only_one(figure, rows, stage) for value, rows in groups.items()}


def profiles(figure: Figure, budget: bool) -> tuple[str, ...]:
    """Return the quantities that the figure shows, one a panel."""
    if figure.y:
        return (figure.y,)
    return tuple(name for name in PROFILES if budget or name != "sqnr")


def layer_values(directory: Path, row: Row, names: Sequence[str]) -> dict[str, dict[str, Interval]]:
    """Return quantity -> layer -> value (J, s, percent, dB) of a point, in order of execution.

    Figures of chips are without randomness: their intervals have no width. Signal to error is the
    mean over chips with Student's interval; with one chip it has no interval.

    Raises:
        UserError: a table is missing or damaged.
    """
    held: dict[str, dict[str, Interval]] = {name: {} for name in names}
    for layer in matrix_layers_of(directory, row):
        values = {
            "energy": layer["energy_dynamic_j"] + layer["energy_leakage_j"],
            "latency": layer["latency_s"],
            "utilization": layer["utilization"] * 100,
        }
        for name in values.keys() & held.keys():
            held[name][layer["layer"]] = Interval(values[name], values[name], values[name])
    if "sqnr" in held:
        held["sqnr"] = _ratios(directory, row)
    return held


def _ratios(directory: Path, row: Row) -> dict[str, Interval]:
    """Return the signal to error of each layer (dB), with all effects of the design point."""
    steps = [r for r in budget_layers_of(directory, row) if r["mode"] == "cumulative"]
    chips: dict[str, list[float]] = {}
    for entry in steps:
        if entry["step"] == steps[-1]["step"]:  # the last one has all effects
            chips.setdefault(entry["layer"], []).append(entry["sqnr_db"])
    confidence = provenance_of(directory / "budget_layers.parquet").get("confidence", CONFIDENCE)
    found = {}
    for layer, ratios in chips.items():
        mean = sum(ratios) / len(ratios)
        half = half_width(ratios, confidence) if math.isfinite(mean) else 0.0
        half = half if math.isfinite(half) else 0.0
        found[layer] = Interval(mean, mean - half, mean + half)
    return found


def _finish(axes: Axes, name: str, title: str, values: Sequence[float]) -> None:
    axes.set_ylabel(title, fontsize=7)
    if name == "utilization":
        axes.set_ylim(0, 105)
    elif name != "sqnr" and values and is_wide(values):
        make_logarithmic(axes, "y", LOW_DECADES)
    elif name != "sqnr":
        axes.set_ylim(bottom=0)
    else:
        axes.yaxis.set_major_locator(MaxNLocator(4, min_n_ticks=3))
    if name == "sqnr" and not values:
        axes.set_yticks([])
        axes.text(0.5, 0.5, "no error", transform=axes.transAxes, ha="center", fontsize=7)


def _name_layers(axes: Axes, layers: Sequence[str]) -> None:
    """Put the layers on the axis: by name, or by number where there are many."""
    if len(layers) > NAMED_LAYERS:
        axes.set_xlabel("Layer in order of execution")
        return
    axes.set_xticks(range(len(layers)), layers, rotation=90, fontsize=6)
    axes.set_xlabel("Layer")
