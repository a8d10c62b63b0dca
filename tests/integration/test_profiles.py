"""Profiles: each setting is explained, and one GPU has one job at a time."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from .conftest import ROOT, environment

PROFILES = sorted((ROOT / "workflow" / "profiles").glob("*/profile.v9+.yaml"))

GPU_JOBS = """
rule all:
    input: expand("{kind}{n}", kind=["gpu", "cpu"], n=range(3))

rule on_gpu:
    output: "gpu{n}"
    resources: gpu=1
    shell: "echo start >> gpu.log; sleep 0.5; echo end >> gpu.log; touch {output}"

rule on_processor:
    output: "cpu{n}"
    resources: gpu=0
    shell: "touch {output}"
"""


@pytest.mark.parametrize("path", PROFILES, ids=lambda path: path.parent.name)
def test_each_setting_is_explained(path: Path) -> None:
    """A comment stands before each group of settings; groups are divided by blank lines."""
    blocks = path.read_text().strip().split("\n\n")
    explained = sum(len(yaml.safe_load(b) or {}) for b in blocks if b.startswith("#"))
    assert explained == len(yaml.safe_load(path.read_text()))


def test_the_cluster_profiles_ask_for_the_same() -> None:
    slurm, generic = (
        yaml.safe_load((ROOT / "workflow/profiles" / name / "profile.v9+.yaml").read_text())
        for name in ("slurm", "cluster-generic")
    )
    for setting in ("set-resources", "retries", "jobs", "latency-wait"):
        assert slurm[setting] == generic[setting]


def test_a_gpu_has_one_job_at_a_time(tmp_path: Path) -> None:
    (tmp_path / "Snakefile").write_text(GPU_JOBS)
    profile = str(ROOT / "workflow" / "profiles" / "workstation")
    subprocess.run(
        [sys.executable, "-m", "snakemake", "--profile", profile, "--cores", "4", "--quiet"],
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        timeout=120,
        check=True,
    )
    assert (tmp_path / "gpu.log").read_text().split() == ["start", "end"] * 3
