"""What is allowed for a field, in words; and pydantic's errors in one line."""

from __future__ import annotations

import types
from collections.abc import Sequence
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from cimsim.errors import nearest

Location = Sequence[str | int]


def dotted(location: Location) -> str:
    """Return ``sweeps[1].grid`` for ``("sweeps", 1, "grid")``."""
    text = ""
    for part in location:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def first_problem(
    error: ValidationError, model: type[BaseModel]
) -> tuple[tuple[str | int, ...], str]:
    """Return where the first problem is and what it is, in words.

    Args:
        error: what validating a `model` raised.
    """
    found = error.errors()[0]
    location = tuple(found["loc"])
    kind, value = found["type"], found["input"]
    if kind == "extra_forbidden":
        return location, unknown_key(str(location[-1]), _model_at(model, location[:-1]))
    if kind == "missing":
        return location, "is missing"
    if kind == "value_error":
        return location, str(found["ctx"]["error"])
    field = _field_at(model, location)
    if field is None:
        return location, f"{shown(value)}: {found['msg']}"
    return location, refused(value, field)


def unknown_key(key: str, model: type[BaseModel] | None) -> str:
    """Return the message for a key of a campaign file that `model` does not have."""
    from cimsim.campaign.places import places_of

    allowed = list(model.model_fields) if model else []
    hint = nearest(key, allowed, places_of(key, in_settings=False))
    return f"unknown key{hint}; allowed: {', '.join(allowed)}"


def refused(value: object, field: FieldInfo) -> str:
    """Return the message for a value that `field` does not take."""
    options = [option for option in _options(field) if isinstance(option, str)]
    hint = nearest(value, options) if isinstance(value, str) else ""
    return f"{shown(value)} is not allowed{hint}; allowed: {allowed_values(field)}"


def shown(value: object) -> str:
    """Return a value as it may stand in a message: short, texts in quotes, booleans as in YAML."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        return "nothing"
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."


def allowed_values(field: FieldInfo) -> str:
    """Return the values that a field takes, in words: ``a whole number from 1 to 16``."""
    annotation: Any = field.annotation
    parts = get_args(annotation) if get_origin(annotation) in (Union, types.UnionType) else ()
    if types.NoneType not in parts:
        return _in_words(annotation) + _bounds(field)
    (given,) = (part for part in parts if part is not types.NoneType)
    return f"{_in_words(given)}{_bounds(field)}, or null"


def _in_words(annotation: Any) -> str:
    kind, inner = get_origin(annotation) or annotation, get_args(annotation)
    if kind is Literal:
        return ", ".join(str(option) for option in inner)
    if kind is Annotated:
        return _in_words(inner[0]) + _bounds(FieldInfo(metadata=list(inner[1:])))
    if kind in (Union, types.UnionType):
        return " or ".join(map(_in_words, inner))
    if kind is tuple:
        return f"a list of {_in_words(inner[0]).removeprefix('a ').replace('text', 'texts')}"
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return f"keys {', '.join(kind.model_fields)}"
    return _NAMES.get(kind, "another value")


_NAMES = {
    int: "a whole number",
    float: "a number",
    str: "a text",
    bool: "true or false",
    dict: "keys with values",
}


def _bounds(field: FieldInfo) -> str:
    """Return `` from 1 to 16``, `` above 0.0`` and the like for a number or a text."""
    limits: dict[str, Any] = {}
    for rule in field.metadata:
        for name in ("ge", "gt", "le", "lt", "pattern"):
            if getattr(rule, name, None) is not None:
                limits[name] = getattr(rule, name)
    if "ge" in limits:
        text = (
            f" from {limits['ge']} to {limits['le']}"
            if "le" in limits
            else f", {limits['ge']} or above"
        )
    elif "gt" in limits:
        text = f" above {limits['gt']}"
        text += f", {limits['le']} at most" if "le" in limits else ""
        text += f" and below {limits['lt']}" if "lt" in limits else ""
    else:
        text = ""
    pattern = f" of the form {limits['pattern']}" if "pattern" in limits else ""
    return f"{text}{pattern}"


def _options(field: FieldInfo) -> tuple[Any, ...]:
    return get_args(field.annotation) if get_origin(field.annotation) is Literal else ()


def _field_at(model: type[BaseModel], location: Location) -> FieldInfo | None:
    """Return the field at a location, looking through lists; None if it has no model."""
    names = [part for part in location if isinstance(part, str)]
    if not names:
        return None
    owner = _model_at(model, names[:-1])
    return owner.model_fields.get(names[-1]) if owner else None


def _model_at(model: type[BaseModel], location: Location) -> type[BaseModel] | None:
    """Return the model that the value at a location has; None if it has none."""
    here: type[BaseModel] | None = model
    for part in location:
        if isinstance(part, int):
            continue
        field = here.model_fields.get(part) if here else None
        here = model_in(field.annotation) if field else None
    return here


def model_in(annotation: Any) -> type[BaseModel] | None:
    """Return the model that a field holds, by itself or in a list; None if it holds none."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    if get_origin(annotation) in (tuple, list, Union, types.UnionType):
        return next((m for m in map(model_in, get_args(annotation)) if m), None)
    return None
