"""The native array product against the float64 oracle, and what it promises by itself."""

import resource
import tracemalloc
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from cimsim import _native
from cimsim.arrays.product import ProgrammedLayer
from cimsim.arrays.reference import array_product, array_reads
from cimsim.devices.program import program

from .helpers import FINER, NUMBER_ERROR, make_settings, operands

ISAS = _native.isa_names()

NEAR_TIE = 1e-4
"""Where the analog value is this near to the edge of two codes (in codes), float32 may differ."""


@st.composite
def arrays(draw):
    """Settings without noise, with a shape."""
    weight_bits, input_bits = draw(st.integers(2, 8)), draw(st.integers(2, 8))
    chosen = make_settings(
        weight_bits=weight_bits,
        input_bits=input_bits,
        cell_bits=draw(st.integers(1, min(4, weight_bits))),
        dac_bits=draw(st.sampled_from([1, 1, 2, 3, 8]).filter(lambda bits: bits <= input_bits)),
        parallel_rows=draw(st.sampled_from([1, 2, 5, 16, 64, 100, 128, 256, 500])),
        adc_top=draw(st.sampled_from([1, 7, 31, 63, 127, 128, 255, 4095, 65536])),
        adc_step=draw(st.sampled_from([1.0, 1.0, 1.2, 1.5, 2.0, 2.5, 0.7, 3.3, 16.0])),
    )
    rows, columns, vectors = draw(st.tuples(*(st.integers(1, n) for n in (300, 70, 6))))
    return chosen, *operands(chosen, rows, columns, vectors, draw(st.integers(0, 1000)))


@hypothesis_settings(max_examples=150, deadline=None)
@given(arrays(), st.integers(0, 255), st.sampled_from([0.0, 0.1]))
def test_ideal_cells_agree_exactly(case, zero_point, stuck):
    settings, codes, weights = case
    settings = replace(settings, stuck_at_0=stuck, stuck_at_1=stuck)
    expected = array_product(codes, weights, settings, "layer", 3, zero_point)
    layer = ProgrammedLayer(weights, settings, "layer", 3)
    assert np.array_equal(layer.product(codes, zero_point), expected)


@pytest.mark.parametrize("dac_bits", [1, 2, 3, 8])
@pytest.mark.parametrize("input_bits", [8, 12, 16])
@pytest.mark.parametrize("weight_bits", [8, 9, 16])
def test_codes_of_many_bits_give_the_integer_product(weight_bits, input_bits, dac_bits):
    states = {"states_mean": np.arange(2.0), "states_std": np.zeros(2)}
    settings = make_settings(
        weight_bits=weight_bits,
        input_bits=input_bits,
        dac_bits=dac_bits,
        adc_top=128 * ((1 << dac_bits) - 1),
        **states,
    )
    rng = np.random.default_rng(input_bits)
    codes = rng.integers(0, 1 << input_bits, (5, 300)).astype(np.uint16)
    half = 1 << (weight_bits - 1)
    weights = rng.integers(-half, half, (300, 20)).astype(np.int16)
    expected = (codes.astype(np.int64) - 1000) @ weights.astype(np.int64)
    layer = ProgrammedLayer(weights, settings, "layer", 0)
    assert np.array_equal(layer.product(codes, 1000), expected)


@hypothesis_settings(max_examples=60, deadline=None)
@given(arrays(), st.sampled_from(["integer", "float32"]), st.integers(-128, 100))
def test_shift_by_the_data_minimum_agrees_exactly(case, accumulation, shift):
    settings, codes, weights = case
    settings = replace(settings, input_shift="data_minimum", accumulation=accumulation)
    signed = codes.astype(np.int16) + shift
    expected = array_product(signed, weights, settings, "layer", 3)
    assert np.array_equal(ProgrammedLayer(weights, settings, "layer", 3).product(signed), expected)


