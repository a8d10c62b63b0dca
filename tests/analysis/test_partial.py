"""A campaign in which points failed: what is there is shown, what is missing is named."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cimsim import failures
from cimsim.analysis import missing as missing_points
from cimsim.analysis import schemas
from cimsim.analysis.join import join, point_outputs
from cimsim.analysis.missing import JUST_COMPUTED, NOT_COMPUTED, find_missing
from cimsim.analysis.partial import write_partial
from cimsim.campaign.expand import Campaign
from cimsim.campaign.paths import FILES, budget_files
from cimsim.errors import UserError
from cimsim.tables import read_table

TEXT = """
name: c
seeds: {count: 2, block: 2}
sweeps:
  - {name: noise, grid: {nonideality.read_noise: [0.0, 0.1, 0.2], array.adc.bits: [6, 7]}}
figures:
  - {name: lines, kind: line, x: nonideality.read_noise, colour: array.adc.bits}
  - {name: seven, kind: line, x: nonideality.read_noise, filter: {array.adc.bits: 7}}
"""


ABOUT = {"stage": "join", "cimsim": "0.1.0"}


@pytest.fixture
def campaign(stages: Any) -> Campaign:
    """A campaign with synthetic results, and empty files where the join does not read any."""
    loaded: Campaign = stages.campaign(TEXT)
    for stage, names in FILES.items():
        for key in {point.keys[stage] for point in loaded.points} if stage != "ppa" else ():
            (stages.results / stage / key).mkdir(parents=True, exist_ok=True)
            for name in names:
                (stages.results / stage / key / name).touch()
    return loaded


def write(campaign: Campaign, stages: Any, output: Path) -> list[Any]:
    return write_partial(campaign, results=stages.results, output=output, provenance=ABOUT)


def lose(campaign: Campaign, stages: Any, number: int) -> str:
    """Delete the predictions of a point; return the key."""
    key = campaign.points[number].keys["infer"]
    (stages.results / "infer" / key / "seeds_0000_0001.parquet").unlink()
    return key


def test_what_is_there_is_as_in_the_whole_and_the_rest_is_named(
    campaign: Campaign, stages: Any, tmp_path: Path
) -> None:
    join(campaign, results=stages.results, output=tmp_path / "whole", provenance=ABOUT)
    failed, lost = lose(campaign, stages, 1), lose(campaign, stages, 4)
    failures.record(stages.results, "infer", failed, "too hot")
    missing = write(campaign, stages, tmp_path / "out")
    assert [(m.id, m.stage, m.reason) for m in missing] == [
        (campaign.points[1].id, "infer", "too hot"),
        (campaign.points[4].id, "infer", NOT_COMPUTED),
    ]
    assert missing[0].parameters == "nonideality.read_noise 0.0, array.adc.bits 7"
    assert [Path(m.log).name for m in missing] == [f"{failed}_*.log", f"{lost}_*.log"]
    tables = [
        read_table(tmp_path / name / "points.parquet", schemas.points()).to_pylist()
        for name in ("whole", "out")
    ]
    front = ("pareto_energy", "pareto_area")
    whole = {row["id"]: {k: v for k, v in row.items() if k not in front} for row in tables[0]}
    there = [{k: v for k, v in row.items() if k not in front} for row in tables[1]]
    assert there == [whole[campaign.points[n].id] for n in (0, 2, 3, 5)]
    summary = (tmp_path / "out" / "summary.md").read_text()
    assert "4 design points" in summary
    assert (
        "- Design points without results: 2 of 6\n"
        "  - nonideality.read_noise 0.0, array.adc.bits 7: infer: too hot (log: "
        f"{stages.results}/logs/infer/{failed}_*.log)\n"
        "  - nonideality.read_noise 0.2, array.adc.bits 6: infer: not computed (log: "
    ) in summary
    assert "![lines]" in summary
    assert "Design points without results: 2 of 6" in (tmp_path / "out/report.html").read_text()
    with (tmp_path / "out" / "missing.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["id"] for row in rows] == [m.id for m in missing]
    assert rows[0]["reason"] == "too hot"


def test_a_figure_without_its_points_is_left_out(
    campaign: Campaign, stages: Any, tmp_path: Path
) -> None:
    join(campaign, results=stages.results, output=tmp_path / "whole", provenance=ABOUT)
    lose(campaign, stages, 5)
    write(campaign, stages, tmp_path / "out")
    assert (tmp_path / "out" / "figures" / "seven.png").is_file()
    for number in (1, 3):
        lose(campaign, stages, number)
    write(campaign, stages, tmp_path / "out")
    assert not (tmp_path / "out" / "figures" / "seven.png").exists()
    summary = (tmp_path / "out" / "summary.md").read_text()
    assert "- Figures that were not drawn: seven." in summary


def test_a_failure_upstream_is_the_reason(campaign: Campaign, stages: Any, tmp_path: Path) -> None:
    """All points share the map stage."""
    (key,) = {point.keys["map"] for point in campaign.points}
    failures.record(stages.results, "map", key, "no room")
    (stages.results / "map" / key / "layers.parquet").unlink()
    with pytest.raises(UserError, match=r"no design point has results yet, .* map: no room"):
        write(campaign, stages, tmp_path / "out")
    with (tmp_path / "out" / "missing.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert {(row["stage"], row["reason"]) for row in rows} == {("map", "no room")}
    assert {Path(row["log"]).name for row in rows} == {f"{key}.log"}


def with_budget(campaign: Campaign, stages: Any) -> Campaign:
    """Return the campaign with an error budget of each point."""
    for point in campaign.points:
        for path in budget_files(point.keys["infer"], 0, 1, stages.results):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
    return replace(campaign, budget=True)


def test_a_point_without_its_error_budget_is_named_and_in_the_tables(
    campaign: Campaign, stages: Any, tmp_path: Path
) -> None:
    asked = with_budget(campaign, stages)
    with pytest.raises(UserError, match="no design point is missing"):
        write(asked, stages, tmp_path / "out")
    failed, lost = (asked.points[n].keys["infer"] for n in (0, 3))
    failures.record(stages.results, "budget", failed, "too long")
    for key in (failed, lost):
        budget_files(key, 0, 1, stages.results)[2].unlink()
    # A point that lacks its result as well is named once, for that.
    both = lose(asked, stages, 5)
    budget_files(both, 0, 1, stages.results)[0].unlink()
    missing = write(asked, stages, tmp_path / "out")
    assert [(m.id, m.stage, m.reason) for m in missing] == [
        (asked.points[0].id, "budget", "too long"),
        (asked.points[3].id, "budget", NOT_COMPUTED),
        (asked.points[5].id, "infer", NOT_COMPUTED),
    ]
    assert Path(missing[0].log) == stages.results / f"logs/budget/{failed}_0000_0001.log"
    table = read_table(tmp_path / "out" / "points.parquet", schemas.points(), ["id"])
    assert table["id"].to_pylist() == [point.id for point in asked.points[:5]]
    summary = (tmp_path / "out" / "summary.md").read_text()
    assert "- Design points without results: 1 of 6\n" in summary
    assert (
        "- Design points without error budget: 2 of 6\n"
        "  - nonideality.read_noise 0.0, array.adc.bits 6: budget: too long (log: "
        f"{missing[0].log})\n"
        "  - nonideality.read_noise 0.1, array.adc.bits 7: budget: not computed (log: "
    ) in summary
    with (tmp_path / "out" / "missing.csv").open() as file:
        assert [row["stage"] for row in csv.DictReader(file)] == ["budget", "budget", "infer"]


def test_nothing_is_missing(campaign: Campaign, stages: Any, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no design point is missing; run the workflow"):
        write(campaign, stages, tmp_path / "out")


def test_a_result_that_comes_between_two_looks_is_no_failure(
    campaign: Campaign, stages: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = lose(campaign, stages, 1)
    file = stages.results / "infer" / key / "seeds_0000_0001.parquet"
    look = missing_points.progress

    def come(*arguments: Any) -> Any:
        file.touch()
        return look(*arguments)

    monkeypatch.setattr(missing_points, "progress", come)
    outputs = point_outputs(campaign, stages.results)
    (found,) = find_missing(campaign, outputs, stages.results)
    assert (found.id, found.stage) == (campaign.points[1].id, "ppa")
    assert found.reason == JUST_COMPUTED
