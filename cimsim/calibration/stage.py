"""The calibrate stage: scales of all layers, and what quantisation alone costs in accuracy."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cimsim.calibration.network import float_logits
from cimsim.calibration.products import find_product_ranges
from cimsim.calibration.scales import (
    find_ranges,
    prepared_network,
    quantize_network,
    write_scales,
)
from cimsim.campaign.design import DesignPoint
from cimsim.schemas import PREDICTIONS
from cimsim.tables import write_table
from cimsim.workloads.checkpoints import load_network
from cimsim.workloads.datasets import (
    FirstImages,
    check_images,
    dataset_of,
    evaluated_images,
)
from cimsim.workloads.torch_setup import reproducible


def calibrate(
    point: DesignPoint, *, checkpoint: Path, output: Path, provenance: Mapping[str, Any]
) -> None:
    """Find the scales of each matrix layer and evaluate the float and the quantised network.

    Writes scales.parquet and predictions.parquet.

    Raises:
        UserError: too many images are asked for, a file cannot be used, or a pattern of
            quantization.float_layers fits no layer.
    """
    check_images(point)
    data = dataset_of(point.workload)
    images = evaluated_images(point, data)
    with reproducible():
        reference = float_logits(load_network(point, checkpoint), images)
        network, shapes = prepared_network(point, checkpoint, data)
        calibration_images = FirstImages(data.train_images, point.quantization.images)
        ranges = find_ranges(point, network, shapes, calibration_images)
        products = find_product_ranges(point, network, shapes, calibration_images)
        quantized_network = quantize_network(point, network, shapes, ranges, products)
        quantized = quantized_network.logits(images)
    write_scales(output / "scales.parquet", quantized_network, ranges, products, provenance)
    columns = {
        "image": list(range(len(images))),
        "label": data.test_labels[: len(images)],
        "float_prediction": reference.argmax(axis=1),
        "quantized_prediction": quantized.argmax(axis=1),
        "quantized_logits": list(quantized),
    }
    write_table(output / "predictions.parquet", columns, PREDICTIONS, provenance)
