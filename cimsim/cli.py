"""The command line. The workflow's rules call the stage commands; users may call any of them.

Modules that load torch, pandas or pyarrow are imported inside the commands, so that each starts
fast and none loads more than it needs.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

import cimsim
from cimsim.errors import UserError

if TYPE_CHECKING:
    from cimsim.campaign.design import DesignPoint
    from cimsim.campaign.expand import Campaign

app = typer.Typer(
    help="Benchmark campaigns for compute-in-memory.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
verify_app = typer.Typer(
    help="Compare with reference figures.", no_args_is_help=True, rich_markup_mode=None
)
app.add_typer(verify_app, name="verify")

Design = Annotated[
    str,
    typer.Option(
        "--design", help="design fields that differ from their default, as JSON (nested or dotted)"
    ),
]
Results = Annotated[Path, typer.Option("--results", help="folder of all results")]
Threads = Annotated[int, typer.Option("--threads", min=1, help="threads to use")]
DeviceName = Annotated[
    Literal["cpu", "cuda"],
    typer.Option("--device", help="what computes the array products; cuda needs Triton"),
]
Seeds = Annotated[str, typer.Option("--seeds", help="first and last seed, as FIRST:LAST")]
CampaignPath = Annotated[Path, typer.Argument(metavar="CAMPAIGN", help="campaign file (YAML)")]
Folder = Annotated[Path, typer.Argument(metavar="FOLDER", help="folder of reference figures")]

RESULTS = Path("results")


def main() -> None:
    """Run the command line; a mistake of the user is one line on stderr and exit status 1."""
    try:
        app()
    except UserError as error:
        _fail(str(error))
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


# --- campaigns ------------------------------------------------------------------------------------


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


@app.command()
def validate(campaign: CampaignPath) -> None:
    """Check a campaign file and everything that it names."""
    loaded = _checked(campaign)
    dropped = f", {len(loaded.dropped)} combinations dropped" if loaded.dropped else ""
    typer.echo(f"{campaign}: valid; {len(loaded.points)} design points{dropped}")


@app.command()
def plan(campaign: CampaignPath, results: Results = RESULTS) -> None:
    """Show the design points and jobs of a campaign, and which jobs are done."""
    from cimsim.campaign.plan import describe

    for line in describe(_checked(campaign), results):
        typer.echo(line)


@app.command()
def join(campaign: CampaignPath, results: Results = RESULTS) -> None:
    """Join the results of all stages into the tables of a campaign."""
    from cimsim.analysis.join import join as run

    loaded, output = _campaign(campaign, results)
    run(loaded, results=results, output=output, provenance=_about_campaign(loaded))


@app.command()
def figure(
    campaign: CampaignPath,
    name: Annotated[str, typer.Argument(metavar="FIGURE", help="name of the figure")],
    results: Results = RESULTS,
) -> None:
    """Draw one figure of a campaign from its joined tables."""
    from cimsim.analysis.figures import draw

    loaded, output = _campaign(campaign, results)
    names = [figure.name for figure in loaded.figures]
    if name not in names:
        raise UserError(f"{campaign}: no figure is named '{name}'; allowed: {', '.join(names)}")
    draw(output, loaded.figures[names.index(name)], output / "figures" / name)


@app.command()
def summary(campaign: CampaignPath, results: Results = RESULTS) -> None:
    """Write the summary of a campaign from its joined tables."""
    from cimsim.analysis.summary import write_summary

    loaded, output = _campaign(campaign, results)
    write_summary(loaded, directory=output, output=output / "summary.md")


def _load(campaign: Path) -> Campaign:
    from cimsim.campaign.expand import load_campaign

    return load_campaign(campaign)


def _checked(campaign: Path) -> Campaign:
    from cimsim.campaign.checks import check_campaign

    loaded = _load(campaign)
    check_campaign(loaded)
    return loaded


def _campaign(file: Path, results: Path) -> tuple[Campaign, Path]:
    """Return the campaign of a file and the folder of its tables and figures."""
    from cimsim.campaign.paths import campaign_folder

    campaign = _load(file)
    return campaign, campaign_folder(campaign.name, results)


def _about_campaign(campaign: Campaign) -> dict[str, str]:
    from cimsim.provenance import provenance

    return provenance(campaign=campaign.name)


# --- stages ---------------------------------------------------------------------------------------


class _Job:
    """One run of a stage: its design point, the folders it reads and writes, its provenance."""

    def __init__(self, stage: str, design: str, results: Path, threads: int) -> None:
        _set_threads(threads)
        _show_progress()
        from cimsim.campaign.design_json import read_design
        from cimsim.campaign.keys import changed_fields, digest, key_texts
        from cimsim.campaign.paths import stage_folder
        from cimsim.provenance import provenance

        self.point: DesignPoint = read_design(design)
        texts = key_texts(changed_fields(self.point))
        self.key_text = texts[stage]
        self.folders = {name: stage_folder(name, digest(texts[name]), results) for name in texts}
        self.output = self.folders[stage]
        self.provenance = provenance(stage=stage, key=digest(self.key_text))

    def write_key(self, folder: Path | None = None) -> None:
        """Write the text whose hash is the key beside the results (in `folder`, if given)."""
        from cimsim.campaign.paths import KEY_FILE
        from cimsim.tables import write_atomically

        text = self.key_text + "\n"
        write_atomically((folder or self.output) / KEY_FILE, lambda path: path.write_text(text))


@app.command()
def checkpoint(design: Design = "{}", results: Results = RESULTS, threads: Threads = 1) -> None:
    """Train the network of a design, or read its checkpoint file."""
    job = _Job("checkpoint", design, results, threads)
    from cimsim.workloads.stage import make_checkpoint

    make_checkpoint(job.point, output=job.output, provenance=job.provenance)
    job.write_key()


@app.command()
def calibrate(design: Design = "{}", results: Results = RESULTS, threads: Threads = 1) -> None:
    """Find the scales of weights and activations."""
    job = _Job("calibrate", design, results, threads)
    from cimsim.calibration.stage import calibrate as run

    run(
        job.point,
        checkpoint=job.folders["checkpoint"],
        output=job.output,
        provenance=job.provenance,
    )
    job.write_key()


@app.command(name="map")
def map_network(design: Design = "{}", results: Results = RESULTS, threads: Threads = 1) -> None:
    """Place the weights of a network on arrays."""
    job = _Job("map", design, results, threads)
    from cimsim.mapping.stage import map_network as run

    run(
        job.point,
        checkpoint=job.folders["checkpoint"],
        calibration=job.folders["calibrate"],
        output=job.output,
        provenance=job.provenance,
    )
    job.write_key()


@app.command()
def trace(design: Design = "{}", results: Results = RESULTS, threads: Threads = 1) -> None:
    """Record the integer inputs of each matrix layer."""
    job = _Job("trace", design, results, threads)
    from cimsim.traces.stage import trace as run

    run(
        job.point,
        checkpoint=job.folders["checkpoint"],
        calibration=job.folders["calibrate"],
        output=job.output,
        provenance=job.provenance,
    )
    job.write_key()


@app.command()
def infer(
    seeds: Seeds,
    design: Design = "{}",
    results: Results = RESULTS,
    threads: Threads = 1,
    device: DeviceName = "cpu",
) -> None:
    """Run the network on arrays, once per seed (chip instance)."""
    block = _seeds(seeds)
    job = _Job("infer", design, results, threads)
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
    job.write_key()


@app.command()
def budget(
    seeds: Annotated[
        str, typer.Option("--seeds", help="first and last seed, as FIRST:LAST")
    ] = "0:3",
    design: Design = "{}",
    results: Results = RESULTS,
    threads: Threads = 1,
) -> None:
    """Show where a design point loses accuracy: the ADC and each effect, alone and together."""
    block = _seeds(seeds)
    job = _Job("infer", design, results, threads)
    from cimsim.analysis.budget import show_budget
    from cimsim.inference.budget import budget as run

    output = results / "budget" / job.output.name
    run(
        job.point,
        block,
        checkpoint=job.folders["checkpoint"],
        calibration=job.folders["calibrate"],
        mapping=job.folders["map"],
        output=output,
        provenance=job.provenance,
    )
    job.write_key(output)
    show_budget(output, block, job.folders["calibrate"])


@app.command()
def budget_tables(campaign: CampaignPath, results: Results = RESULTS) -> None:
    """Join the error budgets of all points of a campaign into its tables."""
    from cimsim.analysis.budget import join_budgets

    loaded, output = _campaign(campaign, results)
    if not loaded.budget:
        raise UserError(f"{campaign}: budget is false; allowed: true, to have budgets to join")
    join_budgets(loaded, results=results, output=output, provenance=_about_campaign(loaded))


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
    _set_threads(threads)
    if neurosim_network is not None:
        _ppa_of_neurosim_files(design, neurosim_network, traces or [], output)
        return
    if traces or output:
        raise UserError(f"{'--traces' if traces else '--output'} needs --neurosim-network")
    _show_progress()
    from cimsim.campaign.design_json import read_design
    from cimsim.campaign.keys import changed_fields
    from cimsim.ppa.block import Member, run_block

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
    _set_threads(threads)
    _show_progress()
    from cimsim.campaign.plan import load_plan
    from cimsim.ppa.block import Member, run_block

    block = load_plan(campaigns, check=False).block(group, name)
    members = [Member.of(point.changed, point.text) for point in block.points]
    run_block(members, results=results, threads=threads)


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


def _seeds(text: str) -> range:
    """Return the seeds of ``FIRST:LAST``, both included."""
    from cimsim.campaign.file import LARGEST_SEED

    first, _, last = text.partition(":")
    if not (first.isdecimal() and last.isdecimal() and int(first) <= int(last) <= LARGEST_SEED):
        raise UserError(
            f"--seeds: '{text}' is not allowed; allowed: FIRST:LAST with 0 <= FIRST <= LAST "
            f"<= {LARGEST_SEED}"
        )
    return range(int(first), int(last) + 1)


def _set_threads(threads: int) -> None:
    """Set the threads of every numerical library, before any of them is loaded."""
    for library in ("OMP", "OPENBLAS", "MKL", "NUMEXPR"):
        os.environ[f"{library}_NUM_THREADS"] = str(threads)
    # Idle threads sleep; spinning ones stall every other job on a shared machine.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")


def _show_progress() -> None:
    """Print what the stages log (a line per epoch, per seed) on stderr."""
    import logging

    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("cimsim: %(message)s"))
    logger = logging.getLogger("cimsim")
    logger.handlers = [handler]
    logger.setLevel(logging.INFO)


# --- verification and documentation ---------------------------------------------------------------


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
    from cimsim.ppa import parameter_docs

    written = {
        **generated(),
        FILE: results_reference(),
        parameter_docs.FILE: parameter_docs.parameters_reference(),
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
