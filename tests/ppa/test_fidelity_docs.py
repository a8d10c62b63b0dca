"""docs/fidelity.md: its tables are computed, and no fault of the reference is left out."""

import re
from pathlib import Path

import pytest

from cimsim.campaign.fidelity import CircuitFidelity, Fidelity
from cimsim.campaign.settings import leaf_fields

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "fidelity.md").read_text(encoding="utf-8")

FAULTS = {"functional": 24, "chip": 59, "circuit": 54, "observed": 38}
"""Faults that the specification of DNN+NeuroSim V1.5 lists, by part."""


@pytest.fixture
def script(docs_script):
    return docs_script("corrections")


def numbers(text: str) -> set[int]:
    return {int(number) for number in re.findall(r"\d+", text)}


def test_every_fault_has_its_place():
    row = r"^\| (functional|chip|circuit|observed) \| ([\d, ]+) \|"
    kept = re.findall(row, TEXT, flags=re.MULTILINE)
    descriptions = [str(leaf_fields()[f"fidelity.circuit.{n}"].description) for n in CIRCUIT]
    switches = "\n".join(descriptions) + TEXT.split("## Corrections of the circuit model")[0]
    named = re.findall(r"(functional|chip|circuit|observed) (\d+(?:, \d+)*)", switches)
    for part, count in FAULTS.items():
        listed = [numbers(found) for name, found in kept if name == part]
        assert sum(map(len, listed)) == len(set().union(*listed)), "a fault is listed twice"
        switched = set().union(*(numbers(found) for name, found in named if name == part))
        assert set().union(*listed) | switched == set(range(1, count + 1)), part


CIRCUIT = list(CircuitFidelity.model_fields)


def test_every_switch_is_in_the_tables():
    for name in [*CIRCUIT, *Fidelity.model_fields]:
        if name != "circuit":
            assert f"| `{name}` |" in TEXT, name


def test_every_correction_is_shown_on_a_design_where_it_acts():
    for name in CIRCUIT:
        lines = re.findall(rf"^\| `{name}` \|.*$", TEXT, flags=re.MULTILINE)
        acts = any(re.search(r"\| (?:[+-]\d+\.\d+ %|< 0\.01 %) \|", line) for line in lines)
        assert acts == (name not in {"sum_width", "adder_tree_energy"}), name


def test_effects_of_one_switch(script):
    # Quick: the line of one switch; all of them are computed by the slow test.
    before, after = (
        script.figures({"cell.technology": "sram", "chip.node": 7, **more})
        for more in ({}, {"fidelity.circuit.htree_energy": True})
    )
    name = "energy_dynamic_j"
    assert after[name] > before[name]
    assert f"| {script._change(before[name], after[name])} |" in TEXT


@pytest.mark.slow
def test_the_tables_are_computed(script):
    assert script.updated(TEXT) == TEXT, "run `python docs/corrections.py --write`"
