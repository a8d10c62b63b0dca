"""Counter-based random numbers: every draw is a pure function of its name.

Philox4x32-10 of Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3"
(SC 2011). The key is (seed, layer); the counter names the draw, so that results do not depend on
batch size, blocks, threads or order, and the same cell has the same draw at every noise level:

    column n is word n % 4 of block c0 = n // 4
    of a cell      c1 = row, c2 = slice j (REFERENCE_SLICE for the reference column), c3 = role
    of an output   c1 = vector (low 32 bits), c2 = (group * cycles + i) * cells + j,
                   c3 = role + (vector >> 32) * 256
    of a cell in one cycle of one call (fidelity switches "batch" and "read" only)
                   c1 = row, c2 = i * cells + j + (call >> 24) * 256,
                   c3 = role + (call & 0xFFFFFF) * 256, with call = first vector of the call

Reads take one draw per conversion, which is what noisy inference spends its time on. Their draws
have 16 bits and come from ChaCha with eight rounds (Bernstein, "ChaCha, a variant of Salsa20",
2008; no bias of eight rounds that anyone could measure is known), which costs half as much per bit
as Philox and also runs on any processor. The key is (seed, layer, role, 0, ..., 0); the counter
words are (8 * (column // 32) + column % 16 // 2, group * cells + j, vector low, vector high);
cycle i takes half column % 2 of the word 2 * i + column % 32 // 16. The reference column's read for
slice j draws as column j of number `group`.

The normal number of a 16-bit draw is the mean of its share of the distribution; of the two outer
shares, 2**-15 together, the draw of the same place under role + TAIL gives 16 bits more.
"""

from __future__ import annotations

import hashlib
from enum import IntEnum
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtri

_ROUNDS = 10
_MULTIPLIERS = (np.uint64(0xD2511F53), np.uint64(0xCD9E8D57))
_WEYL = (0x9E3779B9, 0xBB67AE85)
_LOW = np.uint64(0xFFFFFFFF)
_SHIFT = np.uint64(32)

REFERENCE_SLICE = 0xFFFFFFFF
"""Slice number under which the cells of the reference column draw."""

DUMMY_VECTOR = 1 << 55
"""Vector index of the dummy vector of the call that starts at vector 0 (input_shift data_minimum);
a call that starts at vector f uses DUMMY_VECTOR + f."""


class Role(IntEnum):
    """What a draw is for: the lowest byte of the last counter word."""

    STUCK_AT = 1
    VARIATION = 2
    DRIFT_DIRECTION = 3
    READ_NOISE = 4
    REFERENCE_READ_NOISE = 5
    OUTPUT_NOISE = 6
    BATCH_READ_NOISE = 7
    BATCH_REFERENCE_READ_NOISE = 8
    DRIFT_DIRECTION_PER_READ = 9


TAIL = 16
"""Added to a role: the draws that refine the outermost draws of that role."""

Key = tuple[int, int]
"""Philox key: (seed, layer number), each 32 bits."""


@lru_cache(maxsize=4096)
def layer_number(layer: str) -> int:
    """Return a layer's 32-bit number: the first bytes, little endian, of its name's SHA-256."""
    return int.from_bytes(hashlib.sha256(layer.encode()).digest()[:4], "little")


def make_key(seed: int, layer: str) -> Key:
    """Return the Philox key of one seed and layer. Raises ValueError unless 0 <= seed < 2**32."""
    if not 0 <= seed < 1 << 32:
        raise ValueError(f"seed is {seed}; allowed: 0 to {(1 << 32) - 1}")
    return seed, layer_number(layer)


def philox(
    key: Key, c0: ArrayLike, c1: ArrayLike, c2: ArrayLike, c3: ArrayLike
) -> tuple[NDArray[np.uint64], ...]:
    """Return the four 32-bit words (in uint64) of each counter; the parts broadcast."""
    x0, x1, x2, x3 = np.broadcast_arrays(
        *(np.asarray(c, dtype=np.uint64) for c in (c0, c1, c2, c3))
    )
    k0, k1 = key
    for _ in range(_ROUNDS):
        first, second = _MULTIPLIERS[0] * x0, _MULTIPLIERS[1] * x2
        x0, x2 = (
            (second >> _SHIFT) ^ x1 ^ np.uint64(k0),
            (first >> _SHIFT) ^ x3 ^ np.uint64(k1),
        )
        x1, x3 = second & _LOW, first & _LOW
        k0, k1 = (k0 + _WEYL[0]) & 0xFFFFFFFF, (k1 + _WEYL[1]) & 0xFFFFFFFF
    return x0, x1, x2, x3


