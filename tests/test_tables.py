"""Parquet files: whole or absent, with provenance, and errors that name the file."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from cimsim.errors import UserError
from cimsim.tables import provenance_of, read_batches, read_table, write_table

SCHEMA = pa.schema([("name", pa.string()), ("values", pa.list_(pa.int32()))])
COLUMNS = {"name": ["a", "b", "c"], "values": [[1, 2], [], [3]]}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "deep" / "table.parquet"
    write_table(path, COLUMNS, SCHEMA, {"stage": "test", "key": "0" * 12})
    return path


def test_what_is_written_is_read(path: Path) -> None:
    assert read_table(path, SCHEMA).to_pydict() == COLUMNS
    assert read_table(path, SCHEMA, ["values"]).to_pydict() == {"values": COLUMNS["values"]}
    assert provenance_of(path) == {"stage": "test", "key": "0" * 12}


def test_batches_hold_at_most_the_given_rows(path: Path) -> None:
    batches = list(read_batches(path, SCHEMA, 2))
    assert [len(batch) for batch in batches] == [2, 1]
    assert pa.Table.from_batches(batches).to_pydict() == COLUMNS


def test_equal_content_gives_equal_bytes(path: Path, tmp_path: Path) -> None:
    again = tmp_path / "again.parquet"
    write_table(again, COLUMNS, SCHEMA, {"key": "0" * 12, "stage": "test"})
    assert again.read_bytes() == path.read_bytes()


def test_a_truncated_file_is_named(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(UserError, match=r"table\.parquet: no readable Parquet file .* delete it"):
        read_table(path, SCHEMA)


def test_other_columns_are_refused(path: Path) -> None:
    other = pa.schema([("name", pa.string())])
    with pytest.raises(UserError, match="another version: delete it"):
        list(read_batches(path, other, 10))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"none\.parquet: no such file; run the stage"):
        read_table(tmp_path / "none.parquet", SCHEMA)


def test_nothing_is_left_of_a_write_that_fails(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file where a folder should be")
    with pytest.raises(UserError, match="cannot be written"):
        write_table(tmp_path / "taken" / "x.parquet", COLUMNS, SCHEMA, {})
    with pytest.raises(pa.ArrowInvalid):
        write_table(tmp_path / "x.parquet", {**COLUMNS, "values": [["no number"]] * 3}, SCHEMA, {})
    assert [p.name for p in tmp_path.iterdir()] == ["taken"]
