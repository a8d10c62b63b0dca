"""Commands on data sets."""

from __future__ import annotations

from typing import Annotated

import typer

from cimsim.commands.options import set_threads

app = typer.Typer()


@app.command()
def data(
    name: Annotated[str, typer.Argument(metavar="DATASET", help="data set, as workload.dataset")],
    download: Annotated[
        bool, typer.Option("--download", help="download it first if it is not there (CIFAR only)")
    ] = False,
) -> None:
    """Check the files of a data set and say what it holds; list images in files again."""
    set_threads(1)
    from cimsim.workloads import obtain

    if download:
        obtain.download(name)
    typer.echo(obtain.description(name))
