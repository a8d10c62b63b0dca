"""Columns of capacitors: against conservation of charge, an amplifier's node equations, kT/C."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import constants

from cimsim.arrays.product import ProgrammedLayer
from cimsim.arrays.reference import Oracle, array_product, array_reads
from cimsim.arrays.settings import ArraySettings
from cimsim.campaign.design import DesignPoint
from cimsim.devices.charge import ChargeColumns, group_totals, relative_noise_charge
from cimsim.devices.program import program


def charge(**changes):
    ideal = {
        "readout": "feedback",
        "parasitic": 0.0,
        "feedback": 128.0,
        "amplifier_gain": 0.0,
        "mismatch": 0.0,
        "noise_charge": 0.0,
    }
    return ChargeColumns(**(ideal | changes))


capacitances = st.lists(st.floats(0.01, 5.0), min_size=1, max_size=20)


@given(capacitances, st.floats(0.0, 50.0), st.integers(0, 2**20 - 1))
def test_shorted_capacitors_conserve_charge(cells, parasitic, inputs):
    """Charge before and after: V (sum C + C_p) = sum x C, with the parasitic one empty before."""
    c = np.array(cells)
    x = np.array([(inputs >> r) & 1 for r in range(len(c))])
    column, nominal = charge(readout="sharing", parasitic=parasitic), 7.0
    total = c.sum()
    in_units = (x @ c) * float(column.gain(np.array(total), nominal))
    voltage = in_units / (nominal + parasitic)
    assert voltage * (total + parasitic) == pytest.approx(x @ c)


@given(capacitances, st.floats(0.0, 50.0), st.floats(1.0, 1e5), st.floats(1.0, 300.0))
def test_an_amplifier_obeys_its_node_equations(cells, parasitic, gain, feedback):
    """Charge at the summing node: sum C (v - V) + C_p v + C_f (v - V_out) = 0, V_out = -A v."""
    c = np.array(cells)
    matrix = np.array([[c.sum() + parasitic + feedback, -feedback], [gain, 1.0]])
    _, out = np.linalg.solve(matrix, [c.sum(), 0.0])  # all inputs at -1 V turn the sign
    column = charge(parasitic=parasitic, feedback=feedback, amplifier_gain=gain)
    in_units = c.sum() * float(column.gain(np.array(c.sum()), 1.0))
    # The sampled charge is -sum C V at the node: V_out = sum C V / C_f with an ideal amplifier.
    assert abs(out) == pytest.approx(in_units / feedback)


def settings(**changes):
    values = {
        "weight_bits": 4,
        "input_bits": 4,
        "cell_bits": 2,
        "dac_bits": 2,
        "parallel_rows": 4,
        "adc_top": 1 << 40,
        "adc_step": 2.0**-12,
        "states_mean": np.array([0.5, 1.5, 2.5, 3.5]),
        "states_std": np.zeros(4),
    }
    return ArraySettings(**(values | changes))


GENERATOR = np.random.default_rng(5)
X = GENERATOR.integers(0, 16, (3, 6))
W = GENERATOR.integers(-8, 8, (6, 5))


def test_an_ideal_amplifier_is_the_column_of_currents():
    ideal = settings(charge=charge(parasitic=30.0))
    np.testing.assert_array_equal(array_product(X, W, ideal), array_product(X, W, settings()))
    assert not ideal.has_charge_columns


@pytest.mark.parametrize("readout", ["sharing", "feedback"])
def test_every_column_by_a_loop_over_its_cells(readout):
    column = charge(readout=readout, parasitic=2.0, feedback=12.0, amplifier_gain=50.0)
    array = settings(charge=column)
    states, nominal = array.states_mean, 4 * (0.5 + 3.5) / 2
    reads = array_reads(X, W, array).codes
    shifted = np.hstack([W + 8, np.full((6, 1), 8)])
    for i, j, group, m, n in np.ndindex(reads.shape):
        rows = range(4 * group, min(4 * group + 4, 6))
        cells = [states[(shifted[r, n] >> (2 * j)) & 3] for r in rows]
        inputs = [(X[m, r] >> (2 * i)) & 3 for r in rows]
        empty = 4 - len(rows)

        def out(cells, inputs=inputs, empty=empty):
            total = sum(cells) + empty * states[0]
            read = sum(x * c for x, c in zip(inputs, cells, strict=True))
            if readout == "sharing":
                return read * (nominal + 2.0) / (total + 2.0)
            return read / (1 + (12.0 + total + 2.0) / (50.0 * 12.0))

        expected = max(round((out(cells) - out([states[0]] * len(rows))) * 4096), 0)
        assert abs(reads[i, j, group, m, n] - expected) <= 1


def test_the_native_path_agrees():
    generator = np.random.default_rng(1)
    x, w = generator.integers(0, 16, (9, 130)), generator.integers(-8, 8, (130, 21))
    column = charge(readout="sharing", parasitic=10.0, mismatch=0.02)
    array = settings(charge=column, parallel_rows=64, adc_top=127, adc_step=1.7)
    found = ProgrammedLayer(w, array, "a", 3).product(x, 2)
    assert np.mean(found != array_product(x, w, array, "a", 3, 2)) < 0.02


def test_mismatch_has_the_stated_deviation_and_stays_with_the_cell():
    codes = np.full((1000, 1000), 0b1110)
    small, large = (
        program(codes, settings(charge=charge(mismatch=sigma)), "", 1).conductance
        for sigma in (0.01, 0.05)
    )
    for state, one, five in zip((2.5, 3.5), small, large, strict=True):
        assert five.size == 10**6
        assert five.mean() == pytest.approx(state, abs=4.5e-3 * 0.05 * state)
        assert five.std() == pytest.approx(0.05 * state, rel=4.5 / np.sqrt(2e6))
        np.testing.assert_allclose(five - state, 5 * (one - state), atol=1e-12)


@pytest.mark.parametrize("readout", ["sharing", "feedback"])
def test_noise_of_the_sampled_charge(readout):
    """Mean and variance of 500 000 reads; 4.5 standard errors of the variance are below 1 %."""
    weights = np.array([[5], [6], [7], [2]])
    column = charge(readout=readout, parasitic=3.0, noise_charge=0.2)
    array = settings(weight_bits=4, input_bits=2, charge=column)
    x = np.tile([[3, 3, 3, 3]], (500_000, 1))
    codes = Oracle(weights, array, "", 2).reads(x).codes * array.adc_step
    states, nominal = array.states_mean, 8.0
    for j in range(2):
        cells = states[((weights[:, 0] + 8) >> (2 * j)) & 3]
        reference = np.full(4, 0.5)
        variance, mean = 0.0, 0.0
        for sign, c in ((1, cells), (-1, reference)):
            total = c.sum()
            if readout == "sharing":  # voltage noise kT / C_total, in units of 1 / (nominal + C_p)
                gain = (nominal + 3.0) / (total + 3.0)
                variance += 0.2**2 / (total + 3.0) * (nominal + 3.0) ** 2
            else:
                gain = 1.0
                variance += 0.2**2 * total
            mean += sign * 3 * total * gain
        sample = codes[0, j, 0, :, 0]
        assert sample.var() == pytest.approx(variance, rel=0.01)
        assert sample.mean() == pytest.approx(mean, abs=4.5 * np.sqrt(variance / sample.size))


def test_noise_charge_in_physical_units():
    # 1 fF at 1 V and 300 K: sqrt(kT/C) is 2.035 mV.
    assert relative_noise_charge(1e-15, 1.0, 300.0) == pytest.approx(2.035e-3, rel=1e-3)
    expected = np.sqrt(constants.k * 350.0 / 2e-15) / 0.8
    assert relative_noise_charge(2e-15, 0.8, 350.0) == pytest.approx(expected)


def test_reads_do_not_depend_on_the_batch():
    array = settings(charge=charge(readout="sharing", mismatch=0.05, noise_charge=0.5))
    layer = ProgrammedLayer(W, array, "a", 1)
    whole = layer.product(X)
    np.testing.assert_array_equal(
        np.vstack([layer.product(X[:1]), layer.product(X[1:], 0, 1)]), whole
    )
    assert (ProgrammedLayer(W, array, "a", 2).product(X) != whole).any()


def test_the_last_row_group_is_filled_with_empty_cells():
    totals = group_totals(np.ones((5, 2)), rows=3, empty=0.25)
    np.testing.assert_allclose(totals, [[3.0, 3.0], [2.25, 2.25]])


def test_from_a_design_point():
    nvcap = {"technology": "nvcap"}
    plain = ArraySettings.from_design(DesignPoint.model_validate({"cell": nvcap}))
    assert plain.charge.is_ideal
    assert not plain.has_charge_columns
    fields = {"step_capacitance": 1e-15, "voltage": 0.9, "readout": "sharing"}
    array = {"dac_bits": 2, "charge": fields}
    built = ArraySettings.from_design(DesignPoint.model_validate({"cell": nvcap, "array": array}))
    assert built.has_column_noise
    assert built.charge.noise_charge == pytest.approx(relative_noise_charge(1e-15, 0.3, 300.0))
    with pytest.raises(ValueError, match=r"array\.charge is given but cell\.technology is rram"):
        DesignPoint.model_validate({"array": array})
