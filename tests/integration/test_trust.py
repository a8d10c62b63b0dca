"""Campaigns, names and files of others: nothing in them is run or leaves the results folder."""

from __future__ import annotations

import pickle
import shutil
from itertools import pairwise
from pathlib import Path

import pytest

from cimsim.analysis import schemas as joined
from cimsim.campaign.checks import check_campaign
from cimsim.campaign.expand import load_campaign
from cimsim.campaign.file import CampaignFile
from cimsim.campaign.plan import load_plan
from cimsim.campaign.progress import status_lines
from cimsim.tables import read_table

from .conftest import ROOT, TINY, Workspace, contents

HOSTILE = (
    "plain name with blanks",
    'it\'s a "quote"',
    "$(touch hacked)",
    "`touch hacked`",
    "a; touch hacked; #",
    "a\ntouch hacked\n",
    "-rf",
    "--help",
    "{params.file} {{x}} {x!r} %s",
    "$HOME ${HOME} $x^2$ \\frac",
    "a & b | c > hacked < d * ?",
    "ünïcödé 漢字 \u202e",
    "[a] __b__ <script>alert(1)",
)
"""Names that mean something to a shell, to Snakemake, to YAML, to Markdown or to matplotlib."""

EVIL_NAMES = ("../evil", "a/b", "/etc/evil", "..", ".", "", "a\n", "A", "a b", "$(x)", "-x", "a\0")
"""Names of campaigns, sweeps and figures that would leave the folder, or are awkward in a path."""


@pytest.fixture
def copy(finished: Workspace, tmp_path: Path) -> Workspace:
    """A copy of the finished run in a folder with a difficult name."""
    folder = tmp_path / "a folder; $(touch hacked) 'x"
    shutil.copytree(finished.folder, folder)
    return Workspace(folder)


def _hacked(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.name.startswith("hacked")]


@pytest.mark.slow
def test_files_of_any_name(copy: Workspace) -> None:
    """Stages that read files, tables and figures are given hostile names of them."""
    technology = (ROOT / "config" / "technology" / "interpolated-28nm.yaml").read_text()
    (copy.folder / "odd").mkdir()
    for n, name in enumerate(HOSTILE):
        # Each file has a content of its own, so that no two points are the same.
        (copy.folder / "odd" / name).write_text(f"{technology}# {n}\n")
    states = f"odd/{' '.join(HOSTILE[2:6])}.csv"
    (copy.folder / states).write_text("mean,std\n5.0e-6,0.6e-6\n1.0e-4,2.4e-6\n")
    chips = {"chip.technology_file": [f"odd/{name}" for name in HOSTILE]}
    copy.write(
        sweeps=[
            {"name": "chips", "base": {"chip.node": 28}, "grid": chips},
            {"name": "cells", "grid": {"cell.states_file": [states]}},
        ],
        figures=[
            {"name": "bars", "kind": "breakdown", "sweep": "chips", "x": "chip.technology_file"},
            {"name": "front", "kind": "pareto", "colour": "cell.states_file"},
        ],
        seeds={"count": 1},
        accuracy=True,
    )
    run = copy.snakemake("--cores", "2")
    assert run.returncode == 0, run.stdout + run.stderr
    for name in ("bars.svg", "bars.png", "front.svg", "front.png"):
        assert (copy.tables / "figures" / name).stat().st_size > 0
    assert len(list(copy.results.glob("infer/*/seeds_0000_0000.parquet"))) == 2
    points = read_table(copy.tables / "points.parquet", joined.points()).to_pylist()
    named = [row["chip.technology_file"] for row in points]
    assert named == [*chips["chip.technology_file"], ""]
    assert _hacked(copy.folder.parent) == []


@pytest.mark.slow
def test_a_campaign_file_of_any_name(copy: Workspace) -> None:
    """The commands take it as a file, also where it looks like an option."""
    shutil.rmtree(copy.tables)
    name = "-h $(touch hacked) 'x\".yaml"
    copy.campaign.rename(copy.folder / name)
    run = copy.snakemake("--cores", "2", campaign=name)
    assert run.returncode == 0, run.stdout + run.stderr
    assert _hacked(copy.folder.parent) == []
    assert (copy.tables / "summary.md").is_file()


