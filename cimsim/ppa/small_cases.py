"""Reader of a folder of reference figures with one JSON file a configuration.

``<variant>_<net>.json`` holds a command line, edits of the parameter file, and figures with 6
digits (9 between the levels of the chip); the networks are ``net<net>.csv``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import lru_cache, partial
from pathlib import Path

import numpy as np

from cimsim.errors import UserError
from cimsim.ppa import generator
from cimsim.ppa.cases import (
    Case,
    Figures,
    LayerArrays,
    read_network,
    reference_operations,
    unset_factors,
)


@lru_cache(maxsize=4)
def _gaussian_arrays(path: Path, seed: int, weight_bits: int) -> list[LayerArrays]:
    return [
        (generator.stored_codes(weights, weight_bits).astype(np.int32), inputs)
        for weights, inputs in generator.gaussian_layers(read_network(path), seed)
    ]


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
        network = read_network(network_path)
        data = json.loads(path.read_text())
        parameters = edited_parameters(data["params"], known)
        parameters |= unset_factors(parameters)
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
