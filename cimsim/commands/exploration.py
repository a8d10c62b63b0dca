"""Commands that explore a design space: what is best, and what matters."""

from __future__ import annotations

from typing import Annotated

import typer

from cimsim.commands.options import RESULTS, CampaignPath, Results
from cimsim.errors import UserError, nearest

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
    from cimsim.campaign.paths import campaign_folder
    from cimsim.tables import read_table

    check_measures("MEASURE", measures)
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
    from cimsim.analysis.sensitivity import lines, read_indices, write_sensitivity
    from cimsim.campaign.expand import load_campaign
    from cimsim.campaign.paths import campaign_folder
    from cimsim.provenance import provenance

    loaded = load_campaign(campaign)
    folder = campaign_folder(loaded.name, results)
    about = provenance(campaign=loaded.name)
    write_sensitivity(loaded, results=results, directory=folder, provenance=about)
    for line in lines(read_indices(folder)):
        typer.echo(line)


def check_measures(where: str, measures: list[str]) -> None:
    """Refuse what is no measure.

    Raises:
        UserError: a name that no measure has.
    """
    from cimsim.campaign.figure import MEASURES

    for name in measures:
        if name not in MEASURES:
            raise UserError(
                f"{where}: '{name}' is no measure{nearest(name, MEASURES)}; "
                f"allowed: {', '.join(MEASURES)}"
            )
