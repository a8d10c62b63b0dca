"""What one conversion of the array product costs at least on this machine; part of arrays.py.

Counts for a conversion of 128 rows with 1-bit cells and inputs, half of which are 1, times the
throughput of one core, measured here: logic, integers and random words by array_limits.cpp
(compiled for this processor), the float product by torch, memory by copying, normal numbers by
cimsim's own kernel. Each line is a floor of its own, without loads, stores and what comes between;
lines of one case add up unless the processor overlaps them.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from cimsim import _native

PARALLEL, COLUMNS = 128, 512
"""Rows of a read; columns of a 512-bit word."""

WORDS = 1 << 16


def nanoseconds(work: Callable[[], object], operations: float) -> float:
    """Return the median CPU time of one operation."""
    work()
    times = []
    for _ in range(7):
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
    return 1e9 * statistics.median(times) / operations


def native_rates() -> list[float]:
    """Return per ns: AND with popcount and full adders (512 bits), 16-bit conversions, words."""
    source = Path(__file__).with_name("array_limits.cpp")
    with tempfile.TemporaryDirectory() as folder:
        program = Path(folder) / "limits"
        compiler = os.environ.get("CXX", "c++")
        flags = ["-std=c++20", "-O3", "-march=native", "-Wno-psabi"]
        subprocess.run([compiler, *flags, str(source), "-o", str(program)], check=True)
        return [float(rate) for rate in subprocess.check_output([program], text=True).split()]


def main() -> None:
    """Print the floors in nanoseconds per conversion."""
    torch.set_num_threads(1)
    counts, adders, conversions, draws = native_rates()
    words = np.random.default_rng(0).integers(0, 1 << 32, WORDS).astype(np.uint32)
    normal = nanoseconds(lambda: _native.normals_of_words(words), WORDS)
    left, right = torch.rand(512, 1024), torch.rand(1024, 1024)
    product = nanoseconds(lambda: left @ right, 512 * 1024 * 1024)
    block = torch.zeros(1 << 24)
    target = torch.empty_like(block)
    byte = nanoseconds(lambda: target.copy_(block), 8 * block.numel())
    print("\n| floor | a conversion takes | ns for one | ns a conversion |")
    print("|---|---|---:|---:|")
    for name, what, count, each in (
        ("popcount", "AND and popcount of 128 bits", PARALLEL / COLUMNS, 1.0 / counts),
        (
            "bit-sliced adders",
            "64 full adders of one bit",
            PARALLEL / 2 / COLUMNS,
            1.0 / adders,
        ),
        ("conversion", "limit, shift, add (16 bits)", 1.0, 1.0 / conversions),
        ("random word", "32 bits of Philox4x32-10", 1.0, 1.0 / draws),
        ("normal number", "one, of a word", 1.0, normal),
        ("float product", "128 multiply-adds", PARALLEL, product),
        ("memory", "4 bytes written, were sums stored", 4.0, byte),
    ):
        print(f"| {name} | {what} | {each:.3g} | {count * each:.3g} |")


if __name__ == "__main__":
    main()
