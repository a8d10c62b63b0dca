"""Draws the figures that a campaign declares from its joined tables."""

from __future__ import annotations

from pathlib import Path

from cimsim.analysis.breakdown_figure import bar_count, draw_breakdown
from cimsim.analysis.line_figure import draw_lines
from cimsim.analysis.pareto_figure import draw_pareto
from cimsim.analysis.selection import select
from cimsim.analysis.style import HEIGHT_INCHES, canvas, save
from cimsim.campaign.figure import Figure

BAR_INCHES = 0.24
FRAME_INCHES = 1.05


def draw(directory: Path, figure: Figure, stem: Path) -> None:
    """Draw `figure` from the tables in `directory` to `stem`.svg and `stem`.png.

    Equal tables give equal bytes.

    Raises:
        UserError: there is nothing to show, or what is to be shown is ambiguous; the message
            names the figure and what to change.
    """
    points = select(directory, figure)
    height = HEIGHT_INCHES
    if figure.kind == "breakdown":
        height = max(1.9, FRAME_INCHES + BAR_INCHES * bar_count(figure, points))
    with canvas(height) as drawn:
        if figure.kind == "line":
            draw_lines(drawn, figure, points)
        elif figure.kind == "pareto":
            draw_pareto(drawn, figure, points)
        else:
            draw_breakdown(drawn, figure, points)
        save(drawn, stem)
