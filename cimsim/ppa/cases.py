"""Readers of reference figures of the power, performance and area model.

Two formats are known. A *table* folder has ``configs.jsonl.gz`` (one configuration a line),
``results.csv.gz`` and ``networks/*.csv``, and may have ``layers.csv.gz`` and ``breakdown.csv.gz``.
A *small* folder has one JSON file a configuration, ``<variant>_<net>.json``, and ``net<net>.csv``.
In both, weights and activations are generated (:mod:`cimsim.ppa.generator`).
"""

from __future__ import annotations

import csv
import gzip
import json
import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cimsim.errors import UserError
from cimsim.ppa import generator
from cimsim.ppa.engine import NetworkLayer, unpadded_positions

LayerArrays = tuple[NDArray[np.int32], NDArray[np.uint8]]
"""Stored weight codes [K, N] and inputs [K, V] of one layer."""

Figures = dict[str, float]


@dataclass(frozen=True)
class Case:
    """One configuration and the figures that the reference gives for it, under our names."""

    name: str
    status: str
    layers: list[NetworkLayer]
    operations: float
    parameters: dict[str, float]
    arrays: Callable[[], list[LayerArrays]]
    chip: Figures = field(default_factory=dict)
    layer_figures: list[Figures] = field(default_factory=list)
    layer_energies: list[Figures] = field(default_factory=list)
    components: dict[str, Figures] = field(default_factory=dict)
    """Area (``area``, of all cores), ``leakage`` and ``sensing_time`` of a circuit."""


CHIP_COLUMNS = {
    "clock_period_s": "clock_period_s",
    "tile_size_cm_cells": "tile_size_cells",
    "pe_size_cm_cells": "pe_size_cells",
    "pe_size_nm_cells": "novel_pe_size_cells",
    "novel_pe_per_tile": "novel_pe_per_tile",
    "tiles_nm": "novel_tiles",
    "tiles_cm": "conventional_tiles",
    "tiles_total": "tiles",
    "grid_rows": "tile_grid_rows",
    "grid_cols": "tile_grid_columns",
    "memory_utilization": "memory_utilization",
    "area_chip_m2": "area_m2",
    "area_array_m2": "area_array_m2",
    "area_ic_m2": "area_interconnect_m2",
    "area_adc_m2": "area_adc_m2",
    "area_accum_m2": "area_accumulation_m2",
    "area_other_m2": "area_other_m2",
    "height_tile_nm_m": "novel_tile_height_m",
    "height_tile_cm_m": "conventional_tile_height_m",
    "latency_s": "latency_s",
    "energy_dynamic_j": "energy_dynamic_j",
    "energy_leakage_j": "energy_leakage_j",
    "power_leakage_w": "power_leakage_w",
    "latency_buffer_s": "latency_buffer_s",
    "energy_buffer_j": "energy_buffer_j",
    "latency_ic_s": "latency_interconnect_s",
    "energy_ic_j": "energy_interconnect_j",
    "latency_adc_s": "latency_adc_s",
    "latency_accum_s": "latency_accumulation_s",
    "latency_other_s": "latency_other_s",
    "energy_adc_j": "energy_adc_j",
    "energy_accum_j": "energy_accumulation_j",
    "energy_other_j": "energy_other_j",
    "ops": "operations",
    "tops_per_w": "tops_per_w",
    "tops": "tops",
    "frames_per_s": "frames_per_s",
    "tops_per_mm2": "tops_per_mm2",
    "eff_globalBusWidth": "global_bus_bits",
    "eff_numBufferCore": "global_buffer_cores",
    "eff_numInBufferCoreNM": "novel_tile_input_cores",
    "eff_numOutBufferCoreNM": "novel_tile_output_cores",
    "eff_numInBufferCoreCM": "conventional_tile_input_cores",
    "eff_numOutBufferCoreCM": "conventional_tile_output_cores",
    "eff_speedUpDegree": "speed_up_degree",
}
"""Columns of results.csv.gz and our names."""

