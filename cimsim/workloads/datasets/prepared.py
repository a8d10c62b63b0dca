"""Images that are opened and turned into a network's input as they are asked for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from cimsim.errors import UserError

Transform = Callable[[Image.Image], Tensor]
"""From an RGB image to what the network takes, float32 [channels, height, width]."""


class PreparedImages:
    """Images of one split, opened and transformed slice by slice; nothing is kept.

    Args:
        count: number of images.
        read: opens image n; it raises :class:`UserError` if that cannot be done.
    """

    def __init__(
        self, count: int, read: Callable[[int], Image.Image], transform: Transform
    ) -> None:
        self._read, self._transform = read, transform
        self._count = count
        self.shape = (count, *self._prepare(0).shape)

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, chosen: slice, /) -> NDArray[np.float32]:
        """Return images float32 [n, channels, height, width].

        Raises:
            UserError: an image cannot be read, or is of another size than the first one.
        """
        numbers = range(len(self))[chosen]
        images = np.empty((len(numbers), *self.shape[1:]), dtype=np.float32)
        for image, number in zip(images, numbers, strict=True):
            values = self._prepare(number)
            if values.shape != image.shape:
                raise UserError(
                    f"workload.dataset: image {number} is {_size(values.shape)} but image 0 is "
                    f"{_size(image.shape)}; allowed: images of one size, or a network whose "
                    "transform cuts them (timm, torchvision, or a function transform in the "
                    "network's own file)"
                )
            image[:] = values
        return images

    def _prepare(self, number: int) -> NDArray[np.float32]:
        image = self._read(number)
        try:
            prepared: Any = self._transform(image)
        except Exception as error:  # foreign code may raise anything
            raise UserError(
                f"workload.model: its transform fails on image {number}, {image.width} x "
                f"{image.height} pixels: {type(error).__name__}: {error}"
            ) from error
        if not isinstance(prepared, Tensor) or prepared.ndim != 3:
            raise UserError(
                "workload.model: its transform returns "
                f"{type(prepared).__name__} {_size(getattr(prepared, 'shape', ()))}; allowed: a "
                "tensor [channels, height, width]"
            )
        values: NDArray[np.float32] = prepared.numpy().astype(np.float32, copy=False)
        return values


def _size(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape))
