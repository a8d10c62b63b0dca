"""PPA engine against DNN+NeuroSim V1.5, and further design points against the first.

    python benchmarks/ppa.py

Networks of the sizes that the reference was timed on (VGG8 145 s, ResNet-18 126 s: one image, 22 nm
RRAM, 128 x 128, 8/8 bits, one thread of an AMD Zen 4 server, gcc -O3) and ResNet-50 at ImageNet
size. Weights and inputs are synthetic (cimsim.ppa.generator) and written as the map and trace
stages write them. Each network is a process of its own, so that the peak memory is its own.

`first` is the time from these files to the tables of a design point: reading, counting the
activity, evaluating. A further point shares files and activity; `ADC` has another resolution,
`node` another technology. Ratios are of CPU seconds of all threads (medians), which count on a busy
machine too; wall times are beside them.

The last line compares sensing by a SAR ADC with the simplest correct version: one matrix product
for each subarray and input bit in numpy. Its energy is that of the cells; cimsim adds what the
model charges for processing elements that are empty (chip quirk 37).
"""

from __future__ import annotations

import argparse
import json
import math
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cimsim import schemas
from cimsim.campaign.design import DesignPoint
from cimsim.campaign.keys import unflatten
from cimsim.ppa import generator
from cimsim.ppa.cases import read_network
from cimsim.ppa.engine import Activity, NetworkLayer
from cimsim.ppa.parameters import design_context
from cimsim.ppa.stage import Network, evaluate_design
from cimsim.tables import write_table

NETWORKS = Path(__file__).parent / "networks"
REFERENCE_SECONDS = {"vgg8": 145.4, "resnet18": 126.3}
SENSING = {
    "voltage": {},
    "SAR": {"array.adc.kind": "sar"},
    "current": {"array.adc.sensing": "current"},
    "row by row": {"array.parallel_rows": 1},
}
REPEATS = 3
BITS = 8

Codes = NDArray[np.integer[Any]]

Seconds = tuple[float, float]
"""CPU and wall time."""


def write_network(layers: list[NetworkLayer], folder: Path) -> None:
    """Write weights and inputs of a network as the map and trace stages do."""
    columns: dict[str, list[Any]] = {name: [] for name in schemas.LAYERS.names}
    weights: dict[str, list[Any]] = {name: [] for name in schemas.WEIGHT_CODES.names}
    trace: dict[str, list[Any]] = {name: [] for name in schemas.TRACE.names}
    for i, layer in enumerate(layers):
        vectors = int(layer.positions)
        row = dict.fromkeys(schemas.LAYERS.names, 1) | {
            "layer": layer.name,
            "index": i,
            "kind": "conv",
            "in_channels": layer.in_channels,
            "in_height": layer.height,
            "in_width": layer.width,
            "kernel_height": layer.kernel_height,
            "kernel_width": layer.kernel_width,
            "out_channels": layer.out_channels,
            "pooled": layer.pooled,
            "on_array": True,
            "rows": layer.rows,
            "columns": layer.out_channels,
            "vectors": vectors,
        }
        codes = generator.weights(1, i, layer.rows, layer.out_channels, BITS) - 127
        stored = [layer.name, layer.rows, layer.out_channels, codes.astype(np.int8).tobytes()]
        inputs = generator.inputs(1, i, layer.rows, vectors, BITS)
        seen = [layer.name, 0, layer.rows, vectors, BITS, inputs.tobytes()]
        for table, values in (
            (columns, list(row.values())),
            (weights, stored),
            (trace, seen),
        ):
            for column, value in zip(table.values(), values, strict=True):
                column.append(value)
    write_table(folder / "layers.parquet", columns, schemas.LAYERS, {})
    write_table(folder / "weights.parquet", weights, schemas.WEIGHT_CODES, {})
    write_table(folder / "trace.parquet", trace, schemas.TRACE, {})
    nothing = schemas.OPERATIONS.empty_table().to_pydict()  # the arrays alone, as the reference
    write_table(folder / "operations.parquet", nothing, schemas.OPERATIONS, {})


def design(**changed: Any) -> DesignPoint:
    """Return a design point with RRAM at 22 nm but for the fields given by dotted name."""
    return DesignPoint.model_validate(unflatten({"cell.technology": "rram", **changed}))


def timed(work: Callable[[], Any]) -> tuple[Any, Seconds]:
    """Return a result with the CPU and wall time that it took."""
    cpu, wall = time.process_time(), time.perf_counter()
    result = work()
    return result, (time.process_time() - cpu, time.perf_counter() - wall)


def median(times: list[Seconds]) -> Seconds:
    """Return the medians of CPU and wall times."""
    cpu, wall = zip(*times, strict=True)
    return statistics.median(cpu), statistics.median(wall)


def measure(folder: Path, threads: int) -> dict[str, dict[str, Seconds]]:
    """Return times by sensing and point: first, ADC, node."""
    found = {}
    for name, fields in SENSING.items():
        points = {
            "first": design(**fields),
            "ADC": design(**fields, **{"array.adc.bits": 6}),
            "node": design(**fields, **{"chip.node": 32}),
        }
        times: dict[str, list[Seconds]] = {which: [] for which in points}
        for _ in range(REPEATS):

            def start(point: DesignPoint = points["first"]) -> Network:
                network = Network.read(folder, folder, threads)
                evaluate_design(point, network)
                return network

            network, seconds = timed(start)
            times["first"].append(seconds)
            for which in ("ADC", "node"):
                work = partial(evaluate_design, points[which], network)
                times[which].append(timed(work)[1])
        found[name] = {which: median(listed) for which, listed in times.items()}
    return found


