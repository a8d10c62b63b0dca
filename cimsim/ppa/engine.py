"""Python face of the native power, performance and area engine.

The engine is a pure function: network, inputs, weights, parameters and technology in, figures out.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from cimsim import _native
from cimsim.errors import UserError

Codes = NDArray[np.uint8] | NDArray[np.uint16]
"""Input codes of a layer and image, [K, V]."""


@dataclass(frozen=True)
class NetworkLayer:
    """One matrix layer; sizes in elements of the feature map (without padding) or of the kernel.

    A linear layer has a 1 x 1 kernel and a 1 x 1 feature map, or as many positions as tokens.
    `positions` is the number of input vectors an image; the model uses its integer part. A grouped
    convolution has `groups` matrices, each of a share of the input and output channels; its inputs
    are those of all groups, one below the other, its weights side by side.
    """

    name: str
    height: int
    width: int
    in_channels: int
    kernel_height: int
    kernel_width: int
    out_channels: int
    pooled: bool
    positions: float
    groups: int = 1

    @property
    def rows(self) -> int:
        """Rows K of the weight matrix (fan-in) of a group."""
        return self.in_channels // self.groups * self.kernel_height * self.kernel_width


def unpadded_positions(
    height: int, width: int, kernel_height: int, kernel_width: int, stride: int
) -> float:
    """Return the input vectors that DNN+NeuroSim V1.5 counts: no padding, not rounded (quirk 2)."""
    return (height - kernel_height + 1) / stride * (width - kernel_width + 1) / stride


@dataclass(frozen=True)
class Component:
    """One circuit of the chip: `copies` of them, each with this area (m2) and leakage (W).

    `sensing_time` (s) is its delay in the search for the clock period, 0 where it takes no part.
    `fits` is false for a circuit that is larger than its place: DNN+NeuroSim V1.5 then prints an
    error and goes on with an area of 0.
    """

    name: str
    copies: float
    area: float
    leakage: float
    sensing_time: float
    fits: bool = True


@dataclass(frozen=True)
class LayerReport:
    """Figures of one layer: scalars by name, and by part of the engine dynamic energy and leakage.

    `leakage` (J an image) adds up to the scalar energy_leakage_j. `waiting` (W) is what the layer's
    tiles, and its share of the chip's own circuits, draw while they wait.
    """

    scalars: dict[str, float]
    energy: dict[str, float]
    leakage: dict[str, float]
    waiting: dict[str, float]


@dataclass(frozen=True)
class Report:
    """Figures of a chip: scalars by name, its layers and its components."""

    chip: dict[str, float]
    layers: list[LayerReport]
    components: list[Component]

    def check_finite(self) -> None:
        """Refuse a chip of which a figure is infinite or undefined.

        Raises:
            UserError: a figure is not finite.
        """
        for name, figure in self.chip.items():
            if not math.isfinite(figure):
                raise UserError(
                    f"{name} of the chip is {figure}: the model has no finite value for a circuit "
                    "of this design"
                )

    def check_layout(self) -> None:
        """Refuse a chip of which a circuit does not fit.

        Raises:
            UserError: a circuit is wider or higher than its subarray.
        """
        for part in self.components:
            if not part.fits:
                raise UserError(
                    f"an adder of {part.name.replace('_', ' ')} is wider than its subarray; use "
                    "more array.columns or a larger cell"
                )


def performance(
    chip: Mapping[str, float], operations: float, context: _native.Context
) -> dict[str, float]:
    """Return throughput and efficiency of a chip that does `operations` an image.

    With silicon calibration the energy efficiency is divided by the post-layout factor zeta, which
    the energies themselves do not contain (chip quirk 58).
    """
    parameters = context.parameters.values()
    energy = chip["energy_dynamic_j"] + chip["energy_leakage_j"]
    if parameters["validated"]:
        energy *= parameters["zeta"]
    latency = chip["latency_s"] or math.nan
    tops = operations / latency * 1e-12
    return {
        "operations": operations,
        "tops": tops,
        "tops_per_w": operations / energy * 1e-12,
        "tops_per_mm2": tops / (chip["area_m2"] * 1e6),
        "frames_per_s": 1 / latency,
    }


def needs_weights(context: _native.Context) -> bool:
    """Tell whether figures depend on the stored weights (resistors sensed by current or by SAR)."""
    return bool(_native.sensing_depends_on_weights(context))


class Activity:
    """Inputs of a network, counted once and used for every design point that shares them.

    Args:
        layers: the network, at least one layer.
        inputs: for each layer its images, each uint8 or uint16 ``[groups K, V]`` with at least
            ``int(positions)`` columns, of which the first are used. Figures are means over the
            images.
        weights: for each layer the stored codes int32 ``[K, N]``, non-negative; may be empty if
            :func:`needs_weights` is false for all design points.
        input_bits: bits of an input code that count, 1 to 16; or those of each layer.
        threads: threads to use; no figure depends on them.

    Raises:
        UserError: layers and data do not fit together.
    """

    def __init__(
        self,
        layers: Sequence[NetworkLayer],
        inputs: Sequence[Sequence[Codes]],
        weights: Sequence[NDArray[np.int32]],
        input_bits: int | Sequence[int],
        threads: int = 1,
    ) -> None:
        self._threads = threads
        network = [native_layer(layer) for layer in layers]
        bits = [input_bits] * len(inputs) if isinstance(input_bits, int) else list(input_bits)
        codes = [
            [byte for image in images for byte in _bytes(image, one)]
            for images, one in zip(inputs, bits, strict=False)  # unlike numbers are refused below
        ]
        self._layers = len(layers)
        try:
            self._native = _native.NetworkActivity(network, codes, list(weights), bits, threads)
        except ValueError as error:
            raise UserError(str(error)) from None

    def evaluate(
        self, context: _native.Context, tiles: Sequence[_native.Context] | None = None
    ) -> Report:
        """Evaluate a chip whose technology and parameters are `context`.

        Args:
            context: of the chip.
            tiles: of the tiles of each layer, where layers differ in the bits of weights, inputs or
                ADCs; `context` is then that of the circuits that they share. Layers with the same
                object have the same tiles.

        Raises:
            UserError: the design has a circuit that does not exist or does not fit.
        """
        contexts, of_layer = [context], [0] * self._layers
        if tiles is not None:
            contexts += {id(one): one for one in tiles}.values()
            number = {id(one): n for n, one in enumerate(contexts)}
            of_layer = [number[id(one)] for one in tiles]
        try:
            raw = self._native.evaluate(contexts, of_layer, self._threads)
        except ValueError as error:
            raise UserError(str(error)) from None
        return _report(raw)


def evaluate(
    context: _native.Context,
    layers: Sequence[NetworkLayer],
    inputs: Sequence[Sequence[Codes]],
    weights: Sequence[NDArray[np.int32]],
) -> Report:
    """Evaluate a single chip; the arguments are those of :class:`Activity`.

    Raises:
        UserError: the design has a circuit that does not exist or does not fit.
    """
    input_bits = int(context.parameters.values()["numBitInput"])
    return Activity(layers, inputs, weights, input_bits).evaluate(context)


def native_layer(layer: NetworkLayer) -> _native.NetworkLayer:
    """Return a layer as the native engine takes it."""
    shape = _native.NetworkLayer()
    for field in fields(NetworkLayer):
        if field.name != "name":
            setattr(shape, field.name, getattr(layer, field.name))
    return shape


def _report(raw: _native.ChipReport) -> Report:
    return Report(
        chip=dict(raw.chip),
        layers=[
            LayerReport(
                dict(layer.scalars), dict(layer.energy), dict(layer.leakage), dict(layer.waiting)
            )
            for layer in raw.layers
        ],
        components=[
            Component(c.name, c.copies, c.area, c.leakage, c.sensing_time, c.fits)
            for c in raw.components
        ],
    )


def _bytes(codes: Codes, bits: int) -> list[NDArray[np.uint8]]:
    """Return the bytes of codes [K, V] that hold their low `bits` bits, lowest byte first."""
    if bits <= 8:
        return [codes.astype(np.uint8, copy=False)]
    return [(codes >> shift & 0xFF).astype(np.uint8) for shift in range(0, bits, 8)]
