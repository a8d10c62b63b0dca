"""Settings of a small array, to be changed by the tests."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from cimsim.arrays.settings import ArraySettings


def small_settings(**changes: Any) -> ArraySettings:
    """Return settings with evenly spaced states g_0 = 0.5 and an ADC that resolves every sum."""
    cell_bits = changes.get("cell_bits", 1)
    values: dict[str, Any] = {
        "weight_bits": 8,
        "input_bits": 8,
        "cell_bits": cell_bits,
        "dac_bits": 1,
        "parallel_rows": 128,
        "adc_top": 1 << 30,
        "adc_step": 1.0,
        "states_mean": 0.5 + np.arange(1 << cell_bits),
        "states_std": np.zeros(1 << cell_bits),
    }
    return ArraySettings(**(values | changes))


@pytest.fixture(scope="session")
def settings() -> Callable[..., ArraySettings]:
    """Return a function that makes settings from what differs from a small, ideal array."""
    return small_settings
