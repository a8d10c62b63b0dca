"""Paired differences: closed forms, and coverage and prediction by simulation."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from cimsim.analysis.intervals import CrossedCounts, accuracy_interval
from cimsim.analysis.paired import Paired

MU = stats.norm.ppf(0.9)


def simulate(
    rng: np.random.Generator,
    images: int,
    seeds: int,
    chip: float,
    shift: float,
    factor: float = 1.2,
    noise: float = 0.3,
) -> np.ndarray:
    """Return differences of two points that share images and chips, int8 [images, seeds].

    Point two is worse by `shift` and a chip hits it `factor` times as hard as point one.
    """
    image = rng.normal(size=(images, 1))
    chips = chip * rng.normal(size=seeds)
    first = MU + image + chips + noise * rng.normal(size=(images, seeds)) > 0
    second = MU - shift + image + factor * chips + noise * rng.normal(size=(images, seeds)) > 0
    return first.astype(np.int8) - second.astype(np.int8)


def truth(chip: float, shift: float, factor: float = 1.2, noise: float = 0.3) -> float:
    one = stats.norm.cdf(MU / np.sqrt(1 + chip**2 + noise**2))
    return float(one - stats.norm.cdf((MU - shift) / np.sqrt(1 + (factor * chip) ** 2 + noise**2)))


def test_one_seed_is_the_interval_of_agresti_and_min() -> None:
    """Cells of a 2 x 2 table with 1/2 added to each: Wald's variance of a paired difference."""
    b, c, n = 12, 5, 200
    differences = np.array([1] * b + [-1] * c + [0] * (n - b - c), dtype=np.int8)[:, None]
    paired = Paired.of(differences)
    share_b, share_c = (b + 0.5) / (n + 2), (c + 0.5) / (n + 2)
    variance = share_b + share_c - (share_b - share_c) ** 2
    half = stats.norm.ppf(0.975) * np.sqrt(variance / (n + 1))
    assert paired.difference == pytest.approx((b - c) / n)
    assert paired.interval().high - paired.difference == pytest.approx(half, rel=5e-3)


def test_equal_points_have_an_interval_with_a_width() -> None:
    interval = Paired.of(np.zeros((450, 8), dtype=np.int8)).interval()
    assert interval.estimate == 0.0
    assert 0.0 < interval.high < 0.01


def test_what_both_share_cancels() -> None:
    """Chips and images that shift both points alike leave an interval narrower than of one."""
    rng = np.random.default_rng(3)
    images, chips = rng.normal(size=(450, 1)), 0.3 * rng.normal(size=8)
    right = MU + images + chips > 0
    worse = right & (rng.random(right.shape) < 0.99)
    paired = Paired.of(right.astype(np.int8) - worse.astype(np.int8)).interval()
    alone = accuracy_interval(CrossedCounts.of(right))
    assert paired.high - paired.low < (alone.high - alone.low) / 4


@pytest.mark.slow
@pytest.mark.parametrize(
    ("images", "seeds", "chip", "shift"),
    [
        (450, 8, 0.0, 0.0),
        (450, 8, 0.3, 0.1),
        (450, 4, 0.3, 0.0),
        (450, 3, 0.1, 0.3),
        (100, 20, 0.2, 0.1),
        (1000, 2, 0.3, 0.1),
        (200, 8, 0.3, 0.6),
    ],
)
def test_coverage_is_nominal(images: int, seeds: int, chip: float, shift: float) -> None:
    """1,000 runs: the share of runs that hold the truth has a standard deviation of 0.7 %."""
    rng = np.random.default_rng(20240501)
    delta = truth(chip, shift)
    held = 0
    for _ in range(1000):
        interval = Paired.of(simulate(rng, images, seeds, chip, shift)).interval()
        held += interval.low <= delta <= interval.high
    assert held / 1000 >= 0.925


@pytest.mark.slow
def test_coverage_with_chips_that_hit_one_point_harder() -> None:
    # Skewed differences of few chips: the worst regime known, and what the docs say of it.
    rng = np.random.default_rng(1)
    delta = truth(0.3, 0.1, 1.5)
    found = [Paired.of(simulate(rng, 450, 8, 0.3, 0.1, 1.5)).interval() for _ in range(1000)]
    assert 0.87 <= np.mean([i.low <= delta <= i.high for i in found]) <= 0.95


def test_the_numbers_that_are_asked_for_decide() -> None:
    """The half-widths at the predicted numbers are, on average, what was asked for."""
    rng = np.random.default_rng(5)
    asked = 0.004
    pilot = Paired.of(simulate(rng, 2000, 40, 0.3, 0.1))
    images, seeds = pilot.cheapest(asked) or (0, 0)
    assert images >= 2000
    assert seeds > 40
    assert pilot.half_width(images, seeds) <= asked < pilot.half_width(images, seeds - 12)
    found = [Paired.of(simulate(rng, images, seeds, 0.3, 0.1)) for _ in range(10)]
    widths = [paired.half_width(images, seeds) for paired in found]
    assert np.mean(widths) == pytest.approx(asked, rel=0.15)
    more = pilot.seeds_needed(pilot.half_width(2000, 60))
    assert more == 60
    assert pilot.images_needed(1e-9) is None
