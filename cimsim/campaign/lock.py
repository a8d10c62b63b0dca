"""One run at a time in a folder of results.

Snakemake deletes the files that a job is about to write. A second run that has planned the same
jobs would thus take away what jobs of the first one are reading. Snakemake's own lock outlives a
killed process; this one belongs to the process and ends with it, however it ends.
"""

from __future__ import annotations

import fcntl
import os
import socket
from pathlib import Path

from cimsim.campaign.paths import RESULTS
from cimsim.errors import UserError

LOCK_FILE = ".lock"
"""File in the folder of results that a run holds locked; it says which run."""

LOCKED = "CIMSIM_RESULTS_LOCKED"
"""Environment variable that a run sets for a run inside it, which needs no lock of its own."""


def lock_results(results: Path = RESULTS) -> None:
    """Keep other runs out of the folder `results`, which is made, until this process ends.

    Where the file system has no locks (some mounts of Lustre and NFS) nothing is kept out. Nothing
    is done for a run inside another one, which has locked the folder for both (see LOCKED).

    Raises:
        UserError: another run is at work there, or the folder cannot be written.
    """
    if os.environ.get(LOCKED):
        return
    path = results / LOCK_FILE
    try:
        results.mkdir(parents=True, exist_ok=True)
        # The descriptor stays open on purpose, and the jobs do not inherit it.
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    except OSError as error:
        raise UserError(f"{results}: cannot be written: {error.strerror or error}") from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        holder = os.read(descriptor, 200).decode(errors="replace").strip()
        raise UserError(
            f"{results}: another run is at work here ({holder or 'unknown'}); wait for its end. "
            "One run can have several campaigns: --config campaign=a.yaml,b.yaml"
        ) from error
    except OSError:
        return
    try:
        os.ftruncate(descriptor, 0)
        os.write(descriptor, f"process {os.getpid()} on {socket.gethostname()}\n".encode())
    except OSError as error:
        raise UserError(f"{results}: cannot be written: {error.strerror or error}") from error
