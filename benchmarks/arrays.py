"""Array product against the simplest torch version of the same arithmetic, in one run.

    python benchmarks/arrays.py

Linear 1024 x 1024, batch 64, 8-bit weights and inputs, 1-bit cells, 128 rows, 7-bit ADC, one
thread. The torch
version loops over input and weight slices with one batched product over the row groups
each, then rounds and clamps; its read noise is one normal number per conversion. CPU time, medians.
Whole networks on a GPU follow where there is one: see array_gpu.py.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import array_gpu
import numpy as np
import torch

from cimsim.arrays.product import ProgrammedLayer
from cimsim.arrays.settings import ArraySettings
from cimsim.campaign.design import Cell, DesignPoint
from cimsim.campaign.nonideality import Nonideality

ROWS, COLUMNS, BATCH, PARALLEL, BITS, TOP = 1024, 1024, 64, 128, 8, 127
REPEATS = 5


def straightforward(inputs: torch.Tensor, cells: list[torch.Tensor], noise: float) -> torch.Tensor:
    """Return Z [BATCH, COLUMNS] from codes [BATCH, ROWS] and cells [ROWS, COLUMNS] by slice."""
    total = torch.zeros(BATCH, COLUMNS)
    for i in range(BITS):
        x = ((inputs >> i) & 1).float().view(BATCH, -1, PARALLEL).transpose(0, 1)
        for j, plane in enumerate(cells):
            sums = torch.bmm(x, plane.view(-1, PARALLEL, COLUMNS))
            if noise:
                sums += noise * torch.sqrt(sums.clamp(min=0.0)) * torch.randn_like(sums)
            total += sums.round_().clamp_(0, TOP).sum(0) * (1 << (i + j))
    return total


def seconds(work: Callable[[], object]) -> float:
    """Return the median CPU time of one call."""
    work()
    times = []
    for _ in range(REPEATS):
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
    return statistics.median(times)


def main() -> None:
    """Print a table of times and ratios."""
    torch.set_num_threads(1)
    random = np.random.default_rng(0)
    weights = random.integers(-127, 128, (ROWS, COLUMNS)).astype(np.int8)
    codes = random.integers(0, 256, (BATCH, ROWS)).astype(np.uint8)
    inputs = torch.from_numpy(codes.astype(np.int64))
    shifted = torch.from_numpy(weights.astype(np.int64) + 128)
    planes = [((shifted >> j) & 1).float() for j in range(BITS)]
    conversions = BITS * BITS * (ROWS // PARALLEL) * BATCH * (COLUMNS + 1)
    print("| case | straightforward ms | cimsim ms | ratio | ns per conversion |")
    print("|---|---|---|---|---|")
    for name, variation, read_noise in (
        ("ideal cells", 0.0, 0.0),
        ("fresh read noise", 0.0, 0.05),
        ("frozen variation", 0.1, 0.0),
        ("variation and read noise", 0.1, 0.05),
    ):
        point = DesignPoint(
            cell=Cell(technology="sram"),
            nonideality=Nonideality(device_variation=variation, read_noise=read_noise),
        )
        layer = ProgrammedLayer(weights, ArraySettings.from_design(point), "layer", 0)
        simple = seconds(lambda noise=read_noise: straightforward(inputs, planes, noise))
        ours = seconds(lambda layer=layer: layer.product(codes))
        print(
            f"| {name} | {1e3 * simple:.0f} | {1e3 * ours:.1f} | {simple / ours:.1f} "
            f"| {1e9 * ours / conversions:.2f} |"
        )
    array_gpu.main()


if __name__ == "__main__":
    main()
