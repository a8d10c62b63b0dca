"""Commands that run one stage for one design point; the rules of the workflow call them."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Annotated, Self

import typer

from cimsim.commands.options import (
    RESULTS,
    Design,
    DeviceName,
    Results,
    Seeds,
    Threads,
    parse_seeds,
    set_threads,
    show_progress,
)
from cimsim.errors import UserError

if TYPE_CHECKING:
    from cimsim.campaign.design import DesignPoint

app = typer.Typer()


class _Job:
    """One run of a stage: its design point, the folders it reads and writes, its provenance.

    `kind` is the kind of result, where it is not the stage's own: it has the stage's key.
    """

    def __init__(
        self, stage: str, design: str, results: Path, threads: int, kind: str | None = None
    ) -> None:
        set_threads(threads)
        show_progress()
        from cimsim.campaign.design_json import read_design
        from cimsim.campaign.keys import changed_fields, digest, key_texts
        from cimsim.campaign.paths import stage_folder
        from cimsim.provenance import provenance

        self.point: DesignPoint = read_design(design)
        texts = key_texts(changed_fields(self.point))
        self.key_text = texts[stage]
        self.folders = {name: stage_folder(name, digest(texts[name]), results) for name in texts}
        self.output = stage_folder(kind or stage, digest(self.key_text), results)
        self.provenance = provenance(stage=stage, key=digest(self.key_text))
        self._results = results

    def __enter__(self) -> Self:
        from cimsim import failures

        failures.clear(self._results, self.output.parent.name, self.output.name)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        """Write the key beside the results, or note why there are none."""
        from cimsim import failures

        if error is None:
            self.write_key()
        elif isinstance(error, Exception):
            message = (
                str(error) if isinstance(error, UserError) else f"{type(error).__name__}: {error}"
            )
            failures.record(self._results, self.output.parent.name, self.output.name, message)

    def write_key(self) -> None:
        """Write the text whose hash is the key beside the results."""
        from cimsim.campaign.paths import KEY_FILE
        from cimsim.tables import write_atomically

        text = self.key_text + "\n"
        write_atomically(self.output / KEY_FILE, lambda path: path.write_text(text))


@app.command()
def checkpoint(design: Design = "{}", results: Results = RESULTS, threads: Threads = 1) -> None:
    """Train the network of a design, or read its checkpoint file."""
    with _Job("checkpoint", design, results, threads) as job:
        from cimsim.workloads.stage import make_checkpoint

        make_checkpoint(job.point, output=job.output, provenance=job.provenance)


@app.command()
def calibrate(design: Design = "{}", results: Results = RESULTS, threads: Threads = 1) -> None:
    """Find the scales of weights and activations."""
    with _Job("calibrate", design, results, threads) as job:
        from cimsim.calibration.stage import calibrate as run

        run(
            job.point,
            checkpoint=job.folders["checkpoint"],
            output=job.output,
            provenance=job.provenance,
        )


@app.command(name="map")
def map_network(design: Design = "{}", results: Results = RESULTS, threads: Threads = 1) -> None:
    """Place the weights of a network on arrays."""
    with _Job("map", design, results, threads) as job:
        from cimsim.mapping.stage import map_network as run

        run(
            job.point,
            checkpoint=job.folders["checkpoint"],
            calibration=job.folders["calibrate"],
            output=job.output,
            provenance=job.provenance,
        )


@app.command()
def trace(design: Design = "{}", results: Results = RESULTS, threads: Threads = 1) -> None:
    """Record the integer inputs of each matrix layer."""
    with _Job("trace", design, results, threads) as job:
        from cimsim.traces.stage import trace as run

        run(
            job.point,
            checkpoint=job.folders["checkpoint"],
            calibration=job.folders["calibrate"],
            output=job.output,
            provenance=job.provenance,
        )


@app.command()
def infer(
    seeds: Seeds,
    design: Design = "{}",
    results: Results = RESULTS,
    threads: Threads = 1,
    device: DeviceName = "cpu",
) -> None:
    """Run the network on arrays, once per seed (chip instance)."""
    block = parse_seeds(seeds)
    with _Job("infer", design, results, threads) as job:
        from cimsim.inference.stage import infer as run

        run(
            job.point,
            block,
            checkpoint=job.folders["checkpoint"],
            calibration=job.folders["calibrate"],
            mapping=job.folders["map"],
            output=job.output,
            provenance=job.provenance | {"device": device},
            device=device,
        )


@app.command()
def budget(
    seeds: Annotated[
        str, typer.Option("--seeds", help="first and last seed, as FIRST:LAST")
    ] = "0:3",
    design: Design = "{}",
    results: Results = RESULTS,
    threads: Threads = 1,
    device: DeviceName = "cpu",
) -> None:
    """Show where a design point loses accuracy: the ADC and each effect, alone and together."""
    block = parse_seeds(seeds)
    with _Job("infer", design, results, threads, kind="budget") as job:
        from cimsim.inference.budget import budget as run

        run(
            job.point,
            block,
            checkpoint=job.folders["checkpoint"],
            calibration=job.folders["calibrate"],
            mapping=job.folders["map"],
            output=job.output,
            provenance=job.provenance | {"device": device},
            device=device,
        )
    from cimsim.analysis.budget import show_budget

    show_budget(job.output, block, job.folders["calibrate"])


@app.command()
def ppa(
    design: Design = "{}",
    results: Results = RESULTS,
    threads: Threads = 1,
    neurosim_network: Annotated[
        Path | None,
        typer.Option(help="network table of DNN+NeuroSim (NetWork_<model>.csv), not the workflow"),
    ] = None,
    traces: Annotated[
        list[Path] | None,
        typer.Option(
            help="its folder layer_record_<model>, its trace_command.sh, or the option repeated "
            "for the weights and the inputs of each layer"
        ),
    ] = None,
    output: Annotated[
        Path | None, typer.Option(help="folder for the tables, with --neurosim-network")
    ] = None,
) -> None:
    """Compute power, performance and area of the chip."""
    set_threads(threads)
    if neurosim_network is not None:
        _ppa_of_neurosim_files(design, neurosim_network, traces or [], output)
        return
    if traces or output:
        raise UserError(f"{'--traces' if traces else '--output'} needs --neurosim-network")
    show_progress()
    from cimsim.campaign.design_json import read_design
    from cimsim.campaign.keys import changed_fields
    from cimsim.campaign.member import Member
    from cimsim.ppa.block import run_block

    member = Member.of(changed_fields(read_design(design)))
    run_block([member], results=results, threads=threads)


@app.command(hidden=True)
def ppa_block(
    group: Annotated[str, typer.Argument(help="key of the mapping and trace of the block")],
    name: Annotated[str, typer.Argument(metavar="BLOCK", help="name of the block")],
    campaigns: Annotated[list[str], typer.Argument(help="campaign files of the workflow's run")],
    results: Results = RESULTS,
    threads: Threads = 1,
) -> None:
    """Compute power, performance and area of a block of design points (a job of the workflow)."""
    set_threads(threads)
    show_progress()
    from cimsim.campaign.member import Member
    from cimsim.campaign.plan import load_plan
    from cimsim.ppa.block import run_block

    block = load_plan(campaigns, check=False).block(group, name)
    members = [Member.of(point.changed, point.text) for point in block.points]
    run_block(members, results=results, threads=threads)


@app.command(hidden=True)
def infer_block(
    group: Annotated[str, typer.Argument(help="key of the mapping of the block")],
    name: Annotated[str, typer.Argument(metavar="BLOCK", help="name of the block")],
    campaigns: Annotated[list[str], typer.Argument(help="campaign files of the workflow's run")],
    results: Results = RESULTS,
    threads: Threads = 1,
    device: DeviceName = "cpu",
) -> None:
    """Simulate a block of design points with all their seeds (a job of the workflow)."""
    set_threads(threads)
    show_progress()
    from cimsim.campaign.member import Member
    from cimsim.campaign.plan import load_plan
    from cimsim.inference.block import infer_block as run
    from cimsim.tables import write_atomically

    block = load_plan(campaigns, check=False).seed_block(group, name)
    members = [Member.of(point.changed, point.text, "infer") for point in block.points]
    text = block.marker_text(run(members, block.seeds, results=results, device=device)) + "\n"
    write_atomically(block.marker(results), lambda path: path.write_text(text))


def _ppa_of_neurosim_files(
    design: str, table: Path, traces: list[Path], output: Path | None
) -> None:
    """Evaluate the chip for a network that DNN+NeuroSim has traced; print and write its tables."""
    from cimsim.campaign.design_json import read_design
    from cimsim.ppa.neurosim import evaluate_network, open_network
    from cimsim.ppa.show import show_chip
    from cimsim.ppa.stage import write_tables
    from cimsim.provenance import provenance

    if not traces:
        raise UserError("--neurosim-network needs --traces")
    point = read_design(design)
    network = open_network(point, table, traces)
    tables = evaluate_network(point, network)
    if output is not None:
        write_tables(tables, output, provenance(**network.about(point)))
    show_chip(tables)
