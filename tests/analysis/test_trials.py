"""Points of a search as a campaign file: valid, shared, taken up again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cimsim import failures
from cimsim.analysis.join import join
from cimsim.campaign.expand import load_campaign
from cimsim.campaign.paths import campaign_folder
from cimsim.campaign.plan import load_plan
from cimsim.errors import UserError
from cimsim.search.trials import Trials

TEXT = """
name: found
base: {chip.node: 22}
search:
  maximise: [tops_per_w]
  minimise: [area_mm2]
  trials: 4
  choices: {array.adc.bits: [5, 6, 7]}
seeds: {count: 2, block: 2}
figures: [{name: front, kind: pareto, x: area_mm2, y: tops_per_w}]
"""

BITS = "array.adc.bits"


class Workflow:
    """Stands for Snakemake: computes synthetic results and joins them; some points may fail."""

    def __init__(self, stages: Any, failing: tuple[int, ...] = ()) -> None:
        self.stages = stages
        self.failing = failing
        self.runs: list[tuple[list[int], str]] = []

    def __call__(self, file: Path, target: str) -> bool:
        campaign = load_campaign(file)
        bits = [point.point.array.adc.bits for point in campaign.points]
        self.runs.append((bits, Path(target).name))
        for point in campaign.points:
            if point.point.array.adc.bits in self.failing:
                failures.record(self.stages.results, "infer", point.keys["infer"], "too hot")
                return False
        self.stages.fill(campaign)
        output = campaign_folder(campaign.name, self.stages.results)
        join(campaign, results=self.stages.results, output=output, provenance={})
        return True


@pytest.fixture
def campaign(tmp_path: Path) -> Path:
    file = tmp_path / "c.yaml"
    file.write_text(TEXT)
    return file


Make = Callable[[Any], Trials]


@pytest.fixture
def make(campaign: Path, stages: Any) -> Make:
    return lambda run: Trials(load_campaign(campaign), run, stages.results)


def test_a_point_is_computed_once(stages: Any, make: Make) -> None:
    run = Workflow(stages)
    trials = make(run)
    first = trials([{BITS: 5}, {BITS: 6}])
    assert all(found is not None and len(found) == 2 for found in first)
    assert trials([{BITS: 6}, {BITS: 5}, {BITS: 5}]) == [first[1], first[0], first[0]]
    trials([{BITS: 7}])
    assert run.runs == [([5, 6], "points.parquet"), ([5, 6, 7], "points.parquet")]
    assert trials.finish([{BITS: 7}, {BITS: 5}, {BITS: 7}])
    assert run.runs[-1] == ([7, 5], "")
    written = load_campaign(trials.file)
    assert [figure.name for figure in written.figures] == ["front"]
    assert written.points[0].point.chip.node == 22
    assert written.seeds.count == 2


def test_an_interrupted_search_goes_on_with_its_points(stages: Any, make: Make) -> None:
    before = make(Workflow(stages))([{BITS: 5}, {BITS: 6}])
    run = Workflow(stages)
    again = make(run)
    assert again([{BITS: 5}]) == before[:1]
    # The workflow is asked once whether all is there, for all points that there were.
    assert run.runs == [([5, 6], "points.parquet")]
    assert again([{BITS: 6}]) == before[1:]
    assert len(run.runs) == 1


def test_another_campaign_starts_anew(stages: Any, make: Make, campaign: Path) -> None:
    make(Workflow(stages))([{BITS: 5}])
    campaign.write_text(TEXT.replace("count: 2", "count: 4"))
    run = Workflow(stages)
    Trials(load_campaign(campaign), run, stages.results)([{BITS: 6}])
    assert run.runs == [([6], "points.parquet")]


def test_points_that_fail_or_cannot_be_built_have_no_results(stages: Any, make: Make) -> None:
    run = Workflow(stages, failing=(6,))
    trials = make(run)
    found = trials([{BITS: 5}, {BITS: 6}, {BITS: 7, "array.parallel_rows": 100}])
    assert [measures is None for measures in found] == [False, True, True]
    assert [bits for bits, _ in run.runs] == [[5, 6], [5]]
    assert trials([{BITS: 6}]) == [None]
    assert len(run.runs) == 2


def test_a_workflow_that_stops_without_a_failing_point_ends_the_search(make: Make) -> None:
    with pytest.raises(UserError, match="Snakemake has stopped"):
        make(lambda file, target: False)([{BITS: 5}])


def test_a_base_with_lists_is_known_again(stages: Any, make: Make, campaign: Path) -> None:
    """YAML gives a list back where a design has a tuple."""
    layers = "base: {chip.node: 22, quantization.float_layers: [first, last]}"
    campaign.write_text(TEXT.replace("base: {chip.node: 22}", layers))
    make(Workflow(stages))([{BITS: 5}, {BITS: 6}])
    run = Workflow(stages)
    make(run)([{BITS: 5}])
    assert run.runs == [([5, 6], "points.parquet")]


def test_a_search_whose_tables_and_figures_fail_says_so(stages: Any, make: Make) -> None:
    run = Workflow(stages)
    trials = make(lambda file, target: bool(target) and run(file, target))
    trials([{BITS: 5}])
    with pytest.raises(UserError, match="Snakemake has stopped; what is finished is kept"):
        trials.finish([{BITS: 5}])


def test_the_workflow_refuses_a_search(campaign: Path) -> None:
    with pytest.raises(UserError, match="run `cimsim search"):
        load_plan(str(campaign), check=False)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("tops_per_w]", "tops_per_watt]", r"'tops_per_watt' is no measure \(did you mean 'tops_"),
        ("maximise: [tops_per_w]", "maximise: [energy_j]", "'energy_j' is not allowed here; allow"),
        ("maximise: [tops_per_w]", "minimise: []", "there twice"),
        ("  maximise: [tops_per_w]\n  minimise: [area_mm2]\n", "", "maximise and minimise are emp"),
        ("base:", "sweeps: [{grid: {chip.node: [22]}}]\nbase:", "not allowed beside sweeps"),
        ("base:", "sensitivity: true\nbase:", "proposed points tell no sensitivity"),
        ("base:", "hardware: false\nbase:", "'tops_per_w' is optimised but hardware is false"),
        ("choices: {array.adc.bits", "choices: {array.adc.bit", "search.choices.array.adc.bit: un"),
        ("choices: {array.adc.bits: [5, 6, 7]}", "choices: {}", "search: ranges and choices are e"),
        ("choices: {array.adc.bits: [5, 6, 7]}", "choices: {preset: [a]}", "presets cannot be sam"),
        ("[5, 6, 7]", "[5, 99]", "search.choices.array.adc.bits: 99 is not allowed; allowed: a wh"),
        (
            "choices: {array.adc.bits: [5, 6, 7]}",
            "ranges: {nonideality.read_noise: [-1.0, 0.1]}",
            "search.ranges.nonideality.read_noise: -1.0 is not allowed; allowed: a number from",
        ),
        (
            "minimise: [area_mm2]\n  trials: 4\n  choices: {array.adc.bits: [5, 6, 7]}\n"
            "seeds: {count: 2, block: 2}",
            "minimise: [accuracy_std]\n  trials: 4\n  choices: {array.adc.bits: [5, 6, 7]}\n"
            "seeds: {count: 1}",
            "'accuracy_std' is optimised but seeds.count is 1; allowed: 2 or more",
        ),
        ("trials: 4", "trials: 0", "search.trials: 0 is not allowed; allowed: a whole number from"),
    ],
)
def test_mistakes(old: str, new: str, message: str, campaign: Path) -> None:
    assert old in TEXT
    campaign.write_text(TEXT.replace(old, new))
    with pytest.raises(UserError, match=message):
        load_campaign(campaign)
