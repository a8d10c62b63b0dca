"""A run in which one design point fails: the others go on, and what is missing is named."""

from __future__ import annotations

import os

import pytest

from cimsim.analysis import schemas
from cimsim.tables import read_table

from .conftest import Workspace

SIZES = [{"array.rows": n, "array.parallel_rows": n} for n in (64, 128)]


@pytest.mark.slow
def test_a_point_that_fails_is_named_and_the_others_are_shown(workspace: Workspace) -> None:
    workspace.write(sweeps=[{"name": "size", "points": SIZES}], accuracy=False, figures=[])
    first = workspace.snakemake("--cores", "1", "--until", "map")
    assert first.returncode == 0, first.stdout + first.stderr
    # The weights of one mapping are damaged before the chip is evaluated.
    damaged = sorted(workspace.results.glob("map/*/weights.parquet"))[0]
    damaged.write_bytes(damaged.read_bytes()[:100])
    run = workspace.snakemake("--cores", "1", "--keep-going")
    assert run.returncode == 1
    assert (
        "cimsim: tiny: 1 results could not be computed; `cimsim status campaign.yaml` names them, "
        "`cimsim partial campaign.yaml` makes tables"
    ) in run.stderr
    assert not (workspace.tables / "summary.md").exists()

    partial = workspace.cimsim("partial", "campaign.yaml")
    assert partial.returncode == 0, partial.stderr
    assert "1 of 2 design points are missing" in partial.stdout
    folder = workspace.tables / "partial"
    rows = read_table(folder / "points.parquet", schemas.points()).to_pylist()
    summary = (folder / "summary.md").read_text()
    (there,) = (row["array.rows"] for row in rows)
    lost = {64: 128, 128: 64}[there]
    file = damaged.relative_to(workspace.folder)
    begin = f"  - array.rows {lost}, array.parallel_rows {lost}: ppa: {file}: no readable"
    (line,) = (text for text in summary.splitlines() if text.startswith(begin))
    log = line.rsplit("(log: ", 1)[1].removesuffix(")")
    assert "no readable Parquet file" in (workspace.folder / log).read_text()

    damaged.unlink()
    again = workspace.snakemake("--cores", "1")
    assert again.returncode == 0, again.stdout + again.stderr
    assert "Design points without results" not in (workspace.tables / "summary.md").read_text()
    whole = workspace.cimsim("partial", "campaign.yaml")
    assert whole.stderr == (
        "cimsim: campaign.yaml: no design point is missing; run the workflow to make the tables\n"
    )


@pytest.mark.slow
def test_an_error_budget_that_fails_is_named_and_the_point_is_shown(workspace: Workspace) -> None:
    noise = {"name": "noise", "grid": {"nonideality.read_noise": [0.0, 0.1]}}
    workspace.write(sweeps=[noise], hardware=False, budget=True, figures=[])
    first = workspace.snakemake("--cores", "1", "--until", "infer")
    assert first.returncode == 0, first.stdout + first.stderr
    # Both points share a mapping. It is damaged once their accuracies are there.
    (damaged,) = workspace.results.glob("map/*/column_sums.parquet")
    whole, time = damaged.read_bytes(), damaged.stat().st_mtime_ns
    damaged.write_bytes(whole[:100])
    os.utime(damaged, ns=(time, time))
    run = workspace.snakemake("--cores", "1", "--keep-going")
    assert run.returncode == 1
    assert "cimsim: tiny: 2 results could not be computed; `cimsim status" in run.stderr

    status = workspace.cimsim("status", "campaign.yaml").stdout.splitlines()
    named = [n for n, line in enumerate(status) if line.startswith("failed: budget ")]
    assert len(named) == 2
    for n in named:
        log = workspace.folder / status[n + 1].removeprefix("  log: ")
        assert "no readable Parquet file" in log.read_text()
    partial = workspace.cimsim("partial", "campaign.yaml")
    assert partial.stdout.endswith(
        "0 of 2 design points are missing, 2 lack their error budget alone\n"
    )

    damaged.write_bytes(whole)
    os.utime(damaged, ns=(time, time))
    again = workspace.snakemake("--cores", "1")
    assert again.returncode == 0, again.stdout + again.stderr
    assert not list((workspace.results / "failed").rglob("*.txt"))
