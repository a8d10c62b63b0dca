"""What bounds the throughput of each layer: its arrays, or moving its inputs and outputs.

The roofline of Williams, Waterman and Patterson, "Roofline: an insightful visual performance model
for multicore architectures", Commun. ACM 52(4), 2009: throughput against operations per byte moved,
below ``min(peak, bandwidth * intensity)``. Weights stay in the arrays, so the bytes of a layer are
its inputs and outputs. Both roofs are the best that any layer of the chip reaches: the fastest
computation (time in arrays, ADCs, accumulation and other circuits) and the fastest transport (time
in buffers and interconnect).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure as Canvas

from cimsim.analysis.axes import legend_above, make_logarithmic
from cimsim.analysis.one_chip import input_bits_of, matrix_layers_of, only_one
from cimsim.analysis.selection import Row, series
from cimsim.analysis.style import COLOURS, MARKERS, series_colours
from cimsim.campaign.figure import Figure
from cimsim.campaign.labels import quantity, value_text
from cimsim.campaign.parameters import parameters

MARGIN = 1.6
"""The axes reach so many times beyond the outermost layers."""


@dataclass(frozen=True)
class Load:
    """What one layer does for an image: operations, bytes, and seconds computing and moving."""

    operations: float
    bytes: float
    compute_s: float
    move_s: float

    @property
    def intensity(self) -> float:
        """Operations per byte."""
        return self.operations / self.bytes

    @property
    def throughput(self) -> float:
        """Operations per second."""
        return self.operations / (self.compute_s + self.move_s)


def load_of(layer: Row, input_bits: int) -> Load:
    """Return the load of a row of layers.parquet (a multiplication and an addition are two)."""
    moving = layer["latency_buffer_s"] + layer["latency_interconnect_s"]
    inputs = layer["in_channels"] * layer["in_height"] * layer["in_width"]
    outputs = layer["out_channels"] * layer["out_height"] * layer["out_width"]
    return Load(
        operations=2.0 * layer["rows"] * layer["columns"] * layer["vectors"],
        bytes=(inputs + outputs) * input_bits / 8,
        compute_s=max(layer["latency_s"] - moving, 0.0),
        move_s=moving,
    )


def _loads(directory: Path, row: Row) -> list[Load]:
    bits = input_bits_of(directory, row)
    return [load_of(layer, bits[layer["layer"]]) for layer in matrix_layers_of(directory, row)]


def roofs(loads: Sequence[Load]) -> tuple[float, float]:
    """Return the peak (operations per second) and the bandwidth (bytes per second); 0: no roof."""
    peak = max((x.operations / x.compute_s for x in loads if x.compute_s > 0), default=0.0)
    bandwidth = max((x.bytes / x.move_s for x in loads if x.move_s > 0), default=0.0)
    return peak, bandwidth


def _ridge(loads: Sequence[Load]) -> float:
    """Return the operations per byte at which the roofs meet; 0 without a roof for transport."""
    peak, bandwidth = roofs(loads)
    return peak / bandwidth if bandwidth else 0.0


def draw_roofline(canvas: Canvas, figure: Figure, points: Sequence[Row], directory: Path) -> None:
    """Draw a figure of kind roofline.

    Raises:
        UserError: a series has several chips, or a table is missing.
    """
    chips = places_of_roofs(figure, points)
    loads = {value: _loads(directory, row) for value, row in chips.items()}
    every = [load for held in loads.values() for load in held]
    left = min(load.intensity for load in every) / MARGIN
    right = max([load.intensity for load in every] + [_ridge(held) for held in loads.values()])
    right *= MARGIN
    axes = canvas.add_subplot()
    ordered = bool(figure.colour) and parameters()[figure.colour].is_number
    handles: dict[str, Any] = {}
    for (value, held), colour, marker in zip(
        loads.items(), series_colours(len(loads), ordered), MARKERS, strict=False
    ):
        peak, bandwidth = roofs(held)
        corners = (left, max(_ridge(held), left), right)
        heights = [min(peak, bandwidth * x) if bandwidth else peak for x in corners]
        axes.plot(corners, [y / 1e12 for y in heights], color=colour, linewidth=1.0)
        for load in held:
            axes.plot(
                load.intensity,
                load.throughput / 1e12,
                marker=marker,
                markersize=4,
                color=colour,
                markerfacecolor=colour if load.compute_s >= load.move_s else "white",
                linestyle="none",
            )
        label = value_text(figure.colour, value) if figure.colour else "layers"
        (handles[label],) = axes.plot([], [], color=colour, marker=marker, markersize=4)
    axes.set_xlim(left, right)
    make_logarithmic(axes, "x")
    make_logarithmic(axes, "y")
    axes.set_xlim(left, right)
    axes.set_xlabel("Operations per byte of activations")
    axes.set_ylabel("Throughput of a layer (TOPS)")
    if figure.colour:
        legend_above(canvas, handles, quantity(figure.colour).title)


def places_of_roofs(figure: Figure, points: Sequence[Row]) -> dict[object, Row]:
    """Return the one chip of each series.

    Raises:
        UserError: a series has several chips, or there are too many series.
    """
    groups = series(figure, points, len(COLOURS))
    return {value: only_one(figure, rows, "ppa") for value, rows in groups.items()}
