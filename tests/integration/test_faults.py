"""Disks that are full, read-only or damaged, two runs at once, clocks that jump.

Each fault is made on purpose. Afterwards a plain run gives the bytes of an undisturbed one, or one
message says what to do.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from cimsim.campaign.lock import LOCK_FILE

from .conftest import Workspace, contents, environment

pytestmark = pytest.mark.slow

YEARS = {"past": 31_536_000, "future": 4_102_444_800}
"""The first days of 1971 and of 2100, in seconds since 1970."""


@pytest.fixture
def copy(finished: Workspace, tmp_path: Path) -> Workspace:
    """A copy of the finished run, free to be changed."""
    shutil.copytree(finished.folder, tmp_path / "copy")
    return Workspace(tmp_path / "copy")


@pytest.fixture
def mounted(workspace: Workspace) -> Iterator[Workspace]:
    """A working directory whose folder of results is a file system of its own."""
    workspace.results.mkdir()
    if not _mount("-t", "tmpfs", "-o", "size=64m", "cimsim-test", str(workspace.results)):
        pytest.skip("file systems cannot be mounted here (that needs root and CAP_SYS_ADMIN)")
    try:
        yield workspace
    finally:
        subprocess.run(["umount", "--lazy", workspace.results], check=True, timeout=60)


def _mount(*options: str) -> bool:
    if shutil.which("mount") is None:
        return False
    done = subprocess.run(["mount", *options], capture_output=True, timeout=60, check=False)
    return done.returncode == 0


def _remount(workspace: Workspace, options: str) -> None:
    assert _mount("-o", f"remount,{options}", str(workspace.results))


def _finish(workspace: Workspace, finished: Workspace) -> None:
    """Run to the end and compare every byte.

    A file that was lost is made again only if something is to be made from it (as in make).
    """
    run = workspace.snakemake("--cores", "2")
    assert run.returncode == 0, run.stdout + run.stderr
    made, whole = contents(workspace.results), contents(finished.results)
    assert made.items() <= whole.items()
    assert made.keys() >= {name for name in whole if name.startswith("campaigns/")}
    assert workspace.planned() == {}


@pytest.mark.parametrize("kilobytes", [12, 48, 400])
def test_a_full_disk(kilobytes: int, mounted: Workspace, finished: Workspace) -> None:
    """The disk fills up in the first stage, or in a later one; then there is space again."""
    _remount(mounted, f"size={kilobytes}k")
    run = mounted.snakemake("--cores", "2")
    printed = run.stdout + run.stderr
    assert run.returncode == 1
    assert "No space left on device" in printed, printed
    assert 'File "' not in printed
    assert contents(mounted.results).items() <= contents(finished.results).items()
    _remount(mounted, "size=64m")
    _finish(mounted, finished)


def test_a_read_only_folder(mounted: Workspace, finished: Workspace) -> None:
    shutil.copytree(finished.results, mounted.results, dirs_exist_ok=True)
    (mounted.tables / "summary.md").unlink()
    _remount(mounted, "ro")
    run = mounted.snakemake("--cores", "2")
    assert run.returncode == 1
    assert run.stderr.splitlines()[-1] == (
        "cimsim: results: cannot be written: Read-only file system"
    )
    assert 'File "' not in run.stderr
    direct = mounted.cimsim("summary", "campaign.yaml")
    assert direct.returncode == 1
    assert direct.stderr.endswith("summary.md: cannot be written: Read-only file system\n")
    _remount(mounted, "rw")
    _finish(mounted, finished)
    _remount(mounted, "ro")
    assert mounted.snakemake("--cores", "2").returncode == 0


DAMAGED = {
    "checkpoint/*/state.parquet": ["calibrate"],
    "calibrate/*/scales.parquet": ["map"],
    "trace/*/trace.parquet": ["ppa"],
    "infer/*/seeds_0000_0001.parquet": ["campaigns"],
    "ppa/*/*/components.parquet": ["campaigns"],
    "campaigns/*/points.parquet": ["campaigns/tiny/summary.md"],
}
"""Files, and what has to be lost for a run to read them."""


@pytest.mark.parametrize("damage", ["truncated", "one bit"])
@pytest.mark.parametrize("pattern", DAMAGED)
def test_a_damaged_file(pattern: str, damage: str, copy: Workspace, finished: Workspace) -> None:
    path = sorted(copy.results.glob(pattern))[0]
    content = bytearray(path.read_bytes())
    if damage == "truncated":
        del content[len(content) // 2 :]
    else:
        content[100] ^= 1
    path.write_bytes(content)
    for lost in DAMAGED[pattern]:
        lost_path = copy.results / lost
        shutil.rmtree(lost_path) if lost_path.is_dir() else lost_path.unlink()
    if lost_path.name == "campaigns" and path.is_relative_to(lost_path):
        pytest.fail("the damaged file itself is lost")
    run = copy.snakemake("--cores", "2")
    printed = run.stdout + run.stderr
    if damage == "one bit" and run.returncode == 0:
        # The bit is in a part that no check sum covers and no reader needs: nothing may differ.
        path.unlink()
        _finish(copy, finished)
        return
    assert run.returncode == 1
    assert f"{path.relative_to(copy.folder)}: no readable Parquet file" in printed
    assert "delete it and run again" in printed
    assert 'File "' not in printed
    path.unlink()
    _finish(copy, finished)


def test_two_runs_at_once(workspace: Workspace, finished: Workspace) -> None:
    first = subprocess.Popen(
        workspace.command("--cores", "2"),
        cwd=workspace.folder,
        env=environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        while not (workspace.results / LOCK_FILE).exists() and first.poll() is None:
            time.sleep(0.1)
        second = workspace.snakemake("--cores", "2")
        assert first.poll() is None
        assert second.returncode == 1
        assert second.stderr.splitlines()[-1].startswith(
            f"cimsim: results: another run is at work here (process {first.pid} on "
        )
        assert 'File "' not in second.stderr
        # A look at what is left to do is allowed.
        workspace.planned()
        assert first.wait(timeout=600) == 0
    finally:
        if first.poll() is None:
            os.killpg(first.pid, signal.SIGKILL)
            first.wait()
    assert contents(workspace.results) == contents(finished.results)


@pytest.mark.parametrize("seed", range(3))
def test_a_clock_that_jumps(seed: int, copy: Workspace, finished: Workspace) -> None:
    """Files from 1971 and 2100, in any order: nothing runs again, and what is lost comes back.

    Snakemake refuses to make a file from one that is dated in the future, and names both.
    """
    chosen = random.Random(seed)
    files = sorted(path for path in copy.folder.rglob("*") if path.is_file())
    for path in files:
        when = YEARS[chosen.choice(list(YEARS))] + chosen.randrange(10**6)
        os.utime(path, (when, when))
    assert copy.planned() == {}
    for path in chosen.sample(sorted(copy.results.rglob("*.parquet")), 4):
        path.unlink()
    run = copy.snakemake("--cores", "2")
    if run.returncode:
        assert "clock skew" in run.stdout + run.stderr
        for path in copy.results.rglob("*"):
            os.utime(path)
    _finish(copy, finished)
