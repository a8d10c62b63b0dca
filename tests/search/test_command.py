"""How a search calls Snakemake."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest
from snakemake.cli import parse_args, parse_config

from cimsim.commands.exploration import _snakemake


@pytest.mark.parametrize(
    "given",
    [
        ["--config", "device=cuda"],
        ["--config=device=cuda"],
        ["-C", "device=cuda"],
        ["-Cdevice=cuda"],
        ["--config", "campaign=other.yaml", "--config", "device=cuda"],
        ["--config", "device=cuda", "--cores", "2"],
    ],
)
def test_values_of_the_workflow_arrive(given: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[list[str]] = []

    def run(command: list[str], **_: Any) -> Any:
        calls.append(command)
        return subprocess.CompletedProcess(command, 0)

    monkeypatch.setattr(subprocess, "run", run)
    assert _snakemake(["--cores", "4", *given, "--keep-going"], Path("c.yaml"), "t.parquet")
    words = calls[0]
    parsed = parse_args(words[words.index("snakemake") + 1 :])[1]
    assert parse_config(parsed.config) == {"campaign": "c.yaml", "device": "cuda"}
    assert list(parsed.targets) == ["t.parquet"]
    assert int(parsed.cores) == (2 if "2" in given else 4)
    assert parsed.keep_going
