"""The jobs of one or several campaigns, as the workflow and `cimsim plan` see them.

The methods that return a function give the Snakemake rules their inputs and parameters; each looks
up one job in constant time, because a campaign may have tens of thousands.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from cimsim.campaign.blocks import Block, blocks
from cimsim.campaign.expand import Campaign, CampaignPoint, load_campaign
from cimsim.campaign.figure import Figure
from cimsim.campaign.keys import STAGES, canonical, design_id, digest, group_key, stage_design
from cimsim.campaign.parameters import parameters
from cimsim.campaign.paths import (
    BUDGET_TABLES,
    DIFFERENCES,
    FILES,
    JOIN_READS,
    READS,
    RESULTS,
    SENSITIVITY_TABLES,
    TABLES,
    budget_files,
    campaign_folder,
    seeds_file,
    stage_folder,
)
from cimsim.campaign.seed_blocks import SeedBlock, discard_stale_markers, in_blocks, seed_blocks
from cimsim.errors import UserError

OfJob = Callable[[Any], Any]
"""What a rule computes from the wildcards of a job."""


@dataclass(frozen=True, slots=True)
class StageJob:
    """One result of a stage and a design point that needs it."""

    stage: str
    key: str
    point: CampaignPoint

    @property
    def design(self) -> str:
        """The design fields that the stage is given, as JSON."""
        return _in_report(canonical(stage_design(self.stage, self.point.changed)))

    def upstream(self) -> dict[str, list[str]]:
        """Return the files that the job reads, by the stage that writes them."""
        keys, read = self.point.keys, READS[self.stage]
        return {stage: _files(stage, keys[stage], names) for stage, names in read.items()}


class Plan:
    """Every job of some campaigns, each once however many points and campaigns share it."""

    def __init__(self, campaigns: Sequence[Campaign]) -> None:
        self.campaigns: dict[str, Campaign] = {}
        self.jobs: dict[str, dict[str, StageJob]] = {s: {} for s in STAGES if s != "ppa"}
        for campaign in campaigns:
            if campaign.name in self.campaigns:
                other = self.campaigns[campaign.name].file
                raise UserError(
                    f"{campaign.file}: name: '{campaign.name}' is also the name of {other}; "
                    "allowed: a name of its own"
                )
            self.campaigns[campaign.name] = campaign
            for point in campaign.points:
                for stage in campaign.stages - {"ppa"}:
                    key = point.keys[stage]
                    self.jobs[stage].setdefault(key, StageJob(stage, key, point))
        chips = [campaign for campaign in campaigns if campaign.hardware]
        every = blocks(point for campaign in chips for point in campaign.points)
        self.blocks = {(block.group, block.name): block for block in every}
        self.seed_blocks = {
            campaign.name: {(block.group, block.name): block for block in seed_blocks(campaign)}
            for campaign in campaigns
            if campaign.accuracy and in_blocks(campaign)
        }

    def targets(self) -> list[str]:
        """Return the final files of all campaigns."""
        files: list[str] = []
        for campaign in self.campaigns.values():
            files += [*_tables(campaign), str(campaign_folder(campaign.name) / "summary.md")]
            files += self._figures(campaign)
        return files

    def reports(self) -> list[str]:
        """Return the HTML reports of all campaigns."""
        return [str(campaign_folder(name) / "report.html") for name in self.campaigns]

    # --- what rules ask for -----------------------------------------------------------------------

    def design(self, stage: str) -> OfJob:
        """Return the function from wildcards to the design fields of a job, as JSON."""
        return lambda wildcards: self._job(stage, wildcards.key).design

    def upstream(self, stage: str) -> OfJob:
        """Return the function from wildcards to the files that a job reads, by stage."""
        return lambda wildcards: self._job(stage, wildcards.key).upstream()

    def block_upstream(self, wildcards: Any) -> dict[str, list[str]]:
        """Return the files that a job of the ppa stage reads, by stage."""
        keys = self.block(wildcards.group, wildcards.block).points[0].keys
        return {stage: _files(stage, keys[stage], names) for stage, names in READS["ppa"].items()}

    def seed_block_upstream(self, wildcards: Any) -> dict[str, list[str]]:
        """Return the files that a job on a block of points of the infer stage reads, by stage."""
        point = self.seed_block(wildcards.group, wildcards.block).points[0]
        return StageJob("infer", point.keys["infer"], point).upstream()

    def campaign_files(self) -> list[str]:
        """Return the campaign files that together have the points of all jobs."""
        return [str(campaign.file) for campaign in self.campaigns.values()]

    def stage_files(self, wildcards: Any) -> dict[str, list[str]]:
        """Return every file that the join of a campaign reads, by stage."""
        campaign = self._campaign(wildcards)
        read = dict(JOIN_READS)
        markers = self.seed_blocks.get(campaign.name)
        if campaign.accuracy and markers is None:
            read["infer"] = tuple(seeds_file(*block) for block in campaign.seeds.blocks())
        keys = {stage: {point.keys[stage]: None for point in campaign.points} for stage in read}
        files = {
            stage: [file for key in keys[stage] for file in _files(stage, key, names)]
            for stage, names in read.items()
        }
        if markers is not None:
            files["infer"] = [str(block.marker()) for block in markers.values()]
        if not campaign.hardware:
            return files
        mine = {(group_key(point.keys), point.keys["ppa"]) for point in campaign.points}
        return files | {
            "ppa": [
                file
                for block in self.blocks.values()
                if any((block.group, key) in mine for key in block.keys)
                for file in _block_files(block)
            ]
        }

    def budget_files(self, wildcards: Any) -> dict[str, list[str]]:
        """Return every file that the joined budget of a campaign reads, by stage."""
        campaign = self._campaign(wildcards)
        block = campaign.seeds.blocks()[0]
        infer = dict.fromkeys(point.keys["infer"] for point in campaign.points)
        calibrate = dict.fromkeys(point.keys["calibrate"] for point in campaign.points)
        return {
            "budget": [str(file) for key in infer for file in budget_files(key, *block)],
            "calibrate": [
                file
                for key in calibrate
                for file in _files("calibrate", key, JOIN_READS["calibrate"])
            ],
        }

    def content(self, wildcards: Any) -> str:
        """Return a hash of all that the joined tables depend on, so that a change runs the join.

        That includes their columns: another version of cimsim may have more parameters.
        """
        campaign = self._campaign(wildcards)
        points = [
            [point.id, point.sweeps, point.keys, design_id(point.changed)]
            for point in campaign.points
        ]
        dropped = [[d.sweep, d.values, d.reason] for d in campaign.dropped]
        seeds, statistics = campaign.seeds.identity(), campaign.statistics.model_dump()
        halves = [campaign.accuracy, campaign.hardware]
        about = [campaign.name, halves, list(parameters()), points, dropped, seeds, statistics]
        return digest(canonical(about))

    def text(self, wildcards: Any) -> str:
        """Return a hash of all that the summary says beyond the tables."""
        campaign = self._campaign(wildcards)
        figures = [figure.model_dump() for figure in campaign.figures]
        about = [campaign.description, figures, self.content(wildcards)]
        return digest(canonical([*about, *map(asdict, campaign.published)]))

    def designs(self, wildcards: Any) -> str:
        """Return a hash of all that the sensitivities depend on."""
        designs = [asdict(design) for design in self._campaign(wildcards).designs]
        return digest(canonical([self.content(wildcards), designs]))

    def campaign_file(self, wildcards: Any) -> str:
        """Return the file of a campaign."""
        return str(self._campaign(wildcards).file)

    def figure(self, wildcards: Any) -> str:
        """Return the declaration of a figure, and the published figures beside it, as JSON."""
        published = self._campaign(wildcards).published
        shown = [self._figure(wildcards).model_dump(), *map(asdict, published)]
        return _in_report(canonical(shown if published else shown[0]))

    def tables(self, wildcards: Any) -> list[str]:
        """Return the joined tables of a campaign."""
        return _tables(self._campaign(wildcards))

    def figure_tables(self, wildcards: Any) -> list[str]:
        """Return the tables that a figure is drawn from."""
        campaign, figure = self._campaign(wildcards), self._figure(wildcards)
        names = [*figure.tables]
        if figure.kind == "layers" and campaign.budget and not figure.y:
            names.append("budget_layers.parquet")
        return [str(campaign_folder(campaign.name) / name) for name in names]

    def caption(self, wildcards: Any) -> str:
        """Return the caption of a figure as reStructuredText that is nothing but its words.

        In a report, markup of others could include files and scripts.
        """
        return re.sub(r"([^\w\s])", r"\\\1", " ".join(self._figure(wildcards).text.split()))

    def figures(self, wildcards: Any) -> list[str]:
        """Return the files of the figures of a campaign."""
        return self._figures(self._campaign(wildcards))

    # --- look-up ----------------------------------------------------------------------------------

    def _job(self, stage: str, key: str) -> StageJob:
        if key not in self.jobs[stage]:
            raise UserError(f"results/{stage}/{key}: no campaign of this run has this key")
        return self.jobs[stage][key]

    def block(self, group: str, name: str) -> Block:
        """Return a block of the ppa stage.

        Raises:
            UserError: the campaigns have no such block.
        """
        if (group, name) not in self.blocks:
            raise UserError(
                f"results/ppa/{group}/{name}: no campaign of this run has this block; "
                "run the workflow anew if a campaign file has changed"
            )
        return self.blocks[group, name]

    def seed_block(self, group: str, name: str) -> SeedBlock:
        """Return a block of points of the infer stage.

        Raises:
            UserError: the campaigns have no such block.
        """
        for found in self.seed_blocks.values():
            if (group, name) in found:
                return found[group, name]
        raise UserError(
            f"results/infer_blocks/{group}/{name}: no campaign of this run has this block; "
            "run the workflow anew if a campaign file has changed"
        )

    def discard_stale_markers(self) -> None:
        """Remove markers of blocks of the infer stage whose results have gone."""
        for found in self.seed_blocks.values():
            discard_stale_markers(found.values())

    def _campaign(self, wildcards: Any) -> Campaign:
        name: str = wildcards.campaign
        if name not in self.campaigns:
            raise UserError(
                f"results/campaigns/{name}: no campaign of this run; "
                f"this run has {', '.join(self.campaigns)}"
            )
        return self.campaigns[name]

    def _figure(self, wildcards: Any) -> Figure:
        campaign = self._campaign(wildcards)
        for figure in campaign.figures:
            if figure.name == wildcards.figure:
                return figure
        raise UserError(f"{campaign.file}: figures: no figure is named '{wildcards.figure}'")

    def _figures(self, campaign: Campaign) -> list[str]:
        folder = campaign_folder(campaign.name) / "figures"
        return [
            str(folder / f"{f.name}.{kind}") for f in campaign.figures for kind in ("svg", "png")
        ]


def _tables(campaign: Campaign) -> list[str]:
    names = [*TABLES, *(BUDGET_TABLES if campaign.budget else ())]
    names += SENSITIVITY_TABLES if campaign.sensitivity else ()
    names += [DIFFERENCES] if campaign.published else []
    return [str(campaign_folder(campaign.name) / name) for name in names]


def _in_report(text: str) -> str:
    """Return JSON that may stand in a script element: Snakemake's report has parameters of jobs."""
    return text.replace("<", "\\u003c")


