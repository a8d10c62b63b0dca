"""Integer codes of a layer's inputs: real value = (code - zero_point) * scale.

The arithmetic is that of :mod:`cimsim.calibration.quantizer` (float32, half to even), with a zero
point: rint(x / scale) + zero_point, clamped.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from cimsim.calibration.quantizer import SMALLEST_RANGE, code_bound, symmetric_scale
from cimsim.calibration.ranges import RangeObserver
from cimsim.campaign.design import DesignPoint
from cimsim.errors import UserError

Codes = NDArray[np.uint8 | np.uint16 | np.int16]


def code_type(bits: int) -> type[np.uint8] | type[np.uint16]:
    """Return the type of unsigned codes of `bits` bits, 1 to 16."""
    return np.uint8 if bits <= 8 else np.uint16


@dataclass(frozen=True)
class InputCoding:
    """How one layer's inputs become integers of `bits` bits.

    Unsigned codes (uint8, or uint16 above 8 bits) run from 0 to 2**bits - 1; real 0 is exactly
    `zero_point`. Signed codes (int16) run from -(2**(bits-1) - 1) to 2**(bits-1) - 1 with zero
    point 0, as in DNN+NeuroSim. Symmetric codes are unsigned, but stand for the same numbers as
    signed ones: their zero point is 2**(bits-1) - 1, or 0 where no value is negative.
    `conversion` truncate repeats the reference's loss of a unit on some codes (quirk Q1).
    """

    scale: float
    zero_point: int
    bits: int
    signed: bool
    conversion: Literal["nearest", "truncate"] = "nearest"
    symmetric: bool = False

    @classmethod
    def unsigned_range(
        cls, low: float, high: float, bits: int, conversion: Literal["nearest", "truncate"]
    ) -> InputCoding:
        """Return the unsigned coding of values from `low` to `high`, a range that includes 0.

        The zero point is 0 where no value is negative (after a ReLU). A range below 2**-24 is that
        of a layer that only saw zeros: its scale is 1.
        """
        low, high = min(low, 0.0), max(high, 0.0)
        if high - low < SMALLEST_RANGE:
            return cls(1.0, 0, bits, signed=False, conversion=conversion)
        steps = np.float32((2**bits - 1) / (high - low))
        zero_point = int(np.rint(-low * float(steps)))
        return cls(1.0 / float(steps), zero_point, bits, signed=False, conversion=conversion)

    @classmethod
    def signed_range(
        cls, amax: float, bits: int, conversion: Literal["nearest", "truncate"]
    ) -> InputCoding:
        """Return the signed coding of values within +-`amax`; scale 1 for a range below 2**-24."""
        steps = float(symmetric_scale(amax, bits))
        return cls(1.0 / steps if steps else 1.0, 0, bits, signed=True, conversion=conversion)

    @classmethod
    def symmetric_range(
        cls, low: float, high: float, bits: int, conversion: Literal["nearest", "truncate"]
    ) -> InputCoding:
        """Return the symmetric coding of values from `low` to `high`, a range that includes 0.

        One step is the larger magnitude over 2**(bits-1) - 1. Scale 1 for a range below 2**-24.
        """
        steps = float(symmetric_scale(max(-low, high), bits))
        zero_point = code_bound(bits) if low < 0.0 else 0
        scale = 1.0 / steps if steps else 1.0
        return cls(scale, zero_point, bits, signed=False, conversion=conversion, symmetric=True)

    @property
    def limits(self) -> tuple[int, int]:
        """Lowest and highest code, less the zero point."""
        bound = code_bound(self.bits)
        lowest = -bound if self.signed else -self.zero_point
        both_ways = self.signed or self.symmetric
        return lowest, bound if both_ways else 2**self.bits - 1 - self.zero_point

    def codes(self, values: NDArray[np.float32]) -> Codes:
        """Return the codes of `values`, in the same shape and memory order."""
        steps = np.float32(1.0 / self.scale)
        scaled = values * steps
        np.rint(scaled, out=scaled)
        np.clip(scaled, *self.limits, out=scaled)
        if self.conversion == "truncate":
            np.divide(scaled, steps, out=scaled)
            np.multiply(scaled, steps, out=scaled)
            np.trunc(scaled, out=scaled)
        scaled += np.float32(self.zero_point)
        return scaled.astype(np.int16 if self.signed else code_type(self.bits))


def input_coding(point: DesignPoint, low: float, high: float) -> InputCoding:
    """Return the coding that a design point has for inputs from `low` to `high`."""
    bits, conversion = point.quantization.input_bits, point.fidelity.integer_conversion
    if point.fidelity.input_shift == "data_minimum":
        return InputCoding.signed_range(max(-low, high), bits, conversion)
    if point.quantization.input_range == "symmetric":
        return InputCoding.symmetric_range(low, high, bits, conversion)
    return InputCoding.unsigned_range(low, high, bits, conversion)


def observed_range(
    point: DesignPoint, observer: RangeObserver, *, symmetric: bool | None = None
) -> tuple[float, float]:
    """Return the range of values that the observer of a design point chooses.

    `symmetric` says whether their codes are symmetric about 0; None: as :func:`input_coding` has
    those of inputs.

    Raises:
        ValueError: the observer saw no values.
    """
    settings = point.quantization
    if symmetric is None:
        signed = point.fidelity.input_shift == "data_minimum"
        symmetric = signed or settings.input_range == "symmetric"
    levels = 2**settings.input_bits - symmetric
    return observer.range(settings.observer, settings.percentile, levels, symmetric=symmetric)


def require_numbers(values: NDArray[np.float32], what: str, first_image: int, images: int) -> None:
    """Refuse values of some images that are to be coded; codes cannot hold what is no number.

    Raises:
        UserError: one is NaN; `what` names the values.
    """
    if np.isnan(values.min(initial=0.0)):
        raise UserError(
            f"{what} is not a number (NaN) in images {first_image} to {first_image + images - 1}; "
            "allowed: a model that gives numbers for every image"
        )
