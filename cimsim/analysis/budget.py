"""The error budget of a design point, as tables on the terminal."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from cimsim.analysis.intervals import CrossedCounts, Interval, accuracy_interval
from cimsim.schemas import BUDGET_LAYERS, BUDGET_STEPS, PREDICTIONS
from cimsim.tables import read_table, rows

Row = dict[str, Any]


def budget_steps(path: Path, labels: NDArray[np.int64]) -> list[tuple[str, str, Interval, float]]:
    """Return mode, step, accuracy with interval, and output ratio (dB, mean over chips) of steps.

    Args:
        path: a file steps_<first>_<last>.parquet.
        labels: right class of each image, int64 [images].

    Raises:
        UserError: the file is missing or damaged.
    """
    grouped: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in rows(read_table(path, BUDGET_STEPS)):
        grouped[row["mode"], row["step"]].append(row)
    found = []
    for (mode, step), entries in grouped.items():
        outcomes = np.array([np.equal(entry["predictions"], labels) for entry in entries]).T
        interval = accuracy_interval(CrossedCounts.of(outcomes))
        ratio = float(np.mean([entry["logit_sqnr_db"] for entry in entries]))
        found.append((mode, step, interval, ratio))
    return found


def show_budget(folder: Path, seeds: range, calibration: Path) -> None:
    """Print the budget that :func:`cimsim.inference.budget.budget` wrote to `folder`.

    `calibration` is the folder of the calibrate stage, which knows the labels.

    Raises:
        UserError: a file is missing or damaged.
    """
    predictions = read_table(calibration / "predictions.parquet", PREDICTIONS, ["label"])
    labels = predictions["label"].to_numpy().astype(np.int64)
    console = Console()
    suffix = f"{seeds[0]:04d}_{seeds[-1]:04d}.parquet"
    table = Table("mode", "step", "accuracy %", "95 % interval", "output SQNR dB")
    for mode, step, interval, ratio in budget_steps(folder / f"steps_{suffix}", labels):
        bounds = f"{100 * interval.low:.1f} to {100 * interval.high:.1f}"
        table.add_row(mode, step, f"{100 * interval.estimate:.1f}", bounds, f"{ratio:.1f}")
    console.print(table)
    console.print(_layer_table(folder / f"layers_{suffix}"))


def _layer_table(path: Path) -> Table:
    """Return SQNR (dB) and clipped share of each layer by itself, one column a cumulative step."""
    steps: dict[str, dict[str, Row]] = defaultdict(dict)
    for row in rows(read_table(path, BUDGET_LAYERS)):
        if row["mode"] == "cumulative" or row["step"] == "quantized":
            steps[row["step"]][row["layer"]] = row
    table = Table("layer", *(f"{step} dB" for step in steps), "clipped %")
    last = list(steps)[-1]
    for layer, final in steps[last].items():
        ratios = [f"{entries[layer]['sqnr_db']:.1f}" for entries in steps.values()]
        table.add_row(layer, *ratios, f"{100 * final['clipped']:.2f}")
    return table
