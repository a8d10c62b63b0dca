"""Effects of an array, one by one."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest

from cimsim.arrays.effects import EFFECTS, active_effects, ideal, resolving, without
from cimsim.arrays.product import ProgrammedLayer
from cimsim.arrays.settings import ArraySettings
from cimsim.devices.charge import ChargeColumns

STRUCTURE = {
    "weight_bits",
    "input_bits",
    "cell_bits",
    "dac_bits",
    "parallel_rows",
    "adc_top",
    "adc_step",
    "input_shift",
    "signed_weights",
}
"""Fields that say what the array is, not how it deviates; the ADC is a step of its own."""

HOW = {
    "variation_unit",
    "variation_distribution",
    "stuck_at_rates",
    "read_noise_scope",
    "drift_direction",
    "drift_target",
    "drift_direction_scope",
    "drift_bounds",
    "negative_conductance",
    "accumulation",
    "subarray_rows",
    "subarray_columns",
    "adc_columns",
}
"""Fields that shape an effect and mean nothing without it."""

ALL = {
    "states_mean": np.array([0.5, 1.4, 2.6, 3.5]),
    "states_std": np.full(4, 0.05),
    "stuck_at_0": 0.02,
    "drift_time": 100.0,
    "drift_exponent": 0.05,
    "read_noise": 0.05,
}


def test_every_field_is_structure_or_part_of_an_effect(settings) -> None:
    sharing = ChargeColumns("sharing", 2.0, 128.0, 0.0, 0.0, 0.0)
    array = settings(cell_bits=2, charge=sharing, **ALL)
    switched = {name for off in EFFECTS.values() for name in off(array)}
    known = switched | STRUCTURE | HOW
    assert {field.name for field in fields(ArraySettings)} == known
    assert len(known) == len(switched) + len(STRUCTURE) + len(HOW)


def test_active_effects(settings) -> None:
    array = settings(cell_bits=2, **ALL)
    assert active_effects(array) == [
        "state_spacing",
        "stuck_at",
        "device_variation",
        "retention",
        "read_noise",
    ]
    assert active_effects(without(array, ["stuck_at", "read_noise"])) == [
        "state_spacing",
        "device_variation",
        "retention",
    ]
    noisy = settings(output_sigma=0.3, read_noise=0.1, stuck_at_0=0.1)
    assert active_effects(noisy) == ["stuck_at", "output_noise"]
    assert active_effects(settings()) == []
    rounded = np.array([1.0, 2.0, 3.0, 4.0]) / 17.0 * 17.0 + 1e-15
    assert active_effects(settings(cell_bits=2, states_mean=rounded)) == []


@pytest.mark.parametrize("effect", ["state_spacing", "stuck_at", "device_variation", "retention"])
def test_an_ideal_array_is_exact_and_one_effect_spoils_it(settings, effect) -> None:
    draw = np.random.default_rng(0)
    weights = draw.integers(-127, 128, (150, 7)).astype(np.int8)
    codes = draw.integers(0, 256, (9, 150)).astype(np.uint8)
    array = settings(cell_bits=2, adc_top=63, adc_step=2.0, **ALL)
    exact = codes.astype(np.int64) @ weights.astype(np.int64)
    assert np.array_equal(ProgrammedLayer(weights, ideal(array), "layer", 1).product(codes), exact)
    alone = resolving(without(array, [other for other in EFFECTS if other != effect]))
    assert not np.array_equal(ProgrammedLayer(weights, alone, "layer", 1).product(codes), exact)


def test_the_adc_is_no_effect(settings) -> None:
    array = settings(adc_top=15, adc_step=3.0)
    assert active_effects(array) == []
    assert (resolving(array).adc_top, resolving(array).adc_step) == (128, 1.0)
