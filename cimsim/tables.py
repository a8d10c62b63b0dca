"""Parquet files with an explicit schema and provenance, written whole or not at all.

Pages carry check sums, which reading compares: a damaged file is an error, never other numbers.
"""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from cimsim.errors import UserError

PROVENANCE = b"cimsim"
"""Key of the schema metadata that holds the provenance, as JSON."""

STORED: dict[str, Any] = {"compression": "zstd", "write_page_checksum": True}
"""How tables are stored, as options of pyarrow's writers."""


def write_table(
    path: Path,
    columns: Mapping[str, Any],
    schema: pa.Schema,
    provenance: Mapping[str, Any],
) -> None:
    """Write `columns` (one sequence per field of `schema`) to `path`, through a temporary name.

    `provenance` (JSON values: stage, key, versions) goes into the file's metadata. Nothing that
    differs between two runs of the same computation may be in it, because equal runs give equal
    bytes.

    Raises:
        ValueError: the columns are not exactly the fields of the schema.
        UserError: the file cannot be written (no space, no permission).
    """
    table = _table(columns, _stamped(schema, provenance))
    write_atomically(path, lambda temporary: pq.write_table(table, temporary, **STORED))


def write_row_groups(
    path: Path,
    groups: Iterable[Mapping[str, Any]],
    schema: pa.Schema,
    provenance: Mapping[str, Any],
) -> None:
    """Write a table like :func:`write_table`, whose rows come in `groups`: each is written at once.

    Memory holds one group, whatever their number; each is a row group of the file.

    Raises:
        ValueError, UserError: as :func:`write_table`.
    """
    stamped = _stamped(schema, provenance)

    def write(temporary: Path) -> None:
        with pq.ParquetWriter(temporary, stamped, **STORED) as writer:
            for columns in groups:
                writer.write_table(_table(columns, stamped))

    write_atomically(path, write)


def _stamped(schema: pa.Schema, provenance: Mapping[str, Any]) -> pa.Schema:
    return schema.with_metadata({PROVENANCE: json.dumps(provenance, sort_keys=True).encode()})


def _table(columns: Mapping[str, Any], schema: pa.Schema) -> pa.Table:
    if set(columns) != set(schema.names):
        raise ValueError(
            f"columns {sorted(columns)} do not match the schema {sorted(schema.names)}"
        )
    return pa.table([pa.array(columns[f.name], type=f.type) for f in schema], schema=schema)


def write_atomically(path: Path, write: Any) -> None:
    """Call ``write(temporary_path)`` beside `path` and rename the result to `path`.

    Raises:
        UserError: the operating system refuses the write; no file is left behind.
    """
    # Two machines may write the same file at once, under the same number of a process.
    temporary = path.with_name(f".{path.name}.{os.getpid()}-{secrets.token_hex(4)}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write(temporary)
        temporary.replace(path)
    except OSError as error:
        raise UserError(f"{path}: cannot be written: {error.strerror or error}") from error
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def read_table(path: Path, schema: pa.Schema, columns: Sequence[str] | None = None) -> pa.Table:
    """Read a Parquet file and check that it has the columns and types of `schema`.

    With `columns`, only these are read (all are checked).

    Raises:
        UserError: the file is missing, truncated, damaged, no Parquet file, or has other columns.
    """
    with _readable(path, schema) as file:
        return file.read(columns=None if columns is None else list(columns))


def read_batches(path: Path, schema: pa.Schema, rows: int) -> Iterator[pa.RecordBatch]:
    """Read a Parquet file like :func:`read_table`, at most `rows` rows at a time.

    Raises:
        UserError: as :func:`read_table`.
    """
    with _readable(path, schema) as file:
        # Threads cost more than they gain on files of this size.
        yield from file.iter_batches(batch_size=rows, use_threads=False)


@contextmanager
def _readable(path: Path, schema: pa.Schema) -> Iterator[pq.ParquetFile]:
    """Open a Parquet file, check its columns, and name it in every error of reading it."""
    with _named(path), pq.ParquetFile(path, page_checksum_verification=True) as file:
        found = file.schema_arrow
        if not found.equals(schema):
            raise UserError(
                f"{path}: columns {found.names} are not the expected {schema.names}; "
                "it was written by another version: delete it and run again"
            )
        yield file


@contextmanager
def _named(path: Path) -> Iterator[None]:
    """Name a Parquet file in every error of reading it."""
    try:
        yield
    except FileNotFoundError as error:
        raise UserError(f"{path}: no such file; run the stage that writes it") from error
    except (pa.ArrowException, OSError) as error:
        raise UserError(
            f"{path}: no readable Parquet file ({_one_line(error)}); delete it and run again"
        ) from error


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())


def provenance_of(path: Path) -> dict[str, Any]:
    """Return the provenance that :func:`write_table` stored in the file.

    Raises:
        UserError: the file cannot be read.
    """
    with _named(path):
        metadata = pq.read_schema(path).metadata or {}
    loaded: dict[str, Any] = json.loads(metadata.get(PROVENANCE, b"{}"))
    return loaded


def rows(table: pa.Table) -> Iterable[dict[str, Any]]:
    """Iterate over the rows of a table as dictionaries."""
    for batch in table.to_batches():
        yield from batch.to_pylist()


def read_rows_where(path: Path, schema: pa.Schema, column: str, value: str) -> list[dict[str, Any]]:
    """Return the rows of a Parquet file whose `column` is `value`, without holding the others.

    Raises:
        UserError: as :func:`read_table`.
    """
    found: list[dict[str, Any]] = []
    for batch in read_batches(path, schema, 8192):
        found += batch.filter(pc.equal(batch.column(column), value)).to_pylist()
    return found
