"""A job of the ppa stage: reuse of what is there, failures, and the same bytes in any block."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cimsim import schemas
from cimsim.campaign.keys import digest, key_texts
from cimsim.campaign.member import Member
from cimsim.campaign.paths import KEY_FILE, stage_folder
from cimsim.errors import UserError
from cimsim.ppa import block as block_module
from cimsim.ppa.block import run_block
from cimsim.ppa.results import GroupResults
from cimsim.tables import provenance_of, read_table, write_table

from .test_ppa_stage import tables

NODES = (22, 32, 45)


def members(nodes=NODES):
    return [Member.of({"chip.node": node} if node != 22 else {}, f"node {node}") for node in nodes]


@pytest.fixture
def results(tmp_path):
    """Results of the map and trace stages that all members share."""
    layers, weights, trace = tables()
    keys = {stage: digest(text) for stage, text in key_texts({}).items()}
    for stage, name, written, schema in (
        ("map", "layers", layers, schemas.LAYERS),
        ("map", "weights", weights, schemas.WEIGHT_CODES),
        ("map", "operations", schemas.OPERATIONS.empty_table(), schemas.OPERATIONS),
        ("trace", "trace", trace, schemas.TRACE),
    ):
        path = stage_folder(stage, keys[stage], tmp_path) / f"{name}.parquet"
        write_table(path, written.to_pydict(), schema, {})
    return tmp_path


@pytest.fixture
def evaluated(monkeypatch):
    """The nodes that are evaluated, in order."""
    nodes = []
    genuine = block_module.evaluate_design

    def spy(point, network):
        nodes.append(point.chip.node)
        return genuine(point, network)

    monkeypatch.setattr(block_module, "evaluate_design", spy)
    return nodes


def chips(output: Path):
    return read_table(output / "chip.parquet", schemas.CHIP_ROWS).to_pylist()


def test_rows_lead_to_their_design(results):
    output = run_block(members(), results=results)
    rows = chips(output)
    assert [json.loads(row["key_text"])["fields"].get("chip.node", 22) for row in rows] == [
        22,
        32,
        45,
    ]
    assert all(digest(row["key_text"]) == row["key"] for row in rows)
    assert all(row["made_by"].startswith("cimsim ") for row in rows)
    assert rows[0]["area_m2"] < rows[1]["area_m2"] < rows[2]["area_m2"]
    for folder in (output, output.parent):
        assert digest((folder / KEY_FILE).read_text().rstrip("\n")) == folder.name
    about = provenance_of(output / "layers.parquet")
    assert (about["stage"], about["block"]) == ("ppa", output.name)
    layers = read_table(output / "layers.parquet", schemas.LAYER_ROWS)
    assert layers["layer"].to_pylist() == ["stem", "conv", "tokens", "head"] * 3


def test_what_another_block_holds_is_not_computed_again(results, evaluated):
    run_block(members((32,)), results=results)
    output = run_block(members(), results=results)
    assert evaluated == [32, 22, 45]
    reused = {path.name: path.read_bytes() for path in output.iterdir()}
    for path in sorted(output.parent.glob("*/*")):
        path.unlink()
    again = run_block(members(), results=results)
    assert again == output
    assert {path.name: path.read_bytes() for path in again.iterdir()} == reused


def test_a_design_that_fails_does_not_keep_the_others(results, evaluated, monkeypatch):
    hot = Member.of({"chip.temperature": 350}, "temperature 350")
    with pytest.raises(UserError, match=r"^1 of 4 design points failed: temperature 350: .*wide"):
        run_block([*members(), hot], results=results)
    assert evaluated == [22, 32, 45, 22]
    (partial,) = results.glob("ppa/*/*-partial")
    assert len(chips(partial)) == 3
    assert not list(results.glob("ppa/*/*[!l]/chip.parquet"))
    output = run_block(members(), results=results)
    assert evaluated == [22, 32, 45, 22]
    assert len(chips(output)) == 3


def test_a_block_without_one_of_its_tables_is_no_block(results, evaluated):
    output = run_block(members((32,)), results=results)
    (output / "layers.parquet").unlink()
    run_block(members(), results=results)
    assert evaluated == [32, 22, 32, 45]


def test_missing_files_are_named(results):
    (trace,) = results.glob("trace/*/trace.parquet")
    trace.unlink()
    with pytest.raises(UserError, match=r"trace\.parquet: no such file"):
        run_block(members(), results=results)


def test_a_key_that_no_block_has_is_named(results):
    group = run_block(members(), results=results).parent
    found = GroupResults(group)
    assert "gone" not in found
    with pytest.raises(UserError, match="no block has the design of key gone"):
        found.rows("gone", "chip")
