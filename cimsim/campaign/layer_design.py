"""The design of each matrix layer where precision differs from layer to layer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cimsim.campaign.design import DesignPoint
from cimsim.campaign.layer_rules import bits_by_layer


@dataclass(frozen=True)
class Precision:
    """Bits of the weights, the inputs and the ADCs of a layer."""

    weight: int
    input: int
    adc: int


def is_mixed(point: DesignPoint) -> bool:
    """Return whether a design has rules for the precision of layers."""
    codes = point.quantization
    return bool(codes.layer_weight_bits or codes.layer_input_bits or point.array.adc.layer_bits)


def precisions(point: DesignPoint, names: Sequence[str]) -> dict[str, Precision]:
    """Return the precision of each layer; `names` are in order of execution.

    Raises:
        UserError: a rule of the design fits none of `names`.
    """
    codes, adc = point.quantization, point.array.adc
    weights = bits_by_layer(
        codes.layer_weight_bits, names, codes.weight_bits, "quantization.layer_weight_bits"
    )
    inputs = bits_by_layer(
        codes.layer_input_bits, names, codes.input_bits, "quantization.layer_input_bits"
    )
    adcs = bits_by_layer(adc.layer_bits, names, adc.bits, "array.adc.layer_bits")
    return {name: Precision(weights[name], inputs[name], adcs[name]) for name in names}


def with_precision(point: DesignPoint, precision: Precision) -> DesignPoint:
    """Return the design point all of whose layers have this precision."""
    codes = {
        "weight_bits": precision.weight,
        "input_bits": precision.input,
        "layer_weight_bits": (),
        "layer_input_bits": (),
    }
    adc = point.array.adc.model_copy(update={"bits": precision.adc, "layer_bits": ()})
    return point.model_copy(
        update={
            "quantization": point.quantization.model_copy(update=codes),
            "array": point.array.model_copy(update={"adc": adc}),
        }
    )


def layer_designs(point: DesignPoint, names: Sequence[str]) -> dict[str, DesignPoint]:
    """Return the design of each layer: `point` with the bits of that layer.

    Layers of the same precision share one.

    Raises:
        UserError: as :func:`precisions`.
    """
    of_layer = precisions(point, names)
    designs = {one: with_precision(point, one) for one in set(of_layer.values())}
    return {name: designs[one] for name, one in of_layer.items()}


def widest(point: DesignPoint, designs: Sequence[DesignPoint]) -> DesignPoint:
    """Return the design of what layers share: `point` with the most bits that any layer has."""
    if not is_mixed(point):
        return point
    codes = [design.quantization for design in designs]
    most = Precision(
        max(one.weight_bits for one in codes),
        max(one.input_bits for one in codes),
        max(design.array.adc.bits for design in designs),
    )
    return with_precision(point, most)
