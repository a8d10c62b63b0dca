"""Commands on whole campaigns."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cimsim.commands.options import RESULTS, CampaignPath, Results
from cimsim.errors import UserError

if TYPE_CHECKING:
    from cimsim.campaign.expand import Campaign

app = typer.Typer()


@app.command()
def validate(campaign: CampaignPath) -> None:
    """Check a campaign file and everything that it names."""
    loaded = _checked(campaign)
    dropped = f", {len(loaded.dropped)} combinations dropped" if loaded.dropped else ""
    typer.echo(f"{campaign}: valid; {len(loaded.points)} design points{dropped}")


@app.command()
def plan(campaign: CampaignPath, results: Results = RESULTS) -> None:
    """Show the design points and jobs of a campaign, what is done, the time and the disk left."""
    from cimsim.campaign.progress import describe

    for line in describe(_checked(campaign), results):
        typer.echo(line)


@app.command()
def status(campaign: CampaignPath, results: Results = RESULTS) -> None:
    """Show done and to do, rate, time left and failures of a campaign, also while it runs."""
    from cimsim.campaign.progress import status_lines

    for line in status_lines(_load(campaign), results):
        typer.echo(line)


@app.command()
def join(campaign: CampaignPath, results: Results = RESULTS) -> None:
    """Join the results of all stages into the tables of a campaign."""
    from cimsim.analysis.join import join as run

    loaded, output = _campaign(campaign, results)
    run(loaded, results=results, output=output, provenance=_about_campaign(loaded))


@app.command()
def explain(
    table: Annotated[Path, typer.Argument(metavar="TABLE", help="a campaign's points.parquet")],
    row: Annotated[int, typer.Option(help="row of the table, from 0")],
) -> None:
    """Show how a number came about: parameters, files, seeds, versions, commands."""
    from cimsim.analysis.explain import explain as run

    for line in run(table, row):
        typer.echo(line)


@app.command()
def compare(
    first: Annotated[str, typer.Argument(metavar="A", help="FILE, FILE:ROW or FILE:ID")],
    second: Annotated[
        str, typer.Argument(metavar="B", help="the same, or float, or quantized: without arrays")
    ],
    margin: Annotated[
        str, typer.Option(help="difference that counts as none, a share or a percentage")
    ] = "1 %",
    confidence: Annotated[str, typer.Option(help="level of the intervals")] = "95 %",
    results: Results = RESULTS,
) -> None:
    """Compare points of campaigns, or campaigns, on the same images and chips (A minus B)."""
    from cimsim.analysis.compare import compare as run

    share = {"--margin": margin, "--confidence": confidence}
    numbers = [_share(option, text) for option, text in share.items()]
    for found in run(first, second, margin=numbers[0], confidence=numbers[1], results=results):
        for line in found.lines():
            typer.echo(line)


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
    chosen = loaded.figures[names.index(name)]
    stem = output / "figures" / name
    draw(output, chosen, stem, budget=loaded.budget, published=loaded.published)


@app.command()
def summary(campaign: CampaignPath, results: Results = RESULTS) -> None:
    """Write the summary of a campaign from its joined tables."""
    from cimsim.analysis.summary import write_summary

    loaded, output = _campaign(campaign, results)
    write_summary(loaded, directory=output, output=output / "summary.md")


@app.command()
def published(campaign: CampaignPath, results: Results = RESULTS) -> None:
    """Write the results of a campaign beside the published ones that it names."""
    from cimsim.analysis.published import write_differences
    from cimsim.campaign.paths import DIFFERENCES

    loaded, output = _campaign(campaign, results)
    if not loaded.published:
        raise UserError(f"{campaign}: published is not given; allowed: a file of published figures")
    write_differences(loaded, directory=output, output=output / DIFFERENCES)


@app.command()
def report(campaign: CampaignPath, results: Results = RESULTS) -> None:
    """Write the report of a campaign, one HTML file, from its joined tables and figures."""
    from cimsim.analysis.report.page import write_report

    loaded, output = _campaign(campaign, results)
    path = output / "report.html"
    write_report(loaded, directory=output, results=results, output=path)
    typer.echo(f"{path}: written")


@app.command()
def partial(campaign: CampaignPath, results: Results = RESULTS) -> None:
    """Write tables, figures and summary of the points that are there; list those that are not."""
    from cimsim.analysis.partial import write_partial
    from cimsim.campaign.paths import PARTIAL

    loaded, folder = _campaign(campaign, results)
    output = folder / PARTIAL
    missing = write_partial(
        loaded, results=results, output=output, provenance=_about_campaign(loaded)
    )
    unfinished = sum(point.has_results for point in missing)
    text = f"{len(missing) - unfinished} of {len(loaded.points)} design points are missing"
    text += f", {unfinished} lack their error budget alone" if unfinished else ""
    typer.echo(f"{output / 'summary.md'}: written; {text}")


@app.command()
def budget_tables(campaign: CampaignPath, results: Results = RESULTS) -> None:
    """Join the error budgets of all points of a campaign into its tables."""
    from cimsim.analysis.budget import join_budgets

    loaded, output = _campaign(campaign, results)
    if not loaded.budget:
        raise UserError(f"{campaign}: budget is false; allowed: true, to have budgets to join")
    join_budgets(loaded, results=results, output=output, provenance=_about_campaign(loaded))


def _share(option: str, text: str) -> float:
    """Return a share that is written as a number or in percent."""
    number, percent, _ = text.partition("%")
    try:
        share = float(f"{number.strip()}e-2" if percent else number)
    except ValueError:
        share = 0.0
    if not 0.0 < share < 1.0:
        raise UserError(f"{option}: '{text}' is not allowed; allowed: a share such as 0.01 or 1 %")
    return share


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
