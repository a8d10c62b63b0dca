"""Changes of training images that leave their class as it is."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

SHIFT = 2
"""Pixels that an image is moved by at most, each way."""

SYMMETRIES = 8
"""Of a square: four turns, each mirrored or not."""

ANY_WAY_UP = ("shapes10",)
"""Data sets whose figures have no right way up: they are turned and mirrored."""

MIRRORED = ("cifar10", "cifar100")
"""Data sets of things that may face either way: each image is mirrored or not."""


def augmented(images: Tensor, dataset: str) -> Tensor:
    """Return images [n, channels, side, side] moved at random, turned and mirrored if they may.

    The random numbers are those of torch's global generator. What a move leaves empty is filled
    with the pixels of the edge.
    """
    name = dataset.partition(":")[0]
    if name in ANY_WAY_UP:
        images = _turned(images)
    if name in MIRRORED:
        mirrored = torch.rand(len(images)) < 0.5
        images = torch.where(mirrored[:, None, None, None], images.flip(3), images)
    side, count = images.shape[-1], len(images)
    padded = functional.pad(images, (SHIFT,) * 4, mode="replicate")
    down, right = torch.randint(0, 2 * SHIFT + 1, (2, count)).tolist()
    moved = (
        image[:, y : y + side, x : x + side]
        for image, y, x in zip(padded, down, right, strict=True)
    )
    return torch.stack(list(moved))


def _turned(images: Tensor) -> Tensor:
    """Return each image after one of the eight symmetries of the square."""
    chosen = torch.randint(0, SYMMETRIES, (len(images),))
    result = torch.empty_like(images)
    for symmetry in range(SYMMETRIES):
        mine = chosen == symmetry
        turned = torch.rot90(images[mine], symmetry % 4, (2, 3))
        result[mine] = turned.flip(3) if symmetry >= SYMMETRIES // 2 else turned
    return result
