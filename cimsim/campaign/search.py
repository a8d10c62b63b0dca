"""What a search optimises, over which space; `cimsim search` proposes the design points."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from cimsim.campaign.figure import check_measure
from cimsim.campaign.labels import MORE_IS_BETTER
from cimsim.campaign.sample import Space


class Search(Space):
    """Design points that a sampler proposes from the results of earlier ones."""

    maximise: tuple[str, ...] = Field((), description="measures of which more is better")
    minimise: tuple[str, ...] = Field((), description="measures of which less is better")
    trials: int = Field(ge=1, le=10_000, description="number of points to propose")
    batch: int = Field(8, ge=1, le=1000, description="points that are proposed, and run, at once")
    sampler: Literal["tpe", "nsga2", "random"] = Field(
        "tpe",
        description="tree-structured Parzen estimator, the genetic algorithm NSGA-II, or points at "
        "random; those of Optuna",
    )
    seed: int = Field(0, ge=0, le=2**32 - 1, description="seed of the sampler")

    @property
    def measures(self) -> tuple[str, ...]:
        """All measures that are optimised."""
        return (*self.maximise, *self.minimise)

    @model_validator(mode="after")
    def _measures_exist(self) -> Self:
        if not self.measures:
            raise ValueError("maximise and minimise are empty; allowed: measures to be optimised")
        for name in self.measures:
            check_measure(name)
            right = "maximise" if name in MORE_IS_BETTER else "minimise"
            if name not in getattr(self, right):
                raise ValueError(f"'{name}' is not allowed here; allowed: in {right}")
            if self.measures.count(name) > 1:
                raise ValueError(f"'{name}' is there twice")
        return self
