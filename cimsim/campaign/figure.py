"""The figures that a campaign file asks for."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from cimsim.campaign.labels import quantity
from cimsim.campaign.parameters import parameters
from cimsim.campaign.section import Section
from cimsim.errors import nearest

MEASURES = (
    "float_accuracy",
    "quantized_accuracy",
    "accuracy",
    "accuracy_change",
    "accuracy_std",
    "logit_error_rms",
    "area_mm2",
    "clock_period_s",
    "latency_s",
    "energy_j",
    "energy_dynamic_j",
    "energy_leakage_j",
    "power_leakage_w",
    "tops",
    "tops_per_w",
    "tops_per_mm2",
    "frames_per_s",
    "memory_utilization",
)
"""Results of a design point that a figure can show: columns of points.parquet."""

ON_ARRAYS = ("accuracy", "accuracy_change", "accuracy_std", "logit_error_rms")
"""Measures that only a campaign with networks on arrays has."""

WITH_INTERVAL = ("float_accuracy", "quantized_accuracy", "accuracy", "accuracy_change")
"""Measures that have columns <measure>_low and <measure>_high."""

BREAKDOWNS = ("area", "energy")
"""Quantities that a breakdown can divide by component."""

Scalar = bool | int | float | str


class Figure(Section):
    """One figure of the campaign.

    line: a measure against a numeric parameter; pareto: two measures and the front between them;
    breakdown: stacked bars of area or energy by component.
    """

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")] = Field(
        description="name of the files in figures/"
    )
    kind: Literal["line", "pareto", "breakdown"] = Field(description="what is drawn")
    x: str = Field(
        "",
        description="line: numeric parameter; pareto: measure (default energy_j); "
        "breakdown: parameter that labels the bars (default: all that vary)",
    )
    y: str = Field(
        "",
        description="line, pareto: measure (default accuracy); breakdown: area or energy (default)",
    )
    colour: str = Field("", description="line, pareto: parameter that distinguishes the series")
    sweep: str = Field("", description="only the points of this sweep of the campaign are shown")
    filter: dict[str, Scalar | tuple[Scalar, ...]] = Field(
        default_factory=dict,
        description="parameter -> value or list of values: only these points are shown",
    )
    caption: str = Field("", description="sentence for the summary and the report")

    @model_validator(mode="before")
    @classmethod
    def _defaults_of_the_kind(cls, given: object) -> object:
        if not isinstance(given, dict):
            return given
        defaults = {
            "line": {"y": "accuracy"},
            "pareto": {"x": "energy_j", "y": "accuracy"},
            "breakdown": {"y": "energy"},
        }
        return {**defaults.get(str(given.get("kind")), {}), **given}

    @model_validator(mode="after")
    def _columns_exist(self) -> Self:
        known = parameters()
        numeric = tuple(p.name for p in known.values() if p.is_number)
        if self.kind == "line":
            _one_of("x", self.x, numeric, "a numeric parameter")
            _one_of("y", self.y, MEASURES, "a measure")
        elif self.kind == "pareto":
            _one_of("x", self.x, MEASURES, "a measure")
            _one_of("y", self.y, MEASURES, "a measure")
        else:
            _one_of("y", self.y, BREAKDOWNS, "a quantity with components")
            if self.x:
                _one_of("x", self.x, tuple(known), "a parameter")
            if self.colour:
                raise ValueError("colour has no meaning for kind breakdown: colours are components")
        if self.colour:
            _one_of("colour", self.colour, tuple(known), "a parameter")
        for name in self.filter:
            _one_of("filter", name, tuple(known), "a parameter")
        return self

    def admits(self, name: str, value: object) -> bool:
        """Return whether a point whose parameter `name` has `value` passes the filter."""
        if name not in self.filter:
            return True
        wanted = self.filter[name]
        return value in (wanted if isinstance(wanted, tuple) else (wanted,))

    @property
    def text(self) -> str:
        """The campaign's caption, and what the marks in the figure mean."""
        if self.kind == "breakdown":
            what = f"{'Area' if self.y == 'area' else 'Energy per image'} by component."
            return f"{self.caption or what} The number at the end of a bar is the total."
        parts = [self.caption or f"{_title(self.y)} against {quantity(self.x).words}."]
        if self.kind == "pareto" and not self.caption:
            parts.append("No other point is better in both than a large one; the line joins them.")
        if self.y in WITH_INTERVAL:
            parts.append("Bars are confidence intervals that count both images and chips (seeds).")
        if self.kind == "line" and self.y == "accuracy":
            parts.append("The grey and the dotted line are the network without arrays.")
        return " ".join(parts)


def _title(column: str) -> str:
    words = quantity(column).words
    return words[0].upper() + words[1:]


def _one_of(field: str, given: str, allowed: tuple[str, ...], what: str) -> None:
    if given not in allowed:
        hint = nearest(given, allowed) or f"; one of {', '.join(allowed)}"
        raise ValueError(f"{field} is '{given}' but must be {what}{hint}")
