"""Where accuracy is lost: the error budget of design points as a section of the summary."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from cimsim.analysis.budget import POINT_STEPS
from cimsim.analysis.selection import Row
from cimsim.tables import read_table

WORDS = {
    "adc": "ADC",
    "state_spacing": "spacing of states",
    "stuck_at": "stuck cells",
    "ir_drop": "IR drop",
    "charge": "charge of columns",
    "adc_errors": "errors of the ADC",
}
"""Steps of a budget in words; others are called as they are."""

Step = tuple[str, str]
"""Mode and name of a step (see schemas.BUDGET_STEPS)."""


def step_words(name: str) -> str:
    """Return a step of a budget in words."""
    return WORDS.get(name, name.replace("_", " "))


def read_steps(directory: Path) -> dict[str, dict[Step, Row]]:
    """Return id -> step -> row of budget.parquet in `directory`, steps in order.

    Raises:
        UserError: the table is missing or unreadable.
    """
    found: dict[str, dict[Step, Row]] = {}
    for row in read_table(directory / "budget.parquet", POINT_STEPS).to_pylist():
        found.setdefault(row["id"], {})[row["mode"], row["step"]] = row
    return found


def loss_lines(
    steps: dict[str, dict[Step, Row]], designs: dict[str, str], chosen: Sequence[str]
) -> list[str]:
    """Return a table (Markdown) of the points `chosen`: each effect alone, and all together.

    Args:
        steps: id -> step -> row, as :func:`read_steps`.
        designs: id -> what tells the point from the others.
        chosen: ids of the points that are shown, in order.
    """
    effects = dict.fromkeys(name for key in chosen for mode, name in steps[key] if mode == "alone")
    shown: list[Step] = [("cumulative", "adc"), *(("alone", name) for name in effects)]
    titles = ["quantised", *(f"{step_words(name)} alone" for _, name in shown), "all together"]
    lines = [f"| design | {' | '.join(titles)} |", f"|---|{'---:|' * len(titles)}"]
    for key in chosen:
        held = steps[key]
        cells = [held["base", "quantized"], *(held.get(step) for step in shown)]
        cells.append(list(held.values())[-1])  # the last step is the design itself
        lines.append(f"| {designs[key]} | {' | '.join(map(step_text, cells))} |")
    return lines


def costs(held: dict[Step, Row]) -> dict[str, float]:
    """Return the change of accuracy by the ADC and each effect by itself, in words, worst first."""
    quantized = held["base", "quantized"]["accuracy"]
    single = {
        step_words(name): row["accuracy"] - quantized
        for (mode, name), row in held.items()
        if mode == "alone" or (mode, name) == ("cumulative", "adc")
    }
    return dict(sorted(single.items(), key=lambda step: step[1]))


def step_text(row: Row | None) -> str:
    """Return the accuracy of a step with its interval; a dash where a point lacks the step."""
    if row is None:
        return "–"
    low, high = row["accuracy_low"] * 100, row["accuracy_high"] * 100
    return f"{row['accuracy'] * 100:.1f} % [{low:.1f}, {high:.1f}]"
