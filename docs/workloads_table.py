"""The table of the campaigns `workloads` and `vgg8` in docs/workloads.md, from their results.

``python docs/workloads_table.py`` writes it after ``snakemake --config campaign=FILE`` with
config/campaigns/workloads.yaml and with config/campaigns/vgg8.yaml.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from pages import markdown, replaced

from cimsim.campaign.paths import campaign_folder

ROOT = Path(__file__).parents[1]
FILE = ROOT / "docs" / "workloads.md"
CAMPAIGNS = ("workloads", "vgg8")
BEGIN, END = "<!-- table: begin -->\n", "<!-- table: end -->"

HEADER = (
    *("network", "arguments", "products of activations"),
    *("float, %", "quantised, %", "arrays, %", "area, mm²", "energy, µJ", "time, µs", "TOPS/W"),
)


def cells(point: Mapping[str, Any]) -> list[str]:
    """Return the cells of a design point, a row of points.parquet."""
    interval = (point["accuracy_low"], point["accuracy_high"])
    arguments = ", ".join(point["workload.arguments"])
    width = f"width={point['workload.width']:g}" if point["workload.model"] == "vgg8" else ""
    return [
        f"`{point['workload.model']}`",
        arguments or width,
        point["quantization.dynamic_products"],
        f"{100 * point['float_accuracy']:.1f}",
        f"{100 * point['quantized_accuracy']:.1f}",
        f"{100 * point['accuracy']:.1f} ({100 * interval[0]:.1f} to {100 * interval[1]:.1f})",
        f"{point['area_mm2']:.2f}",
        f"{1e6 * point['energy_j']:.2f}",
        f"{1e6 * point['latency_s']:.1f}",
        f"{point['tops_per_w']:.2f}",
    ]


def table(points: list[dict[str, Any]]) -> str:
    """Return the table of design points as Markdown."""
    rules = ["---"] * 3 + ["---:"] * (len(HEADER) - 3)
    lines = [list(HEADER), rules, *map(cells, points)]
    return markdown(lines)


def main() -> None:
    """Write the table."""
    files = [campaign_folder(name) / "points.parquet" for name in CAMPAIGNS]
    points = [point for file in files for point in pq.read_table(file).to_pylist()]
    text = FILE.read_text(encoding="utf-8")
    FILE.write_text(replaced(text, BEGIN, END, table(points)), encoding="utf-8")


if __name__ == "__main__":
    main()
