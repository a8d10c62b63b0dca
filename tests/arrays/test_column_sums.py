"""The histogram of column sums against counting them one by one."""

import numpy as np
import pytest

from cimsim.arrays.column_sums import column_sum_histogram
from cimsim.arrays.settings import ArraySettings


@pytest.mark.parametrize(
    ("cell_bits", "dac_bits", "parallel_rows", "bits"),
    [(1, 1, 16, 5), (2, 1, 16, 5), (1, 3, 7, 5), (4, 2, 100, 5), (1, 1, 16, 13), (2, 3, 16, 16)],
)
def test_every_sum_is_counted(cell_bits, dac_bits, parallel_rows, bits):
    states = 1 << cell_bits
    settings = ArraySettings(
        weight_bits=bits + 1 if bits < 16 else 16,
        input_bits=bits,
        cell_bits=cell_bits,
        dac_bits=dac_bits,
        parallel_rows=parallel_rows,
        adc_top=1,
        adc_step=1.0,
        states_mean=np.arange(states, dtype=np.float64),
        states_std=np.zeros(states),
        output_sigma=0.3,
    )
    rng = np.random.default_rng(cell_bits)
    codes = rng.integers(0, 1 << bits, (5, 40)).astype(np.uint16)
    codes[2] = 0
    half = 1 << (settings.weight_bits - 1)
    weights = rng.integers(-half, half, (40, 9)).astype(np.int16)
    stored = np.hstack([weights.astype(int) + half, np.full((40, 1), half)])
    expected = np.zeros(parallel_rows * (states - 1) * ((1 << dac_bits) - 1) + 1, dtype=np.int64)
    for i in range(settings.input_cycles):
        x = (codes.astype(int) >> (dac_bits * i)) & ((1 << dac_bits) - 1)
        for j in range(settings.cells_per_weight):
            w = (stored >> (cell_bits * j)) & (states - 1)
            for first in range(0, 40, parallel_rows):
                rows = slice(first, first + parallel_rows)
                np.add.at(expected, x[:, rows] @ w[rows], 1)
    found = column_sum_histogram(codes, weights, settings)
    assert found.dtype == np.int64
    assert np.array_equal(found, expected)