def test_a_resolving_adc_gives_the_integer_product():
    settings = make_settings(adc_top=128)
    codes, weights = operands(settings, 300, 40, 20)
    exact = (codes.astype(np.int64) - 17) @ weights.astype(np.int64)
    product = ProgrammedLayer(weights, settings, "layer", 0).product(codes, zero_point=17)
    assert np.array_equal(product, exact)


@pytest.mark.parametrize("dac_bits", [7, 8])
def test_wide_inputs_in_two_cycles_agree_exactly(dac_bits):
    """Codes of 18 bits, which fit 32 bits after the shift-add of two cycles."""
    settings = make_settings(cell_bits=4, dac_bits=dac_bits, weight_bits=4, adc_top=1 << 18)
    codes, weights = operands(settings, 128, 5, 4)
    expected = array_product(codes, weights, settings, "layer", 3)
    assert np.array_equal(ProgrammedLayer(weights, settings, "layer", 3).product(codes), expected)


RANDOM = {
    "read noise": {"read_noise": 0.1},
    "variation": {"device_variation": 0.2},
    "variation and read noise": {"device_variation": 0.2, "read_noise": 0.1},
    "lognormal": {"device_variation": 0.1, "variation_distribution": "lognormal"},
    "negative conductance": {"device_variation": 0.8, "negative_conductance": "keep"},
    "drift": {"drift_time": 20.0, "drift_exponent": 0.1, "drift_direction": "random"},
    "output noise": {"output_sigma": 0.5},
    "everything": {
        "device_variation": 0.1,
        "read_noise": 0.05,
        "stuck_at_0": 0.05,
        "stuck_at_1": 0.02,
        "drift_time": 5.0,
        "drift_exponent": 0.05,
    },
}


def deviations(settings, codes, weights, seed):
    """Standard deviations of the columns' own read noise, in codes, of one slice and cycle."""
    shifted = weights.astype(np.int64) + (1 << (settings.weight_bits - 1))
    dummy = np.full((len(weights), 1), 1 << (settings.weight_bits - 1))
    cells = program(np.hstack([shifted, dummy]), settings, "a", seed)
    found = cells.conductance
    g = settings.states_mean[cells.digits[0]] if found is None else found[0]
    power = (codes.astype(np.float64) ** 2) @ g**2
    return settings.read_noise * np.sqrt(power) / settings.adc_step


@pytest.mark.parametrize("name", RANDOM)
@hypothesis_settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_random_codes_agree_up_to_ties(name, data):
    """One slice, one cycle and one group, so that each output is one ADC code."""
    cell_bits, dac_bits = data.draw(st.integers(1, 4)), data.draw(st.integers(1, 4))
    settings = make_settings(
        weight_bits=cell_bits,
        input_bits=dac_bits,
        cell_bits=cell_bits,
        dac_bits=dac_bits,
        adc_top=data.draw(st.sampled_from([31, 127, 1023])),
        adc_step=data.draw(st.sampled_from([1.0, 0.5, 1.7])),
        states_mean=0.1 * data.draw(st.integers(0, 9)) + np.arange(1 << cell_bits),
        **RANDOM[name],
    )
    rows = data.draw(st.integers(1, 128))
    seed, first = data.draw(st.integers(0, 2**32 - 1)), data.draw(st.sampled_from([0, 2**33 - 2]))
    codes, weights = operands(settings, rows, data.draw(st.integers(1, 40)), 4, seed)
    finer = replace(settings, adc_top=settings.adc_top * FINER, adc_step=settings.adc_step / FINER)
    arguments = (codes, weights)
    exact = array_reads(*arguments, settings, "a", seed, 0, first).codes[0, 0, 0]
    value = array_reads(*arguments, finer, "a", seed, 0, first).codes[0, 0, 0] / FINER
    layer = ProgrammedLayer(weights, settings, "a", seed)
    fast = np.rint(layer._read(codes, first) / settings.adc_step)
    to_tie = np.abs(value - np.floor(value) - 0.5)
    differs = fast != exact
    # float32 holds 24 bits: beyond code 1000 or so, that is what limits it.
    bound = np.maximum(NEAR_TIE, 2e-7 * value)
    if settings.has_read_noise:
        bound = bound + NUMBER_ERROR * deviations(settings, codes, weights, seed)
    assert np.all(to_tie[differs] < bound[differs])
    assert np.abs(fast - exact).max(initial=0) <= 1


