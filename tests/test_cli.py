"""The command line: one line for a mistake, exit status 1, no traceback; a fast start."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import cimsim
from cimsim import cli

ROOT = Path(__file__).parents[1]


def run(
    folder: Path, *arguments: str, before: Callable[[], None] | None = None
) -> subprocess.CompletedProcess[str]:
    search = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH", "")]))
    return subprocess.run(
        [sys.executable, "-m", "cimsim", *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": search},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        preexec_fn=before,
    )


def refused(done: subprocess.CompletedProcess[str]) -> str:
    """Return the one line on stderr of a run that ended with status 1."""
    assert done.returncode == 1, done
    lines = done.stderr.splitlines()
    assert len(lines) == 1, done.stderr
    assert lines[0].startswith("cimsim: ")
    return lines[0].removeprefix("cimsim: ")


def test_a_measure_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_text("name: c\n")
    message = refused(run(tmp_path, "pareto", "c.yaml", "accurcy", "energy_j"))
    assert message.startswith("MEASURE: 'accurcy' is no measure (did you mean 'accuracy'?); allow")


def test_a_search_needs_its_key(tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_text("name: c\n")
    message = refused(run(tmp_path, "search", "c.yaml"))
    assert message == "c.yaml: search is not given; allowed: what to optimise"


def test_a_search_needs_a_base_that_can_be_built(tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_text(
        "name: c\nbase: {array.dac_bits: 4}\n"
        "search: {minimise: [area_mm2], trials: 2, choices: {array.adc.bits: [5, 6]}}\n"
    )
    message = refused(run(tmp_path, "search", "c.yaml"))
    assert message.startswith("c.yaml: base.array.dac_bits: array.dac_bits is 4")


def test_version_names_the_native_engine(tmp_path: Path) -> None:
    done = run(tmp_path, "--version")
    assert done.returncode == 0
    assert done.stdout.startswith(f"cimsim {cimsim.__version__} (native engine ")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["infer", "--seeds", "3:1"],
            "--seeds: '3:1' is not allowed; allowed: FIRST:LAST with 0 <= FIRST <= LAST",
        ),
        (["infer", "--seeds", "0:4294967296"], "--seeds: '0:4294967296' is not allowed"),
        (["ppa", "--design", "{"], "--design: no JSON: "),
        (["ppa", "--design", "[1]"], "--design: '[1]' is not allowed; allowed: a JSON object"),
        (["map", "--design", '{"array": {"adc.bits": 0}}'], "--design: array.adc.bits: 0 is not"),
        (["map", "--design", '{"array.rows": 96}'], "--design: array.parallel_rows is 128 but"),
        (["verify", "functional", "gone"], "gone: no such folder"),
        (["verify", "ppa", "."], ".: the folder is empty"),
        (["validate", "gone.yaml"], "gone.yaml: no such file"),
        (["plan", "gone.yaml"], "gone.yaml: no such file"),
        (["docs"], "config/README.md, config/campaign.schema.json"),
        (["docs", "--write"], "config/README.md: No such file or directory"),
    ],
    ids=lambda given: " ".join(given) if isinstance(given, list) else "",
)
def test_mistakes(arguments: list[str], message: str, tmp_path: Path) -> None:
    assert refused(run(tmp_path, *arguments)).startswith(message)


def test_a_stage_without_its_inputs(tmp_path: Path) -> None:
    message = refused(run(tmp_path, "map"))
    assert message.startswith("results/checkpoint/")
    assert "no such file" in message


@pytest.mark.parametrize("kind", ["infer", "budget"])
def test_a_job_that_fails_notes_why(kind: str, tmp_path: Path) -> None:
    message = refused(run(tmp_path, kind, "--seeds", "0:1"))
    (note,) = (tmp_path / "results" / "failed").rglob("*.txt")
    assert note.parent.name == kind
    assert note.read_text().strip() == message


def test_a_full_disk_is_one_line(tmp_path: Path) -> None:
    """The kernel refuses to let the process write a single byte into a file."""
    (tmp_path / "config").mkdir()
    limit = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))  # noqa: E731
    assert "File too large" in refused(run(tmp_path, "docs", "--write", before=limit))


def test_a_campaign_without_results(tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_text("name: c\nfigures: [{name: f, kind: pareto}]\n")
    assert "files of the stages are missing" in refused(run(tmp_path, "join", "c.yaml"))
    assert "no figure is named 'g'; allowed: f" in refused(run(tmp_path, "figure", "c.yaml", "g"))


def test_plan_counts_points_and_jobs(tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_text(
        "name: c\nsweeps: [{name: s, grid: {chip.node: [22, 32]}}]\nseeds: {count: 4, block: 2}\n"
    )
    lines = run(tmp_path, "plan", "c.yaml").stdout.splitlines()
    assert lines[0] == "c: 2 design points"
    assert "  infer: 2 jobs, 0 done" in lines
    assert "  ppa: 1 jobs for 2 chips, 0 done" in lines


def test_help_names_every_stage(tmp_path: Path) -> None:
    text = run(tmp_path, "--help").stdout
    for name in ("checkpoint", "calibrate", "map", "trace", "infer", "ppa", "join", "validate"):
        assert name in text


def test_starting_loads_nothing_heavy() -> None:
    code = "import sys, json, cimsim.cli; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = {name.split(".")[0] for name in json.loads(done.stdout)}
    assert loaded.isdisjoint({"torch", "pandas", "pyarrow", "numpy", "rich", "matplotlib"})


def test_out_of_memory_is_one_message(monkeypatch, capsys):
    def exhausted():
        raise MemoryError("std::bad_alloc")

    monkeypatch.setattr(cli, "app", exhausted)
    with pytest.raises(SystemExit) as stopped:
        cli.main()
    assert stopped.value.code == 1
    assert capsys.readouterr().err.startswith("cimsim: out of memory (std::bad_alloc); ")
