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
    for case in found:
        state = f"ready, {case.points} design points" if case.ready else f"missing: {case.missing}"
        typer.echo(f"{case.file}: {state}")
