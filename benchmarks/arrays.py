"""Array product against the simplest torch version of the same arithmetic, in one run.

    python benchmarks/arrays.py [--workload linear] [--limits]

Four workloads (array_networks.py) times four cases. 8-bit weights and inputs, 1-bit cells, 128
rows, 7-bit ADC: sums of 128 are clipped to 127, so that no case is a plain product. Weights and
inputs are random (inputs uniform in 0 to 1), all layers are on arrays, and what is timed is the
whole model: quantisation, im2col and what lies between the layers are the same code on both sides,
only the array product (array_straightforward.py) differs. CPU seconds of one thread, medians;
samples are images, or vectors of the linear layer. The torch version takes networks in batches of
two images, cimsim of eight. Each workload and side is a process of its own, whose peak memory over
the four cases is given (about 280 MiB are Python with torch). Where nothing is random, both sides
have to return the same numbers.

Then the machine's limits (array_limits.py), and networks on a GPU where there is one
(array_gpu.py).
"""

from __future__ import annotations

import argparse
import hashlib
import json
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import array_gpu
import array_limits
import torch
from array_networks import WORKLOADS
from array_straightforward import StraightforwardProduct

from cimsim.campaign.design import DesignPoint
from cimsim.campaign.keys import unflatten
from cimsim.inference.convert import CimModel

CASES = {
    "ideal cells": (0.0, 0.0),
    "fresh read noise": (0.0, 0.05),
    "frozen variation": (0.1, 0.0),
    "variation and read noise": (0.1, 0.05),
}
"""Device variation and read noise, relative to a cell's conductance."""


class StraightforwardModel(CimModel):
    """The same model with the straightforward products."""

    def program(self, seed: int) -> None:
        """Draw the cells anew."""
        torch.manual_seed(seed)
        deviations = self.design.nonideality
        for layer in self._quantized.layers:
            layer.products = [
                StraightforwardProduct(
                    weights,
                    layer.coding.zero_point,
                    deviations.device_variation,
                    deviations.read_noise,
                )
                for weights in layer.group_weights()
            ]


SIDES = {"torch": StraightforwardModel, "cimsim": CimModel}


def conversions(model: CimModel) -> int:
    """Return the number of ADC conversions for one input."""
    total = 0
    for layer in model._quantized.layers:
        settings, shape = model._settings[layer.shape.name], layer.shape
        reads = settings.input_cycles * settings.cells_per_weight * settings.groups(shape.rows)
        total += reads * shape.vectors * (shape.columns + shape.groups)
    return total


def seconds(work: Callable[[], object], repeats: int) -> float:
    """Return the median CPU time of one call."""
    times = []
    for _ in range(repeats):
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
    return statistics.median(times)


def measure(name: str, side: str) -> dict[str, Any]:
    """Return CPU seconds a sample by case, peak memory (MiB), and a digest of the ideal output."""
    workload = WORKLOADS[name]
    torch.set_num_threads(1)
    torch.manual_seed(0)
    module = workload.build().eval()
    images = torch.rand(workload.batch, *workload.shape)
    found: dict[str, Any] = {"seconds": {}}
    batch = images[: workload.torch_batch] if side == "torch" else images
    for case, (variation, noise) in CASES.items():
        design = {
            "cell.technology": "sram",
            "nonideality.device_variation": variation,
            "nonideality.read_noise": noise,
        }
        model = None  # frees the last one
        model = SIDES[side](module, DesignPoint.model_validate(unflatten(design)), images[:2])
        if case == "ideal cells":
            output = model(images[: workload.torch_batch])
            found["digest"] = hashlib.sha256(output.numpy().tobytes()).hexdigest()
            found["conversions"] = conversions(model)
        took = seconds(lambda model=model: model(batch), workload.repeats)
        found["seconds"][case] = took / len(batch)
    found["peak"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return found


def measured_apart(name: str, side: str) -> dict[str, Any]:
    """Return what :func:`measure` finds in a process of its own."""
    command = [sys.executable, __file__, "--measure", name, side]
    result: dict[str, Any] = json.loads(subprocess.check_output(command, text=True))
    return result


def compare(name: str) -> None:
    """Print the rows of a workload.

    Raises:
        SystemExit: the two sides differ where nothing is random.
    """
    simple, ours = (measured_apart(name, side) for side in SIDES)
    if simple["digest"] != ours["digest"]:
        raise SystemExit(f"{name}: ideal cells give other outputs than the torch version")
    for case in CASES:
        slow, fast = simple["seconds"][case], ours["seconds"][case]
        print(
            f"| {WORKLOADS[name].title} | {case} | {1 / slow:.3g} | {1 / fast:.3g} "
            f"| {slow / fast:.1f} | {1e9 * fast / ours['conversions']:.3f} "
            f"| {simple['peak']:.0f} | {ours['peak']:.0f} |",
            flush=True,
        )


def main() -> None:
    """Print the table of ratios, the machine's limits and what a GPU does."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--workload", choices=WORKLOADS, help="this one alone")
    parser.add_argument("--limits", action="store_true", help="the machine's limits alone")
    parser.add_argument("--measure", nargs=2, metavar=("WORKLOAD", "SIDE"), help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.measure:
        print(json.dumps(measure(*chosen.measure)))
        return
    if not chosen.limits:
        print(
            "| workload | case | torch, samples / CPU s | cimsim | ratio | ns / conversion ", end=""
        )
        print("| torch, MiB | cimsim, MiB |\n|---|---|---:|---:|---:|---:|---:|---:|", flush=True)
        for name in [chosen.workload] if chosen.workload else WORKLOADS:
            compare(name)
    if not chosen.workload:
        array_limits.main()
    if not (chosen.workload or chosen.limits):
        array_gpu.main()


if __name__ == "__main__":
    main()
