"""Sampled sweeps: spread, seeded, within their ranges."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from cimsim.campaign.expand import Campaign, load_campaign
from cimsim.campaign.parameters import value
from cimsim.campaign.sample import Space, space_axes
from cimsim.campaign.settings import Place
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
        ({"ranges": {"array.adc.bits": [4.5, 7]}}, r"whole numbers from -\d+ to \d+"),
        ({"ranges": {"array.rows": [1, 10**400]}}, "allowed: .lowest, highest., whole numbers fr"),
        ({"ranges": {"array.rows": [1, float("inf")]}}, "allowed: .lowest, highest., whole numb"),
        ({"ranges": {"array.rows": [0, 4]}, "log": ["array.rows"]}, "whole numbers from 1 to"),
        (
            {"ranges": {"cell.resistance_on": [1, float("inf")]}},
            r"numbers from -1e\+150 to 1e\+150",
        ),
        ({"ranges": {"cell.resistance_on": [1, 10**400]}}, r"numbers from -1e\+150 to 1e\+150"),
        ({"ranges": {"cell.resistance_on": [-1e308, 1e308]}}, r"numbers from -1e\+150 to 1e\+150"),
        ({"ranges": {"cell.resistance_on": [float("nan"), 1]}}, "numbers from"),
        (
            {"ranges": {"cell.resistance_on": [1e-320, 1e5]}, "log": ["cell.resistance_on"]},
            "numbers from 1e-150",
        ),
        ({"ranges": {"cell.resistance_on": [0, 1e5]}}, "0.0 is not allowed; allowed: a number abo"),
        ({"choices": {"chip.pipeline": [True, 3]}}, "choices.chip.pipeline: 3 is not allowed"),
        ({"log": ["chip.node"]}, "'chip.node' is no field of ranges"),
        ({"choices": {"array.adc.bits": [4]}}, "array.adc.bits is also in ranges"),
    ],
)
def test_mistakes(sample: dict[str, Any], message: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=message):
        load(tmp_path, **sample)


@given(
    low=st.floats(1e-9, 1e9) | st.integers(1, 10**9),
    factor=st.floats(1.001, 1e6),
    share=st.floats(0.0, 1.0, exclude_max=True),
    log=st.booleans(),
)
def test_no_value_is_outside_its_range(low: float, factor: float, share: float, log: bool) -> None:
    whole = isinstance(low, int)
    high = max(low + 1, int(low * factor)) if whole else low * factor
    name = "chip.trace_images" if whole else "cell.resistance_on"
    space = Space(ranges={name: [low, high]}, log=(name,) if log else ())
    (axis,) = space_axes(space, Place(Path("c.yaml")))
    assert low <= axis.at(share) <= high
    assert isinstance(axis.at(share), type(low))
