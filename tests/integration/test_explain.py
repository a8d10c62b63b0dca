"""The commands that `cimsim explain` prints compute the same bytes."""

from __future__ import annotations

import subprocess
import sys

import pytest

from cimsim.ppa.results import SCHEMAS, GroupResults

from .conftest import Workspace, contents, environment


@pytest.mark.slow
def test_the_commands_reproduce_the_point(finished: Workspace) -> None:
    table = "results/campaigns/tiny/points.parquet"
    done = finished.cimsim("explain", table, "--row", "1")
    assert done.returncode == 0, done.stderr
    assert "nonideality.read_noise: 0.1" in done.stdout
    lines = [line.strip() for line in done.stdout.splitlines() if line.startswith("  cimsim ")]
    assert [line.split()[1] for line in lines].count("infer") == 2
    for line in lines:
        command = line.replace("cimsim", f"{sys.executable} -m cimsim", 1)
        subprocess.run(command, shell=True, cwd=finished.folder, env=environment(), check=True)
    again, results = finished.folder / "again", finished.results
    new, old = contents(again), contents(results)
    stages = {name: text for name, text in new.items() if not name.startswith("ppa/")}
    assert len(stages) >= 12
    assert {name: old[name] for name in stages} == stages
    # A block of one chip is another file than a block of two; its rows are the same.
    (group,) = (again / "ppa").iterdir()
    one, both = GroupResults(group), GroupResults(results / "ppa" / group.name)
    (key,) = set(one._folders)
    assert all(one.rows(key, name).equals(both.rows(key, name)) for name in SCHEMAS)


def test_an_unknown_row(finished: Workspace) -> None:
    table = "results/campaigns/tiny/points.parquet"
    done = finished.cimsim("explain", table, "--row", "9")
    assert done.returncode == 1
    assert "--row: 9 is not allowed; allowed: 0 to 2" in done.stderr
