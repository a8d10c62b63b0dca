"""Draw the pictures of docs/concepts.md (`--write`), or compare them with those in the folder."""

from __future__ import annotations

import math
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from matplotlib.patches import Rectangle

from cimsim.analysis.style import COLOURS, canvas, save

FOLDER = Path(__file__).with_name("drawings")
BLUE, RED, GREEN, PINK, ORANGE, SKY = COLOURS[:6]
GREY = "#BBBBBB"


def subarray(figure: Canvas) -> None:
    """Rows with input bits, cells, columns that share ADCs, shift-and-add."""
    axes = _sheet(figure, 12.6, 9.4)
    stored = ["10110100", "01101001", "11010110", "00111010"]
    inputs = "1011"
    for y, (bits, bit) in enumerate(zip(stored, inputs, strict=True)):
        top = 7.6 - 1.2 * y
        _box(axes, 0.2, top - 0.4, 1.5, 0.8, f"bit {bit}", GREEN)
        axes.plot([1.7, 11.6], [top, top], color=GREEN, linewidth=1.6 if bit == "1" else 0.5)
        for x, cell in enumerate(bits):
            colour = BLUE if cell == "1" else "white"
            axes.add_patch(
                Rectangle(
                    (2.4 + 1.15 * x, top - 0.28), 0.56, 0.56, facecolor=colour, edgecolor=BLUE
                )
            )
    for x in range(8):
        place = 2.68 + 1.15 * x
        axes.plot([place, place], [2.9, 8.1], color=GREY, linewidth=0.8, zorder=0)
    for pair in range(4):
        _box(axes, 2.3 + 2.3 * pair, 2.1, 1.9, 0.8, "multiplexer", SKY, 6)
        _box(axes, 2.3 + 2.3 * pair, 1.1, 1.9, 0.8, "ADC", RED)
    _box(axes, 2.3, 0.1, 8.8, 0.8, "shift and add", ORANGE)
    axes.text(6.6, 8.6, "columns: one sum each; dark cells conduct", ha="center", fontsize=7)
    axes.text(0.95, 8.6, "rows", ha="center", fontsize=7)


def slices(figure: Canvas) -> None:
    """A weight over cells and an input over cycles, and how their products are put together."""
    axes = _sheet(figure, 13, 7)
    axes.text(0.1, 6.4, "weight of 8 bits in cells of 2 bits", fontsize=7)
    for index, (digit, place) in enumerate(zip("2310", (64, 16, 4, 1), strict=True)):
        _box(axes, 0.1 + 1.5 * index, 5.2, 1.4, 0.9, digit, BLUE)
        axes.text(0.8 + 1.5 * index, 4.8, f"× {place}", ha="center", fontsize=7)
    axes.text(7.0, 6.4, "input of 4 bits, a bit a cycle", fontsize=7)
    for index, (digit, place) in enumerate(zip("1011", (8, 4, 2, 1), strict=True)):
        _box(axes, 7.0 + 1.5 * index, 5.2, 1.4, 0.9, digit, GREEN)
        axes.text(7.7 + 1.5 * index, 4.8, f"× {place}", ha="center", fontsize=7)
    _box(axes, 0.1, 3.0, 12.8, 0.9, "each pair of slices: one read of the rows, one ADC code", RED)
    _box(axes, 0.1, 1.6, 12.8, 0.9, "code × 4^(weight slice) × 2^(input slice), added up", ORANGE)
    axes.text(
        0.1, 0.7, "4 weight slices × 4 input slices = 16 conversions for each column of", fontsize=7
    )
    axes.text(0.1, 0.2, "weights and group of rows", fontsize=7)


def adc_range(figure: Canvas) -> None:
    """Column sums that occur, and the codes of an ADC over all sums or over those that occur."""
    axes = _sheet(figure, 13.4, 6.4)
    sums = [math.exp(-(((x - 30) / 13) ** 2) / 2) for x in range(129)]
    x = [0.4 + 12.6 * s / 128 for s in range(129)]
    axes.fill_between(x, [3.2 + 2.5 * v for v in sums], 3.2, color=BLUE, alpha=0.35, linewidth=0)
    axes.plot([0.4, 13.0], [3.2, 3.2], color="black", linewidth=0.6)
    axes.text(4.4, 5.6, "how often a column sum occurs", fontsize=7)
    axes.text(0.4, 2.8, "0", ha="center", fontsize=6)
    axes.text(13.0, 2.8, "128", ha="center", fontsize=6)
    for y, last, words in ((1.9, 128, "full range"), (0.7, 72, "calibrated range: rare sums clip")):
        for code in range(8):
            left, width = 0.4 + 12.6 * last / 128 * code / 8, 12.6 * last / 128 / 8
            axes.add_patch(
                Rectangle((left, y), width, 0.42, facecolor="white", edgecolor=RED, linewidth=0.8)
            )
            axes.text(left + width / 2, y + 0.2, str(code), ha="center", va="center", fontsize=6)
        axes.text(0.4, y - 0.35, f"8 codes (3 bits), {words}", fontsize=7)


