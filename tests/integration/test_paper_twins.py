"""Small twins of published case studies: two run to the end, the others are planned.

All of them take a quarter of an hour; docs/paper.md has how long each one took.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from .conftest import ROOT, Workspace

FOLDER = ROOT / "config" / "paper"
TWINS = sorted(FOLDER.glob("*_small.yaml"))

RUN = ("default_22nm_small", "example_1_small")
"""Hardware figures alone; accuracies with an error budget and most kinds of figures."""


@pytest.mark.slow  # one start of Snakemake
def test_twins_can_be_planned_together(workspace: Workspace) -> None:
    together = ",".join(str(file) for file in TWINS)
    done = workspace.snakemake("--cores", "1", "--dry-run", campaign=together)
    assert done.returncode == 0, done.stderr
    for file in TWINS:
        assert f"results/campaigns/{file.stem}/summary.md" in done.stdout + done.stderr


@pytest.mark.slow  # about a minute each
@pytest.mark.parametrize("name", RUN)
def test_twins_run_to_the_end(name: str, workspace: Workspace) -> None:
    file: Path = FOLDER / f"{name}.yaml"
    done = workspace.snakemake("--cores", "2", "reports", campaign=str(file))
    assert done.returncode == 0, done.stdout + done.stderr
    folder = workspace.results / "campaigns" / name
    assert (folder / "report.html").is_file()
    assert list((folder / "figures").glob("*.svg"))
