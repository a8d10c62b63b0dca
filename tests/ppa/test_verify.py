"""Verification of a folder: verdicts, tolerance, and folders that lack files."""

import csv
import gzip
import json
import shutil
from pathlib import Path

import pytest

from cimsim.errors import UserError
from cimsim.ppa.small_cases import edited_parameters
from cimsim.ppa.verify import deviations, verify_folder

REFERENCE = Path(__file__).parents[1] / "reference" / "ppa_chip"


def lines_of(path):
    with gzip.open(path, "rt") as file:
        return file.read().splitlines()


def write(path, lines):
    with gzip.open(path, "wt") as file:
        file.write("\n".join(lines) + "\n")


@pytest.fixture
def folder(tmp_path):
    """Return a folder with four configurations: two good, one refused, one without result."""
    names = ("c0001", "c0016", "c0018", "c0169")
    shutil.copytree(REFERENCE / "networks", tmp_path / "networks")
    wanted = [x for x in lines_of(REFERENCE / "configs.jsonl.gz") if json.loads(x)["id"] in names]
    write(tmp_path / "configs.jsonl.gz", wanted)
    for table in ("results", "layers", "breakdown"):
        rows = lines_of(REFERENCE / f"{table}.csv.gz")
        kept = [row for row in rows[1:] if row.split(",", 1)[0] in names]
        write(tmp_path / f"{table}.csv.gz", [rows[0], *kept])
    return tmp_path


def run(folder):
    said = []
    return verify_folder(folder, said.append), said


def test_one_line_a_configuration_and_a_tally(folder):
    good, said = run(folder)
    assert good
    assert [line.split(":")[0] for line in said[:-1]] == ["c0001", "c0016", "c0018", "c0169"]
    assert " ok (" in said[0]
    assert "skipped (the reference has no result)" in said[2]
    assert "refused (parameter numRowParallel is 256" in said[3]
    assert said[-1] == "2 ok, 0 FAIL, 1 refused, 1 skipped"


@pytest.mark.parametrize(("factor", "good"), [(1.0009, True), (1.002, False)])
@pytest.mark.parametrize("table", ["results", "layers", "breakdown"])
def test_a_figure_that_deviates_fails(folder, table, factor, good):
    path = folder / f"{table}.csv.gz"
    rows = lines_of(path)
    column = {"results": "area_chip_m2", "layers": "latency_s", "breakdown": "energy_j"}[table]
    at = rows[0].split(",").index(column)
    row = rows[1].split(",")
    row[at] = repr(float(row[at]) * factor)
    write(path, [rows[0], ",".join(row), *rows[2:]])
    passed, said = run(folder)
    assert passed is good
    assert ("FAIL" in said[0]) is not good


def test_layers_and_breakdown_are_optional(folder):
    (folder / "layers.csv.gz").unlink()
    (folder / "breakdown.csv.gz").unlink()
    good, said = run(folder)
    assert good
    assert said[-1] == "2 ok, 0 FAIL, 1 refused, 1 skipped"


def test_a_folder_without_reference_figures_is_refused(tmp_path):
    (tmp_path / "notes.txt").write_text("nothing here")
    with pytest.raises(UserError, match=r"no reference figures; expected configs\.jsonl\.gz"):
        verify_folder(tmp_path, print)


def test_a_missing_figure_counts_as_zero():
    ours = {"a": 1.0, "d": float("nan")}
    theirs = {"a": 1.0, "b": 2.0, "c": 0.0, "d": 1.0}
    found = {name: gap for gap, name in deviations(ours, theirs)}
    assert found["a"] == found["c"] == 0
    assert found["d"] == float("inf")
    assert found["b"] == 1


def test_figures_that_the_reference_lacks_are_not_compared():
    assert list(deviations({"a": 1.0}, {"a": float("nan")})) == []


def test_edits_of_a_parameter_file():
    known = ["peBufferType", "tileBufferType", "cellBit", "pipeline"]
    text = (
        "cli '8 6 128 64'; param edits: "
        r"s/(BufferType) = false/\1 = true/;s/cellBit = 1; /cellBit = 2; /"
    )
    assert edited_parameters(text, known) == {
        "synapseBit": 8,
        "numBitInput": 6,
        "numRowSubArray": 128,
        "numRowParallel": 64,
        "peBufferType": 1,
        "tileBufferType": 1,
        "cellBit": 2,
    }


def test_recordings_of_formulas_and_modules_beside_the_folder(folder):
    inside = folder / "chips"
    inside.mkdir()
    for item in (*folder.glob("*.gz"), folder / "networks"):
        item.rename(inside / item.name)
    recorded = REFERENCE.parent / "ppa"
    for name, kinds in (("formulas", ("device",)), ("modules", ("SarADC", "CurrentSenseAmp"))):
        rows = lines_of(recorded / f"{name}.csv.gz")
        kept = [row for row in rows[1:] if any(f",{kind}," in row for kind in kinds)]
        write(folder / f"{name}.csv.gz", [rows[0], *kept])
    good, said = run(inside)
    assert good
    assert [line.split(": ")[0] for line in said[:3]] == [
        "formulas.csv.gz device",
        "modules.csv.gz SarADC",
        "modules.csv.gz CurrentSenseAmp",
    ]
    assert said[-1] == "4 ok, 0 FAIL, 1 refused, 2 skipped"

    rows = lines_of(folder / "modules.csv.gz")
    at = rows[0].split(",").index("area_m2")
    sar = next(i for i, row in enumerate(rows) if ",SarADC," in row)
    broken = next(csv.reader([rows[sar]]))
    broken[at] = repr(float(broken[at]) * 1.0001)
    rows[sar] = ",".join(f'"{cell}"' if "," in cell else cell for cell in broken)
    write(folder / "modules.csv.gz", rows)
    good, said = run(inside)
    assert not good
    assert f"line {sar + 1} area_m2" in said[1]


def test_a_damaged_file_is_named_in_one_line(folder):
    (folder / "results.csv.gz").write_bytes(b"not a gzip file")
    with pytest.raises(UserError, match="cannot be read"):
        verify_folder(folder, lambda line: None)


def test_a_configuration_without_figures_is_skipped(folder):
    for table in ("results", "layers", "breakdown"):
        (folder / f"{table}.csv.gz").unlink()
    good, said = run(folder)
    assert good
    assert said[-1] == "0 ok, 0 FAIL, 1 refused, 3 skipped"
