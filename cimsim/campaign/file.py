"""The campaign file: what a user writes, before it is expanded into design points."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, ValidationError, model_validator

from cimsim.campaign.figure import OF_CHIPS, ON_ARRAYS, Figure
from cimsim.campaign.include import Merged, read_merged
from cimsim.campaign.messages import dotted, first_problem
from cimsim.campaign.sample import Sample
from cimsim.campaign.search import Search
from cimsim.campaign.section import Exact
from cimsim.campaign.seeds import Seeds, Share
from cimsim.errors import UserError, nearest

Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]*$")]
"""A name that may stand in a path."""

TRIALS = "trials"
"""Name of the sweep with the points of a search."""

Settings = dict[str, Any]
"""Design fields with a value each, nested or dotted, and `preset`; checked by the expansion."""


class Statistics(Exact):
    """How uncertainty is reported."""

    confidence: Share = Field(0.95, gt=0.0, lt=1.0, description="level of confidence intervals")


class Sweep(Exact):
    """Design points around the base: each combination of `grid`, `zip`, `points` and `sample`."""

    name: Annotated[str, Field(pattern=r"^([a-z0-9][a-z0-9_-]*)?$")] = Field(
        "", description="name in tables; default: sweep1, sweep2, ..."
    )
    base: Settings = Field(
        default_factory=dict, description="design fields that differ from the campaign's base"
    )
    grid: dict[str, Any] = Field(
        default_factory=dict, description="field -> list of values; every combination is a point"
    )
    zip: dict[str, Any] = Field(
        default_factory=dict,
        description="field -> list of values, all of one length; the n-th values belong together",
    )
    points: tuple[Settings, ...] = Field((), description="explicit list of fields with values")
    sample: Sample | None = Field(None, description="points spread over ranges of fields")
    where: str | tuple[str, ...] = Field(
        (),
        description="condition or list of conditions on fields, such as `array.adc.bits <= 6 or "
        "cell.technology == 'sram'`; only combinations that meet all of them are points",
    )
    invalid: Literal["error", "drop"] = Field(
        "error",
        description="what happens to a combination that cannot be built, as far as the design by "
        "itself tells: the run does not start, or the combination is left out and listed",
    )

    @model_validator(mode="after")
    def _pairs_are_whole(self) -> Self:
        if self.sample is not None and self.sample.method == "saltelli":
            others = ("grid", "zip", "points", "where")
            if surplus := [name for name in others if getattr(self, name)]:
                raise ValueError(
                    f"{surplus[0]}: not allowed beside sample.method saltelli, whose points belong "
                    "together; allowed: base, or another method"
                )
            if self.invalid == "drop":
                raise ValueError(
                    "invalid: 'drop' is not allowed with sample.method saltelli, whose points "
                    "belong together; allowed: error"
                )
        return self

    @property
    def conditions(self) -> tuple[str, ...]:
        """The conditions of `where`; a single one needs no list in the file."""
        return (self.where,) if isinstance(self.where, str) else self.where


class CampaignFile(Exact):
    """A campaign: a base design, what varies around it, the seeds and the figures."""

    name: Name = Field(description="name of the campaign's folder: results/campaigns/<name>/")
    description: str = Field("", description="what the campaign is for; stands in the summary")
    include: str | tuple[str, ...] = Field(
        (), description="campaign file or files, relative to this one, whose keys hold here, too"
    )
    base: Settings = Field(default_factory=dict, description="design fields of all points")
    sweeps: tuple[Sweep, ...] = Field((), description="what varies; none: the base alone")
    search: Search | None = Field(
        None, description="points that are proposed from earlier results (`cimsim search`)"
    )
    seeds: Seeds = Field(Seeds(), description="chip instances at each point")
    statistics: Statistics = Field(Statistics(), description="how uncertainty is reported")
    accuracy: bool = Field(
        True,
        description="whether networks run on arrays; false: hardware figures alone, without infer "
        "jobs and accuracies on arrays",
    )
    hardware: bool = Field(
        True,
        description="whether chips are evaluated; false: accuracies alone, without trace and ppa "
        "jobs, also of designs that the hardware model has no circuits for",
    )
    budget: bool = Field(
        False,
        description="whether to say for each point what the ADC and each effect cost, alone and "
        "one after another (first block of seeds)",
    )
    sensitivity: bool = Field(
        False,
        description="whether to say for each sweep which parameters matter: Sobol' indices of "
        "grids and samples, main effects of axes of grids",
    )
    figures: tuple[Figure, ...] = Field((), description="figures to draw")
    published: str = Field(
        "",
        description="CSV file, relative to this one, with figures that others have published; they "
        "are shown beside the campaign's own, and published.csv has the differences",
    )

    @model_validator(mode="after")
    def _names_differ(self) -> Self:
        for what, names in (
            ("sweeps", [sweep.name for sweep in self.sweeps if sweep.name]),
            ("figures", [figure.name for figure in self.figures]),
        ):
            for name in names:
                if names.count(name) > 1:
                    raise ValueError(f"{what}: the name '{name}' is there twice")
        return self

    @model_validator(mode="after")
    def _sweeps_of_figures_exist(self) -> Self:
        names = self.sweep_names()
        for figure in self.figures:
            if figure.sweep and figure.sweep not in names:
                hint = nearest(figure.sweep, names)
                raise ValueError(
                    f"figures: {figure.name}: sweep is '{figure.sweep}'{hint}; "
                    f"allowed: {', '.join(names)}"
                )
        return self

    @model_validator(mode="after")
    def _something_is_evaluated(self) -> Self:
        if not self.accuracy and not self.hardware:
            raise ValueError(
                "hardware: false but accuracy is false, too, so that there are no results; "
                "allowed: true for one of them"
            )
        return self

    @model_validator(mode="after")
    def _a_search_has_its_measures(self) -> Self:
        if self.search is None:
            return self
        if self.sweeps:
            raise ValueError("search: not allowed beside sweeps; allowed: one of them")
        if self.sensitivity:
            raise ValueError("search: proposed points tell no sensitivity; allowed: false")
        for name in self.search.measures:
            if name in ON_ARRAYS and not self.accuracy:
                raise ValueError(f"search: '{name}' is optimised but accuracy is false")
            if name in OF_CHIPS and not self.hardware:
                raise ValueError(f"search: '{name}' is optimised but hardware is false")
        if "accuracy_std" in self.search.measures and self.seeds.most < 2:
            raise ValueError(
                "search: 'accuracy_std' is optimised but seeds.count is 1; allowed: 2 or more"
            )
        return self

    @model_validator(mode="after")
    def _budget_has_accuracies(self) -> Self:
        if self.budget and not self.accuracy:
            raise ValueError(
                "budget: true but accuracy is false, so that no network runs on arrays; "
                "allowed: false, or accuracy: true"
            )
        return self

    @model_validator(mode="after")
    def _figures_have_their_measures(self) -> Self:
        for figure in self.figures:
            if figure.kind == "sensitivity" and not self.sensitivity:
                raise ValueError(
                    f"figures: {figure.name}: kind is sensitivity but sensitivity is false; "
                    "allowed: another figure, or sensitivity: true"
                )
            if figure.needs_budget and not self.budget:
                what = figure.y or figure.kind
                raise ValueError(
                    f"figures: {figure.name}: '{what}' is shown but budget is false, so there is "
                    "none; allowed: another figure, or budget: true"
                )
            if figure.needs_hardware and not self.hardware:
                raise ValueError(
                    f"figures: {figure.name}: shows figures of chips but hardware is false, so "
                    "there are none; allowed: a figure of accuracies, or hardware: true"
                )
            for measure in () if self.accuracy else figure.measures:
                if measure in ON_ARRAYS:
                    raise ValueError(
                        f"figures: {figure.name}: '{measure}' is shown but accuracy is false, so "
                        "there is none on arrays; allowed: another measure, or accuracy: true"
                    )
        return self

    def sweep_names(self) -> list[str]:
        """Return the name of each sweep; without sweeps, the base is one."""
        named = [sweep.name or f"sweep{n}" for n, sweep in enumerate(self.sweeps, start=1)]
        return named or ["base" if self.search is None else TRIALS]


@dataclass(frozen=True)
class CampaignSource:
    """A campaign file as it was read, with those that it includes.

    Attributes:
        content: what they say together, without bases.
        merged: which file says what, and the base of each.
    """

    content: CampaignFile
    merged: Merged

    def file(self, *keys: str) -> Path:
        """Return the file in which the value at some keys is written, or else the main one."""
        return self.merged.origin(*keys) or self.merged.main


def read_campaign_file(path: Path) -> CampaignSource:
    """Read a campaign file and check everything but the design fields in it.

    Raises:
        UserError: a file cannot be read or something in it is not allowed.
    """
    merged = read_merged(path)
    try:
        content = CampaignFile.model_validate_json(json.dumps(merged.content))
    except ValidationError as error:
        location, problem = first_problem(error, CampaignFile)
        place = f"{dotted(location)}: " if location else ""
        raise UserError(f"{merged.origin(*location) or path}: {place}{problem}") from error
    return CampaignSource(content, merged)
