"""Campaign files that include others: what they say together, and which file says it.

Keys merge by name, mappings within mappings; of a key that several files have, the including file
wins over those that it includes, and a later one over an earlier one. Lists (`sweeps`, `figures`)
are replaced as a whole. `base` is not merged key by key: the base of each file is one more layer of
settings, whose fields win over its presets, as the bases of sweeps are.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from cimsim.campaign.messages import dotted, shown
from cimsim.campaign.yaml_file import read_yaml
from cimsim.errors import UserError

INCLUDE = "include"
"""Key of a campaign file with the files that it includes."""

BASE = "base"

MOST_FILES = 100
"""Files that one campaign may consist of, each counted as often as it is included."""


@dataclass(frozen=True)
class Merged:
    """What a campaign file and those that it includes say.

    Attributes:
        main: the file that includes the others.
        content: merged values by key, without includes and bases.
        bases: base of each file that has one, the winning one last.
        origins: file of each value, by the keys that lead to it.
    """

    main: Path
    content: dict[str, Any]
    bases: tuple[tuple[Path, Any], ...]
    origins: dict[tuple[str, ...], Path]

    def origin(self, *keys: str | int) -> Path | None:
        """Return the file in which the value at some keys, or else one around it, is written."""
        names = tuple(key for key in keys if isinstance(key, str))
        for end in range(len(names), 0, -1):
            if names[:end] in self.origins:
                return self.origins[names[:end]]
        return None


def read_merged(path: Path) -> Merged:
    """Read a campaign file and those that it includes.

    Raises:
        UserError: a file cannot be read, is no YAML, or includes itself, or an include is no name
            of a file relative to the including one.
    """
    merged = Merged(path, {}, (), {})
    files: list[Path] = []
    bases: list[tuple[Path, Any]] = []
    for file, content in _contents(path, (), files):
        if BASE in content:
            bases.append((file, content.pop(BASE)))
        _merge(merged, content, file, ())
    return replace(merged, bases=tuple(bases))


def _contents(
    path: Path, within: tuple[Path, ...], read: list[Path]
) -> list[tuple[Path, dict[str, Any]]]:
    """Return the content of a file after that of the files that it includes.

    Args:
        path: the file.
        within: files that lead here, the outermost first.
        read: all files so far; this one is added.
    """
    read.append(path)
    if len(read) > MOST_FILES:
        raise UserError(f"{within[0]}: {INCLUDE}: more than {MOST_FILES} files")
    content = read_yaml(path)
    given = content.pop(INCLUDE, [])
    found: list[tuple[Path, dict[str, Any]]] = []
    for index, name in enumerate(given if isinstance(given, list) else [given]):
        place = dotted((INCLUDE, index)) if isinstance(given, list) else INCLUDE
        file = _included(name, path, place)
        here = (*within, path)
        if os.path.realpath(file) in map(os.path.realpath, here):
            round_trip = " -> ".join(map(str, (*here, file)))
            raise UserError(f"{path}: {place}: {name!r} includes itself: {round_trip}")
        found += _contents(file, here, read)
    return [*found, (path, content)]


def _included(name: Any, path: Path, place: str) -> Path:
    if not isinstance(name, str) or not name or Path(name).is_absolute():
        raise UserError(
            f"{path}: {place}: {shown(name)} is not allowed; allowed: a file relative to this one"
        )
    file = Path(os.path.normpath(path.parent / name))
    if not file.is_file():
        raise UserError(
            f"{path}: {place}: {name!r}: no such file; allowed: a file relative to {path.parent}"
        )
    return file


def _merge(into: Merged, content: Mapping[str, Any], file: Path, keys: tuple[str, ...]) -> None:
    """Merge the content of a mapping at `keys` into what is there; it wins."""
    target = into.content
    for key in keys:
        target = target[key]
    for key, value in content.items():
        here = (*keys, key)
        if isinstance(value, dict) and isinstance(target.get(key), dict):
            target[key] = dict(target[key])  # an alias may stand for the same mapping elsewhere
            _merge(into, value, file, here)
            continue
        for known in [known for known in into.origins if known[: len(here)] == here]:
            del into.origins[known]
        target[key] = value
        into.origins.update({(*here, *path): file for path in _paths(value)})


def _paths(value: Any) -> list[tuple[str, ...]]:
    """Return the keys of each mapping and value within mappings."""
    if not isinstance(value, dict):
        return [()]
    return [(), *((key, *path) for key, held in value.items() for path in _paths(held))]
