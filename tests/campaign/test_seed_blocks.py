"""Blocks of design points of the infer stage: when, how large, what their markers promise."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from cimsim.campaign.expand import Campaign, load_campaign
from cimsim.campaign.paths import seeds_file, stage_folder
from cimsim.campaign.plan import Plan
from cimsim.campaign.seed_blocks import discard_stale_markers, in_blocks, seed_blocks
from cimsim.errors import UserError

CAMPAIGN = """
name: c
sweeps:
  - grid:
      array.columns: [64, 128]
      chip.node: [22, 32]
      nonideality.read_noise: [{noises}]
seeds: {seeds}
"""


def campaign(folder: Path, seeds: str, noises: int = 5) -> Campaign:
    file = folder / "c.yaml"
    listed = ", ".join(str(n / 10000) for n in range(noises))
    file.write_text(CAMPAIGN.format(seeds=seeds, noises=listed))
    return load_campaign(file)


def test_each_key_is_in_one_block_of_its_mapping(tmp_path: Path) -> None:
    loaded = campaign(tmp_path, "{count: 4, points_per_job: 2}")
    found = seed_blocks(loaded)
    # 2 mappings x 5 noises; the node is not the network's business. By hand: 2 + 2 + 1 each.
    assert [len(block.points) for block in found] == [2, 2, 1, 2, 2, 1]
    keys = [key for block in found for key in block.keys]
    assert sorted(keys) == sorted({point.keys["infer"] for point in loaded.points})
    for block in found:
        assert {point.keys["map"] for point in block.points} == {block.group}


@pytest.mark.parametrize(
    ("seeds", "noises", "expected"),
    [
        ("{count: 4}", 5, False),
        ("{count: 4, points_per_job: 2}", 5, True),
        ("{count: 4, stop: {half_width: 1 %}}", 5, True),
        ("{count: 8, block: 2}", 125, False),  # 2 x 125 x 4 = 1000 jobs
        ("{count: 8, block: 2}", 126, True),
        ("{count: 8, block: 2, points_per_job: 1}", 126, False),
    ],
)
def test_when_jobs_take_several_points(
    seeds: str, noises: int, expected: bool, tmp_path: Path
) -> None:
    assert in_blocks(campaign(tmp_path, seeds, noises)) is expected


def test_large_campaigns_have_about_500_jobs(tmp_path: Path) -> None:
    blocks = seed_blocks(campaign(tmp_path, "{count: 20}", 600))
    assert 390 <= len(blocks) <= 500
    assert sum(len(block.points) for block in blocks) == 1200


def test_the_name_tells_points_and_seeds_but_not_the_size(tmp_path: Path) -> None:
    names = {
        seeds: {block.name for block in seed_blocks(campaign(tmp_path, seeds, 1))}
        for seeds in (
            "{count: 4, points_per_job: 9}",
            "{count: 4, points_per_job: 8}",
            "{count: 5, points_per_job: 9}",
            "{count: 4, points_per_job: 9, stop: {half_width: 0.01}}",
            "{count: 4, points_per_job: 9, stop: {half_width: 0.02}}",
        )
    }
    one, two, *others = names.values()
    assert one == two
    assert all(one.isdisjoint(other) for other in others)


def test_the_join_reads_markers(tmp_path: Path) -> None:
    plan = Plan([campaign(tmp_path, "{count: 4, points_per_job: 2}")])
    files = plan.stage_files(SimpleNamespace(campaign="c"))["infer"]
    assert len(files) == 6
    assert all(file.startswith("results/infer_blocks/") for file in files)


def test_an_unknown_block_is_named(tmp_path: Path) -> None:
    plan = Plan([campaign(tmp_path, "{count: 4, points_per_job: 2}")])
    with pytest.raises(UserError, match="results/infer_blocks/0/1: no campaign of this run"):
        plan.seed_block("0", "1")


def test_a_marker_whose_results_have_gone_is_removed(tmp_path: Path) -> None:
    (block, other, *_) = seed_blocks(campaign(tmp_path, "{count: 4, block: 2, points_per_job: 2}"))
    for member in (block, other):
        for key in member.keys:
            for seeds in member.seeds.blocks():
                file = stage_folder("infer", key, tmp_path) / seeds_file(*seeds)
                file.parent.mkdir(parents=True, exist_ok=True)
                file.touch()
        member.marker(tmp_path).parent.mkdir(parents=True, exist_ok=True)
        member.marker(tmp_path).write_text(member.marker_text([2, 2]))
    discard_stale_markers([block, other], tmp_path)
    assert block.marker(tmp_path).is_file()
    (stage_folder("infer", block.keys[1], tmp_path) / seeds_file(2, 3)).unlink()
    discard_stale_markers([block, other], tmp_path)
    assert not block.marker(tmp_path).is_file()
    assert other.marker(tmp_path).is_file()
    other.marker(tmp_path).write_text("half a")
    discard_stale_markers([other], tmp_path)
    assert not other.marker(tmp_path).is_file()
