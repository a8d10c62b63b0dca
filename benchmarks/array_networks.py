"""The workloads of arrays.py: two layers, and two networks at the size of CIFAR images."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from cimsim.workloads.models import Vgg8


class _Block(nn.Module):
    """Two 3 x 3 convolutions beside a shortcut, which is a 1 x 1 convolution if shapes differ."""

    def __init__(self, channels: int, out: int, stride: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(channels, out, 3, stride, 1, bias=False)
        self.first_norm = nn.BatchNorm2d(out)
        self.second = nn.Conv2d(out, out, 3, 1, 1, bias=False)
        self.second_norm = nn.BatchNorm2d(out)
        self.shortcut = nn.Sequential()
        if stride != 1 or channels != out:
            self.shortcut = nn.Sequential(
                nn.Conv2d(channels, out, 1, stride, bias=False), nn.BatchNorm2d(out)
            )

    def forward(self, x: Tensor) -> Tensor:
        y = torch.relu(self.first_norm(self.first(x)))
        return torch.relu(self.second_norm(self.second(y)) + self.shortcut(x))


def resnet18() -> nn.Module:
    """Return ResNet-18 for 32 x 32 images: a 3 x 3 stem without pooling (He et al., CVPR 2016)."""
    layers: list[nn.Module] = [nn.Conv2d(3, 64, 3, 1, 1, bias=False), nn.BatchNorm2d(64), nn.ReLU()]
    channels = 64
    for out in (64, 128, 256, 512):
        layers += [_Block(channels, out, 1 if out == 64 else 2), _Block(out, out, 1)]
        channels = out
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(512, 10))


@dataclass(frozen=True)
class Workload:
    """A model, the shape of one input, inputs at a time, and how often each case is measured.

    `torch_batch`: inputs at a time of the torch version, which takes minutes for a network.
    """

    title: str
    build: Callable[[], nn.Module]
    shape: tuple[int, ...]
    batch: int
    torch_batch: int
    repeats: int


WORKLOADS = {
    "linear": Workload(
        "linear 1024 x 1024", lambda: nn.Linear(1024, 1024, bias=False), (1024,), 64, 64, 5
    ),
    "conv": Workload(
        "conv 128 to 128, 3 x 3, on 16 x 16",
        lambda: nn.Conv2d(128, 128, 3, padding=1, bias=False),
        (128, 16, 16),
        8,
        8,
        3,
    ),
    "vgg8": Workload("VGG8, 32 x 32", lambda: Vgg8(3, 32, 10, 1.0), (3, 32, 32), 8, 2, 3),
    "resnet18": Workload("ResNet-18, 32 x 32", resnet18, (3, 32, 32), 8, 2, 3),
}