@pytest.mark.parametrize("name", ["ideal", *RANDOM])
@pytest.mark.parametrize(
    ("weight_bits", "input_bits", "scheme"),
    [(8, 16, "offset"), (16, 8, "differential"), (16, 16, "offset"), (13, 11, "twos_complement")],
)
def test_products_of_many_bits_agree_but_for_a_few_codes(
    monkeypatch, name, weight_bits, input_bits, scheme
):
    """More than eight slices or cycles, which the kernels take in parts with the draws of all."""
    settings = make_settings(
        weight_bits=weight_bits,
        input_bits=input_bits,
        signed_weights=scheme,
        parallel_rows=50,
        adc_step=0.8,
        **RANDOM.get(name, {}),
    )
    codes, weights = operands(settings, 120, 20, 10)
    codes[1] &= 255  # no row is active in the later cycles
    weights = np.maximum(weights, 1 - (1 << (weight_bits - 1)))  # which has a magnitude
    first = 2**32 - 5
    expected = array_product(codes, weights, settings, "layer", 11, 3, first)
    layer = ProgrammedLayer(weights, settings, "layer", 11)
    assert layer._oracle is None
    for isa in ISAS:
        monkeypatch.setenv("CIMSIM_ISA", isa)
        found = layer.product(codes, 3, first)
        # Up to 1536 codes an output, one in 5000 at a tie; a wrong draw or place shows in all.
        share = np.mean(found != expected)
        assert share == 0.0 if name == "ideal" else share < 0.5, isa


@pytest.mark.parametrize("name", RANDOM)
def test_random_products_agree_but_for_a_few_codes(name):
    """The full shift-add: the same draws for every slice, cycle, group and vector."""
    settings = make_settings(adc_step=1.3, parallel_rows=100, **RANDOM[name])
    codes, weights = operands(settings, 250, 50, 30)
    first = 2**32 - 15  # the vector number passes 32 bits
    expected = array_product(codes, weights, settings, "layer", 11, 3, first)
    fast = ProgrammedLayer(weights, settings, "layer", 11).product(codes, 3, first)
    # An output has 64 * 3 codes, and as many of the dummy column; a difference of one of those
    # shows in all columns.
    assert np.mean(fast != expected) < 0.1
    assert np.median(np.abs(fast - expected)) == 0.0


def test_output_noise_by_table():
    settings = make_settings(cell_bits=2, adc_top=63, adc_step=1.5)
    sums = np.arange(settings.largest_sum + 1)
    settings = replace(settings, output_mean=0.95 * sums + 0.2, output_std=0.1 + 0.01 * sums)
    codes, weights = operands(settings, 150, 20, 10)
    expected = array_product(codes, weights, settings, "layer", 1)
    fast = ProgrammedLayer(weights, settings, "layer", 1).product(codes)
    assert np.mean(fast != expected) < 0.05


def test_uneven_states():
    settings = make_settings(
        cell_bits=2, states_mean=np.array([0.1, 1.05, 2.3, 3.1]), read_noise=0.1
    )
    codes, weights = operands(settings, 200, 20, 10)
    expected = array_product(codes, weights, settings, "layer", 1)
    fast = ProgrammedLayer(weights, settings, "layer", 1).product(codes)
    assert np.mean(fast != expected) < 0.05


