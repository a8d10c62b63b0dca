"""A design point of a block of points, as far as one stage may read it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from cimsim.campaign.design import DesignPoint
from cimsim.campaign.keys import digest, key_texts, stage_design, unflatten


@dataclass(frozen=True)
class Member:
    """A design point of a block.

    Attributes:
        point: the design, as far as the stage may read it.
        key_texts: text of the key of each stage.
        name: what tells it from the others, for messages.
    """

    point: DesignPoint
    key_texts: Mapping[str, str]
    name: str = ""

    @classmethod
    def of(cls, changed: Mapping[str, Any], name: str = "", stage: str = "ppa") -> Self:
        """Return the member whose fields `changed` (dotted) differ from their default."""
        point = DesignPoint.model_validate(unflatten(stage_design(stage, changed)))
        return cls(point, key_texts(changed), name)

    @property
    def keys(self) -> dict[str, str]:
        """Key of each stage."""
        return {stage: digest(text) for stage, text in self.key_texts.items()}
