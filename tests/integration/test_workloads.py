"""The campaign of four families of networks: each stage of each of them, and the whole, trained."""

from __future__ import annotations

import importlib
import json
import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
from PIL import Image

from cimsim.calibration.stage import calibrate
from cimsim.campaign.design import DesignPoint
from cimsim.campaign.expand import load_campaign
from cimsim.inference.stage import infer
from cimsim.mapping.stage import map_network
from cimsim.ppa.stage import Network, evaluate_design
from cimsim.traces.stage import trace
from cimsim.workloads.checkpoints import write_state
from cimsim.workloads.datasets import load_dataset
from cimsim.workloads.models import build_network
from cimsim.workloads.torch_setup import import_torchvision

ROOT = Path(__file__).parents[2]
CAMPAIGN = ROOT / "config/campaigns/workloads.yaml"
FULL_WIDTH = ROOT / "config/campaigns/vgg8.yaml"
FAMILIES = ("vgg8", "resnet20", "vit", "swin")


GROUPED = {
    "timm:mobilenetv3_small_050": (),
    "timm:tf_efficientnet_b0": (),
    "timm:convnext_atto": ("depths=[1, 1, 1, 1]", "dims=[8, 16, 16, 16]"),
}
"""Networks with depthwise convolutions, and arguments that make them small."""


def point_of(family: str) -> DesignPoint:
    """Return the family's design point with three images and an ADC that loses nothing."""
    points = [point.point for point in load_campaign(CAMPAIGN).points]
    if family in GROUPED:
        design = points[0].model_dump(exclude_defaults=True)
        design["workload"] |= {"model": family, "arguments": GROUPED[family], "width": 1.0}
    else:
        (found,) = (point for point in points if point.workload.model == family)
        design = found.model_dump(exclude_defaults=True)
    design["workload"] |= {"images": 3}
    design["quantization"] |= {"images": 8}
    design["array"] = {"adc": {"bits": 8}}
    del design["nonideality"]
    return DesignPoint.model_validate(design)


def untrained(point: DesignPoint, folder: Path) -> Path:
    """Write a seeded network whose batch norms know some images."""
    data = load_dataset(point.workload.dataset)
    with torch.random.fork_rng(), torch.no_grad():
        torch.manual_seed(3)
        network = build_network(point.workload, data).train()
        for _ in range(3):
            network(torch.from_numpy(data.train_images[:16]))
    write_state(folder / "state.parquet", network.state_dict(), {})
    return folder


