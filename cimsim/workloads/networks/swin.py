"""A small Swin transformer."""

from __future__ import annotations

import importlib
from typing import Any

from torch import nn

from cimsim.workloads.networks.stem import ConvolutionalStem
from cimsim.workloads.torch_setup import import_timm

PATCH = 4
WINDOW = 4


def small_swin(
    in_chans: int, num_classes: int, img_size: int, *, width: int = 48, stem: bool = False
) -> nn.Module:
    """Return timm's Swin transformer with two stages of two blocks, of `width` and twice as wide.

    Z. Liu et al., "Swin Transformer", ICCV 2021: windows of 4 x 4 tokens, which every other block
    shifts, with a learned bias of relative positions, and patch merging between the stages. With
    `stem`, convolutions make the tokens (:class:`ConvolutionalStem`).
    """
    import_timm()
    transformers = importlib.import_module("timm.models.swin_transformer")
    embedding: dict[str, Any] = {"embed_layer": ConvolutionalStem} if stem else {}
    network: nn.Module = transformers.SwinTransformer(
        img_size=img_size,
        patch_size=PATCH,
        in_chans=in_chans,
        num_classes=num_classes,
        embed_dim=width,
        depths=(2, 2),
        num_heads=(4, 8),
        window_size=WINDOW,
        mlp_ratio=2.0,
        **embedding,
    )
    return network
