"""Names of the weights that timm and torchvision publish for their networks.

Torch-free, like :mod:`cimsim.campaign.catalogue`: the names are read from the libraries' sources.
"""

from __future__ import annotations

import re
from functools import cache
from importlib.util import find_spec
from pathlib import Path

_WEIGHTS_OF = re.compile(r"^def (\w+)\(\s*\*,\s*weights:[^=]*?(\w+_Weights)\b", re.MULTILINE)
"""The enumeration of weights of a torchvision network, in the signature of its builder."""

_ENUMERATION = re.compile(
    r"^class (\w+_Weights)\(WeightsEnum\):\n((?:(?:[ \t].*)?\n)+)", re.MULTILINE
)
_MEMBER = re.compile(r"^    ([A-Z]\w*) = Weights\(", re.MULTILINE)

_TAGGED = re.compile(r"""["'](\w+)\.(\w+)["']\s*:""")
"""Network and tag of weights in the tables of timm."""


def published_weights(model: str) -> tuple[str, ...]:
    """Return the names of the published weights of a network ``library:NAME``, sorted.

    Aliases (DEFAULT) are left out, because they name other weights in another version. Nothing is
    found for networks of other sources than timm and torchvision.
    """
    library, _, name = model.partition(":")
    return tuple(sorted(_all(library).get(name.partition(".")[0], ())))


@cache
def _all(library: str) -> dict[str, set[str]]:
    read = {"timm": _timm, "torchvision": _torchvision}.get(library)
    package = find_spec(library) if read else None
    if read is None or package is None or package.origin is None:
        return {}
    files = (Path(package.origin).parent / "models").glob("*.py")
    found: dict[str, set[str]] = {}
    for file in files:
        for name, weights in read(file.read_text(encoding="utf-8")).items():
            found.setdefault(name, set()).update(weights)
    return found


def _torchvision(text: str) -> dict[str, set[str]]:
    members = {name: set(_MEMBER.findall(body)) for name, body in _ENUMERATION.findall(text)}
    return {name: members.get(weights, set()) for name, weights in _WEIGHTS_OF.findall(text)}


def _timm(text: str) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for name, tag in _TAGGED.findall(text):
        found.setdefault(name, set()).add(tag)
    return found
