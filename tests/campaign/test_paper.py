"""The campaigns of published case studies: each has a small twin that any machine can run."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from cimsim.campaign.expand import load_campaign
from cimsim.campaign.paper import cases
from cimsim.campaign.parameters import values
from cimsim.cli import app
from cimsim.errors import UserError
from cimsim.workloads.torch_setup import import_torchvision

FOLDER = Path(__file__).parents[2] / "config" / "paper"
FILES = sorted(FOLDER.glob("*.yaml"))
SMALL = [file for file in FILES if file.stem.endswith("_small")]
FULL = [file for file in FILES if file not in SMALL]

MOST_POINTS = 24


def test_every_case_has_a_small_twin() -> None:
    assert {file.stem for file in SMALL} == {f"{file.stem}_small" for file in FULL}
    assert len(FULL) >= 12


def test_the_documentation_says_how_long_each_twin_takes() -> None:
    text = (FOLDER.parents[1] / "docs" / "paper.md").read_text(encoding="utf-8")
    for file in SMALL:
        assert f"| `{file.stem}` | {len(load_campaign(file).points)} |" in text, file.stem
    for file in FULL:
        assert f"`{file.stem}`" in text or f"`{file.stem.removeprefix('example')}`" in text


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
    (tmp_path / "odd.yaml").write_text("name: odd\nbase: {cell.bits: 9}\n")
    bad, good, odd = cases(tmp_path)
    assert good.ready
    assert not bad.ready
    assert bad.missing == ((tmp_path / "nowhere.pt", "file of workload.checkpoint"),)
    assert not odd.ready
    assert odd.problem.startswith("base.cell.bits: 9 is not allowed")


def test_every_file_that_the_full_cases_lack(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(FOLDER.parent, tmp_path / "config")
    monkeypatch.chdir(tmp_path)
    found = {case.file.stem: case for case in cases(Path("config/paper"))}
    assert all(case.ready == name.endswith("_small") for name, case in found.items())
    assert not any(case.problem for case in found.values())
    paths = {str(path) for path, _ in found["macro_tables"].missing}
    assert paths == {
        *("data/cifar-10-batches-py", "data/cifar-100-python", "data/imagenet"),
        *("checkpoints/vgg8_cifar10.pt", "checkpoints/resnet18_cifar100.pt"),
        *("checkpoints/resnet50-11ad3fa6.pth", "checkpoints/swin_t-704ceda3.pth"),
    }
    what = {str(path): text for case in found.values() for path, text in case.missing}
    assert what["checkpoints/vgg8_cifar10.pt"] == (
        "state_dict or *.safetensors of vgg8 of width 1.0 trained on cifar10"
    )
    assert "`cimsim data cifar10 --download`" in what["data/cifar-10-batches-py"]
    assert what["checkpoints/deit_small_patch16_224.fb_in1k.safetensors"].endswith(
        "model.safetensors of https://huggingface.co/timm/deit_small_patch16_224.fb_in1k"
    )


def test_published_weights_are_those_of_torchvision() -> None:
    import_torchvision()
    from torchvision import models

    texts = [t for file in FULL for t in re.findall(r"workload: (\{.*\})", file.read_text())]
    files = {
        (point["model"].removeprefix("torchvision:"), Path(point["checkpoint"]).name)
        for point in map(yaml.safe_load, texts)
        if point["model"].startswith("torchvision:")
    }
    assert {name for name, _ in files} == {"resnet50", "swin_t"}
    for name, file in files:
        url = f"https://download.pytorch.org/models/{file}"
        assert url in [weights.url for weights in models.get_model_weights(name)]


def test_the_command_names_each_file_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("one", "two"):
        (tmp_path / f"{name}.yaml").write_text(
            f"name: {name}\nbase: {{workload.dataset: 'folder:pictures', "
            "workload.checkpoint: x.pt}\n"
        )
    result = CliRunner().invoke(app, ["paper", "."])
    assert result.exit_code == 0
    first, second, *_, pictures, checkpoint = result.stdout.splitlines()
    assert first == "one.yaml: missing: pictures, x.pt"
    assert second == "two.yaml: missing: pictures, x.pt"
    assert pictures.startswith("  pictures: put its images there as pictures/val/CLASS/FILE")
    assert checkpoint == "  x.pt: file of workload.checkpoint"


def test_a_folder_without_campaigns(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no campaign files"):
        cases(tmp_path)
