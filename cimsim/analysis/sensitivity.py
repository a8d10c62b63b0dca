"""Which parameter matters: Sobol' indices and main effects of the sweeps of a campaign.

A sweep can be analysed if its parameters vary independently of each other: a grid with every
combination there (`grid`, `zip`, `points`), a `sample` by itself, or a sample crossed with a grid.

Measures on arrays of points that have more chips than others (`seeds.stop`) are those of the chips
that all points of the sweep have, in indices and in effects: so they are differences on the same
chips.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from cimsim.analysis import schemas
from cimsim.analysis.intervals import Interval
from cimsim.analysis.main_effects import accuracy_effects, main_effects, unknown
from cimsim.analysis.sampled import equal_bins, sampled_indices
from cimsim.analysis.selection import Row
from cimsim.analysis.sobol import (
    LEAST_POINTS,
    Indices,
    average,
    chip_indices,
    deviation,
    grid_indices,
    pair_indices,
    root_mean_square,
    varies,
)
from cimsim.analysis.writer import write_csv, write_rows
from cimsim.campaign.expand import Campaign, SweepDesign
from cimsim.campaign.figure import MEASURES, ON_ARRAYS
from cimsim.campaign.labels import quantity
from cimsim.campaign.parameters import parameters
from cimsim.errors import UserError
from cimsim.tables import read_table


def _schema(optional: Sequence[str], **columns: pa.DataType) -> pa.Schema:
    return pa.schema([pa.field(n, kind, nullable=n in optional) for n, kind in columns.items()])


_text, _real, _int = pa.string(), pa.float64(), pa.int64()

INDICES = _schema(
    ("first_low", "first_high", "total", "total_low", "total_high"),
    **dict.fromkeys(("sweep", "measure", "parameter", "method"), _text),
    points=_int,
    **dict.fromkeys(
        ("first", "first_low", "first_high", "total", "total_low", "total_high"), _real
    ),
)
"""sensitivity.parquet: one row a sweep, measure and parameter. Method: grid, saltelli, bins or
crossed (bins, and the axes of a grid); points: design points of the sweep; first and total: Sobol'
indices with their intervals. They are without intervals where a measure on arrays has too few chips
for one: three for accuracy_std, two for the others. Without an interval over chips, low and high of
an exact index are the index."""

EFFECTS = _schema(
    ("effect_low", "effect_high"),
    **dict.fromkeys(("sweep", "measure", "parameter", "value"), _text),
    points=_int,
    **dict.fromkeys(("mean", "effect", "effect_low", "effect_high"), _real),
)
"""main_effects.parquet: one row a sweep with a grid, measure, parameter of it and value."""

Chips = Mapping[str, NDArray[np.float64]]
"""Right images and logit_error_rms of each chip of a point [chips, 2], in the order of seeds, by
the point's id."""

OVER_CHIPS = {
    "accuracy": (average, 2),
    "accuracy_change": (average, 2),
    "accuracy_std": (deviation, 3),
    "logit_error_rms": (root_mean_square, 2),
}
"""How each measure on arrays follows from what chips give, and how many an interval needs."""


def analysed(campaign: Campaign) -> list[SweepDesign]:
    """Return the sweeps that can be analysed.

    Raises:
        UserError: there is none; the message says why.
    """
    reasons = not_analysed(campaign)
    found = [design for design in campaign.designs if design.name not in reasons]
    if not found:
        told = "; ".join(f"{name}: {reason}" for name, reason in reasons.items())
        raise UserError(f"{campaign.file}: sweeps: no sensitivity can be told from them: {told}")
    return found


def not_analysed(campaign: Campaign) -> dict[str, str]:
    """Return why sweeps cannot be analysed, by name."""
    reasons = {design.name: _hindrance(design) for design in campaign.designs}
    return {name: reason for name, reason in reasons.items() if reason}


def _hindrance(design: SweepDesign) -> str:
    """Return why a sweep cannot be analysed; nothing if it can."""
    crossed = design.sample is not None and len(design.axes) > 1
    if (design.sample is None or crossed) and None in design.ids:
        return "combinations are left out"
    if design.sample is None:
        return "" if any(len(axis) > 1 for axis in design.axes) else "nothing varies"
    count = len(design.axes[-1]) if crossed else sum(name is not None for name in design.ids)
    if design.sample == "saltelli":
        count //= len(design.axes[0][0]) + 2
    return f"fewer than {LEAST_POINTS} sampled points" if count < LEAST_POINTS else ""


