"""How a row of points.parquet came about: parameters, keys, files, seeds, versions, commands."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cimsim.analysis import schemas
from cimsim.campaign.keys import (
    OF_CHIPS,
    STAGES,
    canonical,
    group_key,
    stage_design,
    stage_keys,
)
from cimsim.campaign.parameters import parameters
from cimsim.campaign.paths import stage_folder
from cimsim.errors import UserError
from cimsim.ppa.results import GroupResults
from cimsim.provenance import maker
from cimsim.schemas import SEEDS
from cimsim.tables import provenance_of, read_table

AGAIN = "again"
"""Folder of results that the commands write to, so that they can be compared with the old ones."""

Row = dict[str, Any]


def explain(table: Path, row: int) -> Iterator[str]:
    """Yield lines on a row (from 0) of a campaign's points.parquet.

    Raises:
        UserError: the table or the row does not exist, or a file of the point is unreadable.
    """
    points = read_table(table, schemas.points())
    if not 0 <= row < points.num_rows:
        raise UserError(f"--row: {row} is not allowed; allowed: 0 to {points.num_rows - 1}")
    (point,) = points.slice(row, 1).to_pylist()
    results = table.absolute().parents[2]
    changed = changed_of(point)
    yield f"design point {point['id']} (row {row} of {table}; sweeps {', '.join(point['sweeps'])})"
    yield f"table: {maker(provenance_of(table))}"
    yield "parameters that differ from their default:"
    yield from (f"  {name}: {value}" for name, value in sorted(changed.items()))
    keys = {stage: point[f"key.{stage}"] for stage in _stages(point)}
    yield "results:"
    for stage, key in keys.items():
        yield from _files(stage, keys, results) if stage == "ppa" else _stage(stage, key, results)
    yield from _accuracy(point, table)
    yield f"commands that compute it again, below {AGAIN}/ (compare with the files above):"
    now = stage_keys(changed)
    for stage, key in keys.items():
        if now[stage] != key:
            yield f"  # {stage}: key {key} is of another version; this one has {now[stage]}"
    yield from (f"  {command}" for command in commands(point, results))


def changed_of(point: Row) -> dict[str, Any]:
    """Return the parameters of a row of points.parquet that differ from their default."""
    found = {}
    for name, known in parameters().items():
        value = tuple(v) if isinstance(v := point[name], list) else v
        if value != known.default:
            found[name] = value
    return found


def commands(point: Row, results: Path, output: str = AGAIN) -> Iterator[str]:
    """Yield the shell commands that compute every result of a point below the folder `output`."""
    changed = changed_of(point)
    for stage in _stages(point):
        design = shlex.quote(canonical(stage_design(stage, changed)))
        options = f"--design {design} --results {shlex.quote(output)}"
        if stage != "infer":
            yield f"cimsim {stage} {options}"
            continue
        for file in _seed_files(point, results):
            seeds = read_table(file, SEEDS, ["seed"])["seed"].to_pylist()
            device = provenance_of(file).get("device", "cpu")
            yield f"cimsim infer --seeds {seeds[0]}:{seeds[-1]} --device {device} {options}"


def _stages(point: Row) -> list[str]:
    """Return the stages of a row: without chips, not those that only these need."""
    return [s for s in STAGES if s not in OF_CHIPS or point["area_m2"] is not None]


def _seed_files(point: Row, results: Path) -> list[Path]:
    """Return the files of seeds of a point, as many as its row counts."""
    files: list[Path] = []
    held = 0
    for file in sorted(stage_folder("infer", point["key.infer"], results).glob("seeds_*.parquet")):
        if held < (point["seeds"] or 0):
            files.append(file)
            held += read_table(file, SEEDS, ["seed"]).num_rows
    return files


def _stage(stage: str, key: str, results: Path) -> Iterator[str]:
    folder = stage_folder(stage, key, results)
    files = sorted(folder.glob("*.parquet"))
    if not files:
        yield f"  {stage} {key}: not there"
        return
    made = "; ".join(sorted({maker(provenance_of(file)) for file in files}))
    yield f"  {stage} {key}: {made}"
    yield from (f"    {file}" for file in files)


def _files(stage: str, keys: dict[str, str], results: Path) -> Iterator[str]:
    group = stage_folder("ppa", group_key(keys), results)
    held = GroupResults(group)
    if keys[stage] not in held:
        yield f"  {stage} {keys[stage]}: not there"
        return
    (made,) = held.rows(keys[stage], "chip")["made_by"].to_pylist()
    yield f"  {stage} {keys[stage]}: {made}"
    yield f"    {group}/*/ (rows of this key)"


def _accuracy(point: Row, table: Path) -> Iterator[str]:
    if point["accuracy"] is None:
        yield "accuracy: the network was not run on arrays"
        return
    seeds = read_table(table.with_name("seeds.parquet"), schemas.seeds())
    own = [row for row in seeds.to_pylist() if row["id"] == point["id"]]
    right = sum(row["correct"] for row in own)
    yield (
        f"accuracy {point['accuracy']}: {right} of {len(own)} chips x {point['images']} images, "
        f"interval [{point['accuracy_low']:.4f}, {point['accuracy_high']:.4f}]"
    )
    yield "  right images by seed: " + ", ".join(f"{r['seed']}: {r['correct']}" for r in own)
