"""The array product: from integer codes through cells, column currents and ADC back to integers.

For notebooks, ``from cimsim.arrays import convert, CimLinear, CimConv2d`` puts the layers of any
PyTorch model on arrays. They are defined in :mod:`cimsim.inference.convert`, above this package,
and loaded on demand: the array product itself needs neither torch nor networks.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cimsim.inference.convert import CimConv2d, CimLinear, CimModel, convert

__all__ = ["CimConv2d", "CimLinear", "CimModel", "convert"]


def __getattr__(name: str) -> Any:
    if name in __all__:
        return getattr(importlib.import_module("cimsim.inference.convert"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
