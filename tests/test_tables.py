"""Parquet files: whole or absent, with provenance, and errors that name the file."""

from __future__ import annotations

import random
import resource
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cimsim.errors import UserError
from cimsim.tables import provenance_of, read_batches, read_table, write_row_groups, write_table

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


@pytest.fixture(scope="module")
def numbers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A table whose content cannot be guessed from what is left of it."""
    path = tmp_path_factory.mktemp("numbers") / "table.parquet"
    drawn = np.random.default_rng(1).integers(-(2**31), 2**31, (300, 2)).tolist()
    write_table(
        path, {"name": [str(a) for a, _ in drawn], "values": drawn}, SCHEMA, {"stage": "test"}
    )
    return path


def test_a_flipped_bit_never_changes_what_is_read(numbers: Path, tmp_path: Path) -> None:
    """Without check sums of pages most flips would be read as other numbers."""
    whole, expected = numbers.read_bytes(), read_table(numbers, SCHEMA)
    damaged, chosen = tmp_path / "damaged.parquet", random.Random(2)
    refused: list[str] = []
    for _ in range(400):
        content = bytearray(whole)
        content[chosen.randrange(len(whole))] ^= 1 << chosen.randrange(8)
        damaged.write_bytes(content)
        try:
            assert read_table(damaged, SCHEMA).equals(expected)
        except UserError as error:
            refused.append(str(error))
    assert len(refused) > 300
    for message in refused:
        assert message.startswith(f"{damaged}: ")
        assert "run again" in message
        assert "\n" not in message


def test_no_part_of_a_file_is_read_as_a_table(numbers: Path, tmp_path: Path) -> None:
    whole, part = numbers.read_bytes(), tmp_path / "part.parquet"
    for length in {*range(20), *range(20, len(whole), 97), len(whole) - 1}:
        part.write_bytes(whole[:length])
        with pytest.raises(UserError, match="no readable Parquet file"):
            read_table(part, SCHEMA)


def test_a_full_disk_leaves_no_file(tmp_path: Path) -> None:
    """The operating system stops a file at 4 KB, as it does where a quota or the disk ends."""
    program = (
        "import sys; from pathlib import Path; import pyarrow as pa\n"
        "from cimsim.errors import UserError; from cimsim.tables import write_table\n"
        "schema = pa.schema([('x', pa.binary())])\n"
        "noise = open('/dev/urandom', 'rb').read(100_000)\n"
        "try: write_table(Path(sys.argv[1]), {'x': [noise]}, schema, {})\n"
        "except UserError as error: print(error)\n"
    )
    path = tmp_path / "table.parquet"
    done = subprocess.run(
        [sys.executable, "-c", program, path],
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096)),
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert done.stdout.startswith(f"{path}: cannot be written: ")
    assert done.stdout.endswith("File too large\n")
    assert list(tmp_path.iterdir()) == []


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


def test_row_groups_are_read_as_one_table(tmp_path: Path) -> None:
    path = tmp_path / "groups.parquet"
    write_row_groups(path, [COLUMNS, COLUMNS], SCHEMA, {"stage": "test"})
    assert read_table(path, SCHEMA).to_pydict() == {name: 2 * v for name, v in COLUMNS.items()}
    assert provenance_of(path) == {"stage": "test"}
    assert pq.read_metadata(path).num_row_groups == 2


def test_nothing_is_left_where_a_row_group_fails(tmp_path: Path) -> None:
    def groups() -> Iterator[dict[str, Any]]:
        yield COLUMNS
        raise UserError("no second group")

    with pytest.raises(UserError, match="no second group"):
        write_row_groups(tmp_path / "groups.parquet", groups(), SCHEMA, {})
    assert not list(tmp_path.iterdir())
