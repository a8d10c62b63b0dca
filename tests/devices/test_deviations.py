"""Stuck-at faults, variation and drift against closed forms."""

import numpy as np
import pytest
from scipy import stats

from cimsim.arrays import random
from cimsim.devices.drift import direction_to_target, drift, random_direction
from cimsim.devices.stuck import stick_as_given, stick_squared
from cimsim.devices.variation import vary

UNIFORM = random.uniform(random.cell_words((1, 1), random.Role.STUCK_AT, 500, 600, 0))
NORMAL = random.normal(random.cell_words((1, 1), random.Role.VARIATION, 500, 600, 0))


def test_shares_of_stuck_cells_are_as_given():
    digits = np.full(UNIFORM.shape, 1, dtype=np.uint8)
    stuck = stick_as_given(digits, UNIFORM, 0.1, 0.04, 3)
    for state, share in ((0, 0.1), (3, 0.04), (1, 0.86)):
        found = np.mean(stuck == state)
        assert abs(found - share) < 4.5 * np.sqrt(share * (1 - share) / digits.size)


def test_a_higher_rate_keeps_the_stuck_cells():
    digits = np.full(UNIFORM.shape, 1, dtype=np.uint8)
    few = stick_as_given(digits, UNIFORM, 0.05, 0.0, 3) == 0
    many = stick_as_given(digits, UNIFORM, 0.1, 0.0, 3) == 0
    assert few.sum() < many.sum()
    assert not (few & ~many).any()


@pytest.mark.parametrize(
    ("rate_0", "rate_1", "zeros", "ones"),
    # Of floor(cells (r0 + r1)) picked cells ceil(picked r0) are stuck at 0 and the others at the
    # highest state, each only if its own rate is above 0: specification, section 4.2.
    [(0.05, 0.0, 750, 0), (0.0, 0.05, 0, 15000), (0.05, 0.05, 1500, 28500)],
)
def test_squared_rates_pick_exact_numbers_of_cells(rate_0, rate_1, zeros, ones):
    digits = np.full(UNIFORM.shape, 1, dtype=np.uint8)
    stuck = stick_squared(digits, UNIFORM, rate_0, rate_1, 3)
    assert np.count_nonzero(stuck == 0) == zeros
    assert np.count_nonzero(stuck == 3) == ones


def test_variation_has_the_mean_and_deviation_of_each_state():
    mean, std = np.full(NORMAL.shape, 2.0), np.full(NORMAL.shape, 0.25)
    varied = vary(mean, std, NORMAL, keep_negative=False)
    assert varied.mean() == pytest.approx(2.0, abs=4.5 * 0.25 / np.sqrt(varied.size))
    assert varied.std() == pytest.approx(0.25, rel=4.5 / np.sqrt(2 * varied.size))


def test_a_conductance_below_zero_is_clamped():
    # A normal number of mean m and deviation s, clamped at 0, has the mean m F(m/s) + s f(m/s).
    mean, std = np.full(NORMAL.shape, 0.5), np.ones(NORMAL.shape)
    clamped = vary(mean, std, NORMAL, keep_negative=False)
    expected = 0.5 * stats.norm.cdf(0.5) + stats.norm.pdf(0.5)
    assert clamped.min() == 0.0
    assert clamped.mean() == pytest.approx(
        expected, abs=4.5 * clamped.std() / np.sqrt(clamped.size)
    )
    kept = vary(mean, std, NORMAL, keep_negative=True)
    assert kept.min() < 0.0
    np.testing.assert_array_equal(np.maximum(kept, 0.0), clamped)


@pytest.mark.parametrize(
    ("target", "expected"), [(0.0, [0, -1, -1]), (0.5, [1, 0, -1]), (1.0, [1, 1, 0])]
)
def test_cells_drift_towards_the_target_and_stay_there(target, expected):
    low, high = 0.1, 0.7
    states = low + np.arange(3) * (high - low) / 2
    assert direction_to_target(states, low, high, target).tolist() == expected


def test_drift_is_a_power_of_time_within_bounds():
    conductance = np.array([1.0, 2.0, 3.0])
    moved = drift(conductance, np.array([1.0, 0.0, -1.0]), 1e4, 0.02, 0.5, 5.0)
    np.testing.assert_allclose(moved, [10**0.08, 2.0, 3 * 10**-0.08])
    assert drift(conductance, np.ones(3), 1e4, 0.5, 0.5, 5.0).tolist() == [5.0, 5.0, 5.0]
    assert drift(conductance, -np.ones(3), 1e4, 0.5, 0.5, 5.0).tolist() == [0.5, 0.5, 0.5]


def test_random_directions_are_equally_likely():
    directions = random_direction(UNIFORM)
    for value in (-1.0, 0.0, 1.0):
        share = np.mean(directions == value)
        assert abs(share - 1 / 3) < 4.5 * np.sqrt(2 / 9 / directions.size)
