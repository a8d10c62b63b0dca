"""Which numbers repeat and which do not: seeds, layers, batches, levels of noise."""

from dataclasses import replace

import numpy as np
import pytest

from cimsim.arrays.reference import array_product, array_reads

GENERATOR = np.random.default_rng(4)
CODES = GENERATOR.integers(0, 256, (11, 60))
WEIGHTS = GENERATOR.integers(-128, 128, (60, 5))
FINE = {"adc_top": 1 << 40, "adc_step": 2.0**-20}

ALL_DEVIATIONS = {
    "device_variation": 0.1,
    "read_noise": 0.1,
    "stuck_at_0": 0.02,
    "stuck_at_1": 0.01,
    "drift_time": 10.0,
    "drift_exponent": 0.02,
    "drift_direction": "random",
}


@pytest.mark.parametrize("deviations", [ALL_DEVIATIONS, {"output_sigma": 0.7, "stuck_at_0": 0.02}])
@pytest.mark.parametrize("sizes", [[11], [1, 10], [4, 4, 3], [1] * 11])
def test_a_product_does_not_depend_on_how_vectors_are_split(settings, deviations, sizes):
    noisy = settings(adc_top=127, **deviations)
    whole = array_product(CODES, WEIGHTS, noisy, "layer", 3, zero_point=9, first_vector=100)
    parts, start = [], 0
    for size in sizes:
        part = CODES[start : start + size]
        parts.append(array_product(part, WEIGHTS, noisy, "layer", 3, 9, 100 + start))
        start += size
    np.testing.assert_array_equal(np.vstack(parts), whole)


def test_columns_do_not_depend_on_other_columns(settings):
    noisy = settings(**ALL_DEVIATIONS)
    codes = array_reads(CODES, WEIGHTS, noisy, "layer", 3).codes
    fewer = array_reads(CODES, WEIGHTS[:, :2], noisy, "layer", 3).codes
    np.testing.assert_array_equal(codes[..., :2], fewer[..., :2])


@pytest.mark.parametrize("other", [{"seed": 4}, {"layer": "b"}, {"first_vector": 1}])
def test_other_seeds_layers_and_vectors_draw_other_numbers(settings, other):
    noisy = settings(read_noise=0.1)
    names = {"layer": "a", "seed": 3, "first_vector": 0}
    first = array_product(CODES, WEIGHTS, noisy, **names)
    second = array_product(CODES, WEIGHTS, noisy, **(names | other))
    assert (first != second).mean() > 0.9


def test_read_noise_is_fresh_for_each_vector_and_variation_is_not(settings):
    same = np.repeat(CODES[:1], 2, axis=0)
    fresh = array_product(same, WEIGHTS, settings(read_noise=0.1, **FINE), seed=3)
    assert (fresh[0] != fresh[1]).all()
    frozen = array_product(same, WEIGHTS, settings(device_variation=0.1, **FINE), seed=3)
    np.testing.assert_array_equal(frozen[0], frozen[1])


def test_twice_the_noise_is_twice_the_error(settings):
    # Common random numbers: the same draws at every level. Column sums of 0 are cut off by the
    # ADC, and are at every level.
    exact = CODES @ WEIGHTS
    for name in ("read_noise", "device_variation"):
        errors = [
            array_product(CODES, WEIGHTS, settings(**{name: level}, **FINE), seed=3) - exact
            for level in (0.001, 0.002)
        ]
        np.testing.assert_allclose(errors[1], 2 * errors[0], atol=0.01 * np.abs(errors[1]).max())


def test_the_same_cells_whatever_the_adc_the_noise_and_the_time(settings):
    # Two designs differ by what differs between them, not by other cells: correlated errors.
    varied = settings(device_variation=0.1, **FINE)
    exact = CODES @ WEIGHTS
    error = array_product(CODES, WEIGHTS, varied, seed=3) - exact
    for change in ({"adc_step": 1.0}, {"read_noise": 0.02}, {"stuck_at_0": 0.001}):
        other = array_product(CODES, WEIGHTS, replace(varied, **change), seed=3) - exact
        assert np.corrcoef(error.ravel(), other.ravel())[0, 1] > 0.9
    unrelated = array_product(CODES, WEIGHTS, varied, seed=4) - exact
    assert abs(np.corrcoef(error.ravel(), unrelated.ravel())[0, 1]) < 0.9


def test_a_batch_is_a_call_under_the_reference_noise(settings):
    noisy = settings(read_noise=0.1, read_noise_scope="batch")
    whole = array_product(CODES, WEIGHTS, noisy, "layer", 3)
    first = array_product(CODES[:4], WEIGHTS, noisy, "layer", 3)
    second = array_product(CODES[4:], WEIGHTS, noisy, "layer", 3, first_vector=4)
    np.testing.assert_array_equal(whole[:4], first)
    assert (whole[4:] != second).any()


def test_the_dummy_vector_of_each_call_reads_anew(settings):
    noisy = settings(read_noise=0.1, input_shift="data_minimum", **FINE)
    signed = CODES.astype(int) - 128
    first = array_reads(signed, WEIGHTS, noisy, "layer", 3).codes[:, :, :, -1]
    second = array_reads(signed, WEIGHTS, noisy, "layer", 3, first_vector=11).codes[:, :, :, -1]
    assert (first != second).any()
