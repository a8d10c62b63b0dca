"""What a network needs beside the arrays with its weights: digital blocks of the chip.

A block computes a product of two activations (attention scores and values) or one digital operation
(residual add, softmax, layer norm, ...). docs/ppa.md has the equations. In a pipelined chip every
block is a stage with circuits of its own; layer by layer, blocks of one kind share theirs.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from cimsim import _native
from cimsim.campaign.design import DesignPoint
from cimsim.errors import UserError
from cimsim.ppa.engine import Component, LayerReport, Report
from cimsim.ppa.parameters import engine_parameters, errors_in_design_terms
from cimsim.ppa.technology import load_context

PRODUCT = "product"
"""Kind of an operation that multiplies two activations (cimsim.workloads.operations)."""

UNKNOWN = "everything that the network file does not describe"
"""Kind that stands for the operations of a network of which only the matrix layers are known."""

OFF_ARRAYS = "layers_off_the_arrays"
"""Kind that stands for matrix layers which the design keeps off the arrays."""

PRODUCT_COMPONENTS = ("dynamic_cells", "dynamic_write", "dynamic_product")
"""Components of a product: stored operand, writing it, multiplying."""


LAYER_ZEROS = (
    *("tile_rows", "tile_columns", "speed_up_rows", "speed_up_columns"),
    *("energy_adc_j", "energy_accumulation_j", "energy_other_j"),
    *("energy_buffer_j", "energy_interconnect_j"),
    *("latency_adc_s", "latency_accumulation_s", "latency_buffer_s", "latency_interconnect_s"),
)
"""Figures of a layer that a block does not have."""


@dataclass(frozen=True)
class Work:
    """What a digital unit does with one element, and once for each row of elements.

    Subtractions and comparisons count as additions, evaluations of a function as look-ups in a
    table with an entry for each code. `row_steps` follow each other and cost a look-up each.
    `reads`, `writes` and `kept` are elements that come from the buffer, go there, and stay there
    until they are used, for each element.
    """

    component: str
    passes: int = 1
    additions: int = 0
    multiplications: int = 0
    lookups: int = 0
    row_steps: int = 0
    reads: float = 1
    writes: float = 1
    kept: float = 1


_FUNCTION = Work("activation", lookups=1)

WORK: dict[str, Work] = {
    "add": Work("residual_add", additions=1, reads=2, kept=2),
    "multiply": Work("elementwise_multiply", multiplications=1, reads=2, kept=2),
    "relu": Work("activation", additions=1),
    "batch_norm": Work("batch_norm", additions=1, multiplications=1),
    # Maximum; difference, exponential and its sum; times the reciprocal of the sum (J. R. Stevens
    # et al., "Softermax", DAC 2021, section II).
    "softmax": Work(
        "softmax",
        passes=3,
        additions=3,
        multiplications=1,
        lookups=1,
        row_steps=1,
        reads=3,
        writes=2,
    ),
    # Sums of x and x^2; then (x - mean) / deviation * gain + bias. A row squares the mean, takes it
    # from the mean square and looks the reciprocal root up (J. L. Ba et al., "Layer
    # Normalization", 2016, equation 4; S. Kim et al., "I-BERT", ICML 2021, section 3.6).
    "layer_norm": Work(
        "layer_norm", passes=2, additions=4, multiplications=3, row_steps=3, reads=2
    ),
    "max_pool": Work("pooling", additions=1),
    "average_pool": Work("pooling", additions=1),
    **dict.fromkeys(
        ("gelu", "silu", "sigmoid", "tanh", "hardswish", "hardsigmoid", "elu", "mish"), _FUNCTION
    ),
}
"""Work of each kind of digital operation. The mean of a pooling window is a factor of its scale."""

ALWAYS_LEFT_OUT = ("bias addition", "requantisation of results", "memory outside the chip")
"""What the model never counts."""


@dataclass(frozen=True)
class DigitalBlock:
    """Figures of one block for an image, by component: J and W, m2; latency in s.

    `area` and `leakage` are those of its circuits if no other block shared them.
    """

    name: str
    kind: str
    index: int
    latency: float
    energy: Mapping[str, float]
    area: Mapping[str, float]
    leakage: Mapping[str, float]
    operations: float = 0.0


@dataclass(frozen=True)
class DigitalPart:
    """All digital blocks of a chip.

    Attributes:
        blocks: in order of execution.
        area: m2 by component, of circuits that blocks may share.
        leakage: W by component, likewise.
        shares: for each block the part of each component's leakage that it answers for.
        latency: s, of the chip with its blocks.
        pipelined: whether blocks work at the same time.
        left_out: what is not counted.
    """

    blocks: Sequence[DigitalBlock] = ()
    area: Mapping[str, float] = field(default_factory=dict)
    leakage: Mapping[str, float] = field(default_factory=dict)
    shares: Sequence[Mapping[str, float]] = ()
    latency: float = 0.0
    pipelined: bool = True
    left_out: Sequence[str] = ()


def evaluate_digital(
    point: DesignPoint,
    operations: Iterable[Mapping[str, Any]],
    *,
    clock_period: float,
    array_latency: float,
) -> DigitalPart:
    """Return the blocks that `operations` (rows of schemas.OPERATIONS) need.

    Args:
        point: the design.
        operations: dynamic products and digital operations of the network, in order.
        clock_period: s, of the arrays with weights; 0 if the chip is asynchronous.
        array_latency: s an image, of the chip without blocks.

    Raises:
        UserError: an operand does not fit an array, or the technology has no SRAM.
    """
    rows = list(operations)
    placed = [row for row in rows if _is_counted(row, point)]
    left_out = _left_out(rows, placed)
    if not placed:
        return DigitalPart(latency=array_latency, left_out=left_out)
    with errors_in_design_terms(point):
        context = _sram_context(point)
        settings = _native.BlockSettings(
            clock_period=clock_period if point.chip.synchronous else 0.0,
            activity=point.chip.dynamic_activity,
            lanes=point.chip.digital_lanes,
        )
        try:
            blocks = [_block(point, row, context, settings) for row in placed]
        except ValueError as error:
            raise UserError(str(error)) from None
    if point.chip.pipeline:
        latency = max([array_latency, *(block.latency for block in blocks)])
        groups = [[n] for n in range(len(blocks))]
        buffers = groups
    else:
        latency = array_latency + math.fsum(block.latency for block in blocks)
        by_kind: dict[str, list[int]] = defaultdict(list)
        for n, block in enumerate(blocks):
            by_kind[block.kind].append(n)
        groups, buffers = list(by_kind.values()), [list(range(len(blocks)))]
    part = _share(blocks, groups, buffers)
    return replace(part, latency=latency, pipelined=point.chip.pipeline, left_out=left_out)


def _is_counted(row: Mapping[str, Any], point: DesignPoint) -> bool:
    if row["kind"] == PRODUCT:
        return point.chip.dynamic_products != "none"
    counted = point.chip.digital_operations == "counted"
    return counted and row["kind"] in WORK and not row["on_layer_unit"]


def _left_out(rows: Sequence[Mapping[str, Any]], placed: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return what the network computes and the chip does not count, then what no chip counts."""
    names = {PRODUCT: "products of activations", "function_layer": "layers called as functions"}
    counted = {row["name"] for row in placed}
    kinds = dict.fromkeys(
        row["kind"] for row in rows if row["name"] not in counted and not row["on_layer_unit"]
    )
    wires = ["wires between buffer and digital units"] if placed else []
    return [*(names.get(kind, kind.replace("_", " ")) for kind in kinds), *ALWAYS_LEFT_OUT, *wires]


