"""The figures that a campaign file asks for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
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

OF_CHIPS = tuple(
    measure
    for measure in MEASURES
    if not measure.endswith("_accuracy") and measure not in ON_ARRAYS
)
"""Measures that only a campaign that evaluates chips has."""

WITH_INTERVAL = ("float_accuracy", "quantized_accuracy", "accuracy", "accuracy_change")
"""Measures that have columns <measure>_low and <measure>_high."""

BREAKDOWNS = ("area", "energy")
"""Quantities that a breakdown can divide by component."""

PROFILES = ("energy", "latency", "utilization", "sqnr")
"""Quantities of a layer that a layer profile can show; sqnr is in the error budget."""

Scalar = bool | int | float | str

Kind = Literal[
    "line",
    "pareto",
    "breakdown",
    "heatmap",
    "layers",
    "floorplan",
    "codes",
    "roofline",
    "sensitivity",
]


@dataclass(frozen=True)
class Rule:
    """What a field of a kind of figure may be.

    Attributes:
        what: the rule in words, for a message.
        allowed: the values, computed when asked for.
        default: value where the field is not given; without one the field is required.
    """

    what: str
    allowed: Callable[[], tuple[str, ...]]
    default: str | None = None


def _parameters() -> tuple[str, ...]:
    return tuple(parameters())


def _measure(default: str) -> Rule:
    return Rule("a measure", lambda: MEASURES, default)


_ANY = Rule("a parameter", _parameters, "")

RULES: dict[str, dict[str, Rule]] = {
    "line": {
        "x": Rule("a parameter", _parameters),
        "y": _measure("accuracy"),
        "colour": _ANY,
        "facet": _ANY,
    },
    "pareto": {
        "x": _measure("energy_j"),
        "y": _measure("accuracy"),
        "colour": _ANY,
        "facet": _ANY,
    },
    "breakdown": {
        "x": _ANY,
        "y": Rule("a quantity with components", lambda: BREAKDOWNS, "energy"),
    },
    "heatmap": {
        "x": Rule("a parameter", _parameters),
        "y": Rule("a parameter", _parameters),
        "colour": _measure("accuracy"),
        "facet": _ANY,
    },
    "layers": {"y": Rule("a quantity of a layer", lambda: PROFILES, ""), "colour": _ANY},
    "floorplan": {"facet": _ANY},
    "codes": {},
    "roofline": {"colour": _ANY},
    "sensitivity": {"y": _measure("accuracy")},
}
"""Fields of each kind of figure; the others have no meaning for it."""


class Figure(Section):
    """One figure of the campaign.

    line: a measure against a parameter; pareto: two measures and the front between them;
    breakdown: stacked bars of area or energy by component; heatmap: a measure over two parameters;
    layers: energy, latency, utilisation and error of each layer; floorplan: the tiles of a chip by
    layer; codes: how often each layer's ADCs give each code; roofline: what bounds each layer;
    sensitivity: the share of a measure's variance that each parameter of a sweep explains.
    """

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")] = Field(
        description="name of the files in figures/"
    )
    kind: Kind = Field(description="what is drawn")
    x: str = Field(
        "",
        description="line: parameter; pareto: measure (default energy_j); "
        "breakdown: parameter that labels the bars (default: all that vary); heatmap: parameter",
    )
    y: str = Field(
        "",
        description="line, pareto, sensitivity: measure (default accuracy); breakdown: area or "
        "energy "
        "(default); heatmap: parameter; layers: energy, latency, utilization or sqnr (default: a "
        "panel for each that there is)",
    )
    colour: str = Field(
        "",
        description="line, pareto, layers, roofline: parameter that distinguishes the series; "
        "heatmap: measure (default accuracy)",
    )
    facet: str = Field(
        "", description="line, pareto, heatmap, floorplan: parameter with a panel for each value"
    )
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
        rules = RULES.get(str(given.get("kind")), {})
        return {**{name: rule.default or "" for name, rule in rules.items()}, **given}

    @model_validator(mode="after")
    def _columns_exist(self) -> Self:
        rules = RULES[self.kind]
        for field in ("x", "y", "colour", "facet"):
            given = getattr(self, field)
            if field in rules:
                rule = rules[field]
                if given or rule.default != "":
                    _one_of(field, given, rule.allowed(), rule.what)
            elif given:
                raise ValueError(
                    f"{field} has no meaning for kind {self.kind}; allowed: {_fields(rules)}"
                )
        if self.filter and self.kind == "sensitivity":
            raise ValueError(
                "filter has no meaning for kind sensitivity; allowed: y, sweep, caption"
            )
        for name in self.filter:
            _one_of("filter", name, tuple(parameters()), "a parameter")
        named = [name for name in (self.x, self.y, self.colour, self.facet) if name]
        for name in named:
            if named.count(name) > 1:
                raise ValueError(f"{name} is shown twice; allowed: each in one of x, y, ...")
        return self

    def admits(self, name: str, value: object) -> bool:
        """Return whether a point whose parameter `name` has `value` passes the filter."""
        if name not in self.filter:
            return True
        wanted = self.filter[name]
        return value in (wanted if isinstance(wanted, tuple) else (wanted,))

    @property
    def measures(self) -> tuple[str, ...]:
        """Measures that the figure shows."""
        return tuple(m for m in (self.x, self.y, self.colour) if m in MEASURES)

    @property
    def tables(self) -> tuple[str, ...]:
        """Joined tables that the figure is drawn from."""
        more = {
            "layers": ("layers.parquet",),
            "floorplan": ("layers.parquet",),
            "roofline": ("layers.parquet",),
            "codes": ("budget_codes.parquet",),
            "sensitivity": ("sensitivity.parquet",),
        }
        return ("points.parquet", *more.get(self.kind, ()), *self._budget_tables())

    @property
    def needs_budget(self) -> bool:
        """Whether the figure shows what only a campaign with an error budget has."""
        return self.kind == "codes" or bool(self._budget_tables())

    @property
    def needs_hardware(self) -> bool:
        """Whether the figure shows what only a campaign that evaluates chips has."""
        chips = ("breakdown", "floorplan", "roofline")
        profile = self.kind == "layers" and self.y != "sqnr"
        return self.kind in chips or profile or any(m in OF_CHIPS for m in self.measures)

    def _budget_tables(self) -> tuple[str, ...]:
        return ("budget_layers.parquet",) if self.y == "sqnr" else ()

    @property
    def text(self) -> str:
        """The campaign's caption, and what the marks in the figure mean."""
        return " ".join([self.caption or f"{self._subject()}.", *self._how_to_read()])

    def _subject(self) -> str:
        """What is shown, in words, for a figure without a caption."""
        if self.kind == "breakdown":
            return f"{'Area' if self.y == 'area' else 'Energy per image'} by component"
        if self.kind == "heatmap":
            over = f"{quantity(self.x).words} and {quantity(self.y).words}"
            return f"{_title(self.colour)} over {over}"
        if self.kind in ("line", "pareto"):
            return f"{_title(self.y)} against {quantity(self.x).words}"
        if self.kind == "sensitivity":
            return f"What the variance of {quantity(self.y).words} comes from"
        return {
            "layers": "Layers in order of execution",
            "floorplan": "Tiles of the chip by number and colour of the layer that they hold",
            "codes": "How often the ADCs of each layer give each code",
            "roofline": "Throughput of each layer against its operations per byte moved",
        }[self.kind]

    def _how_to_read(self) -> list[str]:
        """Sentences on the marks of the figure."""
        parts = list(_NOTES.get(self.kind, ()))
        if self.kind == "pareto" and not self.caption:
            parts.append("No other point is better in both than a large one; the line joins them.")
        if self.kind in ("line", "pareto") and self.y in WITH_INTERVAL:
            parts.append("Bars are confidence intervals that count both images and chips (seeds).")
        if self.kind == "heatmap" and self.colour in WITH_INTERVAL:
            parts.append(
                "Below each value is half the width of its confidence interval, where it fits."
            )
        if self.kind == "line" and self.y == "accuracy":
            parts.append("The grey and the dotted line are the network without arrays.")
        return parts


