"""What makes cells and their reading deviate: a section of the design point."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from cimsim.campaign.section import Fraction, Section


class Retention(Section):
    """Drift of programmed cells: g(t) = g(t0) * (t / t0) ** (exponent * direction)."""

    time: float = Field(0.0, ge=0.0, description="time since programming, s; 0 = no drift")
    reference_time: float = Field(
        1.0,
        gt=0.0,
        description="time after programming at which conductances are those of the states, s",
    )
    exponent: float = Field(0.0, ge=0.0, le=1.0, description="drift exponent; 0 = no drift")
    exponents_file: str = Field(
        "",
        description="CSV with the column exponent, one row per state, lowest first; replaces "
        "exponent",
    )
    direction: Literal["target", "random"] = Field(
        "target", description="towards a target conductance, or a random sign per cell"
    )
    target: Fraction = Field(0.0, description="target between the lowest (0) and highest (1) state")


class OutputNoise(Section):
    """Noise of a whole column read, in ADC steps of one cell state; "
    "replaces the cell-level models."""

    sigma: float = Field(
        0.0, ge=0.0, description="standard deviation, in units of one cell-state step; 0 = off"
    )
    file: str = Field(
        "", description="CSV with columns output,mean,std: one row per ideal column sum, from 0"
    )


class Nonideality(Section):
    """Deviations of the cells and of their reading."""

    device_variation: float = Field(
        0.0,
        ge=0.0,
        le=2.0,
        description="device-to-device standard deviation, as a share of variation_unit",
    )
    variation_unit: Literal["state", "step", "on_state"] = Field(
        "state",
        description="what device_variation is a share of: the mean of the cell's state, one "
        "step between states (the unit of the ADC), or the highest state",
    )
    variation_distribution: Literal["normal", "lognormal"] = Field(
        "normal", description="distribution of device-to-device variation; mean and deviation same"
    )
    read_noise: float = Field(
        0.0,
        ge=0.0,
        le=2.0,
        description="standard deviation of one read at 300 K relative to the cell's conductance",
    )
    read_noise_thermal_share: Fraction = Field(
        1.0, description="share of the variance of read_noise that grows with temperature"
    )
    temperature: float = Field(
        300.0,
        gt=0.0,
        le=1000.0,
        description="of the cells while they are read, K (accuracy; chip.temperature is that of "
        "the circuits)",
    )
    stuck_at_0: Fraction = Field(0.0, description="share of cells stuck at the lowest state")
    stuck_at_1: Fraction = Field(0.0, description="share of cells stuck at the highest state")
    retention: Retention = Retention()
    output_noise: OutputNoise = OutputNoise()

    @model_validator(mode="after")
    def _rates_add_up(self) -> Self:
        if self.stuck_at_0 + self.stuck_at_1 > 1.0:
            raise ValueError(
                "stuck_at_0 + stuck_at_1 is above 1; together they are a share of the cells"
            )
        return self
