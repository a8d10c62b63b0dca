"""Design fields as a user writes them: nested or dotted, with presets; each checked by itself.

Every value keeps its origin (file and key), so that a later complaint can name it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo

from cimsim.campaign.catalogue import HUB, USER_FILE, hub_config
from cimsim.campaign.data_source import is_image_files, listed_images, require_data
from cimsim.campaign.design import DesignPoint
from cimsim.campaign.keys import DATASET, FILE_FIELDS, MODEL, NO_FILE
from cimsim.campaign.messages import refused, shown
from cimsim.campaign.yaml_file import read_yaml
from cimsim.errors import UserError, nearest

PRESET = "preset"
"""Key beside the sections of a design: name or names of presets to start from."""


@dataclass(frozen=True, slots=True)
class Setting:
    """A value of a design field and where it is written."""

    value: Any
    origin: str


Layer = dict[str, Setting]
"""Settings by dotted field name."""


@dataclass(frozen=True)
class Row:
    """Settings that are written together: what their presets say, and what they say themselves.

    `presets` are the presets' names as they are written.
    """

    from_presets: Layer
    own: Layer
    presets: str = ""

    def layer(self) -> Layer:
        """Return the settings; own ones win over those of the presets."""
        return {**self.from_presets, **self.own}

    def texts(self) -> dict[str, str]:
        """Return the values as they are written, by dotted field name or `preset`."""
        own = {name: _text(setting.value) for name, setting in self.own.items()}
        return ({PRESET: self.presets} if self.presets else {}) | own


def _text(value: Any) -> str:
    return value if isinstance(value, str) else shown(value)


@dataclass(frozen=True)
class Place:
    """A mapping in a file, named by its keys: ``sweeps[1].grid``."""

    file: Path
    keys: str = ""

    def at(self, key: str) -> Place:
        """Return the place of `key` in this mapping."""
        return Place(self.file, f"{self.keys}.{key}" if self.keys else key)

    def item(self, index: int) -> Place:
        """Return the place of an entry of this list."""
        return Place(self.file, f"{self.keys}[{index}]")

    def __str__(self) -> str:
        return f"{self.file}: {self.keys}" if self.keys else str(self.file)


def read_row(given: Mapping[str, Any], place: Place) -> Row:
    """Check the fields in `given` and return them with those of its presets.

    Raises:
        UserError: an unknown field or preset, or a value that the field does not take.
    """
    presets: Layer = {}
    own: Layer = {}
    named = ""
    for name, value, here in walk(given, place):
        if name == PRESET:
            presets, named = read_presets(value, here), _text(value)
        else:
            own[name] = Setting(checked(name, value, here), str(here))
    return Row(presets, own, named)


def walk(given: Mapping[str, Any], place: Place) -> Iterator[tuple[str, Any, Place]]:
    """Yield dotted name, value and place of every field in nested or dotted keys.

    Raises:
        UserError: an unknown key, a section that is no mapping, or a field that is there twice.
    """
    seen: set[str] = set()
    for name, value, here in _walk(given, "", place):
        if name in seen:
            raise UserError(f"{here}: the field {name} is there twice")
        seen.add(name)
        yield name, value, here


def _walk(given: Mapping[str, Any], section: str, place: Place) -> Iterator[tuple[str, Any, Place]]:
    fields, models = leaf_fields(), sections()
    for key, value in given.items():
        name = f"{section}.{key}" if section else key
        here = place.at(key)
        if name in fields or name == PRESET:
            yield name, value, here
        elif name not in models:
            raise UserError(f"{here}: {_unknown(name)}")
        elif isinstance(value, Mapping):
            yield from _walk(value, name, here)
        else:
            keys = ", ".join(models[name].model_fields)
            raise UserError(f"{here}: {shown(value)} is not allowed; allowed: the keys {keys}")


def checked(name: str, value: Any, place: Place) -> Any:
    """Return the value as the field `name` holds it; the name of a file as it is found from here.

    Raises:
        UserError: the field does not take the value, or there is no such file.
    """
    try:
        held = field_adapter(name).validate_json(json.dumps(value), strict=True)
    except ValidationError as error:
        raise UserError(f"{place}: {_refused(error, value, leaf_fields()[name])}") from error
    if name in FILE_FIELDS and held not in NO_FILE:
        return _find_file(held, place)
    if name == DATASET:
        return _find_data(held, place)
    return _find_model(held, place) if name == MODEL else held


def _refused(error: ValidationError, value: Any, field: FieldInfo) -> str:
    """Return the message for a value; a field with a check of its own says what is wrong."""
    found = error.errors()[0]
    own = found["type"] == "value_error"
    return str(found["ctx"]["error"]) if own else refused(value, field)


def read_presets(given: Any, place: Place) -> Layer:
    """Return the settings of one preset or of a list of presets, of which later ones win.

    A preset is named by itself or by its file (``cells/mine.yaml``), found as other files are.

    Raises:
        UserError: no such preset, or a mistake in its file.
    """
    layer: Layer = {}
    for name in given if isinstance(given, list) else [given]:
        if isinstance(name, str) and name.endswith(".yaml"):
            layer |= _preset(Path(_find_file(name, place)))
            continue
        available = presets(place.file)
        if not isinstance(name, str) or name not in available:
            hint = nearest(name, available) if isinstance(name, str) else ""
            raise UserError(
                f"{place}: {shown(name)} is no preset{hint}; allowed: {', '.join(available)}, "
                "or a file *.yaml"
            )
        layer |= _preset(available[name])
    return layer


def presets(campaign: Path) -> dict[str, Path]:
    """Return the presets that a campaign file may name: those of the project and its neighbours.

    Looked for in ``config/presets`` of the working directory (or else of cimsim's source tree) and,
    first, in ``presets`` beside the campaign file's folder.
    """
    project = Path("config/presets")
    if not project.is_dir():
        project = Path(__file__).parents[2] / project
    found: dict[str, Path] = {}
    for folder in (project, campaign.parent.parent / "presets"):
        found |= {file.stem: file for file in sorted(folder.glob("*.yaml"))}
    return found


@cache
def _preset(file: Path) -> Layer:
    content = read_yaml(file)
    description = content.pop("description", "")
    if not isinstance(description, str):
        raise UserError(f"{file}: description: {shown(description)}; allowed: a text")
    if PRESET in content:
        raise UserError(f"{file}: preset: a preset cannot name presets; list both in the campaign")
    return read_row(content, Place(file)).own


def _find_file(name: str, place: Place) -> str:
    """Return the path of a file that is named relative to the naming file or to here."""
    beside = place.file.parent / name
    for path in (beside, Path(name)):
        if path.is_file():
            return os.path.normpath(path)
    raise UserError(
        f"{place}: {name!r}: no such file; allowed: a file relative to {place.file.parent} "
        "or to the working directory"
    )


def _find_model(name: str, place: Place) -> str:
    """Return the name of a network with its file or folder, if it has one, as found from here."""
    if own := USER_FILE.fullmatch(name):
        return f"{_find_file(own['file'], place)}:{own['function']}"
    config = hub_config(name, place.file.parent) or hub_config(name)
    return name if config is None else f"{HUB}:{os.path.normpath(config.parent)}"


def located(name: str, file: Path) -> str:
    """Return the name of a data set with its folder, if it has one, as it is found from here."""
    kind, colon, path = name.partition(":")
    if not colon:
        return name
    beside = file.parent / path
    return f"{kind}:{os.path.normpath(beside if beside.is_dir() else path)}"


def _find_data(name: str, place: Place) -> str:
    found = located(name, place.file)
    try:
        require_data(found)
        if is_image_files(found):
            listed_images(found)
    except UserError as error:
        raise UserError(f"{place}: {error}") from error
    return found


def _unknown(name: str) -> str:
    """Return the message for a dotted name that is neither a field nor a section."""
    from cimsim.campaign.places import places_of

    section, _, key = name.rpartition(".")
    while section and section not in sections():
        section, _, key = section.rpartition(".")
    allowed = list(sections()[section].model_fields)
    elsewhere = places_of(name, in_settings=True) or places_of(key, in_settings=True)
    hint = nearest(key, allowed, elsewhere) or nearest(name, [*leaf_fields(), *sections()])
    if not section:
        allowed.append(PRESET)
    return f"unknown key{hint}; allowed: {', '.join(allowed)}"


@cache
def sections() -> dict[str, type[BaseModel]]:
    """Return the model of every section by dotted name; the whole design under the empty name."""
    found: dict[str, type[BaseModel]] = {"": DesignPoint}
    for section, model in list(_subsections("", DesignPoint)):
        found[section] = model
    return found


def _subsections(prefix: str, model: type[BaseModel]) -> Iterator[tuple[str, type[BaseModel]]]:
    for name, field in model.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield prefix + name, field.annotation
            yield from _subsections(f"{prefix}{name}.", field.annotation)


@cache
def leaf_fields() -> dict[str, FieldInfo]:
    """Return every design field by dotted name."""
    models = sections()
    return {
        dotted: field
        for section, model in models.items()
        for name, field in model.model_fields.items()
        if (dotted := f"{section}.{name}" if section else name) not in models
    }


@cache
def field_adapter(name: str) -> TypeAdapter[Any]:
    """Return the validator of one field."""
    field = leaf_fields()[name]
    kind: Any = field.annotation
    for rule in field.metadata:
        kind = Annotated[kind, rule]
    return TypeAdapter(kind, config=ConfigDict(allow_inf_nan=False))
