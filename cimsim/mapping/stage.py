"""The map stage: layer table, weight codes and column sums of a network on arrays."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import from_numpy

from cimsim.arrays.column_sums import column_sum_histogram
from cimsim.arrays.dynamic import dynamic_design
from cimsim.arrays.settings import ArraySettings
from cimsim.calibration.matrix_layer import MatrixLayer
from cimsim.calibration.network import QuantizedNetwork
from cimsim.calibration.products import ProductLayer
from cimsim.calibration.scales import load_quantized
from cimsim.campaign.design import DesignPoint
from cimsim.campaign.layer_design import layer_designs
from cimsim.mapping.cells import place
from cimsim.mapping.self_check import check_ideal_arrays
from cimsim.schemas import COLUMN_SUMS, LAYERS, OPERATIONS, WEIGHT_CODES
from cimsim.tables import read_table, write_table
from cimsim.workloads.calls import MatrixCall
from cimsim.workloads.datasets import dataset_of
from cimsim.workloads.operations import Operation, operation_table
from cimsim.workloads.products import ProductCall
from cimsim.workloads.torch_setup import reproducible

COLUMN_SUM_IMAGES = 32
"""Calibration images (at most) whose column sums are counted."""

Histogram = NDArray[np.int64]


def map_network(
    point: DesignPoint,
    *,
    checkpoint: Path,
    calibration: Path,
    output: Path,
    provenance: Mapping[str, Any],
) -> None:
    """Write layers.parquet, weights.parquet, column_sums.parquet and operations.parquet.

    Layers that stay in floating point are listed (on_array false) with the codes and cells they
    would have, because the hardware model may place them all the same; they have no column sums.

    Raises:
        UserError: a file of an earlier stage is missing or damaged, or the self-check fails.
    """
    data = dataset_of(point.workload)
    images = data.train_images[: min(COLUMN_SUM_IMAGES, point.quantization.images)]
    with reproducible():
        network = load_quantized(point, checkpoint, calibration, data)
        check_ideal_arrays(network, point, images[:1])
        sums = count_column_sums(network, point, images)
        matrix = {layer.shape.name for layer in network.layers}
        operations = operation_table(network.module, matrix, from_numpy(images[:1]))
    _write_operations(output / "operations.parquet", operations, provenance)
    write_table(output / "layers.parquet", _layer_columns(network, point), LAYERS, provenance)
    codes = {layer.shape.name: layer.weights.codes for layer in network.layers}
    columns = {
        "layer": list(codes),
        "rows": [matrix.shape[0] for matrix in codes.values()],
        "columns": [matrix.shape[1] for matrix in codes.values()],
        "codes": [matrix.tobytes() for matrix in codes.values()],
    }
    write_table(output / "weights.parquet", columns, WEIGHT_CODES, provenance)
    _write_column_sums(output / "column_sums.parquet", sums, provenance)


def count_column_sums(
    network: QuantizedNetwork, point: DesignPoint, images: NDArray[np.float32]
) -> dict[str, Histogram]:
    """Return how often each ideal column sum occurs in each layer on arrays while `images` run.

    Products of activations on arrays are counted like layers.
    """
    settings = {
        name: ArraySettings.from_design(design, adc_step=1.0)
        for name, design in layer_designs(point, network.names).items()
    }
    sums = {
        layer.shape.name: np.zeros(settings[layer.shape.name].largest_sum + 1, dtype=np.int64)
        for layer in network.layers
        if layer.on_array
    }

    def count(layer: MatrixLayer, call: MatrixCall) -> None:
        if layer.on_array:
            name, parts = layer.shape.name, layer.group_codes(layer.input_codes(call.x))
            for codes, weights in zip(parts, layer.group_weights(), strict=True):
                sums[name] += column_sum_histogram(codes, weights, settings[name])

    if point.quantization.dynamic_products != "array":
        with network.watched(count):
            network.logits(images)
        return sums
    written = ArraySettings.from_design(dynamic_design(point), adc_step=1.0)
    none = np.zeros(written.largest_sum + 1, dtype=np.int64)
    sums |= {product.name: none.copy() for product in network.products}

    def count_product(product: ProductLayer, call: ProductCall) -> None:
        for codes, stored in zip(*product.codes(call), strict=True):
            found = column_sum_histogram(codes, np.ascontiguousarray(stored), written)
            sums[product.name] += found

    with network.watched(count, count_product):
        network.logits(images)
    return sums


def read_column_sums(mapping: Path, point: DesignPoint) -> dict[str, Histogram]:
    """Return the histograms that :func:`map_network` wrote to the folder `mapping`.

    Raises:
        UserError: the file is missing or damaged.
    """
    table = read_table(mapping / "column_sums.parquet", COLUMN_SUMS)
    names, sums, counts = (table[name].to_numpy() for name in COLUMN_SUMS.names)
    size = ArraySettings.from_design(point, adc_step=1.0).largest_sum + 1
    histograms = {}
    for name in dict.fromkeys(names):
        chosen = names == name
        histograms[str(name)] = np.zeros(size, dtype=np.int64)
        histograms[str(name)][sums[chosen]] = counts[chosen]
    return histograms


def _write_operations(
    path: Path, operations: Sequence[Operation], provenance: Mapping[str, Any]
) -> None:
    table = [{"order": n, **asdict(operation)} for n, operation in enumerate(operations)]
    columns = {name: [row[name] for row in table] for name in OPERATIONS.names}
    write_table(path, columns, OPERATIONS, provenance)


def _write_column_sums(
    path: Path, histograms: Mapping[str, Histogram], provenance: Mapping[str, Any]
) -> None:
    def entries() -> Iterator[tuple[str, int, int]]:
        for name, histogram in histograms.items():
            for value in np.flatnonzero(histogram):
                yield name, int(value), int(histogram[value])

    names, sums, counts = zip(*entries(), strict=True) if histograms else ((), (), ())
    columns = {"layer": names, "column_sum": sums, "count": counts}
    write_table(path, columns, COLUMN_SUMS, provenance)


def _layer_columns(network: QuantizedNetwork, point: DesignPoint) -> dict[str, list[Any]]:
    designs = layer_designs(point, network.names)
    table = [
        {
            "layer": layer.shape.name,
            "index": index,
            "on_array": layer.on_array,
            "rows": layer.shape.rows,
            "columns": layer.shape.columns,
            "vectors": layer.shape.vectors,
            **asdict(layer.shape),
            **asdict(place(layer.shape, designs[layer.shape.name])),
        }
        for index, layer in enumerate(network.layers)
    ]
    return {name: [entry[name] for entry in table] for name in LAYERS.names}