LAYER_COLUMNS = {
    "novel": "novel",
    "tile_rows": "tile_rows",
    "tile_cols": "tile_columns",
    "speedup_rows": "speed_up_rows",
    "speedup_cols": "speed_up_columns",
    "utilization": "utilization",
    "tile_leakage_power_w": "tile_leakage_w",
    "tile_leakage_power_inuse_w": "tile_idle_leakage_w",
} | {
    name: CHIP_COLUMNS[name]
    for name in (
        "latency_s",
        "energy_dynamic_j",
        "energy_leakage_j",
        "power_leakage_w",
        "latency_buffer_s",
        "energy_buffer_j",
        "latency_ic_s",
        "energy_ic_j",
        "latency_adc_s",
        "latency_accum_s",
        "latency_other_s",
        "energy_adc_j",
        "energy_accum_j",
        "energy_other_j",
    )
}
"""Columns of layers.csv.gz and our names."""

SUBARRAY_PARTS = {
    "array": "cells",
    "array_row": "cells",
    "wllevelshifter": "word_line_level_shifter",
    "sllevelshifter": "source_line_level_shifter",
    "bllevelshifter": "bit_line_level_shifter",
    "wlSwitchMatrix": "word_line_switch",
    "wlNewSwitchMatrix": "word_line_pass_gates",
    "wlDecoder": "row_decoder",
    "wlNewDecoderDriver": "row_decoder_driver",
    "wlDecoderDriver": "cross_point_decoder_driver",
    "slSwitchMatrix": "source_line_switch",
    "precharger": "precharger",
    "sramWriteDriver": "write_driver",
    "mux": "column_mux",
    "muxDecoder": "column_mux_decoder",
    "senseAmp": "sense_amplifier",
    "multilevelSenseAmp": "multilevel_sense_amplifier",
    "multilevelSAEncoder": "adc_encoder",
    "sarADC": "sar_adc",
    "adder": "adder",
    "dff": "register",
    "shiftAddWeight": "weight_shift_add",
    "shiftAddInput": "input_shift_add",
}
ELEMENT_PARTS = {
    "adderTree": "adder_tree",
    "bufferIn": "input_buffer",
    "bufferOut": "output_buffer",
    "busIn": "input_bus",
    "busOut": "output_bus",
}
TILE_PARTS = {
    "accumulation": "accumulation",
    "bufferIn": "input_buffer",
    "bufferOut": "output_buffer",
    "hTree": "htree",
    "reLu": "activation",
    "sigmoid": "activation",
    "activation": "activation",
}
CHIP_PARTS = {
    "globalBufferCore": "global_buffer",
    "xyBus": "global_bus",
    "hTree": "global_bus",
    "bus": "global_bus",
    "maxPool": "pooling",
    "accumulation": "accumulation",
    "reLu": "activation",
    "sigmoid": "activation",
    "activation": "activation",
    "globalBuffer.read": "global_buffer_read",
    "globalBuffer.write": "global_buffer_write",
}


def _component_name(reference: str) -> str | None:
    """Return our name of a circuit of breakdown.csv.gz (scope hardware); None for sums."""
    level, _, part = reference.partition(".")
    kinds = {"NM": "novel", "CM": "conventional"}
    if level == "sub" and part in SUBARRAY_PARTS:
        return f"subarray.{SUBARRAY_PARTS[part]}"
    if level[:2] == "pe" and part in ELEMENT_PARTS:
        return f"{kinds[level[2:]]}_pe.{ELEMENT_PARTS[part]}"
    if level[:4] == "tile" and part in TILE_PARTS:
        return f"{kinds[level[4:]]}_tile.{TILE_PARTS[part]}"
    if level == "chip" and part in CHIP_PARTS:
        return f"chip.{CHIP_PARTS[part]}"
    return None


def _energy_name(reference: str) -> str | None:
    """Return our name of an energy of breakdown.csv.gz (scope layerN); None for sums."""
    level, _, part = reference.partition(".")
    if level == "sub":
        return SUBARRAY_PARTS.get(part)
    if level == "pe":
        return f"pe_{ELEMENT_PARTS[part]}"
    if level == "tile":
        return f"tile_{TILE_PARTS[part]}" if part in TILE_PARTS else None
    name = CHIP_PARTS[part]
    return name if name.startswith("global_") else f"chip_{name}"


def _number(text: str) -> float:
    return float(text) if text else float("nan")


