"""Published figures: read with clear refusals, beside the right design point, in the figure."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest

from cimsim.analysis import schemas
from cimsim.analysis.figures import draw_on
from cimsim.analysis.join import join
from cimsim.analysis.published import COLUMNS, differences, write_differences
from cimsim.analysis.selection import select
from cimsim.analysis.style import canvas
from cimsim.campaign.expand import Campaign
from cimsim.campaign.figure import Figure
from cimsim.campaign.published import read_published
from cimsim.errors import UserError
from cimsim.tables import read_table

CAMPAIGN = """
name: test
published: theirs.csv
seeds: {count: 2, block: 2}
sweeps:
  - name: adc
    grid: {array.adc.bits: [5, 6, 7], cell.technology: [rram, sram]}
"""

THEIRS = """measure,value,low,high,array.adc.bits,cell.technology,source,second_hand,note
accuracy,0.9,0.88,0.92,6,rram,Someone 2025,false,same images
accuracy,0.5,,,5,rram,A blog,true,
tops_per_w,20,,,7,sram,Someone 2025,,
accuracy,0.7,,,9,rram,Someone 2025,,
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, stages_at: Any) -> tuple[Campaign, Path]:
    """Return a campaign with published figures, and the folder of its tables."""
    results = tmp_path_factory.mktemp("published") / "results"
    stages = stages_at(results)
    theirs = results.parent / "config" / "campaigns" / "theirs.csv"
    theirs.parent.mkdir(parents=True)
    theirs.write_text(THEIRS)
    campaign = stages.campaign(CAMPAIGN)
    join(campaign, results=results, output=results / "tables", provenance={})
    return campaign, results / "tables"


def points(tables: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = read_table(
        tables / "points.parquet", schemas.points()
    ).to_pylist()
    return found


def test_ours_is_the_point_of_that_design(made: tuple[Campaign, Path]) -> None:
    campaign, tables = made
    first, second, third, none = differences(campaign.published, points(tables))
    (row,) = [
        row
        for row in points(tables)
        if row["array.adc.bits"] == 6 and row["cell.technology"] == "rram"
    ]
    assert first["id"] == row["id"]
    assert first["ours"] == row["accuracy"]
    assert first["ours_low"] == row["accuracy_low"]
    assert first["difference"] == pytest.approx(row["accuracy"] - 0.9)
    assert first["relative_difference"] == pytest.approx((row["accuracy"] - 0.9) / 0.9)
    assert (first["theirs_low"], first["theirs_high"]) == (0.88, 0.92)
    assert second["second_hand"] is True
    assert third["ours_low"] is None
    assert (none["ours"], none["difference"], none["id"]) == (None, None, None)


def test_the_table_has_every_published_figure(made: tuple[Campaign, Path], tmp_path: Path) -> None:
    campaign, tables = made
    write_differences(campaign, directory=tables, output=tmp_path / "published.csv")
    with (tmp_path / "published.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert tuple(rows[0]) == COLUMNS
    assert [row["theirs"] for row in rows] == ["0.9", "0.5", "20.0", "0.7"]
    assert rows[3]["ours"] == ""


def test_a_line_shows_them_with_their_source(made: tuple[Campaign, Path]) -> None:
    campaign, tables = made
    wanted = Figure.model_validate(
        {"name": "f", "kind": "line", "x": "array.adc.bits", "filter": {"cell.technology": "rram"}}
    )
    with canvas() as empty:
        draw_on(empty, wanted, select(tables, wanted), tables, published=campaign.published)
        empty.canvas.draw()
        (axes,) = empty.axes
        labels = [text.get_text() for text in empty.legends[0].get_texts()]
    shown = sorted(
        (float(x), float(y))
        for container in axes.containers[1:]
        for x, y in container[0].get_xydata()
    )
    assert shown == [(5.0, 50.0), (6.0, 90.0), (9.0, 70.0)]
    assert {"Someone 2025", "A blog (second-hand)"} <= set(labels)


def test_names_have_marks_side_by_side(made: tuple[Campaign, Path]) -> None:
    campaign, tables = made
    wanted = Figure.model_validate(
        {"name": "f", "kind": "line", "x": "cell.technology", "filter": {"array.adc.bits": [5, 6]}}
        | {"colour": "array.adc.bits"}
    )
    with canvas() as empty:
        draw_on(empty, wanted, select(tables, wanted), tables, published=campaign.published)
        empty.canvas.draw()
        (axes,) = empty.axes
    assert [text.get_text() for text in axes.get_xticklabels()] == ["RRAM", "SRAM"]
    ours, theirs = axes.containers[:2], axes.containers[2:]
    assert all(container[0].get_linestyle() == "None" for container in ours)
    assert [list(container[0].get_xdata()) for container in ours] == [
        pytest.approx([0, 1], abs=0.02)
    ] * 2
    assert [tuple(c[0].get_xydata()[0]) for c in theirs] == [(0.0, 90.0), (0.0, 50.0)]
    (baseline,) = [line for line in axes.get_lines() if line.get_label() == "quantised"]
    dashes = [(x, y) for x, y in baseline.get_xydata() if y == y]
    assert [x for x, _ in dashes] == pytest.approx([-0.35, 0.35, 0.65, 1.35])  # none between names


def test_files_are_relative_to_the_table(tmp_path: Path) -> None:
    path = tmp_path / "published" / "theirs.csv"
    path.parent.mkdir()
    path.write_text("measure,value,source,workload.checkpoint\naccuracy,0.5,x,../a.pt\n")
    (held,) = read_published(path)
    assert held.parameters == {"workload.checkpoint": str(tmp_path / "a.pt")}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("measure,value\n", "column source is missing"),
        ("measure,value,source,array.adc.bit\n", "did you mean 'array.adc.bits'"),
        ("measure,value,source\naccurac,1,x\n", "line 2: measure is 'accurac' (did you mean"),
        ("measure,value,source\naccuracy,much,x\n", "value is 'much' but must be a number"),
        (
            "measure,value,source,second_hand\naccuracy,1,x,maybe\n",
            "second_hand is 'maybe'; allowed: true, false",
        ),
    ],
)
def test_a_file_that_is_not_as_it_has_to_be(text: str, words: str, tmp_path: Path) -> None:
    path = tmp_path / "theirs.csv"
    path.write_text(text)
    with pytest.raises(UserError) as caught:
        read_published(path)
    assert words in str(caught.value)
    assert str(path) in str(caught.value)


def test_a_missing_file_and_an_ambiguous_figure(
    made: tuple[Campaign, Path], tmp_path: Path
) -> None:
    with pytest.raises(UserError, match=r"nowhere\.csv: cannot be read"):
        read_published(tmp_path / "nowhere.csv")
    path = tmp_path / "theirs.csv"
    path.write_text("measure,value,source,cell.technology\naccuracy,0.5,x,rram\n")
    with pytest.raises(UserError, match=r"3 design points match; .* apart: array\.adc\.bits"):
        differences(read_published(path), points(made[1]))
