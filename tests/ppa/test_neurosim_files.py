"""Files of DNN+NeuroSim: recorded figures from them, the documented commands, and every mistake."""

from __future__ import annotations

import csv
import gzip
import json
import re
import shlex
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from cimsim import schemas
from cimsim.campaign.design_json import read_design
from cimsim.cli import app
from cimsim.errors import UserError
from cimsim.ppa import generator, neurosim_files, verify
from cimsim.ppa.csv_matrix import read_matrix
from cimsim.ppa.engine import needs_weights
from cimsim.ppa.neurosim import evaluate_network, open_network
from cimsim.ppa.parameters import SOURCES
from cimsim.ppa.table_cases import table_cases
from cimsim.ppa.technology import load_context
from cimsim.tables import read_table

ROOT = Path(__file__).parents[2]
REFERENCE = ROOT / "tests" / "reference" / "ppa_chip"

PRESET = {"preset": "neurosim-v1.5"}

RECORDED = {
    "c0001": {},
    "c0002": {},
    "c0003": {},
    "c0004": {},
    "c0177": {"cell.bits": 2},
    "c0209": {"quantization.weight_bits": 4, "quantization.input_bits": 4},
    "c0593": {"array.adc.kind": "sar"},
    "c0640": {"array.adc.sensing": "current"},
    "c0648": {"array.adc.sensing": "current", "cell.bits": 4},
    # Their weight range (0, 2**bits) stores the integers as they are.
    "c0650": {"array.adc.sensing": "current", "fidelity.weight_digits": "stored"},
}
"""Rows of the reference, and how their design differs from the preset."""


def save(path: Path, matrix) -> None:
    """Write numbers as the reference's generator does: integers plainly, reals exactly."""
    path.write_text("\n".join(",".join(f"{x:.17g}" for x in row) for row in matrix) + "\n")


def write_network(folder: Path, name: str, config: dict, surplus: bool = True) -> Path:
    """Write the files of a row of the reference as its Python side lays them out.

    With `surplus`, a dummy column of weights and dummy vectors are appended, and a dummy line.
    """
    with (REFERENCE / "networks" / f"{config['network']}.csv").open() as file:
        rows = list(csv.reader(file))[1:]
    table = folder / "NeuroSIM" / f"NetWork_{name}.csv"
    table.parent.mkdir(parents=True)
    table.write_text("".join(",".join(row[1:9]) + "\n" for row in rows))
    records = folder / f"layer_record_{name}"
    records.mkdir()
    seed, bits, input_bits = (
        config["seed"],
        config["weight_precision"],
        config["input_precision"],
    )
    command = f"./NeuroSIM/main ./NeuroSIM/NetWork_{name}.csv {bits} {input_bits} "
    command += f"{config['rows']} {config['rows_parallel']} "
    for i, row in enumerate(rows):
        columns, k, v = int(row[6]), int(row[9]), int(row[10])
        weights = generator.weights(seed, i, k, columns, bits).astype(float)
        inputs = generator.inputs(seed, i, k, v, input_bits)
        if config["weight_encoding"] == "unit":
            weights = weights / 2 ** (bits - 1) - 1
        if surplus:
            weights = np.pad(weights, ((0, 1), (0, 1)))
            inputs = np.pad(inputs, ((0, 0), (0, 3)), constant_values=1)
        save(records / f"weight_conv.{i}.csv", weights)
        save(records / f"input_conv.{i}.csv", inputs)
        command += f"./{records.name}/weight_conv.{i}.csv ./{records.name}/input_conv.{i}.csv "
    (records / "trace_command.sh").write_text(command)
    return records


@pytest.fixture(scope="module")
def cases():
    return {case.name: case for case in table_cases(REFERENCE)}


@pytest.fixture(scope="module")
def configs():
    with gzip.open(REFERENCE / "configs.jsonl.gz", "rt") as file:
        return {config["id"]: config for config in map(json.loads, file)}


@pytest.fixture(scope="module")
def tiny(tmp_path_factory, configs):
    folder = tmp_path_factory.mktemp("tiny")
    write_network(folder, "tiny", configs["c0002"])
    return folder


