"""Names of the networks that a campaign may use.

Torch-free, so that a campaign is validated without loading a network: the names of a library's
networks are read from its source files. The builders are in :mod:`cimsim.workloads`.
"""

from __future__ import annotations

import re
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import AfterValidator

from cimsim.campaign.published_weights import published_weights
from cimsim.errors import nearest

OWN_MODELS = ("vgg8", "vit", "swin", "resnet20", "resnet18")
"""vgg8: the 8-layer VGG of the CIM literature; vit and swin: small transformers (timm); resnet20
and resnet18: residual networks for images of 32 x 32 pixels."""

LIBRARIES = ("timm", "torchvision")
"""Libraries whose networks are known by name."""

HUB = "huggingface"
"""Source of networks that the package transformers builds: a model type, hub name or folder."""

HUB_CONFIG = "config.json"
"""File that makes a folder a network of :data:`HUB`."""

USER_FILE = re.compile(r"(?P<file>.+\.py):(?P<function>[^\W\d]\w*)")
"""A network of the user's own: a function in a Python file."""

ARGUMENT = re.compile(r"(?P<name>[^\W\d]\w*)=(?P<value>.+)")

_REGISTERED = re.compile(r"@register_model(?:\([^)]*\))?\n(?:@.*\n)*def (\w+)\(")
"""How the source of timm and torchvision registers the builder of a network."""

_ALLOWED = (
    f"{', '.join(OWN_MODELS)}, timm:NAME, torchvision:NAME, huggingface:NAME, "
    "or path/to/file.py:function"
)


def check_model(name: str) -> str:
    """Return `name` if there is such a network.

    Raises:
        ValueError: there is none; the message names the closest ones.
    """
    library, _, of_library = name.partition(":")
    if name in OWN_MODELS or USER_FILE.fullmatch(name) or (library == HUB and of_library):
        return name
    network, dot, tag = of_library.partition(".")
    if library in LIBRARIES and network in library_models(library):
        if dot:
            check_weights(f"{library}:{network}", tag, f"{name!r}: ")
        return name
    raise ValueError(f"{name!r} is no network{_close_to(name)}; allowed: {_ALLOWED}")


def check_weights(model: str, weights: str, where: str) -> None:
    """Refuse a name of weights that the library of a network does not know.

    A network of timm may carry it after a dot, one of torchvision may not.

    Raises:
        ValueError: begins with `where` and names those that there are.
    """
    names = published_weights(model)
    if model.startswith("torchvision:") and where:
        raise ValueError(
            f"{where}torchvision has no names with a dot; allowed: {model}, with workload.weights "
            f"{' or '.join(names)} for published weights"
        )
    if names and weights not in names:
        raise ValueError(
            f"{where}{model} has no weights {weights!r}{nearest(weights, names)}; "
            f"allowed: {', '.join(names)}"
        )


def hub_config(model: str, beside: Path = Path()) -> Path | None:
    """Return the configuration of a model ``huggingface:FOLDER``; None if it is no such model.

    A folder is looked for in `beside`, the working directory if it is not given.
    """
    library, _, folder = model.partition(":")
    path = beside / folder / HUB_CONFIG
    return path if library == HUB and path.is_file() else None


@cache
def library_models(library: str) -> frozenset[str]:
    """Return the names of the networks of timm or torchvision, without importing it."""
    package = find_spec(library)
    if package is None or package.origin is None:
        return frozenset()
    files = (Path(package.origin).parent / "models").glob("*.py")
    texts = (file.read_text(encoding="utf-8") for file in files)
    return frozenset(name for text in texts for name in _REGISTERED.findall(text))


def parse_arguments(texts: tuple[str, ...]) -> dict[str, Any]:
    """Return arguments that are written as ``name=value``, the value in YAML.

    Raises:
        ValueError: a text is not of this form, or a name is there twice.
    """
    found: dict[str, Any] = {}
    for text in texts:
        match = ARGUMENT.fullmatch(text)
        if match is None or match["name"] in found:
            problem = "no argument" if match is None else "there twice"
            raise ValueError(f"{text!r} is {problem}; allowed: name=value with each name once")
        try:
            found[match["name"]] = yaml.safe_load(match["value"])
        except yaml.YAMLError:
            raise ValueError(f"{text!r}: its value is no YAML; allowed: name=value") from None
    return found


def _close_to(name: str) -> str:
    """Return the hint at a network with a similar name, of one source after another."""
    library, _, of_library = name.rpartition(":")
    libraries = [library] if library in LIBRARIES else LIBRARIES
    forgotten = [f"{other}:{name}" for other in LIBRARIES if name in library_models(other)]
    hint = nearest(name, [*forgotten, *(() if library or forgotten else OWN_MODELS)])
    for other in libraries:
        if not hint:
            hint = nearest(of_library, sorted(library_models(other))).replace("'", f"'{other}:", 1)
    return hint


def _check_arguments(texts: tuple[str, ...]) -> tuple[str, ...]:
    parse_arguments(texts)
    return texts


ModelName = Annotated[str, AfterValidator(check_model)]
"""Name of a network, see :func:`check_model`."""

Arguments = Annotated[tuple[str, ...], AfterValidator(_check_arguments)]
"""Arguments of the function that builds a network, see :func:`parse_arguments`."""
