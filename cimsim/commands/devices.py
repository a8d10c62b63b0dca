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
            metavar="MEASURED", help="CSV with a row a cell: its state and its conductance"
        ),
    ],
    output: Annotated[Path, typer.Option("--output", help="preset to write (YAML)")],
    technology: Annotated[
        Literal["rram", "fefet", "nvcap"],
        typer.Option("--technology", help="circuits and write path of the cell"),
    ] = "rram",
    state: Annotated[str, typer.Option("--state", help="column of the states")] = "state",
    conductance: Annotated[
        str, typer.Option("--conductance", help="column of the conductances")
    ] = "conductance",
    unit: Annotated[
        Literal["S", "mS", "uS", "nS"], typer.Option("--unit", help="unit of the conductances")
    ] = "S",
    deviation: Annotated[
        str,
        typer.Option(
            "--deviation",
            help="column of the standard deviations, where a row is a state and its mean",
        ),
    ] = "",
) -> None:
    """Make a preset of a cell, and its table of states, from measured conductances."""
    from cimsim.devices.measured import Columns, describe, write_cell

    states = write_cell(measured, output, technology, Columns(state, conductance, unit, deviation))
    for line in describe(states, unit):
        typer.echo(line)
    typer.echo(f"{output}: written; use it as `preset: {output}`")
    typer.echo("`budget: true` in a campaign says what spacing and deviation cost in accuracy")