def call(*arguments) -> tuple[int, str]:
    """Return exit status, and what is printed or the error."""
    done = CliRunner().invoke(app, [str(argument) for argument in arguments])
    if isinstance(done.exception, UserError):
        return 1, str(done.exception)
    return done.exit_code, done.output


def table_of(folder: Path) -> Path:
    return next((folder / "NeuroSIM").glob("*.csv"))


@pytest.mark.parametrize("name", RECORDED)
def test_recorded_figures_from_the_files_of_the_reference(tmp_path, cases, configs, name):
    records = write_network(tmp_path, "net", configs[name])
    output = tmp_path / "out"
    status, printed = call(
        "ppa",
        "--neurosim-network",
        table_of(tmp_path),
        "--traces",
        records,
        "--design",
        json.dumps(PRESET | RECORDED[name]),
        "--output",
        output,
    )
    assert status == 0, printed
    chip = read_table(output / "chip.parquet", schemas.CHIP).to_pylist()[0]
    compared = {k: v for k, v in cases[name].chip.items() if k in chip and np.isfinite(v)}
    assert len(compared) >= 30
    # Column conductances are summed in single precision (native/conductances.hpp).
    largest = 2e-6 if needs_weights(load_context(cases[name].parameters)) else 1e-9
    assert max(verify.deviations(chip, compared))[0] < largest
    layers = read_table(output / "layers.parquet", schemas.PPA_LAYERS).to_pylist()
    assert [row["layer"] for row in layers] == [f"conv.{i}" for i in range(len(layers))]
    for row, expected in zip(layers, cases[name].layer_figures, strict=True):
        known = {k: v for k, v in expected.items() if k in row and np.isfinite(v)}
        assert len(known) >= 15
        assert max(verify.deviations(row, known))[0] < largest
    components = read_table(output / "components.parquet", schemas.COMPONENTS).to_pylist()
    area = sum(row["area_m2"] for row in components)
    assert area == pytest.approx(chip["area_m2"], rel=1e-9)


def test_summary_has_units_and_every_layer(tiny):
    status, printed = call(
        "ppa",
        "--neurosim-network",
        table_of(tiny),
        "--traces",
        tiny / "layer_record_tiny",
        "--design",
        json.dumps(PRESET),
    )
    assert status == 0
    for text in ("mm2", "TOPS/W", "uJ", "conv.0", "conv.1", "conv.2"):
        assert text in printed


def test_surplus_rows_columns_and_vectors_change_nothing(tmp_path, configs):
    design = read_design(json.dumps(PRESET | {"array.adc.kind": "sar"}))
    found = []
    for surplus in (False, True):
        folder = tmp_path / str(surplus)
        records = write_network(folder, "net", configs["c0002"], surplus)
        found.append(evaluate_network(design, open_network(design, table_of(folder), [records])))
    assert found[0] == found[1]


def test_folder_command_and_pairs_are_the_same(tiny):
    design = read_design(json.dumps(PRESET))
    records = tiny / "layer_record_tiny"
    pairs = [records / f"{kind}_conv.{i}.csv" for i in range(3) for kind in ("weight", "input")]
    found = [
        evaluate_network(design, open_network(design, table_of(tiny), traces))
        for traces in ([records], [records / "trace_command.sh"], pairs)
    ]
    assert found[0] == found[1] == found[2]


def test_layers_of_another_precision(tiny):
    def figures(**fields):
        design = read_design(json.dumps(PRESET | {"cell.bits": 1} | fields))
        network = open_network(design, table_of(tiny), pairs)
        return evaluate_network(design, network)

    records = tiny / "layer_record_tiny"
    pairs = [records / f"{kind}_conv.{i}.csv" for i in range(3) for kind in ("weight", "input")]
    few = figures(**{"array.adc.bits": 5})
    assert figures(**{"array.adc.layer_bits": ["*=5"]}) == few
    mixed, plain = figures(**{"array.adc.layer_bits": ["conv.2=5"]}), figures()
    area = [found["chip"]["area_adc_m2"][0] for found in (few, mixed, plain)]
    assert area == sorted(set(area))


