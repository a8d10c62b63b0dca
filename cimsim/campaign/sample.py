"""Sampled sweeps: points spread over ranges of design fields, seeded.

Sobol' sequences (Owen-scrambled) and Latin hypercubes are those of scipy.stats.qmc. SciPy is loaded
only for a campaign that samples.

The method saltelli draws two independent samples A and B of `count` points from the halves of one
sequence in twice as many dimensions, and for each field i the sample AB_i: A with the values of
field i from B (Saltelli et al., "Variance based sensitivity analysis of model output", Computer
Physics Communications 181, 2010, 259, sections 3 and 5). Its points are those of A, of B, of AB_1
and so on.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from cimsim.campaign.messages import shown
from cimsim.campaign.parameters import parameters
from cimsim.campaign.section import Exact
from cimsim.campaign.settings import PRESET, Place, Row, Setting, checked, walk
from cimsim.errors import UserError

DIGITS = 6
"""Significant digits of a sampled number: keys do not hang on the last bits of SciPy."""

LARGEST_INTEGER = 2**53
"""Largest bound of whole numbers, which a float64 holds exactly."""

LARGEST_NUMBER = 1e150
"""Largest bound of other numbers: neither the difference nor the ratio of two overflows."""


class Space(Exact):
    """Ranges and lists of values of design fields, from which points are taken."""

    ranges: dict[str, Any] = Field(
        default_factory=dict, description="field -> [lowest, highest]; whole numbers stay whole"
    )
    log: tuple[str, ...] = Field((), description="fields of ranges that are spread evenly in log")
    choices: dict[str, Any] = Field(
        default_factory=dict, description="field -> list of values, each as likely"
    )


class Sample(Space):
    """Points spread over ranges of design fields."""

    method: Literal["sobol", "latin_hypercube", "saltelli"] = Field(
        "sobol",
        description="Owen-scrambled Sobol' sequence, Latin hypercube, or pairs of points for total "
        "Sobol' indices",
    )
    count: int = Field(
        ge=1,
        le=65536,
        description="number of points, of saltelli one for each field and two more times this; of "
        "sobol and saltelli a power of two",
    )
    seed: int = Field(0, ge=0, description="seed of the sample")

    @model_validator(mode="after")
    def _balanced(self) -> Self:
        if self.method != "latin_hypercube" and self.count & (self.count - 1):
            raise ValueError(
                f"count is {self.count}; allowed for method {self.method}: a power of two, "
                "for balance"
            )
        return self


def sampled_rows(sample: Sample, place: Place) -> list[Row]:
    """Return the settings of each sampled point.

    Raises:
        UserError: as :func:`space_axes`.
    """
    axes = space_axes(sample, place)
    return [
        Row({}, {axis.name: Setting(axis.value(s), str(axis.place)) for axis, s in pairs})
        for pairs in (zip(axes, p, strict=True) for p in _unit_points(sample, len(axes)))
    ]


@dataclass(frozen=True)
class Axis:
    """One field of a space.

    Attributes:
        name: dotted name of the field.
        place: where it is written.
        choices: number of values in a list; 0 for a range.
        at: value (unchecked) at a share in [0, 1) of the range or list.
    """

    name: str
    place: Place
    choices: int
    at: Callable[[float], Any]

    def shares(self) -> list[float]:
        """Return the shares of the values of a list, or of the ends of a range."""
        if not self.choices:
            return [0.0, math.nextafter(1.0, 0.0)]
        return [(number + 0.5) / self.choices for number in range(self.choices)]

    def value(self, share: float) -> Any:
        """Return the value at a share in [0, 1) of the range or list.

        Raises:
            UserError: the field does not take it.
        """
        return checked(self.name, self.at(share), self.place)


def space_axes(space: Space, place: Place) -> list[Axis]:
    """Return the fields of a space.

    Raises:
        UserError: no field, one that does not exist or is no number, a range that is none, or a
            value or an end of a range that the field does not take.
    """
    axes = list(_axes(space, place))
    for axis in axes:
        for share in axis.shares():
            axis.value(share)
    if not axes:
        raise UserError(f"{place}: ranges and choices are empty; allowed: fields to be sampled")
    missing = set(space.log) - {axis.name for axis in axes if not axis.choices}
    if missing:
        raise UserError(f"{place.at('log')}: {shown(min(missing))} is no field of ranges")
    return axes


def _unit_points(sample: Sample, dimensions: int) -> list[list[float]]:
    """Return points of the unit cube, [count][dimensions]."""
    import numpy as np
    from scipy.stats import qmc

    rng = np.random.default_rng(sample.seed)
    if sample.method == "latin_hypercube":
        drawn = qmc.LatinHypercube(dimensions, rng=rng).random(sample.count)
    elif sample.method == "sobol":
        drawn = qmc.Sobol(dimensions, rng=rng).random(sample.count)
    else:
        halves = qmc.Sobol(2 * dimensions, rng=rng).random(sample.count)
        first, second = halves[:, :dimensions], halves[:, dimensions:]
        mixed = np.tile(first, (dimensions, 1, 1))
        for field in range(dimensions):
            mixed[field, :, field] = second[:, field]
        drawn = np.concatenate([first, second, *mixed])
    points: list[list[float]] = drawn.tolist()
    return points


def _axes(sample: Space, place: Place) -> Iterator[Axis]:
    seen: set[str] = set()
    for name, given, here in walk(sample.ranges, place.at("ranges")):
        seen.add(name)
        yield Axis(name, here, 0, _range(name, given, here, name in sample.log))
    for name, given, here in walk(sample.choices, place.at("choices")):
        if name in seen:
            raise UserError(f"{here}: {name} is also in ranges")
        if not isinstance(given, list) or not given:
            raise UserError(f"{here}: {shown(given)} is not allowed; allowed: a list of values")
        if name == PRESET:
            raise UserError(f"{here}: presets cannot be sampled; allowed: design fields")
        yield Axis(name, here, len(given), partial(_choice, given))


def _choice(given: list[Any], share: float) -> Any:
    return given[int(share * len(given))]


def _range(name: str, given: Any, here: Place, log: bool) -> Callable[[float], Any]:
    """Return what gives the value at a share of a range, which lies within its bounds."""
    kind = parameters()[name].kind if name in parameters() else None
    if kind not in (int, float):
        raise UserError(f"{here}: {name} is no number; allowed: a numeric field, or choices")
    low, high = _bounds(given, here, whole=kind is int, log=log)
    if kind is int:
        if log:
            first, last = math.log(low), math.log(high + 1)
            return lambda share: _within(low, int(math.exp(first + share * (last - first))), high)
        return lambda share: _within(low, low + int(share * (high - low + 1)), high)
    if log:
        return lambda share: _within(low, _short(low * (high / low) ** share), high)
    return lambda share: _within(low, _short(low + share * (high - low)), high)


def _bounds(given: Any, here: Place, *, whole: bool, log: bool) -> tuple[Any, Any]:
    """Return the lowest and the highest value of a range."""
    largest = LARGEST_INTEGER if whole else LARGEST_NUMBER
    least = (1 if whole else 1 / LARGEST_NUMBER) if log else -largest
    numbers = f"[lowest, highest], {'whole ' if whole else ''}numbers from {least} to {largest}"
    kinds = int if whole else int | float
    for value in given if isinstance(given, list) and len(given) == 2 else [None]:
        # A comparison with NaN is false.
        if isinstance(value, bool) or not isinstance(value, kinds) or not least <= value <= largest:
            raise UserError(f"{here}: {shown(given)} is not allowed; allowed: {numbers}")
    low, high = given
    if not low < high:
        raise UserError(f"{here}: {shown(given)} is not allowed; allowed: lowest < highest")
    return (low, high) if whole else (float(low), float(high))


def _within(low: Any, value: Any, high: Any) -> Any:
    """Return the value, or the bound that rounding has taken it past."""
    return min(max(value, low), high)


def _short(number: float) -> float:
    return float(f"{number:.{DIGITS}g}")
