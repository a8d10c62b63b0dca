"""A folder of images and a network of torchvision through the whole workflow."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
import yaml
from PIL import Image

from cimsim.workloads.torch_setup import import_torchvision

SNAKEFILE = Path(__file__).parents[2] / "Snakefile"


def write_pictures(root: Path) -> None:
    """Write blocks of random colours as JPEG, of several sizes and coarseness."""
    random = np.random.default_rng(0)
    for split, count in (("train", 2), ("val", 3)):
        for name, block in (("coarse", 24), ("fine", 3), ("plain", 96)):
            folder = root / split / name
            folder.mkdir(parents=True)
            for n in range(count):
                height, width = random.integers(40, 90, 2)
                blocks = random.integers(0, 256, (96 // block, 96 // block, 3), dtype=np.uint8)
                pixels = blocks.repeat(block, axis=0).repeat(block, axis=1)[:height, :width]
                Image.fromarray(pixels).save(folder / f"{n}.JPEG", "JPEG")


def network_for(images: torch.Tensor) -> torch.nn.Module:
    """Return a network whose batch norms know these images and whose logits differ among them."""
    from torchvision import models

    torch.manual_seed(2)
    network = models.get_model("shufflenet_v2_x0_5", weights=None, num_classes=3)
    with torch.no_grad():
        for _ in range(20):
            network(images)
        network.eval()
        logits = network(images)
        network.fc.bias -= logits.mean(dim=0)
    return network


@pytest.mark.slow
def test_an_image_folder_and_a_network_of_torchvision(tmp_path: Path) -> None:
    import_torchvision()
    from torchvision import models
    from torchvision.datasets import ImageFolder

    write_pictures(tmp_path / "pictures")
    transform = models.get_model_weights("shufflenet_v2_x0_5").DEFAULT.transforms()
    train = ImageFolder(tmp_path / "pictures/train", transform=transform)
    network = network_for(torch.stack([image for image, _ in train]))
    torch.save(network.state_dict(), tmp_path / "net.pth")
    campaign = {
        "name": "folder",
        "base": {
            "workload": {
                "model": "torchvision:shufflenet_v2_x0_5",
                "dataset": "folder:pictures",
                "checkpoint": "net.pth",
            },
            "quantization.images": 4,
            "array.adc.bits": 8,
        },
        "seeds": {"count": 1},
    }
    (tmp_path / "campaign.yaml").write_text(yaml.safe_dump(campaign))
    command = [sys.executable, "-m", "snakemake", "--cores", "2", "--snakefile", str(SNAKEFILE)]
    command += ["--directory", str(tmp_path), "--config", "campaign=campaign.yaml"]
    run = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert run.returncode == 0, run.stderr[-3000:]

    (found,) = (tmp_path / "results/calibrate").glob("*/predictions.parquet")
    predictions = pq.read_table(found).to_pylist()
    # Each image through torchvision alone, by the order in which the workflow has them.
    reference = ImageFolder(tmp_path / "pictures/val", transform=transform)
    with torch.inference_mode():
        by_path = {
            path: (label, network(image[None])[0].numpy())
            for (path, _), (image, label) in zip(reference.samples, reference, strict=True)
        }
    (index,) = (tmp_path / "data/index").iterdir()
    listed = pq.read_table(index).to_pylist()
    order = [str(tmp_path / "pictures" / row["path"]) for row in listed if row["split"] == "test"]
    expected = [by_path[path] for path in order]
    assert [row["label"] for row in predictions] == [label for label, _ in expected]
    logits = np.stack([logits for _, logits in expected])
    assert len(set(logits.argmax(axis=1))) > 1
    assert [row["float_prediction"] for row in predictions] == logits.argmax(axis=1).tolist()
    # With ideal cells and an ADC that resolves every sum, arrays compute what quantisation does.
    (seeds,) = (tmp_path / "results/infer").glob("*/seeds_*.parquet")
    assert pq.read_table(seeds)["logit_error_rms"].to_pylist() == [0.0]
    (points,) = pq.read_table(tmp_path / "results/campaigns/folder/points.parquet").to_pylist()
    assert points["images"] == 9
    assert points["area_mm2"] > 0
