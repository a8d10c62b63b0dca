"""A network whose matrix layers work on integer codes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from cimsim.calibration.matrix_layer import MatrixLayer
from cimsim.calibration.products import ProductLayer, run_caught
from cimsim.errors import UserError
from cimsim.workloads.calls import MatrixCall
from cimsim.workloads.datasets import Images, batch_size, batches
from cimsim.workloads.products import ProductCall

Watcher = Callable[[MatrixLayer, MatrixCall], None]
ProductWatcher = Callable[[ProductLayer, ProductCall], None]


class QuantizedNetwork:
    """A network in which each matrix layer is computed by a :class:`MatrixLayer`.

    Attributes:
        layers: the matrix layers in execution order.
        module: the network in floating point, in evaluation mode.
        products: the products of activations in execution order; empty computes them in floating
            point.
    """

    def __init__(
        self,
        network: nn.Module,
        layers: list[MatrixLayer],
        products: Sequence[ProductLayer] = (),
    ) -> None:
        self.module = network.eval()
        self.layers = layers
        self.products = products
        self._by_name = {layer.shape.name: layer for layer in layers}
        self._watchers: list[Watcher] = []
        self._product_watchers: list[ProductWatcher] = []

    @property
    def names(self) -> list[str]:
        """Names of the matrix layers in execution order."""
        return [layer.shape.name for layer in self.layers]

    def logits(
        self, images: Images, first_image: int = 0, batch: int | None = None
    ) -> NDArray[np.float32]:
        """Return logits float32 [n, classes] of images [n, channels, height, width].

        `first_image` is the number of the first one among all test images: it names the noise.
        `batch` images are computed together, by default :func:`batch_size`. Results do not depend
        on it, but for the fidelity switches that tie the images of a batch together (input_shift
        data_minimum, read_noise_scope batch).

        Raises:
            UserError: a logit, or an input of a matrix layer, is not a number.
        """
        batch = batch or batch_size(images)
        parts = [
            self.run(torch.from_numpy(images[start : start + batch]), first_image + start).numpy()
            for start in range(0, len(images), batch)
        ]
        return _numbers(np.concatenate(parts), first_image)

    def run(self, x: Tensor, first_image: int = 0) -> Tensor:
        """Return the network's output for inputs [n, ...], the first one with this number."""
        for layer in self.layers:
            layer.images, layer.first_image = len(x), first_image
        for product in self.products:
            product.images, product.first_image = len(x), first_image
        answer_product = self._answer_product if self.products else None
        return run_caught(self.module, x, self._answer, answer_product)

    def _answer(self, call: MatrixCall) -> Tensor:
        layer = self._by_name[call.name]
        for see in self._watchers:
            see(layer, call)
        return layer(call)

    def _answer_product(self, call: ProductCall) -> Tensor:
        product = self.products[call.number]
        for see in self._product_watchers:
            see(product, call)
        return product(call)

    @contextmanager
    def watched(self, see: Watcher, see_product: ProductWatcher | None = None) -> Iterator[None]:
        """Within the block, call ``see(layer, call)`` each time a matrix layer runs.

        `see_product` likewise for products of activations that are not in floating point.
        """
        seen_products = [see_product] if see_product else []
        self._watchers.append(see)
        self._product_watchers += seen_products
        try:
            yield
        finally:
            self._watchers.remove(see)
            for see_product in seen_products:
                self._product_watchers.remove(see_product)


def float_logits(network: nn.Module, images: Images) -> NDArray[np.float32]:
    """Return logits float32 [n, classes] of the network in floating point.

    Raises:
        UserError: a logit is not a number.
    """
    with torch.inference_mode():
        parts = [network(torch.from_numpy(part)) for part in batches(images)]
    return _numbers(torch.cat(parts).numpy())


def _numbers(logits: NDArray[np.float32], first_image: int = 0) -> NDArray[np.float32]:
    """Return logits; without numbers they would be those of some class.

    Raises:
        UserError: one is not a number.
    """
    broken = np.flatnonzero(np.isnan(logits).any(axis=1))
    if broken.size:
        raise UserError(
            f"image {first_image + broken[0]}: the network gives a logit that is not a number "
            f"(NaN; {broken.size} of {len(logits)} images); allowed: a model that gives numbers "
            "for every image"
        )
    return logits
