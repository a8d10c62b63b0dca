"""The array product in native code: a layer is programmed once, then multiplied with many batches.

Same model and same random draws as :mod:`cimsim.arrays.reference`, the oracle; docs/simulator.md
derives the shortcuts. The environment variable CIMSIM_ISA forces an instruction set (portable,
avx2, avx512, avx512vbmi); the result does not depend on it. On the device "cuda" the kernels are
those of :mod:`cimsim.arrays.gpu`.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from cimsim import _native
from cimsim.arrays import random
from cimsim.arrays.adc import all_transitions, convert_position, static_errors
from cimsim.arrays.reference import Oracle
from cimsim.arrays.settings import ArraySettings
from cimsim.arrays.shift import shifted_inputs
from cimsim.arrays.signed import Part, join, split
from cimsim.devices.program import CellBlocks, program_blocks

Floats = NDArray[np.float64]

Device = Literal["cpu", "cuda"]

EXACT_IN_FLOAT32 = 1 << 24
"""Integers up to here are exact in float32, whatever the order of a sum."""

MOST_READS = 8
"""Input cycles of a vector that the kernels have room for."""

MOST_SLICES = 8
"""Cells of a weight that the kernels have room for."""

MOST_READ_BITS = 16
"""Bits of a vector's codes that the kernels take, all cycles together."""

MOST_ROWS = 4096
"""Rows that the kernels read together at most."""

MOST_INL = 1000.0
"""INL (codes) below which the native kernels have room for the transitions."""

CODES_AT_ONCE = 1 << 21
"""ADC codes (about) that the oracle holds at a time."""


