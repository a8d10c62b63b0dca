r"""When enough chips have been simulated at a design point.

The rule looks at the mean accuracy over chips on the given test images, the part of the uncertainty
that more seeds reduce (what the images contribute stays, however many chips there are; the
intervals of the tables count both). It stops after the first block of seeds at which

    t(S - 1) * s / sqrt(S) <= half_width,

Student's interval of the mean of S independent chips with standard deviation s: the sequential
procedure of fixed width of Chow and Robbins (Annals of Mathematical Statistics 36, 1965, 457), with
Student's quantile for the small S with which it starts. Chips that are equal to the last image give
s = 0 and stop it at once. Because it stops sooner when s comes out small by chance, the interval
covers somewhat less often than its level says while S is small: tests/inference/test_stopping.py
simulates by how much.

Seeds are looked at in their order and in fixed blocks, so that the number of seeds of a point
depends on nothing but the point and the rule.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import cache

import numpy as np
from scipy import stats

from cimsim.campaign.seeds import Seeds

Block = tuple[int, int]
"""First and last seed of a file of results."""


def half_width(accuracies: Sequence[float], confidence: float) -> float:
    """Return the half-width of Student's interval of the mean over chips; infinite for one chip."""
    count = len(accuracies)
    if count < 2:
        return math.inf
    deviation = float(np.std(accuracies, ddof=1))
    return _student(confidence, count - 1) * deviation / math.sqrt(count)


def is_enough(seeds: Seeds, accuracies: Sequence[float]) -> bool:
    """Return whether the rule of `seeds` is met by the accuracies of its first chips."""
    if seeds.stop is None or len(accuracies) < seeds.count:
        return False
    return half_width(accuracies, seeds.stop.confidence) <= seeds.stop.half_width


def blocks_needed(
    seeds: Seeds, accuracies_of: Callable[[Block], Sequence[float] | None]
) -> list[Block]:
    """Return the blocks of seeds that a design point needs, in order.

    Args:
        seeds: which seeds, and the rule that ends them.
        accuracies_of: returns the accuracy of each chip of a block; called for one block after the
            other. None if the block is not there: it is the last one that is returned.
    """
    needed: list[Block] = []
    seen: list[float] = []
    for block in seeds.blocks():
        if is_enough(seeds, seen):
            break
        needed.append(block)
        found = accuracies_of(block)
        if found is None:
            break
        seen += found
    return needed


@cache
def _student(confidence: float, freedom: int) -> float:
    return float(stats.t.ppf((1 + confidence) / 2, freedom))
