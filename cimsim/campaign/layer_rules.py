"""Rules that choose matrix layers by name: patterns, and the first and the last one.

Torch-free: names come from the layer table, in order of execution.
"""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches
from fnmatch import fnmatchcase

from cimsim.errors import UserError

FIRST, LAST = "first", "last"
"""Patterns that stand for the first and the last layer in order of execution."""

NAMED = 12
"""Layers that a message names at most."""


def fitting(pattern: str, names: Sequence[str], field: str) -> set[str]:
    """Return the layers that a pattern (fnmatch) of the design field `field` fits.

    ``first`` and ``last`` go by the order of `names`, unless a layer has that very name.

    Raises:
        UserError: the pattern fits none.
    """
    found = {name for name in names if fnmatchcase(name, pattern)}
    if not found and pattern in (FIRST, LAST):
        found = {names[0 if pattern == FIRST else -1]}
    if found:
        return found
    shown, which = list(names), f"its {len(names)} layers are"
    if len(names) > NAMED:
        near = set(get_close_matches(pattern, names, NAMED, cutoff=0.0))
        shown = [name for name in names if name in near]
        which = f"of its {len(names)} the closest are"
    raise UserError(
        f"{field}: pattern '{pattern}' fits no matrix layer of the network; {which} "
        f"{', '.join(shown)}; allowed: such names, *, ?, [...], {FIRST}, {LAST}"
    )
