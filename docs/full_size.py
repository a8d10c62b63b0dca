"""Chips at full size beside published figures, for docs/paper.md.

``python docs/full_size.py --write`` computes the tables; without ``--write`` it compares them. The
networks are VGG-8 and ResNet-18 at full width on synthetic traces (cimsim/ppa/generator.py), so
that neither data sets nor trained networks are needed and every machine computes the same.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pages import compare_or_write, replaced

from cimsim.campaign.design import DesignPoint
from cimsim.campaign.keys import unflatten
from cimsim.campaign.labels import rounded
from cimsim.ppa import generator
from cimsim.ppa.cases import read_network, reference_operations
from cimsim.ppa.engine import Activity, NetworkLayer, performance
from cimsim.ppa.parameters import design_context

ROOT = Path(__file__).parents[1]
FILE = ROOT / "docs" / "paper.md"
NETWORKS = ROOT / "benchmarks" / "networks"

BITS = 8
NODES = (130, 90, 65, 45, 32, 22, 14, 10, 7, 5, 3, 2, 1)

VGG8_RUN = {
    "area_m2": 1.20392e-4,
    "clock_period_s": 2.39073e-9,
    "latency_s": 187.591e-6,
    "energy_dynamic_j": 65.8462e-6,
    "energy_leakage_j": 0.500693e-6,
    "tops": 6.56659,
    "tops_per_w": 15.2185,
    "tops_per_mm2": 0.0545432,
}
"""What the released program of DNN+NeuroSim V1.5 prints for VGG-8 with its own settings, on the
trace of a trained network on CIFAR-10."""

RESNET18_QUOTED = {"tops": 11.6, "tops_per_w": 21.3}
"""Default design of V1.5 with ResNet-18 on CIFAR-100, second-hand."""

UNITS = {
    "area_m2": ("area", 1e6, "mm²"),
    "clock_period_s": ("clock period", 1e9, "ns"),
    "latency_s": ("time per image", 1e6, "µs"),
    "energy_dynamic_j": ("dynamic energy", 1e6, "µJ"),
    "energy_leakage_j": ("leakage energy", 1e6, "µJ"),
    "tops": ("throughput", 1.0, "TOPS"),
    "tops_per_w": ("efficiency", 1.0, "TOPS/W"),
    "tops_per_mm2": ("throughput per area", 1.0, "TOPS/mm²"),
}

Codes = NDArray[np.uint8]
Inputs = Callable[[int, int, int, int, int], Codes]
"""As generator.inputs: seed, layer, rows, vectors, bits."""


def constant(code: int) -> Inputs:
    """Return inputs that all have one code."""
    return lambda seed, layer, rows, vectors, bits: np.full((rows, vectors), code, np.uint8)


@cache
def layers(network: str, padded: bool) -> list[NetworkLayer]:
    """Return the layers of a network, with or without the vectors that padding adds."""
    found = read_network(NETWORKS / f"{network}.csv")
    if not padded:
        return found
    lines = (NETWORKS / f"{network}.csv").read_text(encoding="utf-8").split()[1:]
    strides = [int(line.split(",")[8]) for line in lines]
    return [
        NetworkLayer(**vars(layer) | {"positions": float(layer.height * layer.width // stride**2)})
        for layer, stride in zip(found, strides, strict=True)
    ]


@cache
def activity(network: str, padded: bool, inputs: Inputs) -> Activity:
    """Return what a trace of one image implies for chips that sense by voltage."""
    shown = layers(network, padded)
    codes = [
        [inputs(1, number, layer.rows, int(layer.positions), BITS)]
        for number, layer in enumerate(shown)
    ]
    return Activity(shown, codes, [], BITS)


def chip(
    network: str,
    fields: dict[str, Any] | None = None,
    *,
    padded: bool = False,
    inputs: Inputs = generator.inputs,
    strided: bool = False,
) -> dict[str, float]:
    """Return the figures of the chip of a design, 22 nm RRAM where `fields` say nothing.

    Args:
        network: vgg8 or resnet18.
        fields: design fields by dotted name.
        padded: count the input vectors of padding (cimsim) or not (V1.5).
        inputs: codes of the inputs.
        strided: count operations at the positions that are computed, not at all positions of the
            feature map as V1.5 does; `padded` counts them in any case.
    """
    context = design_context(DesignPoint.model_validate(unflatten(fields or {})))
    figures = activity(network, padded, inputs).evaluate(context).chip
    counted = layers(network, padded or strided)
    operations = (
        sum(2.0 * x.positions * x.rows * x.out_channels for x in counted)
        if padded or strided
        else reference_operations(counted)
    )
    return figures | performance(figures, operations, context)


def vgg8_default() -> str:
    """Return the table of VGG-8 with the settings of V1.5."""
    like, own = chip("vgg8"), chip("vgg8", padded=True)
    lines = ["| | V1.5 | ours, as V1.5 counts | | ours | |", "|---|---:|---:|---:|---:|---:|"]
    for name, theirs in VGG8_RUN.items():
        words, scale, unit = UNITS[name]
        cells = [f"{words}, {unit}", rounded(theirs * scale, 4)]
        for found in (like, own):
            cells += [rounded(found[name] * scale, 4), difference(found[name], theirs)]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


RESNET18_CASES: dict[str, dict[str, Any]] = {
    "as V1.5 counts": {},
    "all inputs 0: no activity": {"inputs": constant(0)},
    "all inputs 255: full activity": {"inputs": constant(255)},
    "operations with stride": {"strided": True},
    "operations with stride, all inputs 0": {"strided": True, "inputs": constant(0)},
    "conventional mapping": {"fields": {"chip.mapping": "conventional"}},
    "layer by layer": {"fields": {"chip.pipeline": False}},
    "without the factors of silicon": {"fields": {"chip.post_layout_calibration": False}},
    "energies as printed, without the post-layout factor": {
        "fields": {"chip.calibration.post_layout_energy": 1.0}
    },
    "ADC of 6 bits": {"fields": {"array.adc.bits": 6}},
    "SRAM cells": {"fields": {"cell.technology": "sram"}},
    "ours: padding and stride counted": {"padded": True},
}
"""What may stand behind the quoted figures; V1.5's default design but for what is named."""