@pytest.mark.parametrize("name", EVIL_NAMES)
@pytest.mark.parametrize("what", ["campaign", "sweep", "figure"])
def test_names_stay_in_the_folder(what: str, name: str) -> None:
    content = {"name": "tiny", "sweeps": [{"name": "noise"}]}
    content["figures"] = [{"name": "one", "kind": "pareto"}]
    if what == "campaign":
        content["name"] = name
    elif name or what == "figure":
        content[f"{what}s"][0]["name"] = name
    else:
        pytest.skip("a sweep without a name is numbered")
    with pytest.raises(ValueError, match="name"):
        CampaignFile.model_validate(content, strict=False)


@pytest.mark.parametrize(
    "command",
    [
        ("figure", "campaign.yaml", "../../../evil"),
        ("figure", "campaign.yaml", "/tmp/evil"),
        ("ppa-block", "../../evil", "../evil", "campaign.yaml"),
        ("infer", "--seeds", "../0:1"),
        ("checkpoint", "--design", '{"workload.checkpoint": "../../evil"}'),
    ],
)
def test_arguments_stay_in_the_folder(command: tuple[str, ...], workspace: Workspace) -> None:
    before = sorted(workspace.folder.parent.rglob("*"))
    run = workspace.cimsim(*command)
    assert run.returncode == 1
    assert run.stderr.startswith("cimsim: ")
    assert len(run.stderr.splitlines()) == 1
    assert sorted(workspace.folder.parent.rglob("*")) == before


class _Payload:
    """Runs a command when it is unpickled."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        import os

        return os.system, ("touch hacked",)


def _save(kind: str, path: Path) -> None:
    import torch

    if kind == "pickle":
        path.write_bytes(pickle.dumps(_Payload()))
    elif kind == "torch":
        torch.save({"weight": torch.zeros(1), "evil": _Payload()}, path)
    elif kind == "torch, old format":
        torch.save({"evil": _Payload()}, path, _use_new_zipfile_serialization=False)
    else:
        torch.save(torch.nn.Linear(1, 1), path)


@pytest.mark.parametrize("kind", ["pickle", "torch", "torch, old format", "whole module"])
def test_code_in_a_checkpoint_is_not_run(kind: str, workspace: Workspace) -> None:
    _save(kind, workspace.folder / "evil.pt")
    workspace.write(base={**TINY["base"], "workload.checkpoint": "evil.pt"})
    run = workspace.cimsim("validate", "campaign.yaml")
    assert run.returncode == 1
    (line,) = run.stderr.splitlines()
    assert "base.workload.checkpoint: evil.pt: " in line
    assert _hacked(workspace.folder) == []


NETWORK = """
import sys
from pathlib import Path

from torch import nn

with Path(__file__).with_suffix(".imported").open("a") as log:
    log.write(" ".join(sys.argv[1:2]) + "\\n")


def build():
    return nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1), nn.ReLU(), nn.AdaptiveAvgPool2d(2), nn.Flatten(),
        nn.Linear(16, 10),
    )
"""
"""A network in a file of one's own, which notes the command of each program that imports it."""


def _imports(folder: Path, name: str = "mine") -> set[str]:
    """Return the first argument of each program that has imported a network's file."""
    log = folder / f"{name}.imported"
    return set(log.read_text().splitlines()) if log.exists() else set()


def test_a_network_file_that_no_campaign_names_is_not_imported(workspace: Workspace) -> None:
    for name in ("mine", "vgg8", "conftest", "sitecustomize"):
        (workspace.folder / f"{name}.py").write_text(NETWORK)
    assert workspace.cimsim("validate", "campaign.yaml").returncode == 0
    assert workspace.cimsim("plan", "campaign.yaml").returncode == 0
    assert workspace.planned()["infer"] == 4
    assert list(workspace.folder.glob("*.imported")) == []


