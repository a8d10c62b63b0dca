"""The summary against the tables that it is written from."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from cimsim.analysis import schemas
from cimsim.analysis.figures import draw
from cimsim.analysis.join import join
from cimsim.analysis.summary import write_summary
from cimsim.campaign.expand import Campaign
from cimsim.tables import read_table

TEXT = """
name: small
description: A campaign for the test of the summary.
seeds: {count: 3, block: 2}
sweeps:
  - {name: adc, grid: {array.adc.bits: [5, 7, 9], cell.technology: [rram, sram]}}
  - {name: noise, grid: {nonideality.device_variation: [0.0, 0.1, 0.2]}}
  - name: nodes
    invalid: drop
    grid: {chip.node: [7, 22], cell.technology: [rram, sram]}
figures:
  - {name: accuracy_adc, kind: line, x: array.adc.bits, colour: cell.technology, sweep: adc}
  - {name: pareto, kind: pareto, caption: What accuracy costs.}
"""


class Written:
    """A joined campaign with its summary."""

    def __init__(self, stages: Any, folder: Path, text: str = TEXT, drawn: int = 2) -> None:
        self.campaign: Campaign = stages.campaign(text)
        self.folder = folder
        provenance = {"stage": "join", "cimsim": "0.1.0", "commit": "abc", "numpy": "2.4"}
        join(self.campaign, results=stages.results, output=folder, provenance=provenance)
        for figure in self.campaign.figures[:drawn]:
            draw(folder, figure, folder / "figures" / figure.name)
        write_summary(self.campaign, directory=folder, output=folder / "summary.md")
        self.text = (folder / "summary.md").read_text(encoding="utf-8")
        self.rows = read_table(folder / "points.parquet", schemas.points()).to_pylist()


@pytest.fixture(scope="module")
def written(stages_at: Any, tmp_path_factory: pytest.TempPathFactory) -> Written:
    folder = tmp_path_factory.mktemp("summary")
    return Written(stages_at(folder / "results"), folder / "campaigns" / "small")


def line(text: str, start: str) -> str:
    """Return the only line that starts so."""
    (found,) = [row for row in text.splitlines() if row.startswith(start)]
    return found


def test_the_key_points_are_those_of_the_tables(written: Written) -> None:
    most = max(written.rows, key=lambda row: (row["accuracy"], -row["energy_j"]))
    cells = line(written.text, "| most accurate")
    assert f"`{most['id']}`" in cells
    assert (
        f"| {most['accuracy'] * 100:.1f} % [{most['accuracy_low'] * 100:.1f}, "
        f"{most['accuracy_high'] * 100:.1f}] |" in cells
    )
    assert f"{most['energy_j'] * 1e6:.2f} µJ" in cells
    near = [row for row in written.rows if row["accuracy_change"] >= -0.01]
    cheap = min(near, key=lambda row: row["energy_j"])
    (cells,) = [t for t in written.text.splitlines() if "least energy within 1 point" in t]
    assert f"`{cheap['id']}`" in cells
    front = [row for row in written.rows if row["pareto_energy"]]
    efficient = max(front, key=lambda row: row["tops_per_w"])
    (cells,) = [t for t in written.text.splitlines() if "best TOPS/W on the Pareto front" in t]
    assert f"`{efficient['id']}`" in cells
    listed = re.findall(r"^- [\d.]+ % .*\(`([0-9a-f]{12})`\)$", written.text, flags=re.M)
    assert set(listed) == {row["id"] for row in front}


def test_what_was_evaluated_is_the_campaign(written: Written) -> None:
    assert written.text.startswith("# small\n\nA campaign for the test of the summary.\n")
    assert f"{len(written.rows)} design points, each on 200 images and 3 chips" in written.text
    adc = "| adc | 6 | cell.technology | rram, sram |\n|  |  | array.adc.bits | 5, 7, 9 |"
    assert adc in written.text
    assert "| noise | 3 | nonideality.device_variation | 0, 0.1, 0.2 |" in written.text


def test_links_lead_to_files(written: Written) -> None:
    links = re.findall(r"\]\(([^)]+)\)", written.text)
    assert len(links) == 2 * 2 + 7
    for link in links:
        assert (written.folder / link).is_file()
    assert "What accuracy costs. Bars are confidence intervals" in written.text


def test_links_are_relative_to_the_summary(written: Written) -> None:
    elsewhere = written.folder.parent / "summary.md"
    write_summary(written.campaign, directory=written.folder, output=elsewhere)
    links = re.findall(r"\]\(([^)]+)\)", elsewhere.read_text(encoding="utf-8"))
    assert all((elsewhere.parent / link).is_file() for link in links)


def test_gaps_are_named(stages: Any, tmp_path: Path) -> None:
    text = Written(stages, tmp_path / "out", drawn=1).text
    assert "- Combinations that cannot be built, dropped: 1\n  - nodes (" in text
    assert "rram supports" in text
    assert "- 3 chips were simulated: intervals are wide where they differ." in text
    assert "- Figures that were not drawn: pareto." in text


def test_one_seed_is_a_limit_that_is_named(stages: Any, tmp_path: Path) -> None:
    text = Written(stages, tmp_path / "out", TEXT.replace("count: 3", "count: 1")).text
    assert "- One chip was simulated: intervals count images alone, not chips." in text
    assert "1 chip (seed 0)" in text


def test_versions_are_those_of_tables_and_stages(written: Written) -> None:
    assert "Tables: cimsim 0.1.0, commit abc, numpy 2.4." in written.text
    assert "Predictions: cimsim 0.1.0, commit abc, torch 2.13.0." in written.text


def test_equal_tables_give_equal_text(written: Written) -> None:
    again = written.folder / "again.md"
    write_summary(written.campaign, directory=written.folder, output=again)
    assert again.read_text(encoding="utf-8") == written.text


def test_networks_are_not_mixed(stages: Any, tmp_path: Path) -> None:
    text = TEXT.replace("sweeps:", "sweeps:\n  - {name: net, grid: {workload.model: [vgg8, vit]}}")
    summary = Written(stages, tmp_path / "out", text).text
    assert "## Key points: VGG-8, 200 images of digits16" in summary
    section = summary.split("## Key points: ViT, 200 images of digits16")[1].split("\n## ")[0]
    assert len(set(re.findall(r"`([0-9a-f]{12})`", section))) == 1
