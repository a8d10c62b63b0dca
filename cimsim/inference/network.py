"""Programming the matrix layers of a network into arrays."""

from __future__ import annotations

from functools import partial

import numpy as np
from numpy.typing import NDArray

from cimsim.arrays.product import ProgrammedLayer
from cimsim.arrays.settings import ArraySettings
from cimsim.calibration.coding import Codes
from cimsim.calibration.matrix_layer import MatrixLayer, Product
from cimsim.calibration.network import QuantizedNetwork


def program_network(
    network: QuantizedNetwork, settings: dict[str, ArraySettings], seed: int
) -> None:
    """Program each layer on arrays with the cells of one seed; `settings` are by layer name."""
    for layer in network.layers:
        if layer.on_array:
            layer.products = _programmed(layer, settings[layer.shape.name], seed)


def _programmed(layer: MatrixLayer, settings: ArraySettings, seed: int) -> list[Product]:
    """Return one array product per group; each group has cells, and random numbers, of its own."""
    name, grouped = layer.shape.name, layer.shape.groups > 1
    arrays = [
        ProgrammedLayer(weights, settings, f"{name}[{group}]" if grouped else name, seed)
        for group, weights in enumerate(layer.group_weights())
    ]
    return [partial(_product, array, layer.coding.zero_point) for array in arrays]


def _product(
    array: ProgrammedLayer, zero_point: int, codes: Codes, first_vector: int
) -> NDArray[np.float64]:
    return array.product(codes, zero_point, first_vector)
