"""What is done of a campaign and what is left: jobs, time and disk, read from files alone.

Nothing here asks Snakemake or a queue, so it works while a campaign runs, wherever it runs.
"""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from cimsim import failures
from cimsim.campaign.blocks import BLOCK_POINTS
from cimsim.campaign.expand import Campaign, CampaignPoint
from cimsim.campaign.paths import (
    FILES,
    RESULTS,
    TABLES,
    budget_files,
    campaign_folder,
    log_file,
    seeds_file,
    stage_folder,
)
from cimsim.campaign.plan import Plan
from cimsim.campaign.seed_blocks import SeedBlock

MOST_LISTED = 12
"""Dropped combinations or failures that are listed; the rest is counted."""

MOST_RECORDS = 200
"""Records of time of a stage that are read for an estimate."""

RATE_WINDOW_S = 3600.0
"""Results younger than this make the rate."""

TYPICAL_BYTES = {
    "checkpoint": 400_000,
    "calibrate": 25_000,
    "map": 135_000,
    "trace": 28_000,
    "infer": 6_000,
    "ppa": 3_000,
    "budget": 200_000,
}
"""Size of a result where none is there to be measured: VGG-8 of the demo campaign; a ppa chip."""

TABLE_BYTES = 8_000
"""Joined tables, per design point (VGG-8: layers and components in Parquet and CSV)."""


@dataclass
class StageProgress:
    """Results of one stage that a campaign needs.

    Attributes:
        stage: name of the stage.
        jobs: number of jobs of the workflow.
        jobs_done: those whose outputs are all there.
        total: number of results: keys; of infer files of seeds, of ppa chips.
        done: those that are there.
        times: time of change of each (s since the epoch), unordered.
        size: bytes of those whose size was looked at, and their number.
        failed: message of each key that could not be computed and is not there.
    """

    stage: str
    jobs: int = 0
    jobs_done: int = 0
    total: int = 0
    done: int = 0
    times: list[float] = field(default_factory=list)
    size: tuple[int, int] = (0, 0)
    failed: dict[str, str] = field(default_factory=dict)

    @property
    def left(self) -> int:
        """Number of results that are not there."""
        return self.total - self.done

    def see(self, files: list[Path], count: int = 1) -> bool:
        """Count `count` results that lie in `files`; return whether they are there."""
        self.total += count
        try:
            found = [file.stat() for file in files]
        except OSError:
            return False
        self.done += count
        self.times += [max(status.st_mtime for status in found)] * count
        self.size = (
            self.size[0] + sum(status.st_size for status in found),
            self.size[1] + count,
        )
        return True

    def rate(self, now: float) -> float | None:
        """Return results per second in the last hour; None if there are not two."""
        recent = sorted(t for t in self.times if now - t < RATE_WINDOW_S)
        if len(recent) < 2 or recent[-1] == recent[0]:
            return None
        return (len(recent) - 1) / (recent[-1] - recent[0])

    @property
    def bytes_left(self) -> float:
        """Bytes that the results which are not there will take."""
        size, count = self.size
        return self.left * (size / count if count else TYPICAL_BYTES[self.stage])


def progress(campaign: Campaign, results: Path = RESULTS) -> dict[str, StageProgress]:
    """Return what is there of each stage of a campaign, and of its error budgets if it has them."""
    plan = Plan([campaign])
    found = {stage: _keys(plan, stage, results) for stage in ("checkpoint", "calibrate", "map")}
    if campaign.accuracy:
        found["infer"] = _infer(campaign, plan, results)
    if campaign.hardware:
        found["trace"] = _keys(plan, "trace", results)
        found["ppa"] = _ppa(plan, results)
    if campaign.budget:
        found["budget"] = _budget(campaign, results)
    for stage, state in found.items():
        notes = failures.failures(results, stage)
        missing = _missing(campaign, stage, notes, results) if notes else set()
        state.failed = {key: notes[key] for key in notes if key in missing}
    return found


def _keys(plan: Plan, stage: str, results: Path) -> StageProgress:
    state = StageProgress(stage)
    for key in plan.jobs[stage]:
        folder = stage_folder(stage, key, results)
        state.see([folder / name for name in FILES[stage]])
    state.jobs, state.jobs_done = state.total, state.done
    return state


