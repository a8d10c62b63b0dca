"""Expansion of a campaign file into design points. Loads neither torch nor pandas nor numpy."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from cimsim.campaign.circuits import check_circuits
from cimsim.campaign.condition import Condition
from cimsim.campaign.design import DesignPoint
from cimsim.campaign.figure import Figure
from cimsim.campaign.file import CampaignSource, Statistics, Sweep, read_campaign_file
from cimsim.campaign.keys import OF_CHIPS, STAGES, design_id, stage_keys, unflatten
from cimsim.campaign.messages import dotted, first_problem, shown
from cimsim.campaign.parameters import parameters
from cimsim.campaign.published import Published, read_published
from cimsim.campaign.sample import Axis, sampled_rows, space_axes
from cimsim.campaign.search import Search
from cimsim.campaign.seeds import Seeds
from cimsim.campaign.settings import (
    PRESET,
    Layer,
    Place,
    Row,
    Setting,
    checked,
    read_presets,
    read_row,
    walk,
)
from cimsim.errors import UserError

MOST_COMBINATIONS = 200_000
"""Combinations that one sweep may have; more is a slip, and no workflow could run them."""


@dataclass(frozen=True, slots=True)
class CampaignPoint:
    """One design point of a campaign.

    Attributes:
        id: hash of the whole design.
        point: the design.
        changed: fields that differ from their default, by dotted name.
        keys: key of each stage.
        sweeps: names of the sweeps that it belongs to.
        layers: where its fields are written, later ones win.
    """

    id: str
    point: DesignPoint
    changed: dict[str, Any]
    keys: dict[str, str]
    sweeps: list[str]
    layers: tuple[Layer, ...]

    @property
    def text(self) -> str:
        """The values that its sweep gives it, for a message."""
        return _axis_values(self.layers)

    def blamed(self, message: str) -> str | None:
        """Return file and key where the first field that a message names is written, if any is."""
        return _blamed(self.layers, message)


@dataclass(frozen=True, slots=True)
class Dropped:
    """A combination that a sweep with ``invalid: drop`` left out."""

    sweep: str
    values: str
    reason: str


@dataclass(frozen=True)
class SweepDesign:
    """How the points of a sweep were made: every combination of the rows of its axes.

    Attributes:
        name: name of the sweep.
        axes: the values of each row of each axis, as text by dotted field name.
        sample: method of the sampled axis, which is the last one; None without one.
        ids: point of each combination, the last axis fastest; None where one was left out.
    """

    name: str
    axes: tuple[tuple[dict[str, str], ...], ...]
    sample: str | None
    ids: tuple[str | None, ...]


@dataclass(frozen=True)
class Campaign:
    """A campaign, expanded."""

    file: Path
    name: str
    description: str
    seeds: Seeds
    statistics: Statistics
    accuracy: bool
    hardware: bool
    budget: bool
    sensitivity: bool
    search: Search | None
    space: tuple[Axis, ...]
    figures: tuple[Figure, ...]
    published: tuple[Published, ...]
    points: tuple[CampaignPoint, ...]
    dropped: tuple[Dropped, ...]
    designs: tuple[SweepDesign, ...]

    @property
    def stages(self) -> frozenset[str]:
        """Stages that the campaign runs."""
        without = {*(() if self.accuracy else ("infer",)), *(() if self.hardware else OF_CHIPS)}
        return frozenset(STAGES) - without


def load_campaign(path: Path | str) -> Campaign:
    """Read a campaign file and expand it.

    Raises:
        UserError: anything in the file, or in a preset it names, that is not allowed.
    """
    return expand(read_campaign_file(Path(path)))


def expand(source: CampaignSource) -> Campaign:
    """Return the design points of a campaign file, each once, in the order of the sweeps.

    Raises:
        UserError: an unknown field or preset, a value that is not allowed, a combination that
            cannot be built, or no point at all.
    """
    path, content = source.merged.main, source.content
    space: list[Axis] = []
    if content.search is not None:
        space = space_axes(content.search, Place(source.file("search")).at("search"))
    base = _base(source)
    expansion = _Expansion(content.hardware)
    for index, name in enumerate(content.sweep_names()):
        if content.sweeps:
            place = Place(source.file("sweeps")).at("sweeps")
            sweep, here = content.sweeps[index], place.item(index)
        else:
            sweep, here = Sweep(), Place(path)
        expansion.add(sweep.model_copy(update={"name": name}), here, base)
    if not expansion.points:
        reason = expansion.dropped[0].reason
        raise UserError(f"{path}: sweeps: every combination was dropped: {reason}")
    published: tuple[Published, ...] = ()
    if content.published:
        published = read_published(source.file("published").parent / content.published)
    return Campaign(
        file=path,
        name=content.name,
        description=content.description,
        seeds=content.seeds,
        statistics=content.statistics,
        accuracy=content.accuracy,
        hardware=content.hardware,
        budget=content.budget,
        sensitivity=content.sensitivity,
        search=content.search,
        space=tuple(space),
        figures=content.figures,
        published=published,
        points=tuple(expansion.points.values()),
        dropped=tuple(expansion.dropped),
        designs=tuple(expansion.designs),
    )


def _base(source: CampaignSource) -> Layer:
    """Return the settings of the base of each file, of which later ones win."""
    layer: Layer = {}
    for file, given in source.merged.bases:
        place = Place(file).at("base")
        if not isinstance(given, dict):
            raise UserError(f"{place}: {shown(given)} is not allowed; allowed: keys with values")
        layer |= read_row(given, place).layer()
    return layer


class _Expansion:
    """The points found so far, by the fields that differ from their default.

    `hardware` says whether the chip of each is evaluated.
    """

    def __init__(self, hardware: bool) -> None:
        self.hardware = hardware
        self.points: dict[tuple[tuple[str, Any], ...], CampaignPoint] = {}
        self.dropped: list[Dropped] = []
        self.designs: list[SweepDesign] = []

    def add(self, sweep: Sweep, place: Place, base: Layer) -> None:
        """Add the points of a sweep."""
        axes = _axes(sweep, place)
        ids: list[str | None] = []
        met = False
        for layers in _combinations(sweep, axes, place, base):
            met = met or layers is not None
            point = None if layers is None else self._member(sweep, place, layers)
            ids.append(None if point is None else point.id)
        if not met:
            raise UserError(f"{place.at('where')}: no combination meets the conditions")
        texts = tuple(tuple(row.texts() for row in axis) for axis in axes)
        method = sweep.sample.method if sweep.sample else None
        self.designs.append(SweepDesign(sweep.name, texts, method, tuple(ids)))

    def _member(
        self, sweep: Sweep, place: Place, layers: tuple[Layer, ...]
    ) -> CampaignPoint | None:
        """Return the point of one combination, new or known; None if it was dropped."""
        changed = _changed(layers)
        identity = tuple(sorted(changed.items()))
        if identity not in self.points:
            point = self._point(sweep, place, layers, changed)
            if point is None:
                return None
            self.points[identity] = point
        known = self.points[identity]
        if sweep.name not in known.sweeps:
            known.sweeps.append(sweep.name)
        return known

    def _point(
        self, sweep: Sweep, place: Place, layers: tuple[Layer, ...], changed: dict[str, Any]
    ) -> CampaignPoint | None:
        """Validate one combination as a whole; None if it is invalid and the sweep drops those."""
        try:
            point = DesignPoint.model_validate(unflatten(changed))
        except ValidationError as error:
            origin, problem = _contradiction(error, layers, place)
            values = _axis_values(layers)
            if sweep.invalid == "drop":
                self.dropped.append(Dropped(sweep.name, values, problem))
                return None
            where = f" (point: {values})" if values else ""
            raise UserError(f"{origin}: {problem}{where}") from error
        # Where these are not dropped, the checks before a run name them (checks.py).
        if self.hardware and sweep.invalid == "drop":
            try:
                check_circuits(point)
            except UserError as error:
                self.dropped.append(Dropped(sweep.name, _axis_values(layers), str(error)))
                return None
        return CampaignPoint(design_id(changed), point, changed, stage_keys(changed), [], layers)


def _combinations(
    sweep: Sweep, axes: list[list[Row]], place: Place, base: Layer
) -> Iterator[tuple[Layer, ...] | None]:
    """Yield the layers of settings of every combination; None if it fails the conditions."""
    conditions = [_condition(text, place.at("where")) for text in sweep.conditions]
    fixed = {**base, **read_row(sweep.base, place.at("base")).layer()}
    total = math.prod(len(axis) for axis in axes)
    if total > MOST_COMBINATIONS:
        raise UserError(
            f"{place}: {total} combinations; allowed: {MOST_COMBINATIONS} at most in one sweep"
        )
    for rows in product(*axes):
        layers = (
            fixed,
            *(row.from_presets for row in rows if row.from_presets),
            *(row.own for row in rows if row.own),
        )
        if conditions:
            values = {name: setting.value for layer in layers for name, setting in layer.items()}
            if not all(_meets(condition, values, place) for condition in conditions):
                yield None
                continue
        yield layers


def _axes(sweep: Sweep, place: Place) -> list[list[Row]]:
    """Return the rows of each axis: one a grid field, one for `zip`, `points`, `sample`."""
    axes = list(_columns(sweep.grid, place.at("grid")))
    zipped = list(_columns(sweep.zip, place.at("zip")))
    if zipped:
        lengths = {len(column) for column in zipped}
        if len(lengths) > 1:
            found = f"lists of {sorted(lengths)} values"
            raise UserError(f"{place.at('zip')}: {found}; allowed: lists of one length")
        axes.append([_joined(rows) for rows in zip(*zipped, strict=True)])
    if sweep.points:
        listed = place.at("points")
        axes.append([read_row(given, listed.item(n)) for n, given in enumerate(sweep.points)])
    if sweep.sample is not None:
        axes.append(sampled_rows(sweep.sample, place.at("sample")))
    _refuse_shared_fields(axes, place)
    return axes


def _columns(given: dict[str, Any], place: Place) -> Iterator[list[Row]]:
    """Yield the values of each field of `grid` or `zip` as rows."""
    for name, values, here in walk(given, place):
        if not isinstance(values, list) or not values:
            raise UserError(f"{here}: {shown(values)} is not allowed; allowed: a list of values")
        if name == PRESET:
            yield [
                Row(read_presets(v, here.item(n)), {}, v if isinstance(v, str) else shown(v))
                for n, v in enumerate(values)
            ]
        else:
            yield [
                Row({}, {name: Setting(checked(name, v, here.item(n)), str(here.item(n)))})
                for n, v in enumerate(values)
            ]


def _joined(rows: tuple[Row, ...]) -> Row:
    """Return rows that belong together as one."""
    presets: Layer = {}
    own: Layer = {}
    for row in rows:
        presets |= row.from_presets
        own |= row.own
    return Row(presets, own, " ".join(row.presets for row in rows if row.presets))


def _refuse_shared_fields(axes: list[list[Row]], place: Place) -> None:
    """Refuse a field that two axes of one sweep set."""
    owner: dict[str, str] = {}
    for axis in axes:
        mine = {name: setting.origin for row in axis for name, setting in row.own.items()}
        for name, origin in mine.items():
            if name in owner:
                raise UserError(f"{origin}: {name} is also set at {owner[name].split(': ', 1)[-1]}")
        owner |= mine


def _condition(text: str, place: Place) -> Condition:
    try:
        return Condition(text)
    except UserError as error:
        raise UserError(f"{place}: {error}") from error


def _meets(condition: Condition, values: dict[str, Any], place: Place) -> bool:
    try:
        return condition(values)
    except UserError as error:
        raise UserError(f"{place.at('where')}: {error}") from error


def _changed(layers: tuple[Layer, ...]) -> dict[str, Any]:
    """Return the fields that differ from their default."""
    known = parameters()
    values = {name: setting.value for layer in layers for name, setting in layer.items()}
    return {name: value for name, value in values.items() if value != known[name].default}


def _contradiction(
    error: ValidationError, layers: tuple[Layer, ...], place: Place
) -> tuple[str, str]:
    """Return where the fields that contradict each other are written, and the message."""
    location, problem = first_problem(error, DesignPoint)
    prefix = f"{dotted(location)}." if location else ""
    return _blamed(layers, problem, prefix) or str(place), prefix + problem


def _blamed(layers: tuple[Layer, ...], message: str, prefix: str = "") -> str | None:
    """Return the origin of the first field in `message` that is no default.

    Messages start with the field to blame; the others in it are those that it contradicts.
    """
    for word in re.findall(r"[a-z_0-9.]*[a-z_0-9]", message):
        for layer in reversed(layers):
            if prefix + word in layer:
                return layer[prefix + word].origin
    return None


def _axis_values(layers: tuple[Layer, ...]) -> str:
    """Return the values that the sweep gives a combination, for a message."""
    own = {name: setting.value for layer in layers[1:] for name, setting in layer.items()}
    return ", ".join(f"{name} {shown(value)}" for name, value in own.items())
