"""Generated files are up to date, and the shipped campaigns and presets are as they describe."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

from cimsim.campaign.expand import load_campaign
from cimsim.campaign.parameters import parameters
from cimsim.campaign.schema_docs import generated
from cimsim.campaign.settings import presets
from cimsim.campaign.yaml_file import read_yaml

ROOT = Path(__file__).parents[2]
CAMPAIGNS = sorted((ROOT / "config" / "campaigns").glob("*.yaml"))


@pytest.mark.parametrize("path", generated())
def test_generated_files_are_up_to_date(path: Path) -> None:
    assert (ROOT / path).read_text(encoding="utf-8") == generated()[path], (
        "run `cimsim docs --write` (or `make docs`)"
    )


def test_the_reference_names_every_parameter() -> None:
    text = generated()[Path("config/README.md")]
    assert all(f"| `{name}` |" in text for name in parameters())
    assert "{{" not in text


@pytest.mark.parametrize("path", CAMPAIGNS, ids=lambda path: path.stem)
def test_shipped_campaigns_are_valid(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    load_campaign(path)
    assert path.read_text().startswith("# yaml-language-server: $schema=../campaign.schema.json\n")
    schema = json.loads(generated()[Path("config/campaign.schema.json")])
    jsonschema.validate(read_yaml(path), schema)


def test_the_schema_refuses_what_the_loader_refuses() -> None:
    schema = json.loads(generated()[Path("config/campaign.schema.json")])
    for good in (
        {"array": {"adc": {"bits": 7}}},
        {"array": {"adc.bits": 7}},
        {"array.adc.bits": 7},
        {"workload.dataset": "shapes10"},
        {"workload.dataset": "imagenet"},
        {"workload.dataset": "folder:/images"},
    ):
        jsonschema.validate({"name": "c", "base": good}, schema)
    jsonschema.validate({"name": "c", "sweeps": [{"grid": {"array.adc.bits": [7]}}]}, schema)
    for bad in (
        {"base": {}},
        {"name": "c", "bass": {}},
        {"name": "c", "base": {"array.adc.bits": 0}},
        {"name": "c", "base": {"workload.dataset": "folder"}},
        {"name": "c", "base": {"workload.dataset": "mnist"}},
        {"name": "c", "sweeps": [{"grid": {"array.adc.bits": 7}}]},
        {"name": "c", "sweeps": [{"points": [{"cell": {"kind": "sram"}}]}]},
    ):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(bad, schema)


def test_presets_load(tmp_path: Path) -> None:
    names = sorted(presets(ROOT / "config" / "campaigns" / "any.yaml"))
    assert {"neurosim-v1.5", "rram-22nm", "sram-22nm"} <= set(names)
    for name in names:
        file = tmp_path / "c.yaml"
        file.write_text(f"name: c\nbase: {{preset: {name}}}\n")
        assert len(load_campaign(file).points) == 1


def test_the_reference_preset_sets_every_switch(tmp_path: Path) -> None:
    """No fidelity switch is left on our side, as far as it concerns the reference."""
    file = tmp_path / "c.yaml"
    file.write_text("name: c\nbase: {preset: neurosim-v1.5}\n")
    changed = load_campaign(file).points[0].changed
    switches = {name for name in parameters() if name.startswith("fidelity.")}
    corrections = {name for name in switches if name.startswith("fidelity.circuit.")}
    assert switches - corrections <= set(changed)
    assert not corrections & set(changed)  # by default off, as in the reference
