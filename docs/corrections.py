"""What each fidelity switch changes on VGG-8, for docs/fidelity.md.

``python docs/corrections.py --write`` computes the tables of effects; without ``--write`` it
compares them. The trace is synthetic (cimsim/ppa/generator.py), so that no network is trained and
every machine computes the same.
"""

from __future__ import annotations

import sys
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pages import compare_or_write, replaced

from cimsim.campaign.design import DesignPoint
from cimsim.campaign.fidelity import CircuitFidelity
from cimsim.campaign.keys import unflatten
from cimsim.ppa import generator
from cimsim.ppa.engine import (
    NetworkLayer,
    evaluate,
    needs_weights,
    performance,
    unpadded_positions,
)
from cimsim.ppa.parameters import design_context

FILE = Path(__file__).with_name("fidelity.md")

DESIGNS: dict[str, dict[str, Any]] = {
    "22 nm RRAM": {},
    "7 nm SRAM": {"cell.technology": "sram", "chip.node": 7},
}

SAR = {"22 nm RRAM, SAR ADC": {"array.adc.kind": "sar"}}
"""A design whose sensing depends on the stored weights."""

INPUT_PATH = {
    "trace_vectors": {"fidelity.trace_vectors": "unpadded"},
    "weight_digits": {"fidelity.weight_digits": "parity"},
}
"""Switches of the input path that change the figures of a chip, on the side of the reference."""

EXAMPLES: dict[str, dict[str, Any]] = {
    "clock_limit": {"chip.clock_frequency": 1e8},
    "shift_add_width": {"cell.bits": 2, "array.parallel_rows": 32, "array.adc.bits": 5},
    "shared_weights": {"array.adc.columns_shared": 4},
    "wire_directions": {"array.adc.kind": "sar"},
    "fefet_access": {"cell.technology": "fefet", "array.adc.kind": "sar"},
    "word_line_load": {"cell.technology": "sram", "array.adc.columns_shared": 1},
    "mux_driver_size": {"chip.node": 32},
    "mux_decoder_load": {"array.adc.columns_shared": 4},
    "pass_gate_current": {"array.adc.columns_shared": 1},
    "empty_elements": {"chip.mapping": "conventional", "chip.pipeline": False},
    "buffer_sense_load": {"chip.global_buffer": "sram", "chip.tile_buffer": "sram"},
    "repeater_leakage": {"cell.technology": "sram", "chip.node": 2},
    "waiting_leakage": {"chip.pipeline": False},
}
"""A design (beside 22 nm RRAM) on which a switch acts that changes nothing on DESIGNS."""

FIGURES = ("area_m2", "energy_dynamic_j", "energy_leakage_j", "latency_s", "tops_per_w")

UNITS = {
    "area_m2": ("area", 1e6, "mm²"),
    "energy_dynamic_j": ("dynamic energy", 1e6, "µJ"),
    "energy_leakage_j": ("leakage energy", 1e6, "µJ"),
    "latency_s": ("latency", 1e6, "µs"),
    "tops_per_w": ("TOPS/W", 1.0, ""),
}


@cache
def trace(unpadded: bool) -> tuple[list[NetworkLayer], list[list[NDArray[np.uint8]]]]:
    """Return the layers of VGG-8 and their input codes."""
    layers, inputs = [], []
    for number, (side, channels, kernel, outputs, pooled) in enumerate(generator.VGG8):
        positions = float(side * side)
        if unpadded:
            positions = unpadded_positions(side, side, kernel, kernel, 1)
        sizes = (side, side, channels, kernel, kernel, outputs)
        layer = NetworkLayer(f"layer{number}", *sizes, pooled, positions)
        layers.append(layer)
        inputs.append([generator.inputs(1, number, layer.rows, side * side, 8)])
    return layers, inputs


