"""The matrix layers of a network, in execution order, found by running it once."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor, nn

from cimsim.errors import UserError

MATRIX = (nn.Conv2d, nn.Linear)
POOLING = (nn.MaxPool2d, nn.AvgPool2d, nn.AdaptiveAvgPool2d, nn.AdaptiveMaxPool2d)


@dataclass(frozen=True)
class LayerShape:
    """Shape of one matrix layer for one image.

    `name` is the module's name, so that its weight is "<name>.weight" in the state_dict. A linear
    layer is a 1 x 1 kernel; on tokens [tokens, features] in_height is the number of tokens and
    in_width 1. `pooled`: a pooling layer follows before the next matrix layer.
    """

    name: str
    kind: Literal["conv", "linear"]
    in_channels: int
    in_height: int
    in_width: int
    kernel_height: int
    kernel_width: int
    out_channels: int
    out_height: int
    out_width: int
    stride: int
    padding: int
    groups: int
    pooled: bool

    @property
    def rows(self) -> int:
        """Rows K of the matrix of one group: input channels of a group x kernel positions."""
        return self.in_channels // self.groups * self.kernel_height * self.kernel_width

    @property
    def columns(self) -> int:
        """Columns N, of all groups together."""
        return self.out_channels

    @property
    def vectors(self) -> int:
        """Input vectors V of one image: output pixels or tokens."""
        return self.out_height * self.out_width


def layer_table(network: nn.Module, image: Tensor) -> list[LayerShape]:
    """Return the matrix layers that `network` runs on `image` [1, channels, h, w], in order.

    Convolutions and linear layers count if they run as modules. Products of two activations
    (attention scores and values) and operations called as functions are not matrix layers.

    Raises:
        UserError: a layer runs twice per image, or a convolution is not square in stride or padding
            or does not pad with zeros.
    """
    found: list[dict[str, Any]] = []

    def matrix_hook(name: str) -> Callable[[nn.Module, tuple[Tensor], Tensor], None]:
        def hook(module: nn.Module, inputs: tuple[Tensor], output: Tensor) -> None:
            if any(entry["name"] == name for entry in found):
                raise UserError(f"layer {name} runs more than once per image; not supported")
            shape = _conv_shape if isinstance(module, nn.Conv2d) else _linear_shape
            found.append({"name": name, "pooled": False, **shape(name, module, inputs[0], output)})

        return hook

    def pooling_hook(module: nn.Module, inputs: tuple[Tensor], output: Tensor) -> None:
        if found:
            found[-1]["pooled"] = True

    handles = []
    for name, module in network.named_modules():
        if isinstance(module, MATRIX):
            handles.append(module.register_forward_hook(matrix_hook(name)))
        elif isinstance(module, POOLING):
            handles.append(module.register_forward_hook(pooling_hook))
    try:
        with torch.inference_mode():
            network(image)
    finally:
        for handle in handles:
            handle.remove()
    return [LayerShape(**entry) for entry in found]


def _conv_shape(name: str, module: nn.Module, x: Tensor, y: Tensor) -> dict[str, Any]:
    assert isinstance(module, nn.Conv2d)
    if module.padding_mode != "zeros" or isinstance(module.padding, str):
        raise UserError(
            f"layer {name}: padding {module.padding!r} with mode '{module.padding_mode}' is not "
            "supported; allowed: a number of zeros"
        )
    for field in ("stride", "padding", "dilation"):
        vertical, horizontal = getattr(module, field)
        if vertical != horizontal:
            raise UserError(
                f"layer {name}: {field} is {vertical} x {horizontal}; allowed: the same both ways"
            )
    return {
        "kind": "conv",
        "in_channels": module.in_channels,
        "in_height": x.shape[2],
        "in_width": x.shape[3],
        "kernel_height": module.kernel_size[0],
        "kernel_width": module.kernel_size[1],
        "out_channels": module.out_channels,
        "out_height": y.shape[2],
        "out_width": y.shape[3],
        "stride": module.stride[0],
        "padding": module.padding[0],
        "groups": module.groups,
    }


def _linear_shape(name: str, module: nn.Module, x: Tensor, y: Tensor) -> dict[str, Any]:
    assert isinstance(module, nn.Linear)
    positions = x.shape[1:-1]
    height = positions[0] if positions else 1
    width = math.prod(positions[1:])
    return {
        "kind": "linear",
        "in_channels": module.in_features,
        "in_height": height,
        "in_width": width,
        "kernel_height": 1,
        "kernel_width": 1,
        "out_channels": module.out_features,
        "out_height": height,
        "out_width": width,
        "stride": 1,
        "padding": 0,
        "groups": 1,
    }
