"""Results of the ppa stage by key, whichever block of a group of design points holds them.

A folder ``results/ppa/<group>/<block>/`` has three tables with a row (chip), or some rows (layers,
components), for each design point. Files are complete as soon as they are there, and equal keys
have equal rows, so that any block may serve.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from cimsim import schemas
from cimsim.errors import UserError
from cimsim.tables import read_table, write_table

SCHEMAS = {
    "components": schemas.COMPONENT_ROWS,
    "layers": schemas.LAYER_ROWS,
    "chip": schemas.CHIP_ROWS,
}
"""The tables of a block, in the order of writing: whoever finds a chip finds the others."""

OPEN_BLOCKS = 16
"""Blocks kept in memory; those of a campaign are read one after the other."""

Tables = Mapping[str, pa.Table]
"""The tables of :data:`SCHEMAS`."""


class GroupResults:
    """Looks up results below the folder of a group."""

    def __init__(self, group: Path) -> None:
        self._folders: dict[str, Path] = {}
        for file in sorted(group.glob("*/chip.parquet")):
            if not all((file.parent / f"{name}.parquet").is_file() for name in SCHEMAS):
                continue  # a table was deleted: as good as no block
            keys = read_table(file, schemas.CHIP_ROWS, ["key"])["key"].to_pylist()
            self._folders |= dict.fromkeys(keys, file.parent)
        self._group = group
        self._read = lru_cache(OPEN_BLOCKS)(_read)

    def __contains__(self, key: object) -> bool:
        return key in self._folders

    def rows(self, key: str, table: str) -> pa.Table:
        """Return the rows of one design point in a table.

        Raises:
            UserError: no block has the point, or a file cannot be read.
        """
        if key not in self._folders:
            raise UserError(f"{self._group}: no block has the design of key {key}")
        whole = self._read(self._folders[key], table)
        return whole.filter(pc.equal(whole["key"], key))

    def tables(self, key: str) -> Tables:
        """Return the rows of one design point in every table.

        Raises:
            UserError: as :meth:`rows`.
        """
        return {name: self.rows(key, name) for name in SCHEMAS}


def _read(folder: Path, table: str) -> pa.Table:
    return read_table(folder / f"{table}.parquet", SCHEMAS[table])


def keyed(key: str, columns: Mapping[str, Sequence[Any]], schema: pa.Schema) -> pa.Table:
    """Return columns as a table of `schema`, whose column ``key`` is the same in each row."""
    count = len(next(iter(columns.values())))
    return pa.table({"key": [key] * count, **columns}, schema=schema)


def write_block(folder: Path, points: Iterable[Tables], provenance: Mapping[str, Any]) -> None:
    """Write the tables of design points, in their order, to the folder of a block.

    Raises:
        UserError: a file cannot be written.
    """
    listed = list(points)
    for name, schema in SCHEMAS.items():
        whole = pa.concat_tables([schema.empty_table(), *(tables[name] for tables in listed)])
        columns = dict(zip(whole.schema.names, whole.columns, strict=True))
        combined = {column: values.combine_chunks() for column, values in columns.items()}
        write_table(folder / f"{name}.parquet", combined, schema, provenance)
