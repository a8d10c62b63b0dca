"""Every mistake in a campaign file is one line: file, key, value, what is allowed."""

from __future__ import annotations

from pathlib import Path

import pytest

from cimsim.campaign.expand import load_campaign
from cimsim.campaign.plan import load_plan
from cimsim.errors import UserError

GRID = "name: c\nsweeps:\n- grid: {array.adc.bits: [6]}\n- grid:\n    "

CASES = {
    "too many input bits": (
        "name: c\nbase: {quantization.input_bits: 17}",
        "base.quantization.input_bits: 17 is not allowed; allowed: a whole number from 2 to 16",
    ),
    "too many weight bits": (
        "name: c\nbase: {quantization.weight_bits: 17}",
        "base.quantization.weight_bits: 17 is not allowed; allowed: a whole number from 2 to 16",
    ),
    "operands of many bits": (
        "name: c\nbase: {quantization.input_bits: 9, quantization.dynamic_products: integer}",
        "base.quantization.input_bits: quantization.input_bits is 9 but "
        "quantization.dynamic_products is integer, whose operands have up to 8 bits; allowed: 2 to "
        "8, or dynamic_products float",
    ),
    "unknown key": (
        "name: c\nbase: {nonideality: {read_noize: 0.1}}",
        "base.nonideality.read_noize: unknown key (did you mean 'read_noise'?); allowed: "
        "device_variation, variation_unit",
    ),
    "unknown section": (
        "name: c\nbase: {nonidealities: {read_noise: 0.1}}",
        "base.nonidealities: unknown key (did you mean 'nonideality'?)",
    ),
    "field without its section": (
        "name: c\nbase: {adc.bits: 7}",
        "base.adc.bits: unknown key (did you mean 'array.adc.bits'?)",
    ),
    "unknown top-level key": (
        "name: c\nsweep: []",
        "sweep: unknown key (did you mean 'sweeps' or 'figures[].sweep'?); allowed: name, ",
    ),
    "unknown key of a sweep": (
        "name: c\nsweeps: [{gird: {}}]",
        "sweeps[0].gird: unknown key (did you mean 'grid'?)",
    ),
    "key of the top level among the design fields": (
        "name: c\nbase: {hardware: false}",
        "base.hardware: unknown key (did you mean 'hardware' at the top level of the campaign?)",
    ),
    "key of the top level in a section of the design": (
        "name: c\nbase: {chip: {figures: []}}",
        "base.chip.figures: unknown key (did you mean 'wires' or 'figures' at the top level of the "
        "campaign?)",
    ),
    "key of the top level in a section of the file": (
        "name: c\nseeds: {accuracy: false}",
        "seeds.accuracy: unknown key (did you mean 'accuracy' at the top level of the campaign?)",
    ),
    "design field at the top level": (
        "name: c\narray.rows: 64",
        "array.rows: unknown key (did you mean 'base.array.rows'?)",
    ),
    "design field in a sweep": (
        "name: c\nsweeps: [{array.rows: [64]}]",
        "sweeps[0].array.rows: unknown key (did you mean 'base.array.rows'?)",
    ),
    "preset at the top level": (
        "name: c\npreset: sram-22nm",
        "preset: unknown key (did you mean 'base.preset'?)",
    ),
    "section outside its own": (
        "name: c\nbase: {adc: {bits: 7}}",
        "base.adc: unknown key (did you mean 'array.adc'?)",
    ),
    "design field in another section": (
        "name: c\nbase: {cell: {parallel_rows: 7}}",
        "base.cell.parallel_rows: unknown key (did you mean 'array.parallel_rows'?)",
    ),
    "key of another section of the file": (
        "name: c\nconfidence: 0.9",
        "confidence: unknown key (did you mean 'seeds.stop.confidence' or "
        "'statistics.confidence'?); allowed: ",
    ),
    "key of a list": (
        "name: c\ncolour: cell.bits",
        "colour: unknown key (did you mean 'figures[].colour'?); allowed: name, description",
    ),
    "negative noise": (
        "name: c\nbase: {nonideality.read_noise: -0.1}",
        "base.nonideality.read_noise: -0.1 is not allowed; allowed: a number from 0.0 to 2.0",
    ),
    "ADC of 0 bits": (
        GRID + "array.adc.bits: [7, 6, 0]",
        "sweeps[1].grid.array.adc.bits[2]: 0 is not allowed; allowed: a whole number from 1 to 16",
    ),
    "ADC of 0 bits, nested": (
        GRID + "array: {adc: {bits: [7, 6, 0]}}",
        "sweeps[1].grid.array.adc.bits[2]: 0 is not allowed",
    ),
    "parallel rows that do not divide": (
        GRID + "array.parallel_rows: [64, 96]",
        "sweeps[1].grid.array.parallel_rows[1]: array.parallel_rows is 96 but must divide rows "
        "(128): one of [1, 2, 4, 8, 16, 32, 64, 128] (point: array.parallel_rows 96)",
    ),
    "parallel rows above the rows": (
        "name: c\nbase: {array: {parallel_rows: 256}}",
        "base.array.parallel_rows: array.parallel_rows is 256 but must divide rows (128)",
    ),
    "cell bits above weight bits": (
        "name: c\nbase: {quantization.weight_bits: 3}\nsweeps: [{zip: {cell.bits: [1, 4]}}]",
        "sweeps[0].zip.cell.bits[1]: cell.bits is 4 but quantization.weight_bits is 3; "
        "allowed: 1 to 3",
    ),
    "weight bits below the default's cell bits": (
        "name: c\nbase: {cell.technology: sram, cell.bits: 2}",
        "base.cell.bits: cell.bits is 2 but an sram cell holds 1 bit; allowed: 1",
    ),
    "node that the memory does not support": (
        "name: c\nsweeps: [{points: [{}, {chip: {node: 7}}]}]",
        "sweeps[0].points[1].chip.node: chip.node is 7 but cell.technology rram supports "
        "[130, 90, 65, 45, 32, 22]",
    ),
    "the default is at fault": (
        "name: c\nbase: {cell.technology: nvcap, chip.node: 32}",
        "base.chip.node: chip.node is 32 but cell.technology nvcap supports [22]",
    ),
    "unknown model": (
        "name: c\nbase: {workload: {model: vgg16}}",
        "base.workload.model: 'vgg16' is no network (did you mean 'timm:vgg16'?); allowed: vgg8, ",
    ),
    "unknown data set": (
        "name: c\nbase: {workload: {dataset: digit}}",
        "base.workload.dataset: 'digit' is no data set (did you mean 'digits16'?); allowed: digits",
    ),
    "data set without its folder": (
        "name: c\nbase: {workload: {dataset: folder}}",
        "base.workload.dataset: 'folder' names no folder; allowed: digits16, ",
    ),
    "data set that takes no folder": (
        "name: c\nbase: {workload: {dataset: 'digits16:here'}}",
        "base.workload.dataset: 'digits16:here' takes no folder; allowed: digits16, ",
    ),
    "data set that is not there": (
        "name: c\nbase: {workload: {dataset: 'cifar10:elsewhere'}}",
        "base.workload.dataset: workload.dataset cifar10: no folder elsewhere/cifar-10-batches-py; "
        "where there is internet, run `cimsim data cifar10:elsewhere --download`, or download ",
    ),
    "image folder that is not there": (
        "name: c\nbase: {workload: {dataset: 'folder:elsewhere'}}",
        "base.workload.dataset: workload.dataset folder: no folder elsewhere; put its images there "
        "as elsewhere/val/CLASS/FILE (test) and elsewhere/train/CLASS/FILE (calibration)",
    ),
    "unknown preset": (
        "name: c\nbase: {preset: sram-22}",
        "base.preset: 'sram-22' is no preset (did you mean 'sram-22nm'?); allowed: ",
    ),
    "wrong type": (
        "name: c\nbase: {array.adc.bits: '7'}",
        "base.array.adc.bits: '7' is not allowed; allowed: a whole number from 1 to 16",
    ),
    "boolean for a number": (
        "name: c\nbase: {array.rows: true}",
        "base.array.rows: true is not allowed; allowed: a whole number",
    ),
    "not a number": (
        "name: c\nbase: {cell.resistance_on: .nan}",
        "base.cell.resistance_on: nan is not allowed; allowed: a number above 0.0",
    ),
    "infinity": (
        "name: c\nbase: {cell.resistance_on: .inf}",
        "base.cell.resistance_on: inf is not allowed; allowed: a number above 0.0",
    ),
    "value for a section": (
        "name: c\nbase: {array: 128}",
        "base.array: 128 is not allowed; allowed: the keys rows, columns",
    ),
    "one value in a grid": (
        GRID + "array.rows: 64",
        "sweeps[1].grid.array.rows: 64 is not allowed; allowed: a list of values",
    ),
    "no value in a grid": (
        GRID + "array.rows: []",
        "sweeps[1].grid.array.rows: [] is not allowed; allowed: a list of values",
    ),
    "unequal lists": (
        "name: c\nsweeps: [{zip: {cell.bits: [1, 2], array.adc.bits: [7]}}]",
        "sweeps[0].zip: lists of [1, 2] values; allowed: lists of one length",
    ),
    "field on two axes": (
        "name: c\nsweeps: [{grid: {cell.bits: [1, 2]}, points: [{cell.bits: 2}]}]",
        "sweeps[0].points[0].cell.bits: cell.bits is also set at sweeps[0].grid.cell.bits[1]",
    ),
    "field twice": (
        "name: c\nbase: {array.adc.bits: 7, array: {adc: {bits: 7}}}",
        "base.array.adc.bits: the field array.adc.bits is there twice",
    ),
    "key twice": ("name: c\nname: d", "line 2, column 1: key 'name' is there twice"),
    "no YAML": ("name: [c", "line 2, column 1: did not find expected ',' or ']'"),
    "no mapping": ("- name", "the file holds ['name']; allowed: keys with values"),
    "empty": ("", "the file is empty"),
    "no name": ("base: {}", "name: is missing"),
    "bad name": ("name: a/b", "name: 'a/b' is not allowed; allowed: a text of the form"),
    "budget without accuracy": (
        "name: c\naccuracy: false\nbudget: true",
        "budget: true but accuracy is false",
    ),
    "no seeds": (
        "name: c\nseeds: {count: 0}",
        "seeds.count: 0 is not allowed; allowed: a whole number from 1",
    ),
    "seeds in words": (
        "name: c\nseeds: {count: true}",
        "seeds.count: true is not allowed; allowed: a whole number from 1",
    ),
    "seeds beyond 32 bits": (
        "name: c\nseeds: {first: 4294967295, count: 2}",
        "seeds: first + count - 1 is 4294967296; allowed: 0 to 4294967295",
    ),
    "unknown field in a condition": (
        "name: c\nsweeps: [{where: array.adc.bit > 6}]",
        "sweeps[0].where: 'array.adc.bit' in 'array.adc.bit > 6' is no design field "
        "(did you mean 'array.adc.bits'?)",
    ),
    "call in a condition": (
        "name: c\nsweeps: [{where: exit() == 1}]",
        "sweeps[0].where: 'exit()' in 'exit() == 1' is not allowed; allowed: comparisons",
    ),
    "no condition": (
        "name: c\nsweeps: [{where: 'array.rows >'}]",
        "sweeps[0].where: 'array.rows >' is no expression",
    ),
    "incomparable": (
        "name: c\nsweeps: [{where: cell.technology > 3, grid: {cell.bits: [1]}}]",
        "sweeps[0].where: 'cell.technology > 3' cannot be evaluated",
    ),
    "nothing left": (
        "name: c\nsweeps: [{where: cell.bits > 4}]",
        "sweeps[0].where: no combination meets the conditions",
    ),
    "all dropped": (
        "name: c\nsweeps: [{invalid: drop, grid: {array.parallel_rows: [96]}}]",
        "sweeps: every combination was dropped: array.parallel_rows is 96",
    ),
    "figure of an unknown field": (
        "name: c\nfigures: [{name: f, kind: line, x: array.adc.bit}]",
        "figures[0]: x is 'array.adc.bit' but must be a parameter (did you mean 'array.adc.bits'?)",
    ),
    "figure of an unknown sweep": (
        "name: c\nsweeps: [{name: adc}]\nfigures: [{name: f, kind: pareto, sweep: adcs}]",
        "figures: f: sweep is 'adcs' (did you mean 'adc'?); allowed: adc",
    ),
    "two figures of one name": (
        "name: c\nfigures: [{name: f, kind: pareto}, {name: f, kind: breakdown}]",
        "figures: the name 'f' is there twice",
    ),
    "missing states file": (
        "name: c\nbase: {cell.states_file: gone.csv}",
        "base.cell.states_file: 'gone.csv': no such file; allowed: a file relative to",
    ),
    "states file without a column": (
        "name: c\nbase: {cell: {states_file: bad.csv}}",
        "base.cell.states_file: {folder}/bad.csv: column std is missing (found: mean)",
    ),
    "states file with too few rows": (
        "name: c\nbase: {cell: {bits: 2}}\nsweeps: [{grid: {cell.states_file: [two.csv]}}]",
        "sweeps[0].grid.cell.states_file[0]: {folder}/two.csv: 2 rows of states; "
        "allowed: exactly 4",
    ),
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "bad.csv").write_text("mean\n1e-6\n2e-6\n")
    (tmp_path / "two.csv").write_text("mean,std\n1e-6,0\n2e-6,0\n")
    return tmp_path


