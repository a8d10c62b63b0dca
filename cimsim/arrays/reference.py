"""The array product in its simplest form: loops over reads, float64. The oracle of the fast paths.

Model: functional specification of DNN+NeuroSim V1.5, sections 4 and 5, with its faults corrected
unless a fidelity switch asks for them. X [M, K] input codes, W [K, N] signed weight codes; result
[M, N] is the array's estimate of (X - zero_point) @ W.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cimsim.arrays import random
from cimsim.arrays.adc import convert_position, static_errors
from cimsim.arrays.random import Key, Role
from cimsim.arrays.settings import ArraySettings
from cimsim.arrays.shift import shifted_inputs
from cimsim.arrays.signed import Part, join, split
from cimsim.devices.program import (
    ProgrammedCells,
    drift_for_one_read,
    program,
    slice_digits,
)

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class ArrayReads:
    """A product and every ADC code behind it.

    Attributes:
        product: float64 [M, N].
        codes: int64 [input cycle, slice, row group, vector, column]. Columns: signed_weights
            offset: the last one is the dummy column; differential: all positive columns, then all
            negative ones; twos_complement: the last slice is that of the sign. With input_shift
            data_minimum the last vector is the dummy vector.
    """

    product: Floats
    codes: Integers


def array_product(
    codes: NDArray[np.integer],
    weights: NDArray[np.integer],
    settings: ArraySettings,
    layer: str = "",
    seed: int = 0,
    zero_point: int = 0,
    first_vector: int = 0,
) -> Floats:
    """Return the product [M, N] alone; see :func:`array_reads`."""
    reads = array_reads(codes, weights, settings, layer, seed, zero_point, first_vector)
    return reads.product


def array_reads(
    codes: NDArray[np.integer],
    weights: NDArray[np.integer],
    settings: ArraySettings,
    layer: str = "",
    seed: int = 0,
    zero_point: int = 0,
    first_vector: int = 0,
) -> ArrayReads:
    """Return the array's estimate of (codes - zero_point) @ weights, and the ADC codes.

    Args:
        codes: [M, K], 0 to 2**input_bits - 1; signed with input_shift data_minimum.
        weights: [K, N], signed.
        settings: the array.
        layer, seed: name the random numbers.
        zero_point: code of the value 0 (input_shift zero_point).
        first_vector: number of the first vector among all of this layer and seed.

    Raises:
        ValueError: a zero point with input_shift data_minimum, which finds its own shift.
    """
    return Oracle(weights, settings, layer, seed).reads(codes, zero_point, first_vector)


class Oracle:
    """The cells of one layer and seed, and the simplest way to read them."""

    def __init__(
        self,
        weights: NDArray[np.integer],
        settings: ArraySettings,
        layer: str = "",
        seed: int = 0,
    ) -> None:
        """Program signed weights [K, N]; `layer` and `seed` name the random numbers."""
        self._weights, self._settings = weights, settings
        self._parts = [
            (
                part,
                program(part.codes, part.settings, layer + part.stream, seed),
                random.make_key(seed, layer + part.stream),
            )
            for part in split(weights, settings)
        ]

    def reads(
        self, codes: NDArray[np.integer], zero_point: int = 0, first_vector: int = 0
    ) -> ArrayReads:
        """Return the product and the ADC codes of input codes [M, K]; see :func:`array_reads`."""
        settings = self._settings
        inputs = shifted_inputs(codes, settings, zero_point)
        vectors = first_vector + np.arange(len(codes), dtype=np.int64)
        if settings.input_shift == "data_minimum":
            vectors = np.append(vectors, random.DUMMY_VECTOR + first_vector)
        digits = slice_digits(inputs, settings.dac_bits, settings.input_cycles)
        adc_codes = []
        for part, cells, key in self._parts:
            reader = _Reader(part.settings, cells, key, vectors, first_vector)
            adc_codes.append(_read(reader, part, digits))
        results = [
            recombine(found, part.settings)
            for found, (part, _, _) in zip(adc_codes, self._parts, strict=True)
        ]
        product = join(results, self._weights, settings, zero_point)
        return ArrayReads(product, np.concatenate(adc_codes, axis=1))


def _read(reader: _Reader, part: Part, digits: NDArray[np.uint8]) -> Integers:
    """Return the ADC codes of a part for input digits [cycle, vector, K]."""
    slices = range(part.settings.cells_per_weight)
    return np.stack(
        [np.stack([reader.read_slice(x, i, j) for j in slices]) for i, x in enumerate(digits)]
    )


def recombine(codes: Integers, settings: ArraySettings) -> Floats:
    """Return Z = step * sum_i D**i sum_j B**j sum_groups code, float64 [vectors, columns].

    Exact in integers, or each sum rounded to float32 in this order as in the reference (quirk Q15).
    """
    sums = codes.sum(axis=2)
    number = np.float32 if settings.accumulation == "float32" else np.int64
    total = np.zeros(sums.shape[2:], dtype=number)
    for i, by_slice in enumerate(sums):
        cycle = np.zeros_like(total)
        for j, group_sum in enumerate(by_slice):
            cycle = cycle + group_sum.astype(number) * number(1 << (settings.cell_bits * j))
        total = total + cycle * number(1 << (settings.dac_bits * i))
    return settings.adc_step * total.astype(np.float64)


@dataclass(frozen=True, eq=False)
class _Reader:
    """Reads the cells of one layer and seed for the vectors of one call."""

    settings: ArraySettings
    cells: ProgrammedCells
    key: Key
    vectors: Integers
    first_vector: int

    def read_slice(self, x: NDArray[np.uint8], i: int, j: int) -> Integers:
        """Return the ADC codes [group, vector, column] of input digits x [vectors, K], slice j."""
        settings = self.settings
        rows = x.shape[1]
        if settings.has_output_noise:
            cells = self.cells.digits[j].astype(np.float64)
        else:
            cells, ideal, reference = self._cells_in_cycle(i, j)
        groups = settings.groups(rows)
        offset, gain = static_errors(settings, self.key, groups, cells.shape[1], j)
        result = []
        for group in range(groups):
            part = slice(group * settings.parallel_rows, (group + 1) * settings.parallel_rows)
            read = (group * settings.input_cycles + i) * settings.cells_per_weight + j
            digits = x[:, part].astype(np.float64)
            sums = digits @ cells[part]
            if settings.has_output_noise:
                sums = self._output(sums, read)
            elif settings.has_read_noise and settings.read_noise_scope == "read":
                noise = self._read_noise(digits, ideal[part], reference[part], group, i, j)
                sums = sums + noise
            if self.cells.noise is not None:
                own, common = self.cells.noise
                sums = sums + self._column_noise(own[j, group], common[group], read)
            position = sums / settings.adc_step * (1.0 + gain[group]) + offset[group]
            result.append(convert_position(position, settings.adc_top, settings.adc_inl))
        return np.stack(result)

    def _cells_in_cycle(self, i: int, j: int) -> tuple[Floats, Floats, Floats]:
        """Return effective conductance [K, C], conductance [K, C] and reference ([K, 1] or [K, C])
        of slice j in input cycle i, in units."""
        settings, cells = self.settings, self.cells
        cycle = i * settings.cells_per_weight + j
        reference = cells.reference[:, np.newaxis]
        if settings.drifts_per_read:
            conductance, reference = drift_for_one_read(
                cells, settings, self.key, cycle, j, self.first_vector
            )
        elif cells.conductance is not None:
            conductance = cells.conductance[j]
        else:
            conductance = settings.states_mean[cells.digits[j]]
        if settings.has_read_noise and settings.read_noise_scope == "batch":
            conductance = conductance * (1.0 + self._batch_noise(False, cycle, conductance.shape))
            reference = reference * (1.0 + self._batch_noise(True, cycle, (len(reference), 1)))
        elif cells.conductance is None:
            return settings.state_levels[cells.digits[j]], conductance, reference
        return conductance - reference, conductance, reference

    def _batch_noise(self, of_reference: bool, cycle: int, shape: tuple[int, ...]) -> Floats:
        """Return relative noise of each cell, shared by all vectors of the call (quirk Q10)."""
        role = Role.BATCH_REFERENCE_READ_NOISE if of_reference else Role.BATCH_READ_NOISE
        words = random.call_words(self.key, role, shape[0], shape[1], cycle, self.first_vector)
        return self.settings.read_noise * random.normal(words)

    def _read_noise(
        self,
        digits: Floats,
        conductance: Floats,
        reference: Floats,
        group: int,
        i: int,
        j: int,
    ) -> Floats:
        """Return the noise of one read [vectors, columns], in units.

        Each cell's current deviates by the share rho: a sum of independent normal numbers is one
        normal number of variance rho**2 sum (x g)**2. The reference column is read once per vector,
        so that its deviation is common to all columns.
        """
        rho, columns = self.settings.read_noise, conductance.shape[1]
        cycles, cells = self.settings.input_cycles, self.settings.cells_per_weight
        block = (group * ((cycles + 3) // 4) + i // 4) * cells + j
        read = (group * cycles + i) * cells + j
        draws = random.read_normal(self.key, self.vectors, block, i % 4, columns)
        common = random.read_words(self.key, Role.REFERENCE_READ_NOISE, self.vectors, read, 1)
        own = np.sqrt(digits**2 @ conductance**2) * draws
        shared = np.sqrt(digits**2 @ reference**2) * random.normal(common)
        return rho * (own - shared)

    def _column_noise(self, own: Floats, common: float, read: int) -> Floats:
        """Return noise of one read that does not depend on the inputs [vectors, columns]."""
        draws = random.read_words(self.key, Role.COLUMN_NOISE, self.vectors, read, len(own))
        shared = random.read_words(self.key, Role.REFERENCE_COLUMN_NOISE, self.vectors, read, 1)
        return own * random.normal(draws) - common * random.normal(shared)

    def _output(self, sums: Floats, read: int) -> Floats:
        """Return the ADC input for ideal integer sums (specification, section 5.4)."""
        settings = self.settings
        columns = sums.shape[1]
        ideal = np.clip(sums, 0.0, settings.adc_top * settings.adc_step)
        words = random.read_words(self.key, Role.OUTPUT_NOISE, self.vectors, read, columns)
        draws = random.normal(words)
        if settings.output_mean is None or settings.output_std is None:
            return ideal + settings.output_sigma * draws
        row = np.floor(ideal).astype(np.int64)
        return settings.output_mean[row] + settings.output_std[row] * draws
