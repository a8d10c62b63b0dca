"""Draws the figures that a campaign declares from its joined tables."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from matplotlib.figure import Figure as Canvas

from cimsim.analysis.breakdown_figure import bar_count, draw_breakdown, places_of_bars
from cimsim.analysis.codes_figure import draw_codes, layer_count
from cimsim.analysis.floorplan_figure import draw_floorplan, places_of_chips
from cimsim.analysis.heatmap_figure import draw_heatmap, heatmap_rows, places_of_cells
from cimsim.analysis.layers_figure import draw_layers, places_of_layers, profiles
from cimsim.analysis.line_figure import draw_lines, places_of_lines
from cimsim.analysis.one_chip import only_one
from cimsim.analysis.panels import PANEL_INCHES, panel_rows
from cimsim.analysis.pareto_figure import draw_pareto, places_of_pareto
from cimsim.analysis.published import of_line
from cimsim.analysis.roofline_figure import draw_roofline, places_of_roofs
from cimsim.analysis.selection import Row, admitted, select
from cimsim.analysis.sensitivity import analysed
from cimsim.analysis.sensitivity_figure import bar_rows, draw_sensitivity, sweep_of
from cimsim.analysis.style import HEIGHT_INCHES, canvas, save
from cimsim.campaign.expand import Campaign
from cimsim.campaign.figure import Figure
from cimsim.campaign.parameters import parameters, values
from cimsim.campaign.published import Published
from cimsim.errors import UserError

FRAME_INCHES = 1.05
"""Height of a figure without what grows with its rows."""

BAR_INCHES = 0.24
CELL_INCHES = 0.3
STRIP_INCHES = 0.17
PROFILE_INCHES = 0.85
NAME_INCHES = 0.6


def draw(
    directory: Path,
    figure: Figure,
    stem: Path,
    *,
    budget: bool = False,
    published: Sequence[Published] = (),
) -> None:
    """Draw `figure` from the tables in `directory` to `stem`.svg and `stem`.png.

    Equal tables give equal bytes. `budget` says whether the campaign has an error budget; figures
    of kind line show what is `published` as well.

    Raises:
        UserError: there is nothing to show, or what is to be shown is ambiguous; the message
            names the figure and what to change.
    """
    points = select(directory, figure)
    with canvas(_height(directory, figure, points, budget)) as drawn:
        draw_on(drawn, figure, points, directory, budget=budget, published=published)
        save(drawn, stem)


def draw_on(
    drawn: Canvas,
    figure: Figure,
    points: Sequence[Row],
    directory: Path,
    *,
    budget: bool = False,
    published: Sequence[Published] = (),
) -> None:
    """Draw a figure of any kind on an empty canvas.

    Raises:
        UserError: as :func:`draw`.
    """
    match figure.kind:
        case "line":
            draw_lines(drawn, figure, points, of_line(figure, published))
        case "pareto":
            draw_pareto(drawn, figure, points)
        case "breakdown":
            draw_breakdown(drawn, figure, points)
        case "heatmap":
            draw_heatmap(drawn, figure, points)
        case "layers":
            draw_layers(drawn, figure, points, directory, budget)
        case "floorplan":
            draw_floorplan(drawn, figure, points, directory)
        case "codes":
            draw_codes(drawn, figure, points, directory)
        case "roofline":
            draw_roofline(drawn, figure, points, directory)
        case "sensitivity":
            draw_sensitivity(drawn, figure, directory)


def check_figures(campaign: Campaign) -> None:
    """Check, before anything is computed, that each figure has points that it can tell apart.

    Raises:
        UserError: a figure could not be drawn whatever the results; the message names it.
    """
    points: list[Row] = [
        {
            "id": point.id,
            "sweeps": point.sweeps,
            **values(point.point),
            **{f"key.{stage}": key for stage, key in point.keys.items()},
        }
        for point in campaign.points
    ]
    for figure in campaign.figures:
        try:
            if figure.kind == "sensitivity":
                sweep_of(figure, [design.name for design in analysed(campaign)])
            _arrange(figure, admitted(figure, points))
        except UserError as error:
            raise UserError(f"{campaign.file}: figures: {error}") from error


def _arrange(figure: Figure, points: Sequence[Row]) -> None:
    """Find the place of each point in the figure, without results."""
    match figure.kind:
        case "line":
            places_of_lines(figure, points)
        case "pareto":
            places_of_pareto(figure, points)
        case "breakdown":
            places_of_bars(figure, points)
        case "heatmap":
            places_of_cells(figure, points)
        case "layers":
            places_of_layers(figure, points)
        case "floorplan":
            places_of_chips(figure, points)
        case "codes":
            only_one(figure, points, "infer")
        case "roofline":
            places_of_roofs(figure, points)


def _height(directory: Path, figure: Figure, points: Sequence[Row], budget: bool) -> float:
    """Return the height of the figure (inches), which grows with its rows."""
    rows = panel_rows(figure, points)
    if figure.kind == "breakdown":
        return max(1.9, FRAME_INCHES + BAR_INCHES * bar_count(figure, points))
    if figure.kind == "heatmap":
        cells = heatmap_rows(figure, points)
        return max(1.9, FRAME_INCHES - 0.2 + rows * (0.15 + CELL_INCHES * min(cells, 10)))
    if figure.kind == "layers":
        return FRAME_INCHES + 0.2 + PROFILE_INCHES * len(profiles(figure, budget))
    if figure.kind == "sensitivity":
        return max(1.5, FRAME_INCHES + BAR_INCHES * len(bar_rows(figure, directory)))
    if figure.kind == "codes":
        return max(1.7, 0.75 + STRIP_INCHES * layer_count(points, figure, directory))
    if figure.kind == "floorplan" and rows == 1:
        return 3.1
    if figure.kind == "floorplan":
        return 0.6 + 1.75 * rows
    if figure.kind == "line" and rows == 1 and not parameters()[figure.x].is_number:
        return HEIGHT_INCHES + NAME_INCHES
    return HEIGHT_INCHES if rows == 1 else FRAME_INCHES + PANEL_INCHES * rows
