"""Technology tables: CSV data of each node, handed to the native engine as plain structs.

The package tables cover 130 to 1 nm. A user adds a node or changes a figure without a compiler: a
folder with tables of the same names and columns is read after the package's, and its rows replace
package rows with the same key or add to them.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from functools import lru_cache
from importlib.resources import files
from pathlib import Path

from cimsim import _native
from cimsim.errors import UserError, nearest

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

_KEYS: dict[str, tuple[str, ...]] = {
    "nodes": ("node", "roadmap", "transistor"),
    "currents": ("node", "roadmap", "transistor", "device", "state"),
    "layout": ("node",),
    "defaults": ("node",),
    "local_wires": ("min_width",),
    "long_wires": ("min_width",),
    "sensing_time": ("node", "upper"),
    "sensing_time_load": ("node",),
    "mirror_power": ("node", "roadmap", "upper"),
    "mirror_power_law": ("node", "roadmap"),
    "sar_power": ("node", "roadmap"),
}

_INTEGERS = frozenset({"max_fins", "sheets", "max_stacks"})

Row = dict[str, str]


def _read_table(text: str, source: str, name: str) -> list[Row]:
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    reader = csv.DictReader(lines)
    columns = reader.fieldnames or []
    for column in _KEYS[name]:
        if column not in columns:
            raise UserError(f"{source}: column '{column}' is missing{nearest(column, columns)}")
    rows = list(reader)
    for number, row in enumerate(rows, start=1):
        if None in row or None in row.values():
            raise UserError(f"{source}: data row {number} does not have {len(columns)} fields")
    return rows


@lru_cache(maxsize=8)
def _tables(folder: str) -> dict[str, tuple[Row, ...]]:
    """Package tables, then those of a folder (if not ''): later rows replace earlier ones."""
    package = files("cimsim.ppa") / "technology"
    result: dict[str, tuple[Row, ...]] = {}
    if folder:
        known = {f"{name}.csv" for name in _KEYS}
        for path in sorted(Path(folder).glob("*.csv")):
            if path.name not in known:
                raise UserError(
                    f"{path}: not a technology table; allowed: {', '.join(sorted(known))}"
                )
    for name, keys in _KEYS.items():
        text = (package / f"{name}.csv").read_text(encoding="utf-8")
        merged = {
            tuple(row[k] for k in keys): row for row in _read_table(text, f"{name}.csv", name)
        }
        path = Path(folder) / f"{name}.csv"
        if folder and path.exists():
            own = _read_table(path.read_text(encoding="utf-8"), str(path), name)
            columns = set(next(iter(merged.values())))
            for row in own:
                if set(row) != columns:
                    odd = sorted(set(row) ^ columns)[0]
                    raise UserError(
                        f"{path}: column '{odd}' is missing or unknown; "
                        f"allowed: {', '.join(sorted(columns))}"
                    )
            if "upper" in keys:  # a fit is replaced as a whole, never piece by piece
                fits = {tuple(row[k] for k in keys[:-1]) for row in own}
                merged = {key: row for key, row in merged.items() if key[:-1] not in fits}
            merged.update({tuple(row[k] for k in keys): row for row in own})
        result[name] = tuple(merged.values())
    return result


def _number(row: Mapping[str, str], column: str, table: str) -> float:
    try:
        return float(row[column])
    except ValueError:
        raise UserError(
            f"technology table {table}.csv, node {row.get('node', '-')}: "
            f"column '{column}' is '{row[column]}' but must be a number"
        ) from None


def _find(tables: Mapping[str, tuple[Row, ...]], table: str, **key: str) -> list[Row]:
    return [row for row in tables[table] if all(row[k] == v for k, v in key.items())]


def _one(tables: Mapping[str, tuple[Row, ...]], table: str, **key: str) -> Row:
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
            value = _number(row, column, table)
            setattr(target, column, int(value) if column in _INTEGERS else value)


def _segments(rows: Iterable[Row], table: str) -> list[_native.FitSegment]:
    result = []
    for row in sorted(rows, key=lambda r: _number(r, "upper", table)):
        if row["form"] not in ("log", "linear"):
            raise UserError(
                f"technology table {table}.csv: form is '{row['form']}'; allowed: log, linear"
            )
        segment = _native.FitSegment()
        segment.upper = _number(row, "upper", table)
        segment.logarithmic = row["form"] == "log"
        segment.a = _number(row, "a", table)
        segment.b = _number(row, "b", table)
        result.append(segment)
    return result


def _current(row: Row, temperature: int) -> float:
    """Current at an integer temperature: linear between the columns of ten kelvin."""
    below = temperature // 10 * 10
    if not 300 <= temperature <= 400 or not row[str(below)]:
        known = [int(c) for c in row if c.isdigit() and row[c]]
        raise UserError(
            f"temperature is {temperature} K but the tables of node {row['node']} "
            f"{row['roadmap']} allow {min(known)} {f'to {max(known)} K' if len(known) > 1 else 'K'}"
        )
    start = _number(row, str(below), "currents")
    if below == temperature:
        return start
    step = _number(row, str(below + 10), "currents") - start
    return start + step * (temperature - below) / 10


def _wires(rows: Iterable[Row], table: str) -> list[_native.WireMaterial]:
    result = []
    for row in rows:
        material = _native.WireMaterial()
        _fill(material, row, table, skip=())
        result.append(material)
    return sorted(result, key=lambda m: -m.min_width)


def _sensing(tables: Mapping[str, tuple[Row, ...]], node: str) -> _native.SensingTimeFit:
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
    folder: str | Path = "",
) -> _native.Technology:
    """Return the technology of a node (nm) at a temperature (K, 300 to 400).

    ``roadmap`` is 'hp' or 'lstp', ``transistor`` 'conventional', 'fet_2d' or 'tfet'. ``folder`` may
    hold tables of one's own (see the module's text).

    Raises UserError when the tables have no such technology or hold a value out of range.
    """
    return _load(node, roadmap, temperature, transistor, str(folder))


@lru_cache(maxsize=256)
def _load(
    node: int, roadmap: str, temperature: int, transistor: str, folder: str
) -> _native.Technology:
    tables = _tables(folder)
    name = str(node)
    device = _one(tables, "nodes", node=name, roadmap=roadmap, transistor=transistor)
    t = _native.Technology()
    t.node = node
    t.roadmap = _native.Roadmap(ROADMAPS[roadmap])
    t.transistor_type = TRANSISTORS[transistor]
    t.temperature = temperature
    if device["device_class"] not in DEVICE_CLASSES:
        raise UserError(
            f"technology table nodes.csv, node {node}: device_class is "
            f"'{device['device_class']}'; allowed: {', '.join(DEVICE_CLASSES)}"
        )
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
        t.mirror_power.base = _number(law, "base_uw", "mirror_power_law") * 1e-6
        t.mirror_power.factor = _number(law, "factor", "mirror_power_law")
        t.mirror_power.exponent = _number(law, "exponent", "mirror_power_law")
    sar = _one(tables, "sar_power", node=name, roadmap=roadmap)
    t.sar_power.per_bit = _number(sar, "per_bit_uw", "sar_power") * 1e-6
    t.sar_power.base = _number(sar, "base_uw", "sar_power") * 1e-6
    t.sar_power.factor = _number(sar, "factor", "sar_power")
    t.sar_power.exponent = _number(sar, "exponent", "sar_power")
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


def load_context(overrides: Mapping[str, float], folder: str | Path = "") -> _native.Context:
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
        folder,
    )
    try:
        return _native.Context(technology, {k: float(v) for k, v in overrides.items()})
    except ValueError as error:
        raise UserError(str(error)) from None
