"""Commands that compute a point again: whose blocks of seeds, where campaigns share a folder."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from cimsim.analysis.explain import explain
from cimsim.analysis.join import join
from cimsim.errors import UserError

TEXT = "name: {name}\nseeds: {{first: {first}, count: {count}, block: {block}}}\n"


def told(stages: Any, name: str, where: str = "", **seeds: int) -> str:
    """Run a campaign of the default design and return what is said about its point."""
    campaign = stages.campaign(TEXT.format(name=name, **seeds))
    folder: Path = stages.results / "campaigns" / name / where
    join(campaign, results=stages.results, output=folder, provenance={})
    return "\n".join(explain(folder / "points.parquet", 0))


def blocks(stages: Any, name: str, **seeds: int) -> list[str]:
    """Return the seeds of the commands for the point of such a campaign."""
    return re.findall(r"cimsim infer --seeds (\S+)", told(stages, name, **seeds))


def test_a_campaign_is_computed_again_with_its_own_seeds(stages: Any) -> None:
    """Others with other blocks, and with other seeds, have files in the same folder."""
    assert blocks(stages, "threes", first=0, count=6, block=3) == ["0:2", "3:5"]
    assert blocks(stages, "later", first=7, count=2, block=2) == ["7:7", "8:8"]
    assert blocks(stages, "four", first=0, count=4, block=4) == ["0:3"]
    assert blocks(stages, "threes", first=0, count=6, block=3) == ["0:2", "3:5"]
    assert blocks(stages, "later", first=7, count=2, block=2) == ["7:7", "8:8"]


def test_seeds_beyond_four_digits_stay_in_order(stages: Any) -> None:
    assert blocks(stages, "many", first=9998, count=4, block=2) == ["9998:9999", "10000:10001"]


@pytest.mark.parametrize("name", ["campaigns", "partial"])
def test_names_of_folders_are_names_of_campaigns_too(name: str, stages: Any) -> None:
    assert blocks(stages, name, first=0, count=2, block=2) == ["0:1"]


def test_partial_tables_lead_to_the_results_too(stages: Any) -> None:
    found = told(stages, "c", "partial", first=0, count=2, block=2)
    assert f"{stages.results}/infer/" in found
    assert "infer --seeds 0:1 --device cpu" in found


def test_a_damaged_file_is_named(stages: Any) -> None:
    found = told(stages, "c", first=0, count=2, block=2)
    file = Path(re.findall(r"\S+/predictions.parquet", found)[0])
    file.write_bytes(b"")
    with pytest.raises(UserError, match=r"predictions.parquet: no readable Parquet file"):
        list(explain(stages.results / "campaigns" / "c" / "points.parquet", 0))
