"""Programming the matrix layers of a network into arrays."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial

import numpy as np
from numpy.typing import NDArray

from cimsim import _native
from cimsim.arrays.dynamic import dynamic_design
from cimsim.arrays.product import Device, ProgrammedLayer
from cimsim.arrays.settings import ArraySettings, adc_step_for
from cimsim.calibration.coding import Codes
from cimsim.calibration.matrix_layer import MatrixLayer, Product
from cimsim.calibration.network import QuantizedNetwork
from cimsim.calibration.products import Multiply, ProductLayer
from cimsim.campaign.design import DesignPoint
from cimsim.campaign.layer_design import layer_designs
from cimsim.errors import UserError


def program_network(
    network: QuantizedNetwork,
    settings: dict[str, ArraySettings],
    seed: int,
    device: Device = "cpu",
) -> None:
    """Program each layer on arrays with the cells of one seed; `settings` are by layer name.

    Products of activations that have settings get arrays that are written each time.

    Raises:
        UserError: the device is "cuda", and there is none or no Triton; or the kernels cannot
            compute a layer with these cells and ADCs, now or when the network runs.
    """
    for layer in network.layers:
        if layer.on_array:
            layer.products = []  # the last chip's go first: two do not exist together
            held = settings[layer.shape.name]
            layer.products = _programmed(layer, held, seed, device)
            layer.all_at_once = held.ties_a_call or device == "cuda"  # a GPU wants long calls
    for product in network.products:
        if product.name in settings:
            product.multiply = _written(product, settings[product.name], seed, device)


def layer_settings(
    point: DesignPoint, network: QuantizedNetwork, sums: Mapping[str, NDArray[np.int64]]
) -> dict[str, ArraySettings]:
    """Return the array settings of each layer and product on arrays.

    They differ in the ADC step, and in bits where the design says so. `sums` are histograms of
    column sums, which a calibrated range needs.
    """

    def settings(design: DesignPoint, name: str) -> ArraySettings:
        return ArraySettings.from_design(design, adc_step_for(design, sums.get(name)))

    designs = layer_designs(point, network.names)
    layers = {
        layer.shape.name: settings(designs[layer.shape.name], layer.shape.name)
        for layer in network.layers
        if layer.on_array
    }
    if point.quantization.dynamic_products != "array":
        return layers
    written = dynamic_design(point)
    return layers | {product.name: settings(written, product.name) for product in network.products}


def _programmed(
    layer: MatrixLayer, settings: ArraySettings, seed: int, device: Device
) -> list[Product]:
    """Return one array product per group; each group has cells, and random numbers, of its own."""
    name, grouped = layer.shape.name, layer.shape.groups > 1
    with _computable(f"layer {name}", settings):
        arrays = [
            ProgrammedLayer(codes, settings, f"{name}[{group}]" if grouped else name, seed, device)
            for group, codes in enumerate(layer.group_weights())
        ]
    return [partial(_product, array, layer, settings) for array in arrays]


def _product(
    array: ProgrammedLayer,
    layer: MatrixLayer,
    settings: ArraySettings,
    codes: Codes,
    first_vector: int,
) -> NDArray[np.float64]:
    with _computable(f"layer {layer.shape.name}", settings):
        return array.product(codes, layer.coding.zero_point, first_vector)


def _written(product: ProductLayer, settings: ArraySettings, seed: int, device: Device) -> Multiply:
    """Return what writes the right operand into an array and multiplies the left one with it.

    Each slot has an array of its own, with the same cells and other noise for each image.
    """

    def multiply(
        stored: NDArray[np.int8], codes: Codes, slot: int, first_vector: int
    ) -> NDArray[np.float64]:
        with _computable(f"product {product.name}", settings):
            array = ProgrammedLayer(stored, settings, f"{product.name}[{slot}]", seed, device)
            return array.product(codes, product.coding.zero_point, first_vector)

    return multiply


@contextmanager
def _computable(what: str, settings: ArraySettings) -> Iterator[None]:
    """Say which layer and design it is that the kernels refuse.

    Raises:
        UserError: they do.
    """
    try:
        yield
    except _native.InvalidArgument as error:
        raise UserError(
            f"{what}, with {settings.states} states a cell, {settings.parallel_rows} rows that are "
            f"read together and ADC codes up to {settings.adc_top}: the array kernels cannot "
            f"compute it: {error}"
        ) from error