@pytest.mark.parametrize(
    "family", [*FAMILIES, *(pytest.param(name, marks=pytest.mark.slow) for name in GROUPED)]
)
def test_every_stage_of_an_untrained_network(
    family: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    point = point_of(family)
    folders = {"checkpoint": untrained(point, tmp_path / "c"), "calibration": tmp_path / "q"}
    calibrate(point, checkpoint=folders["checkpoint"], output=folders["calibration"], provenance={})
    map_network(point, **folders, output=tmp_path / "m", provenance={})
    trace(point, **folders, output=tmp_path / "t", provenance={})
    infer(
        point,
        range(1),
        **folders,
        mapping=tmp_path / "m",
        output=tmp_path / "i",
        provenance={},
    )
    (seeds,) = (tmp_path / "i").glob("seeds_*.parquet")
    assert pq.read_table(seeds)["logit_error_rms"].to_pylist() == [0.0]

    tables = evaluate_design(point, Network.read(tmp_path / "m", tmp_path / "t"))
    chip, parts = tables["chip"], tables["components"]
    for quantity, total in (("area_m2", "area_m2"), ("energy_j", "energy_dynamic_j")):
        assert math.fsum(parts[quantity]) == pytest.approx(chip[total][0], rel=1e-12)
    operations = pq.read_table(tmp_path / "m/operations.parquet").to_pylist()
    layers = pq.read_table(tmp_path / "m/layers.parquet").to_pylist()
    macs = sum(row["rows"] * row["columns"] * row["vectors"] for row in layers)
    products = [row for row in operations if row["kind"] == "product"]
    macs += sum(r["batch"] * r["vectors"] * r["rows"] * r["columns"] for r in products)
    assert chip["operations"] == [2 * macs]
    assert chip["area_m2"][0] > 0
    assert (chip["energy_dynamic_products_j"][0] > 0) == bool(products)
    assert any(row["groups"] > 1 for row in layers) == (family in GROUPED)


def trained(campaign: Path, folder: Path) -> list[dict[str, Any]]:
    """Run a campaign through the workflow in `folder`; return its table of points."""
    command = [sys.executable, "-m", "snakemake", "--cores", "2", "--directory", str(folder)]
    command += ["--snakefile", str(ROOT / "Snakefile"), "--config", f"campaign={campaign}"]
    subprocess.run(command, check=True, capture_output=True)
    table = folder / "results/campaigns" / campaign.stem / "points.parquet"
    return pq.read_table(table).to_pylist()


@pytest.mark.slow
def test_vgg8_at_full_width_trained(tmp_path: Path) -> None:
    """About ten minutes, of which training takes nine, on one core."""
    (point,) = trained(FULL_WIDTH, tmp_path)
    layers = pq.read_table(tmp_path / "results/campaigns/vgg8/layers.parquet").to_pylist()
    assert [row["columns"] for row in layers] == [128, 128, 256, 256, 512, 512, 1024, 10]
    assert point["float_accuracy"] > 0.75
    assert abs(point["quantized_accuracy"] - point["float_accuracy"]) < 0.06
    assert -0.25 < point["accuracy_change"] < 0.06
    convolutions = ((3, 128, 32), (128, 128, 32), (128, 256, 16), (256, 256, 16))
    convolutions += ((256, 512, 8), (512, 512, 8))
    macs = sum(9 * channels * out * side**2 for channels, out, side in convolutions)
    assert point["operations"] == 2 * (macs + 8192 * 1024 + 1024 * 10)
    assert point["area_mm2"] > 0
    assert point["energy_j"] > 0


@pytest.mark.slow
def test_the_campaign_trained(tmp_path: Path) -> None:
    points = trained(CAMPAIGN, tmp_path)
    assert [point["workload.model"] for point in points] == list(FAMILIES)
    for point, least in zip(points, (0.85, 0.5, 0.8, 0.7), strict=True):
        assert point["float_accuracy"] > least
        assert abs(point["quantized_accuracy"] - point["float_accuracy"]) < 0.06
    # The last one, the Swin, is the one that noise and ADCs cost most (docs/workloads.md).
    for point, most in zip(points, (0.1, 0.1, 0.1, 0.35), strict=True):
        assert abs(point["accuracy_change"]) < most


@pytest.mark.slow
def test_memory_and_traces_of_resnet50(tmp_path: Path) -> None:
    """Calibration and trace at 224 x 224, of more images than a batch holds."""
    generator = np.random.default_rng(0)
    for number in range(60):
        folder = tmp_path / f"images/class{number % 2}"
        folder.mkdir(parents=True, exist_ok=True)
        pixels = generator.integers(0, 256, (8, 8, 3), dtype=np.uint8)
        picture = Image.fromarray(pixels).resize((256, 256), Image.Resampling.BICUBIC)
        picture.save(folder / f"{number}.png")
    import_torchvision()
    models = importlib.import_module("torchvision.models")
    torch.save(models.resnet50(num_classes=2).state_dict(), tmp_path / "resnet50.pth")
    (tmp_path / "memory.yaml").write_text(
        "name: memory\n"
        "accuracy: false\n"
        "base:\n"
        "  preset: sram-22nm\n"
        "  workload: {model: 'torchvision:resnet50', dataset: 'folder:images', images: 40}\n"
        "  workload.checkpoint: resnet50.pth\n"
        "  quantization.images: 6\n"
        "  chip.trace_images: 4\n"
    )
    trained(tmp_path / "memory.yaml", tmp_path)
    for stage in ("calibrate", "trace"):
        (record,) = (tmp_path / "results/benchmarks" / stage).glob("*.jsonl")
        assert json.loads(record.read_text())["max_rss"] * 2**20 < 3e9
    (trace_file,) = (tmp_path / "results/trace").glob("*/trace.parquet")
    assert trace_file.stat().st_size < 4 * 20e6
