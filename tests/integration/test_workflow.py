"""The workflow on a tiny campaign: what runs, what is shared, what runs again."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from cimsim import schemas
from cimsim.analysis import schemas as joined
from cimsim.analysis.budget import POINT_STEPS
from cimsim.analysis.sensitivity import EFFECTS
from cimsim.campaign.paths import KEY_FILE, SENSITIVITY_TABLES, TABLES
from cimsim.tables import provenance_of, read_table

from .conftest import JOBS, ROOT, TINY, Workspace, jobs_in


@pytest.fixture
def copy(finished: Workspace, tmp_path: Path) -> Workspace:
    """A copy of the finished run, free to be changed; times of change are those of the copy."""
    shutil.copytree(finished.folder, tmp_path / "copy", copy_function=shutil.copyfile)
    return Workspace(tmp_path / "copy")


def test_a_campaign_runs_to_its_tables_and_figures(finished: Workspace) -> None:
    for name in (*TABLES, "summary.md", "figures/noise.svg", "figures/energy.png"):
        assert (finished.tables / name).stat().st_size > 0
    logs = {
        stage.name: len(list(stage.iterdir())) for stage in (finished.results / "logs").iterdir()
    }
    assert logs == {rule: count for rule, count in JOBS.items() if rule != "all"}


def test_a_folder_is_named_by_the_hash_of_the_text_in_it(finished: Workspace) -> None:
    texts = list(finished.results.glob(f"*/*/{KEY_FILE}"))
    assert (
        len(texts) == sum(JOBS[s] for s in ("checkpoint", "calibrate", "map", "trace", "ppa")) + 2
    )
    for path in texts:
        text = path.read_text().rstrip("\n")
        assert hashlib.sha256(text.encode()).hexdigest()[:12] == path.parent.name
        assert json.loads(text)["stage"] == path.parent.parent.name


def test_a_table_tells_where_it_comes_from(finished: Workspace) -> None:
    (path,) = finished.results.glob("map/*/layers.parquet")
    origin = provenance_of(path)
    assert (origin["stage"], origin["key"]) == ("map", path.parent.name)
    assert origin["cimsim"]
    assert origin["torch"]


def test_seeds_are_those_asked_for(finished: Workspace) -> None:
    names = sorted(path.name for path in finished.results.glob("infer/*/seeds_*.parquet"))
    assert names == ["seeds_0000_0001.parquet"] * 2 + ["seeds_0002_0003.parquet"] * 2
    for path in finished.results.glob("infer/*/seeds_0002_0003.parquet"):
        assert read_table(path, schemas.SEEDS)["seed"].to_pylist() == [2, 3]


def test_nothing_runs_twice(finished: Workspace) -> None:
    assert finished.planned() == {}


def test_copied_results_are_as_good(copy: Workspace) -> None:
    """Times of change are those of the copy, in any order; only keys and parameters count."""
    assert copy.planned() == {}


def test_a_new_figure_computes_figures_alone(copy: Workspace) -> None:
    extra = {"name": "front", "kind": "pareto"}
    copy.write(figures=[*TINY["figures"], extra])
    assert copy.planned() == {"figure": 1, "summary": 1, "all": 1}


def test_a_new_caption_draws_that_figure(copy: Workspace) -> None:
    one, two = TINY["figures"]
    copy.write(figures=[one, {**two, "caption": "Another one."}])
    assert copy.planned() == {"figure": 1, "summary": 1, "all": 1}


def test_a_new_point_shares_what_it_can(copy: Workspace) -> None:
    noise = {"name": "noise", "grid": {"nonideality.read_noise": [0.0, 0.1, 0.2]}}
    copy.write(sweeps=[noise, TINY["sweeps"][1]])
    expected = {"infer": 2, "join": 1, "figure": 2, "summary": 1, "all": 1}
    assert copy.planned() == expected


def test_a_change_in_an_included_file_is_noticed(copy: Workspace) -> None:
    shared = {name: value for name, value in TINY.items() if name != "name"}
    common = copy.folder / "common.yaml"
    common.write_text(yaml.safe_dump(shared))
    copy.campaign.write_text("name: tiny\ninclude: common.yaml\n")
    assert copy.planned() == {}
    common.write_text(yaml.safe_dump(shared | {"seeds": {"count": 6, "block": 2}}))
    assert copy.planned()["infer"] == 2


def test_more_seeds_keep_the_old_ones(copy: Workspace) -> None:
    copy.write(seeds={"count": 6, "block": 2})
    assert copy.planned()["infer"] == 2


def test_deleted_results_come_back_alone(copy: Workspace) -> None:
    (seeds, *_) = sorted(copy.results.glob("infer/*/seeds_0000_0001.parquet"))
    seeds.unlink()
    (copy.tables / "points.parquet").unlink()
    assert copy.planned() == {"infer": 1, "join": 1, "figure": 2, "summary": 1, "all": 1}


def test_a_dry_run_writes_nothing(workspace: Workspace) -> None:
    assert workspace.planned() == JOBS
    assert sorted(path.name for path in workspace.folder.iterdir()) == [
        ".snakemake",
        "campaign.yaml",
    ]


def test_a_new_node_computes_that_chip_alone(copy: Workspace) -> None:
    copy.write(sweeps=[TINY["sweeps"][0], {"name": "node", "grid": {"chip.node": [22, 32, 45]}}])
    assert copy.planned() == {"ppa": 1, "join": 1, "figure": 2, "summary": 1, "all": 1}
    old = {path: path.read_bytes() for path in copy.results.glob("ppa/*/*/chip.parquet")}
    run = copy.snakemake("--cores", "1")
    assert run.returncode == 0, run.stdout + run.stderr
    new = [path for path in copy.results.glob("ppa/*/*/chip.parquet") if path not in old]
    assert len(new) == 1
    assert read_table(new[0], schemas.CHIP_ROWS).num_rows == 3


def test_hardware_figures_alone(copy: Workspace) -> None:
    breakdown = TINY["figures"][1]
    copy.write(accuracy=False, name="hardware", figures=[breakdown])
    run = copy.snakemake("--cores", "1")
    assert run.returncode == 0, run.stdout + run.stderr
    assert jobs_in(run.stdout + run.stderr) == {"join": 1, "figure": 1, "summary": 1, "all": 1}
    folder = copy.results / "campaigns" / "hardware"
    rows = read_table(folder / "points.parquet", joined.points()).to_pylist()
    assert [row["accuracy"] for row in rows] == [None] * len(rows)
    assert all(row["energy_j"] > 0 and row["quantized_accuracy"] > 0 for row in rows)
    assert "hardware figures alone" in (folder / "summary.md").read_text()


def test_two_campaigns_share_their_jobs(workspace: Workspace) -> None:
    other = workspace.folder / "other.yaml"
    other.write_text(workspace.campaign.read_text().replace("name: tiny", "name: other"))
    run = workspace.snakemake("-n", "--cores", "1", campaign="campaign.yaml,other.yaml")
    assert run.returncode == 0
    own = {"join": 2, "figure": 4, "summary": 2}
    assert jobs_in(run.stdout + run.stderr) == {**JOBS, **own}


def test_the_report_has_figures_tables_and_captions(finished: Workspace) -> None:
    run = finished.snakemake("--cores", "1", "--report", "report.html")
    assert run.returncode == 0, run.stderr
    report = (finished.folder / "report.html").read_text()
    for text in ("noise.svg", "energy.svg", "points.csv", "Energy by node."):
        assert text in report


def test_sources_beside_the_snakefile_do_not_hide_the_installed_package(
    workspace: Workspace,
) -> None:
    # A clone of the project without the compiled engine, in which an installed cimsim is run.
    shutil.copy(ROOT / "Snakefile", workspace.folder)
    shutil.copytree(ROOT / "workflow", workspace.folder / "workflow")
    (workspace.folder / "config").symlink_to(ROOT / "config")
    # An editable installation finds cimsim in any case, but not what cimsim imports.
    for name in ("cimsim", "difflib", "pydantic", "yaml"):
        (workspace.folder / name).mkdir()
        text = "raise ImportError('from beside the Snakefile')\n"
        (workspace.folder / name / "__init__.py").write_text(text)
    command = [sys.executable, "-P", "-m", "snakemake", "--cores", "1", "--until", "checkpoint"]
    run = subprocess.run(
        [*command, "--config", "campaign=campaign.yaml"],
        cwd=workspace.folder,
        env={**os.environ, "MPLBACKEND": "Agg"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert list(workspace.results.glob("checkpoint/*/state.parquet"))


def test_sensitivities_add_their_tables(copy: Workspace) -> None:
    figure = {"name": "shares", "kind": "sensitivity", "sweep": "node", "y": "energy_j"}
    copy.write(sensitivity=True, figures=[*TINY["figures"], figure])
    assert copy.planned() == {"sensitivity": 1, "figure": 1, "summary": 1, "all": 1}
    run = copy.snakemake("--cores", "1")
    assert run.returncode == 0, run.stdout + run.stderr
    for name in (*SENSITIVITY_TABLES, "figures/shares.svg"):
        assert (copy.tables / name).stat().st_size > 0
    assert copy.planned() == {}
    effects = read_table(copy.tables / "main_effects.parquet", EFFECTS).to_pylist()
    noise = [row for row in effects if (row["sweep"], row["measure"]) == ("noise", "accuracy")]
    assert [row["value"] for row in noise] == ["0.0", "0.1"]
    assert all(row["effect_low"] <= row["effect"] <= row["effect_high"] for row in noise)
    # Another value of an axis is another grid.
    nodes = {"name": "node", "grid": {"chip.node": [22, 32, 45]}}
    copy.write(sensitivity=True, sweeps=[TINY["sweeps"][0], nodes], figures=[figure])
    assert copy.planned()["sensitivity"] == 1


def test_a_budget_adds_its_jobs_and_tables(copy: Workspace) -> None:
    copy.write(budget=True, sweeps=TINY["sweeps"][:1], figures=TINY["figures"][:1])
    planned = copy.planned()
    assert (planned["budget"], planned["budget_tables"]) == (2, 1)
    assert planned.get("infer", 0) == 0
    run = copy.snakemake("--cores", "2", "results/campaigns/tiny/summary.md")
    assert run.returncode == 0, run.stdout + run.stderr
    assert "## Where accuracy is lost" in (copy.tables / "summary.md").read_text()
    assert (copy.tables / "budget.csv").stat().st_size > 0
    steps = read_table(copy.tables / "budget.parquet", POINT_STEPS).to_pylist()
    points = {row["id"] for row in steps}
    assert len(points) == 2
    # The last step of a point is the point itself, on the first block of seeds.
    noisy = [row for row in steps if row["step"] == "read_noise"]
    assert {row["mode"] for row in noisy} == {"alone", "cumulative"}
    assert len({row["id"] for row in noisy}) == 1
