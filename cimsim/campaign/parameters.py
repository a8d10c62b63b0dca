"""The design point as a flat table row: dotted parameter names, their types and values."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from types import MappingProxyType, NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from cimsim.campaign.design import DesignPoint

Value = str | int | float | bool | tuple[str, ...] | None
"""What a parameter can hold; None stands for a default that depends on other parameters."""


@dataclass(frozen=True)
class Parameter:
    """One leaf field of :class:`DesignPoint`, such as ``array.adc.bits``."""

    name: str
    kind: type
    """str, int, float, bool or tuple (of strings)."""
    description: str
    default: Value

    @property
    def is_number(self) -> bool:
        """Whether values lie on an axis."""
        return self.kind in (int, float)


@cache
def parameters() -> MappingProxyType[str, Parameter]:
    """Return every parameter of a design point by dotted name, in the order of the models."""
    return MappingProxyType({p.name: p for p in _leaves(DesignPoint(), "")})


def values(point: DesignPoint) -> dict[str, Value]:
    """Return the value of every parameter of `point` by dotted name."""
    return {name: value(point, name) for name in parameters()}


def value(point: DesignPoint, name: str) -> Value:
    """Return the value of the parameter with the dotted `name`.

    Raises:
        AttributeError: no such parameter.
    """
    section: Any = point
    for part in name.split("."):
        section = getattr(section, part)
    leaf: Value = section
    return leaf


def _leaves(section: BaseModel, prefix: str) -> list[Parameter]:
    found: list[Parameter] = []
    for name, field in type(section).model_fields.items():
        held = getattr(section, name)
        if isinstance(held, BaseModel):
            found += _leaves(held, f"{prefix}{name}.")
        else:
            found.append(Parameter(prefix + name, _kind(field), field.description or "", held))
    return found


def _kind(field: FieldInfo) -> type:
    annotation = field.annotation
    if get_origin(annotation) in (Union, UnionType):
        (annotation,) = (part for part in get_args(annotation) if part is not NoneType)
    if get_origin(annotation) is Literal:
        annotation = type(get_args(annotation)[0])
    kind = get_origin(annotation) or annotation
    if kind not in (str, int, float, bool, tuple):
        raise TypeError(f"a parameter of type {annotation} has no column type")
    assert isinstance(kind, type)
    return kind