@pytest.mark.parametrize("case", CASES)
def test_a_mistake_is_one_line(case: str, folder: Path) -> None:
    text, expected = CASES[case]
    file = folder / "campaign.yaml"
    file.write_text(text)
    with pytest.raises(UserError) as caught:
        load_plan(str(file), check=True)
    message = str(caught.value)
    assert message.startswith(f"{file}: {expected}".replace("{folder}", str(folder)))
    assert "\n" not in message


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"gone\.yaml: no such file"):
        load_campaign(tmp_path / "gone.yaml")
    with pytest.raises(UserError, match="cannot be read: Is a directory"):
        load_campaign(tmp_path)
    (tmp_path / "bytes.yaml").write_bytes(b"name: \xff")
    with pytest.raises(UserError, match=r"no text in UTF-8 \(byte 6\)"):
        load_campaign(tmp_path / "bytes.yaml")


def test_a_mistake_in_a_preset_names_the_preset(tmp_path: Path) -> None:
    (tmp_path / "presets").mkdir()
    preset = tmp_path / "presets" / "mine.yaml"
    preset.write_text("description: d\ncell: {bits: 9}\n")
    file = tmp_path / "campaigns" / "c.yaml"
    file.parent.mkdir()
    file.write_text("name: c\nbase: {preset: [mine]}\n")
    with pytest.raises(UserError) as caught:
        load_campaign(file)
    assert str(caught.value).startswith(f"{preset}: cell.bits: 9 is not allowed")


def test_two_campaigns_need_two_names(tmp_path: Path) -> None:
    for name in "ab":
        (tmp_path / f"{name}.yaml").write_text("name: same\n")
    both = [str(tmp_path / "a.yaml"), str(tmp_path / "b.yaml")]
    with pytest.raises(UserError, match=r"b\.yaml: name: 'same' is also the name of .*a\.yaml"):
        load_plan(",".join(both), check=False)


@pytest.mark.parametrize("given", ["", [], [3], "a.yaml,"])
def test_no_campaign(given: object) -> None:
    with pytest.raises(UserError, match=r"config: campaign is .*; allowed: files"):
        load_plan(given, check=False)  # type: ignore[arg-type]
