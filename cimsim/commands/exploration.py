"""Commands that explore a design space: what is best, and what matters."""

from __future__ import annotations

import argparse
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from cimsim.commands.options import RESULTS, CampaignPath, Results
from cimsim.errors import UserError

app = typer.Typer()


@app.command()
def pareto(
    campaign: CampaignPath,
    measures: Annotated[
        list[str], typer.Argument(metavar="MEASURE", help="two or more, such as accuracy energy_j")
    ],
    results: Results = RESULTS,
) -> None:
    """Show the design points that no other one beats in all of some measures."""
    from cimsim.analysis import schemas
    from cimsim.analysis.pareto import front_lines
    from cimsim.campaign.expand import load_campaign
    from cimsim.campaign.figure import check_measure
    from cimsim.campaign.paths import campaign_folder
    from cimsim.tables import read_table

    for name in measures:
        try:
            check_measure(name)
        except ValueError as error:
            raise UserError(f"MEASURE: {error}") from error
    folder = campaign_folder(load_campaign(campaign).name, results)
    points = read_table(folder / "points.parquet", schemas.points()).to_pylist()
    for name in measures:
        if all(row[name] is None for row in points):
            raise UserError(f"MEASURE: {campaign} has no {name}: it was not asked for")
    for line in front_lines(points, measures):
        typer.echo(line)


@app.command()
def sensitivity(campaign: CampaignPath, results: Results = RESULTS) -> None:
    """Write and show which parameters matter: Sobol' indices and main effects of each sweep."""
    from cimsim.analysis.sensitivity import lines, not_analysed, read_indices, write_sensitivity
    from cimsim.campaign.expand import load_campaign
    from cimsim.campaign.paths import campaign_folder
    from cimsim.provenance import provenance

    loaded = load_campaign(campaign)
    folder = campaign_folder(loaded.name, results)
    about = provenance(campaign=loaded.name)
    write_sensitivity(loaded, results=results, directory=folder, provenance=about)
    for line in lines(read_indices(folder)):
        typer.echo(line)
    for name, reason in not_analysed(loaded).items():
        typer.echo(f"{name}: not analysed: {reason}")


@app.command()
def search(
    campaign: CampaignPath,
    options: Annotated[
        list[str] | None,
        typer.Argument(metavar="-- SNAKEMAKE OPTIONS", help="such as --cores 4 or --profile P"),
    ] = None,
) -> None:
    """Propose design points from the results of earlier ones and run them with Snakemake."""
    from cimsim.campaign.checks import check_campaign
    from cimsim.campaign.expand import load_campaign
    from cimsim.campaign.paths import campaign_folder, search_folder
    from cimsim.provenance import provenance
    from cimsim.search.report import search_lines, write_trials
    from cimsim.search.study import search as run
    from cimsim.search.trials import Trials

    loaded = load_campaign(campaign)
    evaluate = Trials(loaded, partial(_snakemake, options or ["--cores", "all"]))
    about = loaded.search
    assert about is not None  # Trials refuses it
    # What is wrong with the base is so with all points, and would leave each without a result.
    check_campaign(loaded)
    trials = run(about, loaded.space, evaluate)
    folder = search_folder(loaded.name)
    ids = [evaluate.id(trial.settings) for trial in trials]
    write_trials(about, trials, ids, folder, provenance(campaign=loaded.name))
    evaluate.finish([trial.settings for trial in trials])
    for line in search_lines(about, trials, campaign_folder(loaded.name) / "points.parquet"):
        typer.echo(line)


def _snakemake(options: list[str], campaign: Path, target: str) -> bool:
    """Run the workflow for a campaign; whether it succeeds."""
    # Snakemake heeds the last of several --config alone, so all of their values go into one.
    config = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    config.add_argument("-C", "--config", nargs="*", action="extend", default=[])
    given, others = config.parse_known_args(options)
    words = [*others, "--config", *given.config, f"campaign={campaign}"]
    command = [sys.executable, "-P", "-m", "snakemake", *filter(None, [target]), *words]
    return subprocess.run(command, check=False).returncode == 0
