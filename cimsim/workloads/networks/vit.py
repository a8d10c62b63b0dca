"""A small vision transformer."""

from __future__ import annotations

import importlib

from torch import nn

from cimsim.workloads.networks.stem import tokens
from cimsim.workloads.torch_setup import import_timm


def small_vit(
    in_chans: int,
    num_classes: int,
    img_size: int,
    *,
    width: int = 32,
    depth: int = 2,
    stem: bool = False,
) -> nn.Module:
    """Return timm's vision transformer: 4 x 4 patches, `depth` blocks of `width` with 4 heads.

    A. Dosovitskiy et al., "An Image is Worth 16x16 Words", ICLR 2021; here with mean pooling. With
    `stem`, convolutions make the tokens (:mod:`cimsim.workloads.networks.stem`).
    """
    import_timm()
    transformers = importlib.import_module("timm.models.vision_transformer")
    network: nn.Module = transformers.VisionTransformer(
        img_size=img_size,
        in_chans=in_chans,
        num_classes=num_classes,
        embed_dim=width,
        depth=depth,
        num_heads=4,
        mlp_ratio=2.0,
        class_token=False,
        global_pool="avg",
        **tokens(stem=stem),
    )
    return network
