"""Scales, ticks and legends that suit what is shown."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, MaxNLocator, NullLocator

from cimsim.campaign.labels import number

NEWEST_LAST = ("chip.node",)
"""Parameters whose axis runs from high to low."""

LOG_SPREAD = 30.0
"""Positive values that spread further than this get a logarithmic axis."""

MOST_TICKS = 9
"""Up to so many values have a tick each."""

NAMES_ABREAST = 50
"""Characters of names that fit below an axis; more are turned."""

TICK_DISTANCE = 1 / 13
"""Least distance of two ticks, of the axis."""

CHARACTERS = 62
"""Characters of a legend that fit in one column of a paper."""

_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


@dataclass(frozen=True)
class Places:
    """Where the values of a parameter lie on the x axis.

    On a logarithmic axis the place is the power of ten; zero, which has none, lies apart to the
    left, behind a break of the axis. Names are evenly spaced, in the order in which they are given.
    """

    at: Mapping[Any, float]
    logarithmic: bool
    names: tuple[str, ...] = ()

    @classmethod
    def of_names(cls, names: Mapping[Any, str]) -> Places:
        """Place values that are no numbers, which have these names."""
        at = {value: float(index) for index, value in enumerate(names)}
        return cls(at, False, tuple(names.values()))

    @classmethod
    def of(cls, values: Sequence[float]) -> Places:
        """Choose the axis for these values, of which at least two differ."""
        distinct = sorted(set(values))
        if distinct[0] < 0 or not _suits_logarithm(distinct):
            return cls({value: value for value in distinct}, False)
        powers = {value: math.log10(value) for value in distinct if value > 0}
        low, high = min(powers.values()), max(powers.values())
        zero = {0.0: low - 0.15 * (high - low)} if distinct[0] == 0 else {}
        return cls(zero | powers, True)

    @property
    def span(self) -> float:
        """Distance of the outermost places."""
        return max(self.at.values()) - min(self.at.values())

    def label(self, axes: Axes) -> None:
        """Put ticks at the values, or at round numbers if there are many."""
        axis = axes.xaxis
        if self.names:
            axes.set_xticks(list(self.at.values()), self.names)
            axes.set_xlim(-0.5, len(self.names) - 0.5)
            if sum(len(name) + 2 for name in self.names) > NAMES_ABREAST:
                for text in axes.get_xticklabels():
                    text.set(rotation=30, ha="right", rotation_mode="anchor")
            return
        if not self.logarithmic and len(self.at) > MOST_TICKS:
            axis.set_major_locator(MaxNLocator(6))
            axis.set_major_formatter(FuncFormatter(lambda x, _: number(x)))
            return
        ticks: dict[float, str] = {}
        last = -math.inf
        for value, place in self.at.items():
            if place - last >= TICK_DISTANCE * self.span:
                ticks[place] = plain(value) if self.logarithmic else number(value)
                last = place
        axis.set_major_locator(FixedLocator(list(ticks)))
        axis.set_major_formatter(FuncFormatter(lambda x, _: _nearest_text(ticks, x)))
        axis.set_minor_locator(NullLocator())
        if self.logarithmic and 0.0 in self.at:
            positive = min(place for value, place in self.at.items() if value > 0)
            _break(axes, (self.at[0.0] + positive) / 2)


def is_wide(values: Sequence[float]) -> bool:
    """Return whether the values are positive and suit a logarithmic axis."""
    return min(values) > 0 and max(values) > LOG_SPREAD * min(values)


def plain(value: float) -> str:
    """Return a number for a tick: 0.01, 500, 10⁴, 3×10⁷."""
    if value == 0 or 1e-3 <= abs(value) < 1e4:
        return number(value)
    power = math.floor(math.log10(abs(value)) + 1e-9)
    mantissa = number(value / 10.0**power)
    text = f"10{str(power).translate(_SUPERSCRIPTS)}"
    return text if mantissa == "1" else f"{mantissa}×{text}"


def make_logarithmic(axes: Axes, which: str, decades: float = 3.0) -> None:
    """Give the axis `which` (x or y) a logarithmic scale with plain numbers.

    From so many `decades` on, powers of ten alone have a tick.
    """
    axis = axes.xaxis if which == "x" else axes.yaxis
    (axes.set_xscale if which == "x" else axes.set_yscale)("log")
    low, high = axis.get_view_interval()
    steps = (1.0,) if high > 10.0**decades * low else (1.0, 2.0, 5.0)
    axis.set_major_locator(LogLocator(subs=steps, numticks=12))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(FuncFormatter(lambda x, _: plain(x)))


def limit_percentage(axes: Axes, smallest_span: float = 2.0) -> None:
    """Keep a percentage axis within what is possible, and from magnifying noise."""
    low, high = axes.get_ylim()
    if high - low < smallest_span:
        middle = (low + high) / 2
        low, high = middle - smallest_span / 2, middle + smallest_span / 2
    if high > 100.0:
        low, high = min(low, 100.0 - smallest_span), 100.0 + 0.02 * (100.0 - low)
    axes.set_ylim(max(low, 0.0), high)


def legend_above(figure: Canvas, handles: dict[str, Any], title: str = "") -> None:
    """Put a legend outside, above the axes, where it hides nothing.

    Args:
        figure: the figure.
        handles: artist by label, in order.
        title: what the labels are values of.
    """
    longest = max(len(label) for label in handles)
    fitting = max(1, CHARACTERS // (longest + 6))
    lines = math.ceil(len(handles) / fitting)
    figure.legend(
        list(handles.values()),
        list(handles),
        title=title or None,
        loc="outside upper center",
        ncols=math.ceil(len(handles) / lines),
    )


def _suits_logarithm(distinct: Sequence[float]) -> bool:
    """Return whether ascending values are spread by factors rather than evenly."""
    positive = [value for value in distinct if value > 0]
    if len(positive) < 2:
        return False
    spread = positive[-1] / positive[0]
    gap = max(b - a for a, b in pairwise(positive))
    uneven = len(positive) > 2 and gap > 0.4 * (positive[-1] - positive[0])
    return spread > LOG_SPREAD or (spread >= 10 and uneven)


def _break(axes: Axes, place: float) -> None:
    """Mark the axis as broken at `place`."""
    slant = [(-1.0, -2.0), (1.0, 2.0)]
    left, right = axes.get_xlim()
    for offset in (-0.008, 0.008):
        axes.plot(
            [place + offset * (right - left)],
            [0.0],
            transform=axes.get_xaxis_transform(),
            marker=slant,
            markersize=7,
            color="black",
            linestyle="none",
            markeredgewidth=0.6,
            clip_on=False,
            zorder=5,
        )


def _nearest_text(ticks: dict[float, str], place: float) -> str:
    return ticks[min(ticks, key=lambda tick: abs(tick - place))]
