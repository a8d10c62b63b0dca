"""A mistake stops the run before any job, with one line and no traceback."""

from __future__ import annotations

import pytest

from .conftest import TINY, Workspace

CASES = {
    "unknown key": ({"base": {"nonideality": {"read_noize": 0.1}}}, "read_noize: unknown key"),
    "ADC of 0 bits": ({"sweeps": [{"grid": {"array.adc.bits": [7, 0]}}]}, "array.adc.bits[1]: 0"),
    "bad states": ({"base": {"cell.states_file": "states.csv"}}, "states.csv: column std"),
}


@pytest.mark.parametrize("case", CASES)
def test_snakemake_and_validate_say_the_same(case: str, workspace: Workspace) -> None:
    changes, expected = CASES[case]
    (workspace.folder / "states.csv").write_text("mean\n1e-6\n2e-6\n")
    workspace.write(figures=[], **changes)
    runs = workspace.snakemake("--cores", "1"), workspace.cimsim("validate", "campaign.yaml")
    for run in runs:
        assert run.returncode == 1
        assert run.stderr.splitlines()[-1].startswith("cimsim: campaign.yaml: ")
        assert expected in run.stderr.splitlines()[-1]
        assert "Traceback" not in run.stderr + run.stdout
        assert 'File "' not in run.stderr + run.stdout
    assert runs[0].stderr.splitlines()[-1] == runs[1].stderr.splitlines()[-1]
    assert not workspace.results.exists()


def test_a_campaign_that_is_not_there(workspace: Workspace) -> None:
    workspace.campaign.unlink()
    run = workspace.snakemake("--cores", "1")
    assert run.returncode == 1
    assert run.stderr.splitlines()[-1] == "cimsim: campaign.yaml: no such file"


def test_a_checkpoint_of_another_network(workspace: Workspace) -> None:
    import torch

    torch.save({"weight": torch.zeros(2, 2)}, workspace.folder / "other.pt")
    workspace.write(base={**TINY["base"], "workload.checkpoint": "other.pt"})
    run = workspace.snakemake("--cores", "1")
    assert run.returncode == 1
    assert "base.workload.checkpoint: other.pt" in run.stderr.splitlines()[-1]
    assert "Traceback" not in run.stderr
    assert not workspace.results.exists()