def load_plan(campaigns: str | Iterable[str], *, check: bool) -> Plan:
    """Load campaign files and return their jobs.

    Args:
        campaigns: one file, several separated by commas, or a list of files.
        check: whether to check the files that the campaigns name, and what the engines support.

    Raises:
        UserError: anything in a file that is not allowed, or two campaigns of one name.
    """
    files = campaigns.split(",") if isinstance(campaigns, str) else list(campaigns)
    if not files or not all(isinstance(file, str) and file.strip() for file in files):
        raise UserError(f"config: campaign is {campaigns!r}; allowed: files, separated by commas")
    loaded = [load_campaign(file.strip()) for file in files]
    for campaign in loaded:
        if campaign.search is not None:
            raise UserError(
                f"{campaign.file}: search: its design points are not known before it runs; run "
                f"`cimsim search {campaign.file}`"
            )
    if check:
        from cimsim.campaign.checks import check_campaign

        for campaign in loaded:
            check_campaign(campaign)
    plan = Plan(loaded)
    if check:
        plan.discard_stale_markers()
    return plan


def _block_files(block: Block, results: Path = RESULTS) -> list[str]:
    folder = results / "ppa" / block.group / block.name
    return [f"{folder}/{name}" for name in FILES["ppa"]]


def _files(stage: str, key: str, names: Iterable[str]) -> list[str]:
    folder = str(stage_folder(stage, key))
    return [f"{folder}/{name}" for name in names]
