"""Which design points a figure shows, and that they are unambiguous."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from cimsim.analysis import schemas
from cimsim.campaign.figure import Figure
from cimsim.campaign.labels import value_text
from cimsim.campaign.parameters import parameters
from cimsim.errors import UserError
from cimsim.tables import read_table

Row = dict[str, Any]

_STAGE_OF = {"float_accuracy": "calibrate", "quantized_accuracy": "calibrate"}


def stage_of(measure: str) -> str:
    """Return the stage that a measure comes from: its key tells equal results."""
    if measure in _STAGE_OF:
        return _STAGE_OF[measure]
    return "infer" if measure in schemas.ACCURACY_COLUMNS else "ppa"


def select(directory: Path, figure: Figure) -> list[Row]:
    """Return the rows of points.parquet in `directory` that pass the figure's filter.

    Raises:
        UserError: no point passes; the table is missing.
    """
    points: list[Row] = read_table(directory / "points.parquet", schemas.points()).to_pylist()
    return admitted(figure, points)


def admitted(figure: Figure, points: Sequence[Row]) -> list[Row]:
    """Return the points that pass the figure's sweep and filter.

    Raises:
        UserError: no point passes.
    """
    if figure.sweep:
        sweeps = sorted({name for row in points for name in row["sweeps"]})
        if figure.sweep not in sweeps:
            raise UserError(
                f"figure {figure.name}: sweep is '{figure.sweep}' but the campaign has "
                f"{', '.join(sweeps)}"
            )
        points = [row for row in points if figure.sweep in row["sweeps"]]
    for name in figure.filter:
        passing = [row for row in points if figure.admits(name, row[name])]
        if not passing:
            present = ", ".join(values_present(points, name))
            raise UserError(
                f"figure {figure.name}: nothing to show: filter {name} is "
                f"{figure.filter[name]!r} but the points have {present}"
            )
        points = passing
    return list(points)


def distinct(points: Sequence[Row], stages: Iterable[str]) -> list[Row]:
    """Return the points whose results of `stages` differ: the first of those that share them."""
    names = [f"key.{stage}" for stage in stages]
    first = {tuple(row[name] for name in names): row for row in reversed(points)}
    chosen = {row["id"] for row in first.values()}
    return [row for row in points if row["id"] in chosen]


def refuse_ambiguity(figure: Figure, points: Sequence[Row], shown: Sequence[str]) -> None:
    """Refuse two points that a figure would draw at the same place.

    Args:
        figure: the figure, for the message.
        points: its points.
        shown: parameters that the figure distinguishes.

    Raises:
        UserError: two points agree in all that is shown but differ otherwise.
    """
    places: dict[tuple[Any, ...], list[Row]] = {}
    for row in points:
        places.setdefault(tuple(hashable(row[name]) for name in shown), []).append(row)
    for place, rows in places.items():
        if len(rows) > 1:
            here = ", ".join(
                f"{name} {value_text(name, value)}"
                for name, value in zip(shown, place, strict=True)
            )
            differing = ", ".join(telling(rows, varying(rows)))
            raise UserError(
                f"figure {figure.name}: {len(rows)} design points have {here} and differ in "
                f"{differing}; name a sweep, a filter or a colour that tells them apart"
            )


def varying(points: Sequence[Row]) -> list[str]:
    """Return the parameters in which the points differ."""
    return [name for name in parameters() if any(row[name] != points[0][name] for row in points)]


def telling(points: Sequence[Row], names: Sequence[str]) -> list[str]:
    """Return those of the parameters `names` that tell the points apart, without followers.

    A parameter follows an earlier one if its value is a function of it, such as the resistances
    of a technology. Real numbers have no followers: their values may all differ by chance.
    """
    chosen: list[str] = []
    leaders: list[str] = []
    for name in names:
        if not any(_follows(points, name, leader) for leader in leaders):
            chosen.append(name)
            if parameters()[name].kind is not float:
                leaders.append(name)
    return chosen


def _follows(points: Sequence[Row], name: str, leader: str) -> bool:
    pairs = {(hashable(row[leader]), hashable(row[name])) for row in points}
    return len(pairs) == len({hashable(row[leader]) for row in points})


def hashable(value: Any) -> Any:
    """Return a value of a parameter as a key: a list as a tuple."""
    return tuple(value) if isinstance(value, list) else value


def null_first(value: Any) -> tuple[bool, Any]:
    """Return a sort key for values of a parameter: null, which stands for a default, is first."""
    return value is not None, value


def values_present(points: Sequence[Row], name: str) -> list[str]:
    """Return the values of a parameter as text, in order of value."""
    present = {hashable(row[name]) for row in points}
    return [repr(value) for value in sorted(present, key=null_first)]


def series(figure: Figure, points: Sequence[Row], most: int) -> dict[Any, list[Row]]:
    """Return the points by value of the figure's colour parameter, in order of value.

    Raises:
        UserError: there are more series than a figure can show.
    """
    return by_value(figure, "colour", points, most)


def by_value(figure: Figure, field: str, points: Sequence[Row], most: int) -> dict[Any, list[Row]]:
    """Return the points by value of the parameter that a field of the figure names.

    Without that field all points belong to None.

    Raises:
        UserError: there are more values than `most`.
    """
    name = getattr(figure, field)
    if not name:
        return {None: list(points)}
    found: dict[Any, list[Row]] = {}
    for row in points:
        found.setdefault(hashable(row[name]), []).append(row)
    if len(found) > most:
        raise UserError(
            f"figure {figure.name}: {field} {name} has {len(found)} values; a figure "
            f"shows {most} at most: filter them"
        )
    return dict(sorted(found.items(), key=lambda entry: null_first(entry[0])))


def one_of_each(
    figure: Figure, points: Sequence[Row], shown: Sequence[str], stages: Iterable[str]
) -> list[Row]:
    """Return one of the points that share the parameters `shown` and the results of `stages`.

    Raises:
        UserError: two results have the same place in the figure.
    """
    keys = [f"key.{stage}" for stage in stages]
    places: dict[tuple[Any, ...], Row] = {}
    for row in points:
        places.setdefault(tuple(hashable(row[name]) for name in (*shown, *keys)), row)
    chosen = list(places.values())
    refuse_ambiguity(figure, chosen, shown)
    return chosen
