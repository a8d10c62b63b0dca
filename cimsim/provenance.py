"""Where a result comes from: versions, commit and key, stored with every table."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import cimsim

PACKAGES = ("numpy", "pyarrow", "scikit-learn", "timm", "torch", "torchvision")
"""Packages whose version may change a result."""


MAKER_FIELDS = ("cimsim", "commit", "torch", "numpy")
"""Fields of a provenance that say what computed a result."""


def maker(about: Mapping[str, Any]) -> str:
    """Return versions and commit of a provenance as a text."""
    named = {name: about[name] for name in MAKER_FIELDS if about.get(name)}
    return ", ".join(f"{name} {value}" for name, value in named.items()) or "unknown"


def provenance(**about: str) -> dict[str, str]:
    """Return `about` (stage, key, ...) with the versions and the commit.

    Holds nothing that differs between two runs of the same program, such as times or machines.
    """
    versions = {name: _version(name) for name in PACKAGES}
    return {**about, "cimsim": cimsim.__version__, "commit": commit(), **versions}


@cache
def commit() -> str:
    """Return the git commit of the source tree, with ``-dirty`` for changed files; else ''."""
    root = Path(cimsim.__file__).parents[1]
    if not (root / ".git").exists():
        return ""
    command = ["git", "-C", str(root), "describe", "--always", "--dirty", "--abbrev=40"]
    try:
        done = subprocess.run([*command, "--exclude=*"], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return ""
    return done.stdout.strip()


def native_build() -> str:
    """Return where the native engine is, or that it is missing."""
    try:
        from cimsim import _native
    except ImportError as error:
        return f"native engine missing: {error}"
    return f"native engine {Path(_native.__file__).name}, commit {commit() or 'unknown'}"


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""
