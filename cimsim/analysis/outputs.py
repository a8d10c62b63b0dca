"""What the stages wrote for a design point, read and checked against each other.

Many points share the outputs of a stage, so each output is read once or few times; predictions are
reduced to counts as they are read.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cimsim import schemas
from cimsim.analysis.intervals import (
    CrossedCounts,
    accuracy_interval,
    change_interval,
    image_interval,
    seed_deviation,
)
from cimsim.campaign.parameters import Value
from cimsim.errors import UserError
from cimsim.ppa.results import GroupResults
from cimsim.provenance import maker
from cimsim.tables import provenance_of, read_batches, read_table, rows

SEEDS_AT_ONCE = 16
"""Rows of predictions in memory at a time."""


@dataclass(frozen=True)
class PointOutputs:
    """Where the results of one design point are.

    Attributes:
        id: identifier of the design point.
        sweeps: names of the campaign's sweeps that it belongs to.
        parameters: value of every parameter by dotted name.
        keys: key of every stage.
        folders: folder of every stage's results; of the ppa stage, that of the point's group.
        seed_files: names of the infer stage's files, with the seeds that each must hold; empty if
            the network was not run on arrays.
        hardware: whether its chip was evaluated.
    """

    id: str
    sweeps: Sequence[str]
    parameters: Mapping[str, Value]
    keys: Mapping[str, str]
    folders: Mapping[str, Path]
    seed_files: Mapping[str, range]
    hardware: bool = True

    def files(self) -> Iterator[Path]:
        """Yield every file of its own that the join reads for this point."""
        yield self.folders["calibrate"] / "predictions.parquet"
        yield self.folders["map"] / "layers.parquet"
        yield from (self.folders["infer"] / name for name in self.seed_files)


@dataclass(frozen=True)
class Baseline:
    """Labels and outcomes without arrays.

    Attributes:
        labels: int32 [I].
        float_right: bool [I], whether the network in floating point gets the image right.
        quantized_right: bool [I], the same for the quantised network.
    """

    labels: NDArray[np.int32]
    float_right: NDArray[np.bool_]
    quantized_right: NDArray[np.bool_]


def read_baseline(calibration: Path) -> Baseline:
    """Read predictions.parquet of the calibrate stage.

    Raises:
        UserError: the file is unreadable or has no images.
    """
    path = calibration / "predictions.parquet"
    needed = ("label", "float_prediction", "quantized_prediction")
    table = read_table(path, schemas.PREDICTIONS, needed)
    if table.num_rows == 0:
        raise UserError(f"{path}: holds no images; delete it and run again")
    labels = table["label"].to_numpy()
    return Baseline(
        labels,
        table["float_prediction"].to_numpy() == labels,
        table["quantized_prediction"].to_numpy() == labels,
    )


def baseline_results(baseline: Baseline, confidence: float) -> dict[str, Any]:
    """Return the columns of points.parquet on accuracy without arrays."""
    images = len(baseline.labels)
    columns: dict[str, Any] = {"images": images}
    for name, right in (
        ("float_accuracy", baseline.float_right),
        ("quantized_accuracy", baseline.quantized_right),
    ):
        interval = image_interval(int(right.sum()), images, confidence)
        columns[name] = interval.estimate
        columns[f"{name}_low"], columns[f"{name}_high"] = interval.low, interval.high
    return columns


def read_seeds(
    inference: Path, seed_files: Mapping[str, range], baseline: Baseline
) -> tuple[list[dict[str, Any]], CrossedCounts]:
    """Read the rows of all seeds, ascending, and count right outcomes by image and by seed.

    Raises:
        UserError: a seed is missing, surplus or computed twice; a row contradicts its predictions.
    """
    found: dict[int, tuple[dict[str, Any], str]] = {}
    by_image = np.zeros(len(baseline.labels), dtype=np.int64)
    for name, expected in seed_files.items():
        path = inference / name
        for row, right in _seed_rows(path, baseline.labels):
            seed = row["seed"]
            if seed in found:
                raise UserError(
                    f"{path}: seed {seed} is also in {found[seed][1]}; delete both and run again"
                )
            if seed not in expected:
                raise UserError(
                    f"{path}: holds seed {seed} but must hold {expected.start} to "
                    f"{expected.stop - 1}; delete it and run again"
                )
            found[seed] = (row, name)
            by_image += right
        for seed in expected:
            if seed not in found:
                raise UserError(f"{path}: seed {seed} is missing; delete it and run again")
    ordered = [found[seed][0] for seed in sorted(found)]
    by_seed = np.array([row["correct"] for row in ordered], dtype=np.int64)
    return ordered, CrossedCounts(by_image, by_seed)


def read_outcomes(
    inference: Path, seed_files: Mapping[str, range], baseline: Baseline
) -> tuple[list[int], NDArray[np.bool_]]:
    """Return the seeds, ascending, and which images each gets right, bool [I, S].

    Raises:
        UserError: a file is missing or contradicts itself.
    """
    found: dict[int, NDArray[np.bool_]] = {}
    for name in seed_files:
        found |= {
            row["seed"]: right for row, right in _seed_rows(inference / name, baseline.labels)
        }
    seeds = sorted(found)
    return seeds, np.stack([found[seed] for seed in seeds], axis=1)


def _seed_rows(
    path: Path, labels: NDArray[np.int32]
) -> Iterator[tuple[dict[str, Any], NDArray[np.bool_]]]:
    """Yield each row without its predictions, and which images it gets right, bool [I]."""
    images = len(labels)
    for batch in read_batches(path, schemas.SEEDS, SEEDS_AT_ONCE):
        predictions = batch.column("predictions")
        small = batch.drop_columns(["predictions"])
        for index, row in enumerate(small.to_pylist()):
            predicted = predictions[index].values.to_numpy()
            if len(predicted) != images or row["images"] != images:
                raise UserError(
                    f"{path}: seed {row['seed']} has {len(predicted)} predictions but there are "
                    f"{images} images; delete it and run again"
                )
            right = predicted == labels
            if row["correct"] != int(right.sum()):
                raise UserError(
                    f"{path}: seed {row['seed']} claims {row['correct']} right images but its "
                    f"predictions give {int(right.sum())}; delete it and run again"
                )
            yield row, right


ARRAY_COLUMNS = (
    "seeds",
    "accuracy",
    "accuracy_low",
    "accuracy_high",
    "accuracy_std",
    "accuracy_change",
    "accuracy_change_low",
    "accuracy_change_high",
    "logit_error_rms",
)
"""Columns of points.parquet on accuracy on arrays."""


def array_results(
    rows_of_seeds: list[dict[str, Any]],
    counts: CrossedCounts,
    baseline: Baseline,
    confidence: float,
) -> dict[str, Any]:
    """Return the columns of points.parquet on accuracy on arrays."""
    ours = accuracy_interval(counts, confidence)
    change = change_interval(counts, baseline.quantized_right, confidence)
    errors = [row["logit_error_rms"] for row in rows_of_seeds]
    return {
        "seeds": counts.seeds,
        "accuracy": ours.estimate,
        "accuracy_low": ours.low,
        "accuracy_high": ours.high,
        "accuracy_std": seed_deviation(counts),
        "accuracy_change": change.estimate,
        "accuracy_change_low": change.low,
        "accuracy_change_high": change.high,
        "logit_error_rms": math.sqrt(math.fsum(e * e for e in errors) / len(errors)),
    }


def no_array_results() -> dict[str, Any]:
    """Return the columns of points.parquet on accuracy on arrays where there is none."""
    return dict.fromkeys(ARRAY_COLUMNS) | {"made_by.infer": None}


def no_chip_results() -> dict[str, Any]:
    """Return the columns of points.parquet on the chip where there is none."""
    return dict.fromkeys((*schemas.CHIP.names, "made_by.ppa", "area_mm2", "energy_j"))


def chip_results(ppa: GroupResults, key: str) -> dict[str, Any]:
    """Return the columns of points.parquet on the chip.

    Raises:
        UserError: the key is in a block more than once, or a file is unreadable.
    """
    table = ppa.rows(key, "chip")
    if table.num_rows != 1:
        raise UserError(f"key {key} is {table.num_rows} times in a block of the ppa stage")
    (columns,) = table.drop_columns(["key", "key_text"]).to_pylist()
    columns["made_by.ppa"] = columns.pop("made_by")
    columns["area_mm2"] = columns["area_m2"] * 1e6
    columns["energy_j"] = columns["energy_dynamic_j"] + columns["energy_leakage_j"]
    return dict(columns)


def made_by(paths: Iterable[Path]) -> str:
    """Return the versions and commits in the provenance of stage outputs, each once."""
    return "; ".join(sorted({maker(provenance_of(path)) for path in paths}))


def layer_rows(mapping: Path, ppa: GroupResults | None, key: str) -> list[dict[str, Any]]:
    """Return the rows of layers.parquet of one point (without id), in order of execution.

    Products of activations and digital operations have no mapping (None). Without results of the
    ppa stage (None) there are the mapped layers alone, without hardware figures.

    Raises:
        UserError: the ppa stage has a matrix layer that the map stage does not have.
    """
    own = [name for name in schemas.PPA_LAYERS.names if name not in schemas.LAYERS.names]
    hardware_rows = list(rows(ppa.rows(key, "layers"))) if ppa is not None else []
    figures = {row["layer"]: row for row in hardware_rows if row["operation"] == "matrix"}
    joined: list[dict[str, Any]] = []
    for row in rows(read_table(mapping / "layers.parquet", schemas.LAYERS)):
        hardware = figures.pop(row["layer"], {})
        joined.append({**row, **{name: hardware.get(name) for name in own}})
    if figures:
        raise UserError(
            f"key {key} of the ppa stage: layer {min(figures)} is not in {mapping}/layers.parquet; "
            "delete both and run again"
        )
    for row in hardware_rows:
        if row["operation"] != "matrix":
            joined.append({name: row.get(name) for name in (*schemas.LAYERS.names, *own)})
    return sorted(joined, key=lambda row: int(row["index"]))


def component_rows(ppa: GroupResults, key: str) -> list[dict[str, Any]]:
    """Return the rows of components.parquet of one point (without id), in the stage's order."""
    return list(rows(ppa.rows(key, "components").drop_columns(["key"])))