def write_sensitivity(
    campaign: Campaign, *, results: Path, directory: Path, provenance: Mapping[str, Any]
) -> None:
    """Write sensitivity and main_effects (Parquet and CSV) from the tables in `directory`.

    Effects on accuracies need the predictions in `results` as well.

    Raises:
        UserError: no sweep can be analysed; a table or a result is missing or damaged.
    """
    designs = analysed(campaign)
    table: list[Row] = read_table(directory / "points.parquet", schemas.points()).to_pylist()
    points = {row["id"]: row for row in table}
    chips = _chips(directory) if campaign.accuracy else {}
    about = {**provenance, "confidence": campaign.statistics.confidence}
    tables = {
        "sensitivity": (_index_rows(campaign, designs, points, chips), INDICES),
        "main_effects": (_effect_rows(campaign, designs, points, chips, results), EFFECTS),
    }
    for name, (rows, schema) in tables.items():
        write_rows(directory / f"{name}.parquet", rows, schema, about)
        write_csv(directory / f"{name}.csv", directory / f"{name}.parquet")


def read_indices(directory: Path) -> list[Row]:
    """Return the rows of sensitivity.parquet.

    Raises:
        UserError: the table is missing or damaged.
    """
    found: list[Row] = read_table(directory / "sensitivity.parquet", INDICES).to_pylist()
    return found


def lines(rows: Sequence[Row]) -> Iterator[str]:
    """Yield what is known of each sweep and measure, the parameter that matters most first."""
    for (sweep, measure), held in by_measure(rows).items():
        words = quantity(measure).words
        yield f"{sweep}, {words} ({held[0]['method']}, {held[0]['points']} points):"
        for row in held:
            total = "" if row["total"] is None else f", total {share_text(row, 'total')}"
            yield f"  {row['parameter']}: {share_text(row, 'first')}{total}"


def by_measure(rows: Sequence[Row]) -> dict[tuple[str, str], list[Row]]:
    """Return the rows of each sweep and measure, the parameter that matters most first."""
    found: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        found.setdefault((row["sweep"], row["measure"]), []).append(row)
    for held in found.values():
        held.sort(key=lambda row: -row["first" if row["total"] is None else "total"])
    return found


def share_text(row: Row, which: str) -> str:
    """Return the index `first` or `total` of a row in percent, with its interval if it has one."""
    found = [row[f"{which}{end}"] for end in ("", "_low", "_high")]
    if found[1] is None:
        found = [found[0]] * 3
    estimate, low, high = (f"{round(100 * share, 1) + 0.0:.1f}" for share in found)
    return f"{estimate} %" if low == high else f"{estimate} % [{low}, {high}]"


# --- values of a measure --------------------------------------------------------------------------


def _chips(directory: Path) -> Chips:
    found: dict[str, dict[int, tuple[int, float]]] = {}
    columns = ("id", "seed", "correct", "logit_error_rms")
    table = read_table(directory / "seeds.parquet", schemas.seeds(), columns)
    for name, seed, right, error in zip(*(table[c].to_pylist() for c in columns), strict=True):
        found.setdefault(name, {})[seed] = (right, error)
    return {name: np.array([seen[seed] for seed in sorted(seen)]) for name, seen in found.items()}


def _values(measure: str, members: Sequence[Row], chips: Chips) -> tuple[Any, Any]:
    """Return a measure at each point, and what it follows from on each chip [points, chips].

    The latter is None if the measure is none on arrays. Otherwise the chips are those that all
    points have.
    """
    if measure not in OVER_CHIPS:
        return np.array([row[measure] for row in members], dtype=np.float64), None
    common = min(len(chips[row["id"]]) for row in members)
    seen = np.array([chips[row["id"]][:common] for row in members])
    right, given = seen[..., 0], seen[..., 1]
    if measure != "logit_error_rms":
        images = np.array([[row["images"]] for row in members])
        if measure == "accuracy_change":
            right = right - np.rint([[row["quantized_accuracy"]] for row in members] * images)
        given = right / images
    statistic, _ = OVER_CHIPS[measure]
    return statistic(given), given


# --- rows of the tables ---------------------------------------------------------------------------


def axis_names(design: SweepDesign) -> list[str]:
    """Return what varies: the axes of a grid (fields joined with +), then fields of a sample."""
    grid = design.axes if design.sample is None else design.axes[:-1]
    names = [" + ".join(dict.fromkeys(name for row in axis for name in row)) for axis in grid]
    return names if design.sample is None else [*names, *design.axes[-1][0]]


def _index_rows(
    campaign: Campaign, designs: Sequence[SweepDesign], points: Mapping[str, Row], chips: Chips
) -> Iterator[Row]:
    confidence = campaign.statistics.confidence
    for design in designs:
        members = [points[name] for name in design.ids if name is not None]
        for measure in MEASURES:
            if any(row[measure] is None for row in members):
                continue
            values, given = _values(measure, members, chips)
            if not varies(values):
                continue
            found = _indices(design, members, measure, (values, given), confidence)
            for parameter, index in found.items():
                yield {
                    "sweep": design.name,
                    "measure": measure,
                    "parameter": parameter,
                    "method": _method(design),
                    "points": len({row["id"] for row in members}),
                    **_columns("first", index.first),
                    **_columns("total", index.total),
                }


