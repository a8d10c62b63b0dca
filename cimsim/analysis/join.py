"""The join: from the outputs of all stages to the tables of a campaign.

Rows are in the order of the campaign's design points, then seeds, layers or components. Outputs
that points share are read once or few times; predictions are reduced to counts while they are
read, so that memory grows with the number of design points alone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from cimsim.analysis import outputs, schemas
from cimsim.analysis.outputs import PointOutputs
from cimsim.analysis.pareto import costs_of, grouped_front
from cimsim.analysis.writer import Row, write_csv, write_rows
from cimsim.campaign.expand import Campaign
from cimsim.campaign.keys import STAGES, group_key
from cimsim.campaign.parameters import values
from cimsim.campaign.paths import seeds_file, stage_folder
from cimsim.errors import UserError
from cimsim.inference.stopping import blocks_needed
from cimsim.ppa.results import GroupResults
from cimsim.schemas import SEEDS
from cimsim.tables import read_table

NAMED_FILES = 5
"""Missing files that a message names."""

CACHED_OUTPUTS = 64
"""Stage outputs kept in memory; points that share one lie near each other in a campaign."""


def join(campaign: Campaign, *, results: Path, output: Path, provenance: Mapping[str, Any]) -> None:
    """Write the joined tables of `campaign`, whose stages wrote below `results`, to `output`.

    Raises:
        UserError: as :func:`join_points`.
    """
    points = point_outputs(campaign, results)
    confidence = campaign.statistics.confidence
    join_points(points, confidence=confidence, output=output, provenance=provenance)


def point_outputs(campaign: Campaign, results: Path) -> list[PointOutputs]:
    """Return where the results of each design point are, there or not.

    Raises:
        UserError: a file of seeds, which says how many there are, cannot be read.
    """
    files_of = SeedFiles(campaign, results)
    return [
        PointOutputs(
            id=point.id,
            sweeps=point.sweeps,
            parameters=values(point.point),
            keys=point.keys,
            folders={s: stage_folder(s, key, results) for s, key in point.keys.items()}
            | {"ppa": stage_folder("ppa", group_key(point.keys), results)},
            seed_files=files_of(point.keys["infer"]),
            hardware=campaign.hardware,
        )
        for point in campaign.points
    ]


class SeedFiles:
    """Which files of the infer stage belong to a key: all, or those that its rule asks for."""

    def __init__(self, campaign: Campaign, results: Path) -> None:
        self._seeds = campaign.seeds if campaign.accuracy else None
        self._results = results
        self._stopped = bool(self._seeds and self._seeds.stop)
        self._known: dict[str, dict[str, range]] = {}

    def __call__(self, key: str) -> dict[str, range]:
        """Return the names of the files of `key`, with the seeds that each must hold.

        Raises:
            UserError: a file cannot be read.
        """
        if self._seeds is None:
            return {}
        known = key if self._stopped else ""
        if known not in self._known:
            folder = stage_folder("infer", key, self._results)
            needed = (
                blocks_needed(self._seeds, lambda block: _accuracies(folder / seeds_file(*block)))
                if self._stopped
                else self._seeds.blocks()
            )
            self._known[known] = {seeds_file(a, b): range(a, b + 1) for a, b in needed}
        return self._known[known]


def _accuracies(path: Path) -> list[float] | None:
    if not path.is_file():
        return None
    accuracies: list[float] = read_table(path, SEEDS, ["accuracy"])["accuracy"].to_pylist()
    return accuracies


def join_points(
    points: Sequence[PointOutputs],
    *,
    confidence: float,
    output: Path,
    provenance: Mapping[str, Any],
) -> None:
    """Write points, seeds, layers and components (Parquet, and CSV but for layers) to `output`.

    Args:
        points: the design points with the folders of their results.
        confidence: nominal coverage of the intervals.
        output: folder of the campaign.
        provenance: stored in the metadata of each Parquet file, with the confidence.

    Raises:
        UserError: outputs are missing (one message for all), unreadable or contradict each other.
    """
    folders = {point.folders["ppa"] for point in points if point.hardware}
    groups = {folder: GroupResults(folder) for folder in folders}
    _check(points, groups)
    reader = _Reader(confidence, groups)
    provenance = {**provenance, "confidence": confidence}
    tables = {
        "seeds": (reader.seed_rows(points), schemas.seeds()),
        "points": (reader.point_rows(points), schemas.points()),
        "layers": (_layer_rows(points, groups), schemas.layers()),
        "components": (_component_rows(points, groups), schemas.components()),
    }
    for name, (rows, schema) in tables.items():
        write_rows(output / f"{name}.parquet", rows, schema, provenance)
        if name != "layers":
            write_csv(output / f"{name}.csv", output / f"{name}.parquet")


def _check(points: Sequence[PointOutputs], groups: Groups) -> None:
    if not points:
        raise UserError("the campaign has no design points; nothing to join")
    repeated = [name for name, count in Counter(p.id for p in points).items() if count > 1]
    if repeated:
        raise UserError(f"design point {repeated[0]} is in the campaign more than once")
    needed = dict.fromkeys(path for point in points for path in point.files())
    _refuse_missing([str(p) for p in needed if not p.is_file()], len(needed), "files of the stages")
    chips = {(point.folders["ppa"], point.keys["ppa"]) for point in points if point.hardware}
    missing = [f"{f}: key {key}" for f, key in sorted(chips) if key not in groups[f]]
    _refuse_missing(missing, len(chips), "chips")


def _refuse_missing(missing: Sequence[str], needed: int, what: str) -> None:
    if not missing:
        return
    named = ", ".join(missing[:NAMED_FILES])
    more = f" and {len(missing) - NAMED_FILES} more" if len(missing) > NAMED_FILES else ""
    raise UserError(
        f"{len(missing)} of {needed} {what} are missing: {named}{more}; "
        "run the workflow to compute them"
    )


Groups = Mapping[Path, GroupResults]
"""Results of the ppa stage by the folder of the group."""


class _Reader:
    """Reads each infer output once for the rows of its seeds and for its statistics."""

    def __init__(self, confidence: float, groups: Groups) -> None:
        self._confidence = confidence
        self._groups = groups
        self._baseline = lru_cache(CACHED_OUTPUTS)(outputs.read_baseline)
        self._statistics: dict[Path, dict[str, Any]] = {}

    def seed_rows(self, points: Sequence[PointOutputs]) -> Iterator[Row]:
        """Yield the rows of seeds.parquet; keeps the statistics for :meth:`point_rows`."""
        last: tuple[Path | None, list[dict[str, Any]]] = (None, [])
        for point in points:
            if not point.seed_files:
                continue
            if point.folders["infer"] != last[0]:
                last = (point.folders["infer"], self._read(point))
            for row in last[1]:
                yield {"id": point.id, **row}

    def point_rows(self, points: Sequence[PointOutputs]) -> Iterator[Row]:
        """Yield the rows of points.parquet, after all of :meth:`seed_rows`."""
        results = [self._results(point) for point in points]
        groups = [_same_images(point) for point in points]
        comparable = all(point.seed_files and point.hardware for point in points)
        for column, cost in (("pareto_energy", "energy_j"), ("pareto_area", "area_mm2")):
            if not comparable:
                results = [{**result, column: None} for result in results]
                continue
            on_front = grouped_front(costs_of(results, (cost, "accuracy")), groups)
            for result, chosen in zip(results, on_front, strict=True):
                result[column] = chosen
        for point, result in zip(points, results, strict=True):
            keys = {f"key.{stage}": point.keys[stage] for stage in STAGES}
            known = {"id": point.id, "sweeps": list(point.sweeps), **point.parameters, **keys}
            yield {**known, **result}

    def _read(self, point: PointOutputs) -> list[dict[str, Any]]:
        baseline = self._baseline(point.folders["calibrate"])
        folder = point.folders["infer"]
        rows, counts = outputs.read_seeds(folder, point.seed_files, baseline)
        self._statistics[folder] = {
            **outputs.array_results(rows, counts, baseline, self._confidence),
            "made_by.infer": outputs.made_by(folder / name for name in point.seed_files),
        }
        return rows

    def _results(self, point: PointOutputs) -> dict[str, Any]:
        baseline = self._baseline(point.folders["calibrate"])
        arrays = self._statistics.get(point.folders["infer"]) or outputs.no_array_results()
        return {
            **outputs.baseline_results(baseline, self._confidence),
            **arrays,
            **(
                outputs.chip_results(self._groups[point.folders["ppa"]], point.keys["ppa"])
                if point.hardware
                else outputs.no_chip_results()
            ),
        }


def _same_images(point: PointOutputs) -> tuple[Any, ...]:
    """Return what two points must share for their accuracies to be compared."""
    return tuple(point.parameters[name] for name in ("workload.dataset", "workload.images"))


def _layer_rows(points: Sequence[PointOutputs], groups: Groups) -> Iterator[Row]:
    for point in points:
        group = groups.get(point.folders["ppa"])
        for row in outputs.layer_rows(point.folders["map"], group, point.keys["ppa"]):
            yield {"id": point.id, **row}


def _component_rows(points: Sequence[PointOutputs], groups: Groups) -> Iterator[Row]:
    for point in points:
        group = groups.get(point.folders["ppa"])
        if group is not None:
            for row in outputs.component_rows(group, point.keys["ppa"]):
                yield {"id": point.id, **row}
