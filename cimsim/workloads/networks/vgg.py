"""The VGG of the CIM literature."""

from __future__ import annotations

from torch import Tensor, nn


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
