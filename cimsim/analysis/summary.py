"""The summary of a campaign: what it was, its key points, figures, gaps and versions (Markdown)."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from cimsim.analysis import schemas
from cimsim.analysis.losses import costs, loss_lines, read_steps
from cimsim.analysis.missing import Missing
from cimsim.analysis.selection import Row, null_first, telling, varying
from cimsim.analysis.sensitivity import by_measure, not_analysed, read_indices, share_text
from cimsim.campaign.expand import Campaign
from cimsim.campaign.labels import number, quantity, rounded, value_text
from cimsim.campaign.parameters import parameters
from cimsim.tables import provenance_of, read_table, write_atomically

MOST_LISTED = 12
"""Rows of a list in the summary; the tables hold the rest."""

NEAR = 0.01
"""Loss of accuracy that counts as small."""

TABLES = {
    "points": "one row a design point: parameters, keys, accuracy, chip",
    "seeds": "one row a design point and seed",
    "layers": "one row a design point and layer: mapping and hardware figures",
    "components": "area, energy and leakage by component",
    "budget": "accuracy with the ADC and each effect, alone and one after another",
    "sensitivity": "Sobol' indices: one row a sweep, measure and parameter",
    "main_effects": "means at each value of a parameter, one row a sweep, measure and value",
}

_SENSITIVE = ("accuracy", "energy_j", "tops_per_w", "area_mm2")

_ACCURACY_COLUMNS = ("accuracy", "change")
_COLUMNS = ("energy per image", "TOPS/W", "chip area", "frames/s")


def write_summary(
    campaign: Campaign, *, directory: Path, output: Path, missing: Sequence[Missing] = ()
) -> None:
    """Write the summary of `campaign` from its tables in `directory`, which lack points `missing`.

    Links are relative to the folder of `output`; equal tables give equal bytes.

    Raises:
        UserError: a table is missing or unreadable; the file cannot be written.
    """
    path = directory / "points.parquet"
    points: list[Row] = read_table(path, schemas.points()).to_pylist()
    provenance = provenance_of(path)
    folder = os.path.relpath(directory, output.parent)
    base = "" if folder == "." else f"{folder}/"
    sections = [
        f"# {campaign.name}",
        campaign.description.strip(),
        what(campaign, points),
        *key_points(points, provenance["confidence"]),
        losses(campaign, points, directory),
        _figures(campaign, directory, base),
        sensitivity(campaign, directory),
        limits(campaign, points, directory, missing),
        _tables(directory, base),
        versions(points, provenance),
    ]
    text = "\n\n".join(section for section in sections if section) + "\n"
    write_atomically(output, lambda temporary: temporary.write_text(text, encoding="utf-8"))


def what(campaign: Campaign, points: Sequence[Row]) -> str:
    """Return what was evaluated: points, images, chips and the values of each sweep."""
    images = ", ".join(str(n) for n in sorted({row["images"] for row in points}))
    networks = sorted({f"{row['workload.model']} on {row['workload.dataset']}" for row in points})
    how = "hardware figures alone"
    if campaign.accuracy:
        how = f"each on {images} images and {_chips(campaign, points)}"
        how += "" if campaign.hardware else ", accuracies alone"
    lines = [
        "## What was evaluated",
        "",
        f"{len(points)} design points, {how}: {', '.join(networks)}.",
        "",
        "| sweep | points | parameter | values |",
        "|---|---:|---|---|",
    ]
    for sweep in _sweeps(points):
        members = [row for row in points if sweep in row["sweeps"]]
        first, size = sweep, str(len(members))
        for name in telling(members, varying(members)) or [""]:
            lines.append(f"| {first} | {size} | {name} | {_values(members, name)} |")
            first = size = ""
    return "\n".join(lines)


def _chips(campaign: Campaign, points: Sequence[Row]) -> str:
    """Return how many chips each point has, and their seeds."""
    first, stop = campaign.seeds.first, campaign.seeds.stop
    least, most = min(row["seeds"] for row in points), max(row["seeds"] for row in points)
    count = f"{least} to {most}" if least < most else str(most)
    which = f"seeds {first} to {first + most - 1}" if most > 1 else f"seed {first}"
    text = f"{count} chip{'s' if most > 1 else ''} ({which})"
    if stop is not None:
        text += (
            f", until the mean over chips is known to {number(stop.half_width * 100)} points at "
            f"{number(stop.confidence * 100)} %, {stop.max_seeds} chips at most"
        )
    return text


def _sweeps(points: Sequence[Row]) -> list[str]:
    """Return the names of the sweeps in the campaign's order.

    Points are in the order of the first sweep that has them; a sweep without a point of its own
    comes last.
    """
    own = dict.fromkeys(row["sweeps"][0] for row in points)
    return list(own | dict.fromkeys(name for row in points for name in row["sweeps"]))


def _values(points: Sequence[Row], name: str) -> str:
    """Return the values of a parameter as a table cell."""
    if not name:
        return "-"
    values = {tuple(v) if isinstance(v := row[name], list) else v for row in points}
    held = sorted(values, key=null_first)
    texts = [number(v, 12) if isinstance(v, float) else str(v) for v in held]
    if len(texts) > MOST_LISTED:
        return _cell(f"{len(texts)} values from {texts[0]} to {texts[-1]}")
    return _cell(", ".join(texts))


def key_points(points: Sequence[Row], confidence: float) -> Iterable[str]:
    """Yield one section for each network and its images."""
    names = ("workload.model", "workload.dataset", "images")
    groups: dict[tuple[str, ...], list[Row]] = {}
    for row in points:
        groups.setdefault(tuple(str(row[name]) for name in names), []).append(row)
    for (model, dataset, images), rows in groups.items():
        title = f"{value_text('workload.model', model)}, {images} images of {dataset}"
        on_arrays = rows[0]["accuracy"] is not None
        on_chips = rows[0]["energy_j"] is not None
        columns = (*(_ACCURACY_COLUMNS if on_arrays else ()), *(_COLUMNS if on_chips else ()))
        lines = [
            f"## Key points: {title}",
            "",
            *(_baseline(rows, confidence) if on_arrays else ()),
            "",
            f"| |{''.join(f' {name} |' for name in columns)} design | id |",
            f"|---|{'---:|' * len(columns)}---|---|",
            *_chosen_rows(rows),
            "",
            *(_front(rows) if on_arrays and on_chips else ()),
        ]
        yield "\n".join(lines).strip()


def _baseline(rows: Sequence[Row], confidence: float) -> list[str]:
    """Return the accuracies without arrays, one line for each quantisation."""
    own = telling(rows, [name for name in varying(rows) if name.startswith("quantization.")])
    lines = []
    for row in {row["key.calibrate"]: row for row in reversed(rows)}.values():
        which = f" ({_design(row, own)})" if own else ""
        lines.append(
            f"- Without arrays{which}: {_interval(row, 'float_accuracy')} in floating point, "
            f"{_interval(row, 'quantized_accuracy')} quantised."
        )
    lines.reverse()
    if len(lines) > MOST_LISTED:
        lines = [*lines[:MOST_LISTED], f"- ... and {len(lines) - MOST_LISTED} more quantisations."]
    if not any(row["accuracy_change"] >= -NEAR for row in rows):
        lines.append("- No design point is within 1 point of the quantised accuracy.")
    level = number(confidence * 100)
    return [
        *lines,
        f"- Brackets are {level} % confidence intervals that count images and chips; change is "
        "against the quantised network on the same images, in points.",
    ]


def _chosen(rows: Sequence[Row]) -> dict[str, Row]:
    """Return the points that most readers look for; ties go to less energy, then to the first."""

    def best(members: Sequence[Row], measure: str, sign: int) -> Row:
        return min(members, key=lambda row: (sign * row[measure], row["energy_j"] or 0.0))

    if rows[0]["accuracy"] is None:
        return {
            "best TOPS/W": best(rows, "tops_per_w", -1),
            "least energy": best(rows, "energy_j", 1),
            "least area": best(rows, "area_mm2", 1),
            "most frames/s": best(rows, "frames_per_s", -1),
            "most TOPS/mm2": best(rows, "tops_per_mm2", -1),
        }
    chosen = {"most accurate": best(rows, "accuracy", -1)}
    if rows[0]["energy_j"] is None:
        return chosen | {"least accurate": best(rows, "accuracy", 1)}
    near = [row for row in rows if row["accuracy_change"] >= -NEAR]
    if near:
        chosen["least energy within 1 point of quantised"] = best(near, "energy_j", 1)
        chosen["least area within 1 point of quantised"] = best(near, "area_mm2", 1)
    front = [row for row in rows if row["pareto_energy"]] or rows
    chosen["best TOPS/W on the Pareto front"] = best(front, "tops_per_w", -1)
    chosen["least accurate"] = best(rows, "accuracy", 1)
    return chosen


def _chosen_rows(rows: Sequence[Row]) -> list[str]:
    """Return the lines of the table of key points; a point that is several has one line."""
    names: dict[str, list[str]] = {}
    points: dict[str, Row] = {}
    for name, row in _chosen(rows).items():
        names.setdefault(row["id"], []).append(name)
        points[row["id"]] = row
    return [_row("; ".join(names[name]), row, rows) for name, row in points.items()]


def _front(rows: Sequence[Row]) -> list[str]:
    """Return the Pareto front of accuracy and energy as a list, best accuracy first."""
    front = sorted(
        (row for row in rows if row["pareto_energy"]),
        key=lambda row: (-row["accuracy"], row["energy_j"]),
    )
    if not front:
        return ["Another network on the same images beats every point in accuracy and energy."]
    lines = [f"Pareto front of accuracy and energy ({len(front)} of {len(rows)} points):", ""]
    lines += [
        f"- {_interval(row, 'accuracy')} at {_amount('energy_j', row['energy_j'])}: "
        f"{_design(row, _names(rows))} (`{row['id']}`)"
        for row in front[:MOST_LISTED]
    ]
    if len(front) > MOST_LISTED:
        lines.append(f"- ... and {len(front) - MOST_LISTED} more: column `pareto_energy`")
    return lines


def _row(name: str, row: Row, rows: Sequence[Row]) -> str:
    cells: tuple[str, ...] = ()
    if row["accuracy"] is not None:
        low, high = row["accuracy_change_low"], row["accuracy_change_high"]
        cells = (
            _interval(row, "accuracy"),
            f"{row['accuracy_change'] * 100:+.1f} [{low * 100:+.1f}, {high * 100:+.1f}]",
        )
    if row["energy_j"] is not None:
        cells += (
            _amount("energy_j", row["energy_j"]),
            rounded(row["tops_per_w"]),
            _amount("area_mm2", row["area_mm2"]),
            rounded(row["frames_per_s"]),
        )
    cells += (_cell(_design(row, _names(rows))), f"`{row['id']}`")
    return f"| {name} | {' | '.join(cells)} |"


def _figures(campaign: Campaign, directory: Path, base: str) -> str:
    """Return the figures that were drawn, with captions."""
    lines = ["## Figures"]
    for figure in campaign.figures:
        if (directory / "figures" / f"{figure.name}.png").is_file():
            stem = f"{base}figures/{figure.name}"
            lines += ["", f"![{figure.name}]({stem}.png)", "", f"{figure.text} [SVG]({stem}.svg)"]
    return "\n".join(lines) if len(lines) > 1 else ""


def losses(campaign: Campaign, points: Sequence[Row], directory: Path) -> str:
    """Return what the ADC and each effect cost, if the campaign has an error budget."""
    if not campaign.budget:
        return ""
    steps = read_steps(directory)
    names = _names(points)
    designs = {row["id"]: _cell(_design(row, names)) for row in points}
    best = max(points, key=lambda row: row["accuracy"])["id"]
    large = [f"{k} {v * 100:+.1f}" for k, v in costs(steps[best]).items() if v <= -NEAR]
    most = f"by itself: {', '.join(large)} points" if large else "by itself: nothing"
    first, last = campaign.seeds.blocks()[0]
    lines = [
        "## Where accuracy is lost",
        "",
        f"What costs a point or more at the most accurate point ({designs[best]}), {most}.",
        "",
        *loss_lines(steps, designs, list(designs)[:MOST_LISTED]),
        "",
        "An effect alone meets an ADC that resolves every sum, the ADC alone cells without errors. "
        f"Seed{'s' if last > first else ''} {first}{f' to {last}' if last > first else ''}.",
    ]
    if len(designs) > MOST_LISTED:
        lines += ["", f"{len(designs) - MOST_LISTED} more points: budget.csv."]
    return "\n".join(lines)


def sensitivity(campaign: Campaign, directory: Path) -> str:
    """Return which parameters matter for the measures that most readers look for."""
    if not campaign.sensitivity:
        return ""
    lines = [
        "## Which parameters matter",
        "",
        "Share of a measure's variance that a parameter explains by itself and, where it is known, "
        "with its interactions; of the parameters that explain most.",
        "",
        "| sweep | measure | parameter | by itself | with interactions |",
        "|---|---|---|---:|---:|",
    ]
    for (sweep, measure), rows in by_measure(read_indices(directory)).items():
        if measure not in _SENSITIVE:
            continue
        for n, row in enumerate(rows[:MOST_LISTED]):
            first = [sweep, quantity(measure).words] if n == 0 else ["", ""]
            total = "" if row["total"] is None else share_text(row, "total")
            cells = [*first, row["parameter"], share_text(row, "first"), total]
            lines.append(f"| {' | '.join(map(_cell, cells))} |")
    for name, reason in not_analysed(campaign).items():
        lines += ["", f"Sweep {name} was not analysed: {reason}."]
    return "\n".join(lines)


def limits(
    campaign: Campaign, points: Sequence[Row], directory: Path, missing: Sequence[Missing] = ()
) -> str:
    """Return what a reader must not overlook: gaps and limits of the statistics."""
    lines: list[str] = []
    gone = [point for point in missing if not point.has_results]
    total = len(points) + len(gone)
    lines += _missing("results", gone, total)
    lines += _missing("error budget", [point for point in missing if point.has_results], total)
    if campaign.dropped:
        lines.append(f"- Combinations that cannot be built, dropped: {len(campaign.dropped)}")
        for dropped in campaign.dropped[:MOST_LISTED]:
            values = f" ({dropped.values})" if dropped.values else ""
            lines.append(f"  - {dropped.sweep}{values}: {dropped.reason}")
        if len(campaign.dropped) > MOST_LISTED:
            lines.append(f"  - ... and {len(campaign.dropped) - MOST_LISTED} more")
    fewest = min(row["seeds"] for row in points) if campaign.accuracy else 0
    if not campaign.accuracy:
        lines.append("- The network was not run on arrays: there are no accuracies on them.")
    elif fewest == 1:
        lines.append("- One chip was simulated: intervals count images alone, not chips.")
    elif fewest < 4:
        lines.append(f"- {fewest} chips were simulated: intervals are wide where they differ.")
    stop = campaign.seeds.stop
    if stop is not None and (at_most := sum(row["seeds"] == stop.max_seeds for row in points)):
        lines.append(
            f"- Points with the largest number of chips: {at_most} of {len(points)}; their mean "
            "may be known less well than was asked for."
        )
    if not campaign.hardware:
        lines.append("- No chip was evaluated: there are no areas, times and energies.")
    left_outs = [row["not_counted"] for row in points] if campaign.hardware else []
    for left_out, count in Counter(left_outs).items():
        which = f" ({count} of {len(points)} points)" if count < len(points) else ""
        lines.append(f"- Not in the hardware figures{which}: {left_out}.")
    same = sum(row["accuracy_std"] == 0.0 for row in points)
    if same and fewest > 1:
        lines.append(
            f"- Points with the same accuracy on every chip: {same} of {len(points)}; they are "
            "without randomness, too robust to show it, or no better than guessing."
        )
    undrawn = [
        figure.name
        for figure in campaign.figures
        if not (directory / "figures" / f"{figure.name}.png").is_file()
    ]
    if undrawn:
        lines.append(f"- Figures that were not drawn: {', '.join(undrawn)}.")
    return "\n".join(["## Gaps and limits", "", *lines]) if lines else ""


def _missing(what: str, missing: Sequence[Missing], total: int) -> list[str]:
    """Return lines that name the points without `what`; none if there are no such points."""
    if not missing:
        return []
    lines = [f"- Design points without {what}: {len(missing)} of {total}"]
    for point in missing[:MOST_LISTED]:
        why = f"{point.stage}: {' '.join(point.reason.split())} (log: {point.log})"
        lines.append(f"  - {point.parameters}: {why}")
    if len(missing) > MOST_LISTED:
        lines.append(f"  - ... and {len(missing) - MOST_LISTED} more: missing.csv")
    return lines


def _tables(directory: Path, base: str) -> str:
    lines = ["## Tables", ""]
    for name, what in TABLES.items():
        files = [f"{name}.parquet", f"{name}.csv"]
        links = [f"[{file}]({base}{file})" for file in files if (directory / file).is_file()]
        if links:
            lines.append(f"- {', '.join(links)}: {what}")
    return "\n".join(lines)


def versions(points: Sequence[Row], provenance: dict[str, object]) -> str:
    """Return what computed the tables, and the results in them if that was another version."""
    about = {k: v for k, v in provenance.items() if k not in ("stage", "campaign", "confidence")}
    known = ", ".join(f"{name} {value}" for name, value in about.items() if value)
    lines = ["## Versions", "", f"Tables: {known or 'unknown'}."]
    for what, stage in (("Predictions", "infer"), ("Hardware figures", "ppa")):
        makers = sorted({row[f"made_by.{stage}"] for row in points} - {None})
        if makers:
            lines += ["", f"{what}: {'; '.join(makers)}."]
    return "\n".join(lines)


def _names(rows: Sequence[Row]) -> list[str]:
    return telling(rows, varying(rows))


def _design(row: Row, names: Sequence[str]) -> str:
    """Return the parameters that tell the point from the others, without effects that are off."""
    known = parameters()
    parts = [
        f"{quantity(name).words} {value_text(name, row[name])}"
        for name in names
        if not (name.startswith("nonideality.") and row[name] == known[name].default)
    ]
    return ", ".join(parts) or ("no non-ideality" if names else "the only one")


def _interval(row: Row, measure: str) -> str:
    low, high = row[f"{measure}_low"], row[f"{measure}_high"]
    return f"{row[measure] * 100:.1f} % [{low * 100:.1f}, {high * 100:.1f}]"


def _amount(measure: str, value: float) -> str:
    shown = quantity(measure, [value])
    return f"{rounded(value * shown.factor)} {shown.unit}"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
