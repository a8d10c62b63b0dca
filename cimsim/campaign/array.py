"""The subarray, its ADC and its columns: a section of the design point."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from cimsim.campaign.layer_rules import ConverterBits
from cimsim.campaign.section import Section


class AdcRange(Section):
    """Which column sums the ADC codes cover. The step is in units of one cell-state step."""

    policy: Literal["full", "calibrated", "fixed"] = Field(
        "full",
        description="full: the largest possible sum; calibrated: per layer, from the "
        "column sums of the calibration "
        "images; fixed: the given step",
    )
    observer: Literal["max", "percentile", "mse"] = Field(
        "max",
        description="how the range is found from the column sums: the largest one, a percentile, "
        "or the least mean squared error (policy: calibrated). The dummy column's sums are the "
        "largest: where they clip, all outputs of a vector shift",
    )
    percentile: float = Field(
        99.9,
        gt=50.0,
        le=100.0,
        description="share of column sums inside the range, % (policy: calibrated, observer: "
        "percentile)",
    )
    step: float = Field(1.0, gt=0.0, description="ADC step (policy: fixed)")


class Adc(Section):
    """The analog-to-digital converter at the foot of a column."""

    kind: Literal["mlsa", "sar"] = Field(
        "mlsa", description="multilevel sense amplifier (flash) or SAR"
    )
    sensing: Literal["voltage", "current"] = Field(
        "voltage", description="sensing mode of the MLSA"
    )
    bits: int = Field(7, ge=1, le=16, description="resolution, bits")
    layer_bits: ConverterBits = Field(
        (),
        description="resolution of the ADCs of some layers, as PATTERN=BITS; patterns as those of "
        "quantization.float_layers, 1 to 16 bits, the last rule that fits wins",
    )
    columns_shared: int = Field(8, ge=1, description="columns that share one ADC")
    dummy_columns_shared: float | None = Field(
        None,
        ge=1.0,
        description="comparators that share a dummy column (MLSA); default: the ADC's levels",
    )
    range: AdcRange = AdcRange()
    offset: float = Field(
        0.0,
        ge=0.0,
        le=1000.0,
        description="standard deviation of the offset of an ADC, in its codes; frozen for one seed",
    )
    gain_error: float = Field(
        0.0,
        ge=0.0,
        le=0.1,
        description="relative standard deviation of the gain of an ADC; frozen for one seed",
    )
    inl_file: str = Field(
        "",
        description="CSV with columns code,inl: deviation of the transition into each code from 1 "
        "up from its ideal place, in codes; the same for all ADCs",
    )


class ChargeColumn(Section):
    """How columns of capacitors (cell.technology nvcap) are read, in the accuracy path.

    The defaults are an ideal feedback amplifier, whose columns are those of ideal currents."""

    readout: Literal["feedback", "sharing"] = Field(
        "feedback",
        description="an amplifier holds the column at virtual ground, or the capacitors of a "
        "column are shorted",
    )
    parasitic: float = Field(
        0.0,
        ge=0.0,
        description="parasitic capacitance of a column, in steps of a cell state",
    )
    amplifier_gain: float = Field(
        0.0, ge=0.0, description="open-loop gain of the feedback amplifier; 0 = ideal"
    )
    mismatch: float = Field(
        0.0,
        ge=0.0,
        le=1.0,
        description="relative standard deviation of a cell's capacitance; frozen for one seed",
    )
    step_capacitance: float = Field(
        0.0,
        ge=0.0,
        le=1e-9,
        description="capacitance of one step of a cell state, F, for kT/C noise; 0 = no noise",
    )
    voltage: float = Field(
        1.0, gt=0.0, description="voltage of the largest input digit, V, for kT/C noise"
    )


class Array(Section):
    """The subarray and its read circuit."""

    rows: int = Field(128, ge=1, le=4096, description="rows of a subarray")
    columns: int = Field(128, ge=1, le=4096, description="columns of a subarray")
    parallel_rows: int = Field(128, ge=1, description="rows that are read together; divides rows")
    dac_bits: int = Field(1, ge=1, le=8, description="input bits applied per read")
    signed_weights: Literal["offset", "differential", "twos_complement"] = Field(
        "offset",
        description="weights plus an offset that a dummy column holds, a pair of columns of "
        "magnitudes, or a column of its own for the sign; the hardware model has offset only",
    )
    groups_per_subarray: int = Field(
        1,
        ge=1,
        le=4096,
        description="groups of a grouped or depthwise convolution that share a subarray "
        "block-diagonally, as far as rows and columns suffice; they are read one after another",
    )
    row_wire_resistance: float = Field(
        0.0,
        ge=0.0,
        description="of a row's wire from cell to cell, ohm, for the IR drop in the accuracy path",
    )
    column_wire_resistance: float = Field(
        0.0,
        ge=0.0,
        description="of a column's wire from cell to cell, ohm, for the IR drop in the accuracy "
        "path",
    )
    adc: Adc = Adc()
    charge: ChargeColumn = ChargeColumn()

    @model_validator(mode="after")
    def _row_groups(self) -> Self:
        if self.parallel_rows > self.rows or self.rows % self.parallel_rows:
            allowed = [p for p in range(1, self.rows + 1) if self.rows % p == 0]
            raise ValueError(
                f"parallel_rows is {self.parallel_rows} but must divide rows "
                f"({self.rows}): one of {allowed}"
            )
        if self.adc.columns_shared > self.columns or self.columns % self.adc.columns_shared:
            allowed = [p for p in range(1, self.columns + 1) if self.columns % p == 0]
            raise ValueError(
                f"adc.columns_shared is {self.adc.columns_shared} but must divide "
                f"columns ({self.columns}): "
                f"one of {allowed}"
            )
        return self
