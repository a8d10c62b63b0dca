"""What the array product needs to know: the part of a design point below the network, in numbers.

Unit: one cell-state step times one input step. All conductances are divided by the conductance of
that step, so that a column sum without deviations is the integer sum of input digit x cell state.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from cimsim.arrays import from_point
from cimsim.arrays.adc import read_inl
from cimsim.arrays.adc_range import calibrated_step
from cimsim.devices.charge import ChargeColumns
from cimsim.devices.drift import read_exponents
from cimsim.errors import UserError

if TYPE_CHECKING:
    from cimsim.campaign.design import DesignPoint

Floats = NDArray[np.float64]

EVEN_SPACING = 1e-9
"""States whose distance from even spacing is below this (in steps) are evenly spaced: it is only
float rounding, and column sums must be exact integers then."""


@dataclass(frozen=True, eq=False)
class ArraySettings:
    """Settings of the array product. B = 2**cell_bits states, D = 2**dac_bits input levels.

    Attributes:
        weight_bits, input_bits, cell_bits, dac_bits: bits of a weight, an input, a cell, one read.
        parallel_rows: rows read together (P). subarray_rows, subarray_columns: of cells, which
            share wires, and rows that share ADCs.
        row_wire, column_wire: resistance of a wire from cell to cell times the conductance of one
            step.
        adc_top: highest ADC code. adc_step: width of a code, in units.
        adc_columns: neighbouring columns of cells that share an ADC.
        adc_offset: standard deviation of an ADC's offset, in codes. adc_gain_error: of its gain,
            relative. adc_inl: deviation (codes) of the transition into code k at index k - 1.
        charge: how columns of capacitors are read; None for currents.
        signed_weights: how signed weights are held, see :mod:`cimsim.arrays.signed`.
        states_mean, states_std: float64 [B] in units. Where the conductance falls from state to
            state the unit is negative, and so are the means; the deviations are not.
        device_variation: extra standard deviation of a cell, as a share of `variation_unit`: the
            mean of its state, one step, or the highest state's mean.
        read_noise: standard deviation of one read, relative to the cell's conductance.
        stuck_at_0, stuck_at_1: shares of stuck cells.
        drift_*: retention; no drift when time (over the reference time) or exponent is 0.
            drift_exponents [B], one per state, replace drift_exponent.
        output_sigma: standard deviation of a column read, in units; or
        output_mean, output_std: ADC input by ideal column sum, in units. Either replaces variation,
            drift and read noise.
        The others are the fidelity switches of the design point with the same name.
    """

    weight_bits: int
    input_bits: int
    cell_bits: int
    dac_bits: int
    parallel_rows: int
    adc_top: int
    adc_step: float
    states_mean: Floats
    states_std: Floats
    device_variation: float = 0.0
    variation_unit: Literal["state", "step", "on_state"] = "state"
    variation_distribution: Literal["normal", "lognormal"] = "normal"
    read_noise: float = 0.0
    stuck_at_0: float = 0.0
    stuck_at_1: float = 0.0
    drift_time: float = 0.0
    drift_exponent: float = 0.0
    drift_exponents: Floats | None = None
    drift_direction: Literal["target", "random"] = "target"
    drift_target: float = 0.0
    output_sigma: float = 0.0
    output_mean: Floats | None = None
    output_std: Floats | None = None
    subarray_rows: int = 128
    subarray_columns: int = 128
    row_wire: float = 0.0
    column_wire: float = 0.0
    adc_columns: int = 1
    adc_offset: float = 0.0
    adc_gain_error: float = 0.0
    adc_inl: Floats | None = None
    charge: ChargeColumns | None = None
    signed_weights: Literal["offset", "differential", "twos_complement"] = "offset"
    input_shift: Literal["zero_point", "data_minimum"] = "zero_point"
    stuck_at_rates: Literal["as_given", "squared"] = "as_given"
    read_noise_scope: Literal["read", "batch"] = "read"
    drift_direction_scope: Literal["device", "read"] = "device"
    drift_bounds: Literal["states", "observed"] = "states"
    negative_conductance: Literal["clamp", "keep"] = "clamp"
    accumulation: Literal["integer", "float32"] = "integer"

    def __post_init__(self) -> None:
        """Raises ValueError for values that contradict each other."""
        for states in (self.states_mean, self.states_std, self.drift_exponents):
            if states is not None and states.shape != (self.states,):
                raise ValueError(f"{states.shape} states for cells of {self.cell_bits} bits")
        if (self.output_mean is None) != (self.output_std is None):
            raise ValueError("output_mean and output_std are given together or not at all")
        if not (math.isfinite(self.adc_step) and self.adc_step > 0.0):
            raise ValueError(f"adc_step is {self.adc_step}; allowed: above 0")
        if self.signed_weights != "offset" and self.input_shift == "data_minimum":
            raise ValueError("input_shift data_minimum needs signed_weights offset")
        if self.has_charge_columns and self.polarity < 0.0:
            raise ValueError("charge needs rising states")
        if (self.has_charge_columns or self.has_wires) and self.drifts_per_read:
            raise ValueError("charge and wires need drift directions that are frozen")

    @property
    def states(self) -> int:
        """Number of states of a cell, B."""
        return 1 << self.cell_bits

    @property
    def cells_per_weight(self) -> int:
        """Number of cells (slices) of a weight, n_c."""
        return -(-self.weight_bits // self.cell_bits)

    @property
    def input_cycles(self) -> int:
        """Number of reads that an input takes, n_i."""
        return -(-self.input_bits // self.dac_bits)

    def groups(self, rows: int) -> int:
        """Return the number of row groups, G, of a layer with `rows` rows."""
        return -(-rows // self.parallel_rows)

    @property
    def largest_sum(self) -> int:
        """The largest ideal column sum: P (B - 1)(D - 1)."""
        return self.parallel_rows * (self.states - 1) * ((1 << self.dac_bits) - 1)

    @cached_property
    def polarity(self) -> float:
        """-1 when conductance falls from state to state (so that the unit is negative), else 1."""
        return -1.0 if float(self.states_mean.min()) < 0.0 else 1.0

    @cached_property
    def state_levels(self) -> Floats:
        """Conductance of each state above state 0, in units [B]: 0, 1, ... when evenly spaced."""
        levels = self.states_mean - self.states_mean[0]
        even = np.arange(self.states, dtype=np.float64)
        return even if np.abs(levels - even).max() < EVEN_SPACING else levels

    @cached_property
    def variation(self) -> Floats:
        """Standard deviation of a cell by state, [B], in units."""
        means = np.abs(self.states_mean)
        whole = {"state": means, "step": np.ones_like(means), "on_state": means[-1:]}
        result: Floats = self.states_std + self.device_variation * whole[self.variation_unit]
        return result

    @property
    def has_output_noise(self) -> bool:
        """True if the noise of whole column reads replaces the models of the cells."""
        return self.output_sigma > 0.0 or self.output_mean is not None

    @property
    def varies(self) -> bool:
        """True if cells in the same state differ."""
        return bool(self.variation.any()) and not self.has_output_noise

    @property
    def drifts(self) -> bool:
        """True if cells move after programming."""
        exponents = self.drift_exponents
        has_exponent = self.drift_exponent != 0.0 if exponents is None else bool(exponents.any())
        return has_exponent and self.drift_time > 0.0 and not self.has_output_noise

    @property
    def drifts_per_read(self) -> bool:
        """True if a random drift direction is drawn at each read (fidelity switch, quirk Q6)."""
        random = self.drift_direction == "random" and self.drift_direction_scope == "read"
        return self.drifts and random

    @property
    def has_read_noise(self) -> bool:
        """True if two reads of the same cells differ by cell-level noise."""
        return self.read_noise > 0.0 and not self.has_output_noise

    @property
    def ties_a_call(self) -> bool:
        """True if the vectors of a call share draws or a shift (fidelity switches)."""
        shared_noise = self.has_read_noise and self.read_noise_scope == "batch"
        return shared_noise or self.drifts_per_read or self.input_shift == "data_minimum"

    @property
    def has_charge_columns(self) -> bool:
        """True if cells give charge to a column that is not ideal."""
        charge = self.charge
        return charge is not None and not charge.is_ideal and not self.has_output_noise

    @property
    def has_wires(self) -> bool:
        """True if wires have a resistance."""
        return (self.row_wire > 0.0 or self.column_wire > 0.0) and not self.has_output_noise

    @property
    def has_column_noise(self) -> bool:
        """True if reads have noise that does not depend on the inputs."""
        return (
            self.has_charge_columns and self.charge is not None and self.charge.noise_charge > 0.0
        )

    @property
    def at_means(self) -> bool:
        """True if cells act with the mean conductance of their state."""
        return not (self.varies or self.drifts or self.has_wires or self.has_charge_columns)

    @property
    def has_integer_sums(self) -> bool:
        """True if the ADC sees ideal column sums: evenly spaced states, no deviation, no noise."""
        even = bool(np.array_equal(self.state_levels, np.arange(self.states)))
        return even and self.at_means and not (self.has_read_noise or self.has_output_noise)

    @property
    def has_adc_errors(self) -> bool:
        """True if the ADC's characteristic is not the ideal one."""
        return self.adc_offset > 0.0 or self.adc_gain_error > 0.0 or self.adc_inl is not None

    @property
    def adc_errors_are_linear(self) -> bool:
        """True if the ADC's errors are an offset and a gain of sums without noise of their own."""
        return self.adc_inl is None and not (self.has_read_noise or self.has_output_noise)

    @property
    def is_random(self) -> bool:
        """True if two seeds can give different products."""
        if self.stuck_at_0 > 0.0 or self.stuck_at_1 > 0.0:
            return True
        if self.adc_offset > 0.0 or self.adc_gain_error > 0.0:
            return True
        if self.has_output_noise:
            return self.output_sigma > 0.0 or bool(np.any(self.output_std))
        drift = self.drifts and self.drift_direction == "random"
        if self.has_charge_columns and self.charge is not None and self.charge.mismatch > 0.0:
            return True
        return self.has_column_noise or self.varies or self.has_read_noise or drift

    @classmethod
    def from_design(cls, point: DesignPoint, adc_step: float | None = None) -> ArraySettings:
        """Build the settings of a design point.

        Args:
            point: a validated design point.
            adc_step: ADC step of the layer in units; None where the range policy needs no data.

        Raises:
            UserError: the states file or the output-noise file is not as it has to be.
            ValueError: the policy is `calibrated` and no step is given.
        """
        step = adc_step_for(point) if adc_step is None else adc_step
        mean, std = from_point.states(point)
        first_step = point.fidelity.adc_unit == "first_step"
        unit = mean[1] - mean[0] if first_step else (mean[-1] - mean[0]) / (len(mean) - 1)
        noise, retention = point.nonideality, point.nonideality.retention
        top, inl_file = adc_top(point), point.array.adc.inl_file
        output_mean, output_std = from_point.output_noise(point, top, step)
        exponents = retention.exponents_file
        settings = cls(
            weight_bits=point.quantization.weight_bits,
            input_bits=point.quantization.input_bits,
            cell_bits=point.cell.bits,
            dac_bits=point.array.dac_bits,
            parallel_rows=point.array.parallel_rows,
            adc_top=top,
            adc_step=step,
            states_mean=mean / unit,
            states_std=std / unit,
            device_variation=noise.device_variation,
            variation_unit=noise.variation_unit,
            variation_distribution=noise.variation_distribution,
            read_noise=from_point.read_noise(point),
            stuck_at_0=noise.stuck_at_0,
            stuck_at_1=noise.stuck_at_1,
            drift_time=retention.time / retention.reference_time,
            drift_exponent=retention.exponent,
            drift_exponents=read_exponents(Path(exponents), len(mean)) if exponents else None,
            drift_direction=retention.direction,
            drift_target=retention.target,
            output_sigma=noise.output_noise.sigma,
            output_mean=output_mean,
            output_std=output_std,
            subarray_rows=point.array.rows,
            subarray_columns=point.array.columns,
            row_wire=point.array.row_wire_resistance * abs(float(unit)),
            column_wire=point.array.column_wire_resistance * abs(float(unit)),
            adc_columns=point.array.adc.columns_shared,
            adc_offset=point.array.adc.offset,
            adc_gain_error=point.array.adc.gain_error,
            adc_inl=read_inl(Path(inl_file), top) if inl_file else None,
            charge=from_point.charge(point),
            signed_weights=point.array.signed_weights,
            input_shift=point.fidelity.input_shift,
            stuck_at_rates=point.fidelity.stuck_at_rates,
            read_noise_scope=point.fidelity.read_noise_scope,
            drift_direction_scope=point.fidelity.drift_direction_scope,
            drift_bounds=point.fidelity.drift_bounds,
            negative_conductance=point.fidelity.negative_conductance,
            accumulation=point.fidelity.accumulation,
        )
        _check_lognormal(settings)
        return settings


