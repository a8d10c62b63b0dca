"""The report of a campaign: one HTML file with everything in it, for a browser without network."""

from __future__ import annotations

import base64
import json
import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import jinja2
import pyarrow as pa
import pyarrow.compute as pc
from markdown_it import MarkdownIt

from cimsim.analysis import schemas, summary
from cimsim.analysis.losses import read_steps, step_text, step_words
from cimsim.analysis.missing import Missing
from cimsim.analysis.published import differences
from cimsim.analysis.report.run_times import run_times
from cimsim.analysis.selection import Row, telling, varying
from cimsim.campaign.expand import Campaign
from cimsim.campaign.figure import MEASURES, WITH_INTERVAL
from cimsim.campaign.keys import STAGES
from cimsim.campaign.labels import Quantity, number, quantity, value_text
from cimsim.campaign.parameters import parameters
from cimsim.tables import provenance_of, read_batches, read_table, write_atomically

FOLDER = Path(__file__).parent

MOST_DETAILED = 400
"""Up to so many design points have their layers and seeds in the report; it would be too large."""

LAYER_COLUMNS = {
    "layer": "layer",
    "rows": "rows",
    "columns": "columns",
    "vectors": "vectors",
    "subarrays": "subarrays",
    "utilization": "utilisation (%)",
    "latency_s": "latency (µs)",
    "energy_dynamic_j": "dynamic energy (nJ)",
    "energy_leakage_j": "leakage energy (nJ)",
}
"""Columns of layers.parquet in the page of a design point, by their name there."""

LAYER_FACTORS = {
    "utilization": 100.0,
    "latency_s": 1e6,
    "energy_dynamic_j": 1e9,
    "energy_leakage_j": 1e9,
}
"""Factors from layers.parquet to the units in LAYER_COLUMNS; 1 for the others."""

SUMMARY_MEASURES = (
    "accuracy",
    "accuracy_change",
    "energy_j",
    "latency_s",
    "area_mm2",
    "tops_per_w",
    "tops_per_mm2",
    "frames_per_s",
)
"""Measures in the table of all points."""


def write_report(
    campaign: Campaign,
    *,
    directory: Path,
    results: Path,
    output: Path,
    missing: Sequence[Missing] = (),
) -> None:
    """Write the report of `campaign` from its tables, without points `missing`, and figures.

    It is the same for equal tables, but for the run times.

    Raises:
        UserError: a table is missing or unreadable; the file cannot be written.
    """
    path = directory / "points.parquet"
    points: list[Row] = read_table(path, schemas.points()).to_pylist()
    about = provenance_of(path)
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(FOLDER),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    html = environment.get_template("report.html.j2").render(
        campaign=campaign,
        style=_file("report.css"),
        script=_file("report.js"),
        data=_script_json(_data(campaign, points, directory)),
        sections=_sections(campaign, points, directory, about, missing),
        figures=_figures(campaign, directory),
        published=_published(campaign, points),
        provenance=about,
        run_times=run_times(campaign, results),
    )
    write_atomically(output, lambda temporary: temporary.write_text(html, encoding="utf-8"))


def _file(name: str) -> str:
    return (FOLDER / name).read_text(encoding="utf-8")


def _sections(
    campaign: Campaign,
    points: Sequence[Row],
    directory: Path,
    about: Mapping[str, Any],
    missing: Sequence[Missing],
) -> dict[str, str]:
    """Return the prose of the summary as HTML, by the place that it has in the report."""
    markdown = MarkdownIt("commonmark", {"html": False}).enable("table")
    return {
        "what": markdown.render(summary.what(campaign, points)),
        "key_points": markdown.render("\n\n".join(summary.key_points(points, about["confidence"]))),
        "losses": markdown.render(summary.losses(campaign, points, directory)),
        "sensitivity": markdown.render(summary.sensitivity(campaign, directory)),
        "limits": markdown.render(summary.limits(campaign, points, directory, missing)),
        "versions": markdown.render(summary.versions(points, dict(about))),
    }


def _figures(campaign: Campaign, directory: Path) -> list[dict[str, str]]:
    """Return name, caption and image (as a data address) of every figure that was drawn."""
    found = []
    for figure in campaign.figures:
        path = directory / "figures" / f"{figure.name}.svg"
        if path.is_file():
            image = base64.b64encode(path.read_bytes()).decode()
            found.append({"name": figure.name, "text": figure.text, "image": image})
    return found


def _published(campaign: Campaign, points: Sequence[Row]) -> list[dict[str, str]]:
    """Return the published figures beside the campaign's own, as text in the units of figures."""
    found = []
    for row in differences(campaign.published, points):
        shown = quantity(row["measure"], [row["theirs"]])

        def text(name: str, row: Row = row, shown: Quantity = shown) -> str:
            value = row[name]
            return "–" if value is None else number(value * shown.factor)

        ours = text("ours")
        if row["ours_low"] is not None:
            ours += f" [{text('ours_low')}, {text('ours_high')}]"
        theirs = text("theirs")
        if row["theirs_low"] is not None:
            theirs += f" [{text('theirs_low')}, {text('theirs_high')}]"
        relative = row["relative_difference"]
        found.append(
            {
                "measure": shown.title,
                "design": row["design"] or "any",
                "source": row["source"] + (" (second-hand)" if row["second_hand"] else ""),
                "theirs": theirs,
                "ours": ours,
                "difference": text("difference"),
                "relative": "–" if relative is None else f"{relative * 100:+.1f} %",
                "note": row["note"],
            }
        )
    return found


