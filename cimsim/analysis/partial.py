"""Tables, figures, summary and report of the design points of a campaign that have results.

The workflow makes them when all points are there. Where some have failed, these are made beside its
own, in ``results/campaigns/<name>/partial/``, and say which points are missing.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from cimsim.analysis.figures import draw
from cimsim.analysis.join import join_points, point_outputs
from cimsim.analysis.missing import Missing, find_missing, write_missing
from cimsim.analysis.report.page import write_report
from cimsim.analysis.summary import write_summary
from cimsim.campaign.expand import Campaign
from cimsim.errors import UserError


def write_partial(
    campaign: Campaign, *, results: Path, output: Path, provenance: Mapping[str, Any]
) -> list[Missing]:
    """Write to `output` what can be told of a campaign now; return the points that are missing.

    A point that lacks its error budget alone is in the tables; there are no tables of budgets.
    Figures that need more points or tables than there are, are left out (the summary names them).

    Raises:
        UserError: no point is missing, or none is there; a result is damaged.
    """
    outputs = point_outputs(campaign, results)
    missing = find_missing(campaign, outputs, results)
    if not missing:
        raise UserError(
            f"{campaign.file}: no design point is missing; run the workflow to make the tables"
        )
    write_missing(output / "missing.csv", missing)
    gone = {point.id for point in missing if not point.has_results}
    points = [found for found in outputs if found.id not in gone]
    if not points:
        first = missing[0]
        raise UserError(
            f"{campaign.file}: no design point has results yet, see {output / 'missing.csv'}; "
            f"the first one waits for {first.stage}: {first.reason} (log: {first.log})"
        )
    there = replace(
        campaign,
        points=tuple(point for point in campaign.points if point.id not in gone),
        budget=False,
        sensitivity=False,
    )
    confidence = campaign.statistics.confidence
    join_points(points, confidence=confidence, output=output, provenance=provenance)
    shutil.rmtree(output / "figures", ignore_errors=True)  # of an earlier call, with other points
    for figure in there.figures:
        with suppress(UserError):
            draw(output, figure, output / "figures" / figure.name, published=there.published)
    write_summary(there, directory=output, output=output / "summary.md", missing=missing)
    report = output / "report.html"
    write_report(there, directory=output, results=results, output=report, missing=missing)
    return missing
