"""The checkpoint stage: a trained network as a table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from cimsim.campaign.design import TRAIN, DesignPoint
from cimsim.schemas import TRAINING
from cimsim.tables import write_table
from cimsim.workloads.checkpoints import load_into, read_checkpoint, write_state
from cimsim.workloads.datasets import dataset_of
from cimsim.workloads.models import build_network, training_recipe
from cimsim.workloads.training import Epoch, train


def make_checkpoint(point: DesignPoint, *, output: Path, provenance: Mapping[str, Any]) -> None:
    """Train the network of `point`, or load its checkpoint file; write state and training tables.

    Raises:
        UserError: the checkpoint file is missing, damaged or of another network.
    """
    workload = point.workload
    data = dataset_of(workload)
    history: list[Epoch] = []
    if workload.checkpoint == TRAIN:
        network, history = train(
            lambda: build_network(workload, data),
            data,
            training_recipe(workload),
            workload.training_seed,
        )
    else:
        network = build_network(workload, data)
        load_into(network, read_checkpoint(Path(workload.checkpoint)), workload.checkpoint, point)
    columns = {name: [asdict(epoch)[name] for epoch in history] for name in TRAINING.names}
    write_table(output / "training.parquet", columns, TRAINING, provenance)
    write_state(output / "state.parquet", network.state_dict(), provenance)