def _script_json(data: Any) -> str:
    """Return JSON that may stand in a script element: no tag can end it."""
    text = json.dumps(data, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c")


# --- data of the table and of the pages of points ------------------------------------------------


def _data(campaign: Campaign, points: Sequence[Row], directory: Path) -> dict[str, Any]:
    names = telling(points, varying(points))
    shown = [m for m in SUMMARY_MEASURES if any(row[m] is not None for row in points)]
    measures = [m for m in MEASURES if any(row[m] is not None for row in points)]
    detailed = len(points) <= MOST_DETAILED
    return {
        "columns": [_parameter_column(name) for name in names]
        + [_measure_column(name, points) for name in shown],
        "measures": [_measure_column(name, points) for name in measures],
        "points": [_point(row, names, measures) for row in points],
        "stages": list(STAGES),
        "layers": _layers(directory, points) if detailed else {},
        "layer_columns": list(LAYER_COLUMNS.values()),
        "seeds": _seeds(campaign, directory) if detailed else {},
        "budget": _budget(directory) if detailed and campaign.budget else {},
        "detailed": detailed,
        "most_detailed": MOST_DETAILED,
    }


def _parameter_column(name: str) -> dict[str, Any]:
    shown = quantity(name)
    title = shown.title
    return {"name": name, "title": title, "numeric": parameters()[name].is_number, "of": "value"}


def _measure_column(name: str, points: Sequence[Row]) -> dict[str, Any]:
    shown = _shown(name, points)
    return {
        "name": name,
        "title": shown.title,
        "numeric": True,
        "of": "measure",
        "factor": shown.factor,
        "digits": 1 if shown.unit in ("%", "points") else None,
    }


def _shown(name: str, points: Sequence[Row]) -> Any:
    return quantity(name, [row[name] for row in points if row[name] is not None])


def _point(row: Row, names: Sequence[str], measures: Sequence[str]) -> dict[str, Any]:
    """Return a design point: sortable values of what varies, measures, and what differs."""
    known = parameters()
    changed = {
        name: value_text(name, row[name])
        for name, parameter in known.items()
        if _plain(row[name]) != _plain(parameter.default)
    }
    return {
        "id": row["id"],
        "sweeps": row["sweeps"],
        "front": bool(row["pareto_energy"]),
        "values": {name: _sortable(name, row[name]) for name in names},
        "texts": {name: value_text(name, row[name]) for name in names},
        "measures": {name: _number(row[name]) for name in measures},
        "bounds": {
            name: [_number(row[f"{name}_low"]), _number(row[f"{name}_high"])]
            for name in measures
            if name in WITH_INTERVAL
        },
        "changed": changed,
        "keys": [row[f"key.{stage}"] for stage in STAGES],
        "not_counted": row["not_counted"],
    }


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _sortable(name: str, value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return value_text(name, value)
    return _number(value * quantity(name).factor)


def _number(value: Any) -> float | None:
    """Return a number that JSON has; null for none, an infinity or a not-a-number."""
    return None if value is None or not math.isfinite(value) else value


def _layers(directory: Path, points: Sequence[Row]) -> dict[str, list[list[Any]]]:
    wanted = pa.array([row["id"] for row in points])
    found: dict[str, list[list[Any]]] = defaultdict(list)
    for batch in read_batches(directory / "layers.parquet", schemas.layers(), 8192):
        chosen = batch.filter(pc.is_in(batch.column("id"), value_set=wanted))
        for row in chosen.select(["id", *LAYER_COLUMNS]).to_pylist():
            found[row["id"]].append([_layer_cell(name, row[name]) for name in LAYER_COLUMNS])
    return dict(found)


def _layer_cell(name: str, value: Any) -> Any:
    factor = LAYER_FACTORS.get(name)
    return value if value is None or factor is None else value * factor


def _budget(directory: Path) -> dict[str, list[list[str]]]:
    """Return mode, step and accuracy, as text, of every step of every point's error budget."""
    return {
        key: [[mode, step_words(step), step_text(row)] for (mode, step), row in steps.items()]
        for key, steps in read_steps(directory).items()
    }


def _seeds(campaign: Campaign, directory: Path) -> dict[str, list[list[Any]]]:
    """Return seed and accuracy of every chip of every point."""
    found: dict[str, list[list[Any]]] = defaultdict(list)
    if campaign.accuracy:
        for batch in read_batches(directory / "seeds.parquet", schemas.seeds(), 8192):
            for row in batch.select(["id", "seed", "accuracy"]).to_pylist():
                found[row["id"]].append([row["seed"], row["accuracy"]])
    return dict(found)
