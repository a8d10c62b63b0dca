"""The ppa stage: power, performance and area of one design point's chip.

It reads what the map and trace stages have written and needs neither torch nor pandas, because a
campaign runs it for thousands of points.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from cimsim import _native, schemas
from cimsim.campaign.design import DesignPoint
from cimsim.campaign.layer_design import layer_designs
from cimsim.errors import UserError
from cimsim.ppa.digital import OFF_ARRAYS, PRODUCT, DigitalPart, evaluate_digital, with_digital
from cimsim.ppa.engine import (
    Activity,
    Codes,
    NetworkLayer,
    Report,
    needs_weights,
    performance,
    unpadded_positions,
)
from cimsim.ppa.generator import stored_codes
from cimsim.ppa.parameters import chip_contexts, errors_in_design_terms
from cimsim.tables import read_table, rows, write_table

Tables = dict[str, dict[str, list[Any]]]
"""Columns of the tables ``chip``, ``layers`` and ``components``."""

COMPONENTS = {
    "cells": "array",
    "layout": "layout",
    "precharger": "precharger",
    "write_driver": "write_driver",
    "word_line_level_shifter": "level_shifter",
    "source_line_level_shifter": "level_shifter",
    "bit_line_level_shifter": "level_shifter",
    "word_line_switch": "word_line_driver",
    "word_line_pass_gates": "word_line_driver",
    "word_line_repeaters": "word_line_driver",
    "row_decoder": "word_line_driver",
    "row_decoder_driver": "word_line_driver",
    "cross_point_decoder_driver": "word_line_driver",
    "source_line_switch": "source_line_driver",
    "column_mux": "column_mux",
    "column_mux_decoder": "column_mux",
    "sense_amplifier": "adc",
    "multilevel_sense_amplifier": "adc",
    "adc_encoder": "adc",
    "sar_adc": "adc",
    "weight_shift_add": "shift_add",
    "input_shift_add": "shift_add",
    "adder": "accumulation",
    "register": "accumulation",
    "pe_adder_tree": "accumulation",
    "pe_input_buffer": "pe_buffer",
    "pe_output_buffer": "pe_buffer",
    "pe_input_bus": "pe_bus",
    "pe_output_bus": "pe_bus",
    "tile_accumulation": "accumulation",
    "tile_activation": "activation",
    "tile_input_buffer": "tile_buffer",
    "tile_output_buffer": "tile_buffer",
    "tile_htree": "tile_htree",
    "chip_activation": "activation",
    "chip_accumulation": "accumulation",
    "chip_pooling": "pooling",
    "chip_global_bus": "global_bus",
    "chip_global_buffer": "global_buffer",
    "global_bus": "global_bus",
    "global_buffer_read": "global_buffer",
    "global_buffer_write": "global_buffer",
}
"""Component of components.parquet that each circuit of the engine belongs to."""


@dataclass(frozen=True)
class Network:
    """What all design points with the same mapping and trace share.

    Attributes:
        layers: layer table (schemas.LAYERS).
        weights: weight codes (schemas.WEIGHT_CODES).
        trace: input codes of one or more images (schemas.TRACE); energies are means over them.
        threads: threads to use; results do not depend on them.
        operations: what the network computes besides (schemas.OPERATIONS).
    """

    layers: pa.Table
    weights: pa.Table
    trace: pa.Table
    threads: int = 1
    operations: pa.Table = field(default_factory=schemas.OPERATIONS.empty_table)
    _activities: dict[Any, Activity] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def read(cls, mapping: Path, trace: Path, threads: int = 1) -> Self:
        """Read the files of the map and trace stages in these folders.

        Raises:
            UserError: a file cannot be used.
        """
        return cls(
            read_table(mapping / "layers.parquet", schemas.LAYERS),
            read_table(mapping / "weights.parquet", schemas.WEIGHT_CODES),
            read_table(trace / "trace.parquet", schemas.TRACE),
            threads,
            read_table(mapping / "operations.parquet", schemas.OPERATIONS),
        )

    def activity(
        self,
        point: DesignPoint,
        network: Sequence[NetworkLayer],
        placed: Sequence[dict[str, Any]],
        designs: Sequence[DesignPoint],
        *,
        with_weights: bool,
    ) -> Activity:
        """Return the activity of the layers `network` of a chip, which are the rows `placed`.

        `designs` are those of these layers. It is kept for the next design point that sees the
        same codes.

        Raises:
            UserError: the tables do not fit together.
        """
        fidelity = point.fidelity
        input_bits = [design.quantization.input_bits for design in designs]
        weight_bits = [design.quantization.weight_bits for design in designs]
        seen = (
            tuple(network),
            tuple(input_bits),
            (*weight_bits, fidelity.weight_digits, fidelity.stem_trace) if with_weights else (),
        )
        if seen not in self._activities:
            inputs = _input_codes(network, self.trace, input_bits)
            stored = (
                _stored_weights(placed, self.weights, point, weight_bits) if with_weights else []
            )
            made = Activity(network, inputs, stored, input_bits, self.threads)
            self._activities[seen] = made
        return self._activities[seen]


def write_tables(tables: Tables, output: Path, provenance: Mapping[str, Any]) -> None:
    """Write chip.parquet, layers.parquet and components.parquet to the folder `output`.

    Raises:
        UserError: a file cannot be written.
    """
    write_table(output / "chip.parquet", tables["chip"], schemas.CHIP, provenance)
    write_table(output / "layers.parquet", tables["layers"], schemas.PPA_LAYERS, provenance)
    write_table(output / "components.parquet", tables["components"], schemas.COMPONENTS, provenance)


def evaluate_design(point: DesignPoint, shared: Network) -> Tables:
    """Return the columns of the three tables of a design point.

    Layers that the design keeps off the arrays are left out of the chip, except a first layer under
    ``fidelity.first_layer: float``, which the reference places on the chip all the same.

    Raises:
        UserError: the model has no circuit for the design, or the tables do not fit together.
    """
    every = list(rows(shared.layers))
    placed = [row for row in every if _on_chip(row, point)]
    if not placed:
        raise UserError(
            "no layer of the network is on the arrays (quantization.float_layers), so that there "
            "is no chip to evaluate"
        )
    of_layer = layer_designs(point, [row["layer"] for row in every])
    designs = [of_layer[row["layer"]] for row in placed]
    context, tiles = chip_contexts(point, designs)
    network = [_network_layer(row, point) for row in placed]
    activity = shared.activity(point, network, placed, designs, with_weights=needs_weights(context))
    indices = [row["index"] for row in placed]
    operations = list(rows(shared.operations))
    if len(placed) < shared.layers.num_rows:
        operations.append({"name": "", "kind": OFF_ARRAYS, "on_layer_unit": False})
    return chip_tables(point, context, network, indices, activity, operations, tiles)


def chip_tables(
    point: DesignPoint,
    context: _native.Context,
    network: Sequence[NetworkLayer],
    indices: Sequence[int],
    activity: Activity,
    operations: Sequence[Mapping[str, Any]] = (),
    tiles: Sequence[_native.Context] | None = None,
) -> Tables:
    """Evaluate a chip and return the columns of its three tables.

    Args:
        point: the design.
        context: its technology and parameters (:func:`cimsim.ppa.parameters.chip_contexts`).
        network: the layers on the chip.
        indices: place of each layer in the network's order of execution.
        activity: that of the layers.
        operations: what the network computes besides (rows of schemas.OPERATIONS).
        tiles: technology and parameters of the tiles of each layer, where they differ.

    Raises:
        UserError: the model has no circuit for the design.
    """
    with errors_in_design_terms(point):
        report = activity.evaluate(context, tiles)
        report.check_layout()
        report.check_finite()
    digital = evaluate_digital(
        point,
        operations,
        clock_period=report.chip["clock_period_s"],
        array_latency=report.chip["latency_s"],
    )
    report = with_digital(report, digital)
    count = _operations(network, point) + sum(block.operations for block in digital.blocks)
    figures: dict[str, Any] = report.chip | performance(report.chip, count, context)
    figures["not_counted"] = "; ".join(digital.left_out)
    return {
        "chip": {
            c.name: [int(figures[c.name]) if pa.types.is_integer(c.type) else figures[c.name]]
            for c in schemas.CHIP
        },
        "layers": _layer_columns(point, network, indices, digital, report),
        "components": _component_columns(_names(network, digital), report),
    }


def _on_chip(row: Mapping[str, Any], point: DesignPoint) -> bool:
    return row["on_array"] or (row["index"] == 0 and point.fidelity.first_layer == "float")


def _network_layer(row: Mapping[str, Any], point: DesignPoint) -> NetworkLayer:
    """Return the layer of a row of the layer table.

    Raises:
        UserError: the reference's formula counts no input vector of the layer.
    """
    positions = float(row["vectors"])
    if point.fidelity.trace_vectors == "unpadded":
        positions = unpadded_positions(
            row["in_height"],
            row["in_width"],
            row["kernel_height"],
            row["kernel_width"],
            row["stride"],
        )
        if positions <= 0:
            raise UserError(
                f"layer {row['layer']}: fidelity.trace_vectors is unpadded, which counts no input "
                f"vector where a map ({row['in_height']} x {row['in_width']}) is smaller than the "
                f"kernel ({row['kernel_height']} x {row['kernel_width']}); allowed: all"
            )
    return NetworkLayer(
        name=row["layer"],
        height=row["in_height"],
        width=row["in_width"],
        in_channels=row["in_channels"],
        kernel_height=row["kernel_height"],
        kernel_width=row["kernel_width"],
        out_channels=row["out_channels"],
        pooled=row["pooled"],
        positions=positions,
        groups=row["groups"],
    )


def _operations(network: Sequence[NetworkLayer], point: DesignPoint) -> float:
    """Return the operations of an image, two for each multiplication with a sum.

    The reference counts every input pixel, whatever stride and padding (chip quirk 3).
    """
    unpadded = point.fidelity.trace_vectors == "unpadded"
    return sum(
        2.0
        * (layer.height * layer.width if unpadded else layer.positions)
        * layer.rows
        * layer.out_channels
        for layer in network
    )


def _matrix(row: Mapping[str, Any], columns: str, kind: type[np.integer[Any]]) -> NDArray[Any]:
    """Return the codes of a row of a table as a matrix."""
    codes = np.frombuffer(row["codes"], dtype=kind)
    if codes.size != row["rows"] * row[columns]:
        raise UserError(
            f"layer {row['layer']}: {codes.size} codes do not make {row['rows']} rows of "
            f"{row[columns]} {columns}; delete the file and run again"
        )
    return codes.reshape(row["rows"], row[columns])


def _input_codes(
    network: Sequence[NetworkLayer], trace: pa.Table, input_bits: Sequence[int]
) -> list[list[Codes]]:
    images: dict[str, list[Codes]] = defaultdict(list)
    bits_of = {layer.name: bits for layer, bits in zip(network, input_bits, strict=True)}
    # Views of the table's memory: as Python bytes a trace would be there twice.
    stored = (codes.as_buffer() for codes in trace["codes"])
    for row, codes in zip(rows(trace.drop_columns("codes")), stored, strict=True):
        bits = bits_of.get(row["layer"], row["bits"])
        if row["bits"] != bits:
            raise UserError(
                f"layer {row['layer']} of the trace has {row['bits']} input bits but "
                f"quantization.input_bits is {bits}"
            )
        kind = np.uint8 if bits <= 8 else np.uint16
        images[row["layer"]].append(_matrix({**row, "codes": codes}, "vectors", kind))
    for layer in network:
        if layer.name not in images:
            raise UserError(f"layer {layer.name} is missing in the trace")
    return [images[layer.name] for layer in network]


def _stored_weights(
    placed: Sequence[dict[str, Any]],
    weights: pa.Table,
    point: DesignPoint,
    weight_bits: Sequence[int],
) -> list[NDArray[np.int32]]:
    """Return what the cells of each layer store: offset binary, or the faults of the reference.

    With ``fidelity.weight_digits: parity`` the codes, shifted to be non-negative, are read with the
    range (-1, 1), so that only a parity bit is stored (chip quirk 1); a first layer traced in
    floating point then has weights 0 (chip quirk 4).
    """
    bits_of = {row["layer"]: bits for row, bits in zip(placed, weight_bits, strict=True)}
    stored = {}
    for row in rows(weights):
        if row["layer"] not in bits_of:
            continue
        bits = bits_of[row["layer"]]
        kind = np.int8 if bits <= 8 else np.int16
        codes = _matrix(row, "columns", kind).astype(np.int32)
        if point.fidelity.weight_digits == "parity":
            stored[row["layer"]] = stored_codes(codes - codes.min(), bits).astype(np.int32)
        else:
            stored[row["layer"]] = codes + 2 ** (bits - 1)
    first = placed[0]
    if not first["on_array"] and point.fidelity.stem_trace == "float_truncated":
        stored[first["layer"]] = np.full_like(stored[first["layer"]], 2 ** (weight_bits[0] - 1))
    missing = [row["layer"] for row in placed if row["layer"] not in stored]
    if missing:
        raise UserError(f"layer {missing[0]} is missing in the weights")
    return [stored[row["layer"]] for row in placed]


def _names(network: Sequence[NetworkLayer], digital: DigitalPart) -> list[str]:
    return [*(layer.name for layer in network), *(block.name for block in digital.blocks)]


def _layer_columns(
    point: DesignPoint,
    network: Sequence[NetworkLayer],
    indices: Sequence[int],
    digital: DigitalPart,
    report: Report,
) -> dict[str, list[Any]]:
    blocks = digital.blocks
    places = [
        "novel" if x.scalars["novel"] else "conventional" for x in report.layers[: len(network)]
    ]
    places += [point.chip.dynamic_products if b.kind == PRODUCT else "unit" for b in blocks]
    columns: dict[str, list[Any]] = {
        "layer": _names(network, digital),
        "index": [*indices, *(block.index for block in blocks)],
        "operation": ["matrix"] * len(network) + [block.kind for block in blocks],
        "mapping": places,
    }
    for column in schemas.PPA_LAYERS:
        if column.name not in columns:
            whole = pa.types.is_integer(column.type)
            values = [layer.scalars[column.name] for layer in report.layers]
            columns[column.name] = [int(value) if whole else value for value in values]
    return columns


def _circuit(name: str) -> str:
    """Return the key in :data:`COMPONENTS` of a circuit that is named by level and part."""
    level, _, part = name.partition(".")
    if level in ("subarray", "digital"):
        return part
    return f"{level.removeprefix('novel_').removeprefix('conventional_')}_{part}"


def _component(circuit: str) -> str:
    """Return the component of a circuit; those of digital blocks are components by themselves."""
    return COMPONENTS.get(circuit, circuit)


def _component_columns(names: Sequence[str], report: Report) -> dict[str, list[Any]]:
    """Return area and leakage of the chip's components, then the energies of each layer's."""
    area: dict[str, float] = defaultdict(float)
    leakage: dict[str, float] = defaultdict(float)
    for circuit in report.components:
        component = _component(_circuit(circuit.name))
        area[component] += circuit.copies * circuit.area
        leakage[component] += circuit.copies * circuit.leakage
    entries: list[tuple[str | float, ...]] = [
        ("chip", name, area[name], 0.0, 0.0, leakage[name]) for name in area
    ]
    for layer, figures in zip(names, report.layers, strict=True):
        energies: dict[str, list[float]] = defaultdict(lambda: [0.0, 0.0])
        for which, parts in enumerate((figures.energy, figures.leakage)):
            for part, joule in parts.items():
                energies[_component(part)][which] += joule
        entries += [(layer, name, 0.0, *both, 0.0) for name, both in energies.items() if any(both)]
    return {
        name: [entry[i] for entry in entries] for i, name in enumerate(schemas.COMPONENTS.names)
    }
