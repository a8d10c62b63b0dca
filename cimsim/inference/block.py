"""A job of the infer stage on a block of design points that share their mapping."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Sequence
from pathlib import Path

from cimsim import failures as failed
from cimsim.arrays.product import Device
from cimsim.campaign.member import Member
from cimsim.campaign.paths import KEY_FILE, benchmark_file, seeds_file, stage_folder
from cimsim.campaign.seeds import Seeds
from cimsim.errors import UserError
from cimsim.inference.stage import Bench
from cimsim.inference.stopping import Block, blocks_needed
from cimsim.provenance import provenance
from cimsim.schemas import SEEDS
from cimsim.tables import read_table, write_atomically
from cimsim.workloads.torch_setup import reproducible

NAMED_FAILURES = 5
"""Design points that could not be simulated, as far as a message names them."""

log = logging.getLogger(__name__)


def infer_block(
    members: Sequence[Member], seeds: Seeds, *, results: Path, device: Device = "cpu"
) -> list[int]:
    """Write the files of seeds of every member that are not there yet.

    A member that cannot be simulated does not keep the others from it.

    Args:
        members: design points that share checkpoint, calibration and mapping.
        seeds: which seeds, and the rule that ends them.
        results: folder of all results.
        device: what computes the array products.

    Returns:
        The number of files of seeds that each member needs.

    Raises:
        UserError: some members failed (after the others), or a file cannot be used.
    """
    job = _Job(members[0], seeds, results, device)
    counts: list[int] = []
    failures: list[str] = []
    with reproducible():
        for member in members:
            key = member.keys["infer"]
            try:
                counts.append(job.run(member))
            except UserError as error:
                failures.append(f"{member.name or key}: {error}")
                failed.record(results, "infer", key, str(error))
                log.info("failed: %s", failures[-1])
            else:
                failed.clear(results, "infer", key)
    if failures:
        named = "; ".join(failures[:NAMED_FAILURES])
        raise UserError(f"{len(failures)} of {len(members)} design points failed: {named}")
    return counts


class _Job:
    """The network that the members share, loaded when the first of them needs it."""

    def __init__(self, first: Member, seeds: Seeds, results: Path, device: Device) -> None:
        self._first, self._seeds, self._results, self._device = first, seeds, results, device
        self._bench: Bench | None = None

    def run(self, member: Member) -> int:
        """Simulate what is missing of a member; return the number of its files of seeds."""
        key = member.keys["infer"]
        folder = stage_folder("infer", key, self._results)

        def accuracies_of(block: Block) -> Sequence[float]:
            path = folder / seeds_file(*block)
            if not path.is_file():
                return self._simulate(member, block, folder)
            if self._seeds.stop is None:
                return ()
            accuracies: list[float] = read_table(path, SEEDS, ["accuracy"])["accuracy"].to_pylist()
            return accuracies

        count = len(blocks_needed(self._seeds, accuracies_of))
        text = member.key_texts["infer"] + "\n"
        if not (folder / KEY_FILE).is_file():
            write_atomically(folder / KEY_FILE, lambda path: path.write_text(text))
        return count

    def _simulate(self, member: Member, block: Block, folder: Path) -> Sequence[float]:
        key = member.keys["infer"]
        log.info("%s, seeds %d to %d: %s", key, *block, member.name)
        bench = self._loaded()
        about = provenance(stage="infer", key=key) | {"device": self._device}
        wall, cpu = time.perf_counter(), time.process_time()
        found = bench.run(
            member.point, range(block[0], block[1] + 1), output=folder, provenance=about
        )
        # The record that Snakemake writes for a job: estimates of the time are made from them.
        spent = {"s": time.perf_counter() - wall, "cpu_time": time.process_time() - cpu}
        record = benchmark_file("infer", key, self._results, block)
        write_atomically(record, lambda path: path.write_text(json.dumps(spent) + "\n"))
        return found

    def _loaded(self) -> Bench:
        if self._bench is None:
            keys = self._first.keys
            self._bench = Bench(
                self._first.point,
                checkpoint=stage_folder("checkpoint", keys["checkpoint"], self._results),
                calibration=stage_folder("calibrate", keys["calibrate"], self._results),
                mapping=stage_folder("map", keys["map"], self._results),
                device=self._device,
            )
        return self._bench
