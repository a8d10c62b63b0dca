"""Fixtures that several packages' tests share."""

import importlib
import sys
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def docs_script():
    """Return ``load(name)``: a script of docs/, which may import those beside it."""
    sys.path.append(str(Path(__file__).parents[1] / "docs"))
    yield importlib.import_module
    sys.path.pop()


@pytest.fixture(scope="session")
def untrained(tmp_path_factory):
    """Return ``folder(model)``: a checkpoint stage's output with seeded, untrained weights.

    Batch norm has the statistics of training images, so that activations have usual sizes.
    """
    import torch

    from cimsim.campaign.design import DesignPoint
    from cimsim.workloads.checkpoints import write_state
    from cimsim.workloads.datasets import load_dataset
    from cimsim.workloads.models import build_network

    made = {}

    def folder(model):
        if model not in made:
            made[model] = tmp_path_factory.mktemp(f"checkpoint_{model}")
            workload = DesignPoint(workload={"model": model}).workload
            data = load_dataset(workload.dataset)
            with torch.random.fork_rng(), torch.no_grad():
                torch.manual_seed(7)
                network = build_network(workload, data).train()
                for _ in range(3):
                    network(torch.from_numpy(data.train_images[:128]))
            write_state(made[model] / "state.parquet", network.state_dict(), {})
        return made[model]

    return folder