def test_reading_a_campaign_does_not_import_the_network_that_it_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Jobs on a cluster parse the workflow, and `status` reads the campaign: neither imports."""
    monkeypatch.chdir(tmp_path)
    for name in ("mine", "other"):
        (tmp_path / f"{name}.py").write_text(NETWORK)
    file = tmp_path / "c.yaml"
    file.write_text("name: c\nbase: {workload.model: 'mine.py:build'}\n")
    load_plan(str(file), check=False)
    assert list(status_lines(load_campaign(file), tmp_path / "results"))
    assert list(tmp_path.glob("*.imported")) == []
    check_campaign(load_campaign(file))
    assert [log.name for log in tmp_path.glob("*.imported")] == ["mine.imported"]


@pytest.mark.slow
def test_only_what_needs_the_network_imports_its_file(workspace: Workspace) -> None:
    """Snakemake's main process checks it, and stages before the chip compute with it."""
    for name in ("mine", "other"):
        (workspace.folder / f"{name}.py").write_text(NETWORK)
    base = {**TINY["base"], "workload": {"images": 20, "model": "mine.py:build"}}
    workspace.write(base=base, sweeps=TINY["sweeps"][:1], figures=[], seeds={"count": 1})
    run = workspace.snakemake("--cores", "1")
    assert run.returncode == 0, run.stdout + run.stderr
    found = _imports(workspace.folder)
    assert "infer" in found
    jobs = {"checkpoint", "calibrate", "map", "infer", "trace"}
    main = {"--snakefile"}
    assert found <= jobs | main
    assert _imports(workspace.folder, "other") == set()


@pytest.mark.parametrize(
    "text",
    [
        "name: !!python/object/apply:os.system ['touch hacked']\n",
        "name: x\ndescription: !!python/name:os.system\n",
        'name: x\nsweeps: [{where: \'__import__("os").system("touch hacked")\'}]\n',
        "name: x\nsweeps: [{where: '(1).__class__'}]\n",
        "name: x\nsweeps: [{where: '\"x\" * 999999999999 == 1'}]\n",
        "name: x\nsweeps: [{where: '\"%999999999d\" % 1 == 1'}]\n",
        "name: x\nbase: &a {workload: *a}\n",
        "a: &a [x,x,x,x,x,x,x,x,x]\n"
        + "".join(f"{b}: &{b} [{','.join([f'*{a}'] * 9)}]\n" for a, b in pairwise("abcdefghi")),
    ],
)
def test_a_campaign_file_runs_nothing(text: str, workspace: Workspace) -> None:
    workspace.campaign.write_text(text)
    run = workspace.cimsim("validate", "campaign.yaml")
    assert run.returncode == 1
    (line,) = run.stderr.splitlines()
    assert line.startswith("cimsim: campaign.yaml: ")
    assert len(line) < 1000
    assert _hacked(workspace.folder) == []


@pytest.mark.slow
def test_a_caption_is_text_in_the_report(copy: Workspace) -> None:
    """The report is made of reStructuredText, which can include files and raw HTML."""
    (copy.folder / "secret.txt").write_text("a secret")
    caption = (
        "One.\n\n.. include:: secret.txt\n\n.. raw:: html\n\n   <script>alert(1)</script>\n\n"
        "`x <javascript:alert(1)>`_ {{ 6 * 7 }}"
    )
    one, two = TINY["figures"]
    copy.write(figures=[{**one, "caption": caption}, two])
    for options in (["--cores", "2"], ["--cores", "1", "--report", "report.html"]):
        run = copy.snakemake(*options)
        assert run.returncode == 0, run.stdout + run.stderr
    report = (copy.folder / "report.html").read_text()
    assert "a secret" not in report
    assert "<script>alert(1)</script>" not in report
    assert 'href=\\"javascript:' not in report
    assert "include:: secret.txt" in report
    assert contents(copy.tables)
