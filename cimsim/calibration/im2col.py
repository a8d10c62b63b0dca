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
    count, channels = images.shape[0], images.shape[3]
    if padding:
        border = ((0, 0), (padding, padding), (padding, padding), (0, 0))
        images = np.pad(images, border, constant_values=fill)
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
