"""What arrays compute for one image: the matrix layers and dynamic products of a network."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import nn

from cimsim.calibration.fold import fold_batch_norm
from cimsim.campaign.catalogue import check_model
from cimsim.campaign.design import Workload
from cimsim.errors import UserError
from cimsim.schemas import NETWORK
from cimsim.tables import write_table
from cimsim.workloads.calls import fix_derived_weights
from cimsim.workloads.layer_table import LayerShape, layer_table
from cimsim.workloads.models import ImageFormat, build_for
from cimsim.workloads.operations import PRODUCT, Operation, operation_table
from cimsim.workloads.torch_setup import reproducible

Row = dict[str, Any]

_IMAGE = re.compile(r"([1-9]\d*)x([1-9]\d*)x\2")


def image_format(text: str, classes: int) -> ImageFormat:
    """Return the format that ``3x224x224`` names.

    Raises:
        UserError: the text is no such format.
    """
    match = _IMAGE.fullmatch(text)
    if match is None:
        raise UserError(
            f"--image: {text!r} is not allowed; allowed: CHANNELSxSIDExSIDE as 3x224x224"
        )
    return ImageFormat(int(match[1]), int(match[2]), classes)


def inspect_network(model: str, arguments: tuple[str, ...], images: ImageFormat) -> list[Row]:
    """Return one row a matrix layer or dynamic product, in order (columns: schemas.NETWORK).

    The weights are random; nothing in the rows depends on them.

    Raises:
        UserError: there is no such network, or it does not run on such images.
    """
    try:
        workload = Workload(model=check_model(model), arguments=arguments)
    except ValueError as error:
        raise UserError(f"MODEL: {error}") from error
    with reproducible(), torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = build_for(workload, images).eval().requires_grad_(False)
        image = torch.rand(1, images.channels, images.side, images.side)
        _try(network, image, model)
        fold_batch_norm(network, image)
        fix_derived_weights(network, image)
        layers = layer_table(network, image)
        operations = operation_table(network, {layer.name for layer in layers}, image)
    products = [operation for operation in operations if operation.kind == PRODUCT]
    return [{**row, "index": n} for n, row in enumerate(_in_order(layers, products))]


def write_inspection(path: Path, rows: list[Row], provenance: Mapping[str, Any]) -> None:
    """Write the rows to a Parquet file."""
    columns = {name: [row[name] for row in rows] for name in NETWORK.names}
    write_table(path, columns, NETWORK, provenance)


def _try(network: nn.Module, image: torch.Tensor, model: str) -> None:
    try:
        with torch.inference_mode():
            network(image)
    except (RuntimeError, ValueError, AssertionError) as error:
        shape = "x".join(map(str, image.shape[1:]))
        raise UserError(f"{model} does not run on images of {shape}: {error}") from error


def _in_order(layers: list[LayerShape], products: list[Operation]) -> Iterator[Row]:
    """Yield layers with the products that follow each."""
    for number in range(len(layers) + 1):
        if number:
            yield _layer(layers[number - 1])
        yield from (_product(product) for product in products if product.after == number)


def _layer(shape: LayerShape) -> Row:
    fields = asdict(shape) | {"rows": shape.rows, "columns": shape.columns}
    weights = shape.rows * shape.columns
    return {name: fields[name] for name in NETWORK.names if name in fields} | {
        "operands": "static",
        "batch": 1,
        "vectors": shape.vectors,
        "weights": weights,
        "macs": weights * shape.vectors,
    }


def _product(product: Operation) -> Row:
    fields = asdict(product)
    macs = product.batch * product.vectors * product.rows * product.columns
    return dict.fromkeys(NETWORK.names, 0) | {
        **{name: fields[name] for name in ("name", "batch", "vectors", "rows", "columns")},
        "kind": "product",
        "operands": "dynamic",
        "macs": macs,
    }
