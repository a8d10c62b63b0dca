"""Every command in README and docs runs: as it stands, or as a plan where it computes for long.

A fence ```console holds commands after `$ `; a fence whose info string has a second word is a file
of that name (```yaml quick.yaml). Files and commands of one document belong together.
"""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from .conftest import ROOT, environment

DOCUMENTS = sorted(
    path
    for path in (ROOT / "README.md", *(ROOT / "docs").glob("*.md"))
    if "```console" in path.read_text(encoding="utf-8")
)

FENCE = re.compile(r"^```(\w+)(?: (\S+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)

NEEDS_RESULTS = ("figure", "report", "summary", "verify", "budget")
"""Commands that need what a run computes, or reference figures."""

READS_RESULTS = ("docs/gallery.py",)
"""Scripts that need what a run computes."""

LONG = {"README.md", "paper.md", "gallery.md"}
"""Documents whose runs take longer than a test may; their runs are planned only."""


ELSEWHERE = {
    ("CONTRIBUTING.md", "make test"): "the target that runs this test",
    ("benchmarks/README.md", "snakemake --cores 2"): "12,960 chips take minutes",
    ("config/README.md", "snakemake --cores 2"): "as in quickstart.md, with names to be replaced",
    ("config/README.md", "cimsim"): "as in quickstart.md, with names to be replaced",
    ("docs/campaigns.md", "cimsim compare"): "tests/analysis/test_compare.py",
    ("docs/campaigns.md", "cimsim partial"): "tests/integration/test_partial.py",
    ("docs/cluster.md", "snakemake --profile"): "tests/integration/test_profiles.py",
    ("docs/howto.md", "cimsim data folder"): "tests/datasets/test_end_to_end.py",
    ("docs/howto.md", "snakemake reports"): "tests/datasets/test_end_to_end.py",
    ("docs/neurosim.md", "cimsim ppa"): "tests/ppa/test_neurosim_files.py",
    ("docs/simulator.md", "snakemake --cores 2"): "trains four networks, as workloads.yaml does",
    ("docs/simulator.md", "python docs/adc_ranges.py"): "reads those results",
    ("docs/technology.md", "cimsim ppa"): "tests/ppa/test_technology_file.py",
    ("docs/workloads.md", "cimsim data"): "tests/datasets/test_cifar.py",
    ("docs/workloads.md", "snakemake --cores 2"): "tests/integration/test_workloads.py",
    ("docs/workloads.md", "python docs/workloads_table.py"): "tests/integration/test_workloads.py",
}
"""Commands outside fences ```console, by document and beginning: the test that runs them, or why
none does."""

COMMAND = re.compile(
    r"^\$? ?(?:[A-Z_]+=\S+ )*"
    r"((?:snakemake|cimsim|python3?|pip|make|git|apptainer|docker|sbatch|conda|pytest) \S.*)"
)


def shown_commands(document: Path) -> list[str]:
    """Return the lines of fences and of indented blocks that look like commands, but for those in
    fences ```console."""
    found = []
    language = None
    for line in document.read_text(encoding="utf-8").splitlines():
        if fence := re.match(r" *```(\w*)", line):
            language = (fence[1] or "text") if language is None else None
        elif language == "console":
            assert document in DOCUMENTS, document
        elif language is None and not line.startswith("    "):
            continue
        elif command := COMMAND.match(line.strip()):
            found.append(command[1])
    return found


def parts(document: Path) -> tuple[dict[str, str], list[str]]:
    """Return the files and the commands of a document."""
    files: dict[str, str] = {}
    commands: list[str] = []
    for language, name, content in FENCE.findall(document.read_text(encoding="utf-8")):
        if language == "console":
            lines = [line for line in content.splitlines() if line.startswith("$ ")]
            commands += [line.removeprefix("$ ").split("  #")[0] for line in lines]
        elif name:
            files[name] = content
    return files, commands


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of what a user has, without results."""
    for name in ("config", "workflow", "profiles", "docs"):
        shutil.copytree(ROOT / name, tmp_path / name)
    shutil.copytree(ROOT / "benchmarks" / "networks", tmp_path / "benchmarks" / "networks")
    for name in ("Snakefile", "Makefile"):
        shutil.copyfile(ROOT / name, tmp_path / name)
    return tmp_path


def write_files(folder: Path, document: Path) -> list[str]:
    """Write the files of a document (and of the quick start, which all build on)."""
    for path in (ROOT / "docs" / "quickstart.md", document):
        files, commands = parts(path)
        for name, content in files.items():
            (folder / name).write_text(content)
    return commands


def run(command: str, folder: Path) -> None:
    """Run a command with this Python and fail with what it said."""
    program, *arguments = shlex.split(command)
    assert program in ("cimsim", "snakemake", "python"), command
    words = [sys.executable, *(["-m", program] if program != "python" else []), *arguments]
    done = subprocess.run(
        words,
        cwd=folder,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=1200,
        check=False,
    )
    assert done.returncode == 0, f"{command}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"


def test_a_fence_is_a_file_or_commands(tmp_path: Path) -> None:
    document = tmp_path / "x.md"
    document.write_text(
        "```yaml a.yaml\nname: a\n```\n```console\n$ cimsim plan a.yaml  # see\n```\n"
    )
    assert parts(document) == ({"a.yaml": "name: a\n"}, ["cimsim plan a.yaml"])


def test_no_command_is_missed() -> None:
    """Every command is in a fence whose commands this module runs, or has an entry in ELSEWHERE."""
    pages = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), *ROOT.glob("*/README.md")])
    used = set()
    for page in pages:
        name = page.relative_to(ROOT).as_posix()
        for command in shown_commands(page):
            entries = [key for key in ELSEWHERE if key[0] == name and command.startswith(key[1])]
            assert entries, f"{name}: {command}"
            used.update(entries)
    assert used == set(ELSEWHERE)
    for where in ELSEWHERE.values():
        assert not where.startswith("tests/") or (ROOT / where).is_file(), where


@pytest.mark.slow  # a few starts of Snakemake for each document
@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_commands_can_run(document: Path, folder: Path) -> None:
    """Checks and plans run; a run of the workflow is planned; the rest exists."""
    commands = write_files(folder, document)
    assert commands
    makefile = (ROOT / "Makefile").read_text()
    for command in commands:
        words = shlex.split(command)
        if words[0] == "make":
            assert all(f"\n{target}:" in makefile for target in words[1:]), command
        elif words[0] == "pip":
            assert words[1] == "install", command
        elif words[0] == "python":
            assert (folder / words[1]).is_file(), command
            if words[1] not in READS_RESULTS:
                run(command, folder)
        elif words[0] == "snakemake":
            run(f"{command} --dry-run", folder)
        elif words[1] in NEEDS_RESULTS:
            run(f"cimsim {words[1]} --help", folder)
        else:
            run(command, folder)


@pytest.mark.slow
@pytest.mark.parametrize(
    "document",
    [path for path in DOCUMENTS if path.name not in LONG],
    ids=lambda path: path.name,
)
def test_commands_run_to_the_end(document: Path, folder: Path) -> None:
    """What a reader would do, in order, from an empty folder of results."""
    if document.name != "quickstart.md" and "quick.yaml" in document.read_text():
        _, quick = parts(ROOT / "docs" / "quickstart.md")
        write_files(folder, ROOT / "docs" / "quickstart.md")
        for command in quick:
            run(command, folder)
    for command in write_files(folder, document):
        run(command, folder)
    assert list((folder / "results").glob("campaigns/*/report.html"))