_NOTES: dict[str, tuple[str, ...]] = {
    "layers": (
        "Signal to error is the power of a layer's outputs over that of the error that its own "
        "arrays add, on exact inputs; a layer without a mark adds none. Its bars are confidence "
        "intervals of the mean over chips (seeds); the other quantities do not vary between them.",
    ),
    "breakdown": ("The number at the end of a bar is the total.",),
    "floorplan": (
        "The model fixes how many tiles a layer has and the sides of the grid; tiles are placed "
        "here in order of execution.",
    ),
    "codes": (
        "Each row shows the share of conversions that give a code, on a logarithmic scale from "
        "10⁻⁴ to 1; white codes did not occur.",
    ),
    "sensitivity": (
        "The first-order index is the share of the variance that a parameter explains by itself, "
        "the total one includes its interactions with others. Lines are confidence intervals of "
        "sampled sweeps; grids have none.",
    ),
    "roofline": (
        "Bytes are the inputs and outputs of a layer at the precision of activations. The sloped "
        "roof is the best rate at which any layer moves them through buffers and interconnect, the "
        "flat one the best rate at which any layer computes; a filled mark spends more of its time "
        "on computing.",
    ),
}


def _title(column: str) -> str:
    words = quantity(column).words
    return words[0].upper() + words[1:]


def check_measure(name: str) -> None:
    """Refuse what is no measure.

    Raises:
        ValueError: names those that there are.
    """
    if name not in MEASURES:
        hint = nearest(name, MEASURES)
        raise ValueError(f"'{name}' is no measure{hint}; allowed: {', '.join(MEASURES)}")


def _one_of(field: str, given: str, allowed: tuple[str, ...], what: str) -> None:
    if given not in allowed:
        hint = nearest(given, allowed) or f"; one of {', '.join(allowed)}"
        raise ValueError(f"{field} is '{given}' but must be {what}{hint}")


def _fields(rules: Mapping[str, Rule]) -> str:
    return ", ".join([*rules, "sweep", "filter", "caption"])
