"""The frozen cells of a layer: digits, frozenness, common random numbers, bounds of drift."""

import sys
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cimsim.arrays.settings import ArraySettings
from cimsim.devices.charge import ChargeColumns
from cimsim.devices.program import drift_for_one_read, program, program_blocks, slice_digits

CODES = np.random.default_rng(0).integers(0, 256, (70, 9))


def settings(**changes):
    values = {
        "weight_bits": 8,
        "input_bits": 8,
        "cell_bits": 2,
        "dac_bits": 1,
        "parallel_rows": 32,
        "adc_top": 127,
        "adc_step": 1.0,
        "states_mean": np.array([0.5, 1.5, 2.5, 3.5]),
        "states_std": np.zeros(4),
    }
    return ArraySettings(**(values | changes))


@given(bits=st.integers(1, 8), code=st.integers(-256, 255))
def test_digits_make_up_the_code(bits, code):
    count = -(-9 // bits)
    digits = slice_digits(np.array([[code]]), bits, count)
    assert digits.max() < 1 << bits
    total = sum(int(d) << (bits * i) for i, d in enumerate(digits.ravel()))
    assert total == code % (1 << (bits * count))


def test_without_deviations_the_states_say_it_all():
    cells = program(CODES, settings(), "a", 1)
    assert cells.conductance is None
    assert set(cells.reference) == {0.5}
    np.testing.assert_array_equal(cells.effective(settings()), cells.digits)
    weights = 4 ** np.arange(4)
    np.testing.assert_array_equal(np.tensordot(weights, cells.digits, 1), CODES)


def test_variation_is_the_table_and_a_share_of_the_mean():
    codes = np.full((400, 300), 0b11100100)  # states 0, 1, 2, 3 from the lowest slice up
    table = np.array([0.05, 0.1, 0.2, 0.1])
    cells = program(codes, settings(states_std=table, device_variation=0.1), "a", 1)
    for state, conductance in enumerate(cells.conductance):
        mean, std = state + 0.5, table[state] + 0.1 * (state + 0.5)
        assert conductance.mean() == pytest.approx(mean, abs=4.5 * std / np.sqrt(conductance.size))
        assert conductance.std() == pytest.approx(std, rel=4.5 / np.sqrt(2 * conductance.size))
    std = 0.05 + 0.1 * 0.5
    assert cells.reference.mean() == pytest.approx(0.5, abs=4.5 * std / 20)
    assert cells.reference.std() == pytest.approx(std, rel=4.5 / np.sqrt(2 * 400))


def test_cells_differ_between_slices_seeds_layers_and_the_reference():
    variable = settings(device_variation=0.1)
    codes = np.zeros((40, 40), dtype=int)
    drawn = [
        program(codes, variable, layer, seed).conductance[j].ravel()
        for layer, seed in (("a", 1), ("a", 2), ("b", 1))
        for j in range(4)
    ]
    correlations = np.corrcoef(drawn)[np.triu_indices(len(drawn), 1)]
    assert np.abs(correlations).max() < 4.5 / np.sqrt(codes.size)
    reference = program(codes, variable, "a", 1).reference
    assert np.abs(reference - drawn[0].reshape(40, 40)[:, 0]).min() > 0.0


def test_the_same_cells_at_every_level_of_variation():
    small = program(CODES, settings(device_variation=0.05), "a", 7).conductance
    large = program(CODES, settings(device_variation=0.1), "a", 7).conductance
    mean = settings().states_mean[program(CODES, settings(), "a", 7).digits]
    np.testing.assert_allclose(large - mean, 2.0 * (small - mean), atol=1e-12)


def test_the_cells_of_a_column_do_not_depend_on_the_number_of_columns():
    variable = settings(device_variation=0.1, stuck_at_0=0.1, stuck_at_1=0.1)
    all_columns = program(CODES, variable, "a", 7)
    some = program(CODES[:, :3], variable, "a", 7)
    np.testing.assert_array_equal(all_columns.conductance[:, :, :3], some.conductance)
    np.testing.assert_array_equal(all_columns.digits[:, :, :3], some.digits)


def test_a_stuck_cell_is_in_the_lowest_or_highest_state():
    healthy = program(CODES, settings(), "a", 7).digits
    faulty = program(CODES, settings(stuck_at_0=0.2, stuck_at_1=0.1), "a", 7).digits
    changed = faulty[faulty != healthy]
    assert set(changed) == {0, 3}
    assert np.mean(faulty == healthy) == pytest.approx(1 - 0.3 * 0.75, abs=0.02)


def test_an_incomplete_highest_cell_still_sticks_at_its_highest_state():
    cells = program(CODES, settings(weight_bits=7, stuck_at_1=1.0), "a", 7)
    assert cells.digits.shape[0] == 4
    assert set(cells.digits.ravel()) == {3}


def drifting(**changes):
    return settings(drift_time=100.0, drift_exponent=0.05, **changes)


def test_drift_towards_the_highest_state():
    cells = program(CODES, drifting(drift_target=1.0), "a", 1)
    start = np.array([0.5, 1.5, 2.5, 3.5])
    expected = np.minimum(start * 100**0.05, 3.5)
    np.testing.assert_allclose(cells.conductance, expected[cells.digits])
    np.testing.assert_allclose(cells.reference, 0.5 * 100**0.05)


def test_drift_within_observed_bounds_needs_other_states():
    # Slices that hold one state only, and the reference column, stay (quirk Q18).
    codes = np.full((64, 4), 0b10)
    cells = program(codes, drifting(drift_target=1.0, drift_bounds="observed"), "a", 1)
    np.testing.assert_allclose(cells.conductance[0], 2.5)
    np.testing.assert_allclose(cells.reference, 0.5)


def test_unused_rows_of_the_last_group_count_as_observed():
    full, part = np.full((64, 4), 3), np.full((63, 4), 3)
    observed = drifting(drift_target=0.0, drift_bounds="observed")
    np.testing.assert_allclose(program(full, observed, "a", 1).conductance[0], 3.5)
    np.testing.assert_allclose(program(part, observed, "a", 1).conductance[0], 3.5 * 100**-0.05)


def test_each_state_drifts_with_its_own_exponent():
    exponents = np.array([0.0, 0.02, 0.05, 0.1])
    moving = settings(drift_time=100.0, drift_exponents=exponents, drift_target=0.0)
    cells = program(CODES, moving, "a", 1)
    start = np.array([0.5, 1.5, 2.5, 3.5])
    np.testing.assert_allclose(cells.conductance, (start * 100.0**-exponents)[cells.digits])
    np.testing.assert_allclose(cells.reference, 0.5)
    same = replace(moving, drift_exponents=np.full(4, 0.05))
    one = replace(moving, drift_exponents=None, drift_exponent=0.05)
    for found, expected in zip(
        program(CODES, same, "a", 1).conductance,
        program(CODES, one, "a", 1).conductance,
        strict=True,
    ):
        np.testing.assert_array_equal(found, expected)


def test_varied_cells_outside_the_states_are_not_pulled_back():
    moving = drifting(drift_target=1.0, device_variation=0.5)
    before = program(CODES, replace(moving, drift_time=0.0), "a", 3).conductance
    after = program(CODES, moving, "a", 3).conductance
    assert (before > 3.5).any()
    assert (after[before > 3.5] <= before[before > 3.5]).all()
    below = before < 3.5
    np.testing.assert_allclose(after[below], np.minimum(before[below] * 100**0.05, 3.5))


def test_a_random_direction_belongs_to_the_device():
    moving = drifting(drift_direction="random")
    later = replace(moving, drift_time=1000.0)
    start = program(CODES, settings(), "a", 5)
    mean = moving.states_mean[start.digits]
    first = np.sign(program(CODES, moving, "a", 5).conductance - mean)
    second = np.sign(program(CODES, later, "a", 5).conductance - mean)
    np.testing.assert_array_equal(first, second)
    inner = (start.digits == 1) | (start.digits == 2)
    for value in (-1, 0, 1):
        assert np.mean(first[inner] == value) == pytest.approx(1 / 3, abs=0.05)


def test_directions_per_read_differ_by_cycle_and_call_and_move_the_reference_with_the_cell():
    moving = drifting(drift_direction="random", drift_direction_scope="read")
    cells = program(CODES, moving, "a", 5)
    drawn = [
        drift_for_one_read(cells, moving, (5, 6), cycle, 0, call)
        for cycle, call in ((0, 0), (1, 0), (0, 1))
    ]
    for conductance, reference in drawn:
        inner = (cells.digits[0] == 1) | (cells.digits[0] == 2)
        moved = np.sign(conductance - moving.states_mean[cells.digits[0]])
        with_cell = np.maximum(np.sign(reference - 0.5), 0)
        np.testing.assert_array_equal(np.maximum(moved, 0)[inner], with_cell[inner])
    assert (drawn[0][0] != drawn[1][0]).any()
    assert (drawn[0][0] != drawn[2][0]).any()


def test_cells_with_descending_states_drift_by_their_conductance():
    # The unit is negative where the conductance falls from state to state; complementary codes
    # then give the same conductances.
    for target in (0.0, 0.4, 1.0):
        rising = program(CODES, drifting(drift_target=target), "a", 1)
        mean = np.array([-3.5, -2.5, -1.5, -0.5])
        down = drifting(drift_target=target, states_mean=mean)
        falling = program(255 - CODES, down, "a", 1)
        np.testing.assert_allclose(-falling.conductance, rising.conductance)


CHARGE = ChargeColumns("sharing", 3.0, 0.0, 0.0, mismatch=0.05, noise_charge=0.0)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"states_mean": np.array([0.5, 1.4, 2.7, 3.5])},
        {"device_variation": 0.1, "stuck_at_0": 0.1, "stuck_at_1": 0.05},
        {"device_variation": 0.1, "stuck_at_0": 0.1, "stuck_at_rates": "squared"},
        {"device_variation": 0.1, "variation_distribution": "lognormal"},
        {"states_mean": -np.array([0.5, 1.5, 2.5, 3.5]), "device_variation": 0.3},
        {"device_variation": 0.1, "drift_time": 9.0, "drift_exponent": 0.1},
        {"drift_time": 9.0, "drift_exponent": 0.1, "drift_direction": "random"},
        {"drift_time": 9.0, "drift_exponents": np.array([0.1, 0.2, 0.0, 0.3])},
        {"drift_time": 9.0, "drift_exponent": 0.1, "drift_bounds": "observed"},
        {"device_variation": 0.1, "row_wire": 1e-4, "column_wire": 2e-4},
        {"device_variation": 0.1, "charge": CHARGE},
    ],
    ids=lambda changes: "-".join(changes) or "means",
)
def test_blocks_of_rows_are_the_whole_layer_in_parts(changes, monkeypatch):
    chosen = settings(**changes)
    whole = program(CODES, chosen, "a", 7)
    monkeypatch.setattr(sys.modules[program.__module__], "CELLS_AT_ONCE", 50)
    blocks = program_blocks(CODES, chosen, "a", 7)
    np.testing.assert_array_equal(blocks.digits, whole.digits)
    np.testing.assert_array_equal(blocks.reference, whole.reference)
    for j, expected in enumerate(whole.effective(chosen)):
        for first, last in ((0, 32), (32, 64), (64, 70), (5, 6)):
            np.testing.assert_array_equal(blocks.effective(j, first, last), expected[first:last])
