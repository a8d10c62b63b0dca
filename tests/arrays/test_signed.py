"""Three ways to hold signed weights: exact on an ideal array, natively as in the oracle."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from cimsim.arrays.column_sums import column_sum_histogram
from cimsim.arrays.product import ProgrammedLayer
from cimsim.arrays.reference import array_product, array_reads
from cimsim.arrays.signed import cells_per_weight, split
from cimsim.campaign.design import DesignPoint
from cimsim.errors import UserError
from cimsim.ppa.parameters import engine_parameters

SCHEMES = ["offset", "differential", "twos_complement"]


@st.composite
def products(draw):
    weight_bits, input_bits = draw(st.integers(2, 8)), draw(st.integers(2, 8))
    changes = {
        "signed_weights": draw(st.sampled_from(SCHEMES)),
        "weight_bits": weight_bits,
        "input_bits": input_bits,
        "cell_bits": draw(st.integers(1, min(4, weight_bits))),
        "dac_bits": draw(st.integers(1, input_bits)),
        "parallel_rows": draw(st.sampled_from([1, 2, 7, 16, 128])),
    }
    m, k, n = draw(st.integers(1, 4)), draw(st.integers(1, 140)), draw(st.integers(1, 9))
    generator = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    bound = (1 << (weight_bits - 1)) - 1
    weights = generator.integers(-bound, bound + 1, (k, n))
    codes = generator.integers(0, 1 << input_bits, (m, k))
    if draw(st.booleans()):
        codes[-1] = 0
    return codes, weights, changes, draw(st.integers(0, (1 << input_bits) - 1))


@hypothesis_settings(max_examples=100, deadline=None)
@given(product=products())
def test_every_scheme_is_exact_on_an_ideal_array(settings, product):
    codes, weights, changes, zero_point = product
    array = settings(**changes)
    expected = (codes - zero_point) @ weights
    found = array_product(codes, weights, array, zero_point=zero_point)
    np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(
        ProgrammedLayer(weights, array, "", 0).product(codes, zero_point), expected
    )


@hypothesis_settings(max_examples=60, deadline=None)
@given(
    product=products(),
    top=st.sampled_from([7, 31]),
    step=st.sampled_from([1.0, 1.7]),
    stuck=st.sampled_from([0.0, 0.1]),
)
def test_the_native_path_agrees_with_the_oracle(settings, product, top, step, stuck):
    codes, weights, changes, zero_point = product
    array = settings(**changes, adc_top=top, adc_step=step, stuck_at_0=stuck, stuck_at_1=stuck)
    found = ProgrammedLayer(weights, array, "layer", 3).product(codes, zero_point)
    expected = array_product(codes, weights, array, "layer", 3, zero_point)
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_noise_of_the_native_path_is_the_oracle_s(settings, scheme):
    array = settings(signed_weights=scheme, read_noise=0.1, device_variation=0.1, adc_step=1.3)
    generator = np.random.default_rng(4)
    codes = generator.integers(0, 256, (200, 150))
    weights = generator.integers(-127, 128, (150, 30))
    found = ProgrammedLayer(weights, array, "layer", 3).product(codes, 7)
    expected = array_product(codes, weights, array, "layer", 3, 7)
    # A tie in the dummy column changes all columns of a vector: hence many vectors.
    assert np.mean(found != expected) < 0.02


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize(("weight_bits", "cell_bits"), [(8, 1), (8, 2), (7, 3), (2, 1), (4, 4)])
def test_the_cells_of_a_weight_are_counted(settings, scheme, weight_bits, cell_bits):
    array = settings(signed_weights=scheme, weight_bits=weight_bits, cell_bits=cell_bits)
    weights = np.zeros((3, 5), dtype=np.int64)
    columns = sum(p.codes.shape[1] * p.settings.cells_per_weight for p in split(weights, array))
    dummies = array.cells_per_weight if scheme == "offset" else 0
    assert columns - dummies == 5 * cells_per_weight(scheme, weight_bits, cell_bits)


def test_the_sign_has_a_cell_of_its_own_and_the_place_of_the_most_negative_weight(settings):
    array = settings(signed_weights="twos_complement", cell_bits=3)
    weights = np.array([[-128], [-1], [127]])
    low, sign = split(weights, array)
    assert low.codes.ravel().tolist() == [0, 127, 127]
    assert sign.codes.ravel().tolist() == [1, 1, 0]
    codes = np.array([[1, 2, 3]])
    np.testing.assert_array_equal(array_product(codes, weights, array), codes @ weights)
    assert array_reads(codes, weights, array).codes.shape[1] == 4


def test_a_magnitude_that_does_not_fit_is_refused(settings):
    with pytest.raises(ValueError, match="a weight is 128 in magnitude; allowed: up to 127"):
        split(np.array([[-128]]), settings(signed_weights="differential"))


@pytest.mark.parametrize("scheme", SCHEMES)
def test_column_sums_of_all_parts_are_counted(settings, scheme):
    array = settings(signed_weights=scheme, parallel_rows=16)
    generator = np.random.default_rng(4)
    codes, weights = generator.integers(0, 256, (5, 40)), generator.integers(-127, 128, (40, 3))
    found = column_sum_histogram(codes, weights, array)
    reads = array_reads(codes, weights, array).codes
    np.testing.assert_array_equal(found, np.bincount(reads.ravel(), minlength=17))


def test_the_schemes_do_not_fit_everything():
    with pytest.raises(ValueError, match="data_minimum"):
        DesignPoint.model_validate(
            {
                "array": {"signed_weights": "differential"},
                "fidelity": {"input_shift": "data_minimum"},
            }
        )
    point = DesignPoint.model_validate({"array": {"signed_weights": "twos_complement"}})
    with pytest.raises(UserError, match=r"array.signed_weights is twos_complement.*allowed"):
        engine_parameters(point)
