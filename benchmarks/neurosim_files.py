"""Reading a weight file of DNN+NeuroSim against numpy's reader, in one run.

    python benchmarks/neurosim_files.py

The largest file of VGG-8: 8192 lines of 1025 integers (30 MB). CPU time, medians.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cimsim.ppa.csv_matrix import read_matrix

ROWS, COLUMNS, REPEATS = 8192, 1025, 3


def straightforward(path: Path) -> NDArray[np.float64]:
    """Return the numbers of a file, read by numpy."""
    return np.loadtxt(path, delimiter=",")


def seconds(read: Callable[[Path], object], path: Path) -> float:
    """Return the median CPU time of reading a file."""
    times = []
    for _ in range(REPEATS):
        start = time.process_time()
        read(path)
        times.append(time.process_time() - start)
    return statistics.median(times)


def main() -> None:
    """Print both times and their ratio."""
    codes = np.random.default_rng(0).integers(0, 255, (ROWS, COLUMNS))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "weight.csv"
        np.savetxt(path, codes, fmt="%d", delimiter=",")
        if not np.array_equal(read_matrix(path), straightforward(path)):
            raise SystemExit("the readers differ")
        ours, theirs = seconds(read_matrix, path), seconds(straightforward, path)
        size = path.stat().st_size / 1e6
    print(f"{size:.0f} MB: cimsim {ours:.2f} s, numpy {theirs:.2f} s, ratio {theirs / ours:.1f}")


if __name__ == "__main__":
    main()
