"""A convolution or linear layer computed from integer codes.

input float32 -> codes -> product of integers -> float32. The product is exact or comes from an
array (:mod:`cimsim.inference`); everything around it is the same, so an ideal array gives the
quantised network's outputs bit for bit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from cimsim.calibration.coding import Codes, InputCoding, require_numbers
from cimsim.calibration.im2col import im2col
from cimsim.calibration.quantizer import integer_codes, least_error_share, symmetric_scale
from cimsim.workloads.calls import MatrixCall
from cimsim.workloads.layer_table import LayerShape

Product = Callable[[Codes, int], NDArray[np.float64]]
"""product(codes [M, K], first_vector) -> [M, N]: the estimate of (codes - zero_point) @ weights for
the vectors first_vector, first_vector + 1, ... of the layer."""

VECTORS_AT_ONCE = 256
"""Input vectors (about) of a convolution at a time, so that what lies around the product stays in
the processor's caches."""

EXACT_FLOAT32 = 2**24
"""Integers up to this size are exact in float32, whatever the order of their sum."""


@dataclass(frozen=True, eq=False)
class WeightCodes:
    """Signed weight codes [K, N] of a layer (groups side by side) and their scales [N] or [1].

    Codes are int8, or int16 above 8 bits; real weight = code * scale. Rows run channel, kernel row,
    kernel column (channel slowest).
    """

    codes: NDArray[np.int8] | NDArray[np.int16]
    scale: NDArray[np.float64]


def quantize_weights(
    weight: NDArray[np.float32],
    bits: int,
    per: Literal["channel", "tensor"],
    conversion: Literal["nearest", "truncate"],
    observer: Literal["max", "mse"] = "max",
) -> WeightCodes:
    """Return the codes of `weight` [N, ...], symmetric about 0; one scale per channel or tensor.

    The range is that of all weights (max), or the share of it with the least squared error of
    rounding and clipping (mse). A channel of zeros has codes 0 and scale 1.
    """
    matrix = weight.reshape(len(weight), -1)
    axis = 1 if per == "channel" else None
    amax = np.abs(matrix).max(axis=axis, keepdims=True)
    if observer == "mse":
        amax = amax * least_error_share(matrix, amax, bits, axis)
    steps = symmetric_scale(amax, bits).astype(np.float64).ravel()
    kind = np.int8 if bits <= 8 else np.int16
    codes = integer_codes(matrix, amax, bits, conversion).astype(kind)
    scale = np.divide(1.0, steps, out=np.ones_like(steps), where=steps > 0)
    return WeightCodes(np.ascontiguousarray(codes.T), scale)


