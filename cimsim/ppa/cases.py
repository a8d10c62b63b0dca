"""Cases: configurations with reference figures of the power, performance and area model.

Their readers are :mod:`cimsim.ppa.table_cases` and :mod:`cimsim.ppa.small_cases`; weights and
activations are generated (:mod:`cimsim.ppa.generator`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cimsim.errors import UserError
from cimsim.ppa.engine import NetworkLayer, unpadded_positions

LayerArrays = tuple[NDArray[np.int32], NDArray[np.uint8]]
"""Stored weight codes [K, N] and inputs [K, V] of one layer."""

Figures = dict[str, float]


@dataclass(frozen=True)
class Case:
    """One configuration and the figures that the reference gives for it, under our names."""

    name: str
    status: str
    layers: list[NetworkLayer]
    operations: float
    parameters: dict[str, float]
    arrays: Callable[[], list[LayerArrays]]
    chip: Figures = field(default_factory=dict)
    layer_figures: list[Figures] = field(default_factory=list)
    layer_energies: list[Figures] = field(default_factory=list)
    components: dict[str, Figures] = field(default_factory=dict)
    """Area (``area``, of all cores), ``leakage`` and ``sensing_time`` of a circuit."""


def _layer(index: int, row: list[int]) -> NetworkLayer:
    height, width, channels, kernel_height, kernel_width, out_channels, pooled, stride = row
    return NetworkLayer(
        name=f"layer{index + 1}",
        height=height,
        width=width,
        in_channels=channels,
        kernel_height=kernel_height,
        kernel_width=kernel_width,
        out_channels=out_channels,
        pooled=bool(pooled),
        positions=unpadded_positions(height, width, kernel_height, kernel_width, stride),
    )


def reference_operations(layers: list[NetworkLayer]) -> float:
    """Return the operations that the reference counts: no stride and no padding (quirk 3)."""
    return float(sum(2 * x.height * x.width * x.rows * x.out_channels for x in layers))


@lru_cache(maxsize=16)
def read_network(path: Path) -> list[NetworkLayer]:
    """Read a network: plain rows of eight numbers, or with a header and an index before them."""
    try:
        rows = [line.split(",") for line in path.read_text().split()]
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror}") from error
    if rows and not rows[0][0].isdigit():
        rows = [row[1:9] for row in rows[1:]]
    return [_layer(i, [int(value) for value in row]) for i, row in enumerate(rows)]


def unset_factors(parameters: Figures) -> Figures:
    """Return what the reference reads where its silicon calibration is off.

    It then never sets the activity of flip-flops (gamma) but still multiplies buffers by it: 0 in
    fresh memory (circuit quirk 40).
    """
    return {} if parameters.get("validated", 1.0) else {"gamma": 0.0}
