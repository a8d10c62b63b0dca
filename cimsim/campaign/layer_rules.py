"""Rules that choose matrix layers by name: patterns, and the first and the last one.

Torch-free: names come from the layer table, in order of execution.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from difflib import get_close_matches
from fnmatch import fnmatchcase
from typing import Annotated

from pydantic import AfterValidator

from cimsim.errors import UserError

FIRST, LAST = "first", "last"
"""Patterns that stand for the first and the last layer in order of execution."""

MOST_BITS = 16

_RULE = re.compile(r"(?P<pattern>\S+)=(?P<bits>[0-9]{1,3})")

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


def parse_bits(rule: str) -> tuple[str, int]:
    """Return pattern and bits of a rule that is written as ``PATTERN=BITS``.

    Raises:
        ValueError: it is not of this form.
    """
    match = _RULE.fullmatch(rule)
    if match is None:
        raise ValueError(f"{rule!r} is no rule; allowed: PATTERN=BITS, as 'classifier.*=4'")
    return match["pattern"], int(match["bits"])


def bits_by_layer(
    rules: Sequence[str], names: Sequence[str], default: int, field: str
) -> dict[str, int]:
    """Return the bits of each layer: those of the last rule that fits it, or the default.

    Raises:
        UserError: a rule fits no layer.
    """
    found = dict.fromkeys(names, default)
    for rule in rules:
        pattern, bits = parse_bits(rule)
        found |= dict.fromkeys(fitting(pattern, names, field), bits)
    return found


def _checked(least: int) -> Callable[[tuple[str, ...]], tuple[str, ...]]:
    def check(rules: tuple[str, ...]) -> tuple[str, ...]:
        for rule in rules:
            if not least <= parse_bits(rule)[1] <= MOST_BITS:
                raise ValueError(f"{rule!r} is not allowed; allowed: {least} to {MOST_BITS} bits")
        return rules

    return check


CodeBits = Annotated[tuple[str, ...], AfterValidator(_checked(2))]
"""Rules ``PATTERN=BITS`` for the codes of weights or inputs."""

ConverterBits = Annotated[tuple[str, ...], AfterValidator(_checked(1))]
"""Rules ``PATTERN=BITS`` for ADCs."""
