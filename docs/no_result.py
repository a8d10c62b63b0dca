"""What cimsim gives where DNN+NeuroSim V1.5 gives nothing, infinity or nonsense.

``python docs/no_result.py --write`` computes the tables of a section of docs/fidelity.md from the
recorded configurations in tests/reference/ppa_chip; without ``--write`` it compares them.
"""

from __future__ import annotations

import gzip
import json
import math
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, get_args

from pages import compare_or_write
from pydantic import ValidationError

from cimsim.campaign.design import DesignPoint
from cimsim.campaign.keys import unflatten
from cimsim.campaign.messages import dotted, first_problem
from cimsim.campaign.settings import leaf_fields
from cimsim.errors import UserError
from cimsim.ppa.cases import Case
from cimsim.ppa.engine import evaluate, needs_weights
from cimsim.ppa.parameters import SOURCES, design_context, errors_in_design_terms
from cimsim.ppa.table_cases import table_cases
from cimsim.ppa.verify import evaluate_case

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "tests" / "reference" / "ppa_chip"
FILE = ROOT / "docs" / "fidelity.md"
LONGEST = 190
"""Characters of a message that are shown."""

MOST_SHOWN = 3
"""Different answers to the designs of a row."""

TITLE = "## Where the reference gives no result"

INTRODUCTION = """
Of the configurations of DNN+NeuroSim V1.5 that were recorded, some crash or are refused, some give
infinite or undefined figures, and some give figures of a chip that cannot be built. For each of
them cimsim has a defined result or one message. *Engine* is the model with the parameters of the
reference, as `cimsim verify ppa` evaluates it; *design point* is what a campaign with that design
gets. Where designs of a row differ, their number stands before each answer. A dash stands for a
configuration of which the recorded ones have no example. The tables are computed by
`docs/no_result.py`.
"""

Config = dict[str, Any]


@dataclass(frozen=True)
class Cause:
    """Configurations that fail alike.

    Attributes:
        title: the cause.
        reference: what the reference does.
        covers: whether a configuration (a line of configs.jsonl.gz) is one of them.
        also: parameters of further configurations, of which no figures were recorded.
    """

    title: str
    reference: str
    covers: Callable[[Config], bool] = lambda config: False
    also: tuple[dict[str, float], ...] = ()


def _given(name: str, *values: float) -> Callable[[Config], bool]:
    return lambda config: config["params"].get(name) in values


def _named(*names: str) -> Callable[[Config], bool]:
    return lambda config: config["id"] in names


NO_RESULT = (
    Cause("node without a technology table", "ends without a message", _given("technode", 16, 28)),
    Cause(
        "temperature outside the tables (300 to 400 K; 300 K at 14 nm and below)",
        "ends with a message or none",
        _named("c0093", "c0101"),
    ),
    Cause("RRAM at 14 nm and below", "ends with a message", _named("c0018")),
    Cause("nvCap at another node than 22 nm", "ends with a message", _named("c0078")),
    Cause(
        "nvCap read row by row",
        "ends with a message",
        also=({"memcelltype": 4, "accesstype": 4, "operationmode": 1},),
    ),
    Cause(
        "HP devices at 14 nm and below",
        "ends with a message",
        also=({"memcelltype": 1, "technode": 14, "deviceroadmap": 1},),
    ),
    Cause(
        "access transistor wider than its cell (low resistance, high temperature, FeFET at small "
        "nodes)",
        "ends with a message that names another width than it compares",
        _named(
            *("c0045", "c0049", "c0087", "c0088", "c0090", "c0092", "c0251", "c0256", "c0376"),
            *("c0508", "c0526", "c0530"),
        ),
    ),
    Cause(
        "layers with fewer columns than the smallest tile (few weight bits, many bits a cell)",
        "prints that the subarray is too large, goes on and crashes",
        _named(
            *("c0186", "c0193", "c0196", "c0198", "c0333", "c0479", "c0486", "c0509", "c0525"),
        ),
    ),
    Cause(
        "binary modes (BNN, XNOR)",
        "crashes, or leaves the classes of area and energy unset",
        lambda config: config["params"].get("operationmode", 2) in (3, 4, 5, 6),
    ),
    Cause(
        "synchronous data transfer without what it needs",
        "ends with a message",
        _named("c0460"),
    ),
    Cause("no such memory", "ends without a message", _given("memcelltype", 5)),
    Cause("no such operation mode", "ends with a message", _given("operationmode", 7)),
    Cause("ADC of one level", "crashes", _given("levelOutput", 1)),
    Cause("wire narrower than the tables", "ends without a message", _given("wireWidth", 4)),
    Cause("no column for an ADC", "divides by zero", also=({"numColMuxed": 0},)),
    Cause(
        "more columns for an ADC than there are",
        "divides by zero",
        also=({"numColMuxed": 256},),
    ),
)

