"""Observers of activations: time of the entropy search beside its definition, bin by bin.

    python benchmarks/observers.py

The simplest version writes out clipped and quantised histogram for every threshold (S. Migacz, GTC
2017) with whole-array operations; both must choose the same threshold. CPU seconds, medians of 3.
"""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from cimsim.calibration.entropy import least_divergence
from cimsim.calibration.ranges import HALF_BINS, RangeObserver

VALUES = 1_000_000
REPEATS = 3


def written_out(counts: NDArray[np.int64], below: int, above: int, levels: int) -> int:
    """Return the threshold of least divergence; arguments as of :func:`least_divergence`."""
    half, best, least = len(counts) // 2, max(below, above), math.inf
    for bins in range(best, 0, -1):
        left, right = min(bins, below), min(bins, above)
        span = left + right
        if span < levels:
            break
        number = np.arange(-left, right)
        code = ((2 * number + 1) * (levels - 1) + span) // (2 * span)
        code -= code[0]
        inside = counts[half - left : half + right].astype(np.float64)
        p = inside.copy()
        p[0] += counts[: half - left].sum()
        p[-1] += counts[half + right :].sum()
        used = inside > 0
        mass, members = np.bincount(code, inside), np.bincount(code, used)
        q = np.where(used, (mass / np.maximum(members, 1))[code], 0.0)
        if (p[~used] > 0).any():
            continue
        p, q = p[used] / p.sum(), q[used] / q.sum()
        divergence = float(p @ np.log(p / q))
        if divergence < least:
            least, best = divergence, bins
    return best


def cpu_seconds(run: Callable[[], object]) -> float:
    """Return the median CPU time of a call."""
    times = []
    for _ in range(REPEATS):
        started = time.process_time()
        run()
        times.append(time.process_time() - started)
    return statistics.median(times)


def main() -> None:
    """Print the table."""
    values = np.random.default_rng(0).laplace(size=VALUES).astype(np.float32)
    print("| values | bits | threshold | written out, s | cimsim, s | ratio | mse, s |")
    print("|---|---:|---:|---:|---:|---:|---:|")
    for name, seen in (("both signs", values), ("after ReLU", np.maximum(values, 0.0))):
        observer = RangeObserver()
        observer.update(seen)
        for bits in (4, 8):
            levels = 2**bits
            counts, below, above = observer.histogram()
            ours = least_divergence(counts, below, above, levels, symmetric=False)
            assert ours == written_out(counts, below, above, levels)
            slow = cpu_seconds(lambda: written_out(counts, below, above, levels))  # noqa: B023
            fast = cpu_seconds(lambda: observer.range("entropy", 99.0, levels))  # noqa: B023
            mse = cpu_seconds(lambda: observer.range("mse", 99.0, levels))  # noqa: B023
            share = ours / HALF_BINS
            print(
                f"| {name} | {bits} | {share:.2f} | {slow:.2f} | {fast:.3f} | {slow / fast:.0f} | "
                f"{mse:.4f} |"
            )


if __name__ == "__main__":
    main()
