"""Checks of a campaign against what lies outside its file."""

import pytest

from cimsim.campaign.checks import check_campaign
from cimsim.campaign.expand import load_campaign
from cimsim.campaign.layer_rules import fitting
from cimsim.errors import UserError


@pytest.mark.parametrize(
    ("field", "value", "available"),
    [
        ("workload.images", 451, "450 test"),
        ("quantization.images", 2000, "1347 training"),
        ("chip.trace_images", 500, "450 test"),
    ],
)
def test_more_images_than_the_data_set_has(tmp_path, field, value, available):
    file = tmp_path / "campaign.yaml"
    file.write_text(f"name: c\nsweeps: [{{grid: {{{field}: [10, {value}]}}}}]\n")
    with pytest.raises(UserError) as refused:
        check_campaign(load_campaign(file))
    message = str(refused.value)
    assert f"sweeps[0].grid.{field}[1]: " in message
    assert f"{field} is {value} but digits16 has {available} images" in message


@pytest.mark.parametrize("pattern", ["fc*", "features.1"])
def test_a_pattern_that_fits_no_layer_is_refused_before_any_job(tmp_path, pattern):
    file = tmp_path / "campaign.yaml"
    grid = f"{{quantization.float_layers: [[first], ['{pattern}']]}}"
    file.write_text(f"name: c\nsweeps: [{{grid: {grid}}}]\n")
    with pytest.raises(UserError) as refused:
        check_campaign(load_campaign(file))
    message = str(refused.value)
    assert "sweeps[0].grid.quantization.float_layers[1]: " in message
    assert f"pattern '{pattern}' fits no matrix layer of the network; its 8 layers are" in message
    assert "features.0, features.3, " in message


def test_of_many_layers_the_closest_are_named():
    names = [f"stages.{n}.conv" for n in range(40)] + ["head.fc"]
    with pytest.raises(UserError, match=r"of its 41 the closest are .*head\.fc"):
        fitting("head.f", names, "quantization.float_layers")
    assert fitting("stages.1?.*", names, "") == {f"stages.1{n}.conv" for n in range(10)}
    assert fitting("first", names, "") == {"stages.0.conv"}
    assert fitting("last", names, "") == {"head.fc"}
    assert fitting("last", [*names, "last", "end"], "") == {"last"}
