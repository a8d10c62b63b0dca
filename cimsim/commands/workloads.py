"""Commands that show networks."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cimsim.commands.options import set_threads

if TYPE_CHECKING:
    from rich.table import Table

app = typer.Typer()

COLUMNS = (
    *("", "layer", "kind", "operands", "input", "kernel", "stride", "groups"),
    *("matrix", "vectors", "weights", "MACs"),
)
OTHER_COLUMNS = 125
"""Characters that all columns but the name take at most."""

TEXTS = 4
"""Columns that are left-aligned."""


@app.command()
def inspect(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="network, as workload.model")],
    image: Annotated[
        str, typer.Option("--image", help="format of the images, as CHANNELSxSIDExSIDE")
    ] = "3x224x224",
    classes: Annotated[int, typer.Option("--classes", min=1, help="number of classes")] = 1000,
    argument: Annotated[
        list[str] | None,
        typer.Option("--argument", help="argument of the builder, as name=value; may be repeated"),
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", help="Parquet file for the table")
    ] = None,
) -> None:
    """Show the matrix layers and products of activations of a network, for one image."""
    set_threads(1)
    from rich.console import Console

    from cimsim.mapping import inspection
    from cimsim.provenance import provenance

    images = inspection.image_format(image, classes)
    rows = inspection.inspect_network(model, tuple(argument or ()), images)
    if output is not None:
        inspection.write_inspection(output, rows, provenance(model=model, image=image))
    console = Console()
    console.width = max(console.width, OTHER_COLUMNS + max(len(row["name"]) for row in rows))
    console.print(_table(rows, model, image))


def _table(rows: list[dict[str, Any]], model: str, image: str) -> Table:
    from rich import box
    from rich.table import Table

    table = Table(title=f"{model} on {image}", box=box.SIMPLE, show_footer=True)
    layers = [row for row in rows if row["operands"] == "static"]
    products = len(rows) - len(layers)
    footers = {
        "layer": f"{len(layers)} layers, {products} products",
        "weights": f"{sum(row['weights'] for row in rows):,}",
        "MACs": f"{sum(row['macs'] for row in rows):,}",
    }
    for number, name in enumerate(COLUMNS):
        align: Any = "left" if 0 < number < TEXTS else "right"
        table.add_column(name, footers.get(name, ""), justify=align, no_wrap=True)
    for row in rows:
        table.add_row(*_cells(row))
    return table


def _cells(row: dict[str, Any]) -> list[str]:
    static = row["operands"] == "static"
    shape = f"{row['in_channels']}x{row['in_height']}x{row['in_width']}"
    groups = max(row["groups"], 1)
    matrices = row["batch"] * groups
    times = f"{matrices} x " if matrices > 1 else ""
    return [
        str(row["index"]),
        row["name"],
        row["kind"],
        row["operands"],
        shape if static else "",
        f"{row['kernel_height']}x{row['kernel_width']}" if row["kind"] == "conv" else "",
        str(row["stride"]) if row["kind"] == "conv" else "",
        str(row["groups"]) if row["groups"] > 1 else "",
        f"{times}{row['rows']}x{row['columns'] // groups}",
        f"{row['vectors']:,}",
        f"{row['weights']:,}" if static else "",
        f"{row['macs']:,}",
    ]
