"""The array product in native code: a layer is programmed once, then multiplied with many batches.

Same model and same random draws as :mod:`cimsim.arrays.reference`, the oracle; docs/simulator.md
derives the shortcuts. The environment variable CIMSIM_ISA forces an instruction set (portable,
avx2, avx512); the result does not depend on it.
"""

from __future__ import annotations

import os
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cimsim import _native
from cimsim.arrays import random
from cimsim.arrays.reference import array_product
from cimsim.arrays.settings import ArraySettings
from cimsim.arrays.shift import remove_shift, shifted_inputs, shifted_weights
from cimsim.devices.program import program

Floats = NDArray[np.float64]

EXACT_IN_FLOAT32 = 1 << 24
"""Integers up to here are exact in float32, whatever the order of a sum."""


class ProgrammedLayer:
    """The weights of one layer in the cells of one seed.

    Few fidelity switches of the reference tie all cells to each call and are left to the oracle,
    which programs them anew at each call: noise or drift directions shared by a batch, and float32
    accumulation of sums that float32 cannot hold.
    """

    def __init__(
        self, weights: NDArray[np.int8], settings: ArraySettings, layer: str, seed: int
    ) -> None:
        """Program signed weight codes [K, N] (any integer type).

        Raises:
            ValueError: a seed outside 0 to 2**32 - 1, or settings that no kernel can hold.
        """
        self._weights = weights
        self._settings = settings
        self._layer, self._seed = layer, seed
        self._column_sums = weights.sum(axis=0, dtype=np.int64)
        self._kernel: Any = None if self._needs_oracle() else self._program()

    def product(
        self, codes: NDArray[np.integer], zero_point: int = 0, first_vector: int = 0
    ) -> Floats:
        """Return the array's estimate of (codes - zero_point) @ weights, float64 [M, N].

        Args:
            codes: input codes [M, K]: 0 to 2**input_bits - 1, or signed with input_shift
                data_minimum.
            zero_point: code of the value 0.
            first_vector: number of the first vector among all vectors of this layer and seed.

        Raises:
            ValueError: wrong shape, codes out of range, or a zero point with data_minimum.
        """
        settings, rows = self._settings, len(self._weights)
        if codes.ndim != 2 or codes.shape[1] != rows:
            raise ValueError(f"codes have the shape {codes.shape}; allowed: (vectors, {rows})")
        if self._kernel is None:
            return array_product(
                codes, self._weights, settings, self._layer, self._seed, zero_point, first_vector
            )
        if settings.input_shift == "data_minimum":
            shifted = shifted_inputs(codes, settings, zero_point)
            dummy = random.DUMMY_VECTOR + first_vector
            z = np.vstack([self._read(shifted[:-1], first_vector), self._read(shifted[-1:], dummy)])
            return remove_shift(z, self._weights, settings, zero_point)
        self._check_range(codes)
        z = self._read(codes, first_vector)
        difference: Floats = z[:, :-1] - z[:, -1:]
        return difference - zero_point * self._column_sums if zero_point else difference

    def _read(self, codes: NDArray[np.integer], first_vector: int) -> Floats:
        """Return step * sum of codes by place, [vectors, N + 1], for shifted codes."""
        lowest_bits = codes.astype(np.uint16)
        sums = self._kernel.product(lowest_bits, first_vector, os.environ.get("CIMSIM_ISA", ""))
        result: Floats = self._settings.adc_step * sums.astype(np.float64)
        return result

    def _check_range(self, codes: NDArray[np.integer]) -> None:
        top = (1 << self._settings.input_bits) - 1
        if codes.size and not 0 <= int(codes.min()) <= int(codes.max()) <= top:
            raise ValueError(f"codes from {codes.min()} to {codes.max()}; allowed: 0 to {top}")

    def _needs_oracle(self) -> bool:
        settings = self._settings
        if settings.drifts_per_read:
            return True
        if settings.has_read_noise and settings.read_noise_scope == "batch":
            return True
        if settings.accumulation == "integer":
            return False
        places = (1 << settings.dac_bits * settings.input_cycles) - 1
        places *= (1 << settings.cell_bits * settings.cells_per_weight) - 1
        top = min(settings.adc_top, settings.largest_sum)
        if settings.varies or settings.drifts or settings.has_output_noise:
            top = settings.adc_top
        largest = top * places * settings.groups(len(self._weights))
        return 4 * largest > EXACT_IN_FLOAT32

    def _program(self) -> Any:
        settings = self._settings
        codes = shifted_weights(self._weights, settings)
        cells = program(codes, settings, self._layer, self._seed)
        geometry = native_settings(settings, codes.shape, self._layer, self._seed)
        exact = cells.conductance is None and bool(
            np.array_equal(settings.state_levels, np.arange(settings.states))
        )
        if settings.has_output_noise or (
            exact and (settings.cell_bits == 1 or not settings.has_read_noise)
        ):
            low, high = settings.states_mean[[0, -1]]
            return _native.ArrayLayer.of_digits(geometry, cells.digits, low, high)
        # Cells that deviate at random are summed at a finite resolution; what is deterministic is
        # exact, as slow as that may be.
        digits = cells.digits if settings.varies and settings.cell_bits == 1 else None
        return _native.ArrayLayer.of_conductances(
            geometry, cells.effective(settings), cells.reference, digits
        )


def native_settings(settings: ArraySettings, shape: tuple[int, int], layer: str, seed: int) -> Any:
    """Return the kernels' settings of a layer of `shape` (rows, columns with the dummy column)."""
    native = _native.LayerSettings()
    native.rows, native.columns = shape
    native.parallel_rows = settings.parallel_rows
    native.cell_bits, native.slices = settings.cell_bits, settings.cells_per_weight
    native.dac_bits, native.reads = settings.dac_bits, settings.input_cycles
    native.adc_top, native.adc_step = settings.adc_top, settings.adc_step
    native.read_noise = settings.read_noise if settings.has_read_noise else 0.0
    native.output_sigma = settings.output_sigma
    if settings.output_mean is not None and settings.output_std is not None:
        native.output_sigma = 0.0
        native.output_mean = settings.output_mean.tolist()
        native.output_std = settings.output_std.tolist()
    native.seed, native.layer = random.make_key(seed, layer)
    return native
