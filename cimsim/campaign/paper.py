"""Which campaigns of a folder this machine can run, and what the others lack."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from cimsim.campaign.checks import check_campaign
from cimsim.campaign.expand import load_campaign
from cimsim.errors import UserError


@dataclass(frozen=True)
class Case:
    """One campaign file: its points, or what is missing to run it."""

    file: Path
    points: int
    missing: str

    @property
    def ready(self) -> bool:
        """Whether it can run."""
        return not self.missing


def cases(folder: Path) -> list[Case]:
    """Check every campaign file of a folder and what it names: data, checkpoints, networks.

    Raises:
        UserError: the folder has no campaign.
    """
    files = sorted(folder.glob("*.yaml"))
    if not files:
        raise UserError(f"{folder}: no campaign files (*.yaml) in this folder")
    return [_case(file) for file in files]


def _case(file: Path) -> Case:
    try:
        campaign = load_campaign(file)
        check_campaign(campaign)
    except UserError as error:
        return Case(file, 0, str(error).removeprefix(f"{file}: "))
    return Case(file, len(campaign.points), "")
