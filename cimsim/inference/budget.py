"""The error budget: where accuracy is lost on the way from the float network to the design point.

float -> quantised -> ideal array -> + ADC -> + each effect of cells and reads in turn; and each
effect alone. Accuracy and outputs are those of the whole network, chip by chip; the figures of a
layer are its own, on the inputs that it has in the quantised network, so that they do not mix with
the errors of the layers before it.

The effects alone meet an ADC with a code for every ideal column sum. Errors of the ADC are in its
own codes: alone they are those of the design's ADC, with its resolution and range, so that this
step holds what the ADC itself loses too; the ``adc`` step is what to compare it with.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray

from cimsim import schemas
from cimsim.arrays.effects import EFFECTS, active_effects, ideal, resolving, without
from cimsim.arrays.gpu import require_gpu
from cimsim.arrays.product import Device, ProgrammedLayer
from cimsim.arrays.reference import array_reads
from cimsim.arrays.settings import ArraySettings
from cimsim.calibration.coding import Codes
from cimsim.calibration.matrix_layer import MatrixLayer, exact_products
from cimsim.calibration.network import QuantizedNetwork, float_logits
from cimsim.calibration.scales import load_quantized
from cimsim.campaign.design import DesignPoint
from cimsim.inference.network import layer_settings, program_network
from cimsim.inference.stage import quantized_logits
from cimsim.mapping.stage import read_column_sums
from cimsim.tables import write_table
from cimsim.workloads.calls import MatrixCall
from cimsim.workloads.checkpoints import load_network
from cimsim.workloads.datasets import Images, check_images, dataset_of, evaluated_images
from cimsim.workloads.torch_setup import reproducible

log = logging.getLogger(__name__)

Logits = NDArray[np.float32]

LAYER_IMAGES = 4
"""Test images (at most) behind the figures of a layer."""

CODES_AT_ONCE = 1 << 22
"""ADC codes (at most) of a layer that are looked at one by one."""

CODE_VECTORS = 32
"""Input vectors (at most) of a layer whose ADC codes are looked at."""


@dataclass(frozen=True)
class Step:
    """One array of the budget: which effects are there, and whether the ADC is the design's."""

    name: str
    mode: Literal["base", "alone", "cumulative"]
    effects: tuple[str, ...] = ()

    def of(self, settings: ArraySettings) -> ArraySettings:
        """Return a layer's settings in this step."""
        if self.mode == "base":
            return ideal(settings)
        kept = without(settings, [effect for effect in EFFECTS if effect not in self.effects])
        return resolving(kept) if self.mode == "alone" else kept


def array_steps(settings: ArraySettings) -> list[Step]:
    """Return the steps of a design with these settings; the last one is the design itself."""
    active = active_effects(settings)
    return [
        Step("ideal_array", "base"),
        *(Step(effect, "alone", (effect,)) for effect in active),
        Step("adc", "cumulative"),
        *(
            Step(effect, "cumulative", tuple(active[: number + 1]))
            for number, effect in enumerate(active)
        ),
    ]


@dataclass(frozen=True, eq=False)
class LayerInputs:
    """A matrix layer and the codes [M, groups * K] that it gets from some images."""

    layer: MatrixLayer
    index: int
    codes: Codes
    float_error: float
    float_power: float


