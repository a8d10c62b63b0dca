"""Signed weights on cells that hold non-negative numbers: three schemes, one interface.

A scheme splits the weights [K, N] into parts, each an array of non-negative codes that is
programmed and read by itself, and joins the parts' results to the product [M, N]:

    offset           W + 2**(b - 1) in n_c cells, and one dummy column that holds the offset. The
                     scheme of DNN+NeuroSim V1.5.
    differential     max(W, 0) in one column and max(-W, 0) in another, each of the b - 1 bits of a
                     magnitude. Both are converted, and subtracted digitally.
    twos_complement  the low b - 1 bits of W's two's complement, and a cell of its own for the sign,
                     whose place is -2**(b - 1).

Every part is converted by ADCs of its own, with the same step.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from cimsim.arrays.settings import ArraySettings
from cimsim.arrays.shift import shifted_weights, without_minima

Floats = NDArray[np.float64]

Scheme = Literal["offset", "differential", "twos_complement"]


@dataclass(frozen=True, eq=False)
class Part:
    """Columns that are programmed and read as one array.

    Attributes:
        stream: what distinguishes its random numbers from those of the layer's other parts.
        codes: int32 [K, C], not negative (apart from quirk Q8).
        settings: those of the layer, with the bits of a weight that this part holds.
    """

    stream: str
    codes: NDArray[np.int32]
    settings: ArraySettings


def cells_per_weight(scheme: Scheme, weight_bits: int, cell_bits: int) -> int:
    """Return how many cells, each in a column of its own, one weight takes."""
    if scheme == "offset":
        return -(-weight_bits // cell_bits)
    magnitude = -(-(weight_bits - 1) // cell_bits)
    return 2 * magnitude if scheme == "differential" else magnitude + 1


def split(weights: NDArray[np.integer], settings: ArraySettings) -> list[Part]:
    """Return the parts that hold signed weight codes [K, N].

    Raises:
        ValueError: a weight that has no magnitude of weight_bits - 1 bits (differential).
    """
    if settings.signed_weights == "offset":
        return [Part("", shifted_weights(weights, settings), settings)]
    w = weights.astype(np.int32)
    bits = settings.weight_bits - 1
    magnitude = replace(settings, weight_bits=bits)
    if settings.signed_weights == "differential":
        largest = int(np.abs(w).max(initial=0))
        if largest >= 1 << bits:
            raise ValueError(
                f"a weight is {largest} in magnitude; allowed: up to {(1 << bits) - 1}"
            )
        return [Part("", np.hstack([np.maximum(w, 0), np.maximum(-w, 0)]), magnitude)]
    return [
        Part("", w & ((1 << bits) - 1), magnitude),
        Part("/sign", (w < 0).astype(np.int32), replace(settings, weight_bits=1)),
    ]


def join(
    results: Sequence[Floats],
    weights: NDArray[np.integer],
    settings: ArraySettings,
    zero_point: int,
) -> Floats:
    """Return the product (X - zero_point) @ W [M, N] from the results of the parts.

    `results` are in the order of :func:`split`; the term of the zero point is exact. With
    input_shift data_minimum the one result holds the dummy vector as well.
    """
    z = results[0]
    if settings.input_shift == "data_minimum":
        return without_minima(z, settings)
    if settings.signed_weights == "offset":
        product: Floats = z[:, :-1] - z[:, -1:]
    elif settings.signed_weights == "differential":
        half = z.shape[1] // 2
        product = z[:, :half] - z[:, half:]
    else:
        product = z - (1 << (settings.weight_bits - 1)) * results[1]
    if zero_point:
        product = product - zero_point * weights.sum(axis=0, dtype=np.int64)
    return product