NOT_FINITE = (
    Cause(
        "asynchronous chip with register-file buffers",
        "infinite latency: their decoder is called with shifted arguments",
        lambda config: (
            config["status"] == "nonfinite"
            and config["params"].get("synchronous", 1) == 0
            and not (
                config["params"].get("globalBufferType") and config["params"].get("peBufferType")
            )
        ),
    ),
    Cause(
        "asynchronous chip with SRAM buffers beside cells that are not SRAM",
        "undefined latency: sensing voltage and transistors of the buffers are those of the cells",
        lambda config: (
            config["status"] == "nonfinite"
            and config["params"].get("synchronous", 1) == 0
            and bool(
                config["params"].get("globalBufferType") and config["params"].get("peBufferType")
            )
            and config["params"].get("memcelltype", 2) != 1
        ),
    ),
    Cause(
        "table of the sigmoid in SRAM beside cells that are not SRAM",
        "infinite latency, for the same reason",
        lambda config: (
            config["status"] == "nonfinite"
            and config["params"].get("synchronous", 1) == 1
            and config["params"].get("reLu", 1) == 0
            and config["params"].get("memcelltype", 2) != 1
        ),
    ),
    Cause(
        "SAR ADC in row-by-row mode",
        "undefined energy: a vector without an active row divides zero by zero",
        lambda config: (
            config["status"] == "nonfinite"
            and config["params"].get("synchronous", 1) == 1
            and config["params"].get("reLu", 1) == 1
            and config["params"].get("SARADC", 0) == 1
            and config["params"].get("operationmode", 2) == 1
        ),
    ),
    Cause(
        "more rows read together than there are",
        "every figure undefined",
        _named("c0169"),
    ),
    Cause(
        "layer in novel mapping over several tiles whose size is no multiple of theirs",
        "reads outside the weight matrix, energies change from run to run",
        lambda config: config["status"] == "out_of_bounds",
    ),
)

NONSENSE = (
    Cause("nvCap sensed by current", "clock period of ten days", _named("c0081")),
    Cause(
        "rows read together do not divide the rows",
        "skips the remaining rows",
        _named("c0165", "c0166"),
    ),
    Cause(
        "bits per cell do not divide the weight bits",
        "counts cells that hold more bits than the weight has",
        _named("c0183", "c0184"),
    ),
    Cause(
        "ADC levels that are no power of two",
        "drops the fraction of a bit",
        _named("c0259"),
    ),
    Cause(
        "fewer columns for an ADC than a weight has",
        "counts no addition of weight digits and input bits",
        _named("c0266", "c0267", "c0268"),
    ),
    Cause(
        "columns for an ADC do not divide the columns", "skips the remaining ones", _named("c0280")
    ),
    Cause("on and off resistance are equal", "goes on", _named("c0386")),
    Cause(
        "adder wider than its subarray",
        "prints an error and goes on with an adder that has no area",
        also=(
            {
                "accesstype": 4,
                "numRowSubArray": 32,
                "numRowParallel": 32,
                "numColSubArray": 28,
                "numColMuxed": 4,
            },
        ),
    ),
    Cause("2-D transistor", "has an incomplete technology", _given("transistortype", 2)),
)

SECTIONS = (
    ("No figures", NO_RESULT),
    ("Infinite or undefined figures", NOT_FINITE),
    ("Figures without meaning", NONSENSE),
)


# --- what cimsim says -----------------------------------------------------------------------------


def engine_answer(case: Case) -> str:
    """Return what the engine gives with the reference's parameters."""
    try:
        report, _ = evaluate_case(case)
    except UserError as error:
        return _quoted(str(error))
    infinite = [name for name, value in report.chip.items() if not math.isfinite(value)]
    if not infinite:
        return "result"
    return "result, no finite latency" if "latency_s" in infinite else f"result, no {infinite[0]}"


def design_answer(case: Case) -> str:
    """Return what a design point with the same parameters gives."""
    changes = dict(design_fields(case.parameters))
    if "not offered" in changes:
        return "no field asks for it"
    try:
        point = DesignPoint.model_validate(unflatten(changes))
        _evaluate(point, case)
    except ValidationError as error:
        location, problem = first_problem(error, DesignPoint)
        return _quoted(f"{dotted(location)}: {problem}" if location else problem)
    except UserError as error:
        return _quoted(str(error).split(" (cell.technology")[0])
    return "result"