class ProgrammedLayer:
    """The weights of one layer in the cells of one seed.

    What no kernel has is left to the oracle: noise or drift directions shared by a batch (fidelity
    switches of the reference that tie all cells to each call), float32 accumulation of sums that
    float32 cannot hold, errors of the ADC with output noise, and inputs of more than 16 bits in all
    cycles together. On a GPU also errors of the ADC that no cells can stand for, noise of sampled
    charge, inputs of more than 8 cycles and weights of more than 8 cells.
    """

    def __init__(
        self,
        weights: NDArray[np.integer],
        settings: ArraySettings,
        layer: str,
        seed: int,
        device: Device = "cpu",
    ) -> None:
        """Program signed weight codes [K, N] (any integer type).

        Raises:
            UserError: the device is "cuda", and there is none or no Triton.
            ValueError: a seed outside 0 to 2**32 - 1, or settings that no kernel can hold.
        """
        self._weights, self._settings = weights, settings
        needs_oracle = self._needs_oracle(device)
        self._oracle = Oracle(weights, settings, layer, seed) if needs_oracle else None
        self._kernels = [] if self._oracle else self._program(layer, seed, device)

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
        if settings.input_shift == "zero_point":
            self._check_range(codes)
        if self._oracle is not None:
            return self._by_oracle(self._oracle, codes, zero_point, first_vector)
        if settings.input_shift == "data_minimum":
            shifted = shifted_inputs(codes, settings, zero_point)
            dummy = random.DUMMY_VECTOR + first_vector
            z = np.vstack([self._read(shifted[:-1], first_vector), self._read(shifted[-1:], dummy)])
            return join([z], self._weights, settings, zero_point)
        results = [self._read(codes, first_vector, part) for part in range(len(self._kernels))]
        return join(results, self._weights, settings, zero_point)

    def _read(self, codes: NDArray[np.integer], first_vector: int, part: int = 0) -> Floats:
        """Return step * sum of codes by place, [vectors, columns], for shifted codes."""
        isa = os.environ.get("CIMSIM_ISA", "")
        lowest_bits: NDArray[Any] = codes if codes.dtype == np.uint8 else codes.astype(np.uint16)
        if _errors_are_cells(self._settings):
            lowest_bits = with_constant_inputs(lowest_bits, self._settings)
        (_, kernel), *others = self._kernels[part]
        sums = kernel.product(lowest_bits, first_vector, isa)
        for first_slice, kernel in others:
            place = first_slice * self._settings.cell_bits
            sums = sums + (kernel.product(lowest_bits, first_vector, isa) << place)
        result: Floats = sums.astype(np.float64)
        result *= self._settings.adc_step
        return result

    def _by_oracle(
        self, oracle: Oracle, codes: NDArray[np.integer], zero_point: int, first_vector: int
    ) -> Floats:
        """Return the oracle's product, in blocks of vectors unless a call is a unit."""
        settings, (rows, columns) = self._settings, self._weights.shape
        if settings.ties_a_call:
            return oracle.reads(codes, zero_point, first_vector).product
        reads = settings.input_cycles * settings.weight_bits * settings.groups(rows)
        block = max(1, CODES_AT_ONCE // (reads * 2 * (columns + 1)))
        result = np.empty((len(codes), columns))
        for start in range(0, len(codes), block):
            part = slice(start, start + block)
            result[part] = oracle.reads(codes[part], zero_point, first_vector + start).product
        return result

    def _check_range(self, codes: NDArray[np.integer]) -> None:
        top = (1 << self._settings.input_bits) - 1
        if codes.dtype == np.uint8 and top >= 255:
            return
        if codes.size and not 0 <= int(codes.min()) <= int(codes.max()) <= top:
            raise ValueError(f"codes from {codes.min()} to {codes.max()}; allowed: 0 to {top}")

    def _needs_oracle(self, device: Device) -> bool:
        settings = self._settings
        if settings.drifts_per_read:
            return True
        if not _has_room(settings, device):
            return True
        if _has_column_errors(settings) and not (device == "cpu" and _kernels_convert(settings)):
            return True
        if settings.has_read_noise and settings.read_noise_scope == "batch":
            return True
        if settings.accumulation == "integer":
            return False
        places = (1 << settings.dac_bits * settings.input_cycles) - 1
        places *= (1 << settings.cell_bits * settings.cells_per_weight) - 1
        top = min(settings.adc_top, settings.largest_sum)
        if settings.has_output_noise or settings.has_adc_errors or not settings.at_means:
            top = settings.adc_top
        largest = top * places * settings.groups(len(self._weights))
        return 4 * largest > EXACT_IN_FLOAT32

    def _program(self, layer: str, seed: int, device: Device) -> list[list[tuple[int, Any]]]:
        """Return for each part its kernels, with the number of their first slice."""
        kernels, parts = _kernels(device), split(self._weights, self._settings)
        return [_program(kernels, part, layer + part.stream, seed) for part in parts]


def most_reads(settings: ArraySettings) -> int:
    """Return the input cycles that a kernel takes at once."""
    return min(MOST_READS, MOST_READ_BITS // settings.dac_bits)


def _has_room(settings: ArraySettings, device: Device) -> bool:
    """True if the kernels have room for the cycles of an input and the cells of a weight."""
    if device == "cpu" and settings.dac_bits == 1:
        return settings.input_cycles <= MOST_READ_BITS
    if settings.input_cycles > most_reads(settings):
        return False
    return device == "cpu" or settings.cells_per_weight <= MOST_SLICES


def _has_code_table(settings: ArraySettings) -> bool:
    """True if the ADC's INL is a matter of integer sums: then a table holds the code of each.

    The kernels leave out reads without an active row, so that the code of 0 has to be 0.
    """
    inl = settings.adc_inl
    if inl is None or not settings.has_integer_sums:
        return False
    linear = settings.adc_offset == settings.adc_gain_error == 0.0
    return linear and not convert_position(np.zeros(1), settings.adc_top, inl).any()


def _errors_are_cells(settings: ArraySettings) -> bool:
    """True if offset and gain of the ADCs are held by the cells; see :func:`_with_adc_errors`."""
    linear = settings.has_adc_errors and settings.adc_errors_are_linear
    room = settings.parallel_rows < MOST_ROWS  # for a row that is always on
    return linear and room and not settings.has_column_noise


def _has_column_errors(settings: ArraySettings) -> bool:
    """True if columns or ADCs have deviations that neither cells nor a table of codes hold."""
    elsewhere = _errors_are_cells(settings) or _has_code_table(settings)
    return settings.has_column_noise or (settings.has_adc_errors and not elsewhere)


def _kernels_convert(settings: ArraySettings) -> bool:
    """True if the native kernels have room for the deviations of columns and ADCs."""
    inl = settings.adc_inl
    fits = inl is None or (len(inl) == settings.adc_top and bool(np.abs(inl).max() < MOST_INL))
    return fits and not settings.has_output_noise


def _kernels(device: Device) -> Any:
    """Return the class of programmed layers of a device."""
    if device == "cpu":
        return _native.ArrayLayer
    from cimsim.arrays import gpu  # loads torch

    gpu.require_gpu()
    return gpu.GpuLayer


def _program(kernels: Any, part: Part, layer: str, seed: int) -> list[tuple[int, Any]]:
    """Return layers of class `kernels` that hold the cells of a part, MOST_SLICES each, with the
    number of the first slice."""
    settings = part.settings
    cells = program_blocks(part.codes, settings, layer, seed)
    return [
        (slices[0], _hold(kernels, cells, settings, slices, part.codes.shape, layer, seed))
        for slices in parts_of(settings.cells_per_weight, MOST_SLICES)
    ]


def parts_of(count: int, most: int) -> list[range]:
    """Return 0 to count - 1 in ranges of at most `most`."""
    return [range(count)[first : first + most] for first in range(0, count, most)]


def _hold(
    kernels: Any,
    cells: CellBlocks,
    settings: ArraySettings,
    slices: range,
    shape: tuple[int, int],
    layer: str,
    seed: int,
) -> Any:
    """Return the layer, of class `kernels`, that holds some slices of cells."""

    def effective(j: int, first: int, last: int) -> Floats:
        return cells.effective(slices[j], first, last)

    geometry = native_settings(settings, shape, layer, seed, slices)
    errors = _static_errors(settings, slices, shape, random.make_key(seed, layer))
    if _has_column_errors(settings):
        given = _column_errors(settings, cells, slices, *errors)
        return kernels.of_conductances(geometry, effective, cells.reference, **given)
    if _errors_are_cells(settings):
        return _with_adc_errors(kernels, effective, settings, geometry, *errors)
    exact = settings.at_means and bool(
        np.array_equal(settings.state_levels, np.arange(settings.states))
    )
    if settings.has_output_noise or (
        exact and (settings.cell_bits == 1 or not settings.has_read_noise)
    ):
        low, high = settings.states_mean[[0, -1]]
        digits = cells.digits[slices.start : slices.stop]
        return kernels.of_digits(geometry, digits, low, high)
    return kernels.of_conductances(geometry, effective, cells.reference)


def _static_errors(
    settings: ArraySettings, slices: range, shape: tuple[int, int], key: random.Key
) -> tuple[Floats, Floats]:
    """Return offset (codes) and relative gain error of the ADCs, [len(slices), G, C]."""
    rows, columns = shape
    errors = [static_errors(settings, key, settings.groups(rows), columns, j) for j in slices]
    offset, gain = zip(*errors, strict=True)
    return np.stack(offset), np.stack(gain)


def _column_errors(
    settings: ArraySettings, cells: CellBlocks, slices: range, offset: Floats, gain: Floats
) -> dict[str, Floats]:
    """Return the deviations of columns and ADCs as the native kernels take them: arrays
    [len(slices), G, C], reference_noise [G] and transitions [adc_top]."""
    errors = {}
    if settings.adc_offset > 0.0:
        errors["offset"] = offset
    if settings.adc_gain_error > 0.0:
        errors["gain"] = gain
    if settings.adc_inl is not None:
        errors["transitions"] = all_transitions(settings.adc_inl)
    if cells.noise is not None:
        own, errors["reference_noise"] = cells.noise
        errors["noise"] = own[slices.start : slices.stop]
    return errors


def _with_adc_errors(
    kernels: Any,
    effective: Callable[[int, int, int], Floats],
    settings: ArraySettings,
    geometry: Any,
    offset: Floats,
    gain: Floats,
) -> Any:
    """Return a kernel whose cells stand for the gain and the offset of the ADCs.

    The gain scales a column of a row group. The offset is one more cell at the end of each group,
    whose input digit is 1 in every read. Without read noise this is exact.
    """
    rows, read = geometry.rows, settings.parallel_rows

    def with_errors(j: int, first: int, last: int) -> Floats:
        """Return whole row groups, which is what the kernels ask for."""
        blocks = []
        for group in range(first // (read + 1), -(-last // (read + 1))):
            cells = effective(j, group * read, min((group + 1) * read, rows))
            constant = offset[j, group : group + 1] * settings.adc_step
            blocks += [cells * (1.0 + gain[j, group]), constant]
        return np.vstack(blocks)

    geometry.rows = rows + settings.groups(rows)
    geometry.parallel_rows = read + 1
    return kernels.of_conductances(geometry, with_errors, np.zeros(geometry.rows))


def with_constant_inputs(codes: NDArray[np.uint16], settings: ArraySettings) -> NDArray[np.uint16]:
    """Return codes [M, K + G] with one more input at the end of each row group, of digits 1."""
    rows, read = codes.shape[1], settings.parallel_rows
    ends = np.minimum((np.arange(settings.groups(rows)) + 1) * read, rows)
    ones = sum(1 << (settings.dac_bits * i) for i in range(settings.input_cycles))
    return np.insert(codes, ends, np.uint16(ones), axis=1)


def native_settings(
    settings: ArraySettings, shape: tuple[int, int], layer: str, seed: int, slices: range
) -> Any:
    """Return the kernels' settings of some slices of a layer of `shape` (rows, columns)."""
    native = _native.LayerSettings()
    native.rows, native.columns = shape
    native.parallel_rows = settings.parallel_rows
    native.cell_bits, native.slices = settings.cell_bits, len(slices)
    native.first_slice, native.all_slices = slices.start, settings.cells_per_weight
    native.dac_bits, native.reads = settings.dac_bits, settings.input_cycles
    native.adc_top, native.adc_step = settings.adc_top, settings.adc_step
    if _has_code_table(settings):
        sums = np.arange(settings.largest_sum + 1) / settings.adc_step
        table = convert_position(sums, settings.adc_top, settings.adc_inl)
        native.code_of_sum = table.tolist()
    native.read_noise = settings.read_noise if settings.has_read_noise else 0.0
    native.output_sigma = settings.output_sigma
    if settings.output_mean is not None and settings.output_std is not None:
        native.output_sigma = 0.0
        native.output_mean = settings.output_mean.tolist()
        native.output_std = settings.output_std.tolist()
    native.seed, native.layer = random.make_key(seed, layer)
    return native
