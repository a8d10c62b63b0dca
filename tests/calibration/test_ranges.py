"""Ranges of activations against order statistics and a direct search."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cimsim.calibration.quantizer import SHARES
from cimsim.calibration.ranges import RangeObserver


def observed(values, splits=()):
    observer = RangeObserver()
    for part in np.split(np.asarray(values, dtype=np.float32), splits):
        observer.update(part)
    return observer


def test_max_is_the_extremes_and_zero():
    assert observed([0.5, -2.0, 3.0]).range("max", 99.0, 256) == (-2.0, 3.0)
    assert observed([0.5, 3.0]).range("max", 99.0, 256) == (0.0, 3.0)
    assert observed([-0.5, -3.0]).range("max", 99.0, 256) == (-3.0, 0.0)


@pytest.mark.parametrize("method", ["max", "percentile", "mse", "entropy"])
def test_zeros_only(method):
    assert observed(np.zeros(9)).range(method, 99.0, 256) == (0.0, 0.0)


@pytest.mark.parametrize("method", ["max", "percentile", "mse", "entropy"])
def test_a_constant_stays_inside(method):
    low, high = observed(np.full(100, 0.7)).range(method, 99.9, 256)
    assert low == 0.0
    assert high == pytest.approx(0.7, rel=0.06)


@pytest.mark.parametrize("percentile", [90.0, 99.0, 99.9])
def test_percentile_is_that_of_the_magnitudes(percentile):
    values = np.random.default_rng(0).normal(size=200_000).astype(np.float32)
    values[::2] = 0.0
    low, high = observed(values).range("percentile", percentile, 256)
    expected = np.percentile(np.abs(values), percentile)
    assert (-low, high) == (pytest.approx(expected, rel=5e-3), pytest.approx(expected, rel=5e-3))


def test_percentile_100_is_the_maximum():
    assert observed([0.1, 0.2, 0.9]).range("percentile", 100.0, 256) == (
        0.0,
        pytest.approx(0.9, rel=1e-6),
    )


def test_mse_minimises_the_rounding_error():
    values = np.random.default_rng(1).standard_t(4, size=50_000).astype(np.float32)
    found = observed(values).range("mse", 99.0, 16)
    low, high = float(values.min()), float(values.max())

    def error(share):
        step = (high - low) * share / 15
        clipped = np.clip(values.astype(np.float64), low * share, high * share)
        return np.mean((np.rint(clipped / step) * step - values) ** 2)

    errors = {share: error(share) for share in SHARES}
    chosen = found[1] / high
    assert found[0] / low == pytest.approx(chosen)
    assert chosen < 1.0
    assert error(chosen) <= 1.01 * min(errors.values())


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**31), splits=st.lists(st.integers(1, 99), max_size=5, unique=True))
def test_the_result_does_not_depend_on_batches(seed, splits):
    generator = np.random.default_rng(seed)
    values = (generator.normal(size=100) * 10.0 ** generator.uniform(-3, 3, 100)).astype(np.float32)
    whole, parts = observed(values), observed(values, sorted(splits))
    for method in ("max", "percentile", "mse", "entropy"):
        for symmetric in (False, True):
            expected = whole.range(method, 95.0, 16, symmetric=symmetric)
            assert parts.range(method, 95.0, 16, symmetric=symmetric) == expected


@given(seed=st.integers(0, 2**31), sizes=st.lists(st.integers(1, 50), min_size=1, max_size=8))
def test_no_value_is_lost_when_the_histogram_grows(seed, sizes):
    generator = np.random.default_rng(seed)
    observer = RangeObserver()
    for size in sizes:
        batch = generator.normal(size=size) * 10.0 ** generator.uniform(-6, 6)
        batch[generator.random(size) < 0.3] = 0.0
        observer.update(batch.astype(np.float32))
    assert observer.counted == sum(sizes)


def test_a_range_needs_values():
    with pytest.raises(ValueError, match="no batch"):
        RangeObserver().range("max", 99.0, 256)
