"""Comparison of the power, performance and area model with recorded figures of DNN+NeuroSim."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

from cimsim import _native
from cimsim.errors import UserError
from cimsim.ppa.cases import Case, Figures, small_cases, table_cases
from cimsim.ppa.engine import Report, evaluate, needs_weights, performance
from cimsim.ppa.technology import load_context

TOLERANCE = 1e-3
"""Largest relative deviation of a figure of a chip."""

UNCOMPARED = {
    "no_result": "the reference has no result",
    "unsupported_mode": "the reference never sets the categories of binary modes",
    "uninitialised": "the reference reads uninitialised memory",
}
"""Status of configurations that give nothing to compare with, and why."""

_UNSTABLE = ("energy", "power", "tops_per_w", "leakage")
"""Figures that are not reproducible where the reference reads outside its arrays."""

Deviation = tuple[float, str]
"""Relative deviation and the name of the figure."""


def deviations(ours: Figures, theirs: Figures, where: str = "") -> Iterator[Deviation]:
    """Yield the relative deviation of every figure that is finite in the reference.

    A figure that we lack, or that is not finite, deviates by infinity.
    """
    for name, expected in theirs.items():
        if not math.isfinite(expected):
            continue
        value = ours.get(name, math.nan)
        scale = max(abs(expected), abs(value))
        gap = abs(value - expected) / scale if scale > 0 else 0.0
        yield (gap if math.isfinite(gap) else math.inf), f"{where}{name}"


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
    if case.status == "out_of_bounds":
        found = [d for d in found if not any(word in d[1] for word in _UNSTABLE)]
    return found


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
    worst, name = max(found)
    verdict = "ok" if worst <= TOLERANCE else "FAIL"
    note = "" if case.status == "ok" else f", status {case.status}"
    return verdict, f"{case.name}: {worst:.1e} {verdict} ({len(found)} figures, {name}{note})"


def _cases(folder: Path) -> Iterator[Case]:
    """Yield the cases of a folder in whichever format it is."""
    if (folder / "configs.jsonl.gz").exists():
        yield from table_cases(folder)
    if any(folder.glob("*_[A-Z].json")):
        yield from small_cases(folder, _native.parameter_names())


def verify_folder(folder: Path, report: Callable[[str], None]) -> bool:
    """Compare every configuration of a folder of reference figures with our model.

    `report` gets one line a configuration (its largest relative deviation and the figure that has
    it) and a final tally. Returns False if any figure deviates by more than 0.1 %.

    Raises:
        UserError: the folder has no reference figures.
    """
    tally: Counter[str] = Counter()
    for case in _cases(folder):
        verdict, line = check(case)
        tally[verdict] += 1
        report(line)
    if not tally:
        raise UserError(
            f"{folder}: no reference figures; expected configs.jsonl.gz and results.csv.gz, "
            "or <variant>_<net>.json"
        )
    order = ("ok", "FAIL", "refused", "skipped")
    report(", ".join(f"{tally[verdict]} {verdict}" for verdict in order))
    return tally["FAIL"] == 0
