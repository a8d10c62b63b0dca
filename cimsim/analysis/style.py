"""One look for all figures: a column of a paper, colours that the colour-blind tell apart, and
files that are equal byte for byte when their content is equal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import matplotlib as mpl
from matplotlib import colormaps
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_hex
from matplotlib.figure import Figure as Canvas

from cimsim.tables import write_atomically

COLUMN_INCHES = 3.5
"""Width of one column of a paper."""

HEIGHT_INCHES = 2.6

PNG_DPI = 300

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#999933")
"""Okabe and Ito, "Color Universal Design" (2008), without its yellow, which is faint on white."""

MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<")
"""A second cue beside colour."""

REFERENCE = "#666666"
"""Colour of baselines."""

_SETTINGS: dict[str, Any] = {
    "font.family": "DejaVu Sans",  # comes with matplotlib, hence the same on every machine
    "font.size": 8,
    "axes.labelsize": 8,
    "axes.titlesize": 8,
    "xtick.labelsize": 7,
    "ytick.labelsize": 7,
    "legend.fontsize": 7,
    "legend.title_fontsize": 7,
    "legend.frameon": False,
    "legend.handlelength": 1.6,
    "legend.columnspacing": 1.2,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#E3E3E3",
    "grid.linewidth": 0.5,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "hatch.linewidth": 0.5,
    "lines.linewidth": 1.2,
    "lines.markersize": 4,
    "figure.constrained_layout.use": True,
    "svg.hashsalt": "cimsim",  # element names would be random otherwise
    "svg.fonttype": "path",
    "path.simplify": False,
}


@contextmanager
def canvas(height: float = HEIGHT_INCHES) -> Iterator[Canvas]:
    """Give an empty figure of one column's width in the common style."""
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(cast(Any, _SETTINGS))  # keys are checked when set
        figure = Canvas(figsize=(COLUMN_INCHES, height))
        FigureCanvasAgg(figure)
        yield figure


def save(figure: Canvas, stem: Path) -> None:
    """Write the figure as `stem`.svg and `stem`.png, without dates.

    Raises:
        UserError: a file cannot be written.
    """
    write_atomically(
        stem.with_suffix(".svg"),
        lambda path: figure.savefig(path, format="svg", metadata={"Date": None, "Creator": None}),
    )
    write_atomically(
        stem.with_suffix(".png"),
        lambda path: figure.savefig(path, format="png", dpi=PNG_DPI, metadata={"Software": None}),
    )


def series_colours(count: int, ordered: bool) -> Sequence[str]:
    """Return a colour for each of `count` series; shades of one scale if they are numbers."""
    if not ordered or count < 3:
        return COLOURS[:count]
    scale = colormaps["viridis"]
    return [to_hex(scale(0.82 * index / (count - 1))) for index in range(count)]
