"""What every data set is made of: images that are read as they are asked for, and labels."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

BATCH = 50
"""Most images that are computed together."""

BATCH_PIXELS = 2**18
"""Most pixels of the images of a batch, which bounds memory: 5 images of 224 x 224."""


class Images(Protocol):
    """Images of one split; an array is one. Slices are read when they are asked for."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Number of images, channels, height, width."""
        ...

    def __len__(self) -> int: ...

    def __getitem__(self, chosen: slice, /) -> NDArray[np.float32]:
        """Return images float32 [n, channels, height, width] as the network takes them."""
        ...


@dataclass(frozen=True)
class Dataset:
    """Images and labels int64 [n] of two splits; images without preprocessing are in [0, 1]."""

    train_images: Images
    train_labels: NDArray[np.int64]
    test_images: Images
    test_labels: NDArray[np.int64]
    classes: int


class PixelImages:
    """Images that are in memory as bytes; a quarter of what they take as numbers.

    Args:
        pixels: uint8 [n, height, width, channels].
    """

    def __init__(self, pixels: NDArray[np.uint8]) -> None:
        self._pixels = pixels
        count, height, width, channels = pixels.shape
        self.shape = (count, channels, height, width)

    def __len__(self) -> int:
        return len(self._pixels)

    def __getitem__(self, chosen: slice, /) -> NDArray[np.float32]:
        """Return images float32 [n, channels, height, width] in [0, 1]."""
        part = self._pixels[chosen].transpose(0, 3, 1, 2)
        images = np.ascontiguousarray(part, dtype=np.float32)
        images /= np.float32(255)
        return images


class FirstImages:
    """The first images of a split, still read as they are asked for."""

    def __init__(self, images: Images, count: int) -> None:
        self._images = images
        self.shape = (min(count, len(images)), *images.shape[1:])

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, chosen: slice, /) -> NDArray[np.float32]:
        """Return images float32 [n, channels, height, width]."""
        start, stop, step = chosen.indices(len(self))
        return self._images[slice(start, stop, step)]


def batch_size(images: Images) -> int:
    """Return how many of `images` are computed together; it depends on their size alone."""
    height, width = images.shape[-2:]
    return max(1, min(BATCH, BATCH_PIXELS // (height * width)))


def batches(images: Images) -> Iterator[NDArray[np.float32]]:
    """Yield all images in order, :func:`batch_size` at a time."""
    batch = batch_size(images)
    for start in range(0, len(images), batch):
        yield images[start : start + batch]
