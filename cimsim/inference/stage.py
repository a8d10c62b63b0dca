"""The infer stage: accuracy of the network on arrays, one chip instance per seed."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cimsim.arrays.gpu import require_gpu
from cimsim.arrays.product import Device
from cimsim.calibration.scales import load_quantized
from cimsim.campaign.design import DesignPoint
from cimsim.campaign.paths import seeds_file
from cimsim.errors import UserError
from cimsim.inference.network import layer_settings, program_network
from cimsim.mapping.stage import read_column_sums
from cimsim.schemas import PREDICTIONS, SEEDS
from cimsim.tables import read_table, write_table
from cimsim.workloads.datasets import check_images, dataset_of, evaluated_images
from cimsim.workloads.torch_setup import reproducible

log = logging.getLogger(__name__)

Logits = NDArray[np.float32]


def infer(
    point: DesignPoint,
    seeds: range,
    *,
    checkpoint: Path,
    calibration: Path,
    mapping: Path,
    output: Path,
    provenance: Mapping[str, Any],
    device: Device = "cpu",
) -> None:
    """Run the test images on arrays for each seed; write seeds_<first>_<last>.parquet.

    A design point without randomness is computed once and its result stands for every seed.

    Raises:
        UserError: too many images are asked for, a file cannot be used, or the device is "cuda" and
            there is none.
    """
    with reproducible():
        bench = Bench(
            point, checkpoint=checkpoint, calibration=calibration, mapping=mapping, device=device
        )
        bench.run(point, seeds, output=output, provenance=provenance)


class Bench:
    """A quantised network with its test images, on which design points are run one by one.

    The points may differ in what the stages above do not read: cells, non-idealities, ADC.
    """

    def __init__(
        self,
        point: DesignPoint,
        *,
        checkpoint: Path,
        calibration: Path,
        mapping: Path,
        device: Device = "cpu",
    ) -> None:
        """Load the network of `point`.

        Raises:
            UserError: as :func:`infer`.
        """
        if device == "cuda":
            require_gpu()
        check_images(point)
        data = dataset_of(point.workload)
        self._images = evaluated_images(point, data)
        self._labels = data.test_labels[: len(self._images)]
        self._ideal = quantized_logits(calibration, len(self._images))
        self._network = load_quantized(point, checkpoint, calibration, data)
        self._sums = read_column_sums(mapping, point)
        self._device = device

    def run(
        self, point: DesignPoint, seeds: range, *, output: Path, provenance: Mapping[str, Any]
    ) -> list[float]:
        """Write seeds_<first>_<last>.parquet of a point; return the accuracy of each seed.

        Raises:
            UserError: a file that the point names cannot be used, or the result not be written.
        """
        settings = layer_settings(point, self._network, self._sums)
        is_random = any(layer.is_random for layer in settings.values())
        table = []
        for seed in seeds if is_random else seeds[:1]:
            started = time.perf_counter()
            program_network(self._network, settings, seed, self._device)
            entry = _entry(self._network.logits(self._images), self._ideal, self._labels)
            table.append(entry)
            elapsed = time.perf_counter() - started
            log.info("seed %d: accuracy %.4f (%.1f s)", seed, entry["accuracy"], elapsed)
        if not is_random:
            table *= len(seeds)
        columns = {name: [entry[name] for entry in table] for name in SEEDS.names if name != "seed"}
        path = output / seeds_file(seeds[0], seeds[-1])
        write_table(path, {"seed": list(seeds), **columns}, SEEDS, provenance)
        return [entry["accuracy"] for entry in table]


def quantized_logits(calibration: Path, images: int) -> Logits:
    """Return the quantised network's logits [images, classes] that the calibrate stage wrote.

    Raises:
        UserError: the file is missing, damaged or of another number of images.
    """
    path = calibration / "predictions.parquet"
    table = read_table(path, PREDICTIONS)
    if table.num_rows != images:
        raise UserError(f"{path}: {table.num_rows} images instead of {images}; run calibrate again")
    return np.array(table["quantized_logits"].to_pylist(), dtype=np.float32)


def _entry(logits: Logits, ideal: Logits, labels: NDArray[np.int64]) -> dict[str, Any]:
    """Return one seed's columns of seeds_*.parquet."""
    predictions = logits.argmax(axis=1)
    correct = int((predictions == labels).sum())
    size = np.sqrt(np.mean(ideal.astype(np.float64) ** 2))
    error = np.sqrt(np.mean((logits.astype(np.float64) - ideal) ** 2))
    return {
        "images": len(labels),
        "correct": correct,
        "accuracy": correct / len(labels),
        "logit_error_rms": float(error / size) if size else 0.0,
        "predictions": predictions,
    }
