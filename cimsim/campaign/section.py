"""What all parts of a design point and of a campaign file are made of."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Fraction = Annotated[float, Field(ge=0.0, le=1.0)]
"""A share between 0 and 1."""


class Section(BaseModel):
    """A part of a design point: unknown keys are refused, values never change once validated."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Exact(Section):
    """A section whose values have the type that is written: `true` is no number, `"7"` neither."""

    model_config = ConfigDict(strict=True)
