"""Batch norm folded into the convolution or linear layer before it.

At inference batch norm is y = (x - mean) / sqrt(variance + eps) * gamma + beta per channel: a
change of the preceding layer's weights and bias (B. Jacob et al., CVPR 2018, section 3.2).
"""

from __future__ import annotations

from collections import OrderedDict

import torch
from torch import Tensor, nn

from cimsim.errors import UserError
from cimsim.workloads.calls import MATRIX

BATCH_NORM = (nn.BatchNorm1d, nn.BatchNorm2d)

RELATIVE_TOLERANCE = 1e-3
"""Largest difference that folding may make, relative to the largest output."""


def fold_batch_norm(network: nn.Module, images: Tensor) -> None:
    """Fold, in place, each batch norm that takes the output of a matrix layer.

    `network` is in evaluation mode; `images` [n, channels, height, width] find the pairs and check
    the result.

    Raises:
        UserError: the outputs change, because a folded layer's output is used elsewhere as well.
    """
    with torch.inference_mode():
        before: Tensor = network(images)
        pairs = _pairs(network, images)
    for layer, norm in pairs:
        _fold(network.get_submodule(layer), network.get_submodule(norm))
        network.set_submodule(norm, _after(network.get_submodule(norm)))
    with torch.inference_mode():
        after: Tensor = network(images)
    if (after - before).abs().max() > RELATIVE_TOLERANCE * before.abs().max():
        names = ", ".join(layer for layer, _ in pairs)
        raise UserError(f"batch norm cannot be folded: another layer uses an output of {names}")


def _pairs(network: nn.Module, images: Tensor) -> list[tuple[str, str]]:
    """Return names (matrix layer, batch norm) where the one's output is the other's input."""
    outputs: list[tuple[str, Tensor]] = []
    pairs: list[tuple[str, str]] = []

    def produced(name: str) -> object:
        return lambda module, inputs, output: outputs.append((name, output))

    def consumed(name: str) -> object:
        def hook(module: nn.Module, inputs: tuple[Tensor]) -> None:
            pairs.extend((layer, name) for layer, output in outputs if output is inputs[0])

        return hook

    handles = []
    for name, module in network.named_modules():
        if isinstance(module, MATRIX):
            handles.append(module.register_forward_hook(produced(name)))  # type: ignore[arg-type]
        elif isinstance(module, BATCH_NORM):
            handles.append(module.register_forward_pre_hook(consumed(name)))  # type: ignore[arg-type]
    network(images)
    for handle in handles:
        handle.remove()
    return pairs


def _after(norm: nn.Module) -> nn.Module:
    """Return what a batch norm does after normalising: nothing, or its parts (an activation)."""
    parts = OrderedDict(norm.named_children())
    return nn.Sequential(parts) if parts else nn.Identity()


def _fold(layer: nn.Module, norm: nn.Module) -> None:
    assert isinstance(layer, MATRIX)
    assert isinstance(norm, BATCH_NORM)
    assert norm.running_mean is not None
    assert norm.running_var is not None
    mean, variance = norm.running_mean.double(), norm.running_var.double()
    gamma = torch.ones_like(mean) if norm.weight is None else norm.weight.double()
    beta = torch.zeros_like(mean) if norm.bias is None else norm.bias.double()
    factor = gamma / torch.sqrt(variance + norm.eps)
    old_bias = torch.zeros_like(mean) if layer.bias is None else layer.bias.double()
    weight = layer.weight.double() * factor.reshape(-1, *[1] * (layer.weight.dim() - 1))
    bias = (old_bias - mean) * factor + beta
    layer.weight = nn.Parameter(weight.float(), requires_grad=False)
    layer.bias = nn.Parameter(bias.float(), requires_grad=False)