def _rows(path: Path) -> Iterator[dict[str, str]]:
    if not path.exists():
        return
    with gzip.open(path, "rt") as file:
        yield from csv.DictReader(file)


def _layer(index: int, row: list[int]) -> NetworkLayer:
    height, width, channels, kernel_height, kernel_width, out_channels, pooled, stride = row
    return NetworkLayer(
        name=f"layer{index + 1}",
        height=height,
        width=width,
        in_channels=channels,
        kernel_height=kernel_height,
        kernel_width=kernel_width,
        out_channels=out_channels,
        pooled=bool(pooled),
        positions=unpadded_positions(height, width, kernel_height, kernel_width, stride),
    )


def reference_operations(layers: list[NetworkLayer]) -> float:
    """Return the operations that the reference counts: no stride and no padding (quirk 3)."""
    return float(sum(2 * x.height * x.width * x.rows * x.out_channels for x in layers))


@lru_cache(maxsize=16)
def _network(path: Path) -> list[NetworkLayer]:
    """Read a network: plain rows of eight numbers, or with a header and an index before them."""
    try:
        rows = [line.split(",") for line in path.read_text().split()]
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror}") from error
    if rows and not rows[0][0].isdigit():
        rows = [row[1:9] for row in rows[1:]]
    return [_layer(i, [int(value) for value in row]) for i, row in enumerate(rows)]


@lru_cache(maxsize=2)
def _counter_arrays(
    path: Path, seed: int, weight_bits: int, input_bits: int, encoding: tuple[float, float] | None
) -> list[LayerArrays]:
    """Weights and inputs of a network; `encoding` is the weight range of integer files, if any."""
    arrays = []
    for i, layer in enumerate(_network(path)):
        weights = generator.weights(seed, i, layer.rows, layer.out_channels, weight_bits)
        if encoding:
            weights = generator.stored_codes(weights, weight_bits, *encoding)
        inputs = generator.inputs(seed, i, layer.rows, int(layer.positions), input_bits)
        arrays.append((weights.astype(np.int32), inputs))
    return arrays


@lru_cache(maxsize=4)
def _gaussian_arrays(path: Path, seed: int, weight_bits: int) -> list[LayerArrays]:
    return [
        (generator.stored_codes(weights, weight_bits).astype(np.int32), inputs)
        for weights, inputs in generator.gaussian_layers(_network(path), seed)
    ]


def _unset_factors(parameters: Figures) -> Figures:
    """Return what the reference reads where its silicon calibration is off.

    It then never sets the activity of flip-flops (gamma) but still multiplies buffers by it: 0 in
    fresh memory (circuit quirk 40).
    """
    return {} if parameters.get("validated", 1.0) else {"gamma": 0.0}


def table_cases(folder: Path) -> Iterator[Case]:
    """Read the configurations of a table folder, in order."""
    results = {row["id"]: row for row in _rows(folder / "results.csv.gz")}
    layers: dict[str, list[dict[str, str]]] = defaultdict(list)
    for row in _rows(folder / "layers.csv.gz"):
        layers[row["id"]].append(row)
    parts: dict[str, list[dict[str, str]]] = defaultdict(list)
    for row in _rows(folder / "breakdown.csv.gz"):
        parts[row["id"]].append(row)
    with gzip.open(folder / "configs.jsonl.gz", "rt") as file:
        for line in file:
            config = json.loads(line)
            name = config["id"]
            yield _table_case(folder, config, results.get(name, {}), layers[name], parts[name])


