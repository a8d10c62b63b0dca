"""The loop of a search with known functions in place of the workflow."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from cimsim.campaign.sample import Axis, space_axes
from cimsim.campaign.search import Search
from cimsim.campaign.settings import Place
from cimsim.errors import UserError
from cimsim.search.study import Settings, Trial, search

SPACE = {
    "ranges": {"nonideality.device_variation": [0.0, 1.0], "array.adc.bits": [4, 9]},
    "choices": {"chip.node": [22, 32, 45, 65]},
}
"""A space of real numbers, whole numbers and values of a list."""


def about(**changes: object) -> Search:
    given = {"maximise": ("accuracy",), "minimise": ("energy_j",), "trials": 24, "batch": 5}
    return Search.model_validate(SPACE | given | changes)


def axes(of: Search) -> list[Axis]:
    return space_axes(of, Place(Path("c.yaml")).at("search"))


class Recorded:
    """A function of two measures, whose best points are known; counts what it computes."""

    def __init__(self) -> None:
        self.batches: list[int] = []
        self.known: dict[tuple[object, ...], tuple[float, float]] = {}
        self.computed = 0

    def __call__(self, proposed: Sequence[Settings]) -> list[tuple[float, float] | None]:
        self.batches.append(len(proposed))
        return [self._of(settings) for settings in proposed]

    def _of(self, settings: Settings) -> tuple[float, float] | None:
        noise, bits, node = (settings[name] for name in (*SPACE["ranges"], *SPACE["choices"]))
        if node == 65:
            return None
        place = (noise, bits, node)
        if place not in self.known:
            self.computed += 1
            # More bits are more accurate and cost more; the rest only hurts.
            self.known[place] = (bits - noise, 2.0**bits + 10 * noise + node)
        return self.known[place]


pytest.importorskip("optuna", reason="the extra `search` is not installed")


@pytest.mark.parametrize("sampler", ["tpe", "nsga2", "random"])
def test_the_seed_decides_and_a_second_run_computes_nothing(sampler: str) -> None:
    function = Recorded()
    first = search(about(sampler=sampler), axes(about()), function)
    assert function.batches == [5, 5, 5, 5, 4]
    computed = function.computed
    assert search(about(sampler=sampler), axes(about()), function) == first
    assert function.computed == computed
    other = search(about(sampler=sampler, seed=1), axes(about()), function)
    assert other != first


def test_a_shorter_search_is_the_beginning_of_a_longer_one() -> None:
    long = search(about(trials=20), axes(about()), Recorded())
    assert search(about(trials=10), axes(about()), Recorded()) == long[:10]


def test_values_are_those_of_the_space_and_points_without_results_are_told() -> None:
    trials = search(about(sampler="random", trials=60), axes(about()), Recorded())
    for trial in trials:
        assert 0.0 <= trial.settings["nonideality.device_variation"] < 1.0
        assert (trial.measures is None) == (trial.settings["chip.node"] == 65)
    assert {t.settings["array.adc.bits"] for t in trials} == {4, 5, 6, 7, 8, 9}
    assert {t.settings["chip.node"] for t in trials} == {22, 32, 45, 65}


def hypervolume(trials: Sequence[Trial]) -> float:
    """Return the area that two measures dominate, of those at most (4, 600)."""
    found = sorted((t.measures for t in trials if t.measures), reverse=True)
    area, energy = 0.0, 600.0
    ends = [*(accuracy for accuracy, _ in found[1:]), 4.0]
    best = energy
    for (_, cost), (start, end) in zip(
        found, zip((a for a, _ in found), ends, strict=True), strict=True
    ):
        best = min(best, cost)
        area += max(0.0, start - max(end, 4.0)) * (energy - best)
    return area


def test_the_sampler_learns_from_results() -> None:
    """More of the front is found than at random, for each of three seeds."""
    for seed in range(3):
        learned = search(about(trials=60, seed=seed), axes(about()), Recorded())
        random = search(about(trials=60, seed=seed, sampler="random"), axes(about()), Recorded())
        assert hypervolume(learned) > hypervolume(random)


def test_without_optuna_the_message_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(UserError, match=r"needs Optuna.*pip install 'cimsim\[search\]'"):
        search(about(), axes(about()), Recorded())