def test_files_move_with_their_command(tiny, tmp_path):
    moved = tmp_path / "elsewhere"
    moved.mkdir()
    for file in (tiny / "layer_record_tiny").iterdir():
        (moved / file.name).write_bytes(file.read_bytes())
    command = neurosim_files.read_command(moved / "trace_command.sh")
    assert command.pairs[0].weights == moved / "weight_conv.0.csv"


# --- what the arrays hold -------------------------------------------------------------------------


def test_real_weights_are_stored_as_offset_binary(tmp_path):
    file = tmp_path / "weight_a.csv"
    codes = np.arange(256).reshape(16, 16)
    save(file, codes / 128 - 1)
    for digits in ("parity", "stored"):
        assert (neurosim_files.read_weights(file, 16, 16, 8, digits) == codes).all()
    save(file, codes)
    assert (neurosim_files.read_weights(file, 16, 16, 8, "stored") == codes).all()
    parity = neurosim_files.read_weights(file, 16, 16, 8, "parity")
    assert (parity == 128 * (codes + 1)).all()


def test_vectors_of_a_padded_convolution_are_counted_with_the_corrected_design(tmp_path, configs):
    records = write_network(tmp_path, "net", configs["c0002"], surplus=False)
    design = read_design("{}")
    latency = {}
    for vectors in (36, 37, 64, 65):  # without padding, with one pixel; and a dummy vector
        for i in range(2):
            k = (27, 576)[i]
            inputs = generator.inputs(1, i, k, 64, 8)
            save(records / f"input_conv.{i}.csv", np.pad(inputs, ((0, 0), (0, 1)))[:, :vectors])
        tables = evaluate_network(design, open_network(design, table_of(tmp_path), [records]))
        latency[vectors] = tables["chip"]["operations"][0]
    assert latency[36] == latency[37]
    assert latency[64] == latency[65]
    assert latency[64] > 1.5 * latency[36]
    save(records / "input_conv.0.csv", np.zeros((27, 50)))
    with pytest.raises(UserError, match="50 vectors are those of no padding"):
        evaluate_network(design, open_network(design, table_of(tmp_path), [records]))


# --- matrices -------------------------------------------------------------------------------------


@given(
    st.integers(1, 5).flatmap(
        lambda width: st.lists(
            st.lists(
                st.one_of(
                    st.integers(-(2**31), 2**31),
                    st.floats(allow_nan=False, allow_infinity=False, width=32),
                ),
                min_size=width,
                max_size=width,
            ),
            min_size=1,
            max_size=6,
        )
    ),
    st.sampled_from(["", "\ufeff"]),
    st.sampled_from(["\n", "\r\n"]),
    st.sampled_from(["", "\n", "\n\n \r\n"]),
)
def test_matrices_are_read_as_they_are_written(tmp_path_factory, rows, mark, newline, end):
    file = tmp_path_factory.getbasetemp() / "matrix.csv"
    text = newline.join(",".join(repr(x) for x in row) for row in rows)
    file.write_bytes((mark + text + end).encode())
    assert read_matrix(file).tolist() == [[float(x) for x in row] for row in rows]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"", "the file is empty"),
        (b"\xef\xbb\xbf\n\n", "the file is empty"),
        (b"1,2\n3,x\n", "line 2, column 2: 'x'; allowed: a finite number"),
        (b"1,2\n3\n", "line 2, column 2: the line has 1 fields but line 1 has 2"),
        (b"1,2\n3,4,5\n", "line 2, column 3: the line has 3 fields but line 1 has 2"),
        (b"1,2,\n3,4,\n", "line 1, column 3: ''"),
        (b"1\n\n3\n", "line 2, column 1: ''"),
        (b"1,nan\n", "line 1, column 2: 'nan'"),
        (b"1\n1e999\n", "line 2, column 1: '1e999'"),
        (b"1,1_0\n", "line 1, column 2: '1_0'"),
        (b'"1",2\n', "line 1, column 1: '\"1\"'"),
        (b"\xff\xfe1\x00\n", "line 1, column 1"),
    ],
)
def test_the_place_of_a_mistake_is_named(tmp_path, text, message):
    file = tmp_path / "m.csv"
    file.write_bytes(text)
    with pytest.raises(UserError, match=re.escape(message)):
        read_matrix(file)


