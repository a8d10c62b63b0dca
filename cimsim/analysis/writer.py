"""Tables written row by row in bounded memory, whole or not at all, with a CSV twin."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from cimsim.tables import PROVENANCE, STORED, write_atomically

BATCH_ROWS = 8192
"""Rows in memory at a time and in a row group; fixed, so that equal rows give equal bytes."""

Row = Mapping[str, Any]


def write_rows(
    path: Path, rows: Iterable[Row], schema: pa.Schema, provenance: Mapping[str, Any]
) -> None:
    """Write `rows` (one value per field of `schema`) to a Parquet file, a batch at a time.

    Raises:
        UserError: the file cannot be written.
        KeyError: a row lacks a field.
        ValueError: a field that is never null has no value.
    """
    stamped = schema.with_metadata({PROVENANCE: json.dumps(provenance, sort_keys=True).encode()})

    def write(temporary: Path) -> None:
        with pq.ParquetWriter(temporary, stamped, **STORED) as writer:
            for batch in _batches(rows, stamped):
                writer.write_batch(batch, row_group_size=BATCH_ROWS)

    write_atomically(path, write)


def write_csv(path: Path, table: Path) -> None:
    """Write the CSV twin of a Parquet file: numbers by repr, null as nothing, lists with ';'.

    Raises:
        UserError: the file cannot be written.
    """

    def write(temporary: Path) -> None:
        with (
            pq.ParquetFile(table) as source,
            temporary.open("w", newline="", encoding="utf-8") as target,
        ):
            writer = csv.writer(target, lineterminator="\n")
            writer.writerow(source.schema_arrow.names)
            for batch in source.iter_batches(batch_size=BATCH_ROWS):
                columns = [column.to_pylist() for column in batch.columns]
                writer.writerows(
                    [_text(value) for value in row] for row in zip(*columns, strict=True)
                )

    write_atomically(path, write)


def _batches(rows: Iterable[Row], schema: pa.Schema) -> Iterable[pa.RecordBatch]:
    columns: list[list[Any]] = [[] for _ in schema]
    for row in rows:
        for name, column in zip(schema.names, columns, strict=True):
            column.append(row[name])
        if len(columns[0]) == BATCH_ROWS:
            yield _batch(columns, schema)
            columns = [[] for _ in schema]
    if columns[0]:
        yield _batch(columns, schema)


def _batch(columns: list[list[Any]], schema: pa.Schema) -> pa.RecordBatch:
    arrays = [pa.array(c, type=f.type) for c, f in zip(columns, schema, strict=True)]
    batch = pa.record_batch(arrays, schema=schema)
    batch.validate(full=True)
    for array, field in zip(arrays, schema, strict=True):
        if array.null_count and not field.nullable:
            raise ValueError(f"column {field.name} has {array.null_count} rows without a value")
    return batch


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return ";".join(value)
    return repr(value) if isinstance(value, float) else str(value)
