"""The checkpoint stage: a trained network as a table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from torch import nn

from cimsim.campaign.design import TRAIN, DesignPoint
from cimsim.errors import UserError
from cimsim.schemas import TRAINING
from cimsim.tables import write_table
from cimsim.workloads.checkpoints import load_into, read_checkpoint, write_state
from cimsim.workloads.datasets import Dataset, dataset_of
from cimsim.workloads.models import build_network, training_recipe
from cimsim.workloads.published import fetch
from cimsim.workloads.training import Epoch, train


def make_checkpoint(point: DesignPoint, *, output: Path, provenance: Mapping[str, Any]) -> None:
    """Train the network of `point`, or load its weights; write state and training tables.

    Published weights leave their address and SHA-256 in the provenance.

    Raises:
        UserError: the weights are missing, damaged or of another network.
    """
    workload = point.workload
    data = dataset_of(workload)
    history: list[Epoch] = []
    if workload.weights:
        network, source = published_network(point, data)
        provenance = {**provenance, **source}
    elif workload.checkpoint == TRAIN:
        network, history = train(
            lambda: build_network(workload, data),
            data,
            training_recipe(workload),
            workload.training_seed,
            workload.dataset,
        )
    else:
        network = build_network(workload, data)
        load_into(network, read_checkpoint(Path(workload.checkpoint)), workload.checkpoint, point)
    columns = {name: [asdict(epoch)[name] for epoch in history] for name in TRAINING.names}
    write_table(output / "training.parquet", columns, TRAINING, provenance)
    write_state(output / "state.parquet", network.state_dict(), provenance)


def published_network(point: DesignPoint, data: Dataset) -> tuple[nn.Module, dict[str, str]]:
    """Return the network of `point` with the weights that it names, and where they come from.

    Raises:
        UserError: the weights cannot be had, are damaged or of another network.
    """
    workload = point.workload
    path, source = fetch(workload)
    state = read_checkpoint(path)
    library, _, name = workload.model.partition(":")
    if library == "timm":
        tagged = f"{library}:{name.partition('.')[0]}.{workload.weights}"
        network = build_network(workload.model_copy(update={"model": tagged}), data, state)
        state = network.state_dict()
    else:
        network = build_network(workload, data)
    if getattr(network, "transform_input", True) is False:  # torchvision's GoogLeNet, Inception
        raise UserError(
            f"workload.weights: those of {workload.model} are for inputs that the network rescales;"
            " add transform_input=true to workload.arguments"
        )
    load_into(network, state, str(path), point)
    return network, source
