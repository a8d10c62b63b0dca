"""Array products of whole networks on a GPU, and the least that they cost; part of arrays.py.

The layers of benchmarks/networks with their usual padding, all on arrays: 8-bit weights and
inputs, 1-bit cells, 128 rows, 7-bit ADC. The straightforward version is the torch loop over input
and weight slices on the same GPU. Times are medians of the products alone, inputs and results on
the host.
"""

from __future__ import annotations

import csv
import importlib.util
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from array_straightforward import BITS, PARALLEL, cell_planes, straightforward

from cimsim.arrays.product import ProgrammedLayer
from cimsim.arrays.settings import ArraySettings
from cimsim.campaign.design import Cell, DesignPoint, Nonideality

NETWORKS = {"vgg8": 16, "resnet18": 16, "resnet50": 1}
"""Images at a time by network."""

REPEATS = 5

PEAK_INT8 = {"H100": 1979e12, "H200": 1979e12, "A100": 624e12}
"""Operations per second of the tensor cores, dense 8-bit integers, from NVIDIA's data sheets (SXM
modules)."""


def layers(network: str) -> list[tuple[int, int, int]]:
    """Return rows, columns and vectors of one image for each layer."""
    table = csv.DictReader((Path(__file__).parent / "networks" / f"{network}.csv").open())
    return [
        (
            int(row["weight_rows_K"]),
            int(row["out_channels"]),
            -(-int(row["in_height"]) // int(row["stride"]))
            * -(-int(row["in_width"]) // int(row["stride"])),
        )
        for row in table
    ]


def costs(network: str) -> tuple[float, float, float, float]:
    """Return per image: 8-bit multiply-adds, conversions, bytes of inputs and results that have to
    move, and (per network) bytes of cells."""
    products, conversions, traffic, cells = 0.0, 0.0, 0.0, 0.0
    for rows, columns, vectors in layers(network):
        reads = BITS * BITS * vectors * (columns + 1)
        products += reads * rows
        conversions += reads * -(-rows // PARALLEL)
        traffic += vectors * (rows + 8 * (columns + 1))
        cells += BITS * rows * (columns + 1)
    return products, conversions, traffic, cells


def seconds(work: Callable[[], object]) -> float:
    """Return the median wall time of one call, the GPU's work included."""
    work()
    times = []
    for _ in range(REPEATS):
        torch.cuda.synchronize()
        start = time.perf_counter()
        work()
        torch.cuda.synchronize()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def measured(network: str, read_noise: float) -> tuple[float, float]:
    """Return seconds per image of the straightforward version and of cimsim."""
    point = DesignPoint(
        cell=Cell(technology="sram"), nonideality=Nonideality(read_noise=read_noise)
    )
    settings, images = ArraySettings.from_design(point), NETWORKS[network]
    random, simple, ours = np.random.default_rng(0), 0.0, 0.0
    for number, (rows, columns, vectors) in enumerate(layers(network)):
        weights = random.integers(-127, 128, (rows, columns)).astype(np.int8)
        codes = random.integers(0, 256, (images * vectors, rows)).astype(np.uint8)
        layer = ProgrammedLayer(weights, settings, f"layer{number}", 0, device="cuda")
        planes, inputs = cell_planes(weights).float().cuda(), torch.from_numpy(codes)
        simple += seconds(lambda x=inputs, p=planes: straightforward(x.cuda(), p, read_noise).cpu())
        ours += seconds(lambda layer=layer, codes=codes: layer.product(codes))
    return simple / images, ours / images


def main() -> None:
    """Print the least work of each network and, where there is a GPU, what it takes."""
    print("\n| network | 8-bit multiply-adds | conversions | MB moved | MB of cells |")
    print("|---|---:|---:|---:|---:|")
    for network in NETWORKS:
        products, conversions, traffic, cells = costs(network)
        print(
            f"| {network} | {products:.2e} | {conversions:.2e} | {traffic / 1e6:.1f} "
            f"| {cells / 1e6:.1f} |"
        )
    if not torch.cuda.is_available():
        print("\nGPU: no CUDA device")
        return
    if importlib.util.find_spec("triton") is None:
        print("\nGPU: Triton is not installed (pip install 'cimsim[gpu]')")
        return
    device = torch.cuda.get_device_name()
    peak = next((top for name, top in PEAK_INT8.items() if name in device), float("nan"))
    print(f"\n{device}\n")
    print("| network | read noise | straightforward images/s | cimsim images/s | ratio | of peak |")
    print("|---|---:|---:|---:|---:|---:|")
    for network in NETWORKS:
        for noise in (0.0, 0.05):
            simple, ours = measured(network, noise)
            share = 2.0 * costs(network)[0] / ours / peak
            print(
                f"| {network} | {noise} | {1 / simple:.2f} | {1 / ours:.1f} | {simple / ours:.1f} "
                f"| {share:.1%} |"
            )


if __name__ == "__main__":
    main()
