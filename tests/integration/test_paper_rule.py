"""``snakemake paper``: the runs inside it, and what happens when one of them fails."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from .conftest import ROOT, environment

TWIN = ROOT / "config" / "paper" / "v14_scaling_small.yaml"


def run_paper(folder: Path) -> subprocess.CompletedProcess[str]:
    """Run the rule with a copy of the workflow whose config/paper has one campaign."""
    for name in ("workflow", "profiles", "config/presets", "config/campaigns"):
        shutil.copytree(ROOT / name, folder / name)
    shutil.copyfile(ROOT / "Snakefile", folder / "Snakefile")
    (folder / "config" / "paper").mkdir()
    shutil.copyfile(TWIN, folder / "config" / "paper" / TWIN.name)
    return subprocess.run(
        [sys.executable, "-m", "snakemake", "--cores", "1", "paper"],
        cwd=folder,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )


@pytest.mark.slow  # half a minute
def test_the_run_inside_works_in_the_results_that_the_outer_one_locks(tmp_path: Path) -> None:
    folder = tmp_path / "a b"  # a blank, which the shell must not take for the end of a word
    done = run_paper(folder)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (folder / "results" / "campaigns" / TWIN.stem / "report.html").is_file()


@pytest.mark.slow  # two starts of Snakemake
def test_a_failure_inside_is_one_of_the_outer_run(tmp_path: Path) -> None:
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "checkpoint").write_text("a file where a folder has to be")
    done = run_paper(tmp_path)
    assert done.returncode != 0, done.stdout + done.stderr