def _infer(campaign: Campaign, plan: Plan, results: Path) -> StageProgress:
    state = StageProgress("infer")
    names = [seeds_file(*block) for block in campaign.seeds.blocks()]
    blocks = plan.seed_blocks.get(campaign.name)
    if blocks is None:
        for key in plan.jobs["infer"]:
            folder = stage_folder("infer", key, results)
            for name in names:
                state.see([folder / name])
        state.jobs, state.jobs_done = state.total, state.done
        return state
    for block in blocks.values():
        counts = _marked(block, results)
        state.jobs += 1
        state.jobs_done += counts is not None
        for key, count in zip(block.keys, counts or [len(names)] * len(block.keys), strict=True):
            folder = stage_folder("infer", key, results)
            for name in names[:count]:
                state.see([folder / name])
    return state


def _budget(campaign: Campaign, results: Path) -> StageProgress:
    state = StageProgress("budget")
    for key in dict.fromkeys(key_of("budget", point) for point in campaign.points):
        state.see(budget_files(key, *campaign.seeds.blocks()[0], results))
    state.jobs, state.jobs_done = state.total, state.done
    return state


def _marked(block: SeedBlock, results: Path) -> list[int] | None:
    """Return how many files of seeds each point of a finished block has."""
    try:
        counts: list[int] = json.loads(block.marker(results).read_text(encoding="utf-8"))["blocks"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return counts


def _ppa(plan: Plan, results: Path) -> StageProgress:
    state = StageProgress("ppa", jobs=len(plan.blocks))
    for block in plan.blocks.values():
        folder = results / "ppa" / block.group / block.name
        there = state.see([folder / name for name in FILES["ppa"]], len(block.points))
        state.jobs_done += there
    return state


def _missing(campaign: Campaign, stage: str, notes: dict[str, str], results: Path) -> set[str]:
    """Return the keys of a campaign that have a note of failure and no result."""
    keys = {key_of(stage, point) for point in campaign.points} & notes.keys()
    if stage == "ppa":
        return keys
    if stage == "budget":
        block = campaign.seeds.blocks()[0]
        files = {key: budget_files(key, *block, results) for key in keys}
        return {key for key in keys if not all(file.is_file() for file in files[key])}
    if stage == "infer":
        names = [seeds_file(*block) for block in campaign.seeds.blocks()]
    else:
        names = list(FILES[stage])
    return {
        k for k in keys if any(not (stage_folder(stage, k, results) / n).is_file() for n in names)
    }


def key_of(stage: str, point: CampaignPoint) -> str:
    """Return the key of a stage's result for a point; an error budget has that of infer."""
    return point.keys["infer" if stage == "budget" else stage]


# --- estimates ------------------------------------------------------------------------------------


def seconds_each(stage: str, results: Path = RESULTS) -> tuple[float, int] | None:
    """Return the median time of a result of a stage in earlier runs, and the number of records.

    Records are those of Snakemake (benchmark) and of jobs on blocks of points. A record of the ppa
    stage is of a whole block, which is taken as full.
    """
    found = []
    for file in sorted((results / "benchmarks" / stage).glob("*.jsonl"))[:MOST_RECORDS]:
        try:
            found.append(float(json.loads(file.read_text().splitlines()[0])["s"]))
        except (OSError, ValueError, KeyError, IndexError):
            continue
    if not found:
        return None
    share = 1 / BLOCK_POINTS if stage == "ppa" else 1.0
    return statistics.median(found) * share, len(found)


# --- what is shown --------------------------------------------------------------------------------


def describe(campaign: Campaign, results: Path = RESULTS) -> list[str]:
    """Return lines on the points of each sweep, the jobs of each stage, the time and the disk."""
    lines = [f"{campaign.name}: {len(campaign.points)} design points"]
    counts: dict[str, int] = {}
    for point in campaign.points:
        for name in point.sweeps:
            counts[name] = counts.get(name, 0) + 1
    lines += [f"  sweep {sweep}: {count} points" for sweep, count in counts.items()]
    for dropped in campaign.dropped[:MOST_LISTED]:
        lines.append(f"  dropped from {dropped.sweep}: {dropped.values}: {dropped.reason}")
    if len(campaign.dropped) > MOST_LISTED:
        lines.append(f"  ... and {len(campaign.dropped) - MOST_LISTED} more were dropped")
    lines.append(_seeds_line(campaign))
    states = progress(campaign, results)
    for stage, state in states.items():
        what = {"ppa": f" for {state.total} chips"}.get(stage, "")
        if stage == "infer" and state.jobs != state.total:
            what = f" for {state.total} files of seeds ({state.done} done)"
        lines.append(f"  {stage}: {state.jobs} jobs{what}, {state.jobs_done} done")
    disk = sum(state.bytes_left for state in states.values())
    disk += TABLE_BYTES * len(campaign.points) * (not _joined(campaign, results))
    return [*lines, _time_line(states, results), f"  to do: {_bytes(disk)} of disk, about"]


def _seeds_line(campaign: Campaign) -> str:
    seeds = campaign.seeds
    if not campaign.accuracy:
        return "  hardware figures alone"
    if seeds.stop is None:
        return f"  {seeds.count} seeds, {seeds.block} a job"
    return (
        f"  {seeds.count} to {seeds.most} seeds, until the mean over chips is known to "
        f"{100 * seeds.stop.half_width:g} points"
    )


def _time_line(states: dict[str, StageProgress], results: Path) -> str:
    total, unknown = 0.0, []
    for stage, state in states.items():
        if not state.left:
            continue
        each = seconds_each(stage, results)
        if each is None:
            unknown.append(stage)
        else:
            total += each[0] * state.left
    text = f"  to do: {_duration(total)} on one core, from the records of earlier runs"
    if len(unknown) == sum(1 for state in states.values() if state.left) and unknown:
        return "  to do: no estimate of the time, because no earlier run is recorded"
    return f"{text}, without {', '.join(unknown)} (no records)" if unknown else text


def status_lines(campaign: Campaign, results: Path = RESULTS) -> Iterator[str]:
    """Yield what is done and to do of each stage, rates, time left and what failed."""
    now = time.time()
    states = progress(campaign, results)
    yield f"{campaign.name}: {len(campaign.points)} design points"
    yield f"  {'stage':<11}{'done':>9}{'to do':>9}{'failed':>8}{'per hour':>10}{'left':>10}"
    for stage, state in states.items():
        rate = state.rate(now)
        each = None if rate else seconds_each(stage, results)
        seconds = state.left / rate if rate else state.left * each[0] if each else None
        left = "-" if not state.left else "?" if seconds is None else _duration(seconds)
        speed = f"{3600 * rate:.0f}" if rate else "-"
        counts = f"{state.done:>9}{state.left:>9}{len(state.failed):>8}"
        yield f"  {stage:<11}{counts}{speed:>10}{left:>10}"
    yield f"  tables: {'there' if _joined(campaign, results) else 'not there yet'}"
    failed = [(stage, key) for stage, state in states.items() for key in state.failed]
    plan = Plan([campaign] if failed else [])
    for stage, key in failed[:MOST_LISTED]:
        point = next(point for point in campaign.points if key_of(stage, point) == key)
        yield f"failed: {stage} {key} ({point.text or 'the base'}): {states[stage].failed[key]}"
        yield f"  log: {log_of(plan, campaign, stage, point, results)}"
    if len(failed) > MOST_LISTED:
        yield f"... and {len(failed) - MOST_LISTED} more: {results / failures.FOLDER}"


def failure_lines(campaigns: Iterable[Campaign], results: Path = RESULTS) -> Iterator[str]:
    """Yield, for campaigns with results that could not be computed, what can be done now."""
    for campaign in campaigns:
        failed = sum(len(state.failed) for state in progress(campaign, results).values())
        if failed:
            yield (
                f"{campaign.name}: {failed} results could not be computed; "
                f"`cimsim status {campaign.file}` names them, `cimsim partial {campaign.file}` "
                "makes tables and a summary of the design points that are there"
            )


def log_of(
    plan: Plan, campaign: Campaign, stage: str, point: CampaignPoint, results: Path = RESULTS
) -> str:
    """Return the log of the job that computes a stage of a point of a campaign of the plan.

    The stage may be the error budget.
    """
    key = key_of(stage, point)
    if stage == "budget":
        return str(log_file("budget", key, results, campaign.seeds.blocks()[0]))
    if stage == "ppa":
        name = next(f"{g}_{n}" for (g, n), block in plan.blocks.items() if key in block.keys)
        return str(log_file("ppa", name, results))
    if stage != "infer":
        return str(log_file(stage, key, results))
    blocks = plan.seed_blocks.get(campaign.name)
    if blocks is None:
        return str(log_file("infer", key, results)).replace(".log", "_*.log")
    name = next(f"{g}_{n}" for (g, n), block in blocks.items() if key in block.keys)
    return str(log_file("infer_block", name, results))


def _joined(campaign: Campaign, results: Path) -> bool:
    folder = campaign_folder(campaign.name, results)
    return all((folder / name).is_file() for name in TABLES)


def _duration(seconds: float) -> str:
    for size, unit in ((86400.0, "d"), (3600.0, "h"), (60.0, "min")):
        if seconds >= size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.0f} s"


def _bytes(count: float) -> str:
    for size, unit in ((1e9, "GB"), (1e6, "MB")):
        if count >= size:
            return f"{count / size:.1f} {unit}"
    return f"{count / 1e3:.0f} kB"
