"""Products of two activations on integer codes: ranges, scales and the product itself.

left [M, K] and right [K, N] of each product are quantised per tensor: the left operand is applied
as input of an array and coded like the inputs of a matrix layer (affine with an exact zero), the
right one is written into cells like weights (symmetric), both with quantization.input_bits bits.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from cimsim.calibration.coding import (
    Codes,
    InputCoding,
    input_coding,
    observed_range,
    require_numbers,
)
from cimsim.calibration.ranges import RangeObserver
from cimsim.campaign.design import DesignPoint
from cimsim.errors import UserError
from cimsim.workloads.calls import MatrixCall, MatrixCalls
from cimsim.workloads.datasets import Images, batches
from cimsim.workloads.layer_table import LayerShape
from cimsim.workloads.operations import PRODUCT, operation_table
from cimsim.workloads.products import ProductCall, ProductCalls


@dataclass(frozen=True)
class ProductRange:
    """Calibrated range of the left operand of one product, and scale of its right operand."""

    name: str
    low: float
    high: float
    right_scale: float


Multiply = Callable[[NDArray[np.int8], Codes, int, int], NDArray[np.float64]]
"""multiply(right codes [K, N], left codes [M, K], slot, first vector) -> [M, N], the estimate of
(left - zero_point) @ right. Slots are the products that one image computes side by side (heads,
windows)."""


@dataclass(eq=False)
class ProductLayer:
    """One product of activations of a network, on integer codes.

    Attributes:
        name: as in the table of operations.
        coding, right_coding: of the operands; that of the right one is signed.
        multiply: what computes it; None for the exact product of integers.
        images, first_image: how many images a batch holds, and the number of the first one.
    """

    name: str
    coding: InputCoding
    right_coding: InputCoding
    multiply: Multiply | None = None
    images: int = field(default=1, init=False)
    first_image: int = field(default=0, init=False)

    def __call__(self, call: ProductCall) -> Tensor:
        """Return the product [batch, M, N], float32, rounded once from exact scales.

        Raises:
            UserError: the batch does not hold the same number of products for each image, or an
                operand is not a number.
        """
        left, right = self.codes(call)
        if len(left) % self.images:
            raise UserError(
                f"product {self.name}: {len(left)} products for {self.images} images; allowed with "
                "quantization.dynamic_products other than float: the same number for each image"
            )
        scale = self.coding.scale * self.right_coding.scale
        integers = self._exact(left, right) if self.multiply is None else self._each(left, right)
        return torch.from_numpy((integers * scale).astype(np.float32))

    def codes(self, call: ProductCall) -> tuple[Codes, NDArray[np.int8]]:
        """Return the codes of the operands [batch, M, K] and [batch, K, N].

        Raises:
            UserError: an operand is not a number; codes could not tell.
        """
        left, right = call.left.numpy(), call.right.numpy()
        for operand in (left, right):
            what = f"product {self.name}: an operand"
            require_numbers(operand, what, self.first_image, self.images)
        return self.coding.codes(left), self.right_coding.codes(right).astype(np.int8)

    def _exact(self, left: Codes, right: NDArray[np.int8]) -> NDArray[np.float64]:
        product: NDArray[np.float64] = (left.astype(np.float64) - self.coding.zero_point) @ right
        return product

    def _each(self, left: Codes, right: NDArray[np.int8]) -> NDArray[np.float64]:
        assert self.multiply is not None
        slots, vectors = len(left) // self.images, left.shape[1]
        result = np.empty((*left.shape[:2], right.shape[2]))
        for index, (inputs, stored) in enumerate(zip(left, right, strict=True)):
            image, slot = divmod(index, slots)
            first_vector = (self.first_image + image) * vectors
            result[index] = self.multiply(
                np.ascontiguousarray(stored), np.ascontiguousarray(inputs), slot, first_vector
            )
        return result


def find_product_ranges(
    point: DesignPoint,
    network: nn.Module,
    shapes: Sequence[LayerShape],
    images: Images,
) -> list[ProductRange]:
    """Return the ranges of the operands of each product of activations of the float network.

    Nothing is looked for with quantization.dynamic_products float.

    Raises:
        UserError: an operand is not finite.
    """
    settings = point.quantization
    if settings.dynamic_products == "float":
        return []
    matrix = {shape.name for shape in shapes}
    operations = operation_table(network, matrix, torch.from_numpy(images[:1]))
    names = [operation.name for operation in operations if operation.kind == PRODUCT]
    observers = [(RangeObserver(), RangeObserver()) for _ in names]

    def observe(call: ProductCall) -> Tensor:
        for observer, operand in zip(observers[call.number], (call.left, call.right), strict=True):
            values = operand.numpy()
            if not np.isfinite(values).all():
                raise UserError(f"product {names[call.number]}: an operand is not finite")
            observer.update(values)
        return torch.bmm(call.left, call.right)

    for batch in batches(images):
        run_caught(network, torch.from_numpy(batch), MatrixCall.result, observe)
    found = []
    for name, pair in zip(names, observers, strict=True):
        low, high = observed_range(point, pair[0])
        least, most = observed_range(point, pair[1], symmetric=True)
        right = InputCoding.signed_range(
            max(-least, most), settings.input_bits, point.fidelity.integer_conversion
        )
        found.append(ProductRange(name, low, high, right.scale))
    return found


def run_caught(
    network: nn.Module,
    x: Tensor,
    answer_layer: Callable[[MatrixCall], Tensor],
    answer_product: Callable[[ProductCall], Tensor] | None,
) -> Tensor:
    """Return the network's output while its layers and products (unless None) go to functions."""
    layers = MatrixCalls(network, answer_layer)
    result: Tensor
    if answer_product is None:
        with torch.inference_mode(), layers.caught():
            result = network(x)
    else:
        with layers.caught(), ProductCalls(network, layers, answer_product).caught():
            result = network(x)
    return result


def product_layers(point: DesignPoint, ranges: Sequence[ProductRange]) -> list[ProductLayer]:
    """Return the products of activations with exact products of integers."""
    bits, conversion = point.quantization.input_bits, point.fidelity.integer_conversion
    layers = []
    for found in ranges:
        left = input_coding(point, found.low, found.high)
        right = InputCoding(found.right_scale, 0, bits, signed=True, conversion=conversion)
        layers.append(ProductLayer(found.name, left, right))
    return layers
