"""The simplest array product: exact without deviations, and each term against a direct sum."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from scipy import stats

from cimsim.arrays import random
from cimsim.arrays.adc import convert
from cimsim.arrays.random import Role
from cimsim.arrays.reference import array_product, array_reads, recombine
from cimsim.devices.program import program


@st.composite
def products(draw):
    """Shapes, bits and data of a product; rows and columns are no multiples of anything."""
    weight_bits, input_bits = draw(st.integers(2, 8)), draw(st.integers(2, 8))
    changes = {
        "weight_bits": weight_bits,
        "input_bits": input_bits,
        "cell_bits": draw(st.integers(1, min(4, weight_bits))),
        "dac_bits": draw(st.integers(1, input_bits)),
        "parallel_rows": draw(st.sampled_from([1, 2, 7, 16, 128])),
        "input_shift": draw(st.sampled_from(["zero_point", "data_minimum"])),
    }
    m, k, n = draw(st.integers(1, 4)), draw(st.integers(1, 40)), draw(st.integers(1, 9))
    generator = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    bound = (1 << (weight_bits - 1)) - 1
    weights = generator.integers(-bound - 1, bound + 1, (k, n))
    weights.flat[0] = -bound  # data_minimum needs a value that is not above 0 (quirk Q8)
    if changes["input_shift"] == "zero_point":
        zero_point = draw(st.integers(0, (1 << input_bits) - 1))
        codes = generator.integers(0, 1 << input_bits, (m, k))
    else:
        zero_point, top = 0, (1 << (input_bits - 1)) - 1
        codes = generator.integers(-top, top + 1, (m, k))
        codes.flat[0] = 0
    if draw(st.booleans()):
        codes[-1] = 0
    return codes, weights, changes, zero_point


@hypothesis_settings(max_examples=150, deadline=None)
@given(product=products())
def test_an_ideal_array_gives_the_integer_product(settings, product):
    codes, weights, changes, zero_point = product
    expected = (codes - zero_point) @ weights
    found = array_product(codes, weights, settings(**changes), zero_point=zero_point)
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("shape", [(1, 1, 1), (3, 1, 5), (1, 129, 1)])
def test_a_single_row_column_or_vector(settings, shape):
    m, k, n = shape
    generator = np.random.default_rng(3)
    codes, weights = generator.integers(0, 256, (m, k)), generator.integers(-128, 128, (k, n))
    np.testing.assert_array_equal(array_product(codes, weights, settings()), codes @ weights)


def test_inputs_of_zero_give_zero(settings):
    weights = np.random.default_rng(3).integers(-128, 128, (50, 5))
    noisy = settings(read_noise=0.2, device_variation=0.3, stuck_at_1=0.1)
    zero = np.zeros((4, 50), dtype=np.uint8)
    np.testing.assert_array_equal(array_product(zero, weights, noisy, seed=3), np.zeros((4, 5)))


def test_a_zero_point_needs_its_switch(settings):
    minimum = settings(input_shift="data_minimum")
    with pytest.raises(ValueError, match="zero point"):
        array_product(np.ones((1, 1), int), np.ones((1, 1), int), minimum, zero_point=3)


@pytest.mark.parametrize(
    ("value", "step", "code"),
    [(0.5, 1.0, 0), (1.5, 1.0, 2), (2.5, 1.0, 2), (-3.0, 1.0, 0), (9.0, 1.0, 7), (5.0, 2.0, 2)],
)
def test_adc_rounds_half_to_even_and_saturates(value, step, code):
    assert convert(np.array([value]), step, 7).tolist() == [code]


DATA = np.random.default_rng(11)
CODES = DATA.integers(0, 256, (3, 40))
WEIGHTS = DATA.integers(-128, 128, (40, 4))
SHIFTED = np.hstack([WEIGHTS + 128, np.full((40, 1), 128)])


@pytest.mark.parametrize("deviation", ["variation", "read noise", "output noise", "table", "none"])
def test_every_code_is_the_sum_over_its_rows(settings, deviation):
    """Each ADC code, by a loop over single cells with the named draws."""
    noisy = settings(
        cell_bits=2,
        dac_bits=2,
        parallel_rows=16,
        adc_top=60,
        adc_step=1.5,
        **{
            "variation": {"device_variation": 0.2},
            "read noise": {"read_noise": 0.1, "device_variation": 0.2},
            "output noise": {"output_sigma": 2.0},
            "table": {"output_mean": 1.1 * np.arange(145), "output_std": np.arange(145) / 50},
            "none": {},
        }[deviation],
    )
    reads = array_reads(CODES, WEIGHTS, noisy, "layer", 5, first_vector=(1 << 33) + 7)
    assert reads.codes.shape == (4, 4, 3, 3, 5)
    cells, key = program(SHIFTED, noisy, "layer", 5), random.make_key(5, "layer")

    def normal(role, column, m, read):
        block = random.philox(key, column // 4, m + 7, read, int(role) + (2 << 8))
        return float(random.normal(block[column % 4]))

    def read_noise(column, m, i, j, group):
        share = 0
        for role in (Role.READ_NOISE, Role.READ_NOISE_LOW):
            counter = (column // 4, m + 7, group * 4 + j, int(role) + (2 << 8))
            word = int(random.philox(key, *counter, 7)[i])
            share = share << 8 | (word >> (8 * (column % 4))) & 0xFF
        low, high = stats.norm.ppf(np.array([share, share + 1]) / 2**16)
        return (stats.norm.pdf(low) - stats.norm.pdf(high)) * 2**16

    for i, j, group, m, n in np.ndindex(reads.codes.shape):
        rows = range(16 * group, min(16 * (group + 1), 40))
        read = (group * 4 + i) * 4 + j
        digits = [(int(CODES[m, r]) >> (2 * i)) & 3 for r in rows]
        states = [(int(SHIFTED[r, n]) >> (2 * j)) & 3 for r in rows]
        ideal = sum(x * s for x, s in zip(digits, states, strict=True))
        if deviation in ("output noise", "table"):
            draw, ideal = normal(Role.OUTPUT_NOISE, n, m, read), min(ideal, 90)
            if deviation == "table":
                expected = noisy.output_mean[ideal] + noisy.output_std[ideal] * draw
            else:
                expected = ideal + 2.0 * draw
        elif deviation == "none":
            expected = ideal
        else:
            g, reference = [cells.conductance[j, r, n] for r in rows], cells.reference[list(rows)]
            pairs = zip(digits, g, reference, strict=True)
            expected = sum(x * (a - b) for x, a, b in pairs)
            if deviation == "read noise":
                own = np.sqrt(sum((x * a) ** 2 for x, a in zip(digits, g, strict=True)))
                both = np.sqrt(sum((x * b) ** 2 for x, b in zip(digits, reference, strict=True)))
                expected += 0.1 * own * read_noise(n, m, i, j, group)
                expected -= 0.1 * both * normal(Role.REFERENCE_READ_NOISE, 0, m, read)
        code = min(max(round(expected / 1.5), 0), 60)
        assert reads.codes[i, j, group, m, n] == code


@pytest.mark.parametrize("drift", [False, True])
def test_noise_shared_by_a_batch_belongs_to_the_cells(settings, drift):
    """Codes under the reference's read noise and random drift, by single cells (Q6, Q10)."""
    noisy = settings(
        parallel_rows=16,
        adc_top=1 << 20,
        adc_step=1 / 1024,
        read_noise=0.1,
        read_noise_scope="batch",
        device_variation=0.2,
        drift_time=10.0 if drift else 0.0,
        drift_exponent=0.1,
        drift_direction="random",
        drift_direction_scope="read",
        drift_bounds="observed",
    )
    call = (3 << 24) + 5
    reads = array_reads(CODES, WEIGHTS, noisy, "layer", 5, first_vector=call)
    cells, key = program(SHIFTED, noisy, "layer", 5), random.make_key(5, "layer")

    def draw(role, r, n, cycle):
        c3 = int(role) + (5 << 8)
        return random.philox(key, n // 4, r, cycle + (3 << 8), c3)[n % 4]

    for i, j, m, n in [(0, 0, 0, 0), (3, 7, 2, 4), (7, 1, 1, 3)]:
        cycle = i * 8 + j
        for group in range(3):
            total = 0.0
            for r in range(16 * group, min(16 * (group + 1), 40)):
                g, reference = cells.conductance[j, r, n], cells.reference[r]
                if drift:
                    word = draw(Role.DRIFT_DIRECTION_PER_READ, r, n, cycle)
                    factor = 10.0 ** (0.1 * (int(random.uniform(word) * 3) - 1))
                    g = np.clip(g * factor, *cells.extremes[j])
                    reference = np.clip(reference * factor, *cells.extremes[-1])
                g *= 1 + 0.1 * random.normal(draw(Role.BATCH_READ_NOISE, r, n, cycle))
                word = draw(Role.BATCH_REFERENCE_READ_NOISE, r, 0, cycle)
                reference *= 1 + 0.1 * random.normal(word)
                total += ((int(CODES[m, r]) >> i) & 1) * (g - reference)
            code = max(round(total * 1024), 0)
            assert abs(int(reads.codes[i, j, group, m, n]) - code) <= 1


def test_integers_recombine_exactly_and_float32_rounds(settings):
    codes = np.full((8, 8, 40, 1, 1), 128, dtype=np.int64)
    codes[0, 0, 0, 0, 0] = 127
    exact = 255 * 255 * 40 * 128 - 1
    assert recombine(codes, settings()) == exact
    rounded = recombine(codes, settings(accumulation="float32"))
    assert rounded != exact
    assert rounded == pytest.approx(exact, rel=2**-22)
    assert recombine(codes, settings(adc_step=2.5)) == 2.5 * exact


def test_saturation_is_the_only_loss_of_a_small_adc(settings):
    small = settings(adc_top=5, parallel_rows=16)
    reads = array_reads(CODES, WEIGHTS, small)
    wide = array_reads(CODES, WEIGHTS, replace(small, adc_top=1 << 20))
    np.testing.assert_array_equal(reads.codes, np.minimum(wide.codes, 5))
    assert (reads.codes < wide.codes).any()


def test_all_positive_data_under_the_reference_shift_is_wrong_as_in_the_reference(settings):
    # Quirk Q8: the dummies are negative then, and their two's complement is sliced.
    codes, weights = np.full((2, 3), 9), np.array([[3, 5], [4, 6], [7, 8]])
    codes[0, 0] = 20
    found = array_product(codes, weights, settings(input_shift="data_minimum"))
    exact = codes @ weights
    assert not np.array_equal(found, exact)
    # -9 reads as 256 - 9 in eight input bits, -3 as 256 - 3 in eight cells: the dummies' products
    # are off by 256 sum(W + c), 256 sum(X + a) and both.
    x, w = codes - 9, weights - 3
    dummy_x, dummy_w = np.full(3, 256 - 9), np.full(3, 256 - 3)
    expected = x @ w - dummy_x @ w - (x @ dummy_w)[:, None] + dummy_x @ dummy_w
    np.testing.assert_array_equal(found, expected)
