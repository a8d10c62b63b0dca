"""Killed runs, numbers of cores and blocks of seeds leave no trace in the results."""

from __future__ import annotations

import os
import signal
import subprocess
import time

import pytest

from .conftest import Workspace, contents, environment

pytestmark = pytest.mark.slow


def tables(workspace: Workspace) -> dict[str, str]:
    return contents(workspace.tables)


def test_kill_and_run_again(workspace: Workspace, finished: Workspace) -> None:
    """SIGKILL as soon as each of some stages begins; then one run to the end.

    Where the jobs are not killed with Snakemake they go on beside the next run.
    """
    kills = (("checkpoint", True), ("map", False), ("infer", True), ("join", False))
    for begun, with_jobs in kills:
        process = subprocess.Popen(
            workspace.command("--cores", "2"),
            cwd=workspace.folder,
            env=environment(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        log = workspace.results / "logs" / begun
        while not (log.is_dir() and any(log.iterdir())) and process.poll() is None:
            time.sleep(0.05)
        assert process.poll() is None, f"the run ended before {begun} began"
        (os.killpg if with_jobs else os.kill)(process.pid, signal.SIGKILL)
        process.wait()
    run = workspace.snakemake("--cores", "2")
    assert run.returncode == 0, run.stdout + run.stderr
    assert contents(workspace.results) == contents(finished.results)


def test_one_core_gives_the_same_bytes(workspace: Workspace, finished: Workspace) -> None:
    run = workspace.snakemake("--cores", "1")
    assert run.returncode == 0, run.stdout + run.stderr
    assert contents(workspace.results) == contents(finished.results)


@pytest.mark.parametrize("block", [1, 8])
def test_blocks_of_seeds_give_the_same_tables(
    block: int, workspace: Workspace, finished: Workspace
) -> None:
    workspace.write(seeds={"count": 4, "block": block})
    run = workspace.snakemake("--cores", "2")
    assert run.returncode == 0, run.stdout + run.stderr
    assert tables(workspace) == tables(finished)