def _table_case(
    folder: Path,
    config: dict[str, Any],
    result: dict[str, str],
    layer_rows: list[dict[str, str]],
    parts: list[dict[str, str]],
) -> Case:
    path = folder / "networks" / f"{config['network']}.csv"
    network = _network(path)
    given = dict(config["params"])
    parameters = {key: float(value) for key, value in given.items()}
    encoding = None
    if config["weight_encoding"] == "int":
        encoding = (given.get("algoWeightMin", -1.0), given.get("algoWeightMax", 1.0))
    weight_bits, input_bits = int(config["weight_precision"]), int(config["input_precision"])
    parameters |= {
        "synapseBit": weight_bits,
        "numBitInput": input_bits,
        "numRowSubArray": float(config["rows"]),
        "numRowParallel": float(config["rows_parallel"]),
    }
    parameters |= _unset_factors(parameters)
    components: dict[str, Figures] = {}
    energies: list[Figures] = [{} for _ in layer_rows]
    for row in parts:
        if row["scope"] == "hardware":
            name = _component_name(row["component"])
            if name:
                components[name] = {
                    "area": _number(row["area_m2"]),
                    "sensing_time": _number(row["latency_clock_search_s"]),
                }
                if name != "subarray.cells":  # listed without the leakage of the cells
                    components[name]["leakage"] = _number(row["leakage_w"])
        elif row["energy_j"]:
            part = _energy_name(row["component"])
            if part:
                energies[int(row["scope"].removeprefix("layer")) - 1][part] = _number(
                    row["energy_j"]
                )
    return Case(
        name=str(config["id"]),
        status=str(config["status"]),
        layers=network,
        operations=reference_operations(network),
        parameters=parameters,
        arrays=partial(
            _counter_arrays,
            path,
            int(config["seed"]),
            weight_bits,
            input_bits,
            encoding,
        ),
        chip={
            ours: _number(result[theirs])
            for theirs, ours in CHIP_COLUMNS.items()
            if theirs in result
        },
        layer_figures=[
            {ours: _number(row[theirs]) for theirs, ours in LAYER_COLUMNS.items() if theirs in row}
            for row in layer_rows
        ],
        layer_energies=energies,
        components=components,
    )


_EDIT = re.compile(r"s/\(?(?P<names>[\w|]+)\)? = [^/]*/[^/]* = (?P<value>[^/; ]+)[^/]*/")
"""One edit of the parameter file of a small case, in the notation of sed."""

_WORDS = {"true": 1.0, "false": 0.0}


def edited_parameters(text: str, known: list[str]) -> Figures:
    """Return the parameters that a small case sets.

    `text` holds the command line and the edits of the parameter file, for example
    ``cli '8 8 128 64'; param edits: s/SARADC = false/SARADC = true/``; an edit applies to every
    known parameter that ends in its name.

    Raises:
        UserError: no command line in the text, or an edit of an unknown parameter.
    """
    command = re.search(r"cli '(\d+) (\d+) (\d+) (\d+)'", text)
    if not command:
        raise UserError(f"reference case: no command line in '{text}'")
    names = ("synapseBit", "numBitInput", "numRowSubArray", "numRowParallel")
    parameters = {name: float(value) for name, value in zip(names, command.groups(), strict=True)}
    for edit in _EDIT.finditer(text):
        matching = [name for name in known if re.search(f"(?:{edit['names']})$", name)]
        if not matching:
            raise UserError(f"reference case: unknown parameter in edit '{edit[0]}'")
        value = _WORDS.get(edit["value"])
        parameters |= dict.fromkeys(matching, float(edit["value"]) if value is None else value)
    return parameters


_SEEDS = {"A": 1, "B": 2, "C": 3, "D": 4}
"""Seed of the traces of each small network."""

SMALL_CHIP = {
    "area": ("area_m2", 1e-12),
    "arr": ("area_array_m2", 1e-12),
    "IC": ("area_interconnect_m2", 1e-12),
    "ADC": ("area_adc_m2", 1e-12),
    "Acc": ("area_accumulation_m2", 1e-12),
    "Oth": ("area_other_m2", 1e-12),
    "clk": ("clock_period_s", 1e-9),
    "lat": ("latency_s", 1e-9),
    "dyn": ("energy_dynamic_j", 1e-12),
    "leakE": ("energy_leakage_j", 1e-12),
    "leakP": ("power_leakage_w", 1e-6),
    "bl": ("latency_buffer_s", 1e-9),
    "be": ("energy_buffer_j", 1e-12),
    "il": ("latency_interconnect_s", 1e-9),
    "ie": ("energy_interconnect_j", 1e-12),
    "TOPSW": ("tops_per_w", 1.0),
    "TOPS": ("tops", 1.0),
    "FPS": ("frames_per_s", 1.0),
    "TOPSmm2": ("tops_per_mm2", 1.0),
}
"""Chip figures of a small case: our name and the unit in SI."""

