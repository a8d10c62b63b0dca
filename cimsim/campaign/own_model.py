"""The files that a network of the user's own consists of.

The file that a campaign names may import modules beside it, with a dot: ``from .blocks import
Block``. They are found by reading, because a key must not depend on running foreign code.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from cimsim.errors import UserError


def model_files(file: Path) -> list[Path]:
    """Return `file` and all modules that it and they import with a dot, the others sorted.

    Modules that code imports by a computed name or by ``*`` from a package are not found; they do
    not run either (:func:`cimsim.workloads.libraries.load_module`). Installed ones are left out.

    Raises:
        UserError: an import leaves the folder of `file`, or a module cannot be read.
    """
    found, waiting = {file}, [file]
    while waiting:
        module = waiting.pop()
        for beside in _imported(module, _stamp(module)):
            if not beside.is_relative_to(file.parent):
                raise UserError(
                    f"{module}: imports {beside}, which is outside {file.parent}; allowed: modules "
                    "in the folder of the file that workload.model names, and installed ones"
                )
            if beside not in found:
                found.add(beside)
                waiting.append(beside)
    return [file, *sorted(found - {file})]


def _stamp(file: Path) -> tuple[int, int]:
    try:
        status = file.stat()
    except OSError as error:
        raise UserError(f"{file}: cannot be read: {error.strerror or error}") from error
    return status.st_size, status.st_mtime_ns


@cache
def _imported(file: Path, stamp: tuple[int, int]) -> tuple[Path, ...]:
    """Return the modules that a file imports with a dot; once for each `stamp` of the file.

    A file that is no Python has none; running it says what is wrong with it.
    """
    try:
        tree = ast.parse(file.read_bytes())
    except (SyntaxError, ValueError):
        return ()
    except OSError as error:
        raise UserError(f"{file}: cannot be read: {error.strerror or error}") from error
    relative = (node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.level)
    return tuple(path for node in relative for path in _modules(file.parent, node))


def _modules(package: Path, node: ast.ImportFrom) -> Iterator[Path]:
    """Yield the files that an import runs: the packages on the way and the module at its end."""
    for _ in range(node.level - 1):
        package = package.parent
    at = package
    for part in node.module.split(".") if node.module else ():
        at /= part
        yield from _file_of(at)
    for name in node.names:  # each may be a module or something in one
        yield from _file_of(at / name.name)


def _file_of(module: Path) -> Iterator[Path]:
    for path in (module.with_name(f"{module.name}.py"), module / "__init__.py"):
        if path.is_file():
            yield path
