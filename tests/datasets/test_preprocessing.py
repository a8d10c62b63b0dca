"""How images become inputs: as the libraries' own transforms say."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from cimsim.campaign.design import Workload
from cimsim.errors import UserError
from cimsim.workloads.datasets import dataset_of, preprocessing
from cimsim.workloads.torch_setup import import_timm, import_torchvision

from .miniature import write_cifar, write_pictures

PICTURE = Image.fromarray(
    np.random.default_rng(1).integers(0, 256, (300, 260, 3), dtype=np.uint8), "RGB"
)


def transformed(model: str, *arguments: str) -> torch.Tensor:
    chosen = Workload(model=model, arguments=arguments)
    return preprocessing.transform_of(chosen)(PICTURE)


def weights_of(name: str):
    import_torchvision()
    from torchvision import models

    return models.get_model_weights(name)


@pytest.mark.parametrize("name", ["resnet50", "swin_t", "inception_v3"])
def test_torchvision(name: str) -> None:
    found = transformed(f"torchvision:{name}")
    assert torch.equal(found, weights_of(name).DEFAULT.transforms()(PICTURE))


@pytest.mark.parametrize("weights", ["IMAGENET1K_V1", "IMAGENET1K_V2"])
def test_the_weights_of_torchvision_that_a_checkpoint_is(
    weights: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    published = weights_of("resnet50")[weights]
    check_sum = published.url[-len("01234567.pth") : -len(".pth")]
    monkeypatch.setattr(preprocessing, "file_digest", lambda path: check_sum + 56 * "0")
    chosen = Workload(model="torchvision:resnet50", checkpoint=str(tmp_path / "any.pth"))
    found = preprocessing.transform_of(chosen)(PICTURE)
    assert torch.equal(found, published.transforms()(PICTURE))


@pytest.mark.parametrize("weights", ["IMAGENET1K_V1", "IMAGENET1K_V2"])
def test_the_weights_of_torchvision_that_are_named(weights: str) -> None:
    chosen = Workload(model="torchvision:resnet50", weights=weights, dataset="imagenet")
    found = preprocessing.transform_of(chosen)(PICTURE)
    assert torch.equal(found, weights_of("resnet50")[weights].transforms()(PICTURE))


def test_the_weights_of_timm_that_are_named() -> None:
    chosen = Workload(model="timm:resnet50", weights="a3_in1k")  # for images of 160 x 160
    tagged = Workload(model="timm:resnet50.a3_in1k")
    found, expected = (preprocessing.transform_of(x)(PICTURE) for x in (chosen, tagged))
    assert found.shape != transformed("timm:resnet50").shape
    assert torch.equal(found, expected)


def test_every_network_of_torchvision_has_a_transform() -> None:
    import_torchvision()
    from torchvision import models

    for name in models.list_models(module=models):
        chosen = preprocessing.transform_of(Workload(model=f"torchvision:{name}"))
        assert chosen(PICTURE).shape[0] == 3


def test_arguments_of_torchvision() -> None:
    published = weights_of("vit_b_16").DEFAULT.transforms
    found = transformed("torchvision:vit_b_16", "image_size=112")
    assert torch.equal(found, published(crop_size=112, resize_size=128)(PICTURE))


@pytest.mark.parametrize("name", ["deit_small_patch16_224", "mobilenetv3_small_100.lamb_in1k"])
def test_timm(name: str) -> None:
    timm = import_timm()
    network = timm.create_model(name, pretrained=False)
    settings = timm.data.resolve_model_data_config(network)
    expected = timm.data.create_transform(**settings, is_training=False)(PICTURE)
    assert torch.equal(transformed(f"timm:{name}"), expected)


def test_arguments_of_timm() -> None:
    found = transformed("timm:swin_tiny_patch4_window7_224", "img_size=64", "window_size=4")
    assert found.shape == (3, 64, 64)


@pytest.mark.parametrize(
    ("model", "argument"),
    [("torchvision:vit_b_16", "image_size=small"), ("timm:resnet18", "img_size=[1]")],
)
def test_arguments_that_no_transform_takes(model: str, argument: str) -> None:
    with pytest.raises(UserError, match="its transform cannot be made with these arguments"):
        transformed(model, argument)


def test_other_networks_take_the_pixels() -> None:
    expected = np.asarray(PICTURE, dtype=np.float32).transpose(2, 0, 1) / np.float32(255)
    np.testing.assert_array_equal(transformed("resnet18").numpy(), expected)


def test_networks_of_the_hub_do_not_say() -> None:
    with pytest.raises(UserError, match=r"huggingface:vit: nothing says how .* allowed: .*timm"):
        transformed("huggingface:vit")


OWN = """
from torch import nn

def build(num_classes, in_chans, img_size):
    return nn.Sequential(nn.Flatten(), nn.Linear(in_chans * img_size * img_size, num_classes))

def transform():
    from torchvision import transforms
    return transforms.Compose([transforms.CenterCrop(8), transforms.ToTensor()])
"""


def test_a_network_of_ones_own_says_it(fresh: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("net.py").write_text(OWN)
    write_pictures(fresh / "set/val/a", 3, 1)
    write_pictures(fresh / "set/val/b", 3, 2)
    chosen = Workload(model="net.py:build", dataset="folder:set", checkpoint="some.pt")
    assert dataset_of(chosen).test_images[:].shape == (5, 3, 8, 8)
    written = write_cifar(fresh / "data", "cifar10", monkeypatch)
    data = dataset_of(Workload(model="net.py:build", dataset="cifar10"))
    pixels = written["test_batch"]["data"].reshape(-1, 3, 32, 32)[:, :, 12:20, 12:20]
    np.testing.assert_array_equal(data.test_images[:], pixels / np.float32(255))


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("def transform(): return 1 / 0", r"net\.py: transform\(\): ZeroDivisionError"),
        ("def transform(): return lambda image: 3", "its transform returns int"),
        (
            "def transform(): return lambda image: 1 / 0",
            "fails on image 0, 12 x 12 pixels: ZeroDiv",
        ),
    ],
)
def test_a_transform_that_fails(fresh: Path, code: str, message: str) -> None:
    Path("net.py").write_text(code)
    write_pictures(fresh / "set/val/a", 3, 1)
    with pytest.raises(UserError, match=message):
        dataset_of(Workload(model="net.py:build", dataset="folder:set", checkpoint="some.pt"))