def budget(
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
    """Write steps_*, layers_* and codes_<first>_<last>.parquet of a design point to `output`.

    Raises:
        UserError: too many images are asked for, a file cannot be used, or the device is "cuda" and
            there is none.
    """
    if device == "cuda":
        require_gpu()
    check_images(point)
    data = dataset_of(point.workload)
    images = evaluated_images(point, data)
    labels = data.test_labels[: len(images)]
    quantized = quantized_logits(calibration, len(images))
    with reproducible():
        reference = float_logits(load_network(point, checkpoint), images)
        network = load_quantized(point, checkpoint, calibration, data)
        settings = layer_settings(point, network, read_column_sums(mapping, point))
        inputs = list(_layer_inputs(network, images[:LAYER_IMAGES]))
        table = [
            _entry("float", "base", seeds[0], reference, reference, labels),
            _entry("quantized", "base", seeds[0], quantized, reference, labels),
        ]
        steps = array_steps(next(iter(settings.values()))) if settings else []
        layers = [_quantization(entry, seeds[0]) for entry in inputs]
        for step in steps:
            log.info("step %s (%s)", step.name, step.mode)
            changed = {name: step.of(layer) for name, layer in settings.items()}
            chips = seeds if _is_random(changed) else seeds[:1]
            layers += [
                _layer_entry(step, entry, changed, seed, device)
                for seed in chips
                for entry in inputs
            ]
            table += _accuracies(step, network, changed, seeds, images, quantized, labels, device)
        codes = [row for entry in inputs for row in _code_histogram(entry, settings, seeds[0])]
    suffix = f"{seeds[0]:04d}_{seeds[-1]:04d}.parquet"
    for name, rows, schema in (
        ("steps", table, schemas.BUDGET_STEPS),
        ("layers", layers, schemas.BUDGET_LAYERS),
        ("codes", codes, schemas.BUDGET_CODES),
    ):
        columns = {field: [row[field] for row in rows] for field in schema.names}
        write_table(output / f"{name}_{suffix}", columns, schema, provenance)


def decibel(signal: float, error: float) -> float:
    """Return the ratio of two powers in dB; infinite where there is no error."""
    if error == 0.0:
        return float("inf")
    return 10.0 * float(np.log10(signal / error)) if signal else float("-inf")


def _accuracies(
    step: Step,
    network: QuantizedNetwork,
    settings: dict[str, ArraySettings],
    seeds: range,
    images: Images,
    quantized: Logits,
    labels: NDArray[np.int64],
    device: Device,
) -> list[dict[str, Any]]:
    """Return the rows of one step, one a seed; one run stands for all where nothing is random."""
    is_random = _is_random(settings)
    found = []
    for seed in seeds if is_random else seeds[:1]:
        program_network(network, settings, seed, device)
        found.append(network.logits(images))
    if not is_random:
        found *= len(seeds)
    return [
        _entry(step.name, step.mode, seed, logits, quantized, labels)
        for seed, logits in zip(seeds, found, strict=True)
    ]


def _is_random(settings: Mapping[str, ArraySettings]) -> bool:
    return any(layer.is_random for layer in settings.values())


def _entry(
    step: str, mode: str, seed: int, logits: Logits, expected: Logits, labels: NDArray[np.int64]
) -> dict[str, Any]:
    predictions = logits.argmax(axis=1)
    return {
        "step": step,
        "mode": mode,
        "seed": seed,
        "images": len(labels),
        "correct": int((predictions == labels).sum()),
        "predictions": predictions,
        "logit_sqnr_db": decibel(_power(expected), _power(logits.astype(np.float64) - expected)),
    }


def _layer_inputs(network: QuantizedNetwork, images: NDArray[np.float32]) -> Iterator[LayerInputs]:
    """Yield what each layer on arrays gets in the quantised network, and what rounding costs."""
    seen: list[tuple[MatrixLayer, MatrixCall]] = []
    with network.watched(lambda layer, call: seen.append((layer, call))):
        network.logits(images)
    numbers = {layer.shape.name: number for number, layer in enumerate(network.layers)}
    for layer, call in seen:
        if layer.on_array:
            with torch.inference_mode():
                exact, rounded = call.result().double(), layer(call).double()
            yield LayerInputs(
                layer,
                numbers[layer.shape.name],
                layer.input_codes(call.x),
                _power((exact - rounded).numpy()),
                _power(exact.numpy()),
            )


def _quantization(entry: LayerInputs, seed: int) -> dict[str, Any]:
    return {
        "step": "quantized",
        "mode": "base",
        "seed": seed,
        "layer": entry.layer.shape.name,
        "index": entry.index,
        "sqnr_db": decibel(entry.float_power, entry.float_error),
        "clipped": 0.0,
    }


def _layer_entry(
    step: Step, entry: LayerInputs, settings: dict[str, ArraySettings], seed: int, device: Device
) -> dict[str, Any]:
    """Return how far the layer's array is from the exact product, in the units of its output."""
    layer = entry.layer
    signal = error = 0.0
    scales = np.broadcast_to(layer.weights.scale, (layer.shape.columns,))
    parts = zip(
        layer.group_codes(entry.codes),
        layer.group_weights(),
        exact_products(layer),
        np.split(scales, layer.shape.groups),
        strict=True,
    )
    for group, (codes, weights, exact, scale) in enumerate(parts):
        stream = _stream(layer, group)
        array = ProgrammedLayer(weights, settings[layer.shape.name], stream, seed, device)
        expected = exact(codes, 0) * scale
        signal += _power(expected) * expected.size
        found = array.product(codes, layer.coding.zero_point) * scale
        error += _power(found - expected) * expected.size
    chosen = settings[layer.shape.name]
    return {
        "step": step.name,
        "mode": step.mode,
        "seed": seed,
        "layer": layer.shape.name,
        "index": entry.index,
        "sqnr_db": decibel(signal, error),
        "clipped": _clipped(entry, chosen, seed) if step.mode == "cumulative" else 0.0,
    }


def _stream(layer: MatrixLayer, group: int) -> str:
    """Return the name of a group's random numbers, as :mod:`cimsim.inference.network` has it."""
    return f"{layer.shape.name}[{group}]" if layer.shape.groups > 1 else layer.shape.name


def _clipped(entry: LayerInputs, settings: ArraySettings, seed: int) -> float:
    """Return the share of conversions whose column sum is above the highest code."""
    endless = replace(settings, adc_top=1 << 40)
    over = total = 0
    for codes in _adc_codes(entry, endless, seed):
        over += int((codes > settings.adc_top).sum())
        total += codes.size
    return over / total


def _code_histogram(
    entry: LayerInputs, settings: dict[str, ArraySettings], seed: int
) -> Iterator[dict[str, Any]]:
    name = entry.layer.shape.name
    counts = np.zeros(settings[name].adc_top + 1, dtype=np.int64)
    for codes in _adc_codes(entry, settings[name], seed):
        counts += np.bincount(codes.ravel(), minlength=counts.size)
    for code in np.flatnonzero(counts):
        yield {"layer": name, "index": entry.index, "code": code, "count": counts[code]}


def _adc_codes(
    entry: LayerInputs, settings: ArraySettings, seed: int
) -> Iterator[NDArray[np.int64]]:
    """Yield the ADC codes of evenly spaced input vectors, one group of the layer after another."""
    layer = entry.layer
    reads = settings.input_cycles * settings.cells_per_weight * settings.groups(layer.shape.rows)
    each = reads * (layer.shape.columns // layer.shape.groups + 1)
    count = min(CODE_VECTORS, max(1, CODES_AT_ONCE // each))
    chosen = np.unique(np.linspace(0, len(entry.codes) - 1, count).astype(int))
    parts = zip(layer.group_codes(entry.codes[chosen]), layer.group_weights(), strict=True)
    for group, (codes, weights) in enumerate(parts):
        yield array_reads(
            codes, weights, settings, _stream(layer, group), seed, layer.coding.zero_point
        ).codes


def _power(values: NDArray[np.floating]) -> float:
    return float(np.mean(np.square(values, dtype=np.float64)))
