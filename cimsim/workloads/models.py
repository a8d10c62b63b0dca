"""Networks by name, with the recipe that trains each. No other module knows a network."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor, nn

from cimsim.campaign.design import Workload
from cimsim.workloads.datasets import Dataset
from cimsim.workloads.torch_setup import import_timm


@dataclass(frozen=True)
class Recipe:
    """How a network is trained: AdamW with a one-cycle learning rate and cross entropy."""

    epochs: int
    learning_rate: float
    weight_decay: float
    batch: int


@dataclass(frozen=True)
class _Entry:
    build: Callable[[Workload, Dataset], nn.Module]
    recipe: Recipe


def build_network(workload: Workload, data: Dataset) -> nn.Module:
    """Return the network of `workload` for the images of `data`, with random initial weights.

    The weights come from torch's global generator: seed it first where they matter.
    """
    return _MODELS[workload.model].build(workload, data)


def training_recipe(workload: Workload) -> Recipe:
    """Return the recipe of the network of `workload`."""
    return _MODELS[workload.model].recipe


class Vgg8(nn.Module):
    """The 8-layer VGG of the CIM literature: six 3 x 3 convolutions, two fully connected layers.

    128-128-M-256-256-M-512-512-M-1024-classes, each convolution followed by batch norm and ReLU (X.
    Peng et al., "DNN+NeuroSim", IEDM 2019). `width` multiplies all channel counts.
    """

    def __init__(self, channels: int, side: int, classes: int, width: float) -> None:
        super().__init__()

        def scaled(count: int) -> int:
            return max(1, round(count * width))

        layers: list[nn.Module] = []
        for stage in (128, 256, 512):
            for _ in range(2):
                out = scaled(stage)
                layers += [
                    nn.Conv2d(channels, out, kernel_size=3, padding=1, bias=False),
                    nn.BatchNorm2d(out),
                    nn.ReLU(),
                ]
                channels = out
            layers.append(nn.MaxPool2d(2))
        self.features = nn.Sequential(*layers)
        self.flatten = nn.Flatten()
        self.classifier = nn.Sequential(
            nn.Linear(channels * (side // 8) ** 2, scaled(1024)),
            nn.ReLU(),
            nn.Linear(scaled(1024), classes),
        )

    def forward(self, images: Tensor) -> Tensor:
        """Return logits [n, classes] of images [n, channels, side, side]."""
        logits: Tensor = self.classifier(self.flatten(self.features(images)))
        return logits


def _vgg8(workload: Workload, data: Dataset) -> nn.Module:
    _, channels, side, _ = data.train_images.shape
    return Vgg8(channels, side, data.classes, workload.width)


def _vit(workload: Workload, data: Dataset) -> nn.Module:
    """Return timm's vision transformer: 4 x 4 patches, 2 blocks of width 32 with 4 heads.

    A. Dosovitskiy et al., "An Image is Worth 16x16 Words", ICLR 2021; here with mean pooling.
    """
    import_timm()
    transformers = importlib.import_module("timm.models.vision_transformer")
    _, channels, side, _ = data.train_images.shape
    network: nn.Module = transformers.VisionTransformer(
        img_size=side,
        patch_size=4,
        in_chans=channels,
        num_classes=data.classes,
        embed_dim=32,
        depth=2,
        num_heads=4,
        mlp_ratio=2.0,
        class_token=False,
        global_pool="avg",
    )
    return network


_MODELS: dict[str, _Entry] = {
    "vgg8": _Entry(_vgg8, Recipe(epochs=8, learning_rate=2e-3, weight_decay=1e-2, batch=64)),
    "vit": _Entry(_vit, Recipe(epochs=30, learning_rate=6e-3, weight_decay=5e-2, batch=32)),
}
