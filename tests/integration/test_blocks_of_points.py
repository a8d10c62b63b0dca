"""Jobs that simulate many design points: the same bytes as one job each, and nothing twice."""

from __future__ import annotations

from pathlib import Path

import pytest

from .conftest import TINY, Workspace, contents, jobs_in

SEEDS = {"count": 4, "block": 2, "points_per_job": 2}


def stamps(folder: Path) -> dict[str, int]:
    return {str(p): p.stat().st_mtime_ns for p in folder.glob("infer/*/seeds_*.parquet")}


@pytest.fixture(scope="module")
def blocks(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    done = Workspace(tmp_path_factory.mktemp("blocks"))
    done.write(seeds=SEEDS)
    run = done.snakemake("--cores", "2")
    assert run.returncode == 0, run.stdout + run.stderr
    assert jobs_in(run.stdout + run.stderr)["infer_block"] == 1
    return done


def test_the_tables_are_those_of_single_jobs(blocks: Workspace, finished: Workspace) -> None:
    found, expected = contents(blocks.results), contents(finished.results)
    markers = {name for name in found if name.startswith("infer_blocks/")}
    assert len(markers) == 1
    assert {name: text for name, text in found.items() if name not in markers} == expected


def test_nothing_runs_twice(blocks: Workspace) -> None:
    assert blocks.planned() == {}


@pytest.mark.slow
def test_only_what_is_missing_is_computed(blocks: Workspace) -> None:
    before = contents(blocks.results)
    times = stamps(blocks.results)
    gone = min(times)
    Path(gone).unlink()
    (blocks.tables / "points.parquet").unlink()
    assert blocks.planned()["infer_block"] == 1
    run = blocks.snakemake("--cores", "2")
    assert run.returncode == 0, run.stdout + run.stderr
    assert contents(blocks.results) == before
    changed = {name for name, time in stamps(blocks.results).items() if times[name] != time}
    assert changed == {gone}
    # A new point is another block, whose job takes over the points that are there.
    times = stamps(blocks.results)
    noise = {"name": "noise", "grid": {"nonideality.read_noise": [0.0, 0.1, 0.2]}}
    blocks.write(seeds={**SEEDS, "points_per_job": 3}, sweeps=[noise, TINY["sweeps"][1]])
    run = blocks.snakemake("--cores", "2")
    assert run.returncode == 0, run.stdout + run.stderr
    after = stamps(blocks.results)
    assert {name: after[name] for name in times} == times
    assert len(after) == len(times) + 2
