"""Reader of a folder of reference figures as tables.

``configs.jsonl.gz`` has one configuration a line, ``results.csv.gz`` the figures of its chip;
``layers.csv.gz`` and ``breakdown.csv.gz`` are optional. Networks are in ``networks/*.csv``.
"""

from __future__ import annotations

import csv
import gzip
import json
from collections import defaultdict
from collections.abc import Iterator
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import numpy as np

from cimsim.ppa import generator
from cimsim.ppa.cases import (
    Case,
    Figures,
    LayerArrays,
    read_network,
    reference_operations,
    unset_factors,
)

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


@lru_cache(maxsize=2)
def _counter_arrays(
    path: Path, seed: int, weight_bits: int, input_bits: int, encoding: tuple[float, float] | None
) -> list[LayerArrays]:
    """Weights and inputs of a network; `encoding` is the weight range of integer files, if any."""
    arrays = []
    for i, layer in enumerate(read_network(path)):
        weights = generator.weights(seed, i, layer.rows, layer.out_channels, weight_bits)
        if encoding:
            weights = generator.stored_codes(weights, weight_bits, *encoding)
        inputs = generator.inputs(seed, i, layer.rows, int(layer.positions), input_bits)
        arrays.append((weights.astype(np.int32), inputs))
    return arrays


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
    network = read_network(path)
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
    parameters |= unset_factors(parameters)
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
