"""Keys: what shares a result, what does not, and that old keys stay."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cimsim.campaign.design import DesignPoint
from cimsim.campaign.keys import (
    STAGES,
    changed_fields,
    design_id,
    fields_in_view,
    key_texts,
    own_fields,
    stage_design,
    stage_keys,
    unflatten,
)
from cimsim.campaign.parameters import parameters
from cimsim.errors import UserError

OTHER: dict[str, Any] = {
    "workload.model": "vit",
    "workload.width": 0.25,
    "workload.images": 10,
    "quantization.weight_bits": 6,
    "quantization.float_layers": ("fc*",),
    "quantization.layer_weight_bits": ("fc*=4",),
    "quantization.layer_input_bits": ("fc*=4",),
    "array.adc.layer_bits": ("fc*=4",),
    "cell.technology": "fefet",
    "cell.bits": 2,
    "cell.resistance_on": 5e3,
    "cell.access": "none",
    "nonideality.read_noise": 0.1,
    "nonideality.retention.time": 10.0,
    "array.rows": 256,
    "array.columns": 64,
    "array.parallel_rows": 64,
    "array.dac_bits": 2,
    "array.adc.bits": 5,
    "array.adc.kind": "sar",
    "array.adc.columns_shared": 4,
    "array.adc.range.policy": "calibrated",
    "chip.node": 32,
    "chip.trace_images": 2,
    "fidelity.stem_trace": "float_truncated",
    "fidelity.adc_levels": "2^b+1",
    "fidelity.weight_digits": "parity",
    "fidelity.first_layer": "float",
}

changes = st.dictionaries(st.sampled_from(sorted(OTHER)), st.just(None)).map(
    lambda chosen: {name: OTHER[name] for name in chosen}
)


def stages_changed_by(name: str) -> set[str]:
    default = stage_keys({})
    return {
        stage for stage, key in stage_keys({name: OTHER[name]}).items() if key != default[stage]
    }


@pytest.mark.parametrize(
    ("field", "stages"),
    [
        ("workload.model", {"checkpoint", "calibrate", "map", "infer", "trace", "ppa"}),
        ("workload.images", {"calibrate", "map", "infer", "trace", "ppa"}),
        ("quantization.weight_bits", {"calibrate", "map", "infer", "trace", "ppa"}),
        ("quantization.layer_input_bits", {"calibrate", "map", "infer", "trace", "ppa"}),
        ("array.adc.layer_bits", {"infer", "ppa"}),
        ("cell.bits", {"map", "infer", "ppa"}),
        ("array.rows", {"map", "infer", "ppa"}),
        ("cell.technology", {"infer", "ppa"}),
        ("array.adc.bits", {"infer", "ppa"}),
        ("array.adc.range.policy", {"infer"}),
        ("nonideality.read_noise", {"infer"}),
        ("fidelity.adc_levels", {"infer"}),
        ("array.adc.kind", {"ppa"}),
        ("cell.access", {"ppa"}),
        ("chip.node", {"ppa"}),
        ("chip.trace_images", {"trace", "ppa"}),
    ],
)
def test_a_field_changes_the_keys_of_its_readers_only(field: str, stages: set[str]) -> None:
    assert stages_changed_by(field) == stages


def test_every_field_is_read_by_a_stage() -> None:
    read = frozenset[str]().union(*(own_fields(stage) for stage in STAGES))
    assert read == frozenset(parameters())


def test_a_field_at_its_default_is_not_in_the_key() -> None:
    explicit = DesignPoint.model_validate({"array": {"adc": {"bits": 7}}, "chip": {"node": 22}})
    assert changed_fields(explicit) == {}
    assert stage_keys(changed_fields(explicit)) == stage_keys({})


def test_a_new_field_with_a_default_keeps_old_keys() -> None:
    """The key of a design with nothing changed, written down when version 1 of the stages was."""
    text = '{"fields":{},"stage":"checkpoint","upstream":{},"version":1}'
    assert key_texts({})["checkpoint"] == text
    assert stage_keys({})["checkpoint"] == hashlib.sha256(text.encode()).hexdigest()[:12]
    assert all(json.loads(t)["fields"] == {} for t in key_texts({}).values())
    shapes = '{"fields":{"workload.dataset":"shapes10"},"stage":"checkpoint","upstream":{},'
    assert key_texts({"workload.dataset": "shapes10"})["checkpoint"] == f'{shapes}"version":1}}'


@given(changes)
@settings(max_examples=50, deadline=None)
def test_what_a_stage_is_given_has_the_same_keys(changed: dict[str, Any]) -> None:
    """The command line computes key and folder again from the fields that a job is given."""
    for stage in STAGES:
        design = stage_design(stage, changed)
        again = changed_fields(DesignPoint.model_validate(unflatten(design)))
        assert stage_keys(again)[stage] == stage_keys(changed)[stage]
        for above in STAGES[stage].upstream:
            assert stage_keys(again)[above] == stage_keys(changed)[above]


def test_a_default_outside_a_stage_s_view_cannot_contradict_what_it_sees() -> None:
    changed = {"array.columns": 100, "array.adc.columns_shared": 10}
    DesignPoint.model_validate(unflatten(changed))
    assert "array.adc.columns_shared" not in fields_in_view("map")
    DesignPoint.model_validate(unflatten(stage_design("map", changed)))


def test_files_count_by_content(tmp_path: Path) -> None:
    one, two = tmp_path / "one.csv", tmp_path / "two.csv"
    one.write_text("mean,std\n1,0\n2,0\n")
    two.write_bytes(one.read_bytes())
    same = [stage_keys({"cell.states_file": str(path)})["infer"] for path in (one, two)]
    assert same[0] == same[1]
    assert design_id({"cell.states_file": str(one)}) == design_id({"cell.states_file": str(two)})
    two.write_text("mean,std\n1,0\n3,0\n")
    assert stage_keys({"cell.states_file": str(two)})["infer"] != same[0]
    with pytest.raises(UserError, match=r"gone\.csv: cannot be read"):
        stage_keys({"cell.states_file": str(tmp_path / "gone.csv")})


def test_floats_enter_by_repr() -> None:
    assert '"nonideality.read_noise":0.1' in key_texts({"nonideality.read_noise": 0.1})["infer"]
    assert (
        stage_keys({"nonideality.read_noise": 0.1 + 0.2})["infer"]
        != stage_keys({"nonideality.read_noise": 0.3})["infer"]
    )


def test_nothing_heavy_is_imported() -> None:
    heavy = "{'torch', 'pandas', 'pyarrow', 'numpy', 'matplotlib', 'scipy', 'sklearn'}"
    code = f"import sys, cimsim.campaign.expand; print({heavy} & set(sys.modules))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "set()"


def test_a_configuration_enters_the_key_and_its_folder_does_not(tmp_path: Path) -> None:
    def key(folder: str) -> str:
        return stage_keys({"workload.model": f"huggingface:{tmp_path}/{folder}"})["checkpoint"]

    for folder, layers in (("a", 1), ("b", 2), ("c", 1)):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "config.json").write_text(json.dumps({"num_hidden_layers": layers}))
    assert key("a") == key("c") != key("b")
    (tmp_path / "c/config.json").write_text("{}")
    assert key("a") != key("c")