def adc_top(point: DesignPoint) -> int:
    """Return the highest ADC code: 2**bits - 1, or 2**bits as in the reference (quirk Q7)."""
    levels: int = 1 << point.array.adc.bits
    return levels if point.fidelity.adc_levels == "2^b+1" else levels - 1


def adc_step_for(point: DesignPoint, histogram: NDArray[np.int64] | None = None) -> float:
    """Return the ADC step, in units, that the range policy of a design point asks for.

    full: the largest possible column sum over 2**bits codes. calibrated: chosen from the column
    sums, `histogram` [largest sum + 1] of counts. fixed: the given step. A step is never below 1
    under the first two: a finer one resolves nothing.

    Raises:
        ValueError: the policy is `calibrated` and there is no count in the histogram.
    """
    policy, bits = point.array.adc.range, point.array.adc.bits
    if policy.policy == "fixed":
        return float(policy.step)
    if policy.policy == "full":
        sums = ((1 << point.cell.bits) - 1) * ((1 << point.array.dac_bits) - 1)
        return max(1.0, point.array.parallel_rows * sums / (1 << bits))
    if histogram is None or not histogram.any():
        raise ValueError("a calibrated ADC range needs a histogram of column sums")
    return calibrated_step(histogram, policy.observer, policy.percentile, (1 << bits) - 1)


def _check_lognormal(settings: ArraySettings) -> None:
    """Raises UserError for a state that deviates from 0, which no lognormal conductance does."""
    if settings.variation_distribution == "normal":
        return
    zero = (settings.states_mean == 0.0) & (settings.variation > 0.0)
    if zero.any():
        state = int(np.flatnonzero(zero)[0])
        raise UserError(
            f"nonideality.variation_distribution is lognormal, but state {state} has the mean 0 "
            "and a deviation; allowed: normal, means above 0, or variation_unit state"
        )
