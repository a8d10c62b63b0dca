"""Blocks of the ppa stage: design points that one job evaluates together.

Points that share mapping and trace are a group: a job reads both once for all of its points. The
name of a block is a hash of the keys of its points, so that a changed design is another file. A
block is the unit of work, not of reuse: a job takes over what other blocks of its group hold.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from cimsim.campaign.expand import CampaignPoint
from cimsim.campaign.keys import canonical, digest, group_key

BLOCK_POINTS = 200
"""Points of a full block: some seconds of work, so that starting a job costs little beside it."""


@dataclass(frozen=True, slots=True)
class Block:
    """Design points of one group, each with a ppa key of its own."""

    group: str
    points: tuple[CampaignPoint, ...]

    @property
    def keys(self) -> list[str]:
        """Keys of the points, in order."""
        return [point.keys["ppa"] for point in self.points]

    @property
    def name(self) -> str:
        """Name of the folder of the block within that of the group."""
        return digest(block_text(self.keys))


def block_text(keys: Iterable[str]) -> str:
    """Return the text whose hash is the name of a block."""
    return canonical({"stage": "ppa", "points": list(keys)})


def blocks(points: Iterable[CampaignPoint], size: int = BLOCK_POINTS) -> list[Block]:
    """Return the blocks that cover `points`, each ppa key once, in the order of the points."""
    groups: dict[str, dict[str, CampaignPoint]] = {}
    for point in points:
        group = groups.setdefault(group_key(point.keys), {})
        group.setdefault(point.keys["ppa"], point)
    found = []
    for name, members in groups.items():
        listed = tuple(members.values())
        found += [Block(name, listed[i : i + size]) for i in range(0, len(listed), size)]
    return found