def _method(design: SweepDesign) -> str:
    if design.sample is None:
        return "grid"
    if design.sample == "saltelli":
        return "saltelli"
    return "bins" if len(design.axes) == 1 else "crossed"


def _indices(
    design: SweepDesign,
    members: Sequence[Row],
    measure: str,
    found: tuple[Any, Any],
    confidence: float,
) -> dict[str, Indices]:
    """Return the indices of each parameter of a sweep that varies.

    Args:
        design: the sweep.
        members: its points.
        measure: the measure.
        found: what :func:`_values` returns for it.
        confidence: nominal coverage of the intervals.
    """
    values, chips = found
    names = axis_names(design)
    if design.sample == "saltelli":
        samples = values.reshape(len(names) + 2, -1)
        paired = pair_indices(samples[0], samples[1], samples[2:], confidence)
        return dict(zip(names, paired, strict=True))
    if design.sample is not None:
        return _sampled(design, members, values, confidence)
    shape = tuple(len(axis) for axis in design.axes)
    if chips is None:
        indices = grid_indices(values.reshape(shape))
    else:
        indices = _over_chips(measure, chips.reshape(*shape, -1), confidence)
    axes = zip(names, shape, indices, strict=True)
    return {name: index for name, levels, index in axes if levels > 1}


def _over_chips(measure: str, chips: Any, confidence: float) -> list[Indices]:
    """Return the indices of the axes of a grid from what each chip gives [..., chips].

    They have no intervals (NaN) if there are too few chips.
    """
    statistic, least = OVER_CHIPS[measure]
    if chips.shape[-1] >= least:
        return chip_indices(chips, confidence, statistic)
    plain = ((index.first, index.total) for index in grid_indices(statistic(chips)))
    return [
        Indices(*(Interval(share.estimate, math.nan, math.nan) for share in both if share))
        for both in plain
    ]


def _sampled(
    design: SweepDesign, members: Sequence[Row], values: Any, confidence: float
) -> dict[str, Indices]:
    """Return the indices of the axes of a grid that vary, and of sampled fields."""
    names, shape = axis_names(design), tuple(len(axis) for axis in design.axes[:-1])
    by_point = values.reshape(*shape, -1)
    bins = np.stack([_bins(members[: by_point.shape[-1]], name) for name in names[len(shape) :]])
    balanced = design.sample == "sobol"
    indices = sampled_indices(by_point, bins, confidence, balanced=balanced)
    levels = (*shape, *(2 for _ in bins))
    return {n: i for n, i, level in zip(names, indices, levels, strict=True) if level > 1}


def _bins(members: Sequence[Row], name: str) -> Any:
    if parameters()[name].is_number and all(row[name] is not None for row in members):
        return equal_bins(np.array([row[name] for row in members], dtype=np.float64))
    return np.unique([str(row[name]) for row in members], return_inverse=True)[1].reshape(-1)


def _effect_rows(
    campaign: Campaign,
    designs: Sequence[SweepDesign],
    points: Mapping[str, Row],
    chips: Chips,
    results: Path,
) -> Iterator[Row]:
    for design in designs:
        axes = len(design.axes) - (design.sample is not None)
        if axes == 0:
            continue
        members = [points[str(name)] for name in design.ids]
        names = axis_names(design)
        shape = tuple(len(axis) for axis in design.axes)
        on_arrays: dict[tuple[int, int], Interval] = {}
        if campaign.accuracy:
            on_arrays = accuracy_effects(campaign, design, shape, axes, results)
        for measure in MEASURES:
            if any(row[measure] is None for row in members):
                continue
            values, _ = _values(measure, members, chips)
            # The interval of an accuracy says what may have been missed where none varies.
            if not varies(values) and measure != "accuracy":
                continue
            intervals = on_arrays if measure == "accuracy" else {}
            if measure in (*ON_ARRAYS[1:], "float_accuracy", "quantized_accuracy"):
                intervals = unknown(shape)
            for effect in main_effects(values.reshape(shape), axes, intervals):
                yield {
                    "sweep": design.name,
                    "measure": measure,
                    "parameter": names[effect.axis],
                    "value": _value(design.axes[effect.axis][effect.level]),
                    "points": effect.points,
                    "mean": effect.mean,
                    **_columns("effect", effect.effect),
                }


def _value(row: Mapping[str, str]) -> str:
    """Return the values of a row of an axis: by themselves, or with their names if several."""
    if len(row) == 1:
        return next(iter(row.values()))
    return ", ".join(f"{name} {value}" for name, value in row.items())


def _columns(name: str, interval: Interval | None) -> dict[str, float | None]:
    if interval is None:
        return dict.fromkeys((name, f"{name}_low", f"{name}_high"))
    bounds = {f"{name}_low": interval.low, f"{name}_high": interval.high}
    known = {key: None if math.isnan(value) else value for key, value in bounds.items()}
    return {name: interval.estimate, **known}