@pytest.mark.parametrize("name", ["ideal", *RANDOM])
@pytest.mark.parametrize("cell_bits", [1, 3])
@pytest.mark.parametrize("dac_bits", [1, 3])
def test_every_instruction_set_gives_the_same_bits(monkeypatch, name, cell_bits, dac_bits):
    settings = make_settings(cell_bits=cell_bits, dac_bits=dac_bits, **RANDOM.get(name, {}))
    codes, weights = operands(settings, 200, 90, 20)
    layer = ProgrammedLayer(weights, settings, "layer", 5)
    results = []
    for isa in ISAS:
        monkeypatch.setenv("CIMSIM_ISA", isa)
        results.append(layer.product(codes, 9, 100))
    assert all(np.array_equal(result, results[0]) for result in results)


@pytest.mark.parametrize("name", ["ideal", *RANDOM])
def test_a_batch_may_be_split_anywhere(name):
    settings = make_settings(adc_top=40, **RANDOM.get(name, {}))
    codes, weights = operands(settings, 140, 20, 300)
    layer = ProgrammedLayer(weights, settings, "layer", 5)
    whole = layer.product(codes, 4, 1000)
    for cut in (1, 128, 131):
        parts = layer.product(codes[:cut], 4, 1000), layer.product(codes[cut:], 4, 1000 + cut)
        assert np.array_equal(np.vstack(parts), whole)
    again = ProgrammedLayer(weights, settings, "layer", 5)
    assert np.array_equal(again.product(codes[7:8], 4, 1007), whole[7:8])


@pytest.mark.parametrize("name", ["ideal", *RANDOM])
@pytest.mark.parametrize(("rows", "columns"), [(1, 1), (1, 63), (3, 64), (129, 1), (257, 127)])
def test_odd_shapes(name, rows, columns):
    settings = make_settings(**RANDOM.get(name, {}))
    codes, weights = operands(settings, rows, columns, 3)
    expected = array_product(codes, weights, settings, "layer", 2)
    fast = ProgrammedLayer(weights, settings, "layer", 2).product(codes)
    assert fast.shape == (3, columns)
    assert np.median(np.abs(fast - expected)) == 0.0


@pytest.mark.parametrize("name", [n for n in RANDOM if n != "output noise"])
def test_without_an_active_row_every_code_is_zero(name):
    settings = make_settings(**RANDOM[name])
    codes, weights = operands(settings, 150, 20, 4)
    layer = ProgrammedLayer(weights, settings, "layer", 2)
    assert not layer.product(np.zeros_like(codes)).any()


def test_no_vector_at_all():
    settings = make_settings(read_noise=0.1)
    codes, weights = operands(settings, 10, 5, 1)
    assert ProgrammedLayer(weights, settings, "layer", 2).product(codes[:0]).shape == (0, 5)


def test_seeds_layers_and_vectors_have_noise_of_their_own():
    settings = make_settings(read_noise=0.2)
    codes, weights = operands(settings, 100, 30, 1)
    products = [
        ProgrammedLayer(weights, settings, layer, seed).product(codes, 0, first)
        for layer, seed, first in [("a", 1, 0), ("b", 1, 0), ("a", 2, 0), ("a", 1, 1)]
    ]
    for k, one in enumerate(products):
        for other in products[:k]:
            assert np.mean(one == other) < 0.1


def test_read_noise_has_the_stated_mean_and_covariance():
    """Closed form: all 100 rows active, 60 cells of the column on, the dummy column all on."""
    rho, low, high, rows, on, vectors = 0.05, 2.0, 3.0, 100, 60, 40000
    settings = make_settings(
        weight_bits=1,
        input_bits=1,
        adc_top=1 << 20,
        adc_step=1.0 / 1024,
        states_mean=np.array([low, high]),
        read_noise=rho,
    )
    weights = np.zeros((rows, 1), dtype=np.int8)
    weights[on:] = -1
    layer = ProgrammedLayer(weights, settings, "layer", 4)
    sums = layer._read(np.ones((vectors, rows), dtype=np.uint8), 0)
    reference = rho**2 * rows * low**2
    own = rho**2 * (on * high**2 + (rows - on) * low**2), rho**2 * rows * high**2
    covariance = np.diag(own) + reference
    errors = np.sqrt(np.diag(covariance) / vectors)
    assert np.all(np.abs(sums.mean(axis=0) - (on, rows)) < 4.5 * errors)
    # The relative standard error of a variance is sqrt(2 / vectors), 0.7 %.
    assert np.cov(sums.T) == pytest.approx(covariance, rel=0.04)


