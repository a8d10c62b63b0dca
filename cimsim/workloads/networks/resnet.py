"""Residual networks for images of 32 x 32 pixels (K. He et al., "Deep Residual Learning for Image
Recognition", CVPR 2016). Names of layers are those of torchvision's ResNet."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn
from torch.nn import functional


class PaddedShortcut(nn.Module):
    """Every second pixel, and zeros for the channels that are new (He et al., option A)."""

    def __init__(self, new_channels: int) -> None:
        super().__init__()
        self.new_channels = new_channels

    def forward(self, x: Tensor) -> Tensor:
        """Return [n, channels + new, height / 2, width / 2]."""
        return functional.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, 0, self.new_channels))


class BasicBlock(nn.Module):
    """Two 3 x 3 convolutions beside a shortcut."""

    def __init__(self, channels: int, out: int, stride: int, projection: bool) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, out, 3, stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(out)
        self.conv2 = nn.Conv2d(out, out, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(out)
        self.relu = nn.ReLU()
        self.downsample: nn.Module | None = None
        if stride != 1 or channels != out:
            self.downsample = (
                nn.Sequential(nn.Conv2d(channels, out, 1, stride, bias=False), nn.BatchNorm2d(out))
                if projection
                else PaddedShortcut(out - channels)
            )

    def forward(self, x: Tensor) -> Tensor:
        """Return [n, out, height / stride, width / stride]."""
        shortcut = x if self.downsample is None else self.downsample(x)
        y = self.bn2(self.conv2(self.relu(self.bn1(self.conv1(x)))))
        result: Tensor = self.relu(y + shortcut)
        return result


class SmallImageResNet(nn.Module):
    """A 3 x 3 stem, stages of basic blocks that halve the image from the second on, a classifier.

    Args:
        blocks: blocks of each stage.
        width: channels of the first stage; each stage doubles them.
        projection: shortcuts that change size are 1 x 1 convolutions, not padding.
        in_chans, num_classes: channels of the images and number of classes.
    """

    def __init__(
        self, blocks: Sequence[int], width: int, projection: bool, in_chans: int, num_classes: int
    ) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_chans, width, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.relu = nn.ReLU()
        channels = width
        self.stages = len(blocks)
        for number, count in enumerate(blocks):
            stage: list[nn.Module] = []
            for block in range(count):
                out, stride = width << number, 2 if number and not block else 1
                stage.append(BasicBlock(channels, out, stride, projection))
                channels = out
            self.add_module(f"layer{number + 1}", nn.Sequential(*stage))
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(channels, num_classes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out")

    def forward(self, images: Tensor) -> Tensor:
        """Return logits [n, classes] of images [n, channels, side, side]."""
        x = self.relu(self.bn1(self.conv1(images)))
        for number in range(1, self.stages + 1):
            x = self.get_submodule(f"layer{number}")(x)
        logits: Tensor = self.fc(self.avgpool(x).flatten(1))
        return logits


def resnet20(in_chans: int, num_classes: int, width: int = 16) -> SmallImageResNet:
    """Return ResNet-20 (He et al., section 4.2): 3 x 3 blocks, shortcuts without weights."""
    return SmallImageResNet((3, 3, 3), width, False, in_chans, num_classes)


def resnet18(in_chans: int, num_classes: int, width: int = 64) -> SmallImageResNet:
    """Return ResNet-18 with a stem for small images: 3 x 3, stride 1, no pooling."""
    return SmallImageResNet((2, 2, 2, 2), width, True, in_chans, num_classes)
