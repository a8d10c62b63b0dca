"""The input vectors of a convolution as a matrix (im2col), on integer codes."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def output_size(size: int, kernel: int, stride: int, padding: int, dilation: int) -> int:
    """Return the number of kernel positions along one side of `size` pixels."""
    return (size + 2 * padding - dilation * (kernel - 1) - 1) // stride + 1


def im2col(
    images: NDArray[Any],
    kernel: tuple[int, int],
    stride: int,
    padding: int,
    dilation: int,
    fill: int,
) -> NDArray[Any]:
    """Return the input vectors, one row each: [n * out_height * out_width, channels * kernel size].

    Args:
        images: values [n, height, width, channels]; fastest if channels also lie last in memory.
        kernel: height, width.
        fill: code of the padding: that of the real value 0.

    Rows of the weight matrix run channel, kernel row, kernel column (channel slowest); vectors run
    image, output row, output column.
    """
    height, width = (
        output_size(side, k, stride, padding, dilation)
        for side, k in zip(images.shape[1:3], kernel, strict=True)
    )
    count, rows, pixels, channels = images.shape
    if padding:
        shape = (count, rows + 2 * padding, pixels + 2 * padding, channels)
        padded = np.full(shape, fill, dtype=images.dtype)  # several times as fast as np.pad
        padded[:, padding:-padding, padding:-padding] = images
        images = padded
    columns = np.empty((count, height, width, channels, *kernel), dtype=images.dtype)
    for i in range(kernel[0]):
        for j in range(kernel[1]):
            top, left = i * dilation, j * dilation
            columns[..., i, j] = images[
                :,
                top : top + stride * (height - 1) + 1 : stride,
                left : left + stride * (width - 1) + 1 : stride,
            ]
    return columns.reshape(count * height * width, channels * kernel[0] * kernel[1])
