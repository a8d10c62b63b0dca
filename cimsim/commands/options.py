"""Options that several commands share, and what is done with them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Literal

import typer

from cimsim.errors import UserError

Design = Annotated[
    str,
    typer.Option(
        "--design", help="design fields that differ from their default, as JSON (nested or dotted)"
    ),
]
Results = Annotated[Path, typer.Option("--results", help="folder of all results")]
Threads = Annotated[int, typer.Option("--threads", min=1, help="threads to use")]
DeviceName = Annotated[
    Literal["cpu", "cuda"],
    typer.Option("--device", help="what computes the array products; cuda needs Triton"),
]
Seeds = Annotated[str, typer.Option("--seeds", help="first and last seed, as FIRST:LAST")]
CampaignPath = Annotated[Path, typer.Argument(metavar="CAMPAIGN", help="campaign file (YAML)")]

RESULTS = Path("results")


def parse_seeds(text: str) -> range:
    """Return the seeds of ``FIRST:LAST``, both included.

    Raises:
        UserError: the text is no such range.
    """
    from cimsim.campaign.seeds import LARGEST_SEED

    first, _, last = text.partition(":")
    if not (first.isdecimal() and last.isdecimal() and int(first) <= int(last) <= LARGEST_SEED):
        raise UserError(
            f"--seeds: '{text}' is not allowed; allowed: FIRST:LAST with 0 <= FIRST <= LAST "
            f"<= {LARGEST_SEED}"
        )
    return range(int(first), int(last) + 1)


def set_threads(threads: int) -> None:
    """Set the threads of every numerical library, before any of them is loaded."""
    for library in ("OMP", "OPENBLAS", "MKL", "NUMEXPR"):
        os.environ[f"{library}_NUM_THREADS"] = str(threads)
    # Idle threads sleep; spinning ones stall every other job on a shared machine.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")


def show_progress() -> None:
    """Print what the stages log (a line per epoch, per seed) on stderr."""
    import logging

    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("cimsim: %(message)s"))
    logger = logging.getLogger("cimsim")
    logger.handlers = [handler]
    logger.setLevel(logging.INFO)
