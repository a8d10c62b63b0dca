"""One-bit cells read with one-bit inputs, which have kernels of their own: exact on each
instruction set, for rows, columns and groups that fill no vector of the processor."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from cimsim import _native
from cimsim.arrays.column_sums import column_sum_histogram
from cimsim.arrays.product import ProgrammedLayer
from cimsim.arrays.reference import array_reads
from cimsim.arrays.settings import ArraySettings

ISAS = _native.isa_names()
SETTINGS = ArraySettings(
    weight_bits=8,
    input_bits=8,
    cell_bits=1,
    dac_bits=1,
    parallel_rows=128,
    adc_top=127,
    adc_step=1.0,
    states_mean=np.array([0.0, 1.0]),
    states_std=np.zeros(2),
)


def operands(settings, rows, columns, vectors, seed=0):
    rng = np.random.default_rng(seed)
    half = 1 << (settings.weight_bits - 1)
    weights = rng.integers(-half, half, (rows, columns)).astype(np.int8)
    # Some vectors with many active rows, some with few: lists of every length.
    codes = rng.integers(0, 1 << settings.input_bits, (vectors, rows))
    codes |= rng.integers(0, 1 << settings.input_bits, (vectors, rows)) * (codes % 2)
    codes[::3] &= rng.integers(0, 1 << settings.input_bits, codes[::3].shape)
    codes[1::9], weights[:, 1::9] = (1 << settings.input_bits) - 1, half - 1  # the largest sums
    return codes.astype(np.uint8), weights


def agrees(monkeypatch, settings, rows, columns, vectors, seed=0):
    codes, weights = operands(settings, rows, columns, vectors, seed)
    reads = array_reads(codes, weights, settings, "layer", 3)
    layer = ProgrammedLayer(weights, settings, "layer", 3)
    for isa in ISAS:
        monkeypatch.setenv("CIMSIM_ISA", isa)
        assert np.array_equal(layer.product(codes), reads.product), isa
    return reads


@pytest.mark.parametrize("rows", [288, 576, 4608])
@pytest.mark.parametrize(("top", "step"), [(127, 1.0), (50, 1.0), (63, 1.3)])
def test_rows_of_convolutions_agree(monkeypatch, rows, top, step):
    """Groups of 128 rows and a last one of 32 or 64 rows, or none."""
    settings = replace(SETTINGS, adc_top=top, adc_step=step)
    reads = agrees(monkeypatch, settings, rows, columns=33, vectors=7)
    assert (reads.codes == top).any()  # the ADC clips


@pytest.mark.parametrize(
    "parallel_rows", [1, 7, 8, 9, 16, 31, 32, 33, 63, 64, 65, 127, 254, 255, 256]
)
def test_groups_of_every_size_agree(monkeypatch, parallel_rows):
    settings = replace(SETTINGS, parallel_rows=parallel_rows, adc_top=parallel_rows * 2 // 5 + 1)
    for rows in {1, parallel_rows, parallel_rows + 1, 2 * parallel_rows + (parallel_rows + 1) // 2}:
        agrees(monkeypatch, settings, rows, columns=9, vectors=3)


@pytest.mark.parametrize("columns", [1, 30, 31, 32, 62, 63, 64, 127, 255, 256])
def test_columns_that_fill_no_block_agree(monkeypatch, columns):
    """With the dummy column, sub-blocks of 32 columns and blocks of 16 sub-blocks."""
    agrees(monkeypatch, SETTINGS, 140, columns, vectors=2)
    agrees(monkeypatch, replace(SETTINGS, weight_bits=3, adc_step=1.7), 140, columns, vectors=2)


@hypothesis_settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_every_shape_and_adc_agrees(data):
    settings = replace(
        SETTINGS,
        weight_bits=data.draw(st.integers(1, 8)),
        input_bits=data.draw(st.integers(1, 8)),
        parallel_rows=data.draw(st.integers(1, 300)),
        adc_top=data.draw(st.integers(0, 300)),
        adc_step=data.draw(st.sampled_from([1.0, 1.0, 0.3, 1.25, 2.0, 40.0])),
    )
    rows, columns = data.draw(st.integers(1, 700)), data.draw(st.integers(1, 80))
    vectors = data.draw(st.sampled_from([0, 1, 2, 33, 65]))
    with pytest.MonkeyPatch.context() as patch:
        agrees(patch, settings, rows, columns, vectors, data.draw(st.integers(0, 99)))


@pytest.mark.parametrize("rows", [128, 288, 300])
def test_sums_are_counted_on_each_instruction_set(monkeypatch, rows):
    settings = replace(SETTINGS, adc_top=255)  # resolves every sum
    codes, weights = operands(settings, rows, 45, 50)
    reads = array_reads(codes, weights, settings)
    expected = np.bincount(reads.codes.ravel(), minlength=settings.largest_sum + 1)
    for isa in ISAS:
        monkeypatch.setenv("CIMSIM_ISA", isa)
        assert np.array_equal(column_sum_histogram(codes, weights, settings), expected)


def test_zero_inputs_and_full_ones(monkeypatch):
    for value in (0, 255):
        codes = np.full((3, 255), value, dtype=np.uint8)
        weights = np.full((255, 40), 127, dtype=np.int8)  # all cells on
        settings = replace(SETTINGS, parallel_rows=255, adc_top=255)
        layer = ProgrammedLayer(weights, settings, "layer", 3)
        for isa in ISAS:
            monkeypatch.setenv("CIMSIM_ISA", isa)
            exact = codes.astype(np.int64) @ weights.astype(np.int64)
            assert np.array_equal(layer.product(codes), exact)


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("low", [0.0, 0.5])
def test_read_noise_has_the_stated_variance(monkeypatch, isa, low):
    """10**6 conversions against the closed form: all 100 rows active, 60 cells of a column on.

    Rounding to codes adds 1/12 (Sheppard's correction, exact to exp(-2 pi**2 sigma**2))."""
    monkeypatch.setenv("CIMSIM_ISA", isa)
    rho, rows, on, columns, vectors = 0.3, 100, 60, 63, 16000
    settings = replace(
        SETTINGS,
        weight_bits=1,
        input_bits=1,
        states_mean=np.array([low, low + 1.0]),
        read_noise=rho,
    )
    weights = np.zeros((rows, columns), dtype=np.int8)
    weights[on:] = -1  # offset by 1: on where the weight is 0
    layer = ProgrammedLayer(weights, settings, "layer", 4)
    sums = layer._read(np.ones((vectors, rows), dtype=np.uint8), 0)[:, :-1]
    own = rho**2 * (on * (low + 1) ** 2 + (rows - on) * low**2) + 1 / 12
    reference = rho**2 * rows * low**2
    error = np.sqrt(own / sums.size + reference / vectors)
    assert abs(sums.mean() - on) < 4.5 * error
    # Standard errors: sqrt(2 / 10**6) = 0.14 % of the first, sqrt(2 / 16000) = 1.1 % of the second.
    assert sums.var(axis=1, ddof=1).mean() == pytest.approx(own, rel=0.007)
    between = sums.mean(axis=1).var(ddof=1)
    assert between == pytest.approx(reference + own / columns, rel=0.05)


@pytest.mark.parametrize("rows", [288, 576, 1000])
@pytest.mark.parametrize("step", [1.0, 1.3])
@pytest.mark.parametrize("low", [0.0, 0.4])
def test_codes_with_read_noise_are_the_oracle_s_but_for_ties(monkeypatch, rows, step, low):
    """Whole products: a wrong draw or group anywhere shows in all of them."""
    settings = replace(
        SETTINGS, adc_step=step, states_mean=np.array([low, low + 1.0]), read_noise=0.05
    )
    codes, weights = operands(settings, rows, 70, 35)
    first = 2**32 - 15
    layer = ProgrammedLayer(weights, settings, "layer", 3)
    reads = array_reads(codes, weights, settings, "layer", 3, 0, first)
    results = []
    for isa in ISAS:
        monkeypatch.setenv("CIMSIM_ISA", isa)
        found = layer.product(codes, 0, first)
        # Errors of 1e-4 deviations, on 64 conversions a group and as many of the dummy column.
        assert np.mean(found != reads.product) < 0.1
        results.append(found)
    assert all(np.array_equal(found, results[0]) for found in results)