# --- mistakes -------------------------------------------------------------------------------------


def broken(tmp_path: Path, tiny: Path) -> tuple[Path, Path]:
    """Return the table and the records of a copy of the small network."""
    records = tmp_path / "layer_record_tiny"
    records.mkdir()
    for file in (tiny / "layer_record_tiny").iterdir():
        (records / file.name).write_bytes(file.read_bytes())
    table = tmp_path / "NetWork.csv"
    table.write_bytes(table_of(tiny).read_bytes())
    return table, records


def replaced(file: Path, line: int, column: int, field: str) -> None:
    lines = file.read_text().splitlines()
    fields = lines[line - 1].split(",")
    fields[column - 1] = field
    lines[line - 1] = ",".join(fields)
    file.write_text("\n".join(lines))


@pytest.mark.parametrize(
    ("name", "field", "message"),
    [
        ("NetWork.csv", "x", "NetWork.csv: line 2, column 3: 'x'; allowed: a finite number"),
        ("NetWork.csv", "-64", "line 2, column 3: in_channels is -64; allowed: a whole number"),
        ("NetWork.csv", "64.5", "line 2, column 3: in_channels is 64.5; allowed: a whole number"),
        ("NetWork.csv", "1,2", "line 2, column 9: the line has 9 fields but line 1 has 8"),
        ("NetWork.csv", "65", "weight_conv.1.csv: line 578, column 1: the file ends after 577"),
        ("weight_conv.1.csv", "?", "weight_conv.1.csv: line 2, column 3: '?'"),
        ("weight_conv.1.csv", "256", "line 2, column 3: 256; allowed: -1 to 255 (8 bits)"),
        ("weight_conv.1.csv", "-1.5", "line 2, column 3: -1.5; allowed: -1 to 255 (8 bits)"),
        ("input_conv.1.csv", "0.5", "line 2, column 3: 0.5; allowed: a whole number from 0 to 255"),
        ("input_conv.1.csv", "-1", "line 2, column 3: -1; allowed: a whole number from 0 to 255"),
        ("input_conv.1.csv", "256", "line 2, column 3: 256; allowed: a whole number from 0 to 255"),
    ],
)
def test_a_wrong_field_is_named_with_line_and_column(tmp_path, tiny, name, field, message):
    table, records = broken(tmp_path, tiny)
    replaced(table if name == table.name else records / name, 2, 3, field)
    if field == "65":  # more rows than the files have; the inputs are read first
        save(records / "input_conv.1.csv", np.zeros((585, 36)))
    status, said = call(
        "ppa",
        "--neurosim-network",
        table,
        "--traces",
        records,
        "--design",
        json.dumps(PRESET),
        "--output",
        tmp_path / "out",
    )
    assert status == 1
    assert message in said
    assert "\n" not in said
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("8,8,3,3,3,64,2,1", "column 7: pooled is 2; allowed: 0 or 1"),
        ("8,8,3,3,3,64,0,0", "column 8: stride is 0; allowed: a whole number from 1"),
        ("8,8,3,3,3,64,0", "line 1, column 8: 7 fields; allowed: 8"),
        ("2,2,3,3,3,64,0,1", "is larger than its map (2 x 2)"),
        ("8,8,3,3,3,66,0,1", "weight_conv.0.csv: line 1, column 66: the lines end after 65"),
        ("32,32,3,3,3,64,0,1", "input_conv.0.csv: line 1, column 40: the lines end after 39"),
        ("8,8,4,3,3,64,0,1", "input_conv.0.csv: line 28, column 1: the file ends after 27 lines"),
        ("8,8,3,3,3,64,0,1\n" * 2, "NetWork.csv: 2 layers but 1 pairs of trace files"),
    ],
)
def test_a_table_that_does_not_fit_its_files(tmp_path, tiny, line, message):
    table, records = broken(tmp_path, tiny)
    table.write_text(line)
    design = read_design(json.dumps(PRESET))
    pair = [records / "weight_conv.0.csv", records / "input_conv.0.csv"]
    with pytest.raises(UserError, match=re.escape(message)):
        evaluate_network(design, open_network(design, table, pair))


