"""Miniature data sets in the formats in which they are published."""

from __future__ import annotations

import hashlib
import pickle
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy.io import savemat

from cimsim.workloads.torch_setup import import_torchvision

WORDNET = ("n01440764", "n01443537", "n01484850")


def write_pictures(
    folder: Path, count: int, seed: int, suffix: str = "png", side: int = 12
) -> None:
    """Write images of noise, each of other sizes of file."""
    folder.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(seed)
    for n in range(count):
        pixels = random.integers(0, 256, (side, side, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{folder.name}_{n:04}.{suffix}")


def write_cifar(
    folder: Path, kind: str, monkeypatch: pytest.MonkeyPatch, images: int = 4
) -> dict[str, dict]:
    """Write the files of cifar10 or cifar100 with few images in each; return their content.

    torchvision compares each file with a check sum that is part of its source; those of the
    miniature files take the place of the published ones for the time of a test.
    """
    import_torchvision()
    import torchvision.datasets

    source = getattr(torchvision.datasets, kind.upper())
    here = folder / source.base_folder
    here.mkdir(parents=True)
    random = np.random.default_rng(5)
    written: dict[str, dict] = {}
    sums = {}
    for split in ("train_list", "test_list"):
        for name, _ in getattr(source, split):
            classes = 10 if kind == "cifar10" else 100
            labels = random.integers(0, classes, images).tolist()
            pixels = random.integers(0, 256, (images, 3 * 32 * 32), dtype=np.uint8)
            names = [f"image_{n}.png" for n in range(images)]
            written[name] = {"batch_label": name, "data": pixels, "filenames": names}
            if kind == "cifar10":
                written[name]["labels"] = labels
            else:
                coarse = [label // 5 for label in labels]
                written[name] |= {"fine_labels": labels, "coarse_labels": coarse}
    words = [f"class {n}" for n in range(10 if kind == "cifar10" else 100)]
    written[source.meta["filename"]] = {source.meta["key"]: words}
    for name, content in written.items():
        data = pickle.dumps(content, protocol=2)
        (here / name).write_bytes(data)
        sums[name] = hashlib.md5(data, usedforsecurity=False).hexdigest()
    for split in ("train_list", "test_list"):
        names = [name for name, _ in getattr(source, split)]
        monkeypatch.setattr(source, split, [[name, sums[name]] for name in names])
    monkeypatch.setattr(source, "meta", {**source.meta, "md5": sums[source.meta["filename"]]})
    return written


def write_imagenet(root: Path, truth: list[int]) -> None:
    """Write ILSVRC2012_devkit_t12 and ILSVRC2012_img_val, whose image n is of class truth[n - 1].

    The kit numbers three classes in another order than their WordNet names do, and a synset above.
    """
    kit = root / "ILSVRC2012_devkit_t12" / "data"
    kit.mkdir(parents=True)
    fields = [
        *(("ILSVRC2012_ID", object), ("WNID", object), ("words", object), ("gloss", object)),
        *(("num_children", object), ("children", object), ("wordnet_height", object)),
        ("num_train_images", object),
    ]
    rows = [
        (1, WORDNET[2], "great white shark, white shark", "large aggressive shark", 0, [], 0, 1300),
        (2, WORDNET[0], "tench, Tinca tinca", "freshwater fish", 0, [], 0, 1300),
        (3, WORDNET[1], "goldfish, Carassius auratus", "small fish", 0, [], 0, 1300),
        (4, "n02512053", "fish", "cold-blooded vertebrates", 3, [1, 2, 3], 2, 0),
    ]
    savemat(kit / "meta.mat", {"synsets": np.array(rows, dtype=fields).reshape(-1, 1)})
    lines = "".join(f"{number}\n" for number in truth)
    (kit / "ILSVRC2012_validation_ground_truth.txt").write_text(lines)
    folder = root / "ILSVRC2012_img_val"
    folder.mkdir()
    random = np.random.default_rng(3)
    for n in range(1, len(truth) + 1):
        pixels = random.integers(0, 256, (20, 16, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"ILSVRC2012_val_{n:08}.JPEG", "JPEG")
