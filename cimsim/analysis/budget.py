"""The error budget of design points: on the terminal, and joined for a campaign."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from cimsim.analysis.intervals import (
    CONFIDENCE,
    CrossedCounts,
    Interval,
    accuracy_interval,
)
from cimsim.analysis.writer import write_csv, write_rows
from cimsim.campaign.expand import Campaign, CampaignPoint
from cimsim.campaign.paths import budget_files, stage_folder
from cimsim.schemas import BUDGET_CODES, BUDGET_LAYERS, BUDGET_STEPS, PREDICTIONS
from cimsim.tables import read_table, rows

Row = dict[str, Any]

_ID = pa.field("id", pa.string(), nullable=False)

POINT_STEPS = pa.schema(
    [
        _ID,
        *(pa.field(name, pa.string(), nullable=False) for name in ("mode", "step")),
        *(
            pa.field(name, pa.float64(), nullable=False)
            for name in ("accuracy", "accuracy_low", "accuracy_high", "output_sqnr_db")
        ),
    ]
)
"""budget.parquet: one row a design point and step (see schemas.BUDGET_STEPS)."""

POINT_LAYERS = pa.schema([_ID, *BUDGET_LAYERS])
"""budget_layers.parquet: one row a design point, step and layer."""

POINT_CODES = pa.schema([_ID, *BUDGET_CODES])
"""budget_codes.parquet: one row a design point, layer and ADC code."""


def budget_steps(
    path: Path, labels: NDArray[np.int64], confidence: float = CONFIDENCE
) -> list[tuple[str, str, Interval, float]]:
    """Return mode, step, accuracy with interval, and output ratio (dB, mean over chips) of steps.

    Args:
        path: a file steps_<first>_<last>.parquet.
        labels: right class of each image, int64 [images].
        confidence: nominal coverage of the intervals.

    Raises:
        UserError: the file is missing or damaged.
    """
    grouped: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in rows(read_table(path, BUDGET_STEPS)):
        grouped[row["mode"], row["step"]].append(row)
    found = []
    for (mode, step), entries in grouped.items():
        outcomes = np.array([np.equal(entry["predictions"], labels) for entry in entries]).T
        interval = accuracy_interval(CrossedCounts.of(outcomes), confidence)
        ratio = float(np.mean([entry["logit_sqnr_db"] for entry in entries]))
        found.append((mode, step, interval, ratio))
    return found


def show_budget(folder: Path, seeds: range, calibration: Path) -> None:
    """Print the budget that :func:`cimsim.inference.budget.budget` wrote to `folder`.

    `calibration` is the folder of the calibrate stage, which knows the labels.

    Raises:
        UserError: a file is missing or damaged.
    """
    labels = _labels(calibration)
    console = Console()
    suffix = f"{seeds[0]:04d}_{seeds[-1]:04d}.parquet"
    table = Table("mode", "step", "accuracy %", "95 % interval", "output SQNR dB")
    for mode, step, interval, ratio in budget_steps(folder / f"steps_{suffix}", labels):
        bounds = f"{100 * interval.low:.1f} to {100 * interval.high:.1f}"
        table.add_row(mode, step, f"{100 * interval.estimate:.1f}", bounds, f"{ratio:.1f}")
    console.print(table)
    console.print(_layer_table(folder / f"layers_{suffix}"))


def _layer_table(path: Path) -> Table:
    """Return SQNR (dB) and clipped share of each layer by itself, one column a cumulative step.

    Both are means over chips.
    """
    steps: dict[str, dict[str, list[Row]]] = defaultdict(lambda: defaultdict(list))
    for row in rows(read_table(path, BUDGET_LAYERS)):
        if row["mode"] == "cumulative" or row["step"] == "quantized":
            steps[row["step"]][row["layer"]].append(row)
    table = Table("layer", *(f"{step} dB" for step in steps), "clipped %")
    last = list(steps)[-1]
    for layer, final in steps[last].items():
        ratios = [f"{_mean(entries[layer], 'sqnr_db'):.1f}" for entries in steps.values()]
        table.add_row(layer, *ratios, f"{100 * _mean(final, 'clipped'):.2f}")
    return table


def _mean(chips: list[Row], name: str) -> float:
    return float(np.mean([row[name] for row in chips]))


def join_budgets(
    campaign: Campaign, *, results: Path, output: Path, provenance: Mapping[str, Any]
) -> None:
    """Write budget (Parquet and CSV), budget_layers and budget_codes of a campaign to `output`.

    Raises:
        UserError: a budget is missing or damaged.
    """
    confidence = campaign.statistics.confidence
    files = {
        point.id: budget_files(point.keys["infer"], *campaign.seeds.blocks()[0], results)
        for point in campaign.points
    }
    tables: dict[str, tuple[Iterator[Row], pa.Schema]] = {
        "budget": (_point_steps(campaign, results, files, confidence), POINT_STEPS),
        "budget_layers": (_with_id(files, 1, BUDGET_LAYERS), POINT_LAYERS),
        "budget_codes": (_with_id(files, 2, BUDGET_CODES), POINT_CODES),
    }
    about = {**provenance, "confidence": confidence}
    for name, (found, schema) in tables.items():
        write_rows(output / f"{name}.parquet", found, schema, about)
    write_csv(output / "budget.csv", output / "budget.parquet")


def _point_steps(
    campaign: Campaign, results: Path, files: Mapping[str, list[Path]], confidence: float
) -> Iterator[Row]:
    for point in campaign.points:
        labels = _labels(_calibration(point, results))
        for mode, step, interval, ratio in budget_steps(files[point.id][0], labels, confidence):
            yield {
                "id": point.id,
                "mode": mode,
                "step": step,
                "accuracy": interval.estimate,
                "accuracy_low": interval.low,
                "accuracy_high": interval.high,
                "output_sqnr_db": ratio,
            }


def _with_id(files: Mapping[str, list[Path]], which: int, schema: pa.Schema) -> Iterator[Row]:
    for name, paths in files.items():
        for row in rows(read_table(paths[which], schema)):
            yield {"id": name, **row}


def _calibration(point: CampaignPoint, results: Path) -> Path:
    return stage_folder("calibrate", point.keys["calibrate"], results)


def _labels(calibration: Path) -> NDArray[np.int64]:
    table = read_table(calibration / "predictions.parquet", PREDICTIONS, ["label"])
    labels: NDArray[np.int64] = table["label"].to_numpy().astype(np.int64)
    return labels
