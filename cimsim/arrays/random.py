"""Counter-based random numbers: every draw is a pure function of its name.

Philox4x32 of Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3" (SC
2011), with the ten rounds that they recommend; with seven, which pass all their tests (BigCrush)
too, for the read noise of columns, where one number is drawn for each conversion. The key is
(seed, layer); the counter names the draw, so that results do not depend on batch size, blocks,
threads or order, and the same cell has the same draw at every noise level:

    column n is word n % 4 of block c0 = n // 4
    of a cell      c1 = row, c2 = slice j (REFERENCE_SLICE for the reference column), c3 = role
    of an ADC      c1 = subarray row, c2 = 0, c3 = role; its number in place of the column
    of a read      c1 = vector (low 32 bits), c2 = (group * cycles + i) * cells + j,
                   c3 = role + (vector >> 32) * 256
    of the read noise of a column
                   a byte from each of the roles READ_NOISE, READ_NOISE_LOW (and, where those are
                   the outermost of all draws, READ_NOISE_TAIL, READ_NOISE_TAIL_LOW), highest first;
                   column n in cycle i has byte n % 4 (the lowest first) of word i % 4 of block
                   c0 = n // 4, c2 = (group * ceil(cycles / 4) + i // 4) * cells + j, the rest as of
                   a read
    of a cell in one cycle of one call (fidelity switches "batch" and "read" only)
                   c1 = row, c2 = i * cells + j + (call >> 24) * 256,
                   c3 = role + (call & 0xFFFFFF) * 256, with call = first vector of the call
"""

from __future__ import annotations

import hashlib
from enum import IntEnum
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtri

ROUNDS = 10
READ_NOISE_ROUNDS = 7

_MULTIPLIERS = (np.uint64(0xD2511F53), np.uint64(0xCD9E8D57))
_WEYL = (0x9E3779B9, 0xBB67AE85)
_LOW = np.uint64(0xFFFFFFFF)
_SHIFT = np.uint64(32)

REFERENCE_SLICE = 0xFFFFFFFF
"""Slice number under which the cells of the reference column draw."""

DUMMY_VECTOR = 1 << 55
"""Vector index of the dummy vector of the call that starts at vector 0 (input_shift data_minimum);
a call that starts at vector f uses DUMMY_VECTOR + f."""


