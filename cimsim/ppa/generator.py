"""Synthetic weights and activations that any program can reproduce exactly.

Two families, one for each set of reference figures of DNN+NeuroSim V1.5:

* counter-based words in 64-bit integer arithmetic (:func:`weights`, :func:`inputs`), with the mixer
  of Steele, Lea and Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014;
* sequences of Python's own :mod:`random` (:func:`gaussian_layers`).

All arrays are integers: weights ``[K, N]`` (fan-in by fan-out) and inputs ``[K, V]`` (one column an
input vector).
"""

from __future__ import annotations

import random
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from cimsim.ppa.engine import NetworkLayer

VGG8 = [  # map side, input channels, kernel side, output channels, pooled
    (32, 3, 3, 128, False),
    (32, 128, 3, 128, True),
    (16, 128, 3, 256, False),
    (16, 256, 3, 256, True),
    (8, 256, 3, 512, False),
    (8, 512, 3, 512, True),
    (1, 8192, 1, 1024, False),
    (1, 1024, 1, 10, False),
]
"""VGG-8 for CIFAR-10, convolutions padded by one pixel."""

_WORD = np.uint64
_GOLDEN = _WORD(0x9E3779B97F4A7C15)


def _mix(words: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Finalizer of splitmix64, modulo 2**64."""
    words = (words ^ (words >> _WORD(30))) * _WORD(0xBF58476D1CE4E5B9)
    words = (words ^ (words >> _WORD(27))) * _WORD(0x94D049BB133111EB)
    return words ^ (words >> _WORD(31))


def _lanes(seed: int, layer: int, kind: int, count: int) -> list[NDArray[np.int64]]:
    """Return the four 16-bit lanes of `count` words; `kind` is 0 for weights and 1 for inputs."""
    stream = _mix(np.array([seed * 1000003 + 2 * layer + kind], dtype=_WORD))
    words = _mix(stream + np.arange(1, count + 1, dtype=_WORD) * _GOLDEN)
    return [((words >> _WORD(16 * lane)) & _WORD(0xFFFF)).astype(np.int64) for lane in range(4)]


def weights(seed: int, layer: int, rows: int, columns: int, bits: int) -> NDArray[np.int64]:
    """Return bell-shaped weights ``[rows, columns]`` in 0 .. 2**bits - 2 of the 0-based `layer`."""
    a, b, c, d = _lanes(seed, layer, 0, rows * columns)
    codes: NDArray[np.int64] = ((a + b + c + d) * (2**bits - 1)) >> 18
    return codes.reshape(rows, columns)


def inputs(seed: int, layer: int, rows: int, vectors: int, bits: int) -> NDArray[np.uint8]:
    """Return inputs ``[rows, vectors]`` of the 0-based `layer`.

    Layer 0 is bell-shaped in 0 .. 2**bits - 2 like an image; the others are half zero and positive
    in 0 .. 2**(bits-1) - 1 like the output of a ReLU.
    """
    a, b, c, d = _lanes(seed, layer, 1, rows * vectors)
    codes: NDArray[np.int64]
    if layer == 0:
        codes = ((a + b + c + d) * (2**bits - 1)) >> 18
    else:
        codes = np.where(a < 32768, 0, (((b * c) >> 16) * 2 ** (bits - 1)) >> 16)
    return codes.astype(np.uint8).reshape(rows, vectors)


def gaussian_layers(
    layers: Sequence[NetworkLayer], seed: int
) -> list[tuple[NDArray[np.int64], NDArray[np.uint8]]]:
    """Return weights and inputs of every layer from Gaussian draws of :class:`random.Random`.

    Weights are N(127, 40) cut to 0 .. 254, inputs N(5, 20) cut to at least 0. Each layer draws its
    weights and then its inputs, row by row; one column of the weights and three input vectors in
    each row are drawn and dropped.
    """
    draw = random.Random(seed).gauss
    drawn = []
    for layer in layers:
        rows, columns, vectors = layer.rows, layer.out_channels, int(layer.positions)
        stored = np.empty((rows, columns), dtype=np.int64)
        codes = np.empty((rows, vectors), dtype=np.uint8)
        for row in range(rows):
            values = [min(254, max(0, int(draw(127, 40)))) for _ in range(columns + 1)]
            stored[row] = values[:columns]
        for row in range(rows):
            values = [max(0, int(draw(5, 20))) for _ in range(vectors + 3)]
            codes[row] = values[:vectors]
        drawn.append((stored, codes))
    return drawn


def stored_codes(
    values: NDArray[np.float64] | NDArray[np.int64],
    bits: int,
    weight_min: float = -1.0,
    weight_max: float = 1.0,
) -> NDArray[np.int64]:
    """Return the integers that DNN+NeuroSim V1.5 stores for `values` of its weight files.

    The values are taken to lie in [weight_min, weight_max]. Its own Python side writes the integers
    0 .. 2**bits - 2 into files that are read with the range (-1, 1): only the parity of w + 1 then
    reaches the cells (chip quirk 1). Rounding is half away from zero.
    """
    scaled = 2.0**bits / (weight_max - weight_min) * (values - weight_max) + 2.0**bits
    return np.trunc(scaled + np.where(scaled >= 0, 0.5, -0.5)).astype(np.int64)
