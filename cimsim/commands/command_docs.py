"""docs/commands.md: the help of every command, generated from its declaration."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer
from typer.testing import CliRunner

FILE = Path("docs/commands.md")

INTRODUCTION = """<!-- Generated from the commands by `cimsim docs --write`; edit those. -->
# Commands

The workflow calls the commands of the stages; users may call any of them. A mistake of the user is
one line on stderr and exit status 1.
"""


def commands_reference(app: typer.Typer) -> str:
    """Return the reference of all commands in Markdown."""
    parts = [INTRODUCTION]
    for words in sorted(_names(typer.main.get_command(app), ())):
        parts.append(f"## cimsim {' '.join(words)}\n\n```text\n{_help(app, words)}\n```\n")
    return "\n".join(parts)


def _names(command: Any, words: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """Yield the words of every command that has none below it."""
    below = getattr(command, "commands", None)
    if below is None:
        yield words
        return
    for name, child in below.items():
        yield from _names(child, (*words, name))


def _help(app: typer.Typer, words: tuple[str, ...]) -> str:
    """Return what `--help` prints, in lines of one width on every terminal."""
    environment = {"COLUMNS": "80", "TERMINAL_WIDTH": "80", "NO_COLOR": "1"}
    shown = CliRunner().invoke(app, [*words, "--help"], prog_name="cimsim", env=environment)
    return "\n".join(line.rstrip() for line in shown.output.strip("\n").split("\n"))
