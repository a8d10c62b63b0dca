"""Sampled sweeps: spread, seeded, within their ranges."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from cimsim.campaign.expand import Campaign, load_campaign
from cimsim.campaign.parameters import value
from cimsim.errors import UserError

RANGES = {"nonideality.read_noise": [0.0, 0.1], "array.adc.bits": [4, 7]}


def load(folder: Path, where: str = "", **sample: Any) -> Campaign:
    file = folder / "c.yaml"
    sweep = {"sample": {"count": 64, "ranges": RANGES, **sample}}
    file.write_text(
        yaml.safe_dump({"name": "c", "sweeps": [sweep | ({"where": where} if where else {})]})
    )
    return load_campaign(file)


def column(campaign: Campaign, name: str) -> list[Any]:
    return [value(point.point, name) for point in campaign.points]


@pytest.mark.parametrize("method", ["sobol", "latin_hypercube"])
def test_each_stratum_has_its_share(method: str, tmp_path: Path) -> None:
    """64 points: one in each 64th of the range, and 16 for each of four whole numbers."""
    campaign = load(tmp_path, method=method)
    noise = column(campaign, "nonideality.read_noise")
    assert sorted(int(x / 0.1 * 64) for x in noise) == list(range(64))
    bits = column(campaign, "array.adc.bits")
    assert [bits.count(b) for b in (4, 5, 6, 7)] == [16] * 4


def test_the_seed_and_nothing_else_decides(tmp_path: Path) -> None:
    ids = [[p.id for p in load(tmp_path, seed=seed).points] for seed in (0, 0, 1)]
    assert ids[0] == ids[1]
    assert set(ids[0]).isdisjoint(ids[2])


def test_logarithmic_ranges_and_choices(tmp_path: Path) -> None:
    ranges = {"cell.resistance_on": [1e3, 1e5], "chip.temperature": [300, 400]}
    campaign = load(
        tmp_path, ranges=ranges, log=["cell.resistance_on"], choices={"chip.node": [22, 32]}
    )
    ohm = column(campaign, "cell.resistance_on")
    assert sum(x < 1e4 for x in ohm) == 32
    assert column(campaign, "chip.node").count(22) == 32


def test_a_filter_leaves_points_out(tmp_path: Path) -> None:
    assert len(load(tmp_path, where="array.adc.bits > 5").points) == 32


@pytest.mark.parametrize(
    ("sample", "message"),
    [
        ({"count": 60}, "count is 60; allowed for method sobol: a power of two"),
        ({"ranges": {}}, "ranges and choices are empty"),
        ({"ranges": {"cell.technology": [0, 1]}}, "cell.technology is no number"),
        ({"ranges": {"array.adc.bits": [7, 4]}}, "allowed: lowest < highest"),
        ({"ranges": {"nonideality.read_noise": [-1.0, 0.1]}}, "is not allowed; allowed: a number"),
        ({"log": ["chip.node"]}, "'chip.node' is no field of ranges"),
        ({"choices": {"array.adc.bits": [4]}}, "array.adc.bits is also in ranges"),
    ],
)
def test_mistakes(sample: dict[str, Any], message: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=message):
        load(tmp_path, **sample)
