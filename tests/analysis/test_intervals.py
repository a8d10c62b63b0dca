"""Intervals against published ones, limits and conservation; coverage is in test_coverage.py."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from cimsim.analysis.intervals import (
    CrossedCounts,
    accuracy_interval,
    change_interval,
    image_interval,
    seed_deviation,
)


@pytest.mark.parametrize(("correct", "images"), [(0, 10), (1, 450), (81, 263), (450, 450)])
def test_image_interval_is_that_of_scipy(correct: int, images: int) -> None:
    expected = stats.binomtest(correct, images).proportion_ci(0.95, method="wilson")
    found = image_interval(correct, images)
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high), abs=1e-12)


def test_image_interval_is_the_published_one() -> None:
    # Newcombe, Statistics in Medicine 17 (1998) 857, table I: 81 of 263 by the score method.
    found = image_interval(81, 263)
    assert (found.low, found.high) == pytest.approx((0.2553, 0.3662), abs=5e-5)


@pytest.mark.parametrize("seeds", [1, 2, 5, 40])
@pytest.mark.parametrize("correct", [0, 1, 37, 99, 100])
def test_agreeing_seeds_leave_the_image_interval(correct: int, seeds: int) -> None:
    right = np.arange(100) < correct
    counts = CrossedCounts.of(np.repeat(right[:, None], seeds, axis=1))
    found, expected = accuracy_interval(counts), image_interval(correct, 100)
    assert found.estimate == expected.estimate
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high), abs=1e-9)


def test_chips_that_are_all_right_or_all_wrong_count_as_single_outcomes() -> None:
    # 6 chips, each right on all images or on none: the sample is 6 outcomes whatever the images.
    works = np.array([1, 1, 1, 1, 0, 0], dtype=bool)
    few = accuracy_interval(CrossedCounts.of(np.tile(works, (100, 1))))
    many = accuracy_interval(CrossedCounts.of(np.tile(works, (10_000, 1))))
    assert (few.low, few.high) == pytest.approx((many.low, many.high), abs=0.02)
    student = stats.ttest_1samp(works.astype(float), 0).confidence_interval(0.95)
    assert many.high - many.low > 0.5
    assert student.high > 1.0 >= many.high  # Student's interval leaves [0, 1], this one does not


def test_wide_samples_agree_with_the_unbiased_variance() -> None:
    # Closed form at p = 1/2 with many images: no seed effect, va + ve = 1/4 by construction.
    rng = np.random.default_rng(7)
    images, seeds = 40_000, 30
    steady = rng.random(images) < 0.5
    flips = rng.random((images, seeds)) < 0.1
    counts = CrossedCounts.of(steady[:, None] ^ flips)
    # E[y | image] = 0.9 or 0.1: va = 0.16; ve = 0.09.
    expected = 2 * 1.959964 * np.sqrt(0.16 / images + 0.09 / (images * seeds))
    found = accuracy_interval(counts)
    assert found.high - found.low == pytest.approx(expected, rel=0.03)


def test_more_seeds_narrow_the_interval_down_to_that_of_the_images() -> None:
    rng = np.random.default_rng(3)
    images = 400
    ability = rng.normal(size=images)
    widths = []
    for seeds in (4, 16, 64, 1024):
        chips = 0.3 * rng.normal(size=seeds)
        found = accuracy_interval(CrossedCounts.of(ability[:, None] + chips + 0.8 > 0))
        widths.append(found.high - found.low)
    assert widths == sorted(widths, reverse=True)
    # The limit: 2 z sqrt(va / I), with the accuracy of each image over all chips in closed form.
    by_image = stats.norm.cdf((ability + 0.8) / 0.3)
    limit = 2 * 1.959964 * np.sqrt(by_image.var(ddof=1) / images)
    assert widths[-1] == pytest.approx(limit, rel=0.03)


@given(
    st.integers(1, 40),
    st.integers(1, 6),
    st.sampled_from([0.0, 0.02, 0.5, 0.97, 1.0]),
    st.integers(0, 2**32 - 1),
)
def test_bounds_hold_the_estimate_and_stay_in_range(
    images: int, seeds: int, share: float, state: int
) -> None:
    rng = np.random.default_rng(state)
    outcomes = rng.random((images, seeds)) < share
    baseline = rng.random(images) < share
    counts = CrossedCounts.of(outcomes)
    found = accuracy_interval(counts)
    assert 0.0 <= found.low <= found.estimate <= found.high <= 1.0
    assert found.high > found.low
    assert found.estimate == pytest.approx(outcomes.mean(), abs=1e-12)
    change = change_interval(counts, baseline)
    assert -1.0 <= change.low <= change.estimate <= change.high <= 1.0
    assert change.high > change.low
    assert change.estimate == pytest.approx(outcomes.mean() - baseline.mean(), abs=1e-12)


def test_common_images_narrow_the_change() -> None:
    rng = np.random.default_rng(5)
    baseline = rng.random(500) < 0.8
    same = baseline.copy()
    same[:5] = ~same[:5]
    other = rng.permutation(same)
    near = change_interval(CrossedCounts.of(same[:, None]), baseline)
    apart = change_interval(CrossedCounts.of(other[:, None]), baseline)
    assert near.high - near.low < 0.4 * (apart.high - apart.low)


def test_change_is_near_the_published_interval_for_pairs() -> None:
    # Newcombe, Statistics in Medicine 17 (1998) 2635, table II, e = 36, f = 12, g = 2, h = 0:
    # method 10 gives 0.0569 to 0.3404 (with a continuity correction of the correlation that
    # differs from the one used here, hence the tolerance).
    pairs = [(1, 1)] * 36 + [(1, 0)] * 12 + [(0, 1)] * 2
    here, there = (np.array(side, dtype=bool) for side in zip(*pairs, strict=True))
    found = change_interval(CrossedCounts.of(here[:, None]), there)
    assert found.estimate == pytest.approx(0.2)
    assert (found.low, found.high) == pytest.approx((0.0569, 0.3404), abs=0.01)


def test_deviation_over_seeds() -> None:
    counts = CrossedCounts(np.array([2, 1]), np.array([2, 1, 0]))
    assert seed_deviation(counts) == pytest.approx(0.5)
    assert seed_deviation(CrossedCounts(np.array([1, 0]), np.array([1]))) is None
    # A mean of equal shares may be off by the last digit.
    assert seed_deviation(CrossedCounts(np.array([20, 0, 0, 0, 0, 0]), np.ones(20, int))) == 0.0
