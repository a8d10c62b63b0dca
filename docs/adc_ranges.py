"""The table of the campaign `adc_ranges` in docs/simulator.md, from its results.

``python docs/adc_ranges.py`` after ``snakemake --config
campaign=config/campaigns/adc_ranges.yaml`` writes it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from pages import markdown, replaced

from cimsim.campaign.paths import campaign_folder

FILE = Path(__file__).with_name("simulator.md")
BEGIN, END = "<!-- ranges: begin -->\n", "<!-- ranges: end -->"


def row_name(point: Mapping[str, Any]) -> str:
    """Return the range of a design point."""
    observer = point["array.adc.range.observer"]
    if observer != "percentile":
        return f"`{observer}`"
    return f"{point['array.adc.range.percentile']:g} %"


def column_name(point: Mapping[str, Any]) -> str:
    """Return what a design point is but for its range."""
    if "networks" in point["sweeps"]:
        return f"`{point['workload.model']}`"
    dac = f", DAC of {point['array.dac_bits']}" if point["array.dac_bits"] > 1 else ""
    return f"digits, {point['array.adc.bits']} bits{dac}"


def table(points: Sequence[Mapping[str, Any]]) -> str:
    """Return the accuracies (%) as Markdown, a row a range."""
    rows: dict[str, dict[str, str]] = {}
    for point in points:
        held = rows.setdefault(row_name(point), {})
        held[column_name(point)] = f"{100 * point['accuracy']:.0f}"
    columns = list(next(iter(rows.values())))
    lines = [["range", *columns], ["---"] + ["---:"] * len(columns)]
    return markdown([*lines, *([name, *map(held.get, columns)] for name, held in rows.items())])


def main() -> None:
    """Write the table."""
    points = pq.read_table(campaign_folder("adc_ranges") / "points.parquet").to_pylist()
    text = FILE.read_text(encoding="utf-8")
    FILE.write_text(replaced(text, BEGIN, END, table(points)), encoding="utf-8")


if __name__ == "__main__":
    main()
