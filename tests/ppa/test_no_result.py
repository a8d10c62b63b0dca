"""Every recorded configuration without figures is listed, with a result or one message."""

import gzip
import json
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def script(docs_script):
    return docs_script("no_result")


@pytest.fixture(scope="module")
def configs(script):
    with gzip.open(script.FOLDER / "configs.jsonl.gz", "rt") as file:
        return {config["id"]: config for config in map(json.loads, file)}


def test_the_section_is_up_to_date(script):
    text = script.FILE.read_text(encoding="utf-8")
    assert text.endswith(script.section()), "run `python docs/no_result.py --write`"


def test_every_configuration_without_figures_is_listed(script, configs):
    causes = [cause for _, group in script.SECTIONS for cause in group]
    for name, config in configs.items():
        if config["status"] != "ok":
            assert any(cause.covers(config) for cause in causes), name
    for name, config in configs.items():
        covering = [cause.title for cause in script.NO_RESULT if cause.covers(config)]
        assert len(covering) <= 1, name


def test_every_configuration_has_a_result_or_one_message(script, configs):
    cases = {case.name: case for case in script.table_cases(script.FOLDER)}
    answered = 0
    for name, config in configs.items():
        if config["status"] == "ok":
            continue
        for answer in (script.engine_answer(cases[name]), script.design_answer(cases[name])):
            assert answer.startswith(("result", "“", "no field")), f"{name}: {answer}"
            assert "\n" not in answer
        # A design point never has an infinite figure.
        assert not script.design_answer(cases[name]).startswith("result,")
        answered += 1
    assert answered == 91


def test_a_design_that_both_can_build_has_the_same_fields(script):
    cases = {case.name: case for case in script.table_cases(script.FOLDER)}
    fields = dict(script.design_fields(cases["c0423"].parameters))
    assert fields == {
        "cell.circuit.minimum_swing": 0.2,
        "cell.technology": "sram",
        "array.parallel_rows": 1,
        "quantization.weight_bits": 8,
        "quantization.input_bits": 8,
        "array.rows": 128,
    }
