"""The check that every campaign begins with: an ideal array gives the product of integers."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cimsim.arrays.effects import ideal
from cimsim.arrays.product import ProgrammedLayer
from cimsim.arrays.settings import ArraySettings
from cimsim.calibration.matrix_layer import MatrixLayer, exact_products
from cimsim.calibration.network import QuantizedNetwork
from cimsim.campaign.design import DesignPoint
from cimsim.campaign.layer_design import layer_designs
from cimsim.errors import UserError
from cimsim.workloads.calls import MatrixCall

VECTORS = 64
"""Input vectors (at most) of each layer that are checked."""


def check_ideal_arrays(
    network: QuantizedNetwork, point: DesignPoint, image: NDArray[np.float32]
) -> None:
    """Compare each layer on ideal arrays with the exact product, for the inputs of one image.

    `image` is [1, channels, height, width]. The arrays have the geometry of `point` but cells
    without deviations and an ADC that resolves every sum, so that not a single unit may differ.

    Raises:
        UserError: a layer differs: the installation computes wrong results.
    """
    settings = {
        name: ideal(ArraySettings.from_design(design, adc_step=1.0))
        for name, design in layer_designs(point, network.names).items()
    }

    def check(layer: MatrixLayer, call: MatrixCall) -> None:
        if not layer.on_array:
            return
        codes = layer.input_codes(call.x)
        chosen = np.unique(np.linspace(0, len(codes) - 1, VECTORS).astype(int))
        parts = layer.group_codes(codes[chosen])
        for part, weights, exact in zip(
            parts, layer.group_weights(), exact_products(layer), strict=True
        ):
            name = layer.shape.name
            array = ProgrammedLayer(weights, settings[name], name, seed=0)
            found, expected = array.product(part, layer.coding.zero_point), exact(part, 0)
            if not np.array_equal(found, expected):
                largest = np.abs(found - expected).max()
                raise UserError(
                    f"self-check: layer {name} on an ideal array differs from the "
                    f"product of integers by up to {largest:g}; the compiled engine gives wrong "
                    "results on this machine: install cimsim again, run `cimsim verify functional` "
                    "and report the processor"
                )

    with network.watched(check):
        network.logits(image)
