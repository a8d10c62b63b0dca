"""Design points on the command line: JSON with nested or dotted fields."""

from __future__ import annotations

import json
from pathlib import Path

from pydantic import ValidationError

from cimsim.campaign.design import DesignPoint
from cimsim.campaign.keys import unflatten
from cimsim.campaign.messages import dotted, first_problem
from cimsim.campaign.settings import Place, read_row
from cimsim.errors import UserError

SOURCE = "--design"


def read_design(text: str) -> DesignPoint:
    """Return the design point whose fields are given as a JSON object.

    Raises:
        UserError: no JSON object, or fields or values that are not allowed.
    """
    try:
        given = json.loads(text)
    except ValueError as error:
        raise UserError(f"{SOURCE}: no JSON: {error}") from error
    if not isinstance(given, dict):
        raise UserError(f"{SOURCE}: {text!r:.40} is not allowed; allowed: a JSON object of fields")
    layer = read_row(given, Place(Path(SOURCE))).layer()
    try:
        return DesignPoint.model_validate(
            unflatten({name: setting.value for name, setting in layer.items()})
        )
    except ValidationError as error:
        location, problem = first_problem(error, DesignPoint)
        prefix = f"{dotted(location)}." if location else ""
        raise UserError(f"{SOURCE}: {prefix}{problem}") from error
