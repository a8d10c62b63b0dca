"""Arrays inside any PyTorch model, without a campaign: for notebooks and other programs."""

from __future__ import annotations

import copy
import json
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from cimsim.arrays.gpu import require_gpu
from cimsim.arrays.product import Device
from cimsim.calibration.fold import fold_batch_norm
from cimsim.calibration.products import find_product_ranges
from cimsim.calibration.scales import find_ranges, quantize_network
from cimsim.campaign.design import DesignPoint
from cimsim.campaign.design_json import read_design
from cimsim.errors import UserError
from cimsim.inference.network import layer_settings, program_network
from cimsim.mapping.stage import COLUMN_SUM_IMAGES, count_column_sums
from cimsim.workloads.calls import MATRIX, fix_derived_weights
from cimsim.workloads.layer_table import layer_table

FOLDING_IMAGES = 8
"""Calibration images (at most) that show which batch norm follows which layer."""


def convert(
    model: nn.Module,
    design: DesignPoint | Mapping[str, Any],
    calibration: Tensor,
    *,
    seed: int = 0,
    device: Device = "cpu",
) -> CimModel:
    """Return a copy of `model` whose convolutions and linear layers compute on arrays.

    The model is put into evaluation mode, batch norm is folded into the layer before it, and
    weights and inputs are quantised as `design.quantization` says. Other operations stay in
    floating point.

    Args:
        model: a trained model that takes one float32 tensor [n, ...], on the CPU.
        design: a design point, or its fields as in a campaign file (nested or dotted; a key
            ``preset`` is allowed). Workload and chip are not used.
        calibration: typical inputs [n, ...]; they set the ranges of activations, and of the ADC
            where its range is calibrated.
        seed: the chip: cells and noise.
        device: what computes the array products; inputs and outputs are on the CPU in any case.

    Raises:
        UserError: a field of the design, a layer that no array can hold, calibration inputs that
            are empty or not finite, or the device is "cuda" and there is none.

    >>> import torch
    >>> from cimsim.arrays import convert
    >>> _ = torch.manual_seed(0)
    >>> model = torch.nn.Sequential(
    ...     torch.nn.Conv2d(3, 8, 3, padding=1), torch.nn.ReLU(), torch.nn.Flatten(),
    ...     torch.nn.Linear(512, 10))
    >>> images = torch.rand(16, 3, 8, 8)
    >>> ideal = convert(model, {"array.adc.bits": 8}, images)
    >>> noisy = convert(model, {"array.adc.bits": 8, "nonideality.read_noise": 0.05}, images)
    >>> expected = model(images).detach()
    >>> error = lambda y: float((y - expected).norm() / expected.norm())
    >>> error(ideal(images)) < 0.02 < error(noisy(images))
    True
    """
    point = design if isinstance(design, DesignPoint) else read_design(json.dumps(dict(design)))
    return CimModel(model, point, calibration, seed=seed, device=device)


class CimModel(nn.Module):
    """A model on arrays. Calls are numbered: each image that it sees has read noise of its own.

    Attributes:
        design: the design point.
        images_seen: number of the next image; set it to 0 to see the same noise again.
    """

    def __init__(
        self,
        model: nn.Module,
        design: DesignPoint,
        calibration: Tensor,
        *,
        seed: int = 0,
        device: Device = "cpu",
    ) -> None:
        """Quantise a copy of `model` and program its layers; see :func:`convert`."""
        super().__init__()
        if len(calibration) == 0:
            raise UserError("calibration has no inputs; allowed: at least one")
        if device == "cuda":
            require_gpu()
        self.design = design
        self._device: Device = device
        self.images_seen = 0
        if isinstance(model, MATRIX):
            model = nn.Sequential(OrderedDict(layer=model))
        self.network = copy.deepcopy(model).eval()
        inputs = calibration.detach().float()
        if design.quantization.fold_batch_norm:
            with torch.inference_mode():
                fold_batch_norm(self.network, inputs[:FOLDING_IMAGES])
        fix_derived_weights(self.network, inputs[:1])
        shapes = layer_table(self.network, inputs[:1])
        if not shapes:
            raise UserError("the model has no convolution or linear layer that an array could hold")
        ranges = find_ranges(design, self.network, shapes, inputs.numpy())
        products = find_product_ranges(design, self.network, shapes, inputs.numpy())
        self._quantized = quantize_network(design, self.network, shapes, ranges, products)
        self._settings = layer_settings(design, self._quantized, self._column_sums(inputs))
        self.program(seed)

    def _column_sums(self, inputs: Tensor) -> dict[str, NDArray[np.int64]]:
        if self.design.array.adc.range.policy != "calibrated":
            return {}
        return count_column_sums(self._quantized, self.design, inputs[:COLUMN_SUM_IMAGES].numpy())

    @property
    def array_layers(self) -> list[str]:
        """Names of the layers on arrays, in execution order."""
        return [layer.shape.name for layer in self._quantized.layers if layer.on_array]

    def program(self, seed: int) -> None:
        """Program another chip: other cells and other noise. Images are numbered from 0 again."""
        program_network(self._quantized, self._settings, seed, self._device)
        self.images_seen = 0

    def forward(self, x: Tensor) -> Tensor:
        """Return the output for inputs [n, ...], float32; without gradients."""
        first_image, self.images_seen = self.images_seen, self.images_seen + len(x)
        return self._quantized.run(x.detach().float(), first_image).clone()


class _CimLayer(CimModel):
    """One layer on arrays."""

    kind: type[nn.Module] = nn.Module

    def __init__(
        self,
        layer: nn.Module,
        design: DesignPoint | Mapping[str, Any],
        calibration: Tensor,
        *,
        seed: int = 0,
        name: str = "layer",
        device: Device = "cpu",
    ) -> None:
        """Put a trained `layer` on arrays; `name` names its random numbers. See :func:`convert`.

        Raises:
            UserError: like :func:`convert`, or a layer of another kind.
        """
        if not isinstance(layer, self.kind):
            raise UserError(
                f"{type(self).__name__} got a {type(layer).__name__}; allowed: {self.kind.__name__}"
            )
        point = design if isinstance(design, DesignPoint) else read_design(json.dumps(dict(design)))
        network = nn.Sequential(OrderedDict([(name, layer)]))
        super().__init__(network, point, calibration, seed=seed, device=device)


class CimLinear(_CimLayer):
    """A ``torch.nn.Linear`` on arrays.

    >>> import torch
    >>> from cimsim.arrays import CimLinear
    >>> _ = torch.manual_seed(0)
    >>> linear, x = torch.nn.Linear(100, 10), torch.rand(32, 100)
    >>> layer = CimLinear(linear, {"cell.technology": "sram", "array.adc.bits": 8}, x)
    >>> layer(x).shape, bool(torch.allclose(layer(x), linear(x).detach(), atol=0.02))
    (torch.Size([32, 10]), True)
    """

    kind = nn.Linear


class CimConv2d(_CimLayer):
    """A ``torch.nn.Conv2d`` on arrays.

    >>> import torch
    >>> from cimsim.arrays import CimConv2d
    >>> _ = torch.manual_seed(0)
    >>> conv, x = torch.nn.Conv2d(3, 4, 3, padding=1), torch.rand(2, 3, 8, 8)
    >>> layer = CimConv2d(conv, {"array.adc.bits": 8}, x)
    >>> layer(x).shape, bool(torch.allclose(layer(x), conv(x).detach(), atol=0.02))
    (torch.Size([2, 4, 8, 8]), True)
    """

    kind = nn.Conv2d
