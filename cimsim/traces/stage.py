"""The trace stage: the integer inputs that the rows of each layer really see."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cimsim.calibration.coding import code_type
from cimsim.calibration.matrix_layer import MatrixLayer
from cimsim.calibration.network import QuantizedNetwork
from cimsim.calibration.scales import load_quantized
from cimsim.campaign.design import DesignPoint
from cimsim.schemas import TRACE
from cimsim.tables import write_row_groups
from cimsim.workloads.calls import MatrixCall
from cimsim.workloads.datasets import FirstImages, Images, check_images, dataset_of
from cimsim.workloads.torch_setup import reproducible

Vectors = dict[str, NDArray[Any]]
"""Integer input vectors [V, rows] of one image by layer, in execution order."""


def trace(
    point: DesignPoint,
    *,
    checkpoint: Path,
    calibration: Path,
    output: Path,
    provenance: Mapping[str, Any],
) -> None:
    """Run chip.trace_images test images through the quantised network and write trace.parquet.

    The codes [K, V] of a layer and image are what the rows see, vector by vector: rows run channel,
    kernel row, kernel column; padding is there as the code of 0. A grouped convolution has the rows
    of all its groups, one group after another. The file holds the layers of one image after those
    of the other; each image is written when it has been computed.

    Raises:
        UserError: too many images are asked for, or a file of an earlier stage cannot be used.
    """
    check_images(point)
    data = dataset_of(point.workload)
    images = FirstImages(data.test_images, point.chip.trace_images)
    with reproducible():
        network = load_quantized(point, checkpoint, calibration, data)
        lowest = _lowest(point, network, images)
        bits = {layer.shape.name: layer.coding.bits for layer in network.layers}
        groups = (
            _row_group(bits, image, vectors, lowest)
            for image, vectors in enumerate(_input_vectors(point, network, images))
        )
        write_row_groups(output / "trace.parquet", groups, TRACE, provenance)


def _input_vectors(
    point: DesignPoint, network: QuantizedNetwork, images: Images
) -> Iterator[Vectors]:
    """Yield the integer input vectors of all layers, image by image.

    One image at a time, so that memory does not grow with their number; those that are computed
    together make no difference to the codes of any.
    """
    for image in range(len(images)):
        seen: Vectors = {}

        def record(layer: MatrixLayer, call: MatrixCall, seen: Vectors = seen) -> None:
            if _truncates(point, network, layer):
                pixels = layer.input_vectors(call.x.numpy(), fill=0)
                seen[layer.shape.name] = np.trunc(pixels).astype(np.int64)
            else:
                seen[layer.shape.name] = layer.input_codes(call.x)

        with network.watched(record):
            network.logits(images[image : image + 1], first_image=image)
        yield seen


def _truncates(point: DesignPoint, network: QuantizedNetwork, layer: MatrixLayer) -> bool:
    """Return whether the layer is traced as its real inputs cut to integers and shifted.

    That is how the reference records a first layer in floating point (chip.md, fault 4), under
    fidelity.stem_trace float_truncated.
    """
    is_first = layer is network.layers[0]
    return is_first and not layer.on_array and point.fidelity.stem_trace == "float_truncated"


def _lowest(point: DesignPoint, network: QuantizedNetwork, images: Images) -> dict[str, int]:
    """Return the lowest integer over all images of each layer that is shifted by it.

    Signed inputs are (fidelity.input_shift data_minimum), and a first layer that is truncated. They
    take a pass over the images of their own.
    """
    shifted = {
        layer.shape.name
        for layer in network.layers
        if point.fidelity.input_shift == "data_minimum" or _truncates(point, network, layer)
    }
    lowest: dict[str, int] = {}
    if shifted:
        for vectors in _input_vectors(point, network, images):
            for name in shifted:
                found = int(vectors[name].min())
                lowest[name] = min(found, lowest.get(name, found))
    return lowest


def _row_group(
    bits: Mapping[str, int], image: int, vectors: Vectors, lowest: Mapping[str, int]
) -> dict[str, list[Any]]:
    """Return the rows of an image, as columns of schemas.TRACE; `bits` are those of a code."""
    columns: dict[str, list[Any]] = {name: [] for name in TRACE.names}
    for name, matrix in vectors.items():
        codes = matrix
        if name in lowest:
            codes = np.clip(matrix.astype(np.int64) - lowest[name], 0, 2 ** bits[name] - 1)
        stored = np.ascontiguousarray(codes.T, dtype=code_type(bits[name])).tobytes()
        row = (name, image, codes.shape[1], len(codes), bits[name], stored)
        for column, value in zip(columns.values(), row, strict=True):
            column.append(value)
    return columns