def design_fields(parameters: dict[str, float]) -> Iterator[tuple[str, Any]]:
    """Yield the design fields and values for parameters of the reference."""
    for name, number in parameters.items():
        if name not in SOURCES:
            continue
        source = SOURCES[name]
        if name == "operationmode":
            if number not in (1, 2):
                yield "not offered", name
            if number == 1:
                yield source.field, 1
        elif name == "numRowParallel" and parameters.get("operationmode") == 1:
            continue
        elif name == "levelOutput":
            bits = math.log2(number)
            yield source.field, int(bits) if bits.is_integer() else round(bits, 2)
        else:
            yield source.field, _value(source.field, source.convert, number)


def _value(field: str, convert: Callable[[Any], float], number: float) -> Any:
    """Return the value of a field that converts to a parameter's value, or one like it."""
    annotation = leaf_fields()[field].annotation
    options = [True, False] if annotation is bool else get_args(annotation)
    for option in options:
        if isinstance(option, str | int) and convert(option) == number:
            return option
    if options and isinstance(options[0], str):
        # BJT and diode are cross-point cells to the model; anything else does not exist.
        return "none" if field == "cell.access" else f"{number:g}"
    return int(number) if float(number).is_integer() and annotation is not float else number


def _evaluate(point: DesignPoint, case: Case) -> None:
    """Evaluate the chip of a design on the case's network, as a campaign would."""
    context = design_context(point)
    arrays = case.arrays()
    weights = [w for w, _ in arrays] if needs_weights(context) else []
    with errors_in_design_terms(point):
        report = evaluate(context, case.layers, [[x] for _, x in arrays], weights)
        report.check_layout()
        report.check_finite()


def _quoted(message: str) -> str:
    shown = message if len(message) <= LONGEST else f"{message[:LONGEST].rsplit(' ', 1)[0]} …"
    return f"“{shown.replace('|', '/')}”"


# --- tables ---------------------------------------------------------------------------------------


def cases_of(cause: Cause, configs: dict[str, Config], cases: dict[str, Case]) -> list[Case]:
    """Return the cases of a cause: recorded ones, and variants of the default configuration."""
    found = [cases[name] for name, config in configs.items() if cause.covers(config)]
    default = cases["c0001"]
    for parameters in cause.also:
        found.append(replace(default, name="", parameters=default.parameters | parameters))
    return found


def summary(answers: Iterable[str]) -> str:
    """Return distinct answers, with their numbers if there are several."""
    counts: dict[str, int] = {}
    for answer in answers:
        counts[answer] = counts.get(answer, 0) + 1
    if len(counts) == 1:
        return next(iter(counts))
    first = sorted(counts.items(), key=lambda entry: -entry[1])
    shown = "; ".join(f"{number} {answer}" for answer, number in first[:MOST_SHOWN])
    left = sum(number for _, number in first[MOST_SHOWN:])
    return f"{shown}; {left} more like these" if left else shown


def table(causes: Iterable[Cause], configs: dict[str, Config], cases: dict[str, Case]) -> str:
    """Return the Markdown table of some causes."""
    lines = [
        "| cause | recorded | DNN+NeuroSim V1.5 | engine | design point |",
        "|---|---|---|---|---|",
    ]
    for cause in causes:
        chosen = cases_of(cause, configs, cases)
        recorded = sum(bool(case.name) for case in chosen)
        cells = (
            cause.title,
            str(recorded) if recorded else "-",
            cause.reference,
            summary(map(engine_answer, chosen)),
            summary(map(design_answer, chosen)),
        )
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def section() -> str:
    """Return the text of the section."""
    with gzip.open(FOLDER / "configs.jsonl.gz", "rt") as file:
        configs = {config["id"]: config for config in map(json.loads, file)}
    cases = {case.name: case for case in table_cases(FOLDER)}
    parts = [TITLE, INTRODUCTION.strip()]
    for title, causes in SECTIONS:
        parts += [f"### {title}", table(causes, configs, cases)]
    return "\n\n".join(parts) + "\n"


def main() -> int:
    """Compare the section with the page, or write it; return the exit status."""
    before = FILE.read_text(encoding="utf-8").split(TITLE)[0].rstrip("\n")
    return compare_or_write(FILE, f"{before}\n\n{section()}")


if __name__ == "__main__":
    sys.exit(main())
