"""What makes an array differ from the product of integers, effect by effect.

An effect is switched off by giving its fields of :class:`ArraySettings` the values of an ideal
array. With all effects off and an ADC that resolves every sum, the product is exact.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import numpy as np

from cimsim.arrays.settings import ArraySettings

Off = Callable[[ArraySettings], dict[str, Any]]


def _evenly_spaced(settings: ArraySettings) -> dict[str, Any]:
    even = np.arange(settings.states, dtype=np.float64)
    if np.array_equal(settings.state_levels, even):
        return {}
    return {"states_mean": float(settings.states_mean[0]) + even}


EFFECTS: dict[str, Off] = {
    "state_spacing": _evenly_spaced,
    "stuck_at": lambda _: {"stuck_at_0": 0.0, "stuck_at_1": 0.0},
    "device_variation": lambda settings: {
        "device_variation": 0.0,
        "states_std": np.zeros(settings.states),
    },
    "retention": lambda _: {"drift_time": 0.0, "drift_exponent": 0.0, "drift_exponents": None},
    "read_noise": lambda _: {"read_noise": 0.0},
    "ir_drop": lambda _: {"row_wire": 0.0, "column_wire": 0.0},
    "charge": lambda settings: {"charge": None} if settings.has_charge_columns else {},
    "output_noise": lambda _: {"output_sigma": 0.0, "output_mean": None, "output_std": None},
    "adc_errors": lambda _: {"adc_offset": 0.0, "adc_gain_error": 0.0, "adc_inl": None},
}
"""How each effect is switched off, in the order in which the array suffers them."""

OF_CELLS = ("state_spacing", "device_variation", "retention", "read_noise", "ir_drop", "charge")
"""Effects of single cells, which output noise replaces."""


def without(settings: ArraySettings, effects: Iterable[str]) -> ArraySettings:
    """Return `settings` with some effects switched off."""
    for effect in effects:
        settings = replace(settings, **EFFECTS[effect](settings))
    return settings


def active_effects(settings: ArraySettings) -> list[str]:
    """Return the effects that change anything, in order."""
    replaced = OF_CELLS if settings.has_output_noise else ()
    return [
        effect
        for effect, off in EFFECTS.items()
        if effect not in replaced and _differs(settings, off(settings))
    ]


def resolving(settings: ArraySettings) -> ArraySettings:
    """Return `settings` with an ADC that has a code for every ideal column sum.

    Errors of the ADC are in codes of the design's own one, which they keep.
    """
    if settings.has_adc_errors:
        return settings
    return replace(settings, adc_top=settings.largest_sum, adc_step=1.0)


def ideal(settings: ArraySettings) -> ArraySettings:
    """Return `settings` of an array that gives the product of integers exactly."""
    return replace(resolving(without(settings, EFFECTS)), accumulation="integer")


def _differs(settings: ArraySettings, neutral: dict[str, Any]) -> bool:
    return any(
        not np.array_equal(getattr(settings, name), value)
        if isinstance(value, np.ndarray)
        else getattr(settings, name) != value
        for name, value in neutral.items()
    )
