"""How a row of points.parquet came about: parameters, keys, files, seeds, versions, commands."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow.compute as pc

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
from cimsim.campaign.paths import CAMPAIGNS, PARTIAL, stage_folder
from cimsim.errors import UserError
from cimsim.ppa.results import GroupResults
from cimsim.provenance import maker
from cimsim.tables import provenance_of, read_table

AGAIN = "again"
"""Folder of results that the commands write to, so that they can be compared with the old ones."""

Row = dict[str, Any]


def explain(table: Path, row: int) -> Iterator[str]:
    """Yield lines on a row (from 0) of a campaign's points.parquet, or of its partial one.

    Raises:
        UserError: the table or the row does not exist, or a file of the point is unreadable.
    """
    points = read_table(table, schemas.points())
    if not 0 <= row < points.num_rows:
        raise UserError(f"--row: {row} is not allowed; allowed: 0 to {points.num_rows - 1}")
    (point,) = points.slice(row, 1).to_pylist()
    results = _results(table)
    changed = changed_of(point)
    yield f"design point {point['id']} (row {row} of {table}; sweeps {', '.join(point['sweeps'])})"
    yield f"table: {maker(provenance_of(table))}"
    yield "parameters that differ from their default:"
    yield from (f"  {name}: {value}" for name, value in sorted(changed.items()))
    keys = {stage: point[f"key.{stage}"] for stage in _stages(point)}
    yield "results:"
    for stage, key in keys.items():
        yield from _files(stage, keys, results) if stage == "ppa" else _stage(stage, key, results)
    seeds = _seed_rows(point, table)
    yield from _accuracy(point, seeds)
    yield f"commands that compute it again, below {AGAIN}/ (compare with the files above):"
    now = stage_keys(changed)
    for stage, key in keys.items():
        if now[stage] != key:
            yield f"  # {stage}: key {key} is of another version; this one has {now[stage]}"
    yield from (f"  {command}" for command in commands(point, seeds, results))


def _results(table: Path) -> Path:
    """Return the folder of results that a campaign's table, or one below PARTIAL, lies in."""
    folder = table.absolute().parent
    partial = folder.name == PARTIAL and folder.parents[1].name == CAMPAIGNS
    return folder.parents[2 if partial else 1]


def changed_of(point: Row) -> dict[str, Any]:
    """Return the parameters of a row of points.parquet that differ from their default."""
    found = {}
    for name, known in parameters().items():
        value = tuple(v) if isinstance(v := point[name], list) else v
        if value != known.default:
            found[name] = value
    return found


def commands(point: Row, seeds: Sequence[Row], results: Path, output: str = AGAIN) -> Iterator[str]:
    """Yield the shell commands that compute every result of a point below the folder `output`.

    `seeds` are its rows of seeds.parquet, ascending.
    """
    changed = changed_of(point)
    for stage in _stages(point):
        design = shlex.quote(canonical(stage_design(stage, changed)))
        options = f"--design {design} --results {shlex.quote(output)}"
        if stage != "infer":
            yield f"cimsim {stage} {options}"
            continue
        for (first, last), device in _seed_files(point, seeds, results).items():
            yield f"cimsim infer --seeds {first}:{last} --device {device} {options}"


def _stages(point: Row) -> list[str]:
    """Return the stages of a row: without chips, not those that only these need."""
    return [s for s in STAGES if s not in OF_CHIPS or point["area_m2"] is not None]


def _seed_files(point: Row, seeds: Sequence[Row], results: Path) -> dict[tuple[int, int], str]:
    """Return first and last seed of the files that a point's seeds are in, and their device.

    Campaigns with other blocks of seeds may have files in the same folder. Where the files are
    gone, all seeds are one.
    """
    if not seeds:
        return {}
    start, end = seeds[0]["seed"], seeds[-1]["seed"] + 1
    files = {}
    for file in stage_folder("infer", point["key.infer"], results).glob("seeds_*.parquet"):
        first, last = map(int, file.stem.split("_")[1:])
        files[first, last] = file
    # Blocks that follow each other from the first seed, by the seed that comes next.
    ways: dict[int, list[tuple[int, int]]] = {start: []}
    for first, last in sorted(files):
        if first in ways and last < end:
            ways.setdefault(last + 1, [*ways[first], (first, last)])
    if end not in ways:
        return {(start, end - 1): "cpu"}
    return {block: provenance_of(files[block]).get("device", "cpu") for block in ways[end]}


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


def _seed_rows(point: Row, table: Path) -> list[Row]:
    """Return the point's rows of seeds.parquet beside its table, ascending."""
    if point["accuracy"] is None:
        return []
    columns = ("id", "seed", "correct")
    seeds = read_table(table.with_name("seeds.parquet"), schemas.seeds(), columns)
    own = seeds.filter(pc.equal(seeds["id"], point["id"])).to_pylist()
    return sorted(own, key=lambda row: int(row["seed"]))


def _accuracy(point: Row, seeds: Sequence[Row]) -> Iterator[str]:
    if not seeds:
        yield "accuracy: the network was not run on arrays"
        return
    right = sum(row["correct"] for row in seeds)
    yield (
        f"accuracy {point['accuracy']}: {right} of {len(seeds)} chips x {point['images']} images, "
        f"interval [{point['accuracy_low']:.4f}, {point['accuracy_high']:.4f}]"
    )
    yield "  right images by seed: " + ", ".join(f"{r['seed']}: {r['correct']}" for r in seeds)
