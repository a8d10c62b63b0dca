"""How float weights and activations become integers: a section of the design point."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from cimsim.campaign.layer_rules import CodeBits
from cimsim.campaign.section import Section


class Quantization(Section):
    """How float weights and activations become integers."""

    weight_bits: int = Field(
        8,
        ge=2,
        le=16,
        description="bits of a weight, sign included",
    )
    input_bits: int = Field(
        8,
        ge=2,
        le=16,
        description="bits of an activation",
    )
    layer_weight_bits: CodeBits = Field(
        (),
        description="bits of the weights of some layers, as PATTERN=BITS; patterns as those of "
        "float_layers, 2 to 16 bits, the last rule that fits wins; docs/workloads.md",
    )
    layer_input_bits: CodeBits = Field(
        (), description="bits of the activations that some layers take in, likewise"
    )
    weight_scale: Literal["channel", "tensor"] = Field(
        "channel", description="one weight scale per output channel or per layer"
    )
    weight_observer: Literal["max", "mse"] = Field(
        "max",
        description="how the range of weights is found: all of them, or least squared error of "
        "rounding and clipping",
    )
    input_range: Literal["affine", "symmetric"] = Field(
        "affine",
        description="codes of activations: from the lowest to the highest value with an exact zero "
        "point, or the same steps on both sides of 0 (as with fidelity.input_shift data_minimum)",
    )
    observer: Literal["max", "percentile", "mse", "entropy"] = Field(
        "max",
        description="how the range of an activation is found from the calibration images: all "
        "values, a percentile, least squared error, or least information lost (Kullback-Leibler)",
    )
    percentile: float = Field(
        99.99,
        gt=50.0,
        le=100.0,
        description="share of |x| inside the range, % (observer: percentile)",
    )
    images: int = Field(256, ge=1, description="calibration images, from the training split")
    float_layers: tuple[str, ...] = Field(
        (),
        description="matrix layers that stay in floating point: name patterns (fnmatch), first, "
        "last",
    )
    fold_batch_norm: bool = Field(
        True,
        description="batch norms become part of the weights and bias of the layer before; false: "
        "they are computed after the arrays in floating point",
    )
    dynamic_products: Literal["float", "integer", "array"] = Field(
        "float",
        description="products of two activations (attention) in the accuracy path: in floating "
        "point, exact on quantised operands (digital compute-in-memory), or on SRAM arrays that "
        "are written each time; docs/workloads.md",
    )
