r"""Intervals of accuracies that count both the images and the chips (seeds).

The outcomes of a design point are a matrix y[i, s] in {0, 1}: image i on chip s. Images are a
sample of the population of images, chips are a sample of the chips that could be made, and every
image meets every chip. The model is the crossed two-way random effects model

    y[i, s] = mu + a[i] + b[s] + e[i, s],      variances va, vb, ve;

mu, the accuracy over all images and all chips, is estimated by the mean, whose variance is
va/I + vb/S + ve/(I S). The mean squares of the two-way layout without replication have the
expectations (Searle, Casella, McCulloch, "Variance Components", Wiley 1992, section 4.3)

    E MSA = ve + S va,    E MSB = ve + I vb,    E MSE = ve,

so the variance of the mean has the unbiased estimate (MSA - MSE)/(I S) + MSB/(I S): what images
contribute beyond the interaction, and what the chips contribute, interaction included. (The
bootstrap over both factors of Owen, "The pigeonhole bootstrap", Annals of Applied Statistics 1,
2007, estimates the same but counts the interaction twice more.) There are many images and few
chips; therefore the first term gets the normal quantile z and the second one Student's quantile t
of S - 1 degrees of freedom, each weighted by its variance (Cochran, "Approximate significance
levels of the Behrens-Fisher test", Biometrics 20, 1964).

A mean plus or minus its standard error leaves [0, 1] and has no width at 100 %. So the variance
enters the score interval of Wilson (JASA 22, 1927) through an effective sample size n =
p(1-p)/variance + 1, as survey statistics does (Korn, Graubard, Survey Methodology 24, 1998; Franco,
Little, Louis, Slud, J. Survey Statistics and Methodology 7, 2019). The ratio needs a variance that
is not zero by chance; it is taken with z^2/2 images added that every chip gets right and z^2/2 that
every chip gets wrong, the addition of Agresti and Coull (American Statistician 52, 1998), and z^2
is deducted from n again. If all chips agree, n is exactly I and the interval is Wilson's of the
images.

Coverage of the nominal 95 % was checked by simulation (tests/analysis/test_coverage.py).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

CONFIDENCE = 0.95
"""Nominal coverage of every interval in tables and figures."""


@dataclass(frozen=True)
class Interval:
    """An estimate with the bounds of its confidence interval."""

    estimate: float
    low: float
    high: float


@dataclass(frozen=True)
class CrossedCounts:
    """What the intervals need of an outcome matrix y[image, seed]: its two margins.

    Attributes:
        by_image: int64 [I], number of seeds that get the image right, 0..S.
        by_seed: int64 [S], number of images that the seed gets right, 0..I.
    """

    by_image: NDArray[np.int64]
    by_seed: NDArray[np.int64]

    @classmethod
    def of(cls, outcomes: ArrayLike) -> CrossedCounts:
        """Return the margins of a matrix of outcomes, bool [I, S]."""
        matrix = np.asarray(outcomes, dtype=np.int64)
        return cls(matrix.sum(axis=1), matrix.sum(axis=0))

    @property
    def images(self) -> int:
        """Number of images, I."""
        return len(self.by_image)

    @property
    def seeds(self) -> int:
        """Number of seeds, S."""
        return len(self.by_seed)

    @property
    def accuracy(self) -> float:
        """Share of right outcomes over all images and seeds."""
        return int(self.by_seed.sum()) / (self.images * self.seeds)


def wilson(share: float, size: float, quantile: float) -> tuple[float, float]:
    """Return the bounds of Wilson's score interval of a share in a sample of (effective) `size`."""
    square = quantile**2
    centre = (share + square / (2 * size)) / (1 + square / size)
    spread = math.sqrt(share * (1 - share) / size + square / (4 * size**2))
    half = quantile * spread / (1 + square / size)
    # The exact bounds at 0 and 1 are 0 and 1; rounding must not take them beyond.
    return max(0.0, min(share, centre - half)), min(1.0, max(share, centre + half))


def image_interval(correct: int, images: int, confidence: float = CONFIDENCE) -> Interval:
    """Return the interval of an accuracy without randomness: `correct` of `images` (Wilson)."""
    share = correct / images
    return Interval(share, *wilson(share, images, _normal(confidence)))


def accuracy_interval(counts: CrossedCounts, confidence: float = CONFIDENCE) -> Interval:
    """Return the accuracy over images and seeds with its interval (see the module's text).

    With one seed the variation between chips cannot be estimated: the interval counts the images
    alone.
    """
    z = _normal(confidence)
    pseudo = z**2 / 2
    spread = _Spread.of(counts, pseudo, confidence)
    share = (counts.by_image.sum() / counts.seeds + pseudo) / (counts.images + 2 * pseudo)
    # At least one outcome, even where the estimated variance is larger than any sample's.
    size = max(1.0, share * (1 - share) / spread.variance + 1 - 2 * pseudo)
    mean = counts.accuracy
    return Interval(mean, *wilson(mean, size, spread.quantile))


