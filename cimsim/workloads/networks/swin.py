"""A small Swin transformer."""

from __future__ import annotations

import importlib

from torch import nn

from cimsim.workloads.networks.stem import tokens
from cimsim.workloads.torch_setup import import_timm

WINDOW = 4


def small_swin(
    in_chans: int, num_classes: int, img_size: int, *, width: int = 48, stem: bool = False
) -> nn.Module:
    """Return timm's Swin transformer with two stages of two blocks, of `width` and twice as wide.

    Z. Liu et al., "Swin Transformer", ICCV 2021: windows of 4 x 4 tokens, which every other block
    shifts, with a learned bias of relative positions, and patch merging between the stages. With
    `stem`, convolutions make the tokens (:mod:`cimsim.workloads.networks.stem`).
    """
    import_timm()
    transformers = importlib.import_module("timm.models.swin_transformer")
    network: nn.Module = transformers.SwinTransformer(
        img_size=img_size,
        in_chans=in_chans,
        num_classes=num_classes,
        embed_dim=width,
        depths=(2, 2),
        num_heads=(4, 8),
        window_size=WINDOW,
        mlp_ratio=2.0,
        **tokens(stem=stem),
    )
    return network
