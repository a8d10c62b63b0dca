"""Files of DNN+NeuroSim V1.5: the network table and the weights and inputs of each layer.

The formats are those that its Python side writes and its C++ side reads (specification chip.md 1.1
to 1.5). What it loads and ignores is ignored here too: surplus rows and columns (the Python side
appends a dummy column to the weights) and surplus input vectors.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cimsim.errors import UserError
from cimsim.ppa.csv_matrix import check_fields, read_matrix, refuse_field
from cimsim.ppa.engine import Codes
from cimsim.ppa.generator import stored_codes

COMMAND_FILE = "trace_command.sh"
"""Name of the file in which the Python side leaves the call of the binary."""

NETWORK_COLUMNS = (
    "height",
    "width",
    "in_channels",
    "kernel_height",
    "kernel_width",
    "out_channels",
    "pooled",
    "stride",
)
"""The fields of a line of the network table; sizes of the map are without padding."""

LARGEST_SIZE = 2**20
"""Upper bound of every size in the network table."""


@dataclass(frozen=True)
class NetworkLine:
    """One layer as the network table has it."""

    height: int
    width: int
    in_channels: int
    kernel_height: int
    kernel_width: int
    out_channels: int
    pooled: bool
    stride: int

    @property
    def rows(self) -> int:
        """Rows of the weight matrix (fan-in)."""
        return self.in_channels * self.kernel_height * self.kernel_width


@dataclass(frozen=True)
class TracePair:
    """The files of one layer."""

    weights: Path
    inputs: Path


@dataclass(frozen=True)
class TraceCommand:
    """The call of the binary in a command file: the pairs, in order, and its four numbers."""

    file: Path
    pairs: list[TracePair]
    weight_bits: int
    input_bits: int
    rows: int
    parallel_rows: int


def read_network_table(path: Path) -> list[NetworkLine]:
    """Read a network table: eight whole numbers a line, without header.

    Raises:
        UserError: the file cannot be read or a field is not allowed; names line and column.
    """
    matrix = read_matrix(path)
    if matrix.shape[1] != len(NETWORK_COLUMNS):
        raise UserError(
            f"{path}: line 1, column {min(matrix.shape[1], len(NETWORK_COLUMNS)) + 1}: "
            f"{matrix.shape[1]} fields; allowed: {len(NETWORK_COLUMNS)} "
            f"({', '.join(NETWORK_COLUMNS)})"
        )
    wrong = (matrix != np.trunc(matrix)) | (matrix < 1) | (matrix > LARGEST_SIZE)
    pooled = NETWORK_COLUMNS.index("pooled")
    wrong[:, pooled] = ~np.isin(matrix[:, pooled], (0, 1))
    if wrong.any():
        row, column = (int(i) for i in np.argwhere(wrong)[0])
        allowed = "0 or 1" if column == pooled else f"a whole number from 1 to {LARGEST_SIZE}"
        found = f"{NETWORK_COLUMNS[column]} is {matrix[row, column]:.12g}"
        refuse_field(path, row, column, f"{found}; allowed: {allowed}")
    return [_network_line(line) for line in matrix.astype(int).tolist()]


def _network_line(fields: list[int]) -> NetworkLine:
    *sizes, pooled, stride = fields
    height, width, in_channels, kernel_height, kernel_width, out_channels = sizes
    return NetworkLine(
        height,
        width,
        in_channels,
        kernel_height,
        kernel_width,
        out_channels,
        pooled=bool(pooled),
        stride=stride,
    )


def read_command(path: Path) -> TraceCommand:
    """Read a command file: ``main NETWORK.csv BITS BITS ROWS ROWS WEIGHTS.csv INPUTS.csv ...``.

    Trace files are looked for where the command names them (from the working directory, then from
    the folder above the file's own, where the reference runs it) and beside the command file.

    Raises:
        UserError: the file cannot be read, is no such call, or names files that do not exist.
    """
    try:
        words = shlex.split(path.read_text(encoding="utf-8-sig"), comments=True)
    except (OSError, ValueError) as error:
        raise UserError(f"{path}: cannot be read as a command: {error}") from error
    if len(words) < 6:
        raise UserError(
            f"{path}: {len(words)} words; allowed: main NETWORK.csv WEIGHT_BITS INPUT_BITS ROWS "
            "PARALLEL_ROWS WEIGHTS.csv INPUTS.csv ..."
        )
    numbers = []
    for position in range(2, 6):
        if not (words[position].isascii() and words[position].isdecimal()):
            raise UserError(
                f"{path}: word {position + 1} is {words[position]!r}; allowed: a whole number"
            )
        numbers.append(int(words[position]))
    files = [_trace_file(name, path) for name in words[6:]]
    return TraceCommand(path, pair_files(files, str(path)), *numbers)


def _trace_file(name: str, command: Path) -> Path:
    for file in (Path(name), command.parent.parent / name, command.parent / Path(name).name):
        if file.is_file():
            return file
    raise UserError(
        f"{command}: {name!r}: no such file, from the working directory, from "
        f"{command.parent.parent} or in {command.parent}"
    )


def pair_files(files: Sequence[Path], source: str) -> list[TracePair]:
    """Return files that alternate between weights and inputs as pairs.

    Raises:
        UserError: an odd number of files, or names that say the opposite of their place.
    """
    if len(files) % 2 or not files:
        raise UserError(
            f"{source}: {len(files)} trace files; allowed: a file of weights and a file of inputs "
            "for each layer, in turn"
        )
    for index, file in enumerate(files):
        kind, other = ("weights", "input_") if index % 2 == 0 else ("inputs", "weight_")
        if file.name.startswith(other):
            raise UserError(
                f"{source}: {file} is in the place of the {kind} of layer {index // 2 + 1}; "
                "allowed: for each layer the file of its weights, then that of its inputs"
            )
    return [TracePair(*files[i : i + 2]) for i in range(0, len(files), 2)]


def find_traces(given: Sequence[Path]) -> TraceCommand | list[TracePair]:
    """Return what a folder, a command file or a list of files says about the traces.

    Raises:
        UserError: a file does not exist, or a folder has no command file.
    """
    if len(given) == 1 and given[0].is_dir():
        command = given[0] / COMMAND_FILE
        if not command.is_file():
            raise UserError(
                f"{given[0]}: the folder has no {COMMAND_FILE}, so that the order of its layers is "
                "not known; allowed: give the command file, or the files of each layer in order "
                "(--traces weight_a.csv --traces input_a.csv ...)"
            )
        return read_command(command)
    for file in given:
        if not file.is_file():
            raise UserError(f"--traces: {file}: no such file")
    if len(given) == 1 and given[0].suffix != ".csv":
        return read_command(given[0])
    return pair_files(given, "--traces")


def layer_names(pairs: Sequence[TracePair]) -> list[str]:
    """Return the name of each layer: that in ``weight_<name>.csv``, or else its number."""
    names = [
        pair.weights.stem.removeprefix("weight_")
        if pair.weights.stem.startswith("weight_")
        else f"layer{number}"
        for number, pair in enumerate(pairs, start=1)
    ]
    if len(set(names)) < len(names):
        return [f"layer{number}" for number in range(1, len(pairs) + 1)]
    return names


def read_weights(path: Path, rows: int, columns: int, bits: int, digits: str) -> NDArray[np.int32]:
    """Return the codes that the cells store, int32 ``[rows, columns]``.

    Args:
        path: file of weights, at least `rows` lines of `columns` fields.
        rows: fan-in.
        columns: output channels.
        bits: bits of a weight.
        digits: ``parity``: every number is read with the range (-1, 1) of the reference, integers
            too (chip quirk 1); ``stored``: a file of integers holds the codes themselves, any other
            file real weights in [-1, 1).

    Raises:
        UserError: a malformed file or a number out of range; names line and column.
    """
    matrix = _needed(path, rows, columns, "columns")
    whole = bool((matrix == np.trunc(matrix)).all())
    top = 2**bits - 1
    if digits == "parity":
        wrong, rule = (matrix < -1) | (matrix > top), f"-1 to {top} ({bits} bits)"
    elif whole:
        wrong, rule = (matrix < 0) | (matrix > top), f"0 to {top} ({bits} bits)"
    else:
        wrong = (matrix < -1) | (matrix >= 1)
        rule = "-1 to below 1 (the file has fractions, so that its weights are real numbers)"
    check_fields(path, matrix, wrong, rule)
    if digits == "stored" and whole:
        return matrix.astype(np.int32)
    return stored_codes(matrix, bits).astype(np.int32)


def read_inputs(path: Path, rows: int, bits: int) -> Codes:
    """Return the input codes of a layer, ``[rows, vectors]``: all vectors of the file.

    Args:
        path: file of inputs, at least `rows` lines, one field an input vector.
        rows: fan-in.
        bits: bits of an input, at most 16; above 8 the codes are uint16.

    Raises:
        UserError: a malformed file, or a number that is no integer of `bits` bits; names line and
            column.
    """
    matrix = _needed(path, rows, 1, "vectors")
    top = 2**bits - 1
    wrong = (matrix != np.trunc(matrix)) | (matrix < 0) | (matrix > top)
    check_fields(path, matrix, wrong, f"a whole number from 0 to {top} ({bits} bits)")
    return matrix.astype(np.uint8) if bits <= 8 else matrix.astype(np.uint16)


def _needed(path: Path, rows: int, columns: int, what: str) -> NDArray[np.float64]:
    """Return the rows of a file that the layer uses; for weights, its columns as well.

    Raises:
        UserError: the file has fewer than `rows` lines or `columns` fields.
    """
    matrix = read_matrix(path)
    found = matrix.shape
    if found[0] < rows:
        raise UserError(
            f"{path}: line {found[0] + 1}, column 1: the file ends after {found[0]} lines, but the "
            f"network's layer has {rows} rows (channels x kernel height x kernel width)"
        )
    if found[1] < columns:
        raise UserError(
            f"{path}: line 1, column {found[1] + 1}: the lines end after {found[1]} {what}, but "
            f"the network's layer has {columns}"
        )
    return matrix[:rows, :columns] if what == "columns" else matrix[:rows]
