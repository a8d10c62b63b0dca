"""Designs that the chip model has no circuits for, as far as the design by itself tells.

Accuracies alone (``hardware: false``) do not ask for these circuits, so that the rules are not
among those of every design. The model refuses more when it computes a chip (:mod:`ppa.check`).
"""

from __future__ import annotations

from cimsim.campaign.design import DesignPoint
from cimsim.errors import UserError


def check_circuits(point: DesignPoint) -> None:
    """Refuse a design without circuits in the chip model.

    Raises:
        UserError: an input DAC, weights with signs of their own, or latencies that the model never
            computes; or the accuracy is about arrays for products of activations that the chip
            does not have.
    """
    digital = point.chip.dynamic_products == "digital"
    if digital and point.quantization.dynamic_products == "array":
        raise UserError(
            "chip.dynamic_products is digital but quantization.dynamic_products is array; "
            "allowed: sram_array or none"
        )
    if point.array.dac_bits != 1:
        raise UserError(
            f"array.dac_bits is {point.array.dac_bits} but the area and energy model has no input "
            "DAC (inputs are applied bit by bit); allowed: 1, or hardware: false"
        )
    _check_timing(point)
    signed = point.array.signed_weights
    if signed != "offset":
        raise UserError(
            f"array.signed_weights is {signed}, but the hardware model has circuits for offset "
            "only; allowed: offset, or a campaign with hardware: false"
        )


def _check_timing(point: DesignPoint) -> None:
    """Refuse circuits whose latency the reference never computes (infinite or not a number).

    Its register files have no asynchronous latency, and its SRAM tables and buffers take transistor
    widths and sensing voltage from the array's cell, which only an SRAM array sets (circuit quirks
    25 to 27).
    """
    chip, sram_array = point.chip, point.cell.technology == "sram"
    all_sram = sram_array and chip.global_buffer == "sram" and chip.tile_buffer == "sram"
    if not chip.synchronous and not all_sram:
        raise UserError(
            f"chip.synchronous is false with cell.technology {point.cell.technology}, "
            f"global_buffer {chip.global_buffer} and tile_buffer {chip.tile_buffer}; the model has "
            "asynchronous latencies only where all three are sram"
        )
    if chip.activation_function != "sigmoid" or sram_array:
        return
    if point.cell.technology == "nvcap" or chip.sigmoid_storage == "sram":
        allowed = "relu" if point.cell.technology == "nvcap" else "relu or sigmoid_storage rram"
        raise UserError(
            f"chip.activation_function is sigmoid with cell.technology {point.cell.technology} and "
            f"sigmoid_storage {chip.sigmoid_storage}; the model's table has a latency only with "
            f"sram arrays; allowed: {allowed}"
        )
