"""Where results are: ``results/<stage>/<key>/`` and ``results/campaigns/<name>/``.

The ppa stage evaluates many points in one job: ``results/ppa/<group>/<block>/``, where the group is
that of the mapping and trace that the points share (``keys.group_key``).
"""

from __future__ import annotations

from pathlib import Path

RESULTS = Path("results")
"""Folder of all results, relative to the folder in which the workflow runs."""

CAMPAIGNS = "campaigns"
"""Folder in it with the tables of campaigns."""

PARTIAL = "partial"
"""Folder beside a campaign's tables with those of the design points that are there."""

FILES: dict[str, tuple[str, ...]] = {
    "checkpoint": ("state.parquet", "training.parquet"),
    "calibrate": ("scales.parquet", "predictions.parquet"),
    "map": ("layers.parquet", "weights.parquet", "column_sums.parquet", "operations.parquet"),
    "trace": ("trace.parquet",),
    "ppa": ("chip.parquet", "layers.parquet", "components.parquet"),
}
"""Files that a stage writes; ``infer`` writes one file per block of seeds, ``ppa`` these for a
block of design points."""

READS: dict[str, dict[str, tuple[str, ...]]] = {
    "checkpoint": {},
    "calibrate": {"checkpoint": ("state.parquet",)},
    "map": {"checkpoint": ("state.parquet",), "calibrate": ("scales.parquet",)},
    "infer": {
        "checkpoint": ("state.parquet",),
        "calibrate": ("scales.parquet", "predictions.parquet"),
        "map": ("column_sums.parquet",),
    },
    "trace": {"checkpoint": ("state.parquet",), "calibrate": ("scales.parquet",)},
    "ppa": {
        "map": ("layers.parquet", "weights.parquet", "operations.parquet"),
        "trace": ("trace.parquet",),
    },
}
"""Files of other stages that a stage reads. Each is an edge of the workflow's graph for every job,
so none is here that is not read."""

JOIN_READS: dict[str, tuple[str, ...]] = {
    "calibrate": ("predictions.parquet",),
    "map": ("layers.parquet",),
}
"""Files that the join of a campaign reads, with those of ``infer`` and ``ppa``."""

TABLES = (
    "points.parquet",
    "points.csv",
    "seeds.parquet",
    "seeds.csv",
    "layers.parquet",
    "components.parquet",
    "components.csv",
)
"""Joined tables of a campaign."""

BUDGET_TABLES = ("budget.parquet", "budget.csv", "budget_layers.parquet", "budget_codes.parquet")
"""Joined tables of a campaign with an error budget."""

SENSITIVITY_TABLES = (
    "sensitivity.parquet",
    "sensitivity.csv",
    "main_effects.parquet",
    "main_effects.csv",
)
"""Tables of a campaign that says which parameters matter."""

DIFFERENCES = "published.csv"
"""Results of a campaign beside published ones, where it names some."""

KEY_FILE = "key.json"
"""The text whose hash is the key, beside the results."""


def stage_folder(stage: str, key: str, results: Path = RESULTS) -> Path:
    """Return the folder of one result of a stage."""
    return results / stage / key


def seeds_file(first: str | int, last: str | int) -> str:
    """Return the name of the file with the seeds `first` to `last` (inclusive)."""
    return f"seeds_{int(first):04d}_{int(last):04d}.parquet"


def infer_marker(group: str, block: str, results: Path = RESULTS) -> Path:
    """Return the file that says that a block of points of the infer stage is done."""
    return results / "infer_blocks" / group / f"{block}.json"


def benchmark_file(
    stage: str, key: str, results: Path = RESULTS, block: tuple[int, int] | None = None
) -> Path:
    """Return the record of time of a job of a stage: of a key, or of a block of its seeds."""
    suffix = f"_{block[0]:04d}_{block[1]:04d}" if block else ""
    return results / "benchmarks" / stage / f"{key}{suffix}.jsonl"


def log_file(
    stage: str, key: str, results: Path = RESULTS, block: tuple[int, int] | None = None
) -> Path:
    """Return the log of a job of a stage: of a key, or of a block of its seeds."""
    suffix = f"_{block[0]:04d}_{block[1]:04d}" if block else ""
    return results / "logs" / stage / f"{key}{suffix}.log"


def budget_files(key: str, first: int, last: int, results: Path = RESULTS) -> list[Path]:
    """Return the files of the error budget of a key of the infer stage: steps, layers, codes."""
    folder = results / "budget" / key
    return [folder / f"{n}_{first:04d}_{last:04d}.parquet" for n in ("steps", "layers", "codes")]


def campaign_folder(name: str, results: Path = RESULTS) -> Path:
    """Return the folder of the tables and figures of a campaign."""
    return results / CAMPAIGNS / name


def search_folder(name: str, results: Path = RESULTS) -> Path:
    """Return the folder of the points that a search has proposed."""
    return results / "search" / name
