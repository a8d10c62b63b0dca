"""Comparisons of points and campaigns from stage results whose outcomes are known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from cimsim.analysis.compare import compare
from cimsim.campaign.parameters import values
from cimsim.errors import UserError

CAMPAIGN = """
name: {name}
base: {{cell.technology: {cell}}}
sweeps:
  - grid: {{nonideality.device_variation: [0.0, 0.05, 0.3]}}
seeds: {{count: {count}, block: 2}}
"""


@pytest.fixture
def files(stages, tmp_path: Path) -> tuple[Path, Path]:
    """Two campaigns that differ in the cell; the second one has fewer seeds."""
    found = []
    for name, cell, count in (("one", "rram", 8), ("two", "fefet", 6)):
        campaign = stages.campaign(CAMPAIGN.format(name=name, cell=cell, count=count))
        found.append(campaign.file.rename(tmp_path / f"{name}.yaml"))
    return found[0], found[1]


def run(first: object, second: object, results: Path, margin: float = 0.01):
    return compare(str(first), str(second), margin=margin, confidence=0.95, results=results)


def test_a_difference_is_that_of_the_outcomes(files, stages) -> None:
    from cimsim.campaign.expand import load_campaign

    one, three = (values(load_campaign(files[0]).points[row].point) for row in (0, 2))
    expected = np.mean(
        [
            stages.outcomes(one, seed).mean() - stages.outcomes(three, seed).mean()
            for seed in range(8)
        ]
    )
    (found,) = run(f"{files[0]}:0", f"{files[0]}:2", stages.results)
    assert found.interval.estimate == pytest.approx(expected, abs=1e-12)
    assert found.verdict == "A is better"
    (back,) = run(f"{files[0]}:2", f"{files[0]}:0", stages.results)
    assert back.interval.estimate == -found.interval.estimate
    assert back.verdict == "B is better"


def test_campaigns_are_paired_by_what_both_vary_on_common_seeds(files, stages) -> None:
    found = run(*files, stages.results, margin=0.05)
    assert [c.name for c in found] == [
        f"nonideality.device_variation {value}" for value in (0.0, 0.05, 0.3)
    ]
    # The outcomes of the synthetic stages do not depend on the cell.
    assert all(c.paired.difference == 0.0 and c.paired.seeds == 6 for c in found)
    assert {c.verdict for c in found} == {"equal"}


def test_against_the_network_without_arrays(files, stages) -> None:
    for which, threshold in (("float", 0.0), ("quantized", 0.1)):
        (found,) = run(f"{files[0]}:0", which, stages.results)
        design = {"nonideality.device_variation": 0.0}
        from cimsim.campaign.design import DesignPoint
        from cimsim.campaign.keys import unflatten

        point = values(DesignPoint.model_validate(unflatten(design)))
        expected = stages.outcomes(point, 0).mean() - (stages.margin > threshold).mean()
        assert found.interval.estimate == pytest.approx(expected, abs=1e-12)


def test_an_open_question_names_what_would_decide_it(files, stages) -> None:
    (found,) = run(f"{files[0]}:0", f"{files[1]}:0", stages.results, margin=0.001)
    assert found.verdict == "undecided"
    text = "\n".join(found.lines())
    assert "to decide at a margin of 0.1 points (half-width 0.05)" in text
    assert "images with these seeds" in text
    images = found.paired.images_needed(0.0005)
    assert images is not None
    assert found.paired.half_width(images, 6) <= 0.0005 < found.paired.half_width(images - 1, 6)


@pytest.mark.parametrize(
    ("first", "second", "message"),
    [
        ("{0}:9", "{0}:0", "0 points of .* have this id; allowed: a row from 0 to 2"),
        ("float", "{0}:0", "allowed as second side"),
        ("gone.yaml", "float", "no such file"),
        ("{0}", "{0}:0", "points differ in more than nothing"),
    ],
)
def test_mistakes(first: str, second: str, message: str, files, stages) -> None:
    with pytest.raises(UserError, match=message):
        run(first.format(*files), second.format(*files), stages.results)
