"""docs/results.md names every column of every table and is up to date."""

from __future__ import annotations

from pathlib import Path

import pytest

from cimsim.analysis import schemas
from cimsim.analysis.reference import FILE, results_reference
from cimsim.campaign.figure import MEASURES, WITH_INTERVAL
from cimsim.campaign.parameters import parameters


def test_the_file_is_up_to_date() -> None:
    written = (Path(__file__).parents[2] / FILE).read_text(encoding="utf-8")
    assert written == results_reference(), "run `cimsim docs --write`"


@pytest.mark.parametrize("table", ["points", "seeds", "layers", "components"])
def test_every_column_is_described_in_its_section(table: str) -> None:
    section = results_reference().split(f"\n## {table}\n")[1].split("\n## ")[0]
    names = set(getattr(schemas, table)().names) - set(parameters())
    assert all(f"`{name}`" in section for name in names)


def test_measures_of_figures_are_columns() -> None:
    names = schemas.points().names
    assert set(MEASURES) <= set(names)
    bounds = {name for name in names if f"{name}_low" in names and f"{name}_high" in names}
    assert bounds == set(WITH_INTERVAL)
