"""Synthetic outputs of all stages, written the way the stages write them."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cimsim import schemas
from cimsim.analysis.outputs import PointOutputs
from cimsim.campaign.design import DesignPoint
from cimsim.campaign.expand import Campaign, load_campaign
from cimsim.campaign.keys import group_key, unflatten
from cimsim.campaign.parameters import values
from cimsim.campaign.paths import seeds_file, stage_folder
from cimsim.ppa.results import keyed, write_block
from cimsim.provenance import maker
from cimsim.tables import write_table

IMAGES = 200
LAYERS = ("features.0", "features.3", "classifier")
KINDS = ("conv", "conv", "linear")
MAKER = {"stage": "any", "cimsim": "0.1.0", "commit": "abc", "torch": "2.13.0", "timm": "1.0"}
COMPONENTS = ("ADC", "adders", "buffer", "bus", "layout", "array")


def key_of(*parts: Any) -> str:
    """Return a name for a folder of results."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:12]


class Stages:
    """Writes the results of design points below a folder."""

    def __init__(self, results: Path) -> None:
        self.results = results
        rng = np.random.default_rng(1)
        self.labels = rng.integers(0, 10, IMAGES)
        self.margin = rng.normal(2.0, 1.0, IMAGES)  # a network with about 98 % accuracy

    def campaign(self, text: str) -> Campaign:
        """Expand a campaign file with this text and write the results of all its points."""
        file = self.results.parent / "config" / "campaigns" / "test.yaml"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
        campaign = load_campaign(file)
        self.fill(campaign)
        return campaign

    def fill(self, campaign: Campaign) -> None:
        """Write the results of all points of a campaign."""
        files = {seeds_file(a, b): range(a, b + 1) for a, b in campaign.seeds.blocks()}
        for point in campaign.points:
            design = values(point.point)
            folders = {s: stage_folder(s, key, self.results) for s, key in point.keys.items()}
            folders["ppa"] = stage_folder("ppa", group_key(point.keys), self.results)
            self.write(folders, files, design, point.keys["ppa"])

    def point(
        self, changed: dict[str, Any], seeds: range = range(4), sweeps: tuple[str, ...] = ("all",)
    ) -> PointOutputs:
        """Write all results of one design point and return where they are."""
        design = values(DesignPoint.model_validate(unflatten(changed)))
        accuracy = {k: v for k, v in changed.items() if not k.startswith("chip.")}
        hardware = {k: v for k, v in changed.items() if not k.startswith("nonideality.")}
        keys = {
            "checkpoint": key_of("checkpoint"),
            "calibrate": key_of("calibrate"),
            "map": key_of("map"),
            "infer": key_of("infer", accuracy),
            "trace": key_of("trace"),
            "ppa": key_of("ppa", hardware),
        }
        folders = {stage: self.results / stage / key for stage, key in keys.items()}
        folders["ppa"] = self.results / "ppa" / group_key(keys)
        files = {
            f"seeds_{block[0]:04d}_{block[-1]:04d}.parquet": block
            for block in (seeds[i : i + 2] for i in range(0, len(seeds), 2))
        }
        self.write(folders, files, design, keys["ppa"])
        return PointOutputs(key_of(changed), sweeps, design, keys, folders, files)

    def write(
        self,
        folders: Mapping[str, Path],
        files: Mapping[str, range],
        design: dict[str, Any],
        key: str,
    ) -> None:
        """Write the files of all stages that the join reads."""
        self._calibrate(folders["calibrate"])
        self._map(folders["map"])
        self._infer(folders["infer"], files, design)
        self._ppa(folders["ppa"], design, key)

    def _predict(self, right: np.ndarray) -> np.ndarray:
        return np.where(right, self.labels, (self.labels + 1) % 10)

    def _calibrate(self, folder: Path) -> None:
        write_table(
            folder / "predictions.parquet",
            {
                "image": np.arange(IMAGES),
                "label": self.labels,
                "float_prediction": self._predict(self.margin > 0),
                "quantized_prediction": self._predict(self.margin > 0.1),
                "quantized_logits": np.zeros((IMAGES, 10)).tolist(),
            },
            schemas.PREDICTIONS,
            {"stage": "calibrate"},
        )

    def _map(self, folder: Path) -> None:
        counts = {f.name: [1] * len(LAYERS) for f in schemas.LAYERS}
        columns = {
            **counts,
            "layer": LAYERS,
            "index": range(len(LAYERS)),
            "kind": KINDS,
            "pooled": [False] * len(LAYERS),
            "on_array": [True] * len(LAYERS),
            "cell_utilization": [0.5, 0.75, 1.0],
        }
        write_table(folder / "layers.parquet", columns, schemas.LAYERS, {"stage": "map"})

    def outcomes(self, design: dict[str, Any], seed: int) -> np.ndarray:
        """Return which images a chip gets right: worse with noise and coarse ADCs."""
        sigma = 10 * design["nonideality.device_variation"]
        read = 20 * design["nonideality.read_noise"]
        drift = (
            0.8
            * design["nonideality.retention.exponent"]
            * math.log10(1 + design["nonideality.retention.time"])
        )
        stuck = 40 * design["nonideality.stuck_at_0"] + 80 * design["nonideality.stuck_at_1"]
        coarse = 2.0 ** (6.0 - design["array.adc.bits"]) - 0.25
        rng = np.random.default_rng([seed, 5])
        chip, noise = rng.normal(), rng.normal(size=IMAGES)
        loss = coarse + drift * 6 + stuck + sigma * (0.4 + 0.3 * chip) + read * (0.3 + 0.5 * noise)
        return np.asarray(self.margin > 0.1 + np.maximum(loss, 0.0))

    def _infer(self, folder: Path, files: Mapping[str, range], design: dict[str, Any]) -> None:
        for name, block in files.items():
            outcomes = [self.outcomes(design, seed) for seed in block]
            write_table(
                folder / name,
                {
                    "seed": block,
                    "images": [IMAGES] * len(block),
                    "correct": [int(o.sum()) for o in outcomes],
                    "accuracy": [float(o.mean()) for o in outcomes],
                    "logit_error_rms": [0.01 * (1 + seed) for seed in block],
                    "predictions": [self._predict(o) for o in outcomes],
                },
                schemas.SEEDS,
                MAKER,
            )

    def _ppa(self, group: Path, design: dict[str, Any], key: str) -> None:
        node, bits = design["chip.node"], design["array.adc.bits"]
        cell = {"sram": 4.0, "rram": 1.0, "fefet": 1.2, "nvcap": 1.5}[design["cell.technology"]]
        shrink = (node / 22) ** 1.7
        area = {
            "area_array_m2": 5e-7 * cell * shrink,
            "area_interconnect_m2": 3.8e-6 * shrink,
            "area_adc_m2": 3.9e-6 * shrink * 2.0 ** (bits - 7),
            "area_accumulation_m2": 2.4e-6 * shrink,
            "area_other_m2": 7.5e-6 * shrink,
            "area_dynamic_products_m2": 5e-7 * shrink,
            "area_digital_operations_m2": 7e-7 * shrink,
        }
        energy = {
            "energy_adc_j": 4.5e-7 * shrink * 2.0 ** (0.7 * (bits - 7)),
            "energy_accumulation_j": 3e-8 * shrink * bits / 7,
            "energy_other_j": 2.4e-7 * shrink,
            "energy_dynamic_products_j": 3e-8 * shrink,
            "energy_digital_operations_j": 1e-8 * shrink,
        }
        dynamic = sum(energy.values())
        chip: dict[str, Any] = {
            **{f.name: 1 for f in schemas.CHIP},
            **area,
            **energy,
            "area_m2": sum(area.values()) + 4e-8,
            "energy_buffer_j": 2.6e-9,
            "energy_interconnect_j": 7.5e-8 * shrink,
            "energy_dynamic_j": dynamic,
            "energy_leakage_j": 2e-9 * cell,
            "latency_s": 7e-6,
            "tops_per_w": 13.0 / (dynamic * 1e6),
            "tops": 2.0,
            "memory_utilization": 0.55,
            "not_counted": "bias addition; memory outside the chip",
        }
        about = {"key_text": ["{}"], "made_by": [maker(MAKER)]}
        rows = {name: [value] for name, value in chip.items()}
        names = (*LAYERS, "scores")  # a product of activations after the second layer
        figures: dict[str, Any] = {f.name: [0.25] * len(names) for f in schemas.PPA_LAYERS}
        for count in ("tile_rows", "tile_columns", "speed_up_rows", "speed_up_columns"):
            figures[count] = [2] * len(names)
        figures |= {"layer": names, "index": [*range(len(LAYERS)), 1]}
        figures |= {"mapping": ["novel"] * 3 + ["digital"]}
        figures |= {"operation": ["matrix"] * 3 + ["product"]}
        figures["energy_dynamic_j"] = [dynamic * share for share in (0.5, 0.3, 0.1, 0.1)]
        scopes = ("chip", *names)
        parts = {
            "scope": [scope for scope in scopes for _ in COMPONENTS],
            "component": [name for _ in scopes for name in COMPONENTS],
            "area_m2": [1e-7 * (scope == "chip") for scope in scopes for _ in COMPONENTS],
            "energy_j": [1e-8 * (scope != "chip") for scope in scopes for _ in COMPONENTS],
            "energy_leakage_j": [1e-10 * (scope != "chip") for scope in scopes for _ in COMPONENTS],
            "leakage_w": [1e-6 * (scope == "chip") for scope in scopes for _ in COMPONENTS],
        }
        tables = {
            "chip": keyed(key, {**about, **rows}, schemas.CHIP_ROWS),
            "layers": keyed(key, figures, schemas.LAYER_ROWS),
            "components": keyed(key, parts, schemas.COMPONENT_ROWS),
        }
        write_block(group / key, [tables], {"stage": "ppa"})


@pytest.fixture
def stages(tmp_path: Path) -> Stages:
    """Return a writer of synthetic results below the test's folder."""
    return Stages(tmp_path / "results")


@pytest.fixture(scope="session")
def stages_at() -> type[Stages]:
    """Return the writer's class, for tests that choose the folder."""
    return Stages
