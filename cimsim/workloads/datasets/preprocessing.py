"""How an image becomes a network's input: as the makers of its weights say."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

from cimsim.campaign.catalogue import HUB, LIBRARIES, USER_FILE, parse_arguments
from cimsim.campaign.design import TRAIN, Workload
from cimsim.campaign.keys import file_digest
from cimsim.errors import UserError
from cimsim.workloads.datasets.prepared import Transform
from cimsim.workloads.libraries import load_module
from cimsim.workloads.torch_setup import import_timm, import_torchvision

Arguments = Mapping[str, Any]

TORCHVISION_RESIZE = 256
"""Side to which torchvision's presets resize where the weights do not say."""

TRANSFORM = "transform"
"""Function in a network's own file that returns its transform."""


def own_transform(workload: Workload) -> Transform | None:
    """Return what the function ``transform()`` in the network's own file returns, if there is one.

    Raises:
        UserError: the file cannot be loaded or its function fails.
    """
    own = USER_FILE.fullmatch(workload.model)
    if own is None:
        return None
    try:
        make = getattr(load_module(Path(own["file"])), TRANSFORM, None)
        transform: Transform | None = None if make is None else make()
    except UserError:
        raise
    except Exception as error:  # foreign code may raise anything
        raise UserError(
            f"workload.model: {own['file']}: {TRANSFORM}(): {type(error).__name__}: {error}"
        ) from error
    return transform


def transform_of(workload: Workload) -> Transform:
    """Return the transform for image files.

    timm: that of the network's pretrained configuration. torchvision: that of the weights that are
    named, or that the checkpoint is, by its check sum, or else of the default weights. A size of
    images among the network's arguments wins. Other networks take the pixels as they are, in
    [0, 1].

    Raises:
        UserError: nothing says how the network takes images.
    """
    own = own_transform(workload)
    if own is not None:
        return own
    library, _, name = workload.model.partition(":")
    if library == HUB:
        raise UserError(
            f"workload.dataset: {workload.dataset} with workload.model {workload.model}: nothing "
            "says how the network takes images; allowed: networks of timm and torchvision, or "
            "path/to/file.py:function with a function transform beside it"
        )
    if library not in LIBRARIES:
        import_torchvision()
        transform: Transform = importlib.import_module("torchvision.transforms").ToTensor()
        return transform
    arguments = parse_arguments(workload.arguments)
    try:
        if library == "torchvision":
            return _of_torchvision(name, arguments, workload)
        if workload.weights:
            name = f"{name.partition('.')[0]}.{workload.weights}"
        return _of_timm(name, arguments)
    except UserError:
        raise
    except Exception as error:  # of foreign code, or of arguments that it does not take
        raise UserError(
            f"workload.model {workload.model}: its transform cannot be made with these arguments: "
            f"{type(error).__name__}: {error}"
        ) from error


def _of_timm(name: str, arguments: Arguments) -> Transform:
    timm = import_timm()
    config = timm.models.get_pretrained_cfg(name)
    given = {key: arguments[key] for key in ("img_size",) if key in arguments}
    settings = timm.data.resolve_data_config(given, pretrained_cfg=config.to_dict())
    transform: Transform = timm.data.create_transform(**settings)
    return transform


def _of_torchvision(name: str, arguments: Arguments, workload: Workload) -> Transform:
    import_torchvision()
    models = importlib.import_module("torchvision.models")
    published = models.get_model_weights(name)
    if workload.weights:
        weights = published[workload.weights]
    else:
        file = workload.checkpoint
        digest = "" if file == TRAIN else file_digest(Path(file))
        own = (w for w in published if digest.startswith(_check_sum(w)))
        weights = next(own, published.DEFAULT)
    given = dict(weights.transforms.keywords)
    if "image_size" in arguments:
        side, resize = arguments["image_size"], given.get("resize_size", TORCHVISION_RESIZE)
        given |= {"resize_size": round(resize * side / given["crop_size"]), "crop_size": side}
    transform: Transform = weights.transforms.func(**given)
    return transform


def _check_sum(weights: Any) -> str:
    """Return the first digits of the SHA-256 of published weights, which end the file's name."""
    return Path(urlparse(weights.url).path).stem.rpartition("-")[2]
