"""The section that says where accuracy is lost, against the error budget behind it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from cimsim.analysis.budget import POINT_STEPS
from cimsim.analysis.join import join
from cimsim.analysis.report.page import write_report
from cimsim.analysis.summary import write_summary
from cimsim.campaign.expand import Campaign
from cimsim.tables import write_table

CAMPAIGN = """
name: lost
seeds: {count: 4, block: 2}
budget: true
sweeps:
  - {name: adc, grid: {array.adc.bits: [4, 9]}}
  - {name: noise, grid: {nonideality.read_noise: [0.1]}}
"""

STEPS = {
    ("base", "float"): 0.99,
    ("base", "quantized"): 0.98,
    ("base", "ideal_array"): 0.98,
    ("alone", "state_spacing"): 0.70,
    ("alone", "device_variation"): 0.975,
    ("cumulative", "adc"): 0.50,
    ("cumulative", "state_spacing"): 0.40,
    ("cumulative", "device_variation"): 0.30,
}


Steps = dict[tuple[str, str], float]


def written(campaign: Campaign, results: Path, steps: Steps, of_first: Steps | None = None) -> str:
    """Return the summary of a campaign with these accuracies in the budgets of its points."""
    tables = results / "campaigns" / campaign.name
    join(campaign, results=results, output=tables, provenance={"cimsim": "1.2.3"})
    first = campaign.points[0]
    rows = [
        {"id": point.id, "mode": mode, "step": step, "accuracy": value, "output_sqnr_db": 1.0}
        | {"accuracy_low": value - 0.02, "accuracy_high": value + 0.01}
        for point in campaign.points
        for (mode, step), value in (of_first if of_first and point is first else steps).items()
    ]
    columns = {name: [row[name] for row in rows] for name in POINT_STEPS.names}
    write_table(tables / "budget.parquet", columns, POINT_STEPS, {})
    write_summary(campaign, directory=tables, output=tables / "summary.md")
    return (tables / "summary.md").read_text(encoding="utf-8")


def test_each_effect_has_its_accuracy_alone_and_the_last_step_is_all(stages: Any) -> None:
    campaign = stages.campaign(CAMPAIGN)
    text = written(campaign, stages.results, STEPS)
    title = (
        "| design | quantised | ADC alone | spacing of states alone | device variation alone "
        "| all together |"
    )
    assert title in text
    assert (
        "| ADC resolution 4 bits | 98.0 % [96.0, 99.0] | 50.0 % [48.0, 51.0] | 70.0 % [68.0, 71.0] "
        "| 97.5 % [95.5, 98.5] | 30.0 % [28.0, 31.0] |" in text
    )
    assert "by itself: ADC -48.0, spacing of states -28.0 points.\n" in text
    assert "Seeds 0 to 1.\n" in text


def test_an_effect_that_a_point_lacks_has_a_dash(stages: Any) -> None:
    fewer = {step: value for step, value in STEPS.items() if step[1] != "device_variation"}
    text = written(stages.campaign(CAMPAIGN), stages.results, STEPS, of_first=fewer)
    (line,) = [row for row in text.splitlines() if row.startswith("| ADC resolution 4 bits | 98.0")]
    assert line.endswith("| – | 40.0 % [38.0, 41.0] |")


def test_nothing_is_said_to_cost_what_costs_nothing(stages: Any) -> None:
    steps = dict.fromkeys(STEPS, 0.98)
    text = written(stages.campaign(CAMPAIGN), stages.results, steps)
    assert "by itself: nothing.\n" in text


def test_the_report_has_the_section(stages: Any) -> None:
    campaign = stages.campaign(CAMPAIGN)
    written(campaign, stages.results, STEPS)
    tables = stages.results / "campaigns" / "lost"
    output = tables / "report.html"
    write_report(campaign, directory=tables, results=stages.results, output=output)
    html = output.read_text(encoding="utf-8")
    assert "<h2>Where accuracy is lost</h2>" in html
    assert "spacing of states alone" in html
    assert '["alone","spacing of states","70.0 % [68.0, 71.0]"]' in html  # pages of points


@pytest.mark.parametrize("budget", ["budget: false", ""])
def test_without_a_budget_there_is_no_section(stages: Any, budget: str) -> None:
    campaign = stages.campaign(CAMPAIGN.replace("budget: true", budget))
    text = written(campaign, stages.results, STEPS)
    assert "Where accuracy is lost" not in text
