"""The quantiser and the observers against closed forms (test_verify: the reference's codes)."""

import numpy as np
import pytest

from cimsim.calibration.observers import HistogramObserver, MaxObserver
from cimsim.calibration.quantizer import fake_quantize, integer_codes


def test_codes_round_half_to_even_and_saturate():
    values = np.array([0.0, 0.5, 1.5, 2.5, -0.5, -1.5, 126.6, 200.0, -200.0], dtype=np.float32)
    expected = [0, 0, 2, 2, 0, -2, 127, 127, -127]
    assert integer_codes(values, 127.0, 8).tolist() == expected


def test_fake_quantised_values_lie_on_the_grid_within_half_a_step():
    values = np.linspace(-3.0, 3.0, 1001, dtype=np.float32)
    step = 3.0 / 7
    quantised = fake_quantize(values, 3.0, 4)
    assert np.abs(quantised - values).max() <= step / 2 + 1e-6
    np.testing.assert_allclose(quantised / step, np.rint(quantised / step), atol=1e-5)


def test_truncation_loses_exactly_one_unit_on_some_codes():
    # Share of codes that lose a unit: functional specification, section 2.4 (6.3 % at 8 bits).
    generator = np.random.default_rng(1)
    lost, total = 0, 0
    for amax in generator.uniform(0.1, 5.0, 400).astype(np.float32):
        codes = np.arange(-127, 128)
        values = (codes * (amax / np.float32(127))).astype(np.float32)
        nearest = integer_codes(values, amax, 8)
        difference = np.abs(nearest) - np.abs(integer_codes(values, amax, 8, "truncate"))
        assert set(np.unique(difference)) <= {0, 1}
        lost, total = lost + int(difference.sum()), total + codes.size
    assert lost / total == pytest.approx(0.063, abs=0.012)


def test_a_range_too_small_gives_zero():
    assert not fake_quantize(np.array([1e-8, -1e-9]), 2.0**-25, 8).any()
    assert not integer_codes(np.array([1e-8, -1e-9]), 2.0**-25, 8, "truncate").any()


def test_one_scale_per_slice():
    observer = MaxObserver(axis=0)
    observer.update(np.array([[1.0, -2.0], [0.5, 0.25]]))
    observer.update(np.array([[-1.5, 0.0], [0.0, -3.0]]))
    assert observer.amax().tolist() == [[2.0], [3.0]]
    assert integer_codes(np.array([[2.0], [3.0]]), observer.amax(), 8).tolist() == [[127], [127]]


def test_histogram_finds_the_percentile_within_a_bin():
    generator = np.random.default_rng(2)
    values = generator.uniform(-1, 1, 400_000)
    observer = HistogramObserver()
    observer.update(values[:1000] * 0.1)  # the bins are sized by the first batch and then added
    for batch in np.split(values, 4):
        observer.update(batch)
    assert observer.amax(99.0) == pytest.approx(0.99, abs=2e-3)
    assert observer.amax(50.0) == pytest.approx(0.5, abs=4e-3)


def test_observers_need_data():
    observer = HistogramObserver()
    observer.update(np.zeros(5))
    with pytest.raises(ValueError, match="other than zero"):
        observer.amax()
    with pytest.raises(ValueError, match="no batch"):
        MaxObserver().amax()
