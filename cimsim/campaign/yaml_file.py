"""Reading YAML with one-line errors.

Differs from plain PyYAML where that one surprises: a key that occurs twice is refused, ``1e3`` is a
number (as in YAML 1.2), and a date or ``12:30`` stays text.
"""

from __future__ import annotations

import re
from itertools import chain, islice
from pathlib import Path
from typing import Any

import yaml

from cimsim.errors import UserError


class _Loader(yaml.CSafeLoader if hasattr(yaml, "CSafeLoader") else yaml.SafeLoader):  # type: ignore[misc]
    """Safe loader with the resolvers and the check of keys described above."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[Any] = set()
        for key_node, _ in node.value:
            if key_node.tag == "tag:yaml.org,2002:merge":
                continue
            key = self.construct_object(key_node, deep=True)
            if not isinstance(key, str):
                raise yaml.constructor.ConstructorError(
                    problem=f"key {key!r} is no text", problem_mark=key_node.start_mark
                )
            if key in seen:
                raise yaml.constructor.ConstructorError(
                    problem=f"key '{key}' is there twice", problem_mark=key_node.start_mark
                )
            seen.add(key)
        mapping: dict[Any, Any] = super().construct_mapping(node, deep=deep)
        return mapping


def _yaml_1_2_numbers() -> dict[str, list[tuple[str, re.Pattern[str]]]]:
    """Return PyYAML's resolvers without dates and with the integers and floats of YAML 1.2."""
    kept = {
        letter: [
            (tag, pattern)
            for tag, pattern in resolvers
            if tag.rsplit(":", 1)[-1] not in ("timestamp", "float", "int")
        ]
        for letter, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }
    integer = re.compile(r"^[-+]?[0-9]+$")
    real = re.compile(
        r"^[-+]?(?:[0-9]+(?:\.[0-9]*)?(?:[eE][-+]?[0-9]+)?|\.[0-9]+(?:[eE][-+]?[0-9]+)?)$"
        r"|^[-+]?\.(?:inf|Inf|INF)$|^\.(?:nan|NaN|NAN)$"
    )
    for letter in "-+.0123456789":
        kept.setdefault(letter, []).extend(
            [("tag:yaml.org,2002:int", integer), ("tag:yaml.org,2002:float", real)]
        )
    return kept


_Loader.yaml_implicit_resolvers = _yaml_1_2_numbers()


MOST_VALUES = 5_000_000
"""Values that a file may stand for, counted with every use of an alias; more is a slip or an attack
(aliases of aliases grow exponentially)."""

MOST_LEVELS = 100
"""Levels of values within values; an alias within itself has them without end."""


def read_yaml(path: Path) -> dict[str, Any]:
    """Read a YAML file that holds one mapping.

    Raises:
        UserError: the file cannot be read, is no YAML, has a key twice, or holds no mapping.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise UserError(f"{path}: no such file") from error
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: no text in UTF-8 (byte {error.start})") from error
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror or error}") from error
    try:
        _check_levels(text, path)
        content = yaml.load(text, Loader=_Loader)
    except yaml.YAMLError as error:
        raise UserError(f"{path}: {_explain(error)}") from error
    if not isinstance(content, dict):
        found = "is empty" if content is None else f"holds {content!r:.40}"
        raise UserError(f"{path}: the file {found}; allowed: keys with values")
    _check_size(content, path)
    return content


def _check_levels(text: str, path: Path) -> None:
    """Refuse more levels than the parser, which calls itself for each, has a stack for."""
    level = 0
    for event in yaml.parse(text, Loader=_Loader):
        if isinstance(event, yaml.CollectionStartEvent):
            level += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            level -= 1
        if level > MOST_LEVELS:
            raise _too_deep(path)


def _check_size(content: Any, path: Path) -> None:
    """Refuse more values or levels than a file may stand for, with those of aliases."""
    count, levels, here = 0, 0, [content]
    while here:
        count, levels = count + len(here), levels + 1
        if levels > MOST_LEVELS:
            raise _too_deep(path)
        held = (
            v.values() if isinstance(v, dict) else v for v in here if isinstance(v, dict | list)
        )
        here = list(islice(chain.from_iterable(held), MOST_VALUES))
        if count + len(here) > MOST_VALUES:
            raise UserError(
                f"{path}: more than {MOST_VALUES} values, with those of aliases (*name)"
            )


def _too_deep(path: Path) -> UserError:
    return UserError(f"{path}: values within values, more than {MOST_LEVELS} levels deep")


def _explain(error: yaml.YAMLError) -> str:
    """Return what is wrong and where, in one line."""
    problem = " ".join(str(getattr(error, "problem", None) or error).split())
    mark = getattr(error, "problem_mark", None)
    place = f"line {mark.line + 1}, column {mark.column + 1}: " if mark is not None else ""
    return f"{place}{problem}"
