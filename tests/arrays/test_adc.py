"""The ADC: its characteristic, its static errors and its calibrated range."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from cimsim.arrays.adc import convert_position, read_inl, static_errors
from cimsim.arrays.adc_range import calibrated_step
from cimsim.arrays.product import ProgrammedLayer
from cimsim.arrays.reference import array_reads
from cimsim.campaign.keys import stage_keys
from cimsim.errors import UserError

KEY = (3, 5)


@given(st.lists(st.integers(-40, 400), min_size=1), st.integers(1, 60))
def test_a_table_of_zeros_is_the_ideal_characteristic(quarters, top):
    # Quarters of a code, so that exact ties occur.
    position = np.array(quarters) / 4
    ideal = np.clip(np.rint(position), 0, top)
    np.testing.assert_array_equal(convert_position(position, top, np.zeros(top)), ideal)


@given(
    st.lists(st.floats(-1.0, 3.0), min_size=1, max_size=20),
    st.lists(st.floats(-5.0, 50.0), min_size=1, max_size=30),
)
def test_codes_count_the_transitions_below(steps, positions):
    # DNL is -1 or more, so that codes are monotone: a loop over the transitions is the definition.
    inl = np.cumsum(steps)
    found = convert_position(np.array(positions), len(inl), inl)
    for position, code in zip(positions, found, strict=True):
        edges = [k + 0.5 + inl[k] for k in range(len(inl))]
        if all(abs(position - edge) > 1e-9 for edge in edges) and position <= len(inl) + 0.5:
            assert code == sum(edge < position for edge in edges)
    assert (np.diff(found[np.argsort(positions, kind="stable")]) >= 0).all()


def test_a_missing_code_never_occurs():
    inl = np.array([0.0, 1.0, 0.0, 0.0])  # DNL of +1 and -1: code 1 is wide, 2 missing
    codes = convert_position(np.linspace(0, 4, 1000), 4, inl)
    assert set(codes) == {0, 1, 3, 4}


def test_offset_and_gain_belong_to_the_columns_and_rows_of_one_converter(settings):
    array = settings(
        parallel_rows=16, subarray_rows=32, adc_columns=4, adc_offset=0.5, adc_gain_error=0.02
    )
    # 8 cells per weight: slices 0 to 3 of a column share one converter, 4 to 7 the next one.
    errors = [static_errors(array, KEY, groups=4, columns=6, j=j) for j in range(8)]
    for values in zip(*errors, strict=True):
        stacked = np.stack(values)  # [slice, group, column]
        for first in (0, 4):
            assert (stacked[first : first + 4] == stacked[first]).all()
        np.testing.assert_array_equal(stacked[:, 0], stacked[:, 1])  # rows 0 to 31: one subarray
        assert len(np.unique(stacked)) == 2 * 2 * 6


def test_offset_and_gain_have_the_stated_deviation(settings):
    array = settings(parallel_rows=1, subarray_rows=1, adc_offset=0.7, adc_gain_error=0.03)
    offset, gain = static_errors(array, KEY, groups=1000, columns=1000, j=0)
    for values, sigma in ((offset, 0.7), (gain, 0.03)):
        assert values.size == 10**6
        assert values.mean() == pytest.approx(0.0, abs=4.5e-3 * sigma)
        assert values.std() == pytest.approx(sigma, rel=4.5 / np.sqrt(2e6))


def test_codes_with_errors_by_single_reads(settings):
    generator = np.random.default_rng(0)
    codes, weights = generator.integers(0, 256, (3, 50)), generator.integers(-128, 128, (50, 4))
    inl = np.cumsum(generator.uniform(-0.3, 0.3, 31))
    ideal = {"parallel_rows": 16, "subarray_rows": 32, "adc_step": 1.0 / 3, "adc_top": 31}
    faulty = {"adc_offset": 0.8, "adc_gain_error": 0.05, "adc_inl": inl, "adc_columns": 8}
    analog = array_reads(codes, weights, settings(parallel_rows=16)).codes
    reads = array_reads(codes, weights, settings(**ideal, **faulty), "", 0)
    for j in range(8):
        array = settings(**ideal, **faulty)
        offset, gain = static_errors(array, (0, _number("")), 4, 5, j)
        position = 3 * analog[:, j] * (1 + gain[:, np.newaxis]) + offset[:, np.newaxis]
        expected = np.clip(np.searchsorted(np.arange(1, 32) - 0.5 + inl, position), 0, 31)
        np.testing.assert_array_equal(reads.codes[:, j], expected)


@hypothesis_settings(max_examples=60, deadline=None)
@given(
    rows=st.integers(1, 40),
    parallel=st.sampled_from([4, 7, 32, 300]),
    bits=st.sampled_from([(1, 1), (2, 1), (1, 2), (4, 4)]),
    top=st.sampled_from([1, 15, 127, 1000]),
    step=st.sampled_from([0.3, 1.0, 2.5]),
    spread=st.sampled_from([0.2, 3.0]),
    seed=st.integers(0, 100),
)
def test_inl_of_integer_sums_in_the_kernels_is_the_oracles(
    settings, rows, parallel, bits, top, step, spread, seed
):
    generator = np.random.default_rng(seed)
    codes, weights = generator.integers(0, 256, (5, rows)), generator.integers(-128, 128, (rows, 3))
    inl = np.cumsum(np.maximum(generator.normal(0.0, spread, top), -1.0))
    array = settings(
        cell_bits=bits[0],
        dac_bits=bits[1],
        parallel_rows=parallel,
        adc_top=top,
        adc_step=step,
        adc_inl=inl,
    )
    layer = ProgrammedLayer(weights, array, "a", 1)
    assert layer._oracle is None  # by a table of sums, or of transitions if 0 has a code
    expected = array_reads(codes, weights, array, "a", 1, 3).product
    np.testing.assert_array_equal(layer.product(codes, 3), expected)


def _number(layer):
    from cimsim.arrays.random import layer_number

    return layer_number(layer)


def test_a_batch_may_be_split_and_a_seed_has_its_own_converters(settings):
    generator = np.random.default_rng(0)
    codes, weights = generator.integers(0, 256, (9, 50)), generator.integers(-128, 128, (50, 4))
    array = settings(adc_offset=0.8, read_noise=0.1)
    layer = ProgrammedLayer(weights, array, "a", 1)
    whole = layer.product(codes, 3)
    parts = [layer.product(codes[:4], 3), layer.product(codes[4:], 3, 4)]
    np.testing.assert_array_equal(np.vstack(parts), whole)
    assert (ProgrammedLayer(weights, array, "a", 2).product(codes, 3) != whole).any()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("code,inl\n1,0\n", "1 rows of transitions; allowed: exactly 3"),
        ("code,dnl\n1,0\n2,0\n3,0\n", "column inl is missing"),
        ("code,inl\n0,0\n1,0\n2,0\n", "column code, row 1: 0.0; allowed: 1"),
        ("code,inl\n1,0.5\n2,-0.6\n3,0\n", "column inl, row 2: -0.6 .* allowed: -0.5 or above"),
    ],
)
def test_a_wrong_table_of_transitions_is_one_clear_message(tmp_path, text, words):
    file = tmp_path / "inl.csv"
    file.write_text(text)
    with pytest.raises(UserError, match=words):
        read_inl(file, 3)


def test_a_table_of_transitions(tmp_path):
    file = tmp_path / "inl.csv"
    file.write_text("inl,code\n0.25,1\n-0.75,2\n0,3\n")
    assert read_inl(file, 3).tolist() == [0.25, -0.75, 0.0]


def test_columns_that_share_a_converter_count_only_where_converters_differ():
    shared = {"array.adc.columns_shared": 16}
    assert stage_keys(shared)["infer"] == stage_keys({})["infer"]
    offset = {"array.adc.offset": 0.5}
    assert stage_keys(shared | offset)["infer"] != stage_keys(offset)["infer"]
    assert stage_keys(offset)["ppa"] == stage_keys({})["ppa"]


def test_the_largest_sum_ends_the_range():
    histogram = np.array([5, 0, 0, 0, 0, 0, 0, 1, 0, 0])
    assert calibrated_step(histogram, "max", 50.5, 3) == pytest.approx(7 / 3)


@given(st.lists(st.integers(0, 1000), min_size=2, max_size=120), st.integers(1, 31))
def test_the_least_mean_squared_error(counts, codes):
    histogram = np.array([*counts, 1])
    step = calibrated_step(histogram, "mse", 50.5, codes)
    sums = np.arange(len(histogram))

    def error(width):
        found = width * np.minimum(np.rint(sums / width), codes)
        return histogram @ (found - sums) ** 2

    assert step >= 1.0
    best = min(error(max(1.0, end / codes)) for end in range(1, len(histogram)))
    assert error(step) == pytest.approx(best)


def test_rare_large_sums_are_clipped_if_that_costs_less():
    histogram = np.array([1000] * 30 + [0] * 200 + [1])
    assert calibrated_step(histogram, "mse", 50.5, 15) < 230 / 15 / 2


@pytest.mark.parametrize("rows", [1, 16, 50, 64])
@pytest.mark.parametrize("scheme", ["offset", "twos_complement"])
@pytest.mark.parametrize(("dac_bits", "step"), [(1, 1.0), (3, 0.7), (8, 31.0)])
def test_offset_and_gain_run_natively(settings, rows, scheme, dac_bits, step):
    generator = np.random.default_rng(rows)
    codes, weights = generator.integers(0, 256, (6, rows)), generator.integers(-127, 128, (rows, 9))
    array = settings(
        signed_weights=scheme,
        parallel_rows=16,
        dac_bits=dac_bits,
        adc_step=step,
        adc_top=127,
        adc_offset=1.5,
        adc_gain_error=0.05,
        device_variation=0.1,
    )
    layer = ProgrammedLayer(weights, array, "a", 1)
    assert layer._oracle is None
    expected = array_reads(codes, weights, array, "a", 1, 5).product
    found = layer.product(codes, 5)
    assert np.mean(found != expected) <= 0.05
    without = ProgrammedLayer(weights, replace(array, adc_offset=0.0), "a", 1).product(codes, 5)
    assert np.mean(without != expected) > 0.5
