"""How often the ADCs of each layer give each code: one strip a layer."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure as Canvas
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullLocator

from cimsim.analysis.axes import plain
from cimsim.analysis.one_chip import codes_of, only_one
from cimsim.analysis.selection import Row
from cimsim.campaign.figure import Figure
from cimsim.errors import UserError

LEAST_SHARE = 1e-4
"""Shares below are shown as this one: a sample of conversions knows no smaller ones well."""

NAMED_LAYERS = 40


def draw_codes(canvas: Canvas, figure: Figure, points: Sequence[Row], directory: Path) -> None:
    """Draw a figure of kind codes.

    Raises:
        UserError: there are several points, there is no code at all, or a table is missing.
    """
    row = only_one(figure, points, "infer")
    counts: dict[str, dict[int, int]] = {}
    for entry in codes_of(directory, row):
        counts.setdefault(entry["layer"], {})[entry["code"]] = entry["count"]
    if not counts:
        raise UserError(f"figure {figure.name}: nothing to show: no layer has an ADC")
    lowest = min(min(held) for held in counts.values())
    highest = max(max(held) for held in counts.values())
    shares = np.full((len(counts), highest - lowest + 1), np.nan)
    for index, held in enumerate(counts.values()):
        total = sum(held.values())
        for code, count in held.items():
            shares[index, code - lowest] = max(count / total, LEAST_SHARE)
    axes = canvas.add_subplot()
    edges = np.arange(lowest, highest + 2) - 0.5
    image = axes.pcolormesh(
        edges,
        np.arange(len(counts) + 1) - 0.5,
        shares,
        cmap="viridis",
        norm=LogNorm(LEAST_SHARE, 1.0),
        rasterized=False,
    )
    axes.set_yticks(range(len(counts)), list(counts), fontsize=6)
    axes.set_ylim(len(counts) - 0.5, -0.5)
    axes.set_xlim(edges[0], edges[-1])
    axes.xaxis.set_major_locator(MaxNLocator(8, integer=True))
    axes.grid(visible=False)
    axes.hlines(np.arange(1, len(counts)) - 0.5, edges[0], edges[-1], color="white", linewidth=1.0)
    bits = "bits by layer" if row["array.adc.layer_bits"] else f"{row['array.adc.bits']} bits"
    axes.set_xlabel(f"Code of the ADC ({bits})")
    bar = canvas.colorbar(image, ax=axes, pad=0.02, aspect=25)
    bar.set_label("Share of conversions")
    bar.outline.set_linewidth(0.6)
    bar.ax.yaxis.set_minor_locator(NullLocator())
    bar.ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: plain(value)))


def layer_count(points: Sequence[Row], figure: Figure, directory: Path) -> int:
    """Return how many layers the figure shows, for its height."""
    row = only_one(figure, points, "infer")
    return min(NAMED_LAYERS, len({entry["layer"] for entry in codes_of(directory, row)}))
