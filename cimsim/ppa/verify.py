"""Comparison of the power, performance and area model with recorded figures of DNN+NeuroSim."""

from __future__ import annotations

import csv
import gzip
import math
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from cimsim import _native
from cimsim.errors import UserError
from cimsim.ppa.cases import Case, Figures
from cimsim.ppa.circuit_rows import NOT_BUILT, circuit_figures
from cimsim.ppa.engine import Report, evaluate, needs_weights, performance
from cimsim.ppa.formula_rows import formula_figures
from cimsim.ppa.small_cases import small_cases
from cimsim.ppa.table_cases import table_cases
from cimsim.ppa.technology import load_context

TOLERANCE = 1e-3
"""Largest relative deviation of a figure of a chip."""

CIRCUIT_TOLERANCE = 1e-6
"""Largest relative deviation of a figure of a circuit module."""

FORMULA_TOLERANCE = 1e-9
"""Largest relative deviation of a gate formula."""

UNCOMPARED = {
    "no_result": "the reference has no result",
    "unsupported_mode": "the reference never sets the categories of binary modes",
    "uninitialised": "the reference reads uninitialised memory",
}
"""Status of configurations that give nothing to compare with, and why."""

_MEANINGLESS = {
    "out_of_bounds": ("energy", "power", "leakage", "tops_per_w"),
    "nonfinite": ("tops", "frames_per_s"),
}
"""Figures without meaning by status: the reference has read outside its arrays, or divided by an
infinite latency."""

Deviation = tuple[float, str]
"""Relative deviation and the name of the figure."""

RowFigures = Callable[[dict[str, str]], Iterator[tuple[str, float, float]]]
"""Yields name, our value and the recorded value of the figures of a row."""


def relative_gap(value: float, expected: float) -> float:
    """Return the difference over the larger magnitude; infinite where there is no difference."""
    if value == expected:
        return 0.0
    gap = abs(value - expected) / max(abs(value), abs(expected))
    return gap if math.isfinite(gap) else math.inf


def deviations(ours: Figures, theirs: Figures, where: str = "") -> Iterator[Deviation]:
    """Yield the relative deviation of every figure that is finite in the reference.

    A figure that we lack counts as 0; one that is not finite deviates by infinity.
    """
    for name, expected in theirs.items():
        if not math.isfinite(expected):
            continue
        yield relative_gap(ours.get(name, 0.0), expected), f"{where}{name}"


def compare(case: Case, report: Report, context: _native.Context) -> list[Deviation]:
    """Return the deviation of every comparable figure of a case."""
    chip = report.chip | performance(report.chip, case.operations, context)
    found = list(deviations(chip, case.chip))
    for index, expected in enumerate(case.layer_figures):
        found += deviations(report.layers[index].scalars, expected, f"layer {index + 1} ")
    for index, expected in enumerate(case.layer_energies):
        found += deviations(report.layers[index].energy, expected, f"layer {index + 1} energy of ")
    ours: dict[str, Figures] = {}
    for part in report.components:
        figures = {"area": part.area, "leakage": part.leakage, "sensing_time": part.sensing_time}
        ours.setdefault(part.name, figures)
    for name, expected in case.components.items():
        found += deviations(ours.get(name, {}), expected, f"{name} ")
    meaningless = _MEANINGLESS.get(case.status, ())
    if reads_outside(case, report, context):
        meaningless += _MEANINGLESS["out_of_bounds"]
    return [(gap, name) for gap, name in found if not any(word in name for word in meaningless)]


def reads_outside(case: Case, report: Report, context: _native.Context) -> bool:
    """Return whether the reference reads outside its weight matrix (upstream fault 2).

    It gathers equal slices of a novel layer for several tiles, but evaluates as many rows and
    columns as the processing elements have: the rest is whatever lies behind the slice.
    """
    size = int(report.chip["novel_pe_size_cells"])
    parameters = context.parameters.values()
    digits = math.ceil(parameters["synapseBit"] / parameters["cellBit"])
    return any(
        length > size and length % size != 0
        for layer, placed in zip(case.layers, report.layers, strict=True)
        if placed.scalars["novel"]
        for length in (layer.in_channels, layer.out_channels * digits)
    )


def evaluate_case(case: Case) -> tuple[Report, _native.Context]:
    """Evaluate the design of a case on its generated network.

    Raises:
        UserError: our model refuses the design.
    """
    context = load_context(case.parameters)
    arrays = case.arrays()
    weights = [w for w, _ in arrays] if needs_weights(context) else []
    return evaluate(context, case.layers, [[x] for _, x in arrays], weights), context


