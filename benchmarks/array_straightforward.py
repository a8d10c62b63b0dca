"""The simplest torch version of the array product: what arrays.py and array_gpu.py compare with.

Functional specification of DNN+NeuroSim V1.5, section 4: loops over weight and input slices, one
batched product over the row groups each, then rounding, clamping and shift-and-add. 8-bit weights
(offset, one dummy column) and inputs, 1-bit cells and inputs, 128 rows, ADC codes 0 to 127.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

BITS, PARALLEL, TOP = 8, 128, 127


def cell_planes(weights: NDArray[np.int8]) -> Tensor:
    """Return the bits of weights [K, N] and their dummy column, uint8 [BITS, K, N + 1]."""
    offset = 1 << (BITS - 1)
    dummy = np.full((len(weights), 1), offset)
    shifted = np.hstack([weights.astype(np.int64) + offset, dummy])
    planes = [((shifted >> j) & 1).astype(np.uint8) for j in range(BITS)]
    return torch.from_numpy(np.stack(planes))


def straightforward(codes: Tensor, planes: Tensor, noise: float) -> Tensor:
    """Return the shifted and added ADC codes [M, C], float64.

    Args:
        codes: input codes [M, K], any integer type.
        planes: cells [BITS, K, C] in steps of a state: uint8, or float32 if they vary.
        noise: relative read noise of a cell, fresh in each read: one normal number a conversion,
            whose variance is noise**2 times the column sum. That is exact for cells at 0 and 1; for
            cells that vary the exact variance would take a second product.
    """
    padding = -codes.shape[1] % PARALLEL
    x = torch.nn.functional.pad(codes.int(), (0, padding)).view(len(codes), -1, PARALLEL)
    slices = [((x >> i) & 1).float().transpose(0, 1).contiguous() for i in range(BITS)]
    total = torch.zeros(len(codes), planes.shape[2], dtype=torch.float64, device=codes.device)
    for j, plane in enumerate(planes):
        padded = torch.nn.functional.pad(plane.float(), (0, 0, 0, padding))
        cells = padded.view(-1, PARALLEL, plane.shape[1])
        for i, digits in enumerate(slices):
            sums = torch.bmm(digits, cells)
            if noise:
                sums += noise * torch.sqrt(sums) * torch.randn_like(sums)
            total += sums.round_().clamp_(0, TOP).sum(0) * (1 << (i + j))
    return total


class StraightforwardProduct:
    """The product of one layer, called as cimsim calls the layers of a network."""

    def __init__(
        self, weights: NDArray[np.int8], zero_point: int, variation: float, noise: float
    ) -> None:
        """Program weights [K, N]; `variation` is the relative deviation of a cell, frozen."""
        self._planes, self._noise = cell_planes(weights), noise
        if variation:
            deviation = torch.randn(self._planes.shape).mul_(variation).add_(1.0).clamp_(min=0.0)
            self._planes = deviation.mul_(self._planes)
        self._correction = zero_point * weights.sum(axis=0, dtype=np.int64)

    def __call__(self, codes: NDArray[np.uint8], first_vector: int) -> NDArray[np.float64]:
        """Return the estimate of (codes - zero_point) @ weights, [M, N]."""
        total = straightforward(torch.from_numpy(codes), self._planes, self._noise).numpy()
        result: NDArray[np.float64] = total[:, :-1] - total[:, -1:] - self._correction
        return result
