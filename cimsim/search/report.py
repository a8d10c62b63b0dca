"""What came out of a search: a table of its trials, and the front that no trial beats."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from cimsim.analysis import schemas
from cimsim.analysis.pareto import front, front_lines
from cimsim.analysis.writer import Row, write_csv, write_rows
from cimsim.campaign.search import Search
from cimsim.search.study import Trial
from cimsim.tables import read_table


def write_trials(
    about: Search,
    trials: Sequence[Trial],
    ids: Sequence[str | None],
    folder: Path,
    provenance: Mapping[str, Any],
) -> None:
    """Write trials.parquet and trials.csv: one row a trial, in order.

    Raises:
        UserError: a file cannot be written.
    """
    schema = pa.schema(
        [
            pa.field("trial", pa.int64(), nullable=False),
            pa.field("id", pa.string()),
            *(pa.field(name, pa.float64()) for name in about.measures),
            pa.field("front", pa.bool_(), nullable=False),
        ]
    )
    signs = [-1.0] * len(about.maximise) + [1.0] * len(about.minimise)
    known = [trial.measures or (math.nan,) * len(signs) for trial in trials]
    best = front(np.array(known) * signs)
    rows: list[Row] = []
    for number, (trial, name) in enumerate(zip(trials, ids, strict=True)):
        measures = dict.fromkeys(about.measures) | dict(
            zip(about.measures, trial.measures or (), strict=False)
        )
        rows.append({"trial": number, "id": name, **measures, "front": bool(best[number])})
    write_rows(folder / "trials.parquet", rows, schema, provenance)
    write_csv(folder / "trials.csv", folder / "trials.parquet")


def search_lines(about: Search, trials: Sequence[Trial], points: Path) -> Iterator[str]:
    """Yield how many trials have results, and their front, from the joined table `points`."""
    known = sum(trial.measures is not None for trial in trials)
    yield f"{len(trials)} trials, {known} with results"
    if known:
        rows = read_table(points, schemas.points()).to_pylist()
        yield from front_lines(rows, about.measures)
