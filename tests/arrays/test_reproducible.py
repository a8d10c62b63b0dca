"""The reproducibility promise of docs/simulator.md, for every non-ideality that there is."""

import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from cimsim.arrays.product import ProgrammedLayer
from cimsim.arrays.reference import Oracle, array_product, array_reads
from cimsim.arrays.settings import ArraySettings
from cimsim.devices.charge import ChargeColumns

FINE = {"adc_step": 2.0**-20, "adc_top": 1 << 40}

CHARGE = ChargeColumns("sharing", 20.0, 128.0, 0.0, 0.02, 0.3)

EFFECTS = {
    "none": {},
    "variation": {"device_variation": 0.2},
    "lognormal": {"device_variation": 0.3, "variation_distribution": "lognormal"},
    "absolute variation": {"device_variation": 0.1, "variation_unit": "step"},
    "stuck at": {"stuck_at_0": 0.05, "stuck_at_1": 0.05},
    "drift": {"drift_time": 50.0, "drift_exponent": 0.05, "drift_direction": "random"},
    "drift by state": {"drift_time": 50.0, "drift_exponents": np.array([0.0, 0.03, 0.01, 0.1])},
    "read noise": {"read_noise": 0.1},
    "output noise": {"output_sigma": 0.7},
    "adc offset": {"adc_offset": 0.6, "adc_gain_error": 0.03, "adc_columns": 8},
    "inl": {"adc_inl": 0.4 * np.sin(np.arange(63))},
    "wires": {"row_wire": 1e-4, "column_wire": 3e-4},
    "charge": {"charge": CHARGE},
    "everything": {
        "device_variation": 0.1,
        "variation_distribution": "lognormal",
        "stuck_at_0": 0.02,
        "drift_time": 50.0,
        "drift_exponent": 0.02,
        "read_noise": 0.03,
        "adc_offset": 0.6,
        "adc_inl": 0.4 * np.sin(np.arange(63)),
        "row_wire": 1e-4,
        "charge": CHARGE,
    },
}

SCHEMES = ["offset", "differential", "twos_complement"]


def array(**changes) -> ArraySettings:
    values = {
        "weight_bits": 6,
        "input_bits": 5,
        "cell_bits": 2,
        "dac_bits": 2,
        "parallel_rows": 16,
        "adc_top": 63,
        "adc_step": 1.9,
        "states_mean": 0.1 + np.arange(4),
        "states_std": np.zeros(4),
        "subarray_rows": 32,
        "subarray_columns": 24,
    }
    return ArraySettings(**(values | changes))


def operands(rows=53, columns=7, vectors=11, seed=0):
    generator = np.random.default_rng(seed)
    return generator.integers(0, 32, (vectors, rows)), generator.integers(-31, 32, (rows, columns))


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("effect", EFFECTS)
def test_batches_may_be_cut_anywhere_and_layers_programmed_in_any_order(effect, scheme):
    settings = array(signed_weights=scheme, **EFFECTS[effect])
    codes, weights = operands()
    whole = ProgrammedLayer(weights, settings, "a", 9).product(codes, 3, 1000)
    layers = {name: ProgrammedLayer(weights, settings, name, 9) for name in ("b", "c", "a")}
    layers["b"].product(codes)
    parts = [
        layers["a"].product(codes[start:stop], 3, 1000 + start)
        for start, stop in ((4, 11), (0, 1), (1, 4))
    ]
    np.testing.assert_array_equal(np.vstack([parts[1], parts[2], parts[0]]), whole)
    if settings.is_random:
        assert (layers["c"].product(codes, 3, 1000) != whole).any()
        assert (ProgrammedLayer(weights, settings, "a", 8).product(codes, 3, 1000) != whole).any()


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("effect", EFFECTS)
@pytest.mark.parametrize("shape", [(1, 1, 1), (1, 9, 2), (65, 1, 3), (17, 13, 0), (53, 7, 5)])
def test_odd_shapes_and_inputs_of_zero(effect, scheme, shape):
    settings = array(signed_weights=scheme, **EFFECTS[effect])
    rows, columns, vectors = shape
    codes, weights = operands(rows, columns, vectors)
    codes[:1] = 0
    found = ProgrammedLayer(weights, settings, "a", 9).product(codes, 0, 5)
    assert found.shape == (vectors, columns)
    if vectors:
        expected = array_product(codes, weights, settings, "a", 9, 0, 5)
        # A code may differ at a rounding tie: one of them, the dummy column's at most everywhere.
        assert np.mean(found != expected) <= 0.5
        assert np.median(np.abs(found - expected)) == 0.0


