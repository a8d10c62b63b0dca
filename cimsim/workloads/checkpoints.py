"""Weights of a network: reading a saved state_dict, checking it, and the state table."""

from __future__ import annotations

import pickle
import re
import warnings
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from cimsim.campaign.design import DesignPoint
from cimsim.errors import UserError
from cimsim.schemas import STATE
from cimsim.tables import read_table, rows, write_table
from cimsim.workloads.datasets import dataset_of
from cimsim.workloads.models import build_network

State = dict[str, Tensor]

SAFETENSORS = ".safetensors"
"""Ending of files that hold named tensors and nothing else (github.com/huggingface/safetensors)."""

PARALLEL_PREFIX = "module."
"""Prefix that torch.nn.DataParallel puts before every name."""

_OLD_DENSE = re.compile(r"(denselayer\d+\.(?:norm|conv))\.([12]\.)")
"""Names in the files that torchvision publishes for its DenseNets, from when a module's name could
have a dot: ``denselayer1.norm.1.weight`` for ``denselayer1.norm1.weight``."""

BATCHES_SEEN = ".num_batches_tracked"
"""Tensor of a batch norm that files from before 2018 do not hold."""

SHOWN_MISMATCHES = 3


def check_checkpoint(path: Path, point: DesignPoint) -> None:
    """Refuse a checkpoint file that does not fit the network of `point`.

    Raises:
        UserError: as :func:`read_checkpoint` and :func:`load_into`.
    """
    network = build_network(point.workload, dataset_of(point.workload))
    load_into(network, read_checkpoint(path), str(path), point)


def read_checkpoint(path: Path) -> State:
    """Return the named tensors in `path`: a state_dict of PyTorch, or a *.safetensors file.

    A PyTorch file holds the state_dict or a dictionary with it as "state_dict"; only tensors and
    plain containers are unpickled (weights_only). Names lose a "module." prefix.

    Raises:
        UserError: the file is missing, damaged, holds other objects, or no named tensors.
    """
    if not path.is_file():
        raise UserError(f"{path}: no such checkpoint file (workload.checkpoint: 'train' or a path)")
    safe = path.suffix.lower() == SAFETENSORS
    state = _read_safetensors(path) if safe else _read_torch(path)
    return {str(name).removeprefix(PARALLEL_PREFIX): tensor for name, tensor in state.items()}


def load_into(network: nn.Module, state: State, source: str, point: DesignPoint) -> None:
    """Copy `state` into `network`; every tensor of the network must be there, with its shape.

    As in the loaders of torchvision and torch, old names of DenseNets are taken for those of today,
    and old files may lack how many batches a batch norm has seen, which only training needs.

    Raises:
        UserError: names `source`, the first differences and what the network expects.
    """
    expected = network.state_dict()
    state = {_name_in(expected, name): tensor for name, tensor in state.items()}
    differences = [
        f"{name} is missing"
        for name in expected
        if name not in state and not name.endswith(BATCHES_SEEN)
    ]
    differences += [f"{name} is unknown" for name in state if name not in expected]
    differences += [
        f"{name} has shape {_shape(state[name])}, expected {_shape(tensor)}"
        for name, tensor in expected.items()
        if name in state and state[name].shape != tensor.shape
    ]
    if differences:
        shown = "; ".join(differences[:SHOWN_MISMATCHES])
        more = len(differences) - SHOWN_MISMATCHES
        raise UserError(
            f"{source}: not a checkpoint of {_network_name(point)} ({len(expected)} tensors "
            f"expected, {len(state)} found): {shown}{f'; and {more} more' if more > 0 else ''}"
        )
    broken = [n for n, t in state.items() if t.is_floating_point() and not t.isfinite().all()]
    if broken:
        raise UserError(f"{source}: {broken[0]} holds values that are not finite")
    network.load_state_dict(state)


def _name_in(expected: Mapping[str, Any], name: str) -> str:
    """Return the name that a network with the tensors `expected` has for a stored one."""
    today = _OLD_DENSE.sub(r"\1\2", name)
    return today if name not in expected and today in expected else name


def write_state(path: Path, state: Mapping[str, Tensor], provenance: Mapping[str, Any]) -> None:
    """Write a state_dict as a table: one row a tensor, raw little-endian bytes."""
    arrays = {name: tensor.detach().cpu().numpy() for name, tensor in state.items()}
    little = {name: array.astype(array.dtype.newbyteorder("<")) for name, array in arrays.items()}
    columns = {
        "name": list(little),
        "dtype": [array.dtype.name for array in little.values()],
        "shape": [list(array.shape) for array in little.values()],
        "data": [array.tobytes() for array in little.values()],
    }
    write_table(path, columns, STATE, provenance)


def load_network(point: DesignPoint, checkpoint: Path) -> nn.Module:
    """Return the network of `point` in evaluation mode with the weights of the checkpoint stage.

    `checkpoint` is the stage's output folder.

    Raises:
        UserError: state.parquet is missing, damaged or of another network.
    """
    path = checkpoint / "state.parquet"
    state = {row["name"]: _tensor(row) for row in rows(read_table(path, STATE))}
    network = build_network(point.workload, dataset_of(point.workload))
    load_into(network, state, str(path), point)
    return network.eval().requires_grad_(False)


def _read_safetensors(path: Path) -> State:
    try:
        return load_file(path)
    except (SafetensorError, OSError, ValueError) as error:
        raise UserError(
            f"{path}: truncated or no safetensors file ({_first_line(error)})"
        ) from error


def _read_torch(path: Path) -> Mapping[Any, Tensor]:
    try:
        _check_sums(path)
        with warnings.catch_warnings():
            # Of a pickle protocol that torch does not write; what it cannot read is an error below.
            warnings.simplefilter("ignore")
            loaded: Any = torch.load(path, map_location="cpu", weights_only=True)
    except (RuntimeError, EOFError, OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise UserError(
            f"{path}: truncated or no PyTorch checkpoint ({_first_line(error)})"
        ) from error
    except pickle.UnpicklingError as error:
        raise UserError(
            f"{path}: not a readable state_dict; it is damaged or holds more than tensors. "
            "Save it with torch.save(network.state_dict(), path)"
        ) from error
    if isinstance(loaded, Mapping) and isinstance(loaded.get("state_dict"), Mapping):
        loaded = loaded["state_dict"]
    if not isinstance(loaded, Mapping) or not all(isinstance(t, Tensor) for t in loaded.values()):
        raise UserError(
            f"{path}: holds {type(loaded).__name__}, not a state_dict of named tensors. "
            "Save it with torch.save(network.state_dict(), path)"
        )
    return loaded


def _check_sums(path: Path) -> None:
    """Raise BadZipFile if a part of the archive is damaged; torch.load does not look."""
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            damaged = archive.testzip()
        if damaged is not None:
            raise zipfile.BadZipFile(f"check sum of {damaged} is wrong")


def _tensor(row: Mapping[str, Any]) -> Tensor:
    dtype = np.dtype(row["dtype"]).newbyteorder("<")
    array = np.frombuffer(row["data"], dtype=dtype).reshape(row["shape"])
    return torch.from_numpy(array.astype(dtype.newbyteorder("=")))


def _network_name(point: DesignPoint) -> str:
    width = f", width {point.workload.width!r}" if point.workload.model == "vgg8" else ""
    return f"{point.workload.model} ({point.workload.dataset}{width})"


def _shape(tensor: Tensor) -> str:
    return "x".join(map(str, tensor.shape)) or "scalar"


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
