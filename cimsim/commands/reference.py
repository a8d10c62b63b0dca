"""Commands that compare with reference figures and generate the documentation."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cimsim.errors import UserError

app = typer.Typer()
verify_app = typer.Typer(
    help="Compare with reference figures.", no_args_is_help=True, rich_markup_mode=None
)
app.add_typer(verify_app, name="verify")

Folder = Annotated[Path, typer.Argument(metavar="FOLDER", help="folder of reference figures")]


@verify_app.command()
def functional(folder: Folder) -> None:
    """Compare the array product with a folder of reference vectors."""
    _refuse_empty(folder)
    from cimsim.arrays.verify import verify_folder

    if not verify_folder(folder, typer.echo):
        raise typer.Exit(1)


@verify_app.command(name="ppa")
def verify_ppa(folder: Folder) -> None:
    """Compare the hardware model with a folder of reference figures."""
    _refuse_empty(folder)
    from cimsim.ppa.verify import verify_folder

    if not verify_folder(folder, typer.echo):
        raise typer.Exit(1)


def _refuse_empty(folder: Path) -> None:
    if not folder.is_dir():
        raise UserError(f"{folder}: no such folder; allowed: a folder of reference figures")
    if not any(folder.iterdir()):
        raise UserError(f"{folder}: the folder is empty; allowed: a folder of reference figures")


@app.command()
def docs(
    write: Annotated[
        bool, typer.Option("--write", help="write the files instead of comparing them")
    ] = False,
) -> None:
    """Compare the generated documentation with the models, or write it again."""
    from cimsim.analysis.reference import FILE, results_reference
    from cimsim.campaign.schema_docs import generated
    from cimsim.cli import app as every_command
    from cimsim.commands import command_docs
    from cimsim.ppa import parameter_docs

    written = {
        **generated(),
        FILE: results_reference(),
        parameter_docs.FILE: parameter_docs.parameters_reference(),
        command_docs.FILE: command_docs.commands_reference(every_command),
    }
    differing = []
    for path, text in written.items():
        if path.is_file() and path.read_text(encoding="utf-8") == text:
            continue
        if write:
            path.write_text(text, encoding="utf-8")
            typer.echo(f"{path}: written")
        else:
            differing.append(str(path))
    if differing:
        raise UserError(f"{', '.join(differing)}: not up to date; run `cimsim docs --write`")
