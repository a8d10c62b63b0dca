"""Technology files: a node of one's own, as differences from a node of the package's tables.

A file is YAML::

    node: 28                  # nm, what chip.node says
    based_on: 22              # node of the package whose figures hold where this file has none
    description: where the figures come from
    layout:                   # a table of cimsim/ppa/technology/, one entry a row
      - {poly_pitch: 4.0}     # columns that differ
    nodes:
      - {roadmap: lstp, vdd: 0.9, vth: 0.4}
    local_wires:
      - {min_width: 50, aspect_ratio: 1.9, resistivity: 2.8e-8}

Tables, columns and units are those of the package's CSV files (their first lines).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cimsim.campaign.yaml_file import read_yaml
from cimsim.errors import UserError, nearest

Row = dict[str, str]
Rows = Mapping[str, tuple[Row, ...]]

KEYS: dict[str, tuple[str, ...]] = {
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
"""The tables, and the columns that tell their rows apart."""

TEXTS: dict[str, tuple[str, ...]] = {
    "roadmap": ("hp", "lstp"),
    "transistor": ("conventional", "fet_2d", "tfet"),
    "device": ("n", "p"),
    "state": ("on", "off"),
    "form": ("log", "linear"),
    "device_class": ("bulk", "finfet", "gaa"),
}
"""Columns of words, and the words."""

HEADER = ("node", "based_on", "description")

LARGEST_NODE = 1000  # nm


def read_technology_file(path: Path, package: Rows) -> tuple[int, dict[str, tuple[Row, ...]]]:
    """Return the node (nm) that a file describes, and the tables with its rows.

    Rows of the node are copies of those of ``based_on`` with the columns that the file gives. A
    fitted curve (rows with ``upper``) and the temperatures of a current are replaced as a whole.
    Rows of the wire tables are added, or replace those with the same ``min_width``.

    Raises:
        UserError: the file cannot be read, or a key or value in it is not allowed.
    """
    content = read_yaml(path)
    known = [*HEADER, *KEYS]
    for key in content:
        if key not in known:
            raise UserError(
                f"{path}: {key}: unknown key{nearest(key, known)}; allowed: {', '.join(known)}"
            )
    nodes = sorted({int(row["node"]) for row in package["nodes"]}, reverse=True)
    node = _node(content, "node", f"a whole number of nm from 1 to {LARGEST_NODE}", path)
    base = _node(content, "based_on", f"one of {', '.join(map(str, nodes))}", path)
    if base not in nodes:
        raise UserError(f"{path}: based_on: {base}; allowed: one of {', '.join(map(str, nodes))}")
    tables = {}
    for table, rows in package.items():
        own = _own_rows(content.get(table, []), table, node, rows, path)
        if "node" in KEYS[table]:
            copied = [row | {"node": str(node)} for row in rows if row["node"] == str(base)]
            others = [row for row in rows if row["node"] != str(node)]
            tables[table] = (*others, *_merged(copied, own, table, list(rows[0]), path))
        else:
            tables[table] = _merged(list(rows), own, table, list(rows[0]), path)
    return node, tables


def _node(content: Mapping[str, Any], key: str, allowed: str, path: Path) -> int:
    value = content.get(key)
    if type(value) is not int or not 1 <= value <= LARGEST_NODE:
        found = "is missing" if key not in content else repr(value)
        raise UserError(f"{path}: {key}: {found}; allowed: {allowed}")
    return value


def _own_rows(given: Any, table: str, node: int, rows: tuple[Row, ...], path: Path) -> list[Row]:
    """Return the rows that a file gives for a table, each with its columns as text.

    Raises:
        UserError: no list of rows, an unknown column, or a value that the column does not take.
    """
    columns = list(rows[0])
    if not isinstance(given, list):
        raise UserError(f"{path}: {table}: {given!r:.40}; allowed: a list of rows")
    own: list[Row] = []
    for number, entry in enumerate(given):
        place = f"{path}: {table}[{number}]"
        if not isinstance(entry, dict):
            raise UserError(f"{place}: {entry!r:.40}; allowed: columns with values")
        allowed = [column for column in columns if column != "node"]
        row = {}
        for column, value in entry.items():
            if column not in allowed:
                raise UserError(
                    f"{place}.{column}: unknown column{nearest(column, allowed)}; "
                    f"allowed: {', '.join(allowed)}"
                )
            row[column] = _text(value, column, f"{place}.{column}")
        if "node" in columns:
            row["node"] = str(node)
        if "transistor" in KEYS[table]:
            row.setdefault("transistor", "conventional")
        for key in KEYS[table]:
            if key not in row:
                words = f"; allowed: {', '.join(TEXTS[key])}" if key in TEXTS else ""
                raise UserError(f"{place}.{key}: is missing{words}")
        if any(_key(row, table) == _key(other, table) for other in own):
            raise UserError(f"{place}: the row is there twice")
        own.append(row)
    return own


def _text(value: Any, column: str, place: str) -> str:
    """Return a value as the tables have it.

    Raises:
        UserError: the column does not take the value.
    """
    if column in TEXTS:
        if column == "state" and isinstance(value, bool):
            value = "on" if value else "off"  # what YAML makes of the unquoted words
        if value not in TEXTS[column]:
            raise UserError(f"{place}: {value!r:.40}; allowed: {', '.join(TEXTS[column])}")
        return str(value)
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or math.isnan(value) or (math.isinf(value) and column != "upper"):
        raise UserError(f"{place}: {value!r:.40}; allowed: a finite number")
    return repr(value)


def _key(row: Row, table: str) -> tuple[str | float, ...]:
    """Return what tells a row from the others; numbers by value, as 50 and 50.0 are the same."""
    return tuple(row[k] if k in TEXTS else float(row[k]) for k in KEYS[table])


def _merged(
    base: list[Row], own: list[Row], table: str, columns: list[str], path: Path
) -> tuple[Row, ...]:
    """Return the rows of `base` with those of a file; each has all `columns` of the table.

    Raises:
        UserError: a row that `base` does not have lacks a column.
    """
    found = {_key(row, table): row for row in base}
    if "upper" in KEYS[table]:  # a fit is replaced as a whole, never piece by piece
        fits = {_key(row, table)[:-1] for row in own}
        found = {key: row for key, row in found.items() if key[:-1] not in fits}
    for row in own:
        below = found.get(_key(row, table), {})
        if any(column.isdigit() for column in row):  # currents of mixed origin mean nothing
            below = {c: "" if c.isdigit() else value for c, value in below.items()}
            below |= {c: "" for c in columns if c.isdigit()}
        whole = below | row
        for column in columns:
            if column not in whole:
                raise UserError(
                    f"{path}: {table}: {column} is missing in the row of "
                    f"{', '.join(f'{k} {row[k]}' for k in KEYS[table])}, which the node of "
                    "based_on does not have"
                )
        found[_key(row, table)] = {column: whole[column] for column in columns}
    if "upper" in KEYS[table]:
        for fit in {key[:-1] for key in found}:
            if (*fit, math.inf) not in found:
                raise UserError(f"{path}: {table}: no row has upper .inf, so that the fit ends")
    return tuple(found.values())