def figures(fields: dict[str, Any]) -> dict[str, float]:
    """Return the figures of VGG-8 on the chip of a design."""
    point = DesignPoint.model_validate(unflatten(fields))
    context = design_context(point)
    unpadded = point.fidelity.trace_vectors == "unpadded"
    layers, inputs = trace(unpadded)
    weights = []
    if needs_weights(context):
        for number, layer in enumerate(layers):
            codes = generator.weights(1, number, layer.rows, layer.out_channels, 8)
            if point.fidelity.weight_digits == "parity":
                codes = generator.stored_codes(codes, 8)
            weights.append(codes.astype(np.int32))
    chip = evaluate(context, layers, inputs, weights).chip
    operations = sum(
        2.0 * (x.height * x.width if unpadded else x.positions) * x.rows * x.out_channels
        for x in layers
    )
    found = chip | performance(chip, operations, context)
    return {name: found[name] for name in FIGURES}


def table(
    designs: dict[str, dict[str, Any]], switches: dict[str, tuple[dict[str, Any], str]]
) -> str:
    """Return the changes (%) that each switch makes on its own, by design."""
    lines = []
    for title, base in designs.items():
        before = figures(base)
        names = [f"{UNITS[name][0]}" for name in FIGURES]
        lines += [f"**{title}**", "", f"| switch | {' | '.join(names)} | what it does |"]
        lines.append(f"|---|{'---:|' * len(FIGURES)}---|")
        plain = [_quantity(name, before[name]) for name in FIGURES]
        lines.append(f"| none | {' | '.join(plain)} | |")
        for switch, (fields, text) in switches.items():
            after = figures(base | fields)
            changes = [_change(before[name], after[name]) for name in FIGURES]
            lines.append(f"| `{switch}` | {' | '.join(changes)} | {text} |")
        lines.append("")
    return "\n".join(lines)


def _quantity(name: str, value: float) -> str:
    _, scale, unit = UNITS[name]
    return f"{value * scale:.4g} {unit}".strip()


def _change(before: float, after: float) -> str:
    if after == before:
        return "0"
    if before == 0.0:
        return "new"
    percent = 100.0 * (after / before - 1.0)
    return "< 0.01 %" if abs(percent) < 0.005 else f"{percent:+.2f} %"


def circuit_effects() -> str:
    """Return the table of the circuit-path switches."""
    switches = {
        name: ({f"fidelity.circuit.{name}": True}, str(field.description))
        for name, field in CircuitFidelity.model_fields.items()
    }
    return table(DESIGNS, switches)


def example_effects() -> str:
    """Return the table of switches that act on other designs than DESIGNS."""
    names = [UNITS[name][0] for name in FIGURES]
    lines = [f"| switch | design | {' | '.join(names)} |", f"|---|---|{'---:|' * len(FIGURES)}"]
    for switch, fields in EXAMPLES.items():
        before = figures(fields)
        after = figures(fields | {f"fidelity.circuit.{switch}": True})
        design = ", ".join(f"`{name}: {_yaml(value)}`" for name, value in fields.items())
        changes = [_change(before[name], after[name]) for name in FIGURES]
        lines.append(f"| `{switch}` | {design} | {' | '.join(changes)} |")
    return "\n".join(lines) + "\n"


def _yaml(value: object) -> str:
    return str(value).lower()


def input_effects() -> str:
    """Return the table of the input-path switches."""
    texts = {
        "trace_vectors": "reference: padding is not counted, and operations ignore it and stride",
        "weight_digits": "reference: integer weights are read as if in (-1, 1), parity remains",
    }
    switches = {name: (fields, texts[name]) for name, fields in INPUT_PATH.items()}
    return table({**DESIGNS, **SAR}, switches)


def updated(text: str) -> str:
    """Return the text of docs/fidelity.md with its tables computed anew."""
    tables = {"circuit": circuit_effects, "example": example_effects, "input": input_effects}
    for name, compute in tables.items():
        marker = f"<!-- {name} effects -->\n"
        text = replaced(text, marker, "<!-- end -->", f"\n{compute()}\n")
    return text


def main() -> int:
    """Compare the tables with the page, or write them; return the exit status."""
    return compare_or_write(FILE, updated(FILE.read_text(encoding="utf-8")))


if __name__ == "__main__":
    sys.exit(main())
