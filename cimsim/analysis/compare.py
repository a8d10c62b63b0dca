"""Comparisons of design points, of a point with a baseline, and of whole campaigns.

A *side* is written ``campaign.yaml`` (all its points), ``campaign.yaml:ROW`` (a row of
points.parquet, from 0), ``campaign.yaml:ID`` (the beginning of an id), or ``float`` and
``quantized``: the network without arrays, on the images of the other side.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cimsim.analysis.intervals import Interval
from cimsim.analysis.join import SeedFiles
from cimsim.analysis.outputs import read_baseline, read_outcomes
from cimsim.analysis.paired import Paired
from cimsim.campaign.expand import Campaign, CampaignPoint, load_campaign
from cimsim.campaign.parameters import values
from cimsim.campaign.paths import stage_folder
from cimsim.errors import UserError

BASELINES = ("float", "quantized")
"""Sides that are no design point."""


@dataclass(frozen=True)
class Comparison:
    """Side A minus side B at one pair of points.

    Attributes:
        name: what tells the pair from others.
        paired: components of the variance.
        interval: the difference with its interval.
        margin: a difference up to which the sides count as equal.
        confidence: nominal coverage of the interval.
    """

    name: str
    paired: Paired
    interval: Interval
    margin: float
    confidence: float

    @property
    def verdict(self) -> str:
        """A, B, equal (within the margin), or undecided."""
        low, high = self.interval.low, self.interval.high
        if low > 0.0:
            return "A is better"
        if high < 0.0:
            return "B is better"
        return "equal" if max(-low, high) <= self.margin else "undecided"

    def lines(self) -> Iterator[str]:
        """Yield what is known, and what would decide an open question."""
        estimate, low, high = (
            100 * x for x in (self.interval.estimate, self.interval.low, self.interval.high)
        )
        size = f"{self.paired.images} images, {self.paired.seeds} chips"
        found = f"{estimate:+.2f} points [{low:+.2f}, {high:+.2f}]"
        yield f"{self.name}: {found} ({size}): {self.verdict}"
        if self.verdict != "undecided":
            return
        asked = self.margin / 2
        wanted = (
            f"  to decide at a margin of {100 * self.margin:g} points (half-width {100 * asked:g})"
        )
        seeds = self.paired.seeds_needed(asked, self.confidence)
        images = self.paired.images_needed(asked, self.confidence)
        if self.paired.seeds == 1:
            yield f"{wanted}: more than one seed; the variation between chips is not known"
            return
        if seeds is not None:
            yield f"{wanted}: {seeds} seeds on these images"
        else:
            yield f"{wanted}: no number of seeds is enough on these images"
        if images is not None:
            yield f"    or {images} images with these seeds"
        both = self.paired.cheapest(asked, self.confidence)
        if both is not None:
            yield f"    least work: {both[0]} images, {both[1]} seeds"


@dataclass(frozen=True)
class _Side:
    """Points of a campaign."""

    campaign: Campaign
    points: tuple[CampaignPoint, ...]


def compare(
    first: str, second: str, *, margin: float, confidence: float, results: Path
) -> list[Comparison]:
    """Compare two sides (see the module's text), pair by pair.

    Campaigns are paired by id, or else by the values of the parameters that vary in both.

    Raises:
        UserError: a side that does not exist, results that are missing, sides without common images
            or seeds, or points that cannot be paired.
    """
    if first in BASELINES:
        raise UserError(f"{first}: allowed as second side; the first one is a campaign or point")
    ours = _side(first)
    theirs = _side(second) if second not in BASELINES else None
    pairs = _pairs(ours, theirs) if theirs else [(p.text or p.id, p, None) for p in ours.points]
    found = []
    for name, one, other in pairs:
        if other is None:
            differences = _against_baseline(ours, one, second, results)
        else:
            assert theirs is not None
            differences = _between(ours, one, theirs, other, results)
        paired = Paired.of(differences)
        found.append(Comparison(name, paired, paired.interval(confidence), margin, confidence))
    return found


def _side(text: str) -> _Side:
    file, _, which = text.partition(".yaml:")
    campaign = load_campaign(Path(f"{file}.yaml" if which else text))
    if not campaign.accuracy:
        raise UserError(f"{campaign.file}: accuracy is false: there is nothing to compare")
    if not which:
        return _Side(campaign, campaign.points)
    if which.isdecimal() and int(which) < len(campaign.points):
        return _Side(campaign, (campaign.points[int(which)],))
    chosen = tuple(point for point in campaign.points if point.id.startswith(which))
    if len(chosen) != 1:
        raise UserError(
            f"{text}: {len(chosen)} points of {campaign.file} have this id; allowed: a row from 0 "
            f"to {len(campaign.points) - 1}, or the beginning of one id"
        )
    return _Side(campaign, chosen)


def _pairs(ours: _Side, theirs: _Side) -> list[tuple[str, CampaignPoint, CampaignPoint | None]]:
    if len(ours.points) == len(theirs.points) == 1:
        one, other = ours.points[0], theirs.points[0]
        return [(f"{one.text or one.id} against {other.text or other.id}", one, other)]
    names = [n for n in _varying(ours.points) if n in set(_varying(theirs.points))]
    partners = _by_values(theirs, names)
    pairs: list[tuple[str, CampaignPoint, CampaignPoint | None]] = []
    for key, point in _by_values(ours, names).items():
        if key in partners:
            text = ", ".join(f"{n} {v}" for n, v in zip(names, key, strict=True))
            pairs.append((text, point, partners[key]))
    if not pairs:
        raise UserError(
            f"{ours.campaign.file} and {theirs.campaign.file} have no points in common in "
            f"{', '.join(names) or 'any parameter that varies in both'}"
        )
    return pairs


def _by_values(side: _Side, names: Sequence[str]) -> dict[tuple[Any, ...], CampaignPoint]:
    found: dict[tuple[Any, ...], CampaignPoint] = {}
    for point in side.points:
        held = values(point.point)
        key = tuple(held[name] for name in names)
        if key in found and found[key].keys["infer"] != point.keys["infer"]:
            raise UserError(
                f"{side.campaign.file}: points differ in more than "
                f"{', '.join(names) or 'nothing'}, which both campaigns vary; name one point of "
                "each: FILE:ROW"
            )
        found.setdefault(key, point)
    return found


def _varying(points: Sequence[CampaignPoint]) -> list[str]:
    """Return the parameters that differ between points, without looking at each default."""
    candidates = dict.fromkeys(name for point in points for name in point.changed)
    held = [values(point.point) for point in points]
    return [name for name in candidates if len({row[name] for row in held}) > 1]


def _outcomes(side: _Side, point: CampaignPoint, results: Path) -> tuple[list[int], NDArray[Any]]:
    """Return the seeds of a point and its outcomes, bool [images, seeds]."""
    baseline = read_baseline(stage_folder("calibrate", point.keys["calibrate"], results))
    key = point.keys["infer"]
    return read_outcomes(
        stage_folder("infer", key, results), SeedFiles(side.campaign, results)(key), baseline
    )


def _between(
    ours: _Side, one: CampaignPoint, theirs: _Side, other: CampaignPoint, results: Path
) -> NDArray[np.int8]:
    """Return the differences on the seeds that both have, int8 [images, seeds]."""
    workloads = [(p.point.workload.dataset, p.point.workload.images) for p in (one, other)]
    if workloads[0] != workloads[1]:
        raise UserError(f"{one.id} and {other.id} are evaluated on other images")
    (seeds_a, a), (seeds_b, b) = (
        _outcomes(ours, one, results),
        _outcomes(theirs, other, results),
    )
    common = sorted(set(seeds_a) & set(seeds_b))
    if not common:
        raise UserError(f"{one.id} and {other.id} have no seed in common")
    left = a[:, [seeds_a.index(seed) for seed in common]].astype(np.int8)
    right = b[:, [seeds_b.index(seed) for seed in common]].astype(np.int8)
    difference: NDArray[np.int8] = left - right
    return difference


def _against_baseline(
    side: _Side, point: CampaignPoint, which: str, results: Path
) -> NDArray[np.int8]:
    baseline = read_baseline(stage_folder("calibrate", point.keys["calibrate"], results))
    right = baseline.float_right if which == "float" else baseline.quantized_right
    _, outcomes = _outcomes(side, point, results)
    difference: NDArray[np.int8] = outcomes.astype(np.int8) - right[:, None].astype(np.int8)
    return difference
