"""The rule that ends the seeds of a design point: by hand, and its coverage by simulation."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from cimsim.campaign.seeds import Seeds, Stop
from cimsim.inference.stopping import blocks_needed, half_width, is_enough


def rule(count: int = 4, block: int = 4, **stop: float) -> Seeds:
    return Seeds(
        count=count, block=block, stop=Stop(**{"half_width": 0.01, "max_seeds": 64, **stop})
    )


def test_half_width_is_that_of_students_interval() -> None:
    sample = [0.91, 0.93, 0.90, 0.94, 0.92]
    low, high = stats.t.interval(0.95, 4, loc=np.mean(sample), scale=stats.sem(sample))
    assert half_width(sample, 0.95) == pytest.approx((high - low) / 2, rel=1e-12)
    assert half_width([0.9], 0.95) == math.inf


def test_without_a_rule_every_block_is_needed() -> None:
    seeds = Seeds(first=3, count=9, block=4)
    assert blocks_needed(seeds, lambda block: [0.9] * 4) == [(3, 3), (4, 7), (8, 11)]


def test_equal_chips_stop_after_the_least_number() -> None:
    assert blocks_needed(rule(count=5), lambda block: [0.9] * 4) == [(0, 3), (4, 7)]


def test_the_largest_number_ends_it() -> None:
    rng = np.random.default_rng(0)
    asked = blocks_needed(rule(max_seeds=10), lambda block: list(rng.random(4)))
    assert asked == [(0, 3), (4, 7), (8, 9)]


def test_it_stops_at_the_first_block_that_is_enough() -> None:
    """By hand: t(3) = 3.182, s = 0.01: 0.0159 > 0.01; t(7) = 2.365, s = 0.01: 0.0084 < 0.01."""
    spread = 0.01 * math.sqrt(3) / 2  # four chips at +- this have a standard deviation of 0.01
    block = [0.9 - spread, 0.9 + spread] * 2
    assert half_width(block, 0.95) == pytest.approx(3.1824 * 0.01 / 2, rel=1e-4)
    assert not is_enough(rule(), block)
    assert is_enough(rule(), block * 2)
    assert blocks_needed(rule(), lambda _: block) == [(0, 3), (4, 7)]


def test_a_missing_block_is_the_last_one() -> None:
    seeds = Seeds(count=12, block=4)
    found = blocks_needed(seeds, lambda block: None if block == (4, 7) else [0.9] * 4)
    assert found == [(0, 3), (4, 7)]


@pytest.mark.parametrize(
    ("stop", "seeds", "message"),
    [
        ({"half_width": 0.01, "max_seeds": 4}, {"count": 8}, "stop.max_seeds is 4 but count"),
        ({"half_width": 0.01}, {"first": 2**32 - 10}, r"first \+ stop.max_seeds - 1"),
        ({"half_width": 0.0}, {}, "greater than 0"),
    ],
)
def test_mistakes(stop: dict[str, float], seeds: dict[str, int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Seeds.model_validate({**seeds, "stop": stop})


def test_shares_may_be_written_in_percent() -> None:
    stop = Stop.model_validate({"half_width": "0.2 %", "confidence": "95%"})
    assert (stop.half_width, stop.confidence) == (0.002, 0.95)
    with pytest.raises(ValueError, match="valid number"):
        Stop.model_validate({"half_width": "little %"})


def test_what_is_not_set_is_not_in_the_identity() -> None:
    assert Seeds(count=4).identity() == {"first": 0, "count": 4, "block": 8}
    assert Seeds(count=4, points_per_job=7).identity() == Seeds(count=4).identity()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("deviation", "least"), [(0.002, 0.925), (0.005, 0.925), (0.01, 0.925), (0.03, 0.925)]
)
def test_coverage_of_the_mean_over_chips(deviation: float, least: float) -> None:
    """Chips around a mean of 90 %, 1,000 images; the interval that stopped it against the mean.

    The share of 4,000 runs has a standard deviation of 0.35 %. Nominal is 95 %; stopping early
    costs up to two points where few blocks are needed.
    """
    rng = np.random.default_rng(7)
    seeds = rule(count=8, block=8, half_width=0.005)
    held = 0
    for _ in range(4000):
        chips = np.round(rng.normal(0.9, deviation, 64) * 1000) / 1000
        used = blocks_needed(seeds, lambda block: list(chips[block[0] : block[1] + 1]))  # noqa: B023
        sample = chips[: used[-1][1] + 1]
        held += abs(sample.mean() - 0.9) <= half_width(list(sample), 0.95)
    assert least <= held / 4000 <= 0.97
