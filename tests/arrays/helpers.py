"""Settings and operands of small arrays, shared by the tests of kernels."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cimsim.arrays.settings import ArraySettings

FINER = 1 << 20
"""The oracle's ADC with a step this much finer shows the analog value."""

NUMBER_ERROR = 4.6e-4
"""Error of the native kernels' normal numbers of read noise; see test_kernels.py."""


def make_settings(**changes: Any) -> ArraySettings:
    """Return settings of an array that clips: 128 rows, codes up to 127, states 0.06, 1.06, ..."""
    states = 1 << changes.get("cell_bits", 1)
    values: dict[str, Any] = {
        "weight_bits": 8,
        "input_bits": 8,
        "cell_bits": 1,
        "dac_bits": 1,
        "parallel_rows": 128,
        "adc_top": 127,
        "adc_step": 1.0,
        "states_mean": 0.06 + np.arange(states),
        "states_std": np.zeros(states),
    }
    return ArraySettings(**(values | changes))


def operands(
    settings: ArraySettings, rows: int, columns: int, vectors: int, seed: int = 0
) -> tuple[NDArray[np.unsignedinteger], NDArray[np.signedinteger]]:
    """Return random input codes [vectors, rows] and weights [rows, columns] of all bits."""
    rng = np.random.default_rng(seed)
    half = 1 << (settings.weight_bits - 1)
    weights = rng.integers(-half, half, (rows, columns))
    codes = rng.integers(0, 1 << settings.input_bits, (vectors, rows))
    return (
        codes.astype(np.uint8 if settings.input_bits <= 8 else np.uint16),
        weights.astype(np.int8 if settings.weight_bits <= 8 else np.int16),
    )
