"""The numbers of the array product that take more than one field of a design point."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cimsim.arrays.output_noise import read_output_noise
from cimsim.devices.charge import ChargeColumns, relative_noise_charge
from cimsim.devices.states import read_states, sram_states, two_resistance_states

if TYPE_CHECKING:
    from cimsim.campaign.design import DesignPoint

Floats = NDArray[np.float64]

ROOM_TEMPERATURE = 300.0
"""Temperature (K) at which read noise is given."""


def read_noise(point: DesignPoint) -> float:
    """Return the relative standard deviation of one read at the temperature of the cells.

    Thermal noise has the variance 4 k T G df (Nyquist, Phys. Rev. 32, 110, 1928); the share of the
    variance at 300 K that is thermal grows with T / 300 K, and the rest does not.
    """
    noise = point.nonideality
    share = noise.read_noise_thermal_share
    growth = 1.0 + share * (noise.temperature / ROOM_TEMPERATURE - 1.0)
    return noise.read_noise * math.sqrt(growth)


def charge(point: DesignPoint) -> ChargeColumns | None:
    """Return how columns of capacitors are read; None for the other technologies."""
    charge, array = point.array.charge, point.array
    if point.cell.technology != "nvcap":
        return None
    states, levels = (1 << point.cell.bits) - 1, (1 << array.dac_bits) - 1
    noise = 0.0
    if charge.step_capacitance > 0.0:
        # An input step is 1 / levels of the voltage: units are one cell step times one input step.
        step_voltage = charge.voltage / levels
        temperature = point.nonideality.temperature
        noise = relative_noise_charge(charge.step_capacitance, step_voltage, temperature)
    return ChargeColumns(
        readout=charge.readout,
        parasitic=charge.parasitic,
        feedback=float(array.parallel_rows * states),
        amplifier_gain=charge.amplifier_gain,
        mismatch=charge.mismatch,
        noise_charge=noise,
    )


def states(point: DesignPoint) -> tuple[Floats, Floats]:
    """Return mean and standard deviation of the states in S (SRAM: relative to the on state)."""
    cell = point.cell
    states = 1 << cell.bits
    if cell.states_file:
        return read_states(Path(cell.states_file), states)
    if cell.technology == "sram":
        return sram_states(), np.zeros(states)
    mean = two_resistance_states(states, cell.resistance_on, cell.resistance_off)
    return mean, np.zeros(states)


def output_noise(
    point: DesignPoint, top: int, step: float
) -> tuple[Floats, Floats] | tuple[None, None]:
    """Return mean and standard deviation of the ADC input by ideal column sum, in units, or None.

    `top` and `step` are those of the ADC, which say what sums it can meet.
    """
    file = point.nonideality.output_noise.file
    if not file:
        return None, None
    sums = ((1 << point.cell.bits) - 1) * ((1 << point.array.dac_bits) - 1)
    largest = point.array.parallel_rows * sums
    needed = min(largest, math.floor(top * step)) + 1
    return read_output_noise(Path(file), needed, max(largest, 1 << point.array.adc.bits) + 1)
