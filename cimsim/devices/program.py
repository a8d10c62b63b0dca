"""Programming a layer: from weight codes to the frozen cells of one seed.

Order (functional specification, sections 4.2, 5.1, 5.2): slice the codes into digits, stuck-at
faults, state mean, device variation, retention drift, then what the column makes of its cells.
Nothing here depends on the inputs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cimsim.arrays import random
from cimsim.arrays.random import REFERENCE_SLICE, Key, Role
from cimsim.devices.charge import group_totals
from cimsim.devices.drift import direction_to_target, drift, random_direction
from cimsim.devices.stuck import stick_as_given, stick_squared
from cimsim.devices.variation import vary, vary_lognormal
from cimsim.devices.wires import wire_factors

if TYPE_CHECKING:
    from cimsim.arrays.settings import ArraySettings

Floats = NDArray[np.float64]

CELLS_AT_ONCE = 1 << 15
"""Cells (about) that are drawn together: their float64 numbers stay in the processor's caches."""


@dataclass(frozen=True, eq=False)
class ProgrammedCells:
    """The cells of a layer with K rows, C columns and n_c slices (least significant first).

    Attributes:
        digits: uint8 [n_c, K, C], the state of each cell after stuck-at faults.
        conductance: float64 [n_c, K, C] in units of the ADC unit, or None when every cell is
            exactly at the mean of its state: then `state_levels[digits]` says it all.
        reference: float64 [K], conductance of the reference column's cells (state 0), same unit.
        noise: float64 [n_c, G, C] and [G], standard deviation of one read's noise that does not
            depend on the inputs, of each column and of the reference column in each row group.
        extremes: float64 [n_c + 1, 2], lowest and highest conductance before drift of each slice
            and (last) of the reference column, for drift within observed bounds.
    """

    digits: NDArray[np.uint8]
    conductance: Floats | None
    reference: Floats
    extremes: Floats
    noise: tuple[Floats, Floats] | None = None

    def effective(self, settings: ArraySettings) -> Floats:
        """Return the conductance above the reference column, [n_c, K, C], in ADC units."""
        if self.conductance is None:
            return settings.state_levels[self.digits]
        if not self.reference.any():
            return self.conductance
        return self.conductance - self.reference[:, np.newaxis]


@dataclass(frozen=True, eq=False)
class CellBlocks:
    """The same cells for readers that take one block of rows at a time: the conductances of a layer
    (64 bytes a weight of eight cells) need not exist together.

    Attributes:
        digits: uint8 [n_c, K, C], as in :class:`ProgrammedCells`.
        reference: float64 [K], likewise.
        noise: as in :class:`ProgrammedCells`.
        effective: effective(j, first, last), float64 [last - first, C]: the conductance above the
            reference column of slice j in rows first to last - 1.
    """

    digits: NDArray[np.uint8]
    reference: Floats
    effective: Callable[[int, int, int], Floats]
    noise: tuple[Floats, Floats] | None = None


def slice_digits(codes: NDArray[np.integer], bits: int, count: int) -> NDArray[np.uint8]:
    """Return the `count` digits of `bits` bits of each code, least significant first, in a new
    first axis. A negative code gives the digits of its two's complement."""
    mask = (1 << bits) - 1
    digits = np.empty((count, *codes.shape), dtype=np.uint8)
    for block in row_blocks(*codes.shape):
        wide = codes[block].astype(np.int32)
        for i, place in enumerate(digits):
            place[block] = (wide >> (bits * i)) & mask
    return digits