def resnet18_default() -> str:
    """Return the table of ResNet-18 with the settings of V1.5 and one thing changed at a time."""
    lines = ["| | TOPS | | TOPS/W | |", "|---|---:|---:|---:|---:|"]
    quoted = [str(RESNET18_QUOTED["tops"]), "", str(RESNET18_QUOTED["tops_per_w"]), ""]
    lines.append(f"| quoted | {' | '.join(quoted)} |")
    for words, changed in RESNET18_CASES.items():
        found = chip("resnet18", **changed)
        cells = [words]
        for name, theirs in RESNET18_QUOTED.items():
            cells += [rounded(found[name], 3), difference(found[name], theirs)]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def scaling() -> str:
    """Return the table of nodes: VGG-8 on SRAM."""
    names = ("area_m2", "energy_dynamic_j", "energy_leakage_j", "latency_s", "tops_per_w")
    names += ("tops_per_mm2",)
    titles = [f"{UNITS[name][0]}, {UNITS[name][2]}" for name in names]
    lines = [f"| node, nm | {' | '.join(titles)} |", f"|---:|{'---:|' * len(names)}"]
    for node in NODES:
        found = chip("vgg8", {"cell.technology": "sram", "chip.node": node}, padded=True)
        cells = [rounded(found[name] * UNITS[name][1]) for name in names]
        lines.append(f"| {node} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


PARTS = ("adc", "accumulation", "interconnect", "array", "other")
"""Parts of an area; of an energy `array` is part of `other`, `buffer` and `interconnect` too."""


def breakdowns() -> str:
    """Return the shares of area and dynamic energy by component."""
    lines = [
        "| chip | area, mm² | array | ADC | accumulation | interconnect | other "
        "| energy, µJ | ADC | accumulation | interconnect | buffers | other |",
        f"|---|{'---:|' * 12}",
    ]
    for network, title in (("vgg8", "VGG-8"), ("resnet18", "ResNet-18")):
        for technology in ("rram", "sram"):
            found = chip(network, {"cell.technology": technology}, padded=True)
            area, energy = found["area_m2"], found["energy_dynamic_j"]
            parts = ("array", "adc", "accumulation", "interconnect")
            areas = [found[f"area_{part}_m2"] for part in parts]
            moved = [found[f"energy_{part}_j"] for part in ("interconnect", "buffer")]
            energies = [found["energy_adc_j"], found["energy_accumulation_j"], *moved]
            cells = [f"{title}, {technology.upper()}", rounded(area * 1e6)]
            cells += [f"{value / area:.1%}" for value in (*areas, area - sum(areas))]
            cells += [rounded(energy * 1e6)]
            cells += [f"{value / energy:.1%}" for value in (*energies, energy - sum(energies))]
            lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def difference(ours: float, theirs: float) -> str:
    """Return the relative difference in words."""
    percent = 100.0 * (ours / theirs - 1.0)
    return "0" if abs(percent) < 0.005 else f"{percent:+.2f} %"


TABLES = {
    "vgg8 default": vgg8_default,
    "resnet18 default": resnet18_default,
    "scaling": scaling,
    "breakdowns": breakdowns,
}


def updated(text: str) -> str:
    """Return the text of docs/paper.md with its tables computed anew."""
    for name, compute in TABLES.items():
        begin, end = f"<!-- {name}: begin -->\n", f"<!-- {name}: end -->"
        text = replaced(text, begin, end, compute())
    return text


def main() -> int:
    """Compare the tables with the page, or write them; return the exit status."""
    return compare_or_write(FILE, updated(FILE.read_text(encoding="utf-8")))


if __name__ == "__main__":
    raise SystemExit(main())
