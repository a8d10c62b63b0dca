"""Circuit modules against evaluations of DNN+NeuroSim V1.5 at all nodes and both roadmaps."""

from __future__ import annotations

import csv
import gzip
import math
from collections import Counter
from pathlib import Path

import pytest

from cimsim.ppa.circuit_rows import BUILDERS, COLUMN_FIGURES, NOT_BUILT, circuit_figures

REFERENCE = Path(__file__).parents[1] / "reference" / "ppa" / "modules.csv.gz"


def reference_rows() -> list[dict[str, str]]:
    with gzip.open(REFERENCE, "rt") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("module", sorted({module for module, _ in BUILDERS}))
def test_reference_rows_to_ten_digits(module: str) -> None:
    rows = [row for row in reference_rows() if row["module"] == module]
    assert rows
    wrong = []
    for row in rows:
        for column, value, expected in circuit_figures(row):
            tolerance = 1e-10 if column in COLUMN_FIGURES else 1e-9  # the others have fewer digits
            if not math.isclose(value, expected, rel_tol=tolerance, abs_tol=0.0):
                where = [row[k] for k in ("technode", "roadmap", "memcelltype", "synchronous")]
                wrong.append((row["args"], where, column, value, expected))
    assert not wrong, f"{len(wrong)} of {len(rows)} rows' figures differ, first: {wrong[:3]}"


def test_every_kind_of_reference_row_is_covered() -> None:
    kinds = Counter((row["module"], row["args"]) for row in reference_rows())
    assert {kind for kind in kinds if kind[0] not in NOT_BUILT} == set(BUILDERS)
    assert sum(kinds.values()) == 2988
