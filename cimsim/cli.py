"""The command line. The workflow's rules call the stage commands; users may call any of them."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

import cimsim
from cimsim.commands import (
    campaigns,
    data,
    devices,
    exploration,
    paper,
    reference,
    stages,
    workloads,
)
from cimsim.errors import UserError

app = typer.Typer(
    help="Benchmark campaigns for compute-in-memory.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
for group in (campaigns, exploration, stages, workloads, data, reference, paper, devices):
    app.add_typer(group.app)


def main() -> None:
    """Run the command line; a mistake of the user is one line on stderr and exit status 1."""
    try:
        app()
    except UserError as error:
        _fail(str(error))
    except MemoryError as error:  # of numpy, or std::bad_alloc of the native module
        _fail(f"out of memory ({error}); a smaller network, fewer images or more memory are needed")
    except BrokenPipeError:
        # The reader has seen enough (`cimsim plan ... | head`); nothing is left to say.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except OSError as error:
        named = f"{error.filename}: " if error.filename else ""
        _fail(f"{named}{error.strerror or error}")


def _fail(message: str) -> None:
    print(f"cimsim: {message}", file=sys.stderr)
    sys.exit(1)


def _version(asked: bool) -> None:
    if asked:
        from cimsim.provenance import native_build

        typer.echo(f"cimsim {cimsim.__version__} ({native_build()})")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option("--version", help="show the version", callback=_version, is_eager=True),
    ] = False,
) -> None:
    pass
