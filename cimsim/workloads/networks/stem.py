"""How the small transformers make tokens of an image: patches, or a stem of convolutions."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

PATCH = 4
"""Pixels of an image that each side of a token stands for."""

FIRST_CHANNELS = 16


def tokens(*, stem: bool) -> dict[str, Any]:
    """Return the arguments of a transformer of timm that say what makes the tokens."""
    embedding: dict[str, Any] = {"embed_layer": ConvolutionalStem} if stem else {}
    return {"patch_size": PATCH, **embedding}


class ConvolutionalStem(nn.Module):
    """Makes the tokens of an image by 3 x 3 convolutions with batch norm: one at full size, and for
    every factor two of the patch one that halves each side and doubles the channels and another.

    The hybrid of A. Dosovitskiy et al., "An Image is Worth 16x16 Words", ICLR 2021, section 3.1,
    with a small network; T. Xiao et al., "Early Convolutions Help Transformers See Better", NeurIPS
    2021, show what it is good for. A transformer learns from a few thousand images with it. Takes
    the arguments of timm's PatchEmbed, in whose place it is.
    """

    def __init__(
        self,
        img_size: int,
        patch_size: int,
        in_chans: int,
        embed_dim: int,
        output_fmt: str = "NLC",
        **others: Any,
    ) -> None:
        super().__init__()
        layers: list[nn.Module] = [*_convolution(in_chans, FIRST_CHANNELS, 1)]
        channels = FIRST_CHANNELS
        for halving in range(patch_size.bit_length() - 1):
            wider = FIRST_CHANNELS << (halving + 1)
            layers += _convolution(channels, wider, 2) + _convolution(wider, wider, 1)
            channels = wider
        layers.append(nn.Conv2d(channels, embed_dim, 1))
        self.proj = nn.Sequential(*layers)
        self.patch_size = (patch_size, patch_size)
        self.grid_size = (img_size // patch_size, img_size // patch_size)
        self.num_patches = self.grid_size[0] * self.grid_size[1]
        self._channels_last = output_fmt == "NHWC"

    def forward(self, images: Tensor) -> Tensor:
        """Return tokens [n, tokens, features], or [n, height, width, features] for a Swin."""
        found: Tensor = self.proj(images).permute(0, 2, 3, 1)
        return found if self._channels_last else found.flatten(1, 2)


def _convolution(inputs: int, outputs: int, stride: int) -> list[nn.Module]:
    convolution = nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False)
    return [convolution, nn.BatchNorm2d(outputs), nn.ReLU()]