@pytest.mark.parametrize("effect", [e for e in EFFECTS if e not in ("output noise", "charge")])
@hypothesis_settings(max_examples=15, deadline=None)
@given(data=st.data())
def test_the_native_path_is_the_oracle_whatever_the_shape(effect, data):
    """Products of a random design differ from the oracle's in a few ADC codes at ties at most."""
    rows, columns = data.draw(st.integers(1, 100)), data.draw(st.integers(1, 20))
    settings = array(
        signed_weights=data.draw(st.sampled_from(SCHEMES)),
        parallel_rows=data.draw(st.sampled_from([1, 3, 16, 32])),
        adc_step=data.draw(st.sampled_from([0.37, 1.0, 1.9, 7.3])),
        dac_bits=data.draw(st.integers(1, 5)),
        **EFFECTS[effect],
    )
    codes, weights = operands(rows, columns, 6, data.draw(st.integers(0, 999)))
    seed = data.draw(st.integers(0, 2**32 - 1))
    found = ProgrammedLayer(weights, settings, "a", seed).product(codes, 1, 7)
    expected = array_product(codes, weights, settings, "a", seed, 1, 7)
    differences = np.rint((found - expected) / settings.adc_step * 1e6)
    codes_at_ties = np.count_nonzero(differences, axis=1)
    if settings.signed_weights == "offset":  # one code of the dummy column moves a whole vector
        moved = np.median(differences, axis=1, keepdims=True)
        others = np.count_nonzero(differences - moved, axis=1)
        codes_at_ties = np.minimum(codes_at_ties, 1 + others)
    # One code at a tie is more than a tenth of the fewest products, 6; with rows read one by one a
    # product is the sum of thousands of codes, of which one in 2,000 may be at a tie.
    groups = -(-rows // settings.parallel_rows)
    conversions = found.size * groups * settings.input_cycles * settings.weight_bits
    allowed = max(1, 0.1 * found.size, conversions / 2000)
    assert codes_at_ties.sum() <= allowed


SCALED = {
    "variation": [("device_variation", (0.02, 0.06))],
    "absolute variation": [("device_variation", (0.005, 0.015)), ("variation_unit", ("step",) * 2)],
    "read noise": [("read_noise", (0.002, 0.006))],
    "adc offset": [("adc_offset", (1000.0, 3000.0))],
    "output noise": [("output_sigma", (0.01, 0.03))],
}


@pytest.mark.parametrize("name", SCALED)
def test_one_seed_is_one_chip_at_every_level_of_noise(name):
    """Three times the level is three times the deviation of every single code: the same draws."""
    codes, weights = operands()
    codes = codes | 0b01010  # no column sum near 0, where the ADC would cut it off
    # So fine an ADC shows the analog sums; sums of 0 in some slices remain, and are left out.
    quiet, low, high = (
        array_reads(codes, weights, array(**FINE, **chosen), "a", 4).codes
        for chosen in (
            {},
            {field: values[0] for field, values in SCALED[name]},
            {field: values[1] for field, values in SCALED[name]},
        )
    )
    inside = (low > 0) & (high > 0) & (quiet > 0)
    assert inside.mean() > 0.5
    once, thrice = (low - quiet)[inside], (high - quiet)[inside]
    assert np.abs(once).max() > 100
    np.testing.assert_allclose(thrice, 3 * once, atol=3)


def test_one_seed_is_one_chip_at_every_temperature_of_sampled_charge():
    codes, weights = operands()
    levels = [0.0, 0.01, 0.02]
    quiet, low, high = (
        array_reads(
            codes, weights, array(**FINE, charge=replace(CHARGE, noise_charge=level)), "a", 4
        ).codes
        for level in levels
    )
    inside = (low > 0) & (high > 0) & (quiet > 0)
    np.testing.assert_allclose((high - quiet)[inside], 2 * (low - quiet)[inside], atol=3)


def test_one_seed_is_one_chip_at_every_time():
    """Random directions of drift stay: a cell that rose after 10 s has risen after 1000 s."""
    codes, weights = operands(vectors=1)
    codes[:] = 31
    drift = {"drift_exponent": 0.01, "drift_direction": "random", **FINE}
    start, early, late = (
        Oracle(weights, array(drift_time=time, **drift), "a", 4) for time in (0.0, 10.0, 100.0)
    )
    (_, cells, _), (_, first, _), (_, second, _) = (
        oracle._parts[0] for oracle in (start, early, late)
    )
    mean = (0.1 + np.arange(4))[cells.digits]
    np.testing.assert_array_equal(
        np.sign(first.conductance - mean), np.sign(second.conductance - mean)
    )
    # Power law: twice the logarithm of time, twice the logarithm of the change.
    inner = (cells.digits == 1) | (cells.digits == 2)
    np.testing.assert_allclose(
        np.log(second.conductance / mean)[inner], 2 * np.log(first.conductance / mean)[inner]
    )


@pytest.mark.parametrize("threads", ["1", "3"])
def test_threads_of_the_machine_s_libraries_do_not_matter(threads):
    script = (
        "import sys, hashlib, numpy as np; sys.path.insert(0, sys.argv[1]);"
        "from test_reproducible import EFFECTS, array, operands;"
        "from cimsim.arrays.product import ProgrammedLayer;"
        "codes, weights = operands(150, 40, 30);"
        "found = [ProgrammedLayer(weights, array(**e), 'a', 9).product(codes)"
        " for e in EFFECTS.values()];"
        "print(hashlib.sha256(np.stack(found).tobytes()).hexdigest())"
    )
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
    root = str(Path(__file__).parent)
    found = [
        subprocess.run(
            [sys.executable, "-c", script, root],
            env=os.environ | dict.fromkeys(names, count),
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for count in ("2", threads)
    ]
    assert len(found[0]) == 65
    assert found[0] == found[1]


def test_the_promise_names_tests_that_exist():
    tests = Path(__file__).parents[1]
    text = (tests.parent / "docs" / "simulator.md").read_text()
    named = re.findall(r"`(\w+/test_\w+\.py)::(\w+)`", text)
    assert len(named) > 10
    for file, name in named:
        assert f"def {name}(" in (tests / file).read_text()
