"""Scales of every matrix layer: found from calibration images, written, read back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from cimsim.calibration.coding import input_coding, observed_range
from cimsim.calibration.fold import fold_batch_norm
from cimsim.calibration.matrix_layer import (
    MatrixLayer,
    exact_products,
    quantize_weights,
)
from cimsim.calibration.network import QuantizedNetwork, float_logits
from cimsim.calibration.products import ProductLayer, ProductRange, product_layers
from cimsim.calibration.ranges import RangeObserver
from cimsim.campaign.design import DesignPoint
from cimsim.campaign.layer_design import layer_designs
from cimsim.campaign.layer_rules import fitting
from cimsim.errors import UserError
from cimsim.schemas import SCALES
from cimsim.tables import read_table, rows, write_table
from cimsim.workloads.calls import MatrixCall, MatrixCalls, fix_derived_weights, weight_of
from cimsim.workloads.checkpoints import load_network
from cimsim.workloads.datasets import Dataset, Images
from cimsim.workloads.layer_table import LayerShape, layer_table


@dataclass(frozen=True)
class LayerRange:
    """Calibrated range of one layer's inputs, and whether the layer is computed on arrays."""

    on_array: bool
    low: float
    high: float


def prepared_network(
    point: DesignPoint, checkpoint: Path, data: Dataset
) -> tuple[nn.Module, list[LayerShape]]:
    """Return the network of `point` and its matrix layers.

    Batch norms are folded, unless the design leaves them to a digital unit after the arrays.

    Raises:
        UserError: the checkpoint folder or the network cannot be used.
    """
    network = load_network(point, checkpoint)
    images = torch.from_numpy(data.train_images[:8])
    if point.quantization.fold_batch_norm:
        fold_batch_norm(network, images)
    fix_derived_weights(network, images[:1])
    return network, layer_table(network, images[:1])


def find_ranges(
    point: DesignPoint, network: nn.Module, shapes: list[LayerShape], images: Images
) -> list[LayerRange]:
    """Run the float network on calibration images; return the input range of each matrix layer.

    Raises:
        UserError: a pattern of the design fits no layer, or activations overflow.
    """
    names = [shape.name for shape in shapes]
    in_float, designs = float_layers(point, names), layer_designs(point, names)
    observers = {shape.name: RangeObserver() for shape in shapes}

    def observe(call: MatrixCall) -> Tensor:
        values = call.x.numpy()
        if not np.isfinite(values).all():
            raise UserError(f"layer {call.name}: an input is not finite during calibration")
        observers[call.name].update(values)
        return call.result()

    with MatrixCalls(network, observe).caught():
        float_logits(network, images)
    return [
        LayerRange(name not in in_float, *observed_range(designs[name], observers[name]))
        for name in names
    ]


def float_layers(point: DesignPoint, names: list[str]) -> set[str]:
    """Return the names of the matrix layers that stay in floating point.

    Raises:
        UserError: a pattern of quantization.float_layers fits none of `names`.
    """
    chosen = {names[0]} if point.fidelity.first_layer == "float" else set()
    for pattern in point.quantization.float_layers:
        chosen |= fitting(pattern, names, "quantization.float_layers")
    return chosen


def quantize_network(
    point: DesignPoint,
    network: nn.Module,
    shapes: list[LayerShape],
    ranges: list[LayerRange],
    products: Sequence[ProductRange] = (),
) -> QuantizedNetwork:
    """Return `network` with exact integer products in its matrix layers.

    `products` are the ranges of products of activations; without them these stay in float.
    """
    designs = layer_designs(point, [shape.name for shape in shapes])
    layers = [
        _matrix_layer(designs[shape.name], weight_of(network, shape.name), shape, found)
        for shape, found in zip(shapes, ranges, strict=True)
    ]
    return QuantizedNetwork(network, layers, product_layers(point, products))


def _matrix_layer(
    point: DesignPoint, weight: Tensor, shape: LayerShape, found: LayerRange
) -> MatrixLayer:
    settings, conversion = point.quantization, point.fidelity.integer_conversion
    coding = input_coding(point, found.low, found.high)
    values = weight.detach().numpy()
    weights = quantize_weights(
        values,
        settings.weight_bits,
        settings.weight_scale,
        conversion,
        settings.weight_observer,
    )
    layer = MatrixLayer(shape, coding, weights)
    layer.products = exact_products(layer) if found.on_array else None
    return layer


def write_scales(
    path: Path,
    network: QuantizedNetwork,
    ranges: Sequence[LayerRange],
    products: Sequence[ProductRange],
    provenance: Mapping[str, Any],
) -> None:
    """Write scales.parquet: the layers, then the products of activations."""
    layers, dynamic = network.layers, network.products
    seen: list[MatrixLayer | ProductLayer] = [*layers, *dynamic]
    found_ranges: list[LayerRange | ProductRange] = [*ranges, *products]
    columns = {
        "layer": [*(layer.shape.name for layer in layers), *(one.name for one in dynamic)],
        "index": list(range(len(seen))),
        "on_array": [*(found.on_array for found in ranges), *(True for _ in dynamic)],
        "weight_scale": [
            *(layer.weights.scale for layer in layers),
            *([one.right_coding.scale] for one in dynamic),
        ],
        "input_scale": [one.coding.scale for one in seen],
        "input_zero_point": [one.coding.zero_point for one in seen],
        "input_min": [found.low for found in found_ranges],
        "input_max": [found.high for found in found_ranges],
    }
    write_table(path, columns, SCALES, provenance)


def load_quantized(
    point: DesignPoint, checkpoint: Path, calibration: Path, data: Dataset
) -> QuantizedNetwork:
    """Return the quantised network of `point` from the outputs of two stages.

    Raises:
        UserError: a file is missing or damaged, or is of another network.
    """
    network, shapes = prepared_network(point, checkpoint, data)
    path = calibration / "scales.parquet"
    table = list(rows(read_table(path, SCALES)))
    if [row["layer"] for row in table[: len(shapes)]] != [shape.name for shape in shapes]:
        raise UserError(f"{path}: its layers are not those of {point.workload.model}")
    ranges = [
        LayerRange(row["on_array"], row["input_min"], row["input_max"])
        for row in table[: len(shapes)]
    ]
    products = [
        ProductRange(row["layer"], row["input_min"], row["input_max"], row["weight_scale"][0])
        for row in table[len(shapes) :]
    ]
    return quantize_network(point, network, shapes, ranges, products)
