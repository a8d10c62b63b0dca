"""The entropy observer against its definition, taken bin by bin over all thresholds."""

import math
from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from cimsim.calibration.entropy import least_divergence
from cimsim.calibration.ranges import HALF_BINS, RangeObserver


def brute_force(counts, bins, levels, symmetric):
    """Return the divergence at one threshold, or None if the range has fewer bins than codes."""
    half = len(counts) // 2
    held = [i - half for i, count in enumerate(counts) if count]
    lowest, highest = max(-bins, min(held)), min(bins - 1, max(held))
    lowest, highest = min(lowest, 0), max(highest, -1)
    span = 2 * bins if symmetric else highest - lowest + 1
    if span < levels:
        return None
    step = Fraction(span, levels - 1)
    inside = range(lowest, highest + 1)
    code = {i: math.floor((i + Fraction(1, 2)) / step + Fraction(1, 2)) for i in inside}
    p = dict.fromkeys(inside, 0)
    for i in held:
        p[min(max(i, lowest), highest)] += int(counts[i + half])
    q = dict.fromkeys(inside, Fraction(0))
    for c in set(code.values()):
        members = [i for i in inside if code[i] == c and counts[i + half]]
        for i in members:
            q[i] = Fraction(sum(int(counts[m + half]) for m in members), len(members))
    total_p, total_q = sum(p.values()), sum(q.values())
    divergence = 0.0
    for i in inside:
        if p[i] and not q[i]:
            return math.inf
        if p[i]:
            share = p[i] / total_p
            divergence += share * math.log(share / float(q[i] / total_q))
    return divergence


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_no_threshold_loses_less(data):
    half = data.draw(st.integers(2, 40), label="half")
    sides = data.draw(st.sampled_from([(0, 1), (1, 0), (1, 1)]), label="sides")
    count = st.one_of(st.just(0), st.integers(0, 3), st.integers(0, 2000))
    drawn = st.lists(count, min_size=half, max_size=half)
    halves = [data.draw(drawn) if side else [0] * half for side in sides]
    counts = np.array([*halves[0], *halves[1]], dtype=np.int64)
    if not counts.any():
        counts[-1 if sides[1] else 0] = 1
    levels = data.draw(st.integers(2, 12), label="levels")
    symmetric = data.draw(st.booleans(), label="symmetric")
    used = np.flatnonzero(counts) - half
    below, above = max(0, -int(used[0])), max(0, int(used[-1]) + 1)
    chosen = least_divergence(counts, below, above, levels, symmetric=symmetric)
    largest = max(below, above)
    found = {k: brute_force(counts, k, levels, symmetric) for k in range(1, largest + 1)}
    found = {k: divergence for k, divergence in found.items() if divergence is not None}
    if not found:
        assert chosen == largest
        return
    assert found[chosen] == pytest.approx(min(found.values()), abs=1e-9)
    assert chosen == max(k for k, d in found.items() if d <= found[chosen] + 1e-12)


def test_of_thresholds_that_lose_nothing_the_largest_is_taken():
    """Although the divergences 0 of both are rounded to other values."""
    counts = np.array([1, 3, 0, 0, 0, 0], dtype=np.int64)
    assert brute_force(counts, 2, 2, False) == brute_force(counts, 3, 2, False)
    assert least_divergence(counts, 3, 0, 2, symmetric=False) == 3


def test_few_outliers_are_clipped_and_a_flat_histogram_is_not():
    generator = np.random.default_rng(0)
    observer = RangeObserver()
    observer.update(generator.normal(size=200_000).astype(np.float32))
    observer.update(np.array([100.0], dtype=np.float32))
    low, high = observer.range("entropy", 99.0, 16)
    assert 2.0 < high < 10.0
    assert -high <= low < -2.0
    flat = RangeObserver()
    flat.update(np.linspace(0.0, 1.0, 500_000, dtype=np.float32))
    assert flat.range("entropy", 99.0, 256) == (0.0, 1.0)


def test_zeros_do_not_matter():
    values = np.abs(np.random.default_rng(1).standard_t(3, size=50_000)).astype(np.float32)
    alone, among_zeros = RangeObserver(), RangeObserver()
    alone.update(values)
    among_zeros.update(np.concatenate([np.zeros(90_000, dtype=np.float32), values]))
    expected = alone.range("entropy", 99.0, 64)
    assert expected[1] < values.max()
    assert among_zeros.range("entropy", 99.0, 64) == expected


def test_more_codes_than_bins_clip_nothing():
    observer = RangeObserver()
    values = np.random.default_rng(2).normal(size=10_000).astype(np.float32)
    observer.update(values)
    low, high = observer.range("entropy", 99.0, 4 * HALF_BINS)
    assert (low, high) == (values.min(), values.max())


def test_torchs_divergence_agrees():
    half, levels, counts = 64, 9, np.zeros(128, dtype=np.int64)
    values = np.random.default_rng(3).laplace(0.0, 6.0, 30_000)
    values = values[np.abs(values) < half]
    counts += np.bincount(np.floor(values).astype(int) + half, minlength=2 * half)
    used = np.flatnonzero(counts) - half
    largest = max(-used[0], used[-1] + 1)
    divergences = {}
    for bins in range((levels + 1) // 2, largest + 1):
        centres = torch.arange(-bins, bins, dtype=torch.float64) + 0.5
        codes = torch.floor(centres / (2 * bins / (levels - 1)) + 0.5).long() + levels // 2
        inside = torch.from_numpy(counts[half - bins : half + bins]).double()
        p = inside.clone()
        p[0] += counts[: half - bins].sum()
        p[-1] += counts[half + bins :].sum()
        mass = torch.zeros(levels, dtype=torch.float64).index_add_(0, codes, inside)
        bins_used = torch.zeros_like(mass).index_add_(0, codes, (inside > 0).double())
        q = torch.where(inside > 0, (mass / bins_used)[codes], 0.0)
        kl = torch.nn.functional.kl_div((q / q.sum()).log(), p / p.sum(), reduction="sum")
        divergences[bins] = float(kl)
    chosen = least_divergence(counts, -used[0], used[-1] + 1, levels, symmetric=True)
    finite = {k: d for k, d in divergences.items() if math.isfinite(d)}
    assert chosen == min(finite, key=finite.get) < largest
