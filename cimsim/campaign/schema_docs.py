"""The reference of all keys (config/README.md) and the JSON schema, generated from the models."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from cimsim.campaign.design import DesignPoint
from cimsim.campaign.figure import BREAKDOWNS, MEASURES, Figure
from cimsim.campaign.file import CampaignFile, Statistics, Sweep
from cimsim.campaign.keys import STAGES, own_fields
from cimsim.campaign.messages import allowed_values
from cimsim.campaign.sample import Sample
from cimsim.campaign.search import Search
from cimsim.campaign.seeds import Seeds, Stop
from cimsim.campaign.settings import PRESET, field_adapter, leaf_fields, sections

Schema = dict[str, Any]

FOLDER = Path("config")
TEMPLATE = Path(__file__).with_name("reference.md")

HEADING = "<!-- Generated from the models by `cimsim docs --write`; edit those. -->\n"


def generated() -> dict[Path, str]:
    """Return the text of every generated file by its path in the source tree."""
    return {
        FOLDER / "README.md": reference(),
        FOLDER / "campaign.schema.json": json.dumps(_plain(campaign_schema()), indent=2) + "\n",
    }


# --- reference ------------------------------------------------------------------------------------


def reference() -> str:
    """Return the reference of all keys, in Markdown: the prose of reference.md and the tables."""
    text = TEMPLATE.read_text(encoding="utf-8")
    sections = {
        "campaign": _table(CampaignFile),
        "sweep": _table(Sweep),
        "seeds": _table(Seeds),
        "stop": _table(Stop),
        "sample": _table(Sample),
        "search": _table(Search),
        "statistics": _table(Statistics),
        "figure": _table(Figure),
        "measures": ", ".join(f"`{name}`" for name in MEASURES),
        "breakdowns": ", ".join(f"`{name}`" for name in BREAKDOWNS),
        "design": _design_tables(),
    }
    for name, content in sections.items():
        text = text.replace(f"{{{{ {name} }}}}", content)
    return HEADING + text


def _table(model: type[BaseModel]) -> str:
    rows = [_row(name, field) for name, field in model.model_fields.items()]
    return "\n".join(["| key | default | allowed | meaning |", "|---|---|---|---|", *rows])


def _row(name: str, field: FieldInfo, *more: str) -> str:
    cells = (f"`{name}`", _default(field), allowed_values(field), field.description or "", *more)
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    default = field.get_default(call_default_factory=True)
    if isinstance(default, BaseModel):
        return "see below"
    if isinstance(default, tuple | dict):
        return "none"
    return f"`{json.dumps(default)}`"


def _design_tables() -> str:
    """Return one table a section of the design point, with the stages that read each field."""
    parts = []
    for name, field in DesignPoint.model_fields.items():
        model = field.annotation
        assert isinstance(model, type)
        about = " ".join((model.__doc__ or "").split())
        rows = [
            _row(leaf, held, ", ".join(stage for stage in STAGES if leaf in own_fields(stage)))
            for leaf, held in leaf_fields().items()
            if leaf.startswith(f"{name}.")
        ]
        header = ["| key | default | allowed | meaning | read by |", "|---|---|---|---|---|"]
        parts.append("\n".join([f"### {name}\n", f"{about}\n", *header, *rows]))
    return "\n\n".join(parts)


# --- JSON schema ----------------------------------------------------------------------------------


def campaign_schema() -> Schema:
    """Return the JSON schema of a campaign file, for editors that check while one types."""
    schema = CampaignFile.model_json_schema()
    definitions = schema["$defs"]
    definitions["preset"] = _preset_schema()
    definitions |= {name: _leaf_schema(name) for name in leaf_fields()}
    for kind, leaf in (("settings", _refer), ("lists", _list_of)):
        for section in sections():
            definitions[_name(kind, section)] = _section_schema(kind, section, leaf)
    sweep = definitions["Sweep"]["properties"]
    for target, name in (
        (schema["properties"], "base"),
        (sweep, "base"),
        (sweep, "grid"),
        (sweep, "zip"),
    ):
        kind = "settings" if name == "base" else "lists"
        target[name] = {"description": target[name]["description"], **_refer(kind)}
    sweep["points"]["items"] = _refer("settings")
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def _refer(name: str) -> Schema:
    return {"$ref": f"#/$defs/{name}"}


def _list_of(name: str) -> Schema:
    return {"type": "array", "minItems": 1, "items": _refer(name)}


def _section_schema(kind: str, section: str, leaf: Callable[[str], Schema]) -> Schema:
    """Return the schema of the fields below a section, each nested or dotted."""
    prefix = f"{section}." if section else ""
    properties: Schema = {} if section else {PRESET: leaf(PRESET)}
    for name in sections():
        if name and name.startswith(prefix):
            properties[name.removeprefix(prefix)] = _refer(_name(kind, name))
    for name in leaf_fields():
        if name.startswith(prefix):
            properties[name.removeprefix(prefix)] = leaf(name)
    return {"type": "object", "additionalProperties": False, "properties": properties}


def _name(kind: str, section: str) -> str:
    """Return the name of a section's definition: `settings.array`, `lists.array`."""
    return f"{kind}.{section}" if section else kind


def _plain(value: Any) -> Any:
    """Return a schema with 0 for 0.0.

    Which of the two a bound has depends on what else the process has validated before: Python
    keeps one of several equal annotations.
    """
    if isinstance(value, dict):
        return {key: _plain(held) for key, held in value.items()}
    if isinstance(value, list):
        return [_plain(held) for held in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _leaf_schema(name: str) -> Schema:
    schema = field_adapter(name).json_schema()
    return {**schema, "description": leaf_fields()[name].description or ""}


def _preset_schema() -> Schema:
    one = {"type": "string"}
    return {"anyOf": [one, {"type": "array", "items": one}], "description": "preset to start from"}
