"""A run in which one design point fails: the others go on, and what is missing is named."""

from __future__ import annotations

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
