"""Area or energy of chips, divided by component: stacked bars."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from matplotlib.figure import Figure as Canvas

from cimsim.analysis.axes import NEWEST_LAST, legend_above
from cimsim.analysis.selection import Row, refuse_ambiguity, telling, varying
from cimsim.campaign.figure import Figure
from cimsim.campaign.keys import fields_in_view
from cimsim.campaign.labels import quantity, rounded, value_text
from cimsim.errors import UserError

MOST_BARS = 24

SHARES_FROM = 12.0
"""Chips whose totals differ by more than this factor are shown as shares of their total."""

LEAST_SHARE = 1e-4
"""Parts that are smaller than this share of every chip are left out."""

COLOURS = {
    "memory array": "#0072B2",
    "ADC": "#D55E00",
    "accumulation": "#E69F00",
    "interconnect": "#009E73",
    "buffers": "#56B4E9",
    "attention products": "#F0E442",
    "digital operations": "#332288",
    "other circuits": "#999999",
    "leakage": "#CC79A7",
    "unused": "#DDDDDD",
}
"""A part has one colour in every figure."""


def area_parts(row: Row) -> dict[str, float]:
    """Return the parts of the chip area (m2); they add up to it.

    The corners that the blocks of a subarray leave free belong to no category: "unused".
    """
    parts = {
        "memory array": row["area_array_m2"],
        "ADC": row["area_adc_m2"],
        "accumulation": row["area_accumulation_m2"],
        "interconnect": row["area_interconnect_m2"],
        "attention products": row["area_dynamic_products_m2"],
        "digital operations": row["area_digital_operations_m2"],
        "other circuits": row["area_other_m2"],
    }
    return {**parts, "unused": max(0.0, row["area_m2"] - sum(parts.values()))}


def energy_parts(row: Row) -> dict[str, float]:
    """Return the parts of the energy per image (J); they add up to energy_j.

    Buffers and interconnect are counted in the category "other" of the chip model.
    """
    carried = row["energy_buffer_j"] + row["energy_interconnect_j"]
    return {
        "ADC": row["energy_adc_j"],
        "accumulation": row["energy_accumulation_j"],
        "interconnect": row["energy_interconnect_j"],
        "buffers": row["energy_buffer_j"],
        "attention products": row["energy_dynamic_products_j"],
        "digital operations": row["energy_digital_operations_j"],
        "other circuits": max(0.0, row["energy_other_j"] - carried),
        "leakage": row["energy_leakage_j"],
    }


def draw_breakdown(canvas: Canvas, figure: Figure, points: Sequence[Row]) -> None:
    """Draw a figure of kind breakdown.

    Raises:
        UserError: more bars than fit, or points that cannot be told apart.
    """
    bars, axis_title = places_of_bars(figure, points)
    divide = area_parts if figure.y == "area" else energy_parts
    divided = [divide(row) for _, row in bars]
    totals = [sum(parts.values()) for parts in divided]
    shown = quantity("area_mm2" if figure.y == "area" else "energy_j", totals)
    factor = 1e6 if figure.y == "area" else shown.factor  # m2 to mm2
    shares = max(totals) > SHARES_FROM * min(totals)
    scales = [100 / total if shares else factor for total in totals]
    axes = canvas.add_subplot()
    handles: dict[str, Any] = {}
    left = [0.0] * len(bars)
    for part, colour in COLOURS.items():
        sizes = [parts.get(part, 0.0) for parts in divided]
        if all(s <= LEAST_SHARE * t for s, t in zip(sizes, totals, strict=True)):
            continue
        widths = [size * scale for size, scale in zip(sizes, scales, strict=True)]
        handles[part] = axes.barh(range(len(bars)), widths, left=left, height=0.7, color=colour)
        left = [a + b for a, b in zip(left, widths, strict=True)]
    for place, (end, total) in enumerate(zip(left, totals, strict=True)):
        unit = f" {shown.unit}" if shares else ""
        axes.text(end, place, f" {rounded(total * factor)}{unit}", va="center", fontsize=7)
    axes.set_yticks(range(len(bars)), [label for label, _ in bars])
    axes.invert_yaxis()
    axes.grid(axis="y", visible=False)
    axes.set_xlim(0.0, max(left) * (1.24 if shares else 1.16))
    if shares:
        axes.set_xticks([0, 25, 50, 75, 100])
    axes.set_xlabel(f"Share of {shown.words} (%)" if shares else shown.title)
    axes.set_ylabel(axis_title)
    legend_above(canvas, handles)


def bar_count(figure: Figure, points: Sequence[Row]) -> int:
    """Return how many bars the figure has, for its height."""
    return len(places_of_bars(figure, points)[0])


def places_of_bars(figure: Figure, points: Sequence[Row]) -> tuple[list[tuple[str, Row]], str]:
    """Return label and design point of each bar, and what the labels are values of.

    Raises:
        UserError: more bars than fit, or points that cannot be told apart.
    """
    names = [figure.x] if figure.x else []
    rows: dict[tuple[object, ...], Row] = {}
    for row in points:
        rows.setdefault((*(row[name] for name in names), row["key.ppa"]), row)
    chosen = list(rows.values())
    if len(chosen) > MOST_BARS:
        raise UserError(
            f"figure {figure.name}: {len(chosen)} bars; a figure shows {MOST_BARS} at most: "
            "filter the points"
        )
    in_view = fields_in_view("ppa")
    names = names or telling(chosen, [name for name in varying(chosen) if name in in_view])
    if not names:
        return [(value_text("workload.model", row["workload.model"]), row) for row in chosen], ""
    refuse_ambiguity(figure, chosen, names)
    chosen.sort(key=lambda row: [row[name] for name in names], reverse=names[0] in NEWEST_LAST)
    if len(names) == 1:
        title = quantity(names[0])
        texts = [value_text(names[0], row[names[0]]) for row in chosen]
        bare = [text.removesuffix(f" {title.unit}") for text in texts]
        return list(zip(bare, chosen, strict=True)), title.title
    joined = [", ".join(value_text(name, row[name]) for name in names) for row in chosen]
    title_of_all = ",\n".join(quantity(name).words for name in names)
    return list(zip(joined, chosen, strict=True)), title_of_all[0].upper() + title_of_all[1:]
