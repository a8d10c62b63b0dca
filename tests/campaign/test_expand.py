"""Expansion of campaign files: combinations, presets, filters, sharing."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
import yaml

from cimsim.campaign.checks import check_campaign
from cimsim.campaign.expand import Campaign, load_campaign
from cimsim.campaign.parameters import value
from cimsim.campaign.progress import describe
from cimsim.campaign.seeds import Seeds
from cimsim.errors import UserError


def load(tmp_path: Path, **content: Any) -> Campaign:
    file = tmp_path / "campaign.yaml"
    file.write_text(yaml.safe_dump({"name": "c", **content}, sort_keys=False))
    return load_campaign(file)


def rows(campaign: Campaign, *fields: str) -> list[tuple[Any, ...]]:
    return [tuple(value(p.point, field) for field in fields) for p in campaign.points]


def test_without_sweeps_the_base_is_the_only_point(tmp_path: Path) -> None:
    campaign = load(tmp_path, base={"array": {"adc": {"bits": 5}}, "chip.node": 32})
    assert rows(campaign, "array.adc.bits", "chip.node") == [(5, 32)]
    assert campaign.points[0].sweeps == ["base"]


def test_grid_is_the_product_in_order(tmp_path: Path) -> None:
    grid = {"array.adc.bits": [6, 7], "nonideality": {"read_noise": [0.0, 0.1, 0.2]}}
    campaign = load(tmp_path, sweeps=[{"grid": grid}])
    expected = [(b, n) for b in (6, 7) for n in (0.0, 0.1, 0.2)]
    assert rows(campaign, "array.adc.bits", "nonideality.read_noise") == expected


def test_zip_and_points_multiply_the_grid(tmp_path: Path) -> None:
    sweep = {
        "grid": {"array.adc.bits": [6, 7]},
        "zip": {"chip.node": [22, 32], "chip.temperature": [300, 350]},
        "points": [{"cell.bits": 1}, {"cell": {"bits": 2, "resistance_on": 5e3}}],
    }
    campaign = load(tmp_path, sweeps=[sweep])
    found = rows(campaign, "array.adc.bits", "chip.node", "chip.temperature", "cell.bits")
    expected = {(b, n, t, c) for b in (6, 7) for n, t in ((22, 300), (32, 350)) for c in (1, 2)}
    assert set(found) == expected
    assert len(found) == len(expected) == 8


def test_later_settings_win(tmp_path: Path) -> None:
    (tmp_path / "presets").mkdir()
    (tmp_path / "presets" / "mine.yaml").write_text(
        "cell: {technology: fefet, resistance_on: 9e3}\n"
    )
    folder = tmp_path / "campaigns"
    folder.mkdir()
    campaign = load(
        folder,
        base={"preset": "mine", "cell": {"resistance_on": 7e3}},
        sweeps=[
            {"name": "a"},
            {"name": "b", "base": {"cell.resistance_on": 8e3}},
            {"name": "c", "grid": {"preset": ["mine"]}, "base": {"cell.technology": "rram"}},
        ],
    )
    assert rows(campaign, "cell.technology", "cell.resistance_on") == [
        ("fefet", 7e3),
        ("fefet", 8e3),
        ("fefet", 9e3),
    ]


def test_where_filters_combinations(tmp_path: Path) -> None:
    grid = {"array.adc.bits": [5, 6, 7], "cell.technology": ["sram", "rram"]}
    where = "array.adc.bits > 5 or cell.technology in ['rram']"
    campaign = load(tmp_path, sweeps=[{"grid": grid, "where": where}])
    assert rows(campaign, "array.adc.bits", "cell.technology") == [
        (5, "rram"),
        (6, "sram"),
        (6, "rram"),
        (7, "sram"),
        (7, "rram"),
    ]
    several = {"grid": grid, "where": ["array.adc.bits > 5", "cell.technology == 'sram'"]}
    assert len(load(tmp_path, sweeps=[several]).points) == 2


def test_sweeps_share_equal_points(tmp_path: Path) -> None:
    sweeps = [
        {"name": "adc", "grid": {"array.adc.bits": [6, 7]}},
        {"name": "noise", "grid": {"nonideality.read_noise": [0, 0.1]}},
        {"name": "same", "points": [{"array.adc.bits": 7, "chip.node": 22}]},
    ]
    campaign = load(tmp_path, sweeps=sweeps)
    assert [p.sweeps for p in campaign.points] == [["adc"], ["adc", "noise", "same"], ["noise"]]
    assert len({p.id for p in campaign.points}) == 3


def test_invalid_combinations_are_dropped_on_request_and_listed(tmp_path: Path) -> None:
    grid = {"array.parallel_rows": [48, 64], "array.rows": [64, 96]}
    campaign = load(tmp_path, sweeps=[{"name": "s", "grid": grid, "invalid": "drop"}])
    assert rows(campaign, "array.parallel_rows", "array.rows") == [(48, 96), (64, 64)]
    assert [d.values for d in campaign.dropped] == [
        "array.parallel_rows 48, array.rows 64",
        "array.parallel_rows 64, array.rows 96",
    ]
    assert "must divide rows (64)" in campaign.dropped[0].reason


PRODUCTS = {
    "quantization.dynamic_products": ["integer", "array"],
    "chip.dynamic_products": ["digital", "sram_array"],
}


def test_products_that_the_chip_has_no_arrays_for_are_dropped(tmp_path: Path) -> None:
    sweeps = [{"name": "s", "grid": PRODUCTS, "invalid": "drop"}]
    campaign = load(tmp_path, sweeps=sweeps)
    check_campaign(campaign)
    assert rows(campaign, *PRODUCTS) == [
        ("integer", "digital"),
        ("integer", "sram_array"),
        ("array", "sram_array"),
    ]
    (dropped,) = campaign.dropped
    assert (
        dropped.values == "quantization.dynamic_products 'array', chip.dynamic_products 'digital'"
    )
    assert dropped.reason.startswith("chip.dynamic_products is digital but quantization.dynamic_")
    assert f"  dropped from s: {dropped.values}: {dropped.reason}" in describe(campaign, tmp_path)
    # Accuracies alone do not ask where the chip has its products.
    alone = load(tmp_path, sweeps=sweeps, hardware=False)
    assert (len(alone.points), alone.dropped) == (4, ())
    # Without `drop` the check before a run names the combination.
    strict = load(tmp_path, sweeps=[{"name": "s", "grid": PRODUCTS}])
    place = r"sweeps\[0\]\.grid\.chip\.dynamic_products\[0\]: chip\.dynamic_products is digital but"
    with pytest.raises(UserError, match=place):
        check_campaign(strict)


@pytest.mark.parametrize(
    ("grid", "reason"),
    [
        ({"array.dac_bits": [1, 4]}, "array.dac_bits is 4 but"),
        ({"array.signed_weights": ["offset", "differential"]}, "array.signed_weights is diff"),
        ({"chip.synchronous": [True, False]}, "chip.synchronous is false with"),
        ({"chip.activation_function": ["relu", "sigmoid"]}, "chip.activation_function is sigm"),
    ],
)
def test_designs_without_circuits_are_dropped(
    grid: dict[str, Any], reason: str, tmp_path: Path
) -> None:
    sweeps = [{"name": "s", "grid": grid, "invalid": "drop"}]
    campaign = load(tmp_path, sweeps=sweeps)
    check_campaign(campaign)
    assert len(campaign.points) == 1
    assert [d.reason.startswith(reason) for d in campaign.dropped] == [True]
    assert len(load(tmp_path, sweeps=sweeps, hardware=False).points) == 2


def test_numbers_of_jobs_on_a_campaign_counted_by_hand(tmp_path: Path) -> None:
    """2 ADCs x 3 noises on one network, 2 nodes, and a second cell width."""
    sweeps = [
        {"grid": {"array.adc.bits": [6, 7], "nonideality.read_noise": [0.0, 0.1, 0.2]}},
        {"grid": {"chip.node": [22, 32], "array.adc.bits": [7]}},
        {"points": [{"cell.bits": 2}]},
    ]
    campaign = load(tmp_path, sweeps=sweeps)
    assert len(campaign.points) == 8
    distinct = {s: len({p.keys[s] for p in campaign.points}) for s in campaign.points[0].keys}
    # ppa: 6 b and 7 b at 22 nm, 7 b at 32 nm, 2-bit cells; infer: 6 noisy points and 2-bit cells.
    assert distinct == {"checkpoint": 1, "calibrate": 1, "map": 2, "infer": 7, "trace": 1, "ppa": 4}


def test_expansion_is_fast(tmp_path: Path) -> None:
    grid = {
        "nonideality.read_noise": [n / 1000 for n in range(100)],
        "array.adc.bits": list(range(3, 13)),
        "chip.temperature": list(range(300, 400, 10)),
    }
    start = time.process_time()
    campaign = load(tmp_path, sweeps=[{"grid": grid}])
    assert len(campaign.points) == 10_000
    assert time.process_time() - start < 10.0


@pytest.mark.parametrize(
    ("seeds", "blocks"),
    [
        ({"count": 8, "block": 4}, [(0, 3), (4, 7)]),
        ({"count": 10, "block": 4}, [(0, 3), (4, 7), (8, 9)]),
        ({"first": 2, "count": 4, "block": 4}, [(2, 3), (4, 5)]),
        ({"first": 100, "count": 1, "block": 16}, [(100, 100)]),
    ],
)
def test_seed_blocks(seeds: dict[str, int], blocks: list[tuple[int, int]]) -> None:
    assert Seeds(**seeds).blocks() == blocks


def test_more_seeds_keep_the_full_blocks() -> None:
    before, after = Seeds(count=8, block=4).blocks(), Seeds(count=20, block=4).blocks()
    assert after[: len(before)] == before


def test_too_many_combinations_are_refused(tmp_path: Path) -> None:
    grid = {f"chip.{side}_toggle": [n / 1000 for n in range(1000)] for side in ("input", "output")}
    with pytest.raises(UserError, match=r"sweeps\[0\]: 1000000 combinations; allowed: 200000"):
        load(tmp_path, sweeps=[{"grid": grid}])
