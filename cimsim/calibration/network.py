"""A network whose matrix layers work on integer codes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from cimsim.calibration.matrix_layer import MatrixLayer

BATCH = 50
"""Images that are computed together. Results do not depend on it, but for the fidelity switches
that tie the images of a batch together (input_shift data_minimum, read_noise_scope batch)."""


class QuantizedNetwork:
    """A network in which each matrix layer is a :class:`MatrixLayer`.

    Attributes:
        layers: the matrix layers in execution order.
        module: the network with these layers in it, in evaluation mode.
    """

    def __init__(self, network: nn.Module, layers: list[MatrixLayer]) -> None:
        """Put `layers` in the place of the modules they stand in for, in `network` itself."""
        for layer in layers:
            network.set_submodule(layer.shape.name, layer)
        self.module = network.eval()
        self.layers = layers

    def logits(
        self, images: NDArray[np.float32], first_image: int = 0, batch: int = BATCH
    ) -> NDArray[np.float32]:
        """Return logits float32 [n, classes] of images [n, channels, height, width].

        `first_image` is the number of the first one among all test images: it names the noise.
        """
        parts = []
        with torch.inference_mode():
            for start in range(0, len(images), batch):
                for layer in self.layers:
                    layer.first_image = first_image + start
                part = torch.from_numpy(images[start : start + batch])
                parts.append(self.module(part).numpy())
        return np.concatenate(parts)

    @contextmanager
    def watched(self, see: Callable[[MatrixLayer, Tensor], None]) -> Iterator[None]:
        """Within the block, call ``see(layer, input)`` each time a matrix layer runs."""

        def hook(module: nn.Module, inputs: tuple[Tensor]) -> None:
            assert isinstance(module, MatrixLayer)
            see(module, inputs[0])

        handles = [layer.register_forward_pre_hook(hook) for layer in self.layers]
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()


def float_logits(
    network: nn.Module, images: NDArray[np.float32], batch: int = BATCH
) -> NDArray[np.float32]:
    """Return logits float32 [n, classes] of the network in floating point."""
    with torch.inference_mode():
        parts = [network(torch.from_numpy(part)) for part in _batches(images, batch)]
    return torch.cat(parts).numpy()


def _batches(images: NDArray[np.float32], batch: int) -> Iterator[NDArray[np.float32]]:
    for start in range(0, len(images), batch):
        yield images[start : start + batch]
