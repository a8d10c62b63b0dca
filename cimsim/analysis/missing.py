"""Design points without results or error budget: which, why, and where the log of the job is."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import astuple, dataclass, fields
from pathlib import Path

from cimsim.analysis.outputs import PointOutputs
from cimsim.campaign.expand import Campaign, CampaignPoint
from cimsim.campaign.keys import STAGES
from cimsim.campaign.paths import FILES, budget_files
from cimsim.campaign.plan import Plan
from cimsim.campaign.progress import key_of, log_of, progress
from cimsim.ppa.results import GroupResults
from cimsim.tables import write_atomically

NOT_COMPUTED = "not computed"
"""Reason where no job has left a message: it was not started, or the system ended it."""

JUST_COMPUTED = "computed while this was written; ask again"
"""Reason where the last result came between two looks at the files."""


@dataclass(frozen=True)
class Missing:
    """A design point without results, or without its error budget alone.

    Attributes:
        id: identifier of the design point.
        parameters: values that its sweep gives it.
        stage: the first stage that failed, or whose result is not there; `budget` if nothing but
            the error budget is missing.
        reason: message of the job.
        log: its log.
    """

    id: str
    parameters: str
    stage: str
    reason: str
    log: str

    @property
    def has_results(self) -> bool:
        """Whether the tables can have the point: it lacks its error budget alone."""
        return self.stage == "budget"


def find_missing(
    campaign: Campaign, outputs: Sequence[PointOutputs], results: Path
) -> list[Missing]:
    """Return the design points that lack a result, or the error budget that the campaign asks for.

    `outputs` are those of all points, in order.
    """
    chips = {
        folder: GroupResults(folder)
        for folder in {o.folders["ppa"] for o in outputs if campaign.hardware}
    }
    lacking = []
    for point, output in zip(campaign.points, outputs, strict=True):
        chip = not campaign.hardware or point.keys["ppa"] in chips[output.folders["ppa"]]
        if not chip or not _there(output.files()):
            lacking.append((point, output, [s for s in STAGES if s in campaign.stages]))
        elif campaign.budget and not _there(_files("budget", campaign, point, output, results)):
            lacking.append((point, output, ["budget"]))
    if not lacking:
        return []
    notes = {stage: state.failed for stage, state in progress(campaign, results).items()}
    plan = Plan([campaign])
    found = []
    for point, output, stages in lacking:
        files = {stage: _files(stage, campaign, point, output, results) for stage in stages}
        chip = "ppa" in files and point.keys["ppa"] in chips[output.folders["ppa"]]
        stage, reason = _reason(point, files, notes, chip=chip)
        log = log_of(plan, campaign, stage, point, results)
        found.append(Missing(point.id, point.text or "the base", stage, reason, log))
    return found


def _files(
    stage: str, campaign: Campaign, point: CampaignPoint, output: PointOutputs, results: Path
) -> list[Path]:
    """Return the files of a stage, or of the error budget, that a point needs."""
    if stage == "budget":
        return budget_files(key_of(stage, point), *campaign.seeds.blocks()[0], results)
    names = output.seed_files if stage == "infer" else FILES[stage]
    return [output.folders[stage] / name for name in names]


def _there(files: Iterable[Path]) -> bool:
    return all(file.is_file() for file in files)


def _reason(
    point: CampaignPoint,
    files: Mapping[str, list[Path]],
    notes: dict[str, dict[str, str]],
    *,
    chip: bool,
) -> tuple[str, str]:
    """Return which of some stages, given with their `files`, a point waits for, and why.

    `chip` says whether its result of the ppa stage is there, which shares its files with others.
    """
    for stage in files:
        if (key := key_of(stage, point)) in notes[stage]:
            return stage, notes[stage][key]
    for stage, needed in files.items():
        if not (chip if stage == "ppa" else _there(needed)):
            return stage, NOT_COMPUTED
    return list(files)[-1], JUST_COMPUTED


def write_missing(path: Path, missing: Sequence[Missing]) -> None:
    """Write a CSV file with a row for each design point without results or error budget.

    Raises:
        UserError: the file cannot be written.
    """

    def write(temporary: Path) -> None:
        with temporary.open("w", newline="", encoding="utf-8") as target:
            writer = csv.writer(target, lineterminator="\n")
            writer.writerow([field.name for field in fields(Missing)])
            writer.writerows(astuple(point) for point in missing)

    write_atomically(path, write)
