"""Blocks of the infer stage: design points that one job simulates with all their seeds.

A workflow of a job per point and block of seeds would have tens of thousands of jobs. So a job
takes many points that share their mapping (it loads the network once), and the workflow sees one
*marker* file a job, ``results/infer_blocks/<mapping>/<block>.json``. What is computed lies where it
would lie in any case, ``results/infer/<key>/seeds_<first>_<last>.parquet``, complete as soon as it
is there: a block is the unit of work, a key the unit of reuse, and a job that was killed goes on
where it was.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from cimsim.campaign.expand import Campaign, CampaignPoint
from cimsim.campaign.keys import canonical, digest
from cimsim.campaign.paths import RESULTS, infer_marker, seeds_file, stage_folder
from cimsim.campaign.seeds import Seeds

MOST_SINGLE_JOBS = 1000
"""Jobs up to which each point and block of seeds is a job of its own."""

BLOCK_JOBS = 500
"""Jobs that a larger campaign is divided into, about."""


@dataclass(frozen=True, slots=True)
class SeedBlock:
    """Design points of one mapping, each with an infer key of its own, and their seeds."""

    points: tuple[CampaignPoint, ...]
    seeds: Seeds

    @property
    def group(self) -> str:
        """Key of the mapping that the points share."""
        return self.points[0].keys["map"]

    @property
    def keys(self) -> list[str]:
        """Keys of the points, in order."""
        return [point.keys["infer"] for point in self.points]

    @property
    def name(self) -> str:
        """Name of the marker."""
        return digest(canonical({"points": self.keys, "seeds": self.seeds.identity()}))

    def marker(self, results: Path = RESULTS) -> Path:
        """Return the file that says that the block is done."""
        return infer_marker(self.group, self.name, results)

    def marker_text(self, blocks: Sequence[int]) -> str:
        """Return the content of the marker: how many blocks of seeds each point needed."""
        return canonical({"points": self.keys, "seeds": self.seeds.identity(), "blocks": blocks})


def in_blocks(campaign: Campaign) -> bool:
    """Return whether the infer jobs of a campaign take several points, or stop by themselves."""
    seeds = campaign.seeds
    if seeds.stop is not None or seeds.points_per_job > 1:
        return True
    return seeds.points_per_job == 0 and _single_jobs(campaign) > MOST_SINGLE_JOBS


def seed_blocks(campaign: Campaign) -> list[SeedBlock]:
    """Return the blocks that cover a campaign, each infer key once, in the order of the points."""
    groups: dict[str, dict[str, CampaignPoint]] = {}
    for point in campaign.points:
        groups.setdefault(point.keys["map"], {}).setdefault(point.keys["infer"], point)
    count = sum(map(len, groups.values()))
    size = campaign.seeds.points_per_job or max(1, math.ceil(count / BLOCK_JOBS))
    return [
        SeedBlock(members[start : start + size], campaign.seeds)
        for members in (tuple(group.values()) for group in groups.values())
        for start in range(0, len(members), size)
    ]


def discard_stale_markers(blocks: Iterable[SeedBlock], results: Path = RESULTS) -> None:
    """Remove markers of blocks whose results are not all there, so that they run again."""
    held: dict[Path, frozenset[str]] = {}
    for block in blocks:
        marker = block.marker(results)
        if marker.is_file() and not _holds(block, marker, results, held):
            with suppress(OSError):
                marker.unlink()


def _holds(block: SeedBlock, marker: Path, results: Path, held: dict[Path, frozenset[str]]) -> bool:
    """Return whether the files are there that a marker speaks of."""
    try:
        counts = json.loads(marker.read_text(encoding="utf-8"))["blocks"]
    except (OSError, ValueError, KeyError, TypeError):
        return False
    names = [seeds_file(*seeds) for seeds in block.seeds.blocks()]
    for key, count in zip(block.keys, counts, strict=True):
        folder = stage_folder("infer", key, results)
        if folder not in held:
            held[folder] = _names_in(folder)
        if not held[folder].issuperset(names[:count]):
            return False
    return True


def _names_in(folder: Path) -> frozenset[str]:
    try:
        return frozenset(file.name for file in folder.iterdir())
    except OSError:
        return frozenset()


def _single_jobs(campaign: Campaign) -> int:
    keys = {point.keys["infer"] for point in campaign.points}
    return len(keys) * len(campaign.seeds.blocks())
