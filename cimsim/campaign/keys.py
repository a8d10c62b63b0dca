"""Keys: the identity of every stage's result.

A stage reads some fields of the design point and the results of other stages. Its key is the first
12 hex digits of the SHA-256 of exactly that: the fields that differ from their default, the schema
version of the stage and the keys upstream. Two design points with equal keys share one result, and
a new field with a default leaves all keys as they are.

A stage is handed nothing but the fields that its key and the keys upstream cover
(:func:`stage_design`), so that its result cannot depend on anything else.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from cimsim.campaign.catalogue import HUB, USER_FILE, hub_config
from cimsim.campaign.data_source import content_name
from cimsim.campaign.design import DesignPoint
from cimsim.campaign.own_model import model_files
from cimsim.campaign.parameters import parameters
from cimsim.errors import UserError

KEY_DIGITS = 12

FILE_FIELDS = (
    "workload.checkpoint",
    "cell.states_file",
    "nonideality.output_noise.file",
    "nonideality.retention.exponents_file",
    "chip.technology_file",
    "array.adc.inl_file",
)
"""Fields that name an input file; its content enters the key, its name does not."""

NO_FILE = ("", "train")
"""Values of such a field that name no file."""

DATASET = "workload.dataset"
"""Field that may name a folder of images, as NAME:PATH."""

MODEL = "workload.model"
"""Field that may name a function in a file, as path/to/file.py:function, or a folder."""


@dataclass(frozen=True)
class Stage:
    """One step of the workflow that is computed per design point.

    Attributes:
        version: raise it when the stage computes something else or writes other columns.
        fields: design fields or whole sections (dotted) that the stage reads.
        without: fields of those sections that it does not read.
        only_with: fields that it reads only where one of some other fields is not at its default.
        upstream: stages whose results it reads.
    """

    version: int
    fields: tuple[str, ...]
    without: tuple[str, ...] = ()
    only_with: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    upstream: tuple[str, ...] = ()

    def reads(self, name: str) -> bool:
        """Return whether the stage itself reads the field with the dotted `name`."""
        return _covers(self.fields, name) and not _covers(self.without, name)

    def unread(self, changed: Mapping[str, Any]) -> set[str]:
        """Return the fields that this stage does not read in a design that `changed` describes."""
        return {
            name for name, others in self.only_with.items() if changed.keys().isdisjoint(others)
        }


STAGES: dict[str, Stage] = {
    "checkpoint": Stage(1, ("workload",), without=("workload.images",)),
    "calibrate": Stage(
        2,
        (
            "workload.images",
            "quantization",
            "fidelity.integer_conversion",
            "fidelity.input_shift",
            "fidelity.first_layer",
        ),
        upstream=("checkpoint",),
    ),
    "map": Stage(
        2,
        (
            "cell.bits",
            "array.rows",
            "array.columns",
            "array.parallel_rows",
            "array.dac_bits",
            "array.signed_weights",
            "array.groups_per_subarray",
        ),
        upstream=("checkpoint", "calibrate"),
    ),
    "infer": Stage(
        4,
        (
            "cell",
            "nonideality",
            "array.adc.bits",
            "array.adc.layer_bits",
            "array.adc.range",
            "array.adc.offset",
            "array.adc.gain_error",
            "array.adc.inl_file",
            "array.adc.columns_shared",
            "array.charge",
            "array.row_wire_resistance",
            "array.column_wire_resistance",
            "fidelity.stuck_at_rates",
            "fidelity.read_noise_scope",
            "fidelity.drift_direction_scope",
            "fidelity.drift_bounds",
            "fidelity.negative_conductance",
            "fidelity.adc_unit",
            "fidelity.adc_levels",
            "fidelity.accumulation",
        ),
        without=("cell.bits", "cell.access", "cell.circuit"),
        only_with={"array.adc.columns_shared": ("array.adc.offset", "array.adc.gain_error")},
        upstream=("checkpoint", "calibrate", "map"),
    ),
    "trace": Stage(
        1,
        ("chip.trace_images", "fidelity.stem_trace"),
        upstream=("checkpoint", "calibrate"),
    ),
    "ppa": Stage(
        4,
        (
            "cell",
            "array",
            "chip",
            "fidelity.trace_vectors",
            "fidelity.weight_digits",
            "fidelity.circuit",
        ),
        without=(
            "cell.bits",
            "cell.states_file",
            "array.rows",
            "array.columns",
            "array.parallel_rows",
            "array.dac_bits",
            "array.signed_weights",
            "array.groups_per_subarray",
            "array.adc.range",
            "array.adc.offset",
            "array.adc.gain_error",
            "array.adc.inl_file",
            "array.charge",
            "array.row_wire_resistance",
            "array.column_wire_resistance",
            "chip.trace_images",
        ),
        upstream=("map", "trace"),
    ),
}
"""Every stage that has a key, upstream first. A field that a stage upstream reads is covered by
that stage's key and not listed again."""

OF_CHIPS = ("trace", "ppa")
"""Stages that only hardware figures need."""

NEUTRAL = {"array.adc.columns_shared": ("array.columns", 1)}
"""Field, and value that stands in for it outside a stage's view, where its default might contradict
another field in view (a default of 8 shared columns does not divide an array of 100)."""


_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), allow_nan=False)


def changed_fields(point: DesignPoint) -> dict[str, Any]:
    """Return the fields of `point` that differ from their default, by dotted name."""
    return flatten(point.model_dump(exclude_defaults=True))