def row_blocks(rows: int, columns: int) -> Iterator[slice]:
    """Yield the rows of a slice in blocks of about CELLS_AT_ONCE cells, one row at least."""
    height = max(1, CELLS_AT_ONCE // max(1, columns))
    for first in range(0, rows, height):
        yield slice(first, min(first + height, rows))


def program(
    codes: NDArray[np.integer], settings: ArraySettings, layer: str, seed: int
) -> ProgrammedCells:
    """Program weight codes [K, C], dummy column included, into the cells of one seed and layer.

    `codes` are the shifted, non-negative codes W' (column c of the draws is column c of `codes`).
    """
    key = random.make_key(seed, layer)
    digits = slice_digits(codes, settings.cell_bits, settings.cells_per_weight)
    digits = _stick(digits, settings, key)
    rows = digits.shape[1]
    if settings.at_means:
        reference = np.full(rows, settings.states_mean[0])
        return ProgrammedCells(digits, None, reference, np.empty((0, 2)))
    padded = digits
    if settings.drift_bounds == "observed":  # the unused rows of the last group count as well
        full = settings.groups(rows) * settings.parallel_rows
        padded = np.pad(digits, ((0, 0), (0, full - rows), (0, 0)))
    conductance = np.empty(padded.shape)
    for j, states in enumerate(padded):
        for block in row_blocks(*states.shape):
            conductance[j, block] = _varied(states[block], settings, key, j, block.start)
    nothing = np.zeros((padded.shape[1], 1), dtype=np.uint8)
    reference = _varied(nothing, settings, key, REFERENCE_SLICE)
    extremes = np.array([(s.min(), s.max()) for s in (*conductance, reference)])
    if settings.drifts and not settings.drifts_per_read:
        for j, (g, d, e) in enumerate(zip(conductance, padded, extremes, strict=False)):
            conductance[j] = _drifted(g, d, e, settings, key, j)
        reference = _drifted(reference, nothing, extremes[-1], settings, key, REFERENCE_SLICE)
    cells = ProgrammedCells(digits, conductance[:, :rows], reference[:rows, 0], extremes)
    if settings.has_wires:
        cells = _on_wires(cells, settings)
    return _on_charge_columns(cells, settings, key) if settings.has_charge_columns else cells


def program_blocks(
    codes: NDArray[np.integer], settings: ArraySettings, layer: str, seed: int
) -> CellBlocks:
    """Return the cells of :func:`program`, the same bit for bit, to be read in blocks of rows.

    Draws are counted, so that a block gives the numbers that the whole gives. Where cells act on
    each other (wires, charge, drift within observed bounds) the whole is programmed all the same.
    """
    coupled = settings.has_wires or settings.has_charge_columns
    if coupled or (settings.drifts and settings.drift_bounds == "observed"):
        cells = program(codes, settings, layer, seed)
        whole, below = cells.conductance, cells.reference[:, np.newaxis]
        assert whole is not None
        return CellBlocks(
            cells.digits, cells.reference, lambda j, a, b: whole[j, a:b] - below[a:b], cells.noise
        )
    key = random.make_key(seed, layer)
    digits = slice_digits(codes, settings.cell_bits, settings.cells_per_weight)
    digits = _stick(digits, settings, key)
    if settings.at_means:
        reference = np.full(digits.shape[1], settings.states_mean[0])
        return CellBlocks(digits, reference, lambda j, a, b: settings.state_levels[digits[j, a:b]])
    nothing = np.zeros((digits.shape[1], 1), dtype=np.uint8)
    reference = _moved(nothing, settings, key, REFERENCE_SLICE)

    def effective(j: int, first: int, last: int) -> Floats:
        return _moved(digits[j, first:last], settings, key, j, first) - reference[first:last]

    return CellBlocks(digits, reference[:, 0], effective)


def _moved(
    digits: NDArray[np.uint8], settings: ArraySettings, key: Key, j: int, first_row: int = 0
) -> Floats:
    """Return rows of one slice with variation and drift within the nominal states."""
    conductance = _varied(digits, settings, key, j, first_row)
    if settings.drifts and not settings.drifts_per_read:
        bounds = settings.states_mean[[0, -1]]
        return _drifted(conductance, digits, bounds, settings, key, j, first_row)
    return conductance


def _on_wires(cells: ProgrammedCells, settings: ArraySettings) -> ProgrammedCells:
    """Return cells as they act through wires: see :mod:`cimsim.devices.wires`.

    The cells of a weight stand side by side. The reference column stands at the drivers of the
    rows, where they have lost nothing, and has a column wire.
    """
    assert cells.conductance is not None
    count, rows, columns = cells.conductance.shape
    side_by_side = cells.conductance.transpose(1, 2, 0).reshape(rows, columns * count)
    subarray = settings.subarray_rows, settings.subarray_columns
    read, column_wire = settings.parallel_rows, settings.column_wire
    factors = wire_factors(np.abs(side_by_side), settings.row_wire, column_wire, read, subarray)
    reference = cells.reference[:, np.newaxis]
    of_reference = wire_factors(np.abs(reference), 0.0, column_wire, read, subarray)
    return replace(
        cells,
        conductance=cells.conductance * factors.reshape(rows, columns, count).transpose(2, 0, 1),
        reference=(reference * of_reference)[:, 0],
    )


def _on_charge_columns(
    cells: ProgrammedCells, settings: ArraySettings, key: Key
) -> ProgrammedCells:
    """Return cells whose columns share charge: see :mod:`cimsim.devices.charge`."""
    columns, rows = settings.charge, settings.parallel_rows
    assert columns is not None
    assert cells.conductance is not None
    own = np.stack([_mismatched(g, settings, key, j) for j, g in enumerate(cells.conductance)])
    reference = _mismatched(cells.reference[:, np.newaxis], settings, key, REFERENCE_SLICE)
    lowest, highest = settings.states_mean[[0, -1]]
    nominal = float(rows * (lowest + highest) / 2.0)
    totals = [group_totals(g, rows, float(lowest)) for g in (own, reference)]
    noises = [columns.noise(total, nominal) for total in totals]
    gains = [
        np.repeat(columns.gain(total, nominal), rows, axis=-2)[..., : own.shape[1], :]
        for total in totals
    ]
    return replace(
        cells,
        conductance=own * gains[0],
        reference=(reference * gains[1])[:, 0],
        noise=(noises[0], noises[1][:, 0]) if columns.noise_charge else None,
    )


def _mismatched(capacitance: Floats, settings: ArraySettings, key: Key, j: int) -> Floats:
    """Return capacitances [K, C] of one slice with their mismatch."""
    mismatch = settings.charge.mismatch if settings.charge else 0.0
    if mismatch == 0.0:
        return capacitance
    rows, columns = capacitance.shape
    draws = random.normal(random.cell_words(key, Role.MISMATCH, rows, columns, j))
    return capacitance * np.maximum(1.0 + mismatch * draws, 0.0)


def drift_for_one_read(
    cells: ProgrammedCells, settings: ArraySettings, key: Key, cycle: int, j: int, call: int
) -> tuple[Floats, Floats]:
    """Return conductance and reference, both [K, C], of slice j as one read finds them.

    The reference's random mode (quirk Q6): directions are drawn anew for each cycle and slice of a
    call, and the reference column takes the direction of each cell, so that it differs by column.
    `cycle` numbers (input cycle, slice) and `call` is the first vector of the call.
    """
    if cells.conductance is None:
        raise ValueError("cells that drift have a conductance each")
    conductance, reference = cells.conductance[j], cells.reference[:, np.newaxis]
    rows, columns = conductance.shape
    role = Role.DRIFT_DIRECTION_PER_READ
    draws = random.call_words(key, role, rows, columns, cycle, call)
    direction = random_direction(random.uniform(draws))
    drifted = _move(conductance, cells.digits[j], direction, cells.extremes[j], settings)
    nothing = np.zeros((rows, 1), dtype=np.uint8)
    return drifted, _move(reference, nothing, direction, cells.extremes[-1], settings)


def _stick(digits: NDArray[np.uint8], settings: ArraySettings, key: Key) -> NDArray[np.uint8]:
    """Return the digits [n_c, K, C] with stuck-at faults; `digits` itself may be changed."""
    rates = settings.stuck_at_0, settings.stuck_at_1
    if not any(rates):
        return digits
    count, rows, columns = digits.shape
    highest = settings.states - 1
    if settings.stuck_at_rates == "squared":
        of_slices = (random.cell_words(key, Role.STUCK_AT, rows, columns, j) for j in range(count))
        return stick_squared(digits, random.uniform(np.stack([*of_slices])), *rates, highest)
    for j, states in enumerate(digits):
        for block in row_blocks(rows, columns):
            size = block.stop - block.start
            draws = random.cell_words(key, Role.STUCK_AT, size, columns, j, block.start)
            states[block] = stick_as_given(states[block], random.uniform(draws), *rates, highest)
    return digits


def _varied(
    digits: NDArray[np.uint8], settings: ArraySettings, key: Key, j: int, first_row: int = 0
) -> Floats:
    mean = settings.states_mean[digits]
    if not settings.varies:
        return mean
    std = settings.variation
    rows, columns = digits.shape
    draws = random.normal(random.cell_words(key, Role.VARIATION, rows, columns, j, first_row))
    if settings.variation_distribution == "lognormal":
        varied = vary_lognormal(settings.polarity * mean, std[digits], draws)
        return settings.polarity * varied
    keep = settings.negative_conductance == "keep"
    return settings.polarity * vary(settings.polarity * mean, std[digits], draws, keep)


def _drifted(
    conductance: Floats,
    digits: NDArray[np.uint8],
    extremes: Floats,
    settings: ArraySettings,
    key: Key,
    j: int,
    first_row: int = 0,
) -> Floats:
    """Return rows of one slice after drift in a direction that belongs to each device."""
    if settings.drift_direction == "random":
        rows, columns = conductance.shape
        draws = random.cell_words(key, Role.DRIFT_DIRECTION, rows, columns, j, first_row)
        direction = random_direction(random.uniform(draws))
    else:
        bounds = extremes if settings.drift_bounds == "observed" else settings.states_mean[[0, -1]]
        low, high = np.sort(settings.polarity * bounds)
        direction = direction_to_target(
            settings.polarity * conductance, low, high, settings.drift_target
        )
    return _move(conductance, digits, direction, extremes, settings)


def _move(
    conductance: Floats,
    digits: NDArray[np.uint8],
    direction: Floats,
    extremes: Floats,
    settings: ArraySettings,
) -> Floats:
    """Drift within the bounds: the observed extremes, or the nominal states (quirk Q18).

    A device that variation put outside the nominal states is not pulled back by the bound.
    """
    start = settings.polarity * conductance
    low: Floats | float
    high: Floats | float
    if settings.drift_bounds == "observed":
        low, high = np.sort(settings.polarity * extremes)
    else:
        first, last = np.sort(settings.polarity * settings.states_mean[[0, -1]])
        low, high = np.minimum(start, first), np.maximum(start, last)
    exponents = settings.drift_exponents
    exponent = settings.drift_exponent if exponents is None else exponents[digits]
    moved = drift(start, direction, settings.drift_time, exponent, low, high)
    return settings.polarity * moved
