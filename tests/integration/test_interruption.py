"""Killed runs, numbers of cores and blocks of seeds leave no trace in the results."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import time
from contextlib import suppress

import psutil
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


ROUNDS = 20
LONGEST = 25.0
"""Seconds after which a round is interrupted at the latest; a whole run takes some more."""


def test_random_kills(workspace: Workspace, finished: Workspace) -> None:
    """SIGKILL of Snakemake, of a job or of all at random moments: no file is ever half there.

    Jobs that outlive Snakemake go on beside the next round.
    """
    expected = contents(finished.results).items()
    chosen, groups = random.Random(6), []
    try:
        for _ in range(ROUNDS):
            process = subprocess.Popen(
                workspace.command("--cores", "2"),
                cwd=workspace.folder,
                env=environment(),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
            groups.append(process.pid)
            whom, delay = chosen.choice(("snakemake", "job", "all")), chosen.uniform(1, LONGEST)
            with suppress(subprocess.TimeoutExpired):
                process.wait(timeout=delay)
            if whom == "job" and kill_a_job(process.pid, chosen):
                with suppress(subprocess.TimeoutExpired):
                    process.wait(timeout=3)
            ended = process.poll() is not None
            with suppress(ProcessLookupError):
                (os.kill if whom == "snakemake" else os.killpg)(process.pid, signal.SIGKILL)
            process.wait()
            assert contents(workspace.results).items() <= expected
            if ended and whom != "job":
                assert process.returncode == 0
                shutil.rmtree(workspace.results)
        run = workspace.snakemake("--cores", "2")
        assert run.returncode == 0, run.stdout + run.stderr
        assert contents(workspace.results) == dict(expected)
    finally:
        for group in groups:
            with suppress(ProcessLookupError):
                os.killpg(group, signal.SIGKILL)


def kill_a_job(snakemake: int, chosen: random.Random) -> bool:
    """Kill one of the stages that run below a Snakemake process; False if there is none."""
    with suppress(psutil.NoSuchProcess):
        below = psutil.Process(snakemake).children(recursive=True)
        jobs = [process for process in below if "cimsim" in process.cmdline()]
        if jobs:
            chosen.choice(jobs).kill()
            return True
    return False


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
