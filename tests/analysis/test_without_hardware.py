"""Accuracies alone: no trace or ppa jobs, tables and texts without figures of chips."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from cimsim.analysis import schemas
from cimsim.analysis.explain import explain
from cimsim.analysis.figures import draw
from cimsim.analysis.join import join
from cimsim.analysis.report.page import write_report
from cimsim.analysis.summary import write_summary
from cimsim.campaign.checks import check_campaign
from cimsim.campaign.expand import Campaign, load_campaign
from cimsim.campaign.plan import Plan
from cimsim.campaign.progress import progress
from cimsim.errors import UserError
from cimsim.tables import read_table

CAMPAIGN = """
name: test
hardware: false
base: {workload.images: 200}
seeds: {count: 2, block: 2}
sweeps:
  - name: dac
    grid: {array.dac_bits: [1, 4], nonideality.read_noise: [0.0, 0.1]}
figures:
  - {name: dac, kind: heatmap, x: array.dac_bits, y: nonideality.read_noise}
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, stages_at: Any) -> tuple[Campaign, Path]:
    """Return a joined campaign without hardware figures, and its folder."""
    results = tmp_path_factory.mktemp("accuracies") / "results"
    campaign = stages_at(results).campaign(CAMPAIGN)
    output = results / "campaigns" / "test"
    join(campaign, results=results, output=output, provenance={"cimsim": "1.2.3"})
    return campaign, output


def test_the_model_need_not_have_circuits_for_the_designs(made: tuple[Campaign, Path]) -> None:
    check_campaign(made[0])
    text = made[0].file.read_text().replace("hardware: false", "hardware: true")
    other = made[0].file.with_name("with.yaml")
    other.write_text(text)
    with pytest.raises(UserError, match=r"array\.dac_bits is 4 .* hardware: false"):
        check_campaign(load_campaign(other))


def test_the_chip_need_not_have_the_arrays_of_attention(tmp_path: Path) -> None:
    text = "name: c\nbase: {quantization.dynamic_products: array, workload.model: vit}\n"
    file = tmp_path / "c.yaml"
    file.write_text(text + "hardware: false\n")
    check_campaign(load_campaign(file))
    file.write_text(text)
    words = r"c.yaml: base.quantization.dynamic_products: chip.dynamic_products is digital but"
    with pytest.raises(UserError, match=words):
        check_campaign(load_campaign(file))


def test_no_job_is_for_chips(made: tuple[Campaign, Path]) -> None:
    plan = Plan([made[0]])
    assert plan.blocks == {}
    assert plan.jobs["trace"] == {}
    wildcards = type("Wildcards", (), {"campaign": "test"})
    assert not {"ppa", "trace"} & plan.stage_files(wildcards).keys()
    assert not {"ppa", "trace"} & progress(made[0]).keys()


def test_the_tables_have_accuracies_and_no_chips(made: tuple[Campaign, Path]) -> None:
    points = read_table(made[1] / "points.parquet", schemas.points()).to_pylist()
    assert len(points) == 4
    for row in points:
        assert 0 < row["accuracy"] <= 1
        assert row["accuracy_low"] <= row["accuracy"] <= row["accuracy_high"]
        assert {row[name] for name in ("area_mm2", "energy_j", "tops", "not_counted")} == {None}
        assert row["pareto_energy"] is None
    layers = read_table(made[1] / "layers.parquet", schemas.layers()).to_pylist()
    assert len(layers) == 3 * len(points)
    assert {row["energy_dynamic_j"] for row in layers} == {None}
    assert read_table(made[1] / "components.parquet", schemas.components()).num_rows == 0


def test_figure_summary_report_and_explanation(made: tuple[Campaign, Path]) -> None:
    campaign, folder = made
    draw(folder, campaign.figures[0], folder / "figures" / "dac")
    write_summary(campaign, directory=folder, output=folder / "summary.md")
    summary = (folder / "summary.md").read_text()
    assert "accuracies alone" in summary
    assert "No chip was evaluated" in summary
    assert "TOPS" not in summary
    write_report(
        campaign, directory=folder, results=folder.parents[1], output=folder / "report.html"
    )
    assert "No chip was evaluated" in (folder / "report.html").read_text()
    told = "\n".join(explain(folder / "points.parquet", 1))
    assert "cimsim infer" in told
    assert "ppa" not in told


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ("accuracy: false\n", "hardware: false but accuracy is false, too"),
        ("figures: [{name: f, kind: pareto}]\n", "f: shows figures of chips but hardware is false"),
        ("figures: [{name: f, kind: floorplan}]\n", "f: shows figures of chips"),
        ("figures: [{name: f, kind: layers}]\n", "f: shows figures of chips"),
    ],
)
def test_what_there_is_not_cannot_be_shown(changed: str, words: str, tmp_path: Path) -> None:
    file = tmp_path / "c.yaml"
    file.write_text(f"name: c\nhardware: false\n{changed}")
    with pytest.raises(UserError, match=words):
        load_campaign(file)


def test_ratios_of_layers_need_no_chip(tmp_path: Path) -> None:
    file = tmp_path / "c.yaml"
    figure = "{name: f, kind: layers, y: sqnr}"
    file.write_text(f"name: c\nhardware: false\nbudget: true\nfigures: [{figure}]\n")
    assert load_campaign(file).budget
