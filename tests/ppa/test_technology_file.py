"""Nodes and cells from files: as built-in ones, between neighbours, and every mistake."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from cimsim.campaign.checks import check_campaign
from cimsim.campaign.design import NODES
from cimsim.campaign.design_json import read_design
from cimsim.campaign.expand import load_campaign
from cimsim.campaign.keys import changed_fields, stage_keys
from cimsim.campaign.yaml_file import read_yaml
from cimsim.cli import app
from cimsim.devices.states import read_states
from cimsim.errors import UserError
from cimsim.ppa.engine import NetworkLayer, evaluate
from cimsim.ppa.parameters import design_context
from cimsim.ppa.technology import _package_tables, load_context, load_technology
from cimsim.ppa.technology_file import KEYS, TEXTS

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "config" / "technology"
NODE_FILE = EXAMPLES / "interpolated-28nm.yaml"
CELL_FILE = EXAMPLES / "example-rram-cell.yaml"


def chip(**design) -> dict[str, float]:
    """Return the figures of a chip with one convolution."""
    point = read_design(json.dumps({name.replace("__", "."): v for name, v in design.items()}))
    layer = NetworkLayer("conv", 8, 8, 64, 3, 3, 32, False, 36.0)
    random = np.random.default_rng(0)
    inputs = random.integers(0, 128, (layer.rows, 36)).astype(np.uint8)
    weights = random.integers(0, 255, (layer.rows, 32)).astype(np.int32)
    return evaluate(design_context(point), [layer], [[inputs]], [weights]).chip


@pytest.fixture
def write(tmp_path):
    def text_file(text: str) -> Path:
        path = tmp_path / "node.yaml"
        path.write_text(text)
        return path

    return text_file


# --- nodes ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("node", NODES)
def test_a_copy_of_a_built_in_node_gives_the_same_figures(node, write):
    path = write(f"node: {node}\nbased_on: {node}\n")
    base = {"chip__node": node, "cell__technology": "sram"}
    sensing = ("array__adc__kind", "sar"), ("array__adc__sensing", "current")
    for choice in (*sensing, ("chip__mapping", "conventional")):
        own = chip(**base, **dict([choice]), chip__technology_file=str(path))
        assert own == chip(**base, **dict([choice]))


@pytest.mark.parametrize("node", [22, 45])
def test_a_copy_of_every_figure_gives_the_same_figures(node, write):
    """A file that gives all columns of a node, on top of another node."""
    lines = [f"node: {node}", "based_on: 65"]
    for table, rows in _package_tables().items():
        if "node" not in KEYS[table]:
            continue
        lines.append(f"{table}:")
        for row in rows:
            if row["node"] == str(node) and row.get("transistor", "conventional") != "tfet":
                held = {c: v.replace("inf", ".inf") for c, v in row.items() if c != "node"}
                # JSON is YAML; numbers have to stay as they are written.
                entry = ", ".join(
                    f'"{c}": {json.dumps(v) if c in TEXTS else v}' for c, v in held.items()
                )
                lines.append(f"  - {{{entry}}}")
    path = write("\n".join(lines))
    for roadmap in ("hp", "lstp"):
        for kind in ("mlsa", "sar"):
            base = {"chip__node": node, "chip__roadmap": roadmap, "array__adc__kind": kind}
            assert chip(**base, chip__technology_file=str(path)) == chip(**base)


@pytest.mark.parametrize("roadmap", ["lstp", "hp"])
@pytest.mark.parametrize("technology", ["sram", "rram", "fefet"])
@pytest.mark.parametrize(
    "adc", [{}, {"array__adc__kind": "sar"}, {"array__adc__sensing": "current"}]
)
def test_the_example_node_lies_between_its_neighbours(roadmap, technology, adc):
    base = {"chip__roadmap": roadmap, "cell__technology": technology, **adc}
    above = chip(chip__node=32, **base)
    below = chip(chip__node=22, **base)
    own = chip(chip__node=28, chip__technology_file=str(NODE_FILE), **base)
    assert all(np.isfinite(figure) for figure in own.values())
    assert below["area_m2"] < own["area_m2"] < above["area_m2"]
    for name in own:
        low, high = sorted((below[name], above[name]))
        assert low * (1 - 1e-9) <= own[name] <= high * (1 + 1e-9), name


@pytest.mark.parametrize("roadmap", ["lstp", "hp"])
@pytest.mark.parametrize("temperature", [300, 345, 400])
def test_the_example_node_is_the_interpolation_that_it_says(roadmap, temperature):
    own = load_technology(28, roadmap, temperature, file=NODE_FILE)
    above, below = (load_technology(node, roadmap, temperature) for node in (32, 22))
    for name in (
        "vdd",
        "vth",
        "cap_ideal_gate",
        "cap_fringe",
        "cap_overlap",
        "cap_junction",
        "gm_current_n",
        "gm_current_p",
        "ion_n",
        "ion_p",
        "ioff_n",
        "ioff_p",
    ):
        expected = 0.6 * getattr(above, name) + 0.4 * getattr(below, name)
        assert getattr(own, name) == pytest.approx(expected, rel=1e-5), name
    for group in ("sensing_time", "mirror_power", "sar_power"):
        ours, theirs = getattr(own, group), (getattr(above, group), getattr(below, group))
        for name in dir(ours):
            if isinstance(value := getattr(ours, name), float) and not name.startswith("_"):
                high, low = (getattr(fit, name) for fit in theirs)
                assert value == pytest.approx(0.6 * high + 0.4 * low, rel=1e-3), name
    assert own.feature_size == pytest.approx(28e-9)


def test_a_finfet_node_of_ones_own(write):
    path = write("node: 16\nbased_on: 14\nnodes:\n  - {roadmap: lstp, vdd: 0.85}\n")
    own = chip(chip__node=16, chip__technology_file=str(path), cell__technology="sram")
    assert all(np.isfinite(figure) for figure in own.values())
    assert own["area_m2"] > chip(chip__node=14, cell__technology="sram")["area_m2"]


def test_a_wire_table_alone(write):
    row = "{min_width: 40, aspect_ratio: 1.9, resistivity: 5.94e-8}"  # twice that of the package
    path = write(f"node: 22\nbased_on: 22\nlocal_wires:\n  - {row}\n")
    own, package = load_context({}, path).parameters, load_context({}).parameters
    assert own.unit_wire_resistance == pytest.approx(2 * package.unit_wire_resistance, rel=1e-3)


def test_a_fit_is_replaced_as_a_whole(write):
    path = write(
        "node: 22\nbased_on: 22\nsensing_time: [{upper: .inf, form: linear, a: 1e-14, b: 1e-9}]\n"
    )
    assert len(load_technology(22, file=path).sensing_time.segments) == 1


def test_temperatures_are_replaced_as_a_whole(write):
    row = '{roadmap: lstp, device: n, state: on, "300": 500, "310": 490}'
    path = write(f"node: 22\nbased_on: 22\ncurrents:\n  - {row}\n")
    assert load_technology(22, "lstp", 305, file=path).ion_n == pytest.approx(495)
    with pytest.raises(UserError, match=r"temperature is 315 K but .* allow 300 to 310 K"):
        load_technology(22, "lstp", 315, file=path)


def test_only_the_ppa_stage_reads_the_file_and_by_content(write):
    def keys(path):
        design = json.dumps({"chip.node": 28, "chip.technology_file": str(path)})
        return stage_keys(changed_fields(read_design(design)))

    path = write("node: 28\nbased_on: 22\n")
    first = keys(path)
    moved = path.with_name("other.yaml")
    moved.write_bytes(path.read_bytes())
    assert keys(moved) == first
    write("node: 28\nbased_on: 32\n")
    changed = keys(path)
    assert {stage for stage in first if first[stage] != changed[stage]} == {"ppa"}


def test_a_changed_file_is_read_again(write):
    head = "node: 22\nbased_on: 22\nnodes:\n  - {roadmap: lstp, vdd: "
    assert load_technology(22, file=write(head + "0.9}")).vdd == 0.9
    assert load_technology(22, file=write(head + "0.95}")).vdd == 0.95


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("based_on: 22", "node: is missing; allowed: a whole number of nm from 1 to 1000"),
        ("node: 28.5\nbased_on: 22", "node: 28.5; allowed: a whole number of nm"),
        ("node: 28", "based_on: is missing; allowed: one of 130, 90, "),
        ("node: 28\nbased_on: 28", "based_on: 28; allowed: one of 130, 90, "),
        ("node: 28\nbased_on: 22\nlayuot: []", "layuot: unknown key (did you mean 'layout'?)"),
        ("node: 28\nbased_on: 22\nlayout: {}", "layout: {}; allowed: a list of rows"),
        ("node: 28\nbased_on: 22\nlayout: [1]", "layout[0]: 1; allowed: columns with values"),
        ("node: 28\nbased_on: 22\nlayout: [{hight: 1}]", "layout[0].hight: unknown column (did"),
        ("node: 28\nbased_on: 22\nlayout: [{node: 1}]", "layout[0].node: unknown column"),
        ("node: 28\nbased_on: 22\nlayout: [{height: tall}]", "layout[0].height: 'tall'; allowed"),
        ("node: 28\nbased_on: 22\nlayout: [{height: .nan}]", "layout[0].height: nan; allowed"),
        ("node: 28\nbased_on: 22\nlayout: [{height: .inf}]", "layout[0].height: inf; allowed"),
        ("node: 28\nbased_on: 22\nlayout: [{height: true}]", "layout[0].height: True; allowed"),
        ("node: 28\nbased_on: 22\nlayout: [{}, {}]", "layout[1]: the row is there twice"),
        ("node: 28\nbased_on: 22\nnodes: [{vdd: 1}]", "nodes[0].roadmap: is missing; allowed: hp"),
        ("node: 28\nbased_on: 22\nnodes: [{roadmap: lp}]", "nodes[0].roadmap: 'lp'; allowed: hp, "),
        ("node: 28\nbased_on: 22\nnodes: [{roadmap: lstp, vdd: -1}]", "vdd"),
        ("node: 28\nbased_on: 14\nnodes: [{roadmap: hp}]", "nodes: device_class is missing in the"),
        (
            "node: 28\nbased_on: 22\nsensing_time: [{upper: 9, form: log, a: 1, b: 1}]",
            "sensing_time: no row has upper .inf",
        ),
        (
            "node: 28\nbased_on: 22\nsensing_time: [{upper: .inf, form: cubic, a: 1, b: 1}]",
            "sensing_time[0].form: 'cubic'; allowed: log, linear",
        ),
        (
            "node: 28\nbased_on: 22\nsensing_time: [{upper: .inf, form: log, a: 1}]",
            "sensing_time: b is missing in the row",
        ),
        ("node: 32\nbased_on: 22", "chip.node is 28 but {file} describes node 32"),
        ("", "the file is empty"),
    ],
)
def test_mistakes_in_a_file(write, text, message):
    path = write(text)
    point = read_design(json.dumps({"chip.node": 28, "chip.technology_file": str(path)}))
    with pytest.raises(UserError, match=re.escape(message.replace("{file}", str(path)))) as raised:
        design_context(point)
    assert str(path) in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_node_without_a_table_is_refused():
    with pytest.raises(UserError, match=r"node is 28; allowed: 130, 90, .* technology_file"):
        read_design('{"chip.node": 28}')
    with pytest.raises(UserError, match=r"'none\.yaml': no such file"):
        read_design('{"chip.node": 28, "chip.technology_file": "none.yaml"}')


# --- cells ----------------------------------------------------------------------------------------


def test_the_example_cell_states_agree_with_its_resistances():
    point = read_design(json.dumps({"preset": str(CELL_FILE)}))
    assert point.cell.circuit.read_voltage == 0.3
    mean, std = read_states(Path(point.cell.states_file), 2**point.cell.bits)
    assert mean[-1] == pytest.approx(1 / point.cell.resistance_on)
    assert mean[0] == pytest.approx(1 / point.cell.resistance_off)
    assert (std < mean / 2).all()


def test_the_example_cell_on_a_chip():
    own = chip(preset=str(CELL_FILE), chip__node=28, chip__technology_file=str(NODE_FILE))
    assert all(np.isfinite(figure) for figure in own.values())
    # The same cell with 10 F instead of 12 F width has a smaller array.
    wide = chip(
        preset=str(CELL_FILE),
        chip__node=28,
        chip__technology_file=str(NODE_FILE),
        cell__circuit__width=12.0,
    )
    assert own["area_array_m2"] / wide["area_array_m2"] == pytest.approx(10 / 12)


# --- documentation --------------------------------------------------------------------------------


def test_documented_campaigns_are_valid(tmp_path, monkeypatch):
    text = (ROOT / "docs" / "technology.md").read_text(encoding="utf-8")
    fences = re.findall(r"^```yaml\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    assert len(fences) == 2
    folder = tmp_path / "config" / "campaigns"
    folder.mkdir(parents=True)
    (tmp_path / "config" / "technology").symlink_to(EXAMPLES)
    monkeypatch.chdir(ROOT)
    counts = []
    for number, fence in enumerate(fences):
        path = folder / f"c{number}.yaml"
        path.write_text(fence)
        campaign = load_campaign(path)
        check_campaign(campaign)
        counts.append(len(campaign.points))
    assert counts == [6, 3]
    point = load_campaign(folder / "c1.yaml").points[0].point
    assert point.cell.resistance_on == 10e3
    assert read_yaml(CELL_FILE)["cell"]["bits"] == point.cell.bits == 2


def test_the_documented_command_runs(tmp_path, monkeypatch):
    text = (ROOT / "docs" / "technology.md").read_text(encoding="utf-8")
    (command,) = re.findall(r"^```sh\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    (tmp_path / "config").symlink_to(ROOT / "config")
    (tmp_path / "NetWork.csv").write_text("1,1,16,1,1,4,0,1\n")
    records = tmp_path / "layer_record"
    records.mkdir()
    (records / "weight_fc.csv").write_text("1,2,3,4\n" * 16)
    (records / "input_fc.csv").write_text("5\n" * 16)
    (records / "trace_command.sh").write_text(
        "./main ./NetWork.csv 8 8 128 128 layer_record/weight_fc.csv layer_record/input_fc.csv"
    )
    monkeypatch.chdir(tmp_path)
    program, *arguments = shlex.split(command.replace("\\\n", " "))
    assert program == "cimsim"
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0, done.exception
    assert "TOPS/W" in done.output


def test_every_table_is_documented():
    text = (ROOT / "docs" / "technology.md").read_text(encoding="utf-8")
    assert all(f"`{table}`" in text for table in KEYS)