class MatrixLayer:
    """Stands in for a convolution or linear layer of a network.

    Attributes:
        shape: the layer's entry in the layer table.
        coding: of its inputs.
        weights: integer codes and scales.
        products: one per group, each for the columns of that group; None computes the layer in
            floating point with its original weights.
        all_at_once: the products want all vectors of a call together.
        images, first_image: how many images the input holds, and the number of the first one among
            all images; set by the network.
    """

    def __init__(self, shape: LayerShape, coding: InputCoding, weights: WeightCodes) -> None:
        self.shape = shape
        self.coding = coding
        self.weights = weights
        self.products: list[Product] | None = None
        self.all_at_once = False
        self.images, self.first_image = 1, 0
        self._scale = coding.scale * weights.scale

    @property
    def on_array(self) -> bool:
        """False if the layer is computed in floating point."""
        return self.products is not None

    def group_weights(self) -> list[NDArray[np.integer]]:
        """Return the weight codes [K, N / groups] of each group, contiguous."""
        parts = np.split(self.weights.codes, self.shape.groups, axis=1)
        return [np.ascontiguousarray(part) for part in parts]

    def group_codes(self, codes: Codes) -> list[Codes]:
        """Return the columns of `codes` [M, groups * K] that each group sees, contiguous."""
        groups = self.shape.groups
        parts = np.split(codes, groups, axis=1) if groups > 1 else [codes]  # split is slow
        return [np.ascontiguousarray(part) for part in parts]

    def input_codes(self, x: Tensor) -> Codes:
        """Return the input vectors as codes [M, groups * K]; padding holds the code of 0.

        Raises:
            UserError: an input is not a number.
        """
        return self.input_vectors(self._codes(x), self.coding.zero_point)

    def _codes(self, x: Tensor) -> Codes:
        """Return the codes of an input, in its shape; they could not tell what is not a number."""
        values = x.detach().numpy()
        require_numbers(values, f"layer {self.shape.name}: an input", self.first_image, self.images)
        return self.coding.codes(values)

    def input_vectors(self, values: NDArray[Any], fill: int) -> NDArray[Any]:
        """Return the input vectors [M, groups * K], image by image; `fill` is that of padding."""
        shape = self.shape
        if shape.kind == "linear":
            return np.moveaxis(values, shape.image_axis or 0, 0).reshape(-1, shape.in_channels)
        return im2col(
            values.transpose(0, 2, 3, 1),
            (shape.kernel_height, shape.kernel_width),
            shape.stride,
            shape.padding,
            shape.dilation,
            fill,
        )

    def __call__(self, call: MatrixCall) -> Tensor:
        """Return the layer's output for a batch, float32, shaped as that of the original layer.

        Raises:
            UserError: an input is not a number, or what the products raise.
        """
        x = call.x
        if self.products is None:
            # One image at a time: the order of a float sum depends on the shape of the batch.
            axis = self.shape.image_axis or 0
            return torch.cat([call.result(part) for part in torch.split(x, 1, axis)], axis)
        codes = self._codes(x)
        real = [
            self.dequantize(self._integers(self.products, vectors, number), call.bias)
            for number, vectors in self._parts(codes)
        ]
        return self._shaped(
            torch.from_numpy(real[0] if len(real) == 1 else np.concatenate(real)), x
        )

    def _parts(self, codes: Codes) -> Iterator[tuple[int, Codes]]:
        """Yield input vectors [m, groups * K], as many as fit the caches, and the number of the
        first one among all vectors of the layer."""
        shape, fill = self.shape, self.coding.zero_point
        linear = shape.kind == "linear"
        of_map = 1 if linear else shape.out_height * shape.out_width
        of_all = codes.size // shape.in_channels if linear else len(codes) * of_map
        first = 0 if shape.image_axis is None else self.first_image * (of_all // self.images)
        if linear or self.all_at_once:
            yield first, self.input_vectors(codes, fill)
            return
        maps = max(1, VECTORS_AT_ONCE // of_map)
        for start in range(0, len(codes), maps):
            vectors = self.input_vectors(codes[start : start + maps], fill)
            yield first + start * of_map, vectors

    def _integers(
        self, products: list[Product], vectors: Codes, first_vector: int
    ) -> NDArray[np.float64]:
        """Return the products of all groups, side by side [M, N]."""
        results = [
            product(part, first_vector)
            for product, part in zip(products, self.group_codes(vectors), strict=True)
        ]
        return results[0] if len(results) == 1 else np.concatenate(results, axis=1)

    def dequantize(
        self, integers: NDArray[np.float64], bias: Tensor | None = None
    ) -> NDArray[np.float32]:
        """Return integers [M, N] * input scale * weight scale + bias, rounded once to float32."""
        real = integers * self._scale
        if bias is not None:
            real += bias.detach().double().numpy()
        return real.astype(np.float32)

    def _shaped(self, y: Tensor, x: Tensor) -> Tensor:
        shape = self.shape
        if shape.kind == "linear":
            axis = shape.image_axis or 0
            return y.reshape(*x.movedim(axis, 0).shape[:-1], -1).movedim(0, axis)
        # Channels stay last in memory; only the order of the dimensions changes.
        grid = (shape.out_height, shape.out_width)
        return y.reshape(len(x), *grid, shape.out_channels).permute(0, 3, 1, 2)


def exact_products(layer: MatrixLayer) -> list[Product]:
    """Return products that compute (codes - zero_point) @ weights exactly, one per group."""
    largest = (
        layer.shape.rows * 2**layer.coding.bits * int(np.abs(layer.weights.codes).max(initial=0))
    )
    number: Any = np.float32 if largest < EXACT_FLOAT32 else np.float64
    zero_point = number(layer.coding.zero_point)

    def exact(weights: NDArray[np.integer]) -> Product:
        matrix = weights.astype(number)

        def product(codes: Codes, first_vector: int) -> NDArray[np.float64]:
            result: NDArray[np.float64] = ((codes.astype(number) - zero_point) @ matrix).astype(
                np.float64
            )
            return result

        return product

    return [exact(part) for part in layer.group_weights()]
