"""The matrix layers of a network, in execution order, found by running it once."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any, Literal

import torch
from torch import Tensor, nn

from cimsim.errors import UserError
from cimsim.workloads.calls import MatrixCall, MatrixCalls

POOLING = (nn.MaxPool2d, nn.AvgPool2d, nn.AdaptiveAvgPool2d, nn.AdaptiveMaxPool2d)


@dataclass(frozen=True)
class LayerShape:
    """Shape of one matrix layer for one image.

    `name` is the module's name, so that its weight is "<name>.weight" in the state_dict. A linear
    layer is a 1 x 1 kernel; on tokens [tokens, features] in_height is the number of tokens and
    in_width 1. `pooled`: a pooling layer follows before the next matrix layer. `image_axis`: the
    dimension of the input along which images follow one another; None if the input is the same for
    all images (as that of the network that makes SwinV2's position bias).
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
    dilation: int = 1
    image_axis: int | None = 0

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
    """Return the matrix layers that `network` runs on `image` [1, ...], in order.

    Convolutions and linear layers count whether they run as modules or as functions, with the names
    of their weights. Products of two activations (attention scores and values) are no matrix
    layers, nor are products with a weight that is no parameter of the network.

    Raises:
        UserError: a layer runs twice per image, has a stride or dilation that is not square, or its
            input does not hold images one after another.
    """
    once = _run(network, image)
    twice = {seen.call.name: seen.call for seen in _run(network, torch.cat([image, image]))}
    found = []
    for seen in once:
        call = seen.call
        axis = _image_axis(call, twice[call.name])
        shape = _conv_shape if call.is_convolution else _linear_shape
        values = shape(call, seen.output, axis)
        found.append(LayerShape(call.name, pooled=seen.pooled, image_axis=axis, **values))
    return found


@dataclass
class _Seen:
    """A call of a matrix layer whose input is a shape without values."""

    call: MatrixCall
    output: torch.Size
    pooled: bool = False


def _run(network: nn.Module, images: Tensor) -> list[_Seen]:
    """Return the calls of all matrix layers in order."""
    found: dict[str, _Seen] = {}

    def see(call: MatrixCall) -> Tensor:
        if call.name in found:
            raise UserError(f"layer {call.name} runs more than once per image; not supported")
        result = call.result()
        found[call.name] = _Seen(replace(call, x=call.x.to("meta")), result.shape)
        return result

    def pooling_hook(module: nn.Module, inputs: tuple[Tensor], output: Tensor) -> None:
        if found:
            list(found.values())[-1].pooled = True

    handles = [
        module.register_forward_hook(pooling_hook)
        for module in network.modules()
        if isinstance(module, POOLING)
    ]
    try:
        with torch.inference_mode(), MatrixCalls(network, see).caught():
            network(images)
    finally:
        for handle in handles:
            handle.remove()
    return list(found.values())


def _image_axis(one: MatrixCall, two: MatrixCall) -> int | None:
    """Return the axis of images of the calls for one image and for two."""
    pairs = list(zip(one.x.shape, two.x.shape, strict=True))
    differing = [axis for axis, (a, b) in enumerate(pairs) if a != b]
    doubled = [axis for axis in differing if pairs[axis][1] == 2 * pairs[axis][0]]
    if not differing:
        return None
    if differing == doubled[:1] and not (one.is_convolution and doubled[0]):
        return doubled[0]
    raise UserError(
        f"layer {one.name}: its input has the shape {_shape(one)} for one image and {_shape(two)} "
        "for two; allowed: images along one dimension (the first one of a convolution)"
    )


def _shape(call: MatrixCall) -> str:
    return " x ".join(map(str, call.x.shape))


def _conv_shape(call: MatrixCall, y: torch.Size, axis: int | None) -> dict[str, Any]:
    assert call.stride is not None
    for field, (vertical, horizontal) in (("stride", call.stride), ("dilation", call.dilation)):
        if vertical != horizontal:
            raise UserError(
                f"layer {call.name}: {field} is {vertical} x {horizontal}; allowed: the same both "
                "ways"
            )
    return {
        "kind": "conv",
        "in_channels": call.x.shape[1],
        "in_height": call.x.shape[2],
        "in_width": call.x.shape[3],
        "kernel_height": call.weight.shape[2],
        "kernel_width": call.weight.shape[3],
        "out_channels": y[1],
        "out_height": y[2],
        "out_width": y[3],
        "stride": call.stride[0],
        "padding": call.padding[0],
        "dilation": call.dilation[0],
        "groups": call.groups,
    }


def _linear_shape(call: MatrixCall, y: torch.Size, axis: int | None) -> dict[str, Any]:
    sizes = list(call.x.shape)
    positions = [n for i, n in enumerate(sizes[:-1]) if i != axis or n > 1]
    height = positions[0] if positions else 1
    width = math.prod(positions[1:])
    return {
        "kind": "linear",
        "in_channels": sizes[-1],
        "in_height": height,
        "in_width": width,
        "kernel_height": 1,
        "kernel_width": 1,
        "out_channels": y[-1],
        "out_height": height,
        "out_width": width,
        "stride": 1,
        "padding": 0,
        "groups": 1,
    }