def change_interval(
    counts: CrossedCounts, baseline: NDArray[np.bool_], confidence: float = CONFIDENCE
) -> Interval:
    """Return the accuracy on arrays minus that of `baseline` on the same images, with its interval.

    The bounds of the two accuracies are combined as if their errors were perpendicular sides of a
    triangle, less what the common images take away through the correlation of the two means:
    Newcombe's interval for paired proportions (Statistics in Medicine 17, 1998, 2635, method 10),
    in the general form of Zou and Donner (Statistics in Medicine 27, 2008, 1693). The correlation
    is that of the image effects; half an image is added to each of the four outcomes (right or
    wrong on arrays and in the baseline) as Agresti and Min do (Statistics in Medicine 24, 2005,
    729), so that it exists at 100 %.

    Args:
        counts: outcomes on arrays.
        baseline: bool [I], whether the quantised network without arrays gets the image right.
        confidence: nominal coverage.
    """
    here = accuracy_interval(counts, confidence)
    there = image_interval(int(baseline.sum()), counts.images, confidence)
    link = _correlation(counts, baseline, confidence)
    change = here.estimate - there.estimate
    low = _combined(here.estimate - here.low, there.high - there.estimate, link)
    high = _combined(here.high - here.estimate, there.estimate - there.low, link)
    return Interval(change, max(-1.0, change - low), min(1.0, change + high))


def seed_deviation(counts: CrossedCounts) -> float | None:
    """Return the standard deviation of the accuracy over seeds (n - 1), or None for one seed."""
    if counts.seeds < 2:
        return None
    # Of counts, so that equal ones deviate by exactly nothing.
    return float(np.std(counts.by_seed, ddof=1)) / counts.images


@dataclass(frozen=True)
class _Spread:
    """Variance of the mean of a matrix and the quantile that fits it."""

    variance: float
    quantile: float

    @classmethod
    def of(cls, counts: CrossedCounts, pseudo: float, confidence: float) -> _Spread:
        """Decompose the matrix with `pseudo` images added that all get right, and as many wrong."""
        images, seeds = counts.images + 2 * pseudo, counts.seeds
        total = float(counts.by_image.sum()) + seeds * pseudo
        correction = total**2 / (images * seeds)
        between_images = (
            float(np.square(counts.by_image).sum()) / seeds + seeds * pseudo - correction
        )
        mean_square_images = between_images / (images - 1)
        z = _normal(confidence)
        if seeds == 1:
            return cls(mean_square_images / images, z)
        between_seeds = float(np.square(counts.by_seed + pseudo).sum()) / images - correction
        # y is 0 or 1, hence the sum of squares is the sum.
        residual = max(0.0, total - correction - between_images - between_seeds)
        mean_square_error = residual / ((images - 1) * (seeds - 1))
        from_images = max(0.0, mean_square_images - mean_square_error) / (images * seeds)
        from_seeds = max(0.0, between_seeds) / (seeds - 1) / (images * seeds)
        variance = from_images + from_seeds
        if variance == 0.0:
            return cls(mean_square_images / (images * seeds), z)
        student = _student(confidence, seeds - 1)
        return cls(variance, math.sqrt((z**2 * from_images + student**2 * from_seeds) / variance))


def _correlation(counts: CrossedCounts, baseline: NDArray[np.bool_], confidence: float) -> float:
    """Return the correlation of the two means; each variance goes with its quantile squared."""
    images = counts.images + 2
    right = baseline.astype(np.int64)
    mean_here = (counts.by_seed.sum() / counts.seeds + 1) / images
    mean_there = (right.sum() + 1) / images
    product = float((counts.by_image * right).sum()) / counts.seeds + 0.5
    z = _normal(confidence)
    covariance = z**2 * (product - images * mean_here * mean_there) / ((images - 1) * images)
    deviation_there = z * math.sqrt(mean_there * (1 - mean_there) / (images - 1))
    spread = _Spread.of(counts, 1.0, confidence)
    deviation_here = spread.quantile * math.sqrt(spread.variance)
    link = covariance / (deviation_here * deviation_there)
    return min(1.0, max(-1.0, float(link)))


def _combined(first: float, second: float, correlation: float) -> float:
    square = first**2 - 2 * correlation * first * second + second**2
    return math.sqrt(max(0.0, square))


@cache
def _normal(confidence: float) -> float:
    return float(stats.norm.ppf((1 + confidence) / 2))


@cache
def _student(confidence: float, freedom: int) -> float:
    return float(stats.t.ppf((1 + confidence) / 2, freedom))