def run_network(name: str, threads: int) -> None:
    """Print times and peak memory (MiB) of one network as JSON."""
    layers = read_network(NETWORKS / f"{name}.csv")
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.executable, __file__, "--write", name, "--folder", folder], check=True)
        times = measure(Path(folder), threads)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"layers": len(layers), "times": times, "peak": peak}))


def simplest(layer: NetworkLayer, codes: Codes, weights: Codes, point: DesignPoint) -> float:
    """Return the SAR energy (J) of a layer: a matrix product for each subarray and input bit.

    The same formula as in tests/ppa/test_conservation.py, without copies of the weights.
    """
    context, size = design_context(point), point.array.rows
    values, fit = context.parameters.values(), context.technology.sar_power
    lowest, span = values["minConductance"], values["maxConductance"] - values["minConductance"]
    level_watt = fit.per_bit * math.log2(values["levelOutput"]) + fit.base
    joule = 0.0
    columns = np.arange(layer.out_channels * BITS)
    for top in range(0, layer.rows, size):
        rows = np.arange(top, min(top + size, layer.rows))
        down = (len(rows) - np.arange(len(rows)))[:, None] * context.parameters.wire_resistance_col
        for left in range(0, len(columns), size):
            here = columns[left : left + size]
            digit = weights[np.ix_(rows, here // BITS)] >> (BITS - 1 - here % BITS) & 1
            along = (np.arange(len(here)) + 1) * context.parameters.wire_resistance_row
            access = 0.25 * values["resistanceOn"]
            path = 1 / (1 / (lowest + digit * span) + along + down + access)
            for bit in range(BITS):
                active = ((codes[rows] >> bit) & 1).T.astype(float)
                with np.errstate(divide="ignore"):
                    scaled = 0.5 / values["readVoltage"] / (active @ path)
                watt = level_watt + fit.factor * np.exp(fit.exponent * np.log10(scaled))
                watt = np.where(np.isinf(scaled), 1e-6, np.maximum(watt, 0.0))
                joule += float(watt.sum()) * (math.log2(values["levelOutput"]) + 1) * 1e-9
    return joule


def compare_sensing() -> None:
    """Print our time and that of the simplest version for the second layer of VGG8."""
    layer = read_network(NETWORKS / "vgg8.csv")[1]
    codes = generator.inputs(1, 1, layer.rows, int(layer.positions), BITS)
    weights = generator.weights(1, 1, layer.rows, layer.out_channels, BITS).astype(np.int32)
    fields = {"array.adc.kind": "sar", "chip.mapping": "conventional", "chip.pipeline": False}
    point = design(**fields)

    def ours() -> float:
        report = Activity([layer], [[codes]], [weights], BITS).evaluate(design_context(point))
        return report.layers[0].energy["sar_adc"]

    theirs, slow = timed(lambda: simplest(layer, codes, weights, point))
    results = [timed(ours) for _ in range(REPEATS)]
    fast = median([seconds for _, seconds in results])
    print(
        f"\nSensing of VGG8's second layer, one thread: simplest version {slow[0]:.2f} s, "
        f"cimsim {fast[0]:.3f} s, ratio {slow[0] / fast[0]:.1f}; "
        f"energies {theirs:.6e} and {results[0][0]:.6e} J."
    )


def main() -> None:
    """Print tables of times, ratios and peak memory."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--threads", type=int, default=2)
    options.add_argument("--network", help=argparse.SUPPRESS)
    options.add_argument("--write", help=argparse.SUPPRESS)
    options.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    given = options.parse_args()
    if given.write:
        write_network(read_network(NETWORKS / f"{given.write}.csv"), given.folder)
        return
    if given.network:
        run_network(given.network, given.threads)
        return
    print("| network | sensing | first: CPU s | wall s | reference s | reference / CPU |")
    print("|---|---|---:|---:|---:|---:|")
    results = {}
    for name in ("vgg8", "resnet18", "resnet50"):
        command = [sys.executable, __file__, "--network", name, "--threads", str(given.threads)]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        results[name] = json.loads(done.stdout)
        reference = REFERENCE_SECONDS.get(name)
        for sensing, times in results[name]["times"].items():
            cpu, wall = times["first"]
            known = f"{reference} | {reference / cpu:.0f}" if reference else "- | -"
            print(f"| {name} | {sensing} | {cpu:.4f} | {wall:.4f} | {known} |", flush=True)
    print("\n| network | sensing | ADC: CPU ms | first / ADC | node: CPU ms | first / node |")
    print("|---|---|---:|---:|---:|---:|")
    for name, result in results.items():
        for sensing, times in result["times"].items():
            first = times["first"][0]
            cells = [
                f"{1e3 * times[w][0]:.2f} | {first / times[w][0]:.1f}" for w in ("ADC", "node")
            ]
            print(f"| {name} | {sensing} | {' | '.join(cells)} |")
    peaks = ", ".join(f"{name} {result['peak']:.0f} MiB" for name, result in results.items())
    print(f"\nPeak memory: {peaks}.")
    compare_sensing()


if __name__ == "__main__":
    main()
