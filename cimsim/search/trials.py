"""The points of a search as an ordinary campaign file, which Snakemake runs.

``results/search/<name>/campaign.yaml`` holds all points so far. Their keys are those of any other
campaign, so that results are shared; the tables are in ``results/campaigns/<name>/``.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from cimsim.analysis import schemas
from cimsim.campaign.checks import check_campaign
from cimsim.campaign.design import DesignPoint
from cimsim.campaign.expand import Campaign, CampaignPoint, load_campaign
from cimsim.campaign.file import TRIALS, read_campaign_file
from cimsim.campaign.keys import design_id, stage_keys, unflatten
from cimsim.campaign.parameters import parameters
from cimsim.campaign.paths import RESULTS, campaign_folder, search_folder
from cimsim.campaign.progress import key_of, progress
from cimsim.campaign.yaml_file import read_yaml
from cimsim.errors import UserError
from cimsim.search.study import Settings
from cimsim.tables import read_table, write_atomically

Run = Callable[[Path, str], bool]
"""Makes one result (or all, if it is empty) of a campaign file with Snakemake; whether it could."""

AT_THE_END = ("budget", "figures", "published")
"""Keys of a campaign whose results its search does not need."""


class Trials:
    """Evaluates points for :func:`cimsim.search.study.search`.

    Attributes:
        file: the campaign file with all points so far.
    """

    def __init__(self, campaign: Campaign, run: Run, results: Path = RESULTS) -> None:
        if campaign.search is None:
            raise UserError(f"{campaign.file}: search is not given; allowed: what to optimise")
        self.file = search_folder(campaign.name, results) / "campaign.yaml"
        self._campaign = campaign
        self._results = results
        self._run = run
        self._measures = campaign.search.measures
        self._points: dict[str, Settings] = self._earlier()
        self._failed: set[str] = set()
        self._found: dict[str, Sequence[float]] | None = None

    def _earlier(self) -> dict[str, Settings]:
        """Return the points of an earlier run of the same search, by id."""
        if not self.file.is_file():
            return {}
        content = read_yaml(self.file)
        points = content.pop("sweeps")[0]["points"]
        # As YAML gives it back: a list where the design has a tuple.
        head = yaml.safe_load(yaml.safe_dump(_head(self._campaign)))
        if {k: v for k, v in content.items() if k not in AT_THE_END} != head:
            return {}
        ids = load_campaign(self.file).designs[0].ids
        return {name: point for name, point in zip(ids, points, strict=True) if name}

    def __call__(self, proposed: Sequence[Settings]) -> list[Sequence[float] | None]:
        """Return the measures of each point; None if it cannot be built, or has failed.

        Raises:
            UserError: Snakemake stops for another reason than a point that fails.
        """
        ids = [self.id(settings) for settings in proposed]
        for name, settings in zip(ids, proposed, strict=True):
            if name is not None:
                self._points.setdefault(name, settings)
        if self._found is None or not {*ids} <= {None, *self._found, *self._failed}:
            self._found = self._evaluated()
        return [None if name is None else self._found.get(name) for name in ids]

    def id(self, settings: Settings) -> str | None:
        """Return the id of the design with these settings; None if it cannot be built."""
        known = parameters()
        values = {**self._campaign.points[0].changed, **settings}
        changed = {name: value for name, value in values.items() if value != known[name].default}
        try:
            design = DesignPoint.model_validate(unflatten(changed))
            keys = stage_keys(changed)
            point = CampaignPoint(design_id(changed), design, changed, keys, [TRIALS], ())
            check_campaign(replace(self._campaign, points=(point,)))
        except (ValidationError, UserError):
            return None
        return point.id

    def _evaluated(self) -> dict[str, Sequence[float]]:
        """Let Snakemake compute what is missing, without points that fail; return the measures."""
        table = campaign_folder(self._campaign.name, self._results) / "points.parquet"
        while points := {n: s for n, s in self._points.items() if n not in self._failed}:
            self._write(list(points.values()), _head(self._campaign))
            if self._run(self.file, str(table)):
                rows = read_table(table, schemas.points(), ["id", *self._measures]).to_pylist()
                return {row["id"]: [row[name] for name in self._measures] for row in rows}
            failed = _failed(self.file, self._results)
            if not failed:
                raise self._stopped()
            self._failed |= failed
        return {}

    def finish(self, proposed: Sequence[Settings]) -> bool:
        """Make tables, figures and summary of these points; whether there are any.

        Raises:
            UserError: Snakemake stops before they are there.
        """
        ids = {self.id(settings): settings for settings in proposed}
        points = [s for name, s in ids.items() if name is not None and name not in self._failed]
        if not points:
            return False
        self._write(points, _head(self._campaign) | _at_the_end(self._campaign, self.file))
        if not self._run(self.file, ""):
            raise self._stopped()
        return True

    def _stopped(self) -> UserError:
        return UserError(
            f"{self.file}: Snakemake has stopped; what is finished is kept: mend what it says and "
            "run the search again"
        )

    def _write(self, points: Sequence[Settings], head: dict[str, Any]) -> None:
        content = {**head, "sweeps": [{"name": TRIALS, "points": list(points)}]}
        text = yaml.safe_dump(content, sort_keys=False, width=100)
        write_atomically(self.file, lambda path: path.write_text(text, encoding="utf-8"))


def _head(campaign: Campaign) -> dict[str, Any]:
    """Return what all points have in common. Names of files are relative to the working folder."""
    return {
        "name": campaign.name,
        "description": campaign.description,
        "base": dict(campaign.points[0].changed),
        "seeds": campaign.seeds.model_dump(mode="json"),
        "statistics": campaign.statistics.model_dump(mode="json"),
        "accuracy": campaign.accuracy,
        "hardware": campaign.hardware,
    }


def _at_the_end(campaign: Campaign, file: Path) -> dict[str, Any]:
    figures = [f.model_dump(mode="json", exclude_defaults=True) for f in campaign.figures]
    source = read_campaign_file(campaign.file)
    published = source.content.published
    if published:
        published = os.path.relpath(source.file("published").parent / published, file.parent)
    return {"budget": campaign.budget, "figures": figures, "published": published}


def _failed(file: Path, results: Path) -> set[str]:
    """Return the points of a campaign that have a stage whose result could not be computed."""
    campaign = load_campaign(file)
    failed = {stage: state.failed for stage, state in progress(campaign, results).items()}
    return {
        point.id
        for point in campaign.points
        if any(key_of(stage, point) in keys for stage, keys in failed.items())
    }
