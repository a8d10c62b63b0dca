"""Seeds: the chips that are simulated at each design point, a fixed number or as many as needed."""

from __future__ import annotations

from typing import Annotated, Any, Self

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator

from cimsim.campaign.section import Exact

LARGEST_SEED = 2**32 - 1
"""Seeds are the 32-bit keys of the counter-based random numbers."""

MOST_SEEDS = 100_000
"""Seeds of one design point."""


def _from_percent(given: Any) -> Any:
    """Return 0.002 for the text ``0.2 %``; anything else as it is."""
    if isinstance(given, str) and given.rstrip().endswith("%"):
        try:
            # Through the decimal text, so that 0.2 % is the very number 0.002.
            return float(f"{given.rstrip()[:-1].strip()}e-2")
        except ValueError:
            return given
    return given


Share = Annotated[
    float,
    BeforeValidator(_from_percent),
    WithJsonSchema({"anyOf": [{"type": "number"}, {"type": "string", "pattern": r"^[0-9.]+ ?%$"}]}),
]
"""A share as a number or in percent: 0.002 or `0.2 %`."""


class Stop(Exact):
    """When enough chips have been simulated at a design point."""

    half_width: Share = Field(
        gt=0.0,
        lt=0.5,
        description="half-width of the interval of the mean over chips, on these test images; "
        "a share or a text such as `0.2 %`",
    )
    confidence: Share = Field(0.95, gt=0.0, lt=1.0, description="level of that interval")
    max_seeds: int = Field(
        64, ge=2, le=MOST_SEEDS, description="number of seeds after which to stop anyway"
    )


class Seeds(Exact):
    """The chip instances that are simulated at each design point."""

    first: int = Field(0, ge=0, le=LARGEST_SEED, description="first seed")
    count: int = Field(
        1, ge=1, le=MOST_SEEDS, description="number of seeds; with `stop` the least number"
    )
    block: int = Field(
        8,
        ge=1,
        le=MOST_SEEDS,
        description="seeds of one file of results, from a multiple of block; `stop` is looked at "
        "after each",
    )
    stop: Stop | None = Field(
        None, description="simulate block after block until the mean is known well enough"
    )
    points_per_job: int = Field(
        0,
        ge=0,
        le=10_000,
        description="design points that one job simulates with all their seeds; 1: each block of "
        "seeds of a point is a job; 0: 1 up to a thousand jobs and without `stop`, else as many "
        "points as give about 500 jobs",
    )

    @model_validator(mode="after")
    def _within_32_bits(self) -> Self:
        if self.first + self.most - 1 > LARGEST_SEED:
            what = "count" if self.stop is None else "stop.max_seeds"
            raise ValueError(
                f"first + {what} - 1 is {self.first + self.most - 1}; allowed: 0 to {LARGEST_SEED}"
            )
        return self

    @model_validator(mode="after")
    def _stop_allows_the_least_number(self) -> Self:
        if self.stop is not None and self.stop.max_seeds < self.count:
            raise ValueError(
                f"stop.max_seeds is {self.stop.max_seeds} but count, the least number of seeds, "
                f"is {self.count}; allowed: count or above"
            )
        return self

    @property
    def most(self) -> int:
        """The number of seeds that are simulated at most."""
        return self.count if self.stop is None else self.stop.max_seeds

    def blocks(self) -> list[tuple[int, int]]:
        """Return first and last seed of each file, as many as there can be.

        Blocks start at multiples of `block`, so that more seeds leave the full blocks as they are.
        """
        end = self.first + self.most
        starts = range(self.first - self.first % self.block, end, self.block)
        return [(max(s, self.first), min(s + self.block, end) - 1) for s in starts]

    def identity(self) -> dict[str, Any]:
        """Return what the results depend on; fields that are not set are left out."""
        return self.model_dump(exclude_none=True, exclude={"points_per_job"})
