"""One run at a time works in a folder of results; a killed one leaves nothing to clear away."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from cimsim.campaign.lock import LOCK_FILE, LOCKED, lock_results
from cimsim.errors import UserError

HOLDER = (
    "import sys, time; from pathlib import Path; from cimsim.campaign.lock import lock_results\n"
    "lock_results(Path(sys.argv[1])); print('locked', flush=True); time.sleep(600)\n"
)


def test_the_lock_ends_with_its_process(tmp_path: Path) -> None:
    results = tmp_path / "results"
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, results], stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "locked\n"
        with pytest.raises(UserError, match=rf"another run .* \(process {holder.pid} on "):
            lock_results(results)
        holder.send_signal(signal.SIGKILL)
    lock_results(results)
    assert (results / LOCK_FILE).read_text().startswith(f"process {os.getpid()} on ")


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "results").write_text("a file")
    with pytest.raises(UserError, match="results: cannot be written: File exists"):
        lock_results(tmp_path / "results")


def test_a_file_system_without_locks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(descriptor: int, operation: int) -> None:
        raise OSError(38, "Function not implemented")

    monkeypatch.setattr(fcntl, "flock", refuse)
    lock_results(tmp_path)


def test_a_run_inside_another_one_needs_no_lock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, tmp_path], stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "locked\n"
        monkeypatch.setenv(LOCKED, "1")
        lock_results(tmp_path)
        assert (tmp_path / LOCK_FILE).read_text().startswith(f"process {holder.pid} on ")
        holder.send_signal(signal.SIGKILL)