def _sram_context(point: DesignPoint) -> _native.Context:
    """Return the chip with SRAM cells that hold activations instead of weights.

    What a design says of its cell is about cells of another kind then, unless they are SRAM.
    """
    parameters = engine_parameters(point)
    parameters |= {
        "memcelltype": 1,
        "accesstype": 1,
        "cellBit": 1,
        "synapseBit": point.quantization.input_bits,
    }
    for name in ("resistanceOn", "resistanceOff", "chargeDelay"):
        parameters.pop(name, None)
    return load_context(parameters)


def _block(
    point: DesignPoint,
    row: Mapping[str, Any],
    context: _native.Context,
    settings: _native.BlockSettings,
) -> DigitalBlock:
    operations = 0.0
    if row["kind"] == PRODUCT:
        product = _native.DynamicProduct(row["batch"], row["vectors"], row["rows"], row["columns"])
        digital = point.chip.dynamic_products == "digital"
        evaluate = _native.digital_product if digital else _native.sram_product
        figures = evaluate(context, product, settings)
        operations = 2.0 * row["batch"] * row["vectors"] * row["rows"] * row["columns"]
    else:
        figures = _native.digital_unit(context, _unit_work(row), settings)
    return DigitalBlock(
        row["name"],
        row["kind"],
        row["after"] - 1,
        figures.latency,
        dict(figures.energy),
        dict(figures.area),
        dict(figures.leakage),
        operations,
    )


def _unit_work(row: Mapping[str, Any]) -> _native.UnitWork:
    work = WORK[row["kind"]]
    out = _native.UnitWork()
    for name in ("component", "passes", "additions", "multiplications", "lookups", "row_steps"):
        setattr(out, name, getattr(work, name))
    pooled = row["length"] if work.component == "pooling" else 1
    out.elements = float(row["elements"] * pooled)
    out.length = row["length"]
    out.reads, out.writes, out.kept = work.reads, work.writes / pooled, work.kept / pooled
    return out


