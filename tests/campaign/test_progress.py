"""What is done and to do, from files alone; counts on campaigns that can be counted by hand."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest

from cimsim import failures
from cimsim.campaign.expand import Campaign, load_campaign
from cimsim.campaign.paths import FILES, benchmark_file, budget_files, seeds_file, stage_folder
from cimsim.campaign.progress import describe, failure_lines, progress, status_lines
from cimsim.campaign.seed_blocks import seed_blocks

CAMPAIGN = """
name: c
sweeps:
  - {grid: {array.adc.bits: [6, 7], nonideality.read_noise: [0.0, 0.1, 0.2]}}
  - {grid: {chip.node: [22, 32], array.adc.bits: [7]}}
  - {points: [{cell.bits: 2}]}
seeds: SEEDS
"""
JOBS = {"checkpoint": 1, "calibrate": 1, "map": 2, "infer": 7, "trace": 1, "ppa": 4}
"""Distinct keys, by hand: 2 ADCs x 3 noises and 2-bit cells run on arrays; 6 b and 7 b at 22 nm,
7 b at 32 nm and 2-bit cells are chips. The workflow's rules have the same numbers of jobs, but for
ppa (a block for each mapping)."""


def campaign(folder: Path, seeds: str = "{count: 4, block: 4}") -> Campaign:
    file = folder / "c.yaml"
    file.write_text(CAMPAIGN.replace("SEEDS", seeds))
    return load_campaign(file)


def write(file: Path, size: int = 1000, age: float = 0.0) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(b"x" * size)
    os.utime(file, (time.time() - age,) * 2)


def test_results_are_counted_by_key(tmp_path: Path) -> None:
    found = progress(campaign(tmp_path), tmp_path)
    assert {stage: state.total for stage, state in found.items()} == JOBS
    assert {stage: state.done for stage, state in found.items()} == dict.fromkeys(JOBS, 0)
    assert found["ppa"].jobs == 2
    seeds = progress(campaign(tmp_path, "{count: 8, block: 4}"), tmp_path)["infer"]
    assert (seeds.jobs, seeds.total) == (14, 14)
    blocks = progress(campaign(tmp_path, "{count: 8, block: 4, points_per_job: 4}"), tmp_path)
    # 6 keys of one mapping in 4 + 2, and the 2-bit cells.
    assert (blocks["infer"].jobs, blocks["infer"].total) == (3, 14)


def test_error_budgets_are_jobs_too(tmp_path: Path) -> None:
    assert not any("budget" in line for line in describe(campaign(tmp_path), tmp_path))
    file = tmp_path / "c.yaml"
    file.write_text(f"{CAMPAIGN.replace('SEEDS', '{count: 8, block: 4}')}\nbudget: true\n")
    loaded = load_campaign(file)
    for path in budget_files(loaded.points[0].keys["infer"], 0, 3, tmp_path):
        write(path)
    # One a key of the infer stage: the budget is that of the first block of seeds.
    assert "  budget: 7 jobs, 1 done" in describe(loaded, tmp_path)
    (line,) = [text for text in status_lines(loaded, tmp_path) if text.startswith("  budget ")]
    assert line.split()[1:3] == ["1", "6"]


def test_a_result_is_done_when_all_its_files_are_there(tmp_path: Path) -> None:
    loaded = campaign(tmp_path)
    folder = stage_folder("map", loaded.points[0].keys["map"], tmp_path)
    *most, last = FILES["map"]
    for name in most:
        write(folder / name)
    assert progress(loaded, tmp_path)["map"].done == 0
    write(folder / last)
    assert progress(loaded, tmp_path)["map"].done == 1


def test_a_stopped_point_needs_no_more_seeds(tmp_path: Path) -> None:
    loaded = campaign(
        tmp_path, "{count: 2, block: 2, points_per_job: 9, stop: {half_width: 1 %, max_seeds: 8}}"
    )
    before = progress(loaded, tmp_path)["infer"]
    assert (before.total, before.done) == (7 * 4, 0)
    block = next(b for b in seed_blocks(loaded) if len(b.points) == 6)
    for key in block.keys:
        write(stage_folder("infer", key, tmp_path) / seeds_file(0, 1))
    block.marker(tmp_path).parent.mkdir(parents=True)
    block.marker(tmp_path).write_text(block.marker_text([1] * 6))
    after = progress(loaded, tmp_path)["infer"]
    assert (after.total, after.done, after.jobs_done) == (6 + 4, 6, 1)


def test_time_and_disk_come_from_what_is_there(tmp_path: Path) -> None:
    loaded = campaign(tmp_path)
    assert "  to do: no estimate of the time, because no earlier run is recorded" in describe(
        loaded, tmp_path
    )
    keys = list(dict.fromkeys(point.keys["infer"] for point in loaded.points))
    for key in keys[:2]:
        write(stage_folder("infer", key, tmp_path) / seeds_file(0, 3), size=500_000)
    for n, seconds in enumerate((50.0, 70.0, 60.0)):
        record = benchmark_file("infer", str(n), tmp_path)
        write(record)
        record.write_text(json.dumps({"s": seconds}) + "\n")
    lines = describe(loaded, tmp_path)
    assert "  infer: 7 jobs, 2 done" in lines
    # By hand: 5 x 60 s; 5 x 0.5 MB and 4 chips, the other stages at their typical sizes.
    (time_line,) = (line for line in lines if "on one core" in line)
    assert time_line.startswith("  to do: 5.0 min on one core")
    assert time_line.endswith("without checkpoint, calibrate, map, trace, ppa (no records)")
    assert lines[-1] == "  to do: 3.3 MB of disk, about"


def test_the_rate_is_that_of_the_last_hour(tmp_path: Path) -> None:
    loaded = campaign(tmp_path)
    keys = list(dict.fromkeys(point.keys["infer"] for point in loaded.points))
    for n, key in enumerate(keys[:4]):
        age = 10_000.0 if n == 3 else 600.0 * n
        write(stage_folder("infer", key, tmp_path) / seeds_file(0, 3), age=age)
    state = progress(loaded, tmp_path)["infer"]
    assert state.rate(time.time()) == pytest.approx(1 / 600, rel=0.01)
    (line,) = (line for line in status_lines(loaded, tmp_path) if line.startswith("  infer"))
    assert line.split() == ["infer", "4", "3", "0", "6", "30.0", "min"]


def test_a_failure_is_named_until_its_result_is_there(tmp_path: Path) -> None:
    loaded = campaign(tmp_path)
    point = next(p for p in loaded.points if p.changed.get("nonideality.read_noise") == 0.2)
    key = point.keys["infer"]
    failures.record(tmp_path, "infer", key, "it broke")
    text = "\n".join(status_lines(loaded, tmp_path))
    assert f"failed: infer {key} (" in text
    assert "nonideality.read_noise 0.2): it broke" in text
    assert f"log: {tmp_path}/logs/infer/{key}_*.log" in text
    write(stage_folder("infer", key, tmp_path) / seeds_file(0, 3))
    assert "it broke" not in "\n".join(status_lines(loaded, tmp_path))


def test_an_error_budget_that_failed_is_named_too(tmp_path: Path) -> None:
    file = tmp_path / "c.yaml"
    file.write_text(f"{CAMPAIGN.replace('SEEDS', '{count: 8, block: 4}')}\nbudget: true\n")
    loaded = load_campaign(file)
    point = next(p for p in loaded.points if p.changed.get("nonideality.read_noise") == 0.2)
    key = point.keys["infer"]
    failures.record(tmp_path, "budget", key, "it broke")
    lines = list(status_lines(loaded, tmp_path))
    (row,) = [line for line in lines if line.startswith("  budget ")]
    assert row.split()[1:4] == ["0", "7", "1"]
    named = next(n for n, line in enumerate(lines) if line.startswith(f"failed: budget {key} ("))
    assert lines[named].endswith("nonideality.read_noise 0.2): it broke")
    # The one log of the job, as the workflow's rule names it.
    assert lines[named + 1] == f"  log: {tmp_path}/logs/budget/{key}_0000_0003.log"
    assert len(list(failure_lines([loaded], tmp_path))) == 1
    for path in budget_files(key, 0, 3, tmp_path):
        write(path)
    assert "it broke" not in "\n".join(status_lines(loaded, tmp_path))
    assert list(failure_lines([loaded], tmp_path)) == []