def flatten(nested: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return the leaves of nested mappings by dotted name."""
    flat: dict[str, Any] = {}
    for name, held in nested.items():
        if isinstance(held, Mapping):
            flat.update(flatten(held, f"{prefix}{name}."))
        else:
            flat[prefix + name] = held
    return flat


def unflatten(flat: Mapping[str, Any]) -> dict[str, Any]:
    """Return nested dictionaries for dotted names; the inverse of :func:`flatten`."""
    nested: dict[str, Any] = {}
    for name, held in flat.items():
        *sections, leaf = name.split(".")
        section = nested
        for part in sections:
            section = section.setdefault(part, {})
        section[leaf] = held
    return nested


def canonical(data: Any) -> str:
    """Return the one JSON text of `data`: sorted keys, no spaces, floats by repr."""
    return _ENCODER.encode(data)


def stage_keys(changed: Mapping[str, Any]) -> dict[str, str]:
    """Return the key of every stage.

    Args:
        changed: fields that differ from their default (see :func:`changed_fields`).

    Raises:
        UserError: an input file that a field names cannot be read.
    """
    return {stage: digest(text) for stage, text in key_texts(changed).items()}


def key_texts(changed: Mapping[str, Any]) -> dict[str, str]:
    """Return, by stage, the text whose hash is the stage's key.

    Raises:
        UserError: an input file that a field names cannot be read.
    """
    fields: dict[str, list[tuple[str, Any]]] = {name: [] for name in STAGES}
    unread = {stage: definition.unread(changed) for stage, definition in STAGES.items()}
    for name in sorted(changed):
        value = _by_content(name, changed[name])
        for stage in _readers()[name]:
            if name not in unread[stage]:
                fields[stage].append((name, value))
    texts: dict[str, str] = {}
    for stage, definition in STAGES.items():
        above = tuple(texts[name] for name in definition.upstream)
        texts[stage] = _key_text(stage, tuple(fields[stage]), above)
    return texts


@lru_cache(maxsize=1 << 16)
def _key_text(stage: str, fields: tuple[tuple[str, Any], ...], above: tuple[str, ...]) -> str:
    """Return the text of a key. Points share most of them, hence the cache."""
    definition = STAGES[stage]
    return canonical(
        {
            "stage": stage,
            "version": definition.version,
            "fields": dict(fields),
            "upstream": dict(zip(definition.upstream, map(digest, above), strict=True)),
        }
    )


def group_text(keys: Mapping[str, str]) -> str:
    """Return the text of :func:`group_key`; `keys` are those of the stages."""
    upstream = {name: keys[name] for name in STAGES["ppa"].upstream}
    return canonical({"stage": "ppa", "upstream": upstream})


def group_key(keys: Mapping[str, str]) -> str:
    """Return what the ppa results of all points with the same mapping and trace lie under."""
    return digest(group_text(keys))


def design_id(changed: Mapping[str, Any]) -> str:
    """Return the identifier of a whole design point, of the same form as a key."""
    return digest(canonical({name: _by_content(name, value) for name, value in changed.items()}))


@lru_cache(maxsize=1 << 16)
def digest(text: str) -> str:
    """Return the first 12 hex digits of the SHA-256 of `text`."""
    return hashlib.sha256(text.encode()).hexdigest()[:KEY_DIGITS]


def stage_design(stage: str, changed: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields that a stage is given: those that its key and the keys upstream cover."""
    view = fields_in_view(stage) - STAGES[stage].unread(changed)
    design = {name: value for name, value in changed.items() if name in view}
    for name, (other, neutral) in NEUTRAL.items():
        if other in design and name not in view:
            design[name] = neutral
    return design


@cache
def own_fields(stage: str) -> frozenset[str]:
    """Return the dotted names of the fields that a stage itself reads."""
    return frozenset(name for name in parameters() if STAGES[stage].reads(name))


@cache
def _readers() -> dict[str, tuple[str, ...]]:
    """Return the stages that read each field."""
    return {
        name: tuple(stage for stage in STAGES if name in own_fields(stage)) for name in parameters()
    }


@cache
def fields_in_view(stage: str) -> frozenset[str]:
    """Return the fields that a stage or a stage upstream of it reads."""
    above = (fields_in_view(name) for name in STAGES[stage].upstream)
    return own_fields(stage).union(*above)


def file_digest(path: Path) -> str:
    """Return the SHA-256 of a file's content.

    Raises:
        UserError: the file cannot be read.
    """
    try:
        status = path.stat()
        return _file_digest(path, status.st_size, status.st_mtime_ns)
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror or error}") from error


@cache
def _file_digest(path: Path, size: int, modified: int) -> str:
    """Hash a file once per process; size and time of change tell a new content."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _own_model(file: Path) -> str:
    """Return the digest of a file with a network, and of the modules beside it that it imports."""
    first, *others = model_files(file)
    if not others:
        return file_digest(first)
    named = [[str(path.relative_to(file.parent)), file_digest(path)] for path in others]
    return hashlib.sha256(canonical([file_digest(first), named]).encode()).hexdigest()


def _by_content(name: str, value: Any) -> Any:
    if name in FILE_FIELDS and value not in NO_FILE:
        return f"sha256:{file_digest(Path(value))}"
    if name == DATASET:
        return content_name(value)
    if name == MODEL and (own := USER_FILE.fullmatch(value)):
        return f"sha256:{_own_model(Path(own['file']))}:{own['function']}"
    if name == MODEL and (config := hub_config(value)):
        return f"{HUB}:sha256:{file_digest(config)}"
    return value


def _covers(names: Iterable[str], field: str) -> bool:
    return any(field == name or field.startswith(f"{name}.") for name in names)
