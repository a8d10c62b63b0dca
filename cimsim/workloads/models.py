"""Networks by name, with the recipe that trains each. No other module knows a network."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import torch
from torch import nn

from cimsim.campaign.catalogue import parse_arguments
from cimsim.campaign.design import Workload
from cimsim.errors import UserError
from cimsim.workloads.datasets import Dataset, dataset_of
from cimsim.workloads.layer_table import layer_table
from cimsim.workloads.libraries import State, build_from
from cimsim.workloads.networks.resnet import resnet18, resnet20
from cimsim.workloads.networks.swin import small_swin
from cimsim.workloads.networks.vgg import Vgg8
from cimsim.workloads.networks.vit import small_vit


@dataclass(frozen=True)
class Recipe:
    """How a network is trained: AdamW with a one-cycle learning rate and cross entropy.

    The rate rises to `learning_rate` during the share `warm_up` of all steps and then falls, both
    as a cosine does. `augmented`: images are moved, and turned where they may be
    (:mod:`cimsim.workloads.augmentation`).
    """

    epochs: int
    learning_rate: float
    weight_decay: float
    batch: int
    warm_up: float = 0.3
    label_smoothing: float = 0.0
    augmented: bool = False


@dataclass(frozen=True)
class ImageFormat:
    """Images [channels, side, side] of a number of classes."""

    channels: int
    side: int
    classes: int


CONVOLUTIONAL = Recipe(epochs=8, learning_rate=2e-3, weight_decay=1e-2, batch=64)

AUGMENTED = Recipe(
    epochs=20,
    learning_rate=2e-3,
    weight_decay=5e-2,
    batch=64,
    warm_up=0.1,
    label_smoothing=0.1,
    augmented=True,
)

_RECIPES = {"vit": Recipe(epochs=30, learning_rate=6e-3, weight_decay=5e-2, batch=32)}
"""Recipes of networks that train otherwise than convolutional ones."""


def build_network(workload: Workload, data: Dataset, published: State | None = None) -> nn.Module:
    """Return the network of `workload` for the images of `data`, with random initial weights.

    The weights come from torch's global generator: seed it first where they matter. `published` are
    weights for timm's own loader (:func:`cimsim.workloads.libraries.build_from`).

    Raises:
        UserError: the network cannot be built with these arguments.
    """
    _, channels, side, _ = data.train_images.shape
    return build_for(workload, ImageFormat(channels, side, data.classes), published)


def build_for(workload: Workload, form: ImageFormat, published: State | None = None) -> nn.Module:
    """Return the network of `workload` for such images; otherwise as :func:`build_network`."""
    images = {"in_chans": form.channels, "num_classes": form.classes, "img_size": form.side}
    arguments = parse_arguments(workload.arguments)
    build = _OWN.get(workload.model)
    if build is None:
        return build_from(workload.model, images, arguments, published)
    try:
        return build(workload, images, arguments)
    except TypeError as error:
        raise UserError(f"workload.arguments: {workload.model}: {error}") from error


def check_network(workload: Workload) -> None:
    """Refuse a network that cannot be built.

    Raises:
        UserError: as :func:`build_network`.
    """
    with torch.random.fork_rng(devices=[]):
        build_network(workload, dataset_of(workload))


@cache
def layer_names(workload: Workload) -> tuple[str, ...]:
    """Return the names of the matrix layers of a network, in order of execution, by running it.

    Raises:
        UserError: as :func:`build_network`, or a layer cannot be computed on arrays.
    """
    data = dataset_of(workload)
    with torch.random.fork_rng(devices=[]):
        network = build_network(workload, data).eval()
    image = torch.from_numpy(data.train_images[:1])
    return tuple(shape.name for shape in layer_table(network, image))


def training_recipe(workload: Workload) -> Recipe:
    """Return the recipe of the network of `workload`."""
    recipe = _RECIPES.get(workload.model, CONVOLUTIONAL)
    if workload.recipe == "augmented":
        recipe = AUGMENTED
    return replace(recipe, epochs=workload.epochs or recipe.epochs)


def _vgg8(workload: Workload, images: dict[str, Any], arguments: dict[str, Any]) -> nn.Module:
    sizes = (images["in_chans"], images["img_size"], images["num_classes"])
    return Vgg8(*sizes, workload.width, **arguments)


def _resnet20(workload: Workload, images: dict[str, Any], arguments: dict[str, Any]) -> nn.Module:
    return resnet20(images["in_chans"], images["num_classes"], **arguments)


def _resnet18(workload: Workload, images: dict[str, Any], arguments: dict[str, Any]) -> nn.Module:
    return resnet18(images["in_chans"], images["num_classes"], **arguments)


def _vit(workload: Workload, images: dict[str, Any], arguments: dict[str, Any]) -> nn.Module:
    return small_vit(**images, **arguments)


def _swin(workload: Workload, images: dict[str, Any], arguments: dict[str, Any]) -> nn.Module:
    return small_swin(**images, **arguments)


_OWN: dict[str, Callable[[Workload, dict[str, Any], dict[str, Any]], nn.Module]] = {
    "vgg8": _vgg8,
    "vit": _vit,
    "swin": _swin,
    "resnet20": _resnet20,
    "resnet18": _resnet18,
}
