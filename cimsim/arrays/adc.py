"""The analog-to-digital converter at the foot of a column.

Ideal: code = clamp(rint(u / step), 0, top), half to even. A real one adds static errors, in the
terms of IEEE Std 1241-2010 (terminology and test methods for analog-to-digital converters):

    offset    the whole characteristic is moved; sigma in codes, one draw per converter
    gain      its slope differs; sigma relative, one draw per converter
    INL       the transition into code k lies at k - 1/2 + inl[k] instead of k - 1/2; the same
              table for all converters. DNL is its difference from one transition to the next.

All are frozen for one seed. A converter serves neighbouring columns of one subarray.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cimsim.arrays import random
from cimsim.arrays.random import Key, Role
from cimsim.devices.csv_columns import read_columns
from cimsim.errors import UserError

if TYPE_CHECKING:
    from cimsim.arrays.settings import ArraySettings

Floats = NDArray[np.float64]


def convert(column_sum: Floats, step: float, top: int) -> NDArray[np.int64]:
    """Return the codes clamp(rint(sum / step), 0, top), half to even; `sum` in ADC units."""
    return convert_position(column_sum / step, top)


def convert_position(
    position: Floats, top: int, inl: NDArray[np.float64] | None = None
) -> NDArray[np.int64]:
    """Return the codes of analog values in units of a code.

    Args:
        position: any shape.
        top: highest code.
        inl: deviation of the transition into code k at index k - 1, in codes; None for an ideal
            characteristic. Codes above the table have ideal transitions.
    """
    codes = np.rint(position)
    if inl is not None:
        inside = np.searchsorted(transitions(inl), position, side="right")
        codes = np.where(position > len(inl) + 0.5, codes, inside)
    result: NDArray[np.int64] = np.clip(codes, 0, top).astype(np.int64)
    return result


def transitions(inl: Floats) -> Floats:
    """Return the smallest analog value of codes 1, 2, ..., in codes.

    A value on the edge of two codes gets the even one, as without INL: the transition into an odd
    code belongs to the code below. Where a code is missing (DNL of -1) two transitions are one.
    """
    codes = np.arange(1, len(inl) + 1)
    edges = codes - 0.5 + inl
    return np.maximum.accumulate(np.where(codes % 2 == 1, np.nextafter(edges, np.inf), edges))


def all_transitions(inl: Floats) -> Floats:
    """Return the smallest analog value of codes 1, 2, ..., len(inl), where the last is the highest.

    Those of :func:`transitions`, but for values above len(inl) + 1/2, which have the highest code
    whatever the table says: the number of these at or below a value is its code.
    """
    return np.minimum(transitions(inl), np.nextafter(len(inl) + 0.5, np.inf))


def static_errors(
    settings: ArraySettings, key: Key, groups: int, columns: int, j: int
) -> tuple[Floats, Floats]:
    """Return offset (codes) and relative gain error, both [groups, columns], of slice j.

    The cells of a weight stand side by side: column n of slice j is cell column n * n_c + j. Cell
    columns share a converter in runs of `adc_columns`, and so do all row groups of a subarray.
    """
    block = np.arange(groups) * settings.parallel_rows // settings.subarray_rows
    cell_column = np.arange(columns) * settings.cells_per_weight + j
    converter = cell_column // settings.adc_columns
    shape = int(block[-1]) + 1, int(converter[-1]) + 1

    def drawn(role: Role, sigma: float) -> Floats:
        if sigma == 0.0:
            return np.zeros((groups, columns))
        draws = random.normal(random.cell_words(key, role, *shape, 0))
        return sigma * draws[np.ix_(block, converter)]

    return (
        drawn(Role.ADC_OFFSET, settings.adc_offset),
        drawn(Role.ADC_GAIN, settings.adc_gain_error),
    )


def read_inl(path: Path, top: int) -> Floats:
    """Read the INL (codes) of each transition: columns code, inl with the codes 1, 2, ..., top.

    Raises:
        UserError: no such file, a missing column, another number of rows, codes that are not in
            order, or a transition below the one before it: codes have to be monotone.
    """
    table = read_columns(path, ("code", "inl"))
    code, inl = table["code"], table["inl"]
    if len(code) != top:
        raise UserError(
            f"{path}: {len(code)} rows of transitions; allowed: exactly {top}, "
            f"one per code from 1 to {top}"
        )
    for row in range(1, top + 1):
        if code[row - 1] != row:
            raise UserError(
                f"{path}: column code, row {row}: {code[row - 1]!r}; allowed: {row} "
                "(rows are codes 1, 2, 3, ... in order)"
            )
        if row > 1 and inl[row - 1] - inl[row - 2] < -1.0:
            raise UserError(
                f"{path}: column inl, row {row}: {inl[row - 1]!r} puts the transition below that "
                f"of code {row - 1}; allowed: {inl[row - 2] - 1.0!r} or above"
            )
    return np.array(inl)