def test_mistakes_in_the_call(tmp_path, tiny):
    table, records = broken(tmp_path, tiny)
    weights, inputs = records / "weight_conv.0.csv", records / "input_conv.0.csv"
    command = records / "trace_command.sh"
    for arguments, message in (
        (["--traces", records], "--traces needs --neurosim-network"),
        (["--output", tmp_path], "--output needs --neurosim-network"),
        (["--neurosim-network", table], "--neurosim-network needs --traces"),
        (["--neurosim-network", table, "--traces", "none.csv"], "none.csv: no such file"),
        (["--neurosim-network", "none.csv", "--traces", records], "none.csv: cannot be read"),
        (["--neurosim-network", table, "--traces", weights], "1 trace files; allowed: a file of"),
        (
            ["--neurosim-network", table, "--traces", inputs, "--traces", weights],
            "is in the place of the weights of layer 1",
        ),
        (
            ["--neurosim-network", table, "--traces", records, "--design", '{"array.rows": 256}'],
            'trace_command.sh: the command says 128 but array.rows is 256; set "array.rows": 128',
        ),
    ):
        status, said = call("ppa", *arguments)
        assert status == 1
        assert message in said
    text = command.read_text()
    for changed, message in (
        (text.replace(" 8 8 ", " 8 x "), "word 4 is 'x'; allowed: a whole number"),
        ("./main net.csv 8", "3 words; allowed: main NETWORK.csv"),
        (text.replace("input_conv.2", "input_conv.7"), "no such file, from the working directory"),
        (text.rsplit(maxsplit=1)[0], "5 trace files; allowed"),
        (" ".join(text.split()[:-2]), "3 layers but 2 pairs of trace files"),
        ("'", "cannot be read as a command"),
    ):
        command.write_text(changed)
        status, said = call("ppa", "--neurosim-network", table, "--traces", records)
        assert status == 1
        assert message in said
    command.unlink()
    status, said = call("ppa", "--neurosim-network", table, "--traces", records)
    assert status == 1
    assert "has no trace_command.sh, so that the order of its layers is not known" in said


# --- documentation --------------------------------------------------------------------------------


def documented_commands() -> list[list[str]]:
    """Return the commands in the fences of docs/neurosim.md, as lists of words."""
    text = (ROOT / "docs" / "neurosim.md").read_text(encoding="utf-8")
    fences = re.findall(r"^```sh\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    lines = "".join(fences).replace("\\\n", " ").splitlines()
    return [shlex.split(line) for line in lines]


def test_every_documented_command_runs(tmp_path, monkeypatch, configs):
    records = write_network(tmp_path, "VGG8", configs["c0002"], surplus=False)
    (tmp_path / "head.csv").write_text("1,1,2048,1,1,10,0,1\n")
    for kind in ("weight", "input"):
        (tmp_path / f"{kind}_head.csv").write_bytes((records / f"{kind}_conv.2.csv").read_bytes())
    monkeypatch.chdir(tmp_path)
    commands = documented_commands()
    assert len(commands) == 5
    for program, *arguments in commands:
        assert program == "cimsim"
        status, said = call(*arguments)
        assert status == 0, said
    assert sorted(file.name for file in Path("vgg8-22nm").iterdir()) == [
        "chip.parquet",
        "components.parquet",
        "layers.parquet",
    ]


def test_documented_parameters_exist():
    text = (ROOT / "docs" / "neurosim.md").read_text(encoding="utf-8")
    for row in re.findall(r"^\| (`\w+`.*?) \| (.*) \|$", text, re.MULTILINE):
        theirs, ours = (re.findall(r"`([\w.]+)`", cell) for cell in row)
        fields = [name for name in ours if "." in name]
        for name in theirs:
            if name != "main":
                assert SOURCES[name].field in fields, name
