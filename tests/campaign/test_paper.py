"""The campaigns of published case studies: each has a small twin that any machine can run."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from cimsim.campaign.expand import load_campaign
from cimsim.campaign.paper import cases
from cimsim.campaign.parameters import values
from cimsim.errors import UserError

FOLDER = Path(__file__).parents[2] / "config" / "paper"
FILES = sorted(FOLDER.glob("*.yaml"))
SMALL = [file for file in FILES if file.stem.endswith("_small")]
FULL = [file for file in FILES if file not in SMALL]

MOST_POINTS = 24


def test_every_case_has_a_small_twin() -> None:
    assert {file.stem for file in SMALL} == {f"{file.stem}_small" for file in FULL}
    assert len(FULL) >= 12


@pytest.mark.parametrize("file", SMALL, ids=lambda file: file.stem)
def test_small_twins_run_anywhere(file: Path) -> None:
    campaign = load_campaign(file)
    assert campaign.name == file.stem
    assert len(campaign.points) <= MOST_POINTS
    assert {point.point.workload.dataset for point in campaign.points} == {"digits16"}


@pytest.mark.parametrize("file", FULL, ids=lambda file: file.stem)
def test_full_cases_can_be_expanded_with_data_at_hand(file: Path, tmp_path: Path) -> None:
    """With the embedded images in place of those that have to be obtained, and no checkpoints."""
    shutil.copytree(FOLDER.parent, tmp_path / "config")
    here = tmp_path / "config" / "paper" / file.name
    text = re.sub(r"dataset: \w+", "dataset: digits16", file.read_text())
    here.write_text(re.sub(r"checkpoint: [^,}]+", "checkpoint: train", text))
    campaign = load_campaign(here)
    assert campaign.name == file.stem
    assert campaign.figures


def test_published_figures_are_about_points_of_campaigns(tmp_path: Path) -> None:
    """With empty files in place of checkpoints and data that have to be obtained."""
    shutil.copytree(FOLDER.parent, tmp_path / "config")
    unmet: dict[str, set[int]] = {}
    for file in FULL:
        text = re.sub(r"dataset: \w+", "dataset: digits16", file.read_text())
        here = tmp_path / "config" / "paper" / file.name
        here.write_text(text)
        for name in re.findall(r"checkpoint: ([^,}\n]+)", text):
            (here.parent / name).parent.mkdir(parents=True, exist_ok=True)
            (here.parent / name).touch()
        if source := re.search(r"^published: (.+)$", text, re.MULTILINE):
            campaign = load_campaign(here)
            designs = [values(point.point) for point in campaign.points]
            without = {
                index
                for index, held in enumerate(campaign.published)
                if not any(held.parameters.items() <= design.items() for design in designs)
            }
            unmet[source[1]] = unmet.get(source[1], without) & without
    assert len(unmet) >= 3
    assert not any(unmet.values()), unmet


def test_what_is_missing_is_said(tmp_path: Path) -> None:
    (tmp_path / "good.yaml").write_text("name: good\n")
    (tmp_path / "bad.yaml").write_text("name: bad\nbase: {workload.checkpoint: nowhere.pt}\n")
    bad, good = cases(tmp_path)
    assert good.ready
    assert (bad.ready, bad.points) == (False, 0)
    assert "nowhere.pt" in bad.missing
    assert str(tmp_path / "bad.yaml") not in bad.missing


def test_a_folder_without_campaigns(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no campaign files"):
        cases(tmp_path)
