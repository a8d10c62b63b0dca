"""Ideal column sums of a layer: what a calibrated ADC range is chosen from."""

from __future__ import annotations

import os

import numpy as np
from numpy.typing import NDArray

from cimsim import _native
from cimsim.arrays.product import MOST_SLICES, most_reads, native_settings, parts_of
from cimsim.arrays.settings import ArraySettings
from cimsim.arrays.shift import shifted_inputs
from cimsim.arrays.signed import split
from cimsim.devices.program import slice_digits


def column_sum_histogram(
    codes: NDArray[np.integer], weights: NDArray[np.integer], settings: ArraySettings
) -> NDArray[np.int64]:
    """Return how many reads have each ideal column sum, int64 [settings.largest_sum + 1].

    Counts all vectors, input cycles, slices, row groups and columns. The dummy column (and with
    input_shift data_minimum the dummy vector) is converted like any other and counted like it.

    Args:
        codes: input codes [M, K]. weights: signed weight codes [K, N].
    """
    inputs = shifted_inputs(codes, settings, zero_point=0).astype(np.uint16)
    counts = np.zeros(settings.largest_sum + 1, dtype=np.int64)
    for part in split(weights, settings):
        digits = slice_digits(part.codes, settings.cell_bits, part.settings.cells_per_weight)
        for slices in parts_of(len(digits), MOST_SLICES):
            geometry = native_settings(part.settings, part.codes.shape, "", 0, slices)
            geometry.read_noise = geometry.output_sigma = 0.0
            geometry.output_mean = geometry.output_std = []
            for cycles in parts_of(settings.input_cycles, most_reads(settings)):
                geometry.reads = len(cycles)
                layer = _native.ArrayLayer.of_digits(geometry, digits[slices[0] : slices[-1] + 1])
                below = 1 << (len(cycles) * settings.dac_bits)
                given = inputs >> (cycles[0] * settings.dac_bits) & (below - 1)
                found = layer.column_sums(given, os.environ.get("CIMSIM_ISA", ""))
                counts[: len(found)] += found
    return counts
