"""How long the jobs of a campaign took, by stage, from the benchmark files of the workflow."""

from __future__ import annotations

import json
import statistics
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from cimsim.campaign.expand import Campaign
from cimsim.campaign.keys import STAGES, group_key


@dataclass(frozen=True)
class RunTime:
    """Jobs of one rule: how many, seconds of wall time, and the largest memory (MiB)."""

    rule: str
    jobs: int
    total_s: float
    median_s: float
    cpu_s: float
    peak_mib: float


def run_times(campaign: Campaign, results: Path) -> list[RunTime]:
    """Return the run times of the stages and of the campaign's own jobs that have been recorded.

    A stage that several campaigns share is counted in each. Jobs that ran without the workflow, or
    on another machine without its `benchmarks` folder, are not known.
    """
    folder = results / "benchmarks"
    found = []
    stages = [stage for stage in STAGES if stage in campaign.stages]
    for rule in (*stages, "budget", "join", "budget_tables", "figure", "summary"):
        records = list(_records(folder / rule, _prefixes(campaign, rule)))
        if records:
            seconds = [record["s"] for record in records]
            found.append(
                RunTime(
                    rule=rule,
                    jobs=len(records),
                    total_s=sum(seconds),
                    median_s=statistics.median(seconds),
                    cpu_s=sum(record.get("cpu_time") or 0.0 for record in records),
                    peak_mib=max(record.get("max_rss") or 0.0 for record in records),
                )
            )
    return found


def _prefixes(campaign: Campaign, rule: str) -> set[str]:
    """Return what the names of the benchmark files of a rule begin with, before `_` or the end."""
    if rule == "ppa":
        return {group_key(point.keys) for point in campaign.points}
    if rule in STAGES:
        return {point.keys[rule] for point in campaign.points}
    if rule == "budget":
        return {point.keys["infer"] for point in campaign.points} if campaign.budget else set()
    return {campaign.name, *(f"{campaign.name}_{figure.name}" for figure in campaign.figures)}


def _records(folder: Path, prefixes: set[str]) -> Iterator[dict[str, float]]:
    """Yield the last record of each file whose name belongs to a prefix."""
    if not folder.is_dir():
        return
    for path in sorted(folder.glob("*.jsonl")):
        if path.stem not in prefixes and path.stem.split("_")[0] not in prefixes:
            continue
        lines = path.read_text(encoding="utf-8").split("\n")
        for line in reversed([line for line in lines if line.strip()]):
            try:
                yield json.loads(line)
            except ValueError:
                continue
            break
