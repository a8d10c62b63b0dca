"""Columns of capacitors (nvCap): from cell capacitances to what the ADC sees.

Cell r of a column has the capacitance C_r, is charged to x_r V, and all P cells of a row group give
their charge to the column, which has the parasitic capacitance C_p:

    sharing   V_out = V sum x_r C_r / (sum C_r + C_p)
              The capacitors are shorted (Valavi, Ramadge, Nestler and Verma, "A 64-tile 2.4-Mb
              in-memory-computing CNN accelerator employing charge-domain compute", IEEE JSSC 54,
              1789, 2019; there with equal capacitors). Where the capacitance is the state, the sum
              below depends on the stored weights: a gain error of each column.
    feedback  V_out = V sum x_r C_r / C_f / (1 + (C_f + sum C_r + C_p) / (A C_f))
              An amplifier of gain A holds the column at virtual ground (Razavi, "Design of analog
              CMOS integrated circuits", section on switched-capacitor amplifiers). C_f takes the
              largest column sum at V. With an ideal amplifier it is the current-mode column.

Both are linear in x for given cells, so that each column of each row group has one gain, and cells
are the scaled conductances of the array product. The ADC is scaled for P cells half way between the
lowest and the highest state. A row group that a layer does not fill has cells in state 0; rows that
are not read are switched off the column (else their capacitance is part of C_p).

Noise of the sampled charge (kT/C; Nyquist 1928): the mean square charge is k T times the total
capacitance, independent of x, fresh at each read. Amplifier noise is not modelled.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

BOLTZMANN = 1.380649e-23
"""J/K, exact (SI)."""


@dataclass(frozen=True)
class ChargeColumns:
    """How columns of capacitors are read. Capacitances are in steps of a cell state.

    Attributes:
        readout: see above.
        parasitic: C_p.
        feedback: C_f. amplifier_gain: A; 0 for an ideal amplifier.
        mismatch: relative standard deviation of a cell's capacitance, frozen.
        noise_charge: root mean square charge of one step's capacitance, sqrt(k T C_step), over the
            charge of one step, C_step V; 0 for no noise.
    """

    readout: Literal["feedback", "sharing"]
    parasitic: float
    feedback: float
    amplifier_gain: float
    mismatch: float
    noise_charge: float

    @property
    def is_ideal(self) -> bool:
        """True if the column is that of ideal currents."""
        ideal_amplifier = self.readout == "feedback" and self.amplifier_gain == 0.0
        return ideal_amplifier and self.mismatch == 0.0 and self.noise_charge == 0.0

    def gain(self, total: Floats, nominal: float) -> Floats:
        """Return the gain of columns whose cells add up to `total`, 1 at `nominal` (sharing)."""
        if self.readout == "sharing":
            return (nominal + self.parasitic) / (total + self.parasitic)
        if self.amplifier_gain == 0.0:
            return np.ones_like(total)
        load = 1.0 + (total + self.parasitic) / self.feedback
        return 1.0 / (1.0 + load / self.amplifier_gain)

    def noise(self, total: Floats, nominal: float) -> Floats:
        """Return the standard deviation of one read, in units, of columns of `total` capacitance.

        The charge of the sampled capacitors times the gain: sqrt(total) q for a virtual ground,
        whose parasitic capacitance stays uncharged; with sharing the parasitic one takes part.
        """
        sampled = total + self.parasitic if self.readout == "sharing" else total
        return self.noise_charge * np.sqrt(sampled) * self.gain(total, nominal)


def relative_noise_charge(step_capacitance: float, voltage: float, temperature: float) -> float:
    """Return sqrt(k T C) / (C V) for a capacitance in F, a voltage in V, a temperature in K."""
    return math.sqrt(BOLTZMANN * temperature / step_capacitance) / voltage


def group_totals(capacitance: Floats, rows: int, empty: float) -> Floats:
    """Return the sum of each row group [..., groups, C] of cells [..., K, C].

    The last group is filled up to `rows` with cells of the capacitance `empty`.
    """
    groups = -(-capacitance.shape[-2] // rows)
    missing = groups * rows - capacitance.shape[-2]
    padding = [(0, 0)] * (capacitance.ndim - 2) + [(0, missing), (0, 0)]
    padded = np.pad(capacitance, padding, constant_values=empty)
    shape = *capacitance.shape[:-2], groups, rows, capacitance.shape[-1]
    total: Floats = padded.reshape(shape).sum(axis=-2)
    return total
