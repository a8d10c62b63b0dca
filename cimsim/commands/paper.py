"""Commands on a folder of campaigns, such as those of published case studies."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer()

Folder = Annotated[Path, typer.Argument(metavar="FOLDER", help="folder of campaign files")]


@app.command()
def paper(
    folder: Folder = Path("config/paper"),
    ready: Annotated[
        bool, typer.Option("--ready", help="print the files that can run, joined by commas")
    ] = False,
) -> None:
    """Say which campaigns of a folder this machine can run, and what the others lack."""
    from cimsim.campaign.paper import cases

    found = cases(folder)
    if ready:
        typer.echo(",".join(str(case.file) for case in found if case.ready))
        return
    wanted: dict[Path, str] = {}
    for case in found:
        wanted |= dict(case.missing)
        lacks = f"missing: {', '.join(str(path) for path, _ in case.missing)}"
        state = f"ready, {case.points} design points" if case.ready else case.problem or lacks
        typer.echo(f"{case.file}: {state}")
    if wanted:
        typer.echo("\nWhat is missing:")
    for path, what in sorted(wanted.items()):
        typer.echo(f"  {path}: {what}")
