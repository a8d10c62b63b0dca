"""Mixed precision: which rule a layer follows, and what is refused."""

import re
from pathlib import Path

import pytest
from pydantic import ValidationError

from cimsim.campaign.checks import check_campaign
from cimsim.campaign.design import DesignPoint
from cimsim.campaign.expand import load_campaign
from cimsim.campaign.layer_design import Precision, is_mixed, layer_designs, precisions, widest
from cimsim.errors import UserError
from cimsim.workloads.models import layer_names

ROOT = Path(__file__).parents[2]
NAMES = ["stem", "blocks.0.conv", "blocks.1.conv", "head"]


def design(weights=(), inputs=(), adcs=(), **sections):
    return DesignPoint(
        quantization={"layer_weight_bits": weights, "layer_input_bits": inputs},
        array={"adc": {"layer_bits": adcs}, **sections.pop("array", {})},
        **sections,
    )


def test_the_last_rule_that_fits_wins():
    point = design(["*=4", "blocks.*=3", "last=8"], ["blocks.1.*=16"], ["first=2", "*=5"])
    assert precisions(point, NAMES) == {
        "stem": Precision(4, 8, 5),
        "blocks.0.conv": Precision(3, 8, 5),
        "blocks.1.conv": Precision(3, 16, 5),
        "head": Precision(8, 8, 5),
    }


def test_layers_of_one_precision_share_a_design():
    point = design(["head=4"])
    designs = layer_designs(point, NAMES)
    assert designs["stem"] is designs["blocks.0.conv"]
    assert designs["head"].quantization.weight_bits == 4
    assert designs["head"].array == point.array
    assert not any(map(is_mixed, designs.values()))
    assert designs["stem"] == DesignPoint()


def test_the_widest_design_has_the_most_bits_of_each_kind():
    point = design(["*=4", "head=6"], ["*=3"], ["stem=9"])
    most = widest(point, list(layer_designs(point, NAMES).values()))
    assert (most.quantization.weight_bits, most.quantization.input_bits) == (6, 3)
    assert most.array.adc.bits == 9
    assert widest(DesignPoint(), []) == DesignPoint()


@pytest.mark.parametrize("rule", ["fc", "fc=", "=4", "fc=x", "f c=4", "fc=4.0", "fc=1", "fc=17"])
@pytest.mark.parametrize("field", ["weights", "inputs"])
def test_what_is_no_rule_is_refused(field, rule):
    with pytest.raises(ValidationError, match=r"allowed: (PATTERN=BITS|2 to 16 bits)"):
        design(**{field: [rule]})


def test_an_adc_may_have_one_bit():
    assert precisions(design(adcs=["*=1"]), NAMES)["stem"].adc == 1
    with pytest.raises(ValidationError, match="allowed: 1 to 16 bits"):
        design(adcs=["*=0"])


def test_fewer_bits_than_a_cell_or_a_read_has_are_refused():
    with pytest.raises(ValidationError, match=r"layer_weight_bits is head=3 but cell\.bits is 4"):
        design(["*=8", "head=3"], cell={"bits": 4})
    with pytest.raises(
        ValidationError, match=r"layer_input_bits is head=3 but array\.dac_bits is 4"
    ):
        design(inputs=["head=3"], array={"dac_bits": 4})


@pytest.mark.parametrize(
    "field",
    ["quantization.layer_weight_bits", "quantization.layer_input_bits", "array.adc.layer_bits"],
)
def test_a_rule_that_fits_no_layer_is_refused_before_any_job(tmp_path, field):
    file = tmp_path / "campaign.yaml"
    file.write_text(f"name: c\nsweeps: [{{grid: {{{field}: [[last=4], [fc1=4]]}}}}]\n")
    with pytest.raises(UserError) as refused:
        check_campaign(load_campaign(file))
    message = str(refused.value)
    assert f"sweeps[0].grid.{field}[1]: {field}: pattern 'fc1' fits no matrix layer" in message
    assert "classifier.0, classifier.2" in message


def test_each_precision_is_checked_for_the_chip(tmp_path):
    """A weight of 16 cells does not fit in 8 columns, the 8-bit ones of other layers do."""
    file = tmp_path / "campaign.yaml"
    base = "{cell.technology: sram, array: {rows: 8, columns: 8, parallel_rows: 1}}"
    grid = "{quantization.layer_weight_bits: [[last=8], [last=16]]}"
    file.write_text(f"name: c\nbase: {base}\nsweeps: [{{grid: {grid}}}]\n")
    with pytest.raises(UserError, match=r"array\.columns is 8 but must hold the 16 cells"):
        check_campaign(load_campaign(file))


def test_the_documented_campaign_is_what_the_documentation_says(tmp_path):
    page = (ROOT / "docs" / "workloads.md").read_text(encoding="utf-8")
    snippet = re.search(r"```yaml mixed\.yaml\n(.*?)```", page, re.DOTALL)
    (tmp_path / "mixed.yaml").write_text(snippet[1])
    campaign = load_campaign(tmp_path / "mixed.yaml")
    check_campaign(campaign)
    (point,) = campaign.points
    found = precisions(point.point, layer_names(point.point.workload))
    assert list(found.values()) == [
        Precision(8, 8, 7),
        *[Precision(4, 4, 6)] * 5,
        Precision(6, 4, 6),
        Precision(8, 4, 6),
    ]
