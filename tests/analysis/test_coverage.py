"""Coverage of the 95 % intervals, by simulation of campaigns whose true accuracy is known.

Latent model: image i is right on chip s if mu + image[i] + chip[s] + noise[i, s] > 0, all Gaussian,
so that the accuracy over all images and chips is Phi(mu / total deviation). The quantised baseline
is right if mu + shift + image[i] > 0. The true coverage lies within the bounds below; with 1,000
runs the estimate itself has a standard deviation of 0.7 %.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from scipy import stats

from cimsim.analysis.intervals import CrossedCounts, accuracy_interval, change_interval


@dataclass(frozen=True)
class Regime:
    """A kind of campaign: sizes, accuracy and deviations of the latent effects."""

    images: int
    seeds: int
    accuracy: float
    image: float
    chip: float
    noise: float

    def coverage(self, runs: int) -> tuple[float, float]:
        """Return the share of runs whose interval holds the true accuracy, and the true change."""
        rng = np.random.default_rng(20240501)
        total = np.hypot(np.hypot(self.image, self.chip), self.noise)
        mu = stats.norm.ppf(self.accuracy) * total
        shift = 0.3
        change = self.accuracy - stats.norm.cdf((mu + shift) / self.image)
        held = np.zeros(2)
        for _ in range(runs):
            image = self.image * rng.normal(size=self.images)
            chip = self.chip * rng.normal(size=self.seeds)
            noise = self.noise * rng.normal(size=(self.images, self.seeds))
            counts = CrossedCounts.of(mu + image[:, None] + chip + noise > 0)
            ours = accuracy_interval(counts)
            paired = change_interval(counts, mu + shift + image > 0)
            held += ours.low <= self.accuracy <= ours.high, paired.low <= change <= paired.high
        return held[0] / runs, held[1] / runs


REGIMES = {
    "no seed variance": Regime(450, 4, 0.9, 1.0, 0.0, 0.0),
    "read noise, no seed variance": Regime(450, 4, 0.9, 1.0, 0.0, 0.5),
    "a little of each": Regime(450, 4, 0.9, 1.0, 0.1, 0.3),
    "chips differ": Regime(450, 8, 0.9, 1.0, 0.3, 0.3),
    "chips differ, three seeds": Regime(450, 3, 0.7, 1.0, 0.3, 0.3),
    "chips differ, two seeds": Regime(450, 2, 0.9, 1.0, 0.3, 0.3),
    "few images, many seeds": Regime(100, 20, 0.8, 1.0, 0.2, 0.5),
    "coin toss": Regime(450, 4, 0.5, 0.1, 0.0, 1.0),
    "near chance": Regime(450, 5, 0.1, 0.5, 0.1, 1.0),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", REGIMES)
def test_coverage_is_nominal(name: str) -> None:
    accuracy, change = REGIMES[name].coverage(1000)
    assert 0.925 <= accuracy <= 0.985
    assert 0.925 <= change <= 0.985


@pytest.mark.slow
def test_coverage_with_chips_that_differ_wildly() -> None:
    # Four chips between useless and perfect: skewed and few. The worst regime known.
    accuracy, change = Regime(450, 4, 0.7, 1.0, 0.8, 0.3).coverage(1000)
    assert 0.92 <= accuracy <= 0.98
    assert 0.92 <= change <= 0.98


@pytest.mark.slow
@pytest.mark.parametrize("accuracy", [0.97, 0.99, 0.995, 0.998])
def test_coverage_near_one_hundred_percent(accuracy: float) -> None:
    # Few failing images make the counts coarse: the change is conservative here, never too narrow.
    ours, change = Regime(450, 5, accuracy, 1.0, 0.1, 0.3).coverage(1000)
    assert 0.925 <= ours <= 0.99
    assert change >= 0.94


def test_images_alone_would_be_too_narrow() -> None:
    # The reason for all this: Wilson's interval over images misses the truth when chips differ.
    regime = Regime(450, 4, 0.9, 1.0, 0.3, 0.3)
    rng = np.random.default_rng(1)
    mu = stats.norm.ppf(regime.accuracy) * np.sqrt(1.0 + 0.09 + 0.09)
    held = 0
    for _ in range(200):
        image = rng.normal(size=(450, 1))
        outcomes = mu + image + 0.3 * rng.normal(size=4) + 0.3 * rng.normal(size=(450, 4)) > 0
        interval = stats.binomtest(int(outcomes.sum()), outcomes.size).proportion_ci(
            method="wilson"
        )
        held += interval.low <= regime.accuracy <= interval.high
    assert held / 200 < 0.6
