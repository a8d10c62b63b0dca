"""A search through Snakemake: hardware figures of a few small chips, interrupted and run again."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

from cimsim.analysis import schemas
from cimsim.campaign.expand import load_campaign
from cimsim.tables import read_table

from .conftest import ROOT, TINY, Workspace, contents, environment

pytest.importorskip("optuna", reason="the extra `search` is not installed")

SEARCH = {
    "name": "found",
    "accuracy": False,
    "base": TINY["base"],
    "search": {
        "maximise": ["tops_per_w"],
        "minimise": ["area_mm2"],
        "trials": 6,
        "batch": 2,
        "choices": {"chip.node": [22, 32, 45], "array.adc.columns_shared": [4, 8, 16]},
    },
    "figures": [{"name": "front", "kind": "pareto", "x": "area_mm2", "y": "tops_per_w"}],
}

OPTIONS = ("--snakefile", str(ROOT / "Snakefile"), "--cores", "1")

COMMAND = ("search", "c.yaml", "--", *OPTIONS)


@pytest.mark.slow
def test_a_killed_search_goes_on_to_the_same_end(tmp_path: Path) -> None:
    killed, whole = (Workspace(tmp_path / name) for name in ("killed", "whole"))
    killed.folder.mkdir()
    (killed.folder / "c.yaml").write_text(yaml.safe_dump(SEARCH))
    _kill_in_the_middle(killed)
    # The other one shares stages, but knows nothing of points and tables.
    shutil.copytree(
        killed.folder, whole.folder, ignore=shutil.ignore_patterns("campaigns", "search", "ppa")
    )
    ends = []
    for workspace in (killed, whole):
        run = workspace.cimsim(*COMMAND)
        assert run.returncode == 0, run.stdout + run.stderr
        assert "6 trials, 6 with results\nPareto front:" in run.stdout
        folder = workspace.results / "campaigns" / "found"
        ends.append(contents(workspace.results / "search") | contents(folder))
    assert ends[0] == ends[1]
    assert {"figures/front.svg", "summary.md", "found/trials.csv"} <= ends[0].keys()
    # The points are an ordinary campaign, with ordinary results.
    written = load_campaign(workspace.results / "search" / "found" / "campaign.yaml")
    rows = read_table(folder / "points.parquet", schemas.points()).to_pylist()
    assert [row["id"] for row in rows] == [point.id for point in written.points]
    assert [row["sweeps"] for row in rows] == [["trials"]] * len(rows)
    planned = workspace.snakemake(
        "-n", "--cores", "1", campaign="results/search/found/campaign.yaml"
    )
    assert "Nothing to be done" in planned.stdout + planned.stderr
    assert len(list(workspace.results.glob("map/*"))) == 1


def _kill_in_the_middle(workspace: Workspace) -> None:
    """Start the search and kill it when its first points are there."""
    process = subprocess.Popen(
        [sys.executable, "-m", "cimsim", *COMMAND],
        cwd=workspace.folder,
        env=environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    table = workspace.results / "campaigns" / "found" / "points.parquet"
    try:
        end = time.monotonic() + 300
        while not table.exists() and process.poll() is None and time.monotonic() < end:
            time.sleep(0.05)
        assert process.poll() is None
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
