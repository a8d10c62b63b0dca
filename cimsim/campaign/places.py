"""Where a key that is unknown where it stands is known: for messages."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import BaseModel

from cimsim.campaign.file import CampaignFile
from cimsim.campaign.messages import model_in
from cimsim.campaign.settings import PRESET, leaf_fields, sections


def places_of(key: str, in_settings: bool) -> list[str]:
    """Return where in a campaign a key is known, as words for a message.

    The top level comes before the design fields, and those before the rest of the file.

    Args:
        key: name that a user wrote, dotted or not: ``hardware``, ``adc.bits``.
        in_settings: it stands among design fields, whose names then need no ``base.`` before them.
    """
    if key in CampaignFile.model_fields:
        return [f"'{key}' at the top level of the campaign"]
    base = "" if in_settings else "base."
    design = [base + name for name in (PRESET, *leaf_fields(), *sections()) if name]
    for names in (design, list(_file_keys(CampaignFile))):
        found = [f"'{name}'" for name in names if f".{name}".endswith(f".{key}")]
        if found:
            return found
    return []


def _file_keys(model: type[BaseModel], prefix: str = "") -> Iterator[str]:
    """Yield every key of a campaign file: ``figures[].kind``."""
    for name, field in model.model_fields.items():
        yield prefix + name
        inner = model_in(field.annotation)
        if inner is not None:
            listed = "[]" * ("tuple" in str(field.annotation))
            yield from _file_keys(inner, f"{prefix}{name}{listed}.")
