"""The trace stage: the integer inputs that the rows of each layer really see."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from cimsim.calibration.matrix_layer import MatrixLayer
from cimsim.calibration.scales import load_quantized
from cimsim.campaign.design import DesignPoint
from cimsim.schemas import TRACE
from cimsim.tables import write_table
from cimsim.workloads.calls import MatrixCall
from cimsim.workloads.datasets import check_images, load_dataset
from cimsim.workloads.torch_setup import reproducible


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
    of all its groups, one group after another.

    Raises:
        UserError: too many images are asked for, or a file of an earlier stage cannot be used.
    """
    check_images(point)
    data = load_dataset(point.workload.dataset)
    images = data.test_images[: point.chip.trace_images]
    codes: dict[str, NDArray[np.uint8]] = {}

    def record(layer: MatrixLayer, call: MatrixCall) -> None:
        is_first = layer is network.layers[0]
        matrix = _row_codes(point, layer, call.x, is_first)
        is_constant = layer.shape.image_axis is None
        codes[layer.shape.name] = np.tile(matrix, (len(images), 1)) if is_constant else matrix

    with reproducible():
        network = load_quantized(point, checkpoint, calibration, data)
        with network.watched(record):
            network.logits(images, batch=len(images))
    table = [
        {
            "layer": name,
            "image": image,
            "rows": matrix.shape[1],
            "vectors": len(matrix) // len(images),
            "bits": point.quantization.input_bits,
            "codes": np.ascontiguousarray(part.T).tobytes(),
        }
        for name, matrix in codes.items()
        for image, part in enumerate(np.split(matrix, len(images)))
    ]
    columns = {name: [entry[name] for entry in table] for name in TRACE.names}
    write_table(output / "trace.parquet", columns, TRACE, provenance)


def _row_codes(
    point: DesignPoint, layer: MatrixLayer, x: Tensor, is_first: bool
) -> NDArray[np.uint8]:
    """Return the non-negative codes [M, rows] of a layer's input.

    Signed inputs (fidelity.input_shift data_minimum) are shifted by their minimum over the traced
    images. fidelity.stem_trace float_truncated gives a first layer in floating point its real
    inputs cut to integers and shifted, as the reference records it (chip.md, fault 4).
    """
    vectors: NDArray[Any]
    if is_first and not layer.on_array and point.fidelity.stem_trace == "float_truncated":
        vectors = np.trunc(layer.input_vectors(x.numpy(), fill=0)).astype(np.int64)
        vectors = np.clip(vectors - vectors.min(), 0, 2**point.quantization.input_bits - 1)
    else:
        vectors = layer.input_codes(x)
        if point.fidelity.input_shift == "data_minimum":
            vectors = vectors - vectors.min()
    return vectors.astype(np.uint8)
