"""A full disk, said where it is seen: the log of a job lies on the same disk and may stay empty."""

from __future__ import annotations

import shutil
from pathlib import Path

from cimsim.campaign.paths import RESULTS

LITTLE_SPACE = 2**20
"""Bytes. Snakemake takes away what a failed job wrote, so a little is free again afterwards."""


def full_disk(results: Path = RESULTS) -> str | None:
    """Return what to say of the disk of `results` after a failure; nothing if it has space."""
    free = shutil.disk_usage(results).free
    if free >= LITTLE_SPACE:
        return None
    return (
        f"{results}: No space left on device ({free} bytes are free); logs of failed jobs may be "
        "empty. Make space and run again: what is finished is kept"
    )