def _share(
    blocks: Sequence[DigitalBlock],
    groups: Sequence[Sequence[int]],
    buffers: Sequence[Sequence[int]],
) -> DigitalPart:
    """Give each group of blocks the circuits of its largest member.

    A block answers for the leakage of shared circuits in proportion to its latency.
    """
    area: dict[str, float] = defaultdict(float)
    leakage: dict[str, float] = defaultdict(float)
    shares: list[dict[str, float]] = [{} for _ in blocks]
    for is_buffer, parts in ((False, groups), (True, buffers)):
        for group in parts:
            busy = math.fsum(blocks[n].latency for n in group)
            names = dict.fromkeys(name for n in group for name in blocks[n].area)
            for name in names:
                if (name == "digital_buffer") != is_buffer:
                    continue
                area[name] += max(blocks[n].area.get(name, 0.0) for n in group)
                watt = max(blocks[n].leakage.get(name, 0.0) for n in group)
                leakage[name] += watt
                for n in group:
                    shares[n][name] = watt * (blocks[n].latency / busy)
    return DigitalPart(blocks, dict(area), dict(leakage), shares)


def with_digital(report: Report, part: DigitalPart) -> Report:
    """Return the report of a chip with its digital blocks, which follow its layers.

    While the arrays wait for the blocks, all their tiles leak, and what else of the chip does.
    """
    if not part.blocks:
        layers = [
            replace(layer, scalars=layer.scalars | _digital_energy({})) for layer in report.layers
        ]
        chip = report.chip | _digital_energy({}) | _digital_size(part, 0.0)
        return Report(chip, layers, report.components)
    wait = part.latency - report.chip["latency_s"]
    layers = [_waiting(layer, wait) for layer in report.layers]
    layers += [
        _block_report(block, watt, part.latency)
        for block, watt in zip(part.blocks, part.shares, strict=True)
    ]
    energy = _sum_by_name(block.energy for block in part.blocks)
    busy = [block.latency for block in part.blocks]
    chip = report.chip | _digital_energy(energy)
    chip |= _digital_size(part, max(busy) if part.pipelined else math.fsum(busy))
    chip["latency_s"] = part.latency
    chip["area_m2"] += math.fsum(part.area.values())
    for name in ("energy_dynamic_j", "energy_leakage_j", "power_leakage_w"):
        chip[name] = math.fsum(layer.scalars[name] for layer in layers)
    components = [
        Component(f"digital.{name}", 1.0, part.area[name], part.leakage[name], 0.0)
        for name in part.area
    ]
    return Report(chip, layers, [*report.components, *components])


def _digital_energy(energy: Mapping[str, float]) -> dict[str, float]:
    products = math.fsum(energy.get(name, 0.0) for name in PRODUCT_COMPONENTS)
    rest = math.fsum(joule for name, joule in energy.items() if name not in PRODUCT_COMPONENTS)
    return {"energy_dynamic_products_j": products, "energy_digital_operations_j": rest}


def _digital_size(part: DigitalPart, latency: float) -> dict[str, float]:
    products = math.fsum(part.area.get(name, 0.0) for name in PRODUCT_COMPONENTS)
    rest = math.fsum(m2 for name, m2 in part.area.items() if name not in PRODUCT_COMPONENTS)
    return {
        "latency_digital_s": latency,
        "area_dynamic_products_m2": products,
        "area_digital_operations_m2": rest,
    }


def _sum_by_name(parts: Iterable[Mapping[str, float]]) -> dict[str, float]:
    total: dict[str, float] = defaultdict(float)
    for part in parts:
        for name, value in part.items():
            total[name] += value
    return dict(total)


def _waiting(layer: LayerReport, seconds: float) -> LayerReport:
    """Return a layer whose tiles, and share of the chip's circuits, leak for some more time."""
    leakage = {name: joule + layer.waiting[name] * seconds for name, joule in layer.leakage.items()}
    scalars = layer.scalars | _digital_energy({})
    scalars["energy_leakage_j"] += math.fsum(layer.waiting.values()) * seconds
    return replace(layer, scalars=scalars, leakage=leakage)


def _block_report(block: DigitalBlock, watt: Mapping[str, float], seconds: float) -> LayerReport:
    """Return the figures of a block in the columns of a layer."""
    leakage = {name: power * seconds for name, power in watt.items()}
    scalars = dict.fromkeys(LAYER_ZEROS, 0.0) | _digital_energy(block.energy)
    scalars |= {
        "utilization": 1.0,
        "latency_s": block.latency,
        "latency_other_s": block.latency,
        "energy_dynamic_j": math.fsum(block.energy.values()),
        "energy_leakage_j": math.fsum(leakage.values()),
        "power_leakage_w": math.fsum(watt.values()),
    }
    return LayerReport(scalars, dict(block.energy), leakage, dict(watt))
