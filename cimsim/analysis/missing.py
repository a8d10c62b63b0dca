"""Design points without results: which, why, and where the log of the job is."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import astuple, dataclass, fields
from pathlib import Path

from cimsim.analysis.outputs import PointOutputs
from cimsim.campaign.expand import Campaign, CampaignPoint
from cimsim.campaign.keys import STAGES
from cimsim.campaign.paths import FILES
from cimsim.campaign.plan import Plan
from cimsim.campaign.progress import log_of, progress
from cimsim.ppa.results import GroupResults
from cimsim.tables import write_atomically

NOT_COMPUTED = "not computed"
"""Reason where no job has left a message: it was not started, or the system ended it."""

JUST_COMPUTED = "computed while this was written; ask again"
"""Reason where the last result came between two looks at the files."""


@dataclass(frozen=True)
class Missing:
    """A design point without results.

    Attributes:
        id: identifier of the design point.
        parameters: values that its sweep gives it.
        stage: the first stage that failed, or whose result is not there.
        reason: message of the job.
        log: its log.
    """

    id: str
    parameters: str
    stage: str
    reason: str
    log: str


def find_missing(
    campaign: Campaign, outputs: Sequence[PointOutputs], results: Path
) -> list[Missing]:
    """Return the design points that lack a result; `outputs` are those of all points, in order."""
    chips = {
        folder: GroupResults(folder)
        for folder in {o.folders["ppa"] for o in outputs if campaign.hardware}
    }
    lacking = [
        (point, output)
        for point, output in zip(campaign.points, outputs, strict=True)
        if not all(file.is_file() for file in output.files())
        or (campaign.hardware and point.keys["ppa"] not in chips[output.folders["ppa"]])
    ]
    if not lacking:
        return []
    notes = {stage: state.failed for stage, state in progress(campaign, results).items()}
    plan = Plan([campaign])
    found = []
    for point, output in lacking:
        stage, reason = _reason(point, output, campaign, notes, chips)
        log = log_of(plan, campaign, stage, point, results)
        found.append(Missing(point.id, point.text or "the base", stage, reason, log))
    return found


def _reason(
    point: CampaignPoint,
    output: PointOutputs,
    campaign: Campaign,
    notes: dict[str, dict[str, str]],
    chips: dict[Path, GroupResults],
) -> tuple[str, str]:
    """Return the stage that a point waits for, and why."""
    stages = [stage for stage in STAGES if stage in campaign.stages]
    for stage in stages:
        if point.keys[stage] in notes[stage]:
            return stage, notes[stage][point.keys[stage]]
    for stage in stages:
        if stage == "ppa":
            there = point.keys["ppa"] in chips[output.folders["ppa"]]
        else:
            names = output.seed_files if stage == "infer" else FILES[stage]
            there = all((output.folders[stage] / name).is_file() for name in names)
        if not there:
            return stage, NOT_COMPUTED
    return stages[-1], JUST_COMPUTED


def write_missing(path: Path, missing: Sequence[Missing]) -> None:
    """Write a CSV file with a row for each design point without results.

    Raises:
        UserError: the file cannot be written.
    """

    def write(temporary: Path) -> None:
        with temporary.open("w", newline="", encoding="utf-8") as target:
            writer = csv.writer(target, lineterminator="\n")
            writer.writerow([field.name for field in fields(Missing)])
            writer.writerows(astuple(point) for point in missing)

    write_atomically(path, write)
