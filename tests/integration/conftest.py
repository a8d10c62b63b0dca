"""Real Snakemake runs of a tiny campaign."""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]

TINY: dict[str, Any] = {
    "name": "tiny",
    "base": {
        "preset": "rram-22nm",
        "workload": {"images": 20, "width": 0.0625},
        "quantization.images": 16,
    },
    "sweeps": [
        {"name": "noise", "grid": {"nonideality.read_noise": [0.0, 0.1]}},
        {"name": "node", "grid": {"chip.node": [22, 32]}},
    ],
    "seeds": {"count": 4, "block": 2},
    "figures": [
        {"name": "noise", "kind": "line", "sweep": "noise", "x": "nonideality.read_noise"},
        {"name": "energy", "kind": "breakdown", "sweep": "node", "caption": "Energy by node."},
    ],
}

JOBS = {
    "checkpoint": 1,
    "calibrate": 1,
    "map": 1,
    "infer": 4,
    "trace": 1,
    "ppa": 1,
    "join": 1,
    "figure": 2,
    "summary": 1,
    "all": 1,
}
"""Jobs of the tiny campaign, by hand: 2 noises x 2 blocks of seeds; a block of 2 nodes."""


@dataclass(frozen=True)
class Workspace:
    """A working directory with a campaign."""

    folder: Path

    @property
    def campaign(self) -> Path:
        return self.folder / "campaign.yaml"

    @property
    def results(self) -> Path:
        return self.folder / "results"

    @property
    def tables(self) -> Path:
        return self.results / "campaigns" / "tiny"

    def write(self, **changes: Any) -> None:
        """Write the tiny campaign with other top-level values."""
        self.campaign.write_text(yaml.safe_dump({**TINY, **changes}, sort_keys=False))

    def command(self, *options: str, campaign: str = "campaign.yaml", **settings: str) -> list[str]:
        pairs = {"campaign": campaign, **settings}
        config = ["--config", *(f"{name}={value}" for name, value in pairs.items())]
        snakefile = ["--snakefile", str(ROOT / "Snakefile")]
        return [sys.executable, "-m", "snakemake", *snakefile, *options, *config]

    def snakemake(
        self, *options: str, campaign: str = "campaign.yaml"
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command(*options, campaign=campaign),
            cwd=self.folder,
            env=environment(),
            capture_output=True,
            text=True,
            timeout=900,
            check=False,
        )

    def planned(self) -> dict[str, int]:
        """Return the jobs that a run would start, by rule."""
        done = self.snakemake("--cores", "1", "--dry-run")
        assert done.returncode == 0, done.stderr
        return jobs_in(done.stdout + done.stderr)

    def cimsim(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "cimsim", *arguments],
            cwd=self.folder,
            env=environment(),
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )


def environment() -> Mapping[str, str]:
    """Return an environment in which jobs find cimsim, installed or not."""
    search = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH", "")]))
    return {**os.environ, "PYTHONPATH": search, "MPLBACKEND": "Agg"}


def jobs_in(output: str) -> dict[str, int]:
    """Return the table `Job stats` that Snakemake prints, without its total."""
    if "Job stats:" not in output:
        return {}
    table = output.split("Job stats:", 1)[1]
    rows = re.findall(r"^(\w+) +(\d+)$", table.split("\n\n", 1)[0], flags=re.MULTILINE)
    return {rule: int(count) for rule, count in rows if rule != "total"}


def contents(folder: Path) -> dict[str, str]:
    """Return the hash of every table and figure below a folder, by relative path."""
    kinds = {".parquet", ".csv", ".svg", ".png", ".md", ".json"}
    files = sorted(path for path in folder.rglob("*") if path.suffix in kinds)
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in files
    }


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """An empty working directory with the tiny campaign."""
    empty = Workspace(tmp_path)
    empty.write()
    return empty


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A working directory in which the tiny campaign has run, on two cores."""
    done = Workspace(tmp_path_factory.mktemp("finished"))
    done.write()
    run = done.snakemake("--cores", "2")
    assert run.returncode == 0, run.stdout + run.stderr
    return done
