"""Figures of a chip on the terminal."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.table import Table

from cimsim.ppa.stage import Tables

CHIP_ROWS = (
    ("area", "area_m2", 1e6, "mm2"),
    ("  arrays", "area_array_m2", 1e6, "mm2"),
    ("  ADCs", "area_adc_m2", 1e6, "mm2"),
    ("  accumulation", "area_accumulation_m2", 1e6, "mm2"),
    ("  interconnect", "area_interconnect_m2", 1e6, "mm2"),
    ("  other circuits", "area_other_m2", 1e6, "mm2"),
    ("clock period", "clock_period_s", 1e9, "ns"),
    ("latency", "latency_s", 1e6, "us"),
    ("dynamic energy", "energy_dynamic_j", 1e6, "uJ"),
    ("  ADCs", "energy_adc_j", 1e6, "uJ"),
    ("  accumulation", "energy_accumulation_j", 1e6, "uJ"),
    ("  other circuits", "energy_other_j", 1e6, "uJ"),
    ("  of which buffers", "energy_buffer_j", 1e6, "uJ"),
    ("  of which interconnect", "energy_interconnect_j", 1e6, "uJ"),
    ("leakage energy", "energy_leakage_j", 1e6, "uJ"),
    ("leakage power", "power_leakage_w", 1e3, "mW"),
    ("throughput", "tops", 1.0, "TOPS"),
    ("frames per second", "frames_per_s", 1.0, "1/s"),
    ("energy efficiency", "tops_per_w", 1.0, "TOPS/W"),
    ("area efficiency", "tops_per_mm2", 1.0, "TOPS/mm2"),
    ("memory utilization", "memory_utilization", 100.0, "%"),
    ("tiles", "tiles", 1.0, ""),
)
"""Label, column of the chip table, factor and unit of each line."""

LAYER_COLUMNS = (
    ("latency us", "latency_s", 1e6),
    ("dynamic uJ", "energy_dynamic_j", 1e6),
    ("leakage uJ", "energy_leakage_j", 1e6),
    ("ADC uJ", "energy_adc_j", 1e6),
    ("accum. uJ", "energy_accumulation_j", 1e6),
    ("other uJ", "energy_other_j", 1e6),
    ("used %", "utilization", 100.0),
)
"""Heading, column of the layers table and factor."""


SMALLEST_WIDTH = 120
"""Characters of a line at least, so that no figure is cut short in a pipe or a narrow terminal."""


def show_chip(tables: Tables) -> None:
    """Print the figures of a chip and of each layer; energy and latency are per image."""
    console = Console(width=max(Console().width, SMALLEST_WIDTH))
    chip = Table("chip", "value", "unit")
    chip.columns[1].justify = "right"
    for label, column, factor, unit in CHIP_ROWS:
        chip.add_row(label, _short(tables["chip"][column][0] * factor), unit)
    console.print(chip)
    layers = Table("layer", "mapping", "tiles")
    for heading, _, _ in LAYER_COLUMNS:
        layers.add_column(heading, justify="right")
    figures = tables["layers"]
    for i, name in enumerate(figures["layer"]):
        tiles = f"{figures['tile_rows'][i]} x {figures['tile_columns'][i]}"
        values = [_short(figures[column][i] * factor) for _, column, factor in LAYER_COLUMNS]
        layers.add_row(str(name), str(figures["mapping"][i]), tiles, *values)
    console.print(layers)


def _short(value: Any) -> str:
    return f"{value:.4g}"