SHARES = 1 << 16
"""Equal shares of the normal distribution that a draw of read noise chooses from."""


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
    ADC_OFFSET = 10
    ADC_GAIN = 11
    MISMATCH = 12
    COLUMN_NOISE = 13
    REFERENCE_COLUMN_NOISE = 14
    READ_NOISE_LOW = 15
    READ_NOISE_TAIL = 16
    READ_NOISE_TAIL_LOW = 17


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
    key: Key,
    c0: ArrayLike,
    c1: ArrayLike,
    c2: ArrayLike,
    c3: ArrayLike,
    rounds: int = ROUNDS,
) -> tuple[NDArray[np.uint64], ...]:
    """Return the four 32-bit words (in uint64) of each counter; the parts broadcast."""
    x0, x1, x2, x3 = np.broadcast_arrays(
        *(np.asarray(c, dtype=np.uint64) for c in (c0, c1, c2, c3))
    )
    k0, k1 = key
    for _ in range(rounds):
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
    c1, c2, c3 = (np.asarray(c)[..., np.newaxis] for c in (c1, c2, c3))
    blocks = np.arange((columns + 3) // 4)
    stacked = np.stack(philox(key, blocks, c1, c2, c3), axis=-1)
    return stacked.reshape(*stacked.shape[:-2], -1)[..., :columns]


def uniform(word: NDArray[np.uint64]) -> NDArray[np.float64]:
    """Return numbers in (0, 1): (word + 1/2) / 2**32."""
    return (word.astype(np.float64) + 0.5) * 2.0**-32


def normal(word: NDArray[np.uint64]) -> NDArray[np.float64]:
    """Return standard normal numbers: the inverse of the normal distribution at `uniform`."""
    result: NDArray[np.float64] = ndtri(uniform(word))
    return result


def cell_words(
    key: Key, role: Role, rows: int, columns: int, slice_number: int, first_row: int = 0
) -> NDArray[np.uint64]:
    """Return one word per cell [rows, columns] of a slice from `first_row` on."""
    return words(key, first_row + np.arange(rows), slice_number, int(role), columns)


def read_words(
    key: Key, role: Role, vectors: NDArray[np.int64], read: int, columns: int
) -> NDArray[np.uint64]:
    """Return one word per vector and column [len(vectors), columns] of the read numbered `read`."""
    low, high = vectors & 0xFFFFFFFF, vectors >> 32
    return words(key, low, read, int(role) + (high << 8), columns)


def read_bytes(
    key: Key, role: Role, vectors: NDArray[np.int64], block: int, word: int, columns: int
) -> NDArray[np.uint64]:
    """Return 8 bits per vector and column [len(vectors), columns] from one word (0 to 3, the place
    of the read among four input cycles) of the blocks of counter c2 = `block`."""
    low, high = vectors & 0xFFFFFFFF, vectors >> 32
    c0, c3 = np.arange((columns + 3) // 4), int(role) + (high[:, np.newaxis] << 8)
    found = philox(key, c0, low[:, np.newaxis], block, c3, READ_NOISE_ROUNDS)[word]
    bytes_of_word = [found >> np.uint64(shift) & np.uint64(0xFF) for shift in (0, 8, 16, 24)]
    return np.stack(bytes_of_word, axis=-1).reshape(len(vectors), -1)[:, :columns]


def read_draws(
    key: Key, vectors: NDArray[np.int64], block: int, word: int, columns: int
) -> NDArray[np.uint64]:
    """Return the draws of read noise [len(vectors), columns], 16 bits; see :func:`read_bytes`."""
    place = (vectors, block, word, columns)
    high, low = (read_bytes(key, role, *place) for role in (Role.READ_NOISE, Role.READ_NOISE_LOW))
    return high << np.uint64(8) | low


def read_normal(
    key: Key, vectors: NDArray[np.int64], block: int, word: int, columns: int
) -> NDArray[np.float64]:
    """Return the normal numbers of read noise [len(vectors), columns]; see :func:`read_bytes`.

    The number of 16 bits u is the mean of the share [u, u + 1) / 2**16 of the normal distribution.
    In the two outermost shares, 16 more bits make a word of 32 bits, whose number is that of
    :func:`normal`. So the mean is exact, the variance is too small by 1.5e-7 (the variance within
    shares), and the distribution function is off by less than 2**-16 anywhere.
    """
    place = (vectors, block, word, columns)
    draws = read_draws(key, *place)
    numbers = share_means()[draws]
    outermost = (draws == 0) | (draws == SHARES - 1)
    if outermost.any():
        bits = draws
        for role in (Role.READ_NOISE_TAIL, Role.READ_NOISE_TAIL_LOW):
            bits = bits << np.uint64(8) | read_bytes(key, role, *place)
        numbers[outermost] = normal(bits[outermost])
    return numbers


@lru_cache(maxsize=1)
def share_means() -> NDArray[np.float64]:
    """Return the mean of each of SHARES equal shares of the normal distribution, in order:
    the difference of its density at the share's edges over the share."""
    edges = ndtri(np.arange(SHARES + 1) / SHARES)
    density = np.exp(-0.5 * edges**2) / np.sqrt(2.0 * np.pi)
    means: NDArray[np.float64] = -np.diff(density) * SHARES
    return means


def call_words(
    key: Key, role: Role, rows: int, columns: int, cycle: int, call: int
) -> NDArray[np.uint64]:
    """Return one word per cell [rows, columns] for the (input cycle, slice) `cycle` of a call."""
    c2 = cycle + ((call >> 24) << 8)
    c3 = int(role) + ((call & 0xFFFFFF) << 8)
    return words(key, np.arange(rows), c2, c3, columns)
