"""Errors of ADCs and noise of columns beside noise of cells, in the kernels against the oracle."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from cimsim import _native
from cimsim.arrays import random
from cimsim.arrays.adc import convert_position, static_errors, transitions
from cimsim.arrays.product import ProgrammedLayer
from cimsim.arrays.reference import array_product, array_reads
from cimsim.devices.charge import ChargeColumns

from .helpers import FINER, NUMBER_ERROR, make_settings, operands

ISAS = _native.isa_names()

TOP = 127


def table(spread, top=TOP, seed=0):
    """Return an INL [top] that ends at 0, with transitions that never fall."""
    inl = np.cumsum(np.maximum(np.random.default_rng(seed).normal(0.0, spread, top), -1.0))
    return np.maximum.accumulate(inl - np.linspace(0.0, inl[-1], top) + np.arange(top)) - np.arange(
        top
    )


def sampled(readout="sharing", noise=0.03):
    return ChargeColumns(readout, 3.0, 128.0, 1000.0, mismatch=0.02, noise_charge=noise)


CASES = {
    "INL of cells that vary": {"device_variation": 0.1, "adc_inl": table(0.2)},
    "INL and read noise": {"read_noise": 0.05, "adc_inl": table(0.2)},
    "INL with a code for 0": {"read_noise": 0.05, "adc_inl": table(0.2) - 0.9},
    "offset, gain and read noise": {
        "read_noise": 0.05,
        "adc_offset": 0.7,
        "adc_gain_error": 0.03,
        "adc_columns": 8,
    },
    "sampled charge": {"charge": sampled()},
    "sampled charge at an amplifier": {"charge": sampled("feedback")},
    "all": {
        "charge": sampled(),
        "device_variation": 0.1,
        "read_noise": 0.05,
        "adc_offset": 0.7,
        "adc_gain_error": 0.03,
        "adc_inl": table(0.5),
    },
}


@pytest.mark.parametrize("name", CASES)
@hypothesis_settings(max_examples=20, deadline=None)
@given(data=st.data())
def test_codes_agree_up_to_ties(settings, name, data):
    """One slice, one cycle and one group, so that each output is one ADC code."""
    cell_bits, dac_bits = data.draw(st.integers(1, 3)), data.draw(st.integers(1, 3))
    array = settings(
        weight_bits=cell_bits,
        input_bits=dac_bits,
        cell_bits=cell_bits,
        dac_bits=dac_bits,
        adc_top=TOP,
        adc_step=data.draw(st.sampled_from([1.0, 0.7, 2.3])),
        **CASES[name],
    )
    rows, columns = data.draw(st.integers(1, 128)), data.draw(st.integers(1, 40))
    seed, first = data.draw(st.integers(0, 2**32 - 1)), data.draw(st.sampled_from([0, 2**33 - 2]))
    codes, weights = operands(array, rows, columns, 4, seed)
    codes[1] = 0  # silent rows are converted like others
    ideal = {"adc_offset": 0.0, "adc_gain_error": 0.0, "adc_inl": None}
    analog = replace(array, adc_top=1 << 40, adc_step=array.adc_step / FINER, **ideal)
    value = array_reads(codes, weights, analog, "a", seed, 0, first).codes[0, 0, 0] / FINER
    offset, gain = static_errors(array, random.make_key(seed, "a"), 1, columns + 1, 0)
    position = value * (1.0 + gain) + offset
    exact = array_reads(codes, weights, array, "a", seed, 0, first).codes[0, 0, 0]
    layer = ProgrammedLayer(weights, array, "a", seed)
    assert layer._oracle is None
    fast = np.rint(layer._read(codes, first) / array.adc_step)
    edges = transitions(np.zeros(TOP) if array.adc_inl is None else array.adc_inl)
    edges = np.append(edges, TOP + 0.5)
    to_edge = np.abs(position[..., np.newaxis] - edges).min(axis=-1)
    # Negative analog values are cut off by the finer ADC, and only offsets make them count.
    differs = (fast != exact) & (value > 0.0)
    power = ((codes.astype(np.float64) ** 2).sum(axis=1) * (0.5 + 2**cell_bits) ** 2)[:, np.newaxis]
    bound = 2e-4 + NUMBER_ERROR * array.read_noise * np.sqrt(power) / array.adc_step
    assert np.all((to_edge < bound)[differs])
    assert np.mean(fast != exact) <= 0.1


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("dac_bits", [1, 3])
def test_products_agree_but_for_a_few_codes(settings, monkeypatch, name, dac_bits):
    """The full shift-add: the same draws for every slice, cycle, group and vector."""
    array = settings(
        parallel_rows=100,
        dac_bits=dac_bits,
        adc_top=TOP,
        adc_step=1.0 + 2 * dac_bits,
        **CASES[name],
    )
    codes, weights = operands(array, 250, 50, 30)
    codes[1] = 0
    first = 2**32 - 15  # the vector number passes 32 bits
    expected = array_product(codes, weights, array, "layer", 11, 3, first)
    layer = ProgrammedLayer(weights, array, "layer", 11)
    assert layer._oracle is None
    results = []
    for isa in ISAS:
        monkeypatch.setenv("CIMSIM_ISA", isa)
        whole = layer.product(codes, 3, first)
        parts = layer.product(codes[:7], 3, first), layer.product(codes[7:], 3, first + 7)
        assert np.array_equal(np.vstack(parts), whole)
        results.append(whole)
    assert all(np.array_equal(found, results[0]) for found in results)
    assert np.mean(results[0] != expected) < 0.1


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("top", [1, 2, 15, 127, 1000])
@pytest.mark.parametrize("spread", [0.0, 0.3, 5.0])
def test_transitions_are_the_oracles(isa, top, spread):
    """One cell a column, at multiples of 1/64 code: on, beside and between the transitions."""
    inl = np.round(64.0 * table(spread, top)) / 64.0
    positions = np.arange(-64 * 3, 64 * (top + 5)) / 64.0
    geometry = _native.LayerSettings()
    geometry.rows, geometry.columns, geometry.parallel_rows = 1, len(positions), 1
    geometry.slices = geometry.reads = 1
    geometry.adc_top = top
    edges = np.minimum(transitions(inl), np.nextafter(top + 0.5, np.inf))
    layer = _native.ArrayLayer.of_conductances(
        geometry, lambda j, first, last: positions[np.newaxis], np.zeros(1), transitions=edges
    )
    found = layer.product(np.ones((1, 1), dtype=np.uint16), isa=isa)[0]
    np.testing.assert_array_equal(found, convert_position(positions, top, inl))


@pytest.mark.parametrize(
    ("errors", "words"),
    [
        ({"gain": np.zeros(5)}, "gain: wrong size"),
        ({"reference_noise": np.zeros(3), "noise": np.zeros(8)}, "reference_noise: wrong size"),
        ({"transitions": np.arange(5.0)}, "one for each code from 1 to adc_top"),
        ({"transitions": np.array([0.0, 2.0, 1.0])}, "they never fall"),
        ({"transitions": np.array([0.0, 1.0, np.nan])}, "allowed -2\\^20 to 2\\^20"),
    ],
)
def test_errors_that_do_not_fit_the_layer_are_refused(errors, words):
    geometry = _native.LayerSettings()
    geometry.rows, geometry.columns, geometry.parallel_rows = 4, 2, 2
    geometry.slices, geometry.reads, geometry.adc_top = 2, 1, 3
    with pytest.raises(ValueError, match=words):
        _native.ArrayLayer.of_conductances(
            geometry, lambda j, first, last: np.ones((last - first, 2)), np.zeros(4), **errors
        )


def test_a_table_without_room_goes_to_the_oracle(settings):
    far = replace(settings(read_noise=0.1, adc_top=TOP), adc_inl=table(0.2) - 2000.0)
    short = replace(far, adc_inl=table(0.2)[:100])
    for array in (far, short):
        codes, weights = operands(array, 40, 5, 4)
        layer = ProgrammedLayer(weights, array, "a", 1)
        assert np.array_equal(layer.product(codes), array_product(codes, weights, array, "a", 1))


@pytest.mark.parametrize("error", [{"adc_offset": 0.5}, {"adc_gain_error": 0.01}])
def test_errors_of_adcs_on_as_many_rows_as_the_kernels_read_together(error):
    settings = make_settings(parallel_rows=4096, adc_top=4095, **error)
    codes, weights = operands(settings, 4096, 2, 3)
    found = ProgrammedLayer(weights, settings, "a", 1).product(codes, 0, 0)
    expected = array_product(codes, weights, settings, "a", 1, 0, 0)
    assert np.mean(found != expected) <= 0.2
    assert (found != codes.astype(np.int64) @ weights).any()
