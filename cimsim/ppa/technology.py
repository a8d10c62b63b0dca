"""Technology tables: CSV data of each node, handed to the native engine as plain structs.

The package tables cover 130 to 1 nm. A user adds a node or changes a figure without a compiler, in
a technology file (:mod:`cimsim.ppa.technology_file`).
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from functools import lru_cache
from importlib.resources import files
from pathlib import Path

from cimsim import _native
from cimsim.campaign.keys import file_digest
from cimsim.errors import UserError, nearest
from cimsim.ppa.technology_file import KEYS, Row, Rows, read_technology_file

ROADMAPS = {"hp": 1, "lstp": 2}
"""Roadmap names and their values in the parameter ``deviceroadmap``."""

TRANSISTORS = {"conventional": 1, "fet_2d": 2, "tfet": 3}
"""Transistor names and their values in the parameter ``transistortype``."""

DEVICE_CLASSES = {
    "bulk": _native.DeviceClass.BULK,
    "finfet": _native.DeviceClass.FINFET,
    "gaa": _native.DeviceClass.GATE_ALL_AROUND,
}
"""Structural classes a node can have; they select layout and width rules."""

_INTEGERS = frozenset({"max_fins", "sheets", "max_stacks"})


@lru_cache(maxsize=1)
def _package_tables() -> dict[str, tuple[Row, ...]]:
    """Return the rows of each table of the package, as text."""
    tables = {}
    for name in KEYS:
        text = (files("cimsim.ppa") / "technology" / f"{name}.csv").read_text(encoding="utf-8")
        lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
        tables[name] = tuple(csv.DictReader(lines))
    return tables


@lru_cache(maxsize=32)
def _file_tables(file: str, content: str) -> tuple[int, Rows]:
    """Return the node and the tables of a technology file; `content` is its digest."""
    return read_technology_file(Path(file), _package_tables())


def _find(tables: Rows, table: str, **key: str) -> list[Row]:
    return [row for row in tables[table] if all(row[k] == v for k, v in key.items())]


def _one(tables: Rows, table: str, **key: str) -> Row:
    rows = _find(tables, table, **key)
    if not rows:
        wanted = ", ".join(f"{k} {v}" for k, v in key.items())
        allowed = sorted({tuple(row[k] for k in key) for row in tables[table]})
        raise UserError(
            f"technology table {table}.csv has no row for {wanted}; "
            f"it has: {'; '.join(' '.join(k) for k in allowed)}"
        )
    return rows[0]


def _fill(target: object, row: Row, table: str, skip: Iterable[str]) -> None:
    for column in row:
        if column not in skip:
            value = float(row[column])
            setattr(target, column, int(value) if column in _INTEGERS else value)


def _segments(rows: Iterable[Row], table: str) -> list[_native.FitSegment]:
    result = []
    for row in sorted(rows, key=lambda r: float(r["upper"])):
        segment = _native.FitSegment()
        segment.upper = float(row["upper"])
        segment.logarithmic = row["form"] == "log"
        segment.a = float(row["a"])
        segment.b = float(row["b"])
        result.append(segment)
    return result


def _current(row: Row, temperature: int) -> float:
    """Current at an integer temperature: linear between the columns of ten kelvin."""
    below = temperature // 10 * 10
    needed = {below, -(-temperature // 10) * 10}
    known = [int(c) for c in row if c.isdigit() and row[c]]
    if not needed <= set(known):
        raise UserError(
            f"temperature is {temperature} K but the tables of node {row['node']} "
            f"{row['roadmap']} allow {min(known)} {f'to {max(known)} K' if len(known) > 1 else 'K'}"
        )
    start = float(row[str(below)])
    if below == temperature:
        return start
    step = float(row[str(below + 10)]) - start
    return start + step * (temperature - below) / 10


def _wires(rows: Iterable[Row], table: str) -> list[_native.WireMaterial]:
    result = []
    for row in rows:
        material = _native.WireMaterial()
        _fill(material, row, table, skip=())
        result.append(material)
    return sorted(result, key=lambda m: -m.min_width)


def _sensing(tables: Rows, node: str) -> _native.SensingTimeFit:
    fit = _native.SensingTimeFit()
    fit.segments = _segments(_find(tables, "sensing_time", node=node), "sensing_time")
    load = _one(tables, "sensing_time_load", node=node)
    _fill(fit, load, "sensing_time_load", skip=("node",))
    return fit


def load_technology(
    node: int,
    roadmap: str = "lstp",
    temperature: int = 300,
    transistor: str = "conventional",
    file: str | Path = "",
) -> _native.Technology:
    """Return the technology of a node (nm) at a temperature (K, 300 to 400).

    ``roadmap`` is 'hp' or 'lstp', ``transistor`` 'conventional', 'fet_2d' or 'tfet'. ``file`` is a
    technology file that describes the node, if it is not (or not that) of the package.

    Raises UserError when the tables have no such technology or hold a value out of range.
    """
    name = str(file)
    if not name:
        return _load(node, roadmap, temperature, transistor, "", "")
    content = file_digest(Path(name))
    described, _ = _file_tables(name, content)
    if described != node:
        raise UserError(f"technode is {node} but {name} describes node {described}")
    try:
        return _load(node, roadmap, temperature, transistor, name, content)
    except UserError as error:
        raise UserError(f"{name}: {error}") from None


@lru_cache(maxsize=256)
def _load(
    node: int, roadmap: str, temperature: int, transistor: str, file: str, content: str
) -> _native.Technology:
    tables = _file_tables(file, content)[1] if file else _package_tables()
    name = str(node)
    device = _one(tables, "nodes", node=name, roadmap=roadmap, transistor=transistor)
    t = _native.Technology()
    t.node = node
    t.roadmap = _native.Roadmap(ROADMAPS[roadmap])
    t.transistor_type = TRANSISTORS[transistor]
    t.temperature = temperature
    t.device_class = DEVICE_CLASSES[device["device_class"]]
    t.feature_size = node * 1e-9
    _fill(t, device, "nodes", skip=("node", "roadmap", "transistor", "device_class"))
    for polarity in ("n", "p"):
        for state in ("on", "off"):
            row = _one(
                tables,
                "currents",
                node=name,
                roadmap=roadmap,
                transistor=transistor,
                device=polarity,
                state=state,
            )
            setattr(t, f"i{state}_{polarity}", _current(row, temperature))
    _fill(t.layout, _one(tables, "layout", node=name), "layout", skip=("node",))
    _fill(t.defaults, _one(tables, "defaults", node=name), "defaults", skip=("node",))
    t.local_wires = _wires(tables["local_wires"], "local_wires")
    t.long_wires = _wires(tables["long_wires"], "long_wires")
    t.sensing_time = _sensing(tables, name)
    t.mirror_power.segments = _segments(
        _find(tables, "mirror_power", node=name, roadmap=roadmap), "mirror_power"
    )
    for law in _find(tables, "mirror_power_law", node=name, roadmap=roadmap):
        t.mirror_power.base = float(law["base_uw"]) * 1e-6
        t.mirror_power.factor = float(law["factor"])
        t.mirror_power.exponent = float(law["exponent"])
    sar = _one(tables, "sar_power", node=name, roadmap=roadmap)
    t.sar_power.per_bit = float(sar["per_bit_uw"]) * 1e-6
    t.sar_power.base = float(sar["base_uw"]) * 1e-6
    t.sar_power.factor = float(sar["factor"])
    t.sar_power.exponent = float(sar["exponent"])
    try:
        t.validate()
    except ValueError as error:
        raise UserError(str(error)) from None
    return t


def _whole(overrides: Mapping[str, float], name: str, default: int) -> int:
    value = float(overrides.get(name, default))
    if not value.is_integer():
        raise UserError(f"parameter {name} is {value} but must be a whole number")
    return int(value)


def _choice(
    overrides: Mapping[str, float], name: str, choices: Mapping[str, int], default: str
) -> str:
    value = overrides.get(name, choices[default])
    for choice, number in choices.items():
        if value == number:
            return choice
    allowed = ", ".join(f"{number} ({choice})" for choice, number in choices.items())
    raise UserError(f"parameter {name} is {value}; allowed: {allowed}")


def load_context(overrides: Mapping[str, float], file: str | Path = "") -> _native.Context:
    """Return technology and parameters for a map of DNN+NeuroSim parameter names to values.

    Parameters that are not named keep their defaults; everything derived is computed from all.
    ``technode``, ``deviceroadmap``, ``temp`` and ``transistortype`` choose the technology.

    Raises UserError for an unknown or derived name, a value out of range, or an unknown technology.
    """
    names = _native.parameter_names()
    for name in overrides:
        if name not in names and name not in _native.derived_parameter_names():
            raise UserError(f"parameter {name} is unknown{nearest(name, names)}")
    technology = load_technology(
        _whole(overrides, "technode", 22),
        _choice(overrides, "deviceroadmap", ROADMAPS, "lstp"),
        _whole(overrides, "temp", 300),
        _choice(overrides, "transistortype", TRANSISTORS, "conventional"),
        file,
    )
    try:
        return _native.Context(technology, {k: float(v) for k, v in overrides.items()})
    except ValueError as error:
        raise UserError(str(error)) from None
