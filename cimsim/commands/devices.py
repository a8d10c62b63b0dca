"""Commands on measured devices."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

app = typer.Typer()


@app.command()
def device(
    measured: Annotated[
        Path,
        typer.Argument(
            metavar="MEASURED", help="CSV with columns state and conductance (S), a row a cell"
        ),
    ],
    output: Annotated[Path, typer.Option("--output", help="preset to write (YAML)")],
    technology: Annotated[
        Literal["rram", "fefet", "nvcap"],
        typer.Option("--technology", help="circuits and write path of the cell"),
    ] = "rram",
) -> None:
    """Make a preset of a cell, and its table of states, from measured conductances."""
    from cimsim.devices.measured import write_cell

    states = write_cell(measured, output, technology)
    for index, state in enumerate(states):
        share = state.std / state.mean
        typer.echo(f"state {index}: {state.cells} cells, {state.mean:.4g} S, deviation {share:.1%}")
    typer.echo(f"{output}: written; use it as `preset: {output}`")
