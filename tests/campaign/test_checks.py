"""Checks of a campaign against what lies outside its file."""

import pytest

from cimsim.campaign.checks import check_campaign
from cimsim.campaign.expand import load_campaign
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