SMALL_CLASSES = (
    ("latency_adc_s", 1e-9),
    ("latency_accumulation_s", 1e-9),
    ("latency_other_s", 1e-9),
    ("energy_adc_j", 1e-12),
    ("energy_accumulation_j", 1e-12),
    ("energy_other_j", 1e-12),
)
"""The list ``brk`` of a small case."""

SMALL_LAYER = {
    "t_ns": ("latency_s", 1e-9),
    "E_pJ": ("energy_dynamic_j", 1e-12),
    "leakP_uW": ("power_leakage_w", 1e-6),
    "leakE_pJ": ("energy_leakage_j", 1e-12),
    "bufT_ns": ("latency_buffer_s", 1e-9),
    "bufE_pJ": ("energy_buffer_j", 1e-12),
    "icT_ns": ("latency_interconnect_s", 1e-9),
    "icE_pJ": ("energy_interconnect_j", 1e-12),
}

SMALL_BETWEEN = {
    ("SUB", "height_um"): ("subarray_height_m", 1e-6),
    ("SUB", "width_um"): ("subarray_width_m", 1e-6),
    ("SUB", "Tclk_ns"): ("sensing_cycle_s", 1e-9),
    ("SUB", "leak_uW"): ("subarray_leakage_w", 1e-6),
    ("SUB", "leakInUse_uW"): ("subarray_idle_leakage_w", 1e-6),
    ("SUB", "bsub"): ("partial_sum_bits", 1.0),
    ("NM", "peArea_um2"): ("novel_pe_area_m2", 1e-12),
    ("NM", "tileArea_um2"): ("novel_tile_area_m2", 1e-12),
    ("NM", "nIn"): ("novel_tile_input_cores", 1.0),
    ("NM", "nOut"): ("novel_tile_output_cores", 1.0),
    ("CM", "peArea_um2"): ("conventional_pe_area_m2", 1e-12),
    ("CM", "tileArea_um2"): ("conventional_tile_area_m2", 1e-12),
    ("CM", "nIn"): ("conventional_tile_input_cores", 1.0),
    ("CM", "nOut"): ("conventional_tile_output_cores", 1.0),
    ("CHIP", "KP"): ("novel_pe_per_tile", 1.0),
    ("CHIP", "PE_NM"): ("novel_pe_size_cells", 1.0),
    ("CHIP", "TS"): ("tile_size_cells", 1.0),
    ("CHIP", "PE_CM"): ("pe_size_cells", 1.0),
    ("CHIP", "grid_r"): ("tile_grid_rows", 1.0),
    ("CHIP", "grid_c"): ("tile_grid_columns", 1.0),
    ("CHIP", "BW"): ("global_bus_bits", 1.0),
    ("CHIP", "nGB"): ("global_buffer_cores", 1.0),
}
"""Figures between the levels of a small case."""


def small_cases(folder: Path, known: list[str]) -> Iterator[Case]:
    """Read the configurations of a small folder, by name. `known`: names of all parameters."""
    for path in sorted(folder.glob("*_[A-Z].json")):
        letter = path.stem[-1]
        network_path = folder / f"net{letter}.csv"
        network = _network(network_path)
        data = json.loads(path.read_text())
        parameters = edited_parameters(data["params"], known)
        parameters |= _unset_factors(parameters)
        chip = {ours: data["chip"][key] * unit for key, (ours, unit) in SMALL_CHIP.items()}
        for (ours, unit), value in zip(SMALL_CLASSES, data["chip"]["brk"], strict=True):
            chip[ours] = value * unit
        for (level, key), (ours, unit) in SMALL_BETWEEN.items():
            if key in data.get("intermediate", {}).get(level, {}):
                chip[ours] = data["intermediate"][level][key] * unit
        yield Case(
            name=path.stem,
            status="ok",
            layers=network,
            operations=reference_operations(network),
            parameters=parameters,
            arrays=partial(
                _gaussian_arrays, network_path, _SEEDS[letter], int(parameters["synapseBit"])
            ),
            chip=chip,
            layer_figures=[
                {ours: row[key] * unit for key, (ours, unit) in SMALL_LAYER.items()}
                for row in data["layers"]
            ],
        )