def check(case: Case) -> tuple[str, str]:
    """Return the verdict on a case (ok, FAIL, refused, skipped) and a line that explains it."""
    if case.status in UNCOMPARED:
        return "skipped", f"{case.name}: skipped ({UNCOMPARED[case.status]})"
    try:
        report, context = evaluate_case(case)
    except UserError as error:
        return "refused", f"{case.name}: refused ({error})"
    found = compare(case, report, context)
    if not found:
        return "skipped", f"{case.name}: skipped (no figures in the folder)"
    worst, name = max(found)
    verdict = "ok" if worst <= TOLERANCE else "FAIL"
    note = "" if case.status == "ok" else f", status {case.status}"
    return verdict, f"{case.name}: {worst:.1e} {verdict} ({len(found)} figures, {name}{note})"


def _chip_cases(folder: Path) -> Iterator[Case]:
    """Yield the chip configurations of a folder in whichever format it is."""
    if (folder / "configs.jsonl.gz").exists():
        yield from table_cases(folder)
    if any(folder.glob("*_[A-Z].json")):
        yield from small_cases(folder, _native.parameter_names())


def _check_rows(
    path: Path, group: str, figures: RowFigures, skipped: Mapping[str, str], tolerance: float
) -> Iterator[tuple[str, str]]:
    """Yield verdict and line of each group of rows (by the column `group`) of a recording."""
    worst: dict[str, tuple[float, int, str]] = {}
    with gzip.open(path, "rt") as file:
        for number, row in enumerate(csv.DictReader(file), start=2):
            name = row[group]
            gap, count, where = worst.get(name, (0.0, 0, ""))
            if name not in skipped:
                for column, ours, theirs in figures(row):
                    found = relative_gap(ours, theirs)
                    if found > gap:
                        gap, where = found, f", line {number} {column}"
            worst[name] = (gap, count + 1, where)
    for name, (gap, count, where) in worst.items():
        if name in skipped:
            yield "skipped", f"{path.name} {name}: skipped ({skipped[name]})"
            continue
        verdict = "ok" if gap <= tolerance else "FAIL"
        yield verdict, f"{path.name} {name}: {gap:.1e} {verdict} ({count} rows{where})"


def _checks(folder: Path) -> Iterator[tuple[str, str]]:
    """Yield verdict and line of everything in a folder that can be compared."""
    for name in ("golden_formulas.csv.gz", "formulas.csv.gz"):
        for path in (folder / name, folder.parent / name):
            if path.exists():
                yield from _check_rows(path, "kind", formula_figures, {}, FORMULA_TOLERANCE)
    for name in ("golden_modules.csv.gz", "modules.csv.gz"):
        for path in (folder / name, folder.parent / name):
            if path.exists():
                yield from _check_rows(
                    path, "module", circuit_figures, NOT_BUILT, CIRCUIT_TOLERANCE
                )
    for case in _chip_cases(folder):
        yield check(case)


def verify_folder(folder: Path, report: Callable[[str], None]) -> bool:
    """Compare everything in a folder of reference figures with our model.

    Chip configurations give one line each: the largest relative deviation, a verdict and the figure
    that deviates most. Recordings of gate formulas and circuit modules, in the folder or beside it,
    give one line a kind of row. The last line is a tally. Returns False if a chip figure deviates
    by more than 0.1 %, a module's by more than 1e-6 or a formula's by more than 1e-9.

    Raises:
        UserError: the folder has no reference figures, or a file of it cannot be read.
    """
    tally: Counter[str] = Counter()
    try:
        for verdict, line in _checks(folder):
            tally[verdict] += 1
            report(line)
    except (OSError, EOFError, ValueError, KeyError, zlib.error) as error:
        raise UserError(
            f"{folder}: a file of reference figures cannot be read ({error!r})"
        ) from error
    if not tally:
        raise UserError(
            f"{folder}: no reference figures; expected configs.jsonl.gz and results.csv.gz, "
            "<variant>_<net>.json, formulas.csv.gz or modules.csv.gz"
        )
    order = ("ok", "FAIL", "refused", "skipped")
    report(", ".join(f"{tally[verdict]} {verdict}" for verdict in order))
    return tally["FAIL"] == 0
