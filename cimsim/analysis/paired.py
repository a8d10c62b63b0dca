r"""Differences of two accuracies on the same images and the same chips (common random numbers).

Let d[i, s] be the outcome of one design point on image i and chip s minus that of the other one:
-1, 0 or 1. A seed is one chip, the same cells in both, and the images are the same, so that what
images and chips have in common cancels. The model is the crossed one of :mod:`intervals`,

    d[i, s] = delta + a[i] + b[s] + e[i, s],      variances va, vb, ve,

and the variance of the mean difference, va/I + vb/S + ve/(I S), is estimated from the mean squares:
(MSA - MSE)/(I S) from images with the normal quantile z, MSB/(I S) from chips with Student's
quantile of S - 1 degrees of freedom, weighted by their variances. Two images are added, half of one
for each of the four outcomes of a pair, as Agresti and Min do (Statistics in Medicine 24, 2005,
729), so that points that agree on every image do not get an interval without width.

The same components predict the half-width for other numbers of images and chips:

    h(I, S)^2 = z^2 va/I + t(S - 1)^2 (vb/S + ve/(I S)).

A difference is *decided at a margin* if its interval does not hold 0, or lies within the margin. If
h is at most half the margin one of the two is the case whatever the difference is, so that is the
number of images and seeds that is asked for.

tests/analysis/test_paired.py checks the coverage and the prediction by simulation: nominal or above
where chips shift the two points alike; down to 90 % for fewer than ten chips that hit one of them
much harder, because the differences of chips are skewed then.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from cimsim.analysis.intervals import CONFIDENCE, Interval

PSEUDO_IMAGES = 2
"""Images that are added: half of one for each outcome of a pair (right or wrong, twice)."""

MOST = 1_000_000
"""Images or seeds beyond which more are no answer."""


@dataclass(frozen=True)
class Paired:
    """Components of the variance of a mean difference.

    Attributes:
        images: number of images I.
        seeds: number of chips S.
        difference: mean of d.
        of_images: va, not below 0.
        of_seeds: vb + ve / I as the mean square of chips gives it, for I as it is; 0 for one chip.
        of_noise: ve; for one chip it cannot be told from va and is 0.
    """

    images: int
    seeds: int
    difference: float
    of_images: float
    of_seeds: float
    of_noise: float

    @classmethod
    def of(cls, differences: NDArray[np.int8] | NDArray[np.float64], largest: float = 1.0) -> Self:
        """Decompose a matrix of differences [I, S], of which `largest` is the largest possible."""
        rows, seeds = differences.shape
        images = rows + PSEUDO_IMAGES
        by_image = differences.sum(axis=1, dtype=np.float64)
        by_seed = differences.sum(axis=0, dtype=np.float64)
        # Of the added images one half has the largest and one half the least, on every chip.
        added = seeds * largest**2
        total_squares = float(np.square(differences, dtype=np.float64).sum()) + added
        total = float(by_seed.sum())
        correction = total**2 / (images * seeds)
        between_images = float(np.square(by_image).sum()) / seeds + added - correction
        mean_square_images = between_images / (images - 1)
        mean = total / (rows * seeds)
        if seeds == 1:
            return cls(rows, 1, mean, mean_square_images, 0.0, 0.0)
        between_seeds = max(0.0, float(np.square(by_seed).sum()) / images - correction)
        residual = max(0.0, total_squares - correction - between_images - between_seeds)
        noise = residual / ((images - 1) * (seeds - 1))
        return cls(
            images=rows,
            seeds=seeds,
            difference=mean,
            of_images=max(0.0, mean_square_images - noise) / seeds,
            of_seeds=between_seeds / (seeds - 1) / images,
            of_noise=noise,
        )

    def interval(self, confidence: float = CONFIDENCE) -> Interval:
        """Return the difference with its interval over images and chips.

        With one seed it counts the images alone.
        """
        half = self.half_width(self.images, self.seeds, confidence)
        low, high = self.difference - half, self.difference + half
        return Interval(self.difference, max(-1.0, low), min(1.0, high))

    def half_width(self, images: int, seeds: int, confidence: float = CONFIDENCE) -> float:
        """Return the half-width that `images` and `seeds` would give, were the components true."""
        own = self.images + PSEUDO_IMAGES
        asked = images + PSEUDO_IMAGES
        square = _normal(confidence) ** 2 * self.of_images / asked
        if self.seeds > 1:
            if seeds < 2:
                return math.inf
            chips = max(0.0, self.of_seeds - self.of_noise / own) + self.of_noise / asked
            square += _student(confidence, seeds - 1) ** 2 * chips / seeds
        return math.sqrt(square)

    def images_needed(self, half_width: float, confidence: float = CONFIDENCE) -> int | None:
        """Return the least number of images, with the seeds as they are; None if none is enough."""
        return _least(lambda n: self.half_width(n, self.seeds, confidence) <= half_width)

    def seeds_needed(self, half_width: float, confidence: float = CONFIDENCE) -> int | None:
        """Return the least number of seeds, with the images as they are; None if none is enough."""
        return _least(lambda n: self.half_width(self.images, n, confidence) <= half_width)

    def cheapest(self, half_width: float, confidence: float = CONFIDENCE) -> tuple[int, int] | None:
        """Return images and seeds, not fewer than there are, whose product (the work) is least.

        None if none is enough.
        """
        best: tuple[int, int] | None = None
        seeds = self.seeds
        while seeds <= MOST:
            images = _least(partial(self._is_enough, seeds, half_width, confidence))
            if images is not None:
                images = max(images, self.images)
                if best is None or images * seeds < best[0] * best[1]:
                    best = images, seeds
            if self.seeds == 1:
                break
            seeds += max(1, seeds // 8)
        return best

    def _is_enough(self, seeds: int, half_width: float, confidence: float, images: int) -> bool:
        return self.half_width(images, seeds, confidence) <= half_width


def _least(enough: Callable[[int], bool]) -> int | None:
    """Return the least number for which a condition holds that stays true once it is true."""
    if not enough(MOST):
        return None
    low, high = 0, MOST
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high


@cache
def _normal(confidence: float) -> float:
    return float(stats.norm.ppf((1 + confidence) / 2))


@cache
def _student(confidence: float, freedom: int) -> float:
    return float(stats.t.ppf((1 + confidence) / 2, freedom))
