"""Programming the matrix layers of a network into arrays."""

from __future__ import annotations

from functools import partial

import numpy as np
from numpy.typing import NDArray

from cimsim.arrays.product import Device, ProgrammedLayer
from cimsim.arrays.settings import ArraySettings
from cimsim.calibration.coding import Codes
from cimsim.calibration.matrix_layer import MatrixLayer, Product
from cimsim.calibration.network import QuantizedNetwork


def program_network(
    network: QuantizedNetwork,
    settings: dict[str, ArraySettings],
    seed: int,
    device: Device = "cpu",
) -> None:
    """Program each layer on arrays with the cells of one seed; `settings` are by layer name.

    Raises:
        UserError: the device is "cuda", and there is none or no Triton.
    """
    for layer in network.layers:
        if layer.on_array:
            layer.products = _programmed(layer, settings[layer.shape.name], seed, device)


def _programmed(
    layer: MatrixLayer, settings: ArraySettings, seed: int, device: Device
) -> list[Product]:
    """Return one array product per group; each group has cells, and random numbers, of its own."""
    name, grouped = layer.shape.name, layer.shape.groups > 1
    arrays = [
        ProgrammedLayer(weights, settings, f"{name}[{group}]" if grouped else name, seed, device)
        for group, weights in enumerate(layer.group_weights())
    ]
    return [partial(_product, array, layer.coding.zero_point) for array in arrays]


def _product(
    array: ProgrammedLayer, zero_point: int, codes: Codes, first_vector: int
) -> NDArray[np.float64]:
    return array.product(codes, zero_point, first_vector)
