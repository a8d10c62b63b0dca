"""Blocks of the ppa stage: what shares a job, and what a block is named by."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from cimsim.campaign.blocks import blocks
from cimsim.campaign.expand import Campaign, load_campaign
from cimsim.campaign.keys import digest, group_key, group_text
from cimsim.campaign.plan import Plan
from cimsim.campaign.progress import describe
from cimsim.errors import UserError

CAMPAIGN = """
name: {name}
accuracy: {accuracy}
sweeps:
  - grid:
      array.columns: [64, 128]
      chip.node: [{nodes}]
      nonideality.read_noise: [0.0, 0.1]
"""


def campaign(
    folder: Path, nodes: str = "22, 32, 45", name: str = "c", accuracy: bool = True
) -> Campaign:
    file = folder / f"{name}.yaml"
    file.write_text(CAMPAIGN.format(name=name, nodes=nodes, accuracy=str(accuracy).lower()))
    return load_campaign(file)


def test_each_chip_is_in_one_block_of_its_group(tmp_path: Path) -> None:
    loaded = campaign(tmp_path)
    found = blocks(loaded.points, size=2)
    # 2 mappings x 3 nodes; the noise is not the chip's business. By hand: 2 + 1 in each group.
    assert [len(block.points) for block in found] == [2, 1, 2, 1]
    keys = [key for block in found for key in block.keys]
    assert sorted(keys) == sorted({point.keys["ppa"] for point in loaded.points})
    for block in found:
        assert {group_key(point.keys) for point in block.points} == {block.group}
        for stage in ("map", "trace"):
            assert len({point.keys[stage] for point in block.points}) == 1
        assert digest(group_text(block.points[0].keys)) == block.group


def test_a_block_keeps_its_name_when_points_are_added_behind_it(tmp_path: Path) -> None:
    before = blocks(campaign(tmp_path).points, size=3)
    after = blocks(campaign(tmp_path, "22, 32, 45, 65").points, size=3)
    assert {block.name for block in before} < {block.name for block in after}
    assert [len(block.points) for block in after] == [3, 1, 3, 1]


def test_another_design_is_another_block(tmp_path: Path) -> None:
    before = {block.name for block in blocks(campaign(tmp_path).points)}
    after = {block.name for block in blocks(campaign(tmp_path, "22, 32, 65").points)}
    assert not before & after


def test_campaigns_of_a_run_share_their_chips(tmp_path: Path) -> None:
    one, two = campaign(tmp_path, name="one"), campaign(tmp_path, "32, 45, 65", name="two")
    plan = Plan([one, two])
    keys = [key for block in plan.blocks.values() for key in block.keys]
    assert len(keys) == len(set(keys)) == 2 * 4
    files = plan.stage_files(SimpleNamespace(campaign="two"))["ppa"]
    assert len(files) == 3 * len(plan.blocks)


def test_a_block_that_is_gone_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"results/ppa/0/1: no campaign of this run has this block"):
        Plan([campaign(tmp_path)]).block("0", "1")


def test_a_campaign_without_accuracy_has_no_infer_jobs(tmp_path: Path) -> None:
    loaded = campaign(tmp_path, accuracy=False)
    plan = Plan([loaded])
    assert not plan.jobs["infer"]
    assert set(plan.stage_files(SimpleNamespace(campaign="c"))) == {"calibrate", "map", "ppa"}
    lines = describe(loaded, tmp_path)
    assert "  hardware figures alone" in lines
    assert "  ppa: 2 jobs for 6 chips, 0 done" in lines
    assert not any(line.startswith("  infer") for line in lines)


def test_a_figure_of_accuracy_needs_accuracy(tmp_path: Path) -> None:
    file = tmp_path / "c.yaml"
    file.write_text("name: c\naccuracy: false\nfigures: [{name: front, kind: pareto}]\n")
    with pytest.raises(UserError, match="front: 'accuracy' is shown but accuracy is false"):
        load_campaign(file)