def hierarchy(figure: Canvas) -> None:
    """Chip, tile, processing element and subarray, each with what it adds."""
    axes = _sheet(figure, 13.4, 7.2)
    levels = (
        ("chip", "tiles, buffer, bus,\nactivation, pooling", GREY, 3),
        ("tile", "elements, buffers,\naccumulation", SKY, 2),
        ("processing element", "subarrays, buffer,\nadder tree", GREEN, 2),
        ("subarray", "cells, drivers,\nADCs, shift-add", BLUE, 4),
    )
    for index, (name, parts, colour, side) in enumerate(levels):
        left = 0.2 + 3.35 * index
        axes.text(left + 1.35, 6.6, name, ha="center", fontsize=7, fontweight="bold")
        size = 2.7 / side
        for row in range(side):
            for column in range(side):
                axes.add_patch(
                    Rectangle(
                        (left + column * size, 3.4 + row * size),
                        size * 0.9,
                        size * 0.9,
                        facecolor=colour,
                        alpha=0.7,
                        edgecolor="black",
                        linewidth=0.5,
                    )
                )
        axes.text(left + 1.35, 2.9, parts, ha="center", va="top", fontsize=6)
        if index < 3:
            axes.annotate(
                "",
                (left + 3.25, 4.7),
                (left + 2.75, 4.7),
                arrowprops={"arrowstyle": "->", "linewidth": 0.8},
            )
    axes.text(
        0.2,
        0.9,
        "One layer fills whole tiles; its weights may be copied to work on more",
        fontsize=7,
    )
    axes.text(
        0.2, 0.3, "vectors at once. Layers are a pipeline: images follow each other.", fontsize=7
    )


DRAWINGS: dict[str, tuple[Callable[[Canvas], None], float]] = {
    "subarray": (subarray, 2.6),
    "slices": (slices, 1.9),
    "adc_range": (adc_range, 1.7),
    "hierarchy": (hierarchy, 1.9),
}
"""Function and height (inches) of each drawing."""


def _sheet(figure: Canvas, width: float, height: float) -> Axes:
    figure.set_layout_engine("none")
    axes = figure.add_axes((0.0, 0.0, 1.0, 1.0))
    axes.set_xlim(0, width)
    axes.set_ylim(0, height)
    axes.set_axis_off()
    return axes


def _box(
    axes: Axes,
    x: float,
    y: float,
    width: float,
    height: float,
    text: str,
    colour: str,
    size: int = 7,
) -> None:
    axes.add_patch(Rectangle((x, y), width, height, facecolor=colour, alpha=0.35, edgecolor=colour))
    axes.text(x + width / 2, y + height / 2, text, ha="center", va="center", fontsize=size)


def draw_all(folder: Path) -> None:
    """Draw all pictures as SVG into a folder."""
    for name, (draw, height) in DRAWINGS.items():
        with canvas(height) as figure:
            draw(figure)
            save(figure, folder / name)


def differing() -> list[str]:
    """Return the pictures in docs/drawings that are not what the script draws."""
    with tempfile.TemporaryDirectory() as folder:
        draw_all(Path(folder))
        return [
            name
            for name in DRAWINGS
            if not (FOLDER / f"{name}.svg").is_file()
            or (FOLDER / f"{name}.svg").read_bytes() != (Path(folder) / f"{name}.svg").read_bytes()
        ]


if __name__ == "__main__":
    if "--write" in sys.argv:
        draw_all(FOLDER)
        for path in FOLDER.glob("*.png"):
            path.unlink()
    elif names := differing():
        sys.exit(f"{', '.join(names)}: not up to date; run `python docs/drawings.py --write`")