def words(
    key: Key, c1: ArrayLike, c2: ArrayLike, c3: ArrayLike, columns: int
) -> NDArray[np.uint64]:
    """Return one word for each of `columns` columns, in a last axis after the counters' shape."""
    parts = (np.asarray(c)[..., np.newaxis] for c in (c1, c2, c3))
    blocks = np.arange((columns + 3) // 4)
    stacked = np.stack(philox(key, blocks, *parts), axis=-1)
    return stacked.reshape(*stacked.shape[:-2], -1)[..., :columns]


def uniform(word: NDArray[np.uint64]) -> NDArray[np.float64]:
    """Return numbers in (0, 1): (word + 1/2) / 2**32."""
    return (word.astype(np.float64) + 0.5) * 2.0**-32


def normal(word: NDArray[np.uint64]) -> NDArray[np.float64]:
    """Return standard normal numbers: the inverse of the normal distribution at `uniform`."""
    result: NDArray[np.float64] = ndtri(uniform(word))
    return result


def cell_words(
    key: Key, role: Role, rows: int, columns: int, slice_number: int
) -> NDArray[np.uint64]:
    """Return one word per cell of a slice [rows, columns]."""
    return words(key, np.arange(rows), slice_number, int(role), columns)


def read_words(
    key: Key, role: Role, vectors: NDArray[np.int64], read: int, columns: int
) -> NDArray[np.uint64]:
    """Return one word per vector and column [len(vectors), columns] of the read numbered `read`."""
    low, high = vectors & 0xFFFFFFFF, vectors >> 32
    return words(key, low, read, int(role) + (high << 8), columns)


def chacha(
    key: tuple[int, ...], counter: tuple[ArrayLike, ...], rounds: int = 8
) -> NDArray[np.uint32]:
    """Return the 16 words of each ChaCha block in a last axis; eight key words, four of counter."""
    constants = (0x61707865, 0x3320646E, 0x79622D32, 0x6B206574)
    start = np.broadcast_arrays(*(np.asarray(w, dtype=np.uint32) for w in constants + key + counter))
    x = [word.copy() for word in start]

    def rotate(word: NDArray[np.uint32], bits: int) -> NDArray[np.uint32]:
        return (word << np.uint32(bits)) | (word >> np.uint32(32 - bits))

    def quarter(a: int, b: int, c: int, d: int) -> None:
        for total, moved, bits in ((a, d, 16), (c, b, 12), (a, d, 8), (c, b, 7)):
            x[total] = x[total] + x[b if total == a else d]
            x[moved] = rotate(x[moved] ^ x[total], bits)

    for _ in range(rounds // 2):
        for k in range(4):
            quarter(k, 4 + k, 8 + k, 12 + k)
        for k in range(4):
            quarter(k, 4 + (k + 1) % 4, 8 + (k + 2) % 4, 12 + (k + 3) % 4)
    return np.stack([final + first for final, first in zip(x, start, strict=True)], axis=-1)


def read_draws(
    key: Key, role: int, vectors: NDArray[np.int64], number: int, cycle: int, columns: int
) -> NDArray[np.uint32]:
    """Return one 16-bit draw per vector and column, [len(vectors), columns]."""
    column = np.arange(columns)
    block = column // 32 * 8 + column % 16 // 2
    low, high = (part[:, np.newaxis] for part in (vectors & 0xFFFFFFFF, vectors >> 32))
    found = chacha((*key, int(role), 0, 0, 0, 0, 0), (block, number, low, high))
    word = np.broadcast_to(2 * cycle + column % 32 // 16, found.shape[:-1])[..., np.newaxis]
    picked = np.take_along_axis(found, word, axis=-1)[..., 0]
    return (picked >> (16 * (column % 2)).astype(np.uint32)) & np.uint32(0xFFFF)


def read_normal(
    key: Key, role: Role, vectors: NDArray[np.int64], number: int, cycle: int, columns: int
) -> NDArray[np.float64]:
    """Return one standard normal number per vector and column, [len(vectors), columns]."""
    draws = read_draws(key, role, vectors, number, cycle, columns)
    numbers: NDArray[np.float64] = _share_means()[draws]
    outer = (draws == 0) | (draws == 0xFFFF)
    if outer.any():
        more = read_draws(key, role + TAIL, vectors, number, cycle, columns)
        word = draws.astype(np.uint64) << np.uint64(16) | more.astype(np.uint64)
        numbers = np.where(outer, normal(word), numbers)
    return numbers


@lru_cache(maxsize=1)
def _share_means() -> NDArray[np.float64]:
    """Return the mean of each of 2**16 equal shares of the normal distribution: the density at the
    lower edge less that at the upper one, over the share."""
    edges = ndtri(np.arange((1 << 16) + 1) / (1 << 16))
    density = np.exp(-0.5 * edges**2) / np.sqrt(2.0 * np.pi)
    means: NDArray[np.float64] = -np.diff(density) * (1 << 16)
    return means


def call_words(
    key: Key, role: Role, rows: int, columns: int, cycle: int, call: int
) -> NDArray[np.uint64]:
    """Return one word per cell [rows, columns] for the (input cycle, slice) `cycle` of a call."""
    c2 = cycle + ((call >> 24) << 8)
    c3 = int(role) + ((call & 0xFFFFFF) << 8)
    return words(key, np.arange(rows), c2, c3, columns)