@pytest.mark.parametrize(
    ("change", "codes"),
    [
        ({}, np.zeros((2, 9), dtype=np.uint8)),
        ({}, np.zeros(10, dtype=np.uint8)),
        ({"input_bits": 4}, np.full((2, 10), 16, dtype=np.uint8)),
        ({}, np.full((2, 10), -1, dtype=np.int16)),
    ],
)
def test_wrong_codes_are_refused(change, codes):
    layer = ProgrammedLayer(np.zeros((10, 3), dtype=np.int8), make_settings(**change), "a", 0)
    with pytest.raises(ValueError, match="codes"):
        layer.product(codes)


def test_a_reference_switch_that_ties_cells_to_calls_goes_to_the_oracle():
    settings = make_settings(
        read_noise=0.1, read_noise_scope="batch", input_shift="data_minimum", weight_bits=4
    )
    codes, weights = operands(settings, 30, 5, 4)
    layer = ProgrammedLayer(weights, settings, "a", 1)
    assert np.array_equal(layer.product(codes), array_product(codes, weights, settings, "a", 1))


def test_memory_does_not_grow_with_the_batch():
    settings = make_settings(device_variation=0.1, read_noise=0.1)
    codes, weights = operands(settings, 64, 16, 20000)
    layer = ProgrammedLayer(weights, settings, "layer", 0)
    layer.product(codes[:1000])
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    layer.product(codes)
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024
    # Inputs as 16-bit codes and four copies of the results at most; all reads would take 166 MB.
    assert grown < 2 * codes.size + 4 * 8 * 17 * len(codes) + 10e6


def test_the_conductances_of_a_layer_never_exist_together():
    settings = make_settings(states_std=np.array([0.05, 0.05]), adc_offset=0.3)
    _, weights = operands(settings, 2048, 256, 1)
    ProgrammedLayer(weights[:64], settings, "layer", 0)
    tracemalloc.start()  # numpy's arrays are counted, the kernels' cells are not
    ProgrammedLayer(weights, settings, "layer", 0)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    # Codes of 4 bytes, digits of 8 x 1, and blocks of 2**16 cells with a few temporaries.
    assert peak < 16 * weights.size + 8 * 8 * 2**16
    assert peak < 0.5 * 8 * 8 * weights.size


@pytest.mark.parametrize("loud", range(4))
def test_cells_share_a_grid_wherever_the_largest_sum_is(loud):
    """The grid is as fine as the largest sum of all blocks allows, and blocks come one by one."""
    slices, rows, columns = 2, 8, 100_000
    geometry = _native.LayerSettings()
    geometry.rows, geometry.columns, geometry.parallel_rows = rows, columns, 4
    geometry.slices, geometry.reads, geometry.adc_top = slices, 1, 1 << 20
    cells = np.random.default_rng(1).integers(0, 9, (slices, rows, columns)) / 4.0
    where = loud // 2, slice(4 * (loud % 2), 4 * (loud % 2) + 4)
    cells[where] *= 1000.0
    asked = []

    def effective(j, first, last):
        asked.append((j, first))
        return cells[j, first:last]

    layer = _native.ArrayLayer.of_conductances(geometry, effective, np.zeros(rows))
    found = layer.product(np.ones((1, rows), dtype=np.uint16))[0]
    sums = np.rint(cells.reshape(slices, 2, 4, columns).sum(axis=2)).astype(np.int64)
    np.testing.assert_array_equal(found, (sums.sum(axis=1) * [[1], [2]]).sum(axis=0))
    # The slices come from the last to the first: only what came before the largest comes again.
    order = [(1, 0), (1, 4), (0, 0), (0, 4)]
    assert asked == order + order[: order.index((loud // 2, 4 * (loud % 2)))]
