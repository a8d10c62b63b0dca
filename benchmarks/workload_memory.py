"""Peak memory of the calibrate and trace stages, and size of traces, on images of 224 x 224.

    python benchmarks/workload_memory.py [--model torchvision:resnet50] [--images 2 16]

Weights are random (batch norm has the statistics of 8 images) and images synthetic: smooth fields
with noise, because blank or purely random pixels would compress too well or too badly. Every stage
runs in a process of its own; its peak is what the operating system counts (ru_maxrss), so it holds
the libraries as well. The simplest correct version of a trace is what one byte a code takes.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import torch
from numpy.typing import NDArray

from cimsim.calibration.stage import calibrate
from cimsim.campaign.design import DesignPoint
from cimsim.traces.stage import trace
from cimsim.workloads import datasets
from cimsim.workloads.checkpoints import write_state
from cimsim.workloads.datasets import Dataset
from cimsim.workloads.models import build_network

SIDE, COUNT, CLASSES = 224, 1000, 1000
STAND_IN = "shapes10"
"""Name of the data set whose place the synthetic one takes."""


class SyntheticImages:
    """Images that are drawn, by number, when they are asked for."""

    shape = (COUNT, 3, SIDE, SIDE)

    def __len__(self) -> int:
        return COUNT

    def __getitem__(self, chosen: slice, /) -> NDArray[np.float32]:
        """Return images float32 [n, 3, SIDE, SIDE], normalised as ImageNet's are."""
        return np.stack([_image(number) for number in range(*chosen.indices(COUNT))])


def _image(number: int) -> NDArray[np.float32]:
    draw = np.random.default_rng(number)
    coarse = torch.from_numpy(draw.standard_normal((1, 3, 14, 14), dtype=np.float32))
    smooth = torch.nn.functional.interpolate(coarse, size=SIDE, mode="bicubic")[0].numpy()
    noise = draw.standard_normal((3, SIDE, SIDE), dtype=np.float32)
    pixels: NDArray[np.float32] = smooth + np.float32(0.1) * noise
    return pixels


def synthetic() -> Dataset:
    """Return the data set; both splits hold the same images."""
    labels = np.zeros(COUNT, dtype=np.int64)
    return Dataset(SyntheticImages(), labels, SyntheticImages(), labels, CLASSES)


def write_checkpoint(point: DesignPoint, folder: Path) -> None:
    """Write random weights as the checkpoint stage writes those of a network."""
    torch.manual_seed(7)
    network = build_network(point.workload, synthetic()).train()
    with torch.no_grad():
        network(torch.from_numpy(SyntheticImages()[:8]))
    write_state(folder / "state.parquet", network.state_dict(), {})


def run(stage: str, model: str, images: int, bits: int, folder: Path) -> None:
    """Run one stage in this process and print its peak memory and CPU time."""
    datasets._LOADERS[STAND_IN] = synthetic
    point = DesignPoint.model_validate(
        {
            "workload": {"model": model, "dataset": STAND_IN, "images": images},
            "quantization": {"images": images, "input_bits": bits},
            "chip": {"trace_images": images},
        }
    )
    start = time.process_time()
    if stage == "checkpoint":
        write_checkpoint(point, folder)
    elif stage == "calibrate":
        calibrate(point, checkpoint=folder, output=folder, provenance={})
    else:
        trace(point, checkpoint=folder, calibration=folder, output=folder, provenance={})
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    cpu = time.process_time() - start
    print(f"| {stage} | {images} | {bits} | {peak:.0f} | {cpu:.0f} |", flush=True)


def print_size(path: Path, images: int) -> None:
    """Print what a traced image takes: one byte a code, and in the file."""
    plain = 0
    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(16, columns=["rows", "vectors"]):
            plain += sum(row["rows"] * row["vectors"] for row in batch.to_pylist())
    stored = path.stat().st_size
    print(f"trace: {stored / images / 1e6:.2f} MB an image; as bytes {plain / images / 1e6:.2f} MB")


def main() -> None:
    """Run the stages, each in a process of its own, or one of them (--stage)."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="torchvision:resnet50")
    parser.add_argument("--images", type=int, nargs="+", default=[2, 16])
    parser.add_argument("--bits", type=int, default=8)
    parser.add_argument("--stage", choices=["checkpoint", "calibrate", "trace"])
    parser.add_argument("--folder", type=Path)
    given = parser.parse_args()
    if given.stage:
        run(given.stage, given.model, given.images[0], given.bits, given.folder)
        return
    print(
        "| stage | images | input bits | peak, MiB | CPU s |\n|---|---:|---:|---:|---:|", flush=True
    )
    with tempfile.TemporaryDirectory() as name:
        for images in given.images:
            for stage in ("checkpoint", "calibrate", "trace"):
                if stage == "checkpoint" and (Path(name) / "state.parquet").exists():
                    continue
                options = ["--stage", stage, "--folder", name, "--model", given.model]
                options += ["--images", str(images), "--bits", str(given.bits)]
                subprocess.run([sys.executable, __file__, *options], check=True)
            print_size(Path(name) / "trace.parquet", images)


if __name__ == "__main__":
    main()
