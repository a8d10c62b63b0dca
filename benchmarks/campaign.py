"""Scale of the workflow: a campaign of 10,000 design points x 20 seeds, planned, run and re-run.

    python benchmarks/campaign.py [--points 10000] [--folder FOLDER]

Every point has an infer key of its own, the worst case. The network is trained, calibrated, mapped
and traced, and the chips are evaluated; the files of seeds are copies of those of one point,
because 200,000 inferences are no question of scale, and the jobs of the infer stage are marked as
done; the workflow, the join and the summary are the real ones. Prints processor time (of
all processes), wall time and the largest memory of a process, against the limits of the project.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import yaml

from cimsim.campaign.expand import load_campaign
from cimsim.campaign.paths import seeds_file, stage_folder
from cimsim.campaign.seed_blocks import seed_blocks

ROOT = Path(__file__).parents[1]
SEEDS = 20


def campaign(points: int) -> dict[str, object]:
    """Return a campaign of `points` noises, 5 ADCs each; one small network."""
    noises = [round(0.0001 * n, 6) for n in range(1, points // 5 + 1)]
    return {
        "name": "scale",
        "base": {
            "preset": "rram-22nm",
            "workload": {"images": 60, "width": 0.0625},
            "quantization.images": 16,
            "nonideality.device_variation": 0.05,
        },
        "sweeps": [{"grid": {"nonideality.read_noise": noises, "array.adc.bits": [4, 5, 6, 7, 8]}}],
        "seeds": {"count": SEEDS, "block": 8},
        "figures": [{"name": "front", "kind": "pareto"}],
    }


def measure(what: str, command: list[str], folder: Path, limit_s: float, limit_gb: float) -> None:
    """Run a command; print its processor and wall time and its memory beside the limits."""
    started = time.perf_counter()
    with (folder / "output.txt").open("w") as output:
        process = subprocess.Popen(command, cwd=folder, stdout=output, stderr=output)
        _, status, used = os.wait4(process.pid, 0)
    wall = time.perf_counter() - started
    if status:
        sys.exit(f"{what} failed:\n{(folder / 'output.txt').read_text()[-2000:]}")
    cpu, memory = used.ru_utime + used.ru_stime, used.ru_maxrss / 1e6
    limits = f"limits {limit_s:.0f} s, {limit_gb:.0f} GB" if limit_s else ""
    print(f"{what:34} {cpu:7.1f} s CPU {wall:7.1f} s wall {memory:6.2f} GB  {limits}", flush=True)


def fill(folder: Path) -> None:
    """Copy the files of seeds of one point to all others, and mark the infer jobs as done."""
    loaded = load_campaign(folder / "c.yaml")
    keys = list(dict.fromkeys(point.keys["infer"] for point in loaded.points))
    results = folder / "results"
    names = [seeds_file(*block) for block in loaded.seeds.blocks()]
    source = {name: (stage_folder("infer", keys[0], results) / name).read_bytes() for name in names}
    for key in keys[1:]:
        target = stage_folder("infer", key, results)
        target.mkdir(parents=True, exist_ok=True)
        for name, content in source.items():
            (target / name).write_bytes(content)
    for block in seed_blocks(loaded):
        block.marker(results).parent.mkdir(parents=True, exist_ok=True)
        text = block.marker_text([len(names)] * len(block.points)) + "\n"
        block.marker(results).write_text(text)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--points", type=int, default=10_000)
    parser.add_argument("--folder", type=Path, default=None, help="default: a temporary one")
    arguments = parser.parse_args()
    folder = arguments.folder or Path(tempfile.mkdtemp())
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "c.yaml").write_text(yaml.safe_dump(campaign(arguments.points)))
    one_point = {**campaign(5), "name": "one", "figures": []}
    one_point["sweeps"] = [{"grid": {"nonideality.read_noise": [0.0001], "array.adc.bits": [4]}}]
    (folder / "one.yaml").write_text(yaml.safe_dump(one_point))
    config = ["--config", "campaign=c.yaml"]
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "Snakefile")]
    run = [*command, "--cores", "2", "--quiet", "all", *config]
    cimsim = [sys.executable, "-m", "cimsim"]
    print(f"{arguments.points} design points x {SEEDS} seeds")
    measure("cimsim plan", [*cimsim, "plan", "c.yaml"], folder, 10, 1)
    measure("snakemake --dry-run", [*run, "--dry-run"], folder, 30, 1)
    one = [*command, "--cores", "2", "--quiet", "all", "--config", "campaign=one.yaml"]
    measure("one point, really", one, folder, 0, 0)
    fill(folder)
    measure("the rest: chips, join, summary", run, folder, 0, 0)
    measure("snakemake, nothing to do", run, folder, 60, 1)
    measure("cimsim plan, all done", [*cimsim, "plan", "c.yaml"], folder, 10, 1)
    measure("cimsim status, all done", [*cimsim, "status", "c.yaml"], folder, 0, 0)
    measure("join alone", [*cimsim, "join", "c.yaml"], folder, 0, 2)


if __name__ == "__main__":
    main()
