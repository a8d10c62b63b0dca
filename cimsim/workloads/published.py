"""Published weights by name: the file of torchvision, timm or the hub, from a cache or downloaded.

Two caches are looked into: that of the hub (``HF_HOME``) and the folder ``hub/checkpoints`` of
``TORCH_HOME``, where files may be put by hand as well. The SHA-256 of the file is compared with
what is known of it: a prefix in the name (torchvision), the name of the hub's blob, and the one
that the campaign asks for.
"""

from __future__ import annotations

import importlib
import re
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path

import torch

from cimsim.campaign.catalogue import HUB, hub_config
from cimsim.campaign.design import DesignPoint, Workload
from cimsim.campaign.keys import file_digest
from cimsim.errors import UserError
from cimsim.workloads.datasets import dataset_of
from cimsim.workloads.torch_setup import import_timm, import_torchvision

PATIENCE = 5.0
"""Seconds that a server has to answer before it counts as out of reach."""

HUB_FILE = "model.safetensors"

_HASHED = re.compile(r"-([0-9a-f]{8,64})\.\w+$")
"""Part of a file's name at download.pytorch.org that its SHA-256 begins with."""

_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class PublishedFile:
    """A file with published weights.

    Attributes:
        url: where it is.
        local: where it lies, or has to be put, in the folder of torch.
        classes: of the data that it was trained on; None if that is not known.
        repository, revision: on the hub; empty for a file that is not there.
    """

    url: str
    local: Path
    classes: int | None = None
    repository: str = ""
    revision: str = "main"

    def cached(self) -> Path | None:
        """Return the file on this machine, or None."""
        if self.local.is_file():
            return self.local
        if not self.repository:
            return None
        hub = importlib.import_module("huggingface_hub")
        found = hub.try_to_load_from_cache(self.repository, HUB_FILE, revision=self.revision)
        return Path(found) if isinstance(found, str) else None

    def known_hash(self, path: Path) -> str:
        """Return what the SHA-256 of the file at `path` begins with; empty if nothing is known.

        The hub's cache holds each large file under its SHA-256.
        """
        named = _HASHED.search(self.local.name)
        blob = path.resolve().name
        if named:
            return named[1]
        return blob if _SHA256.fullmatch(blob) else ""


def published_file(workload: Workload) -> PublishedFile:
    """Return the file that ``workload.weights`` names.

    Raises:
        UserError: the library has no such weights, or none in a file that can be read here.
    """
    library, _, name = workload.model.partition(":")
    folder = Path(torch.hub.get_dir()) / "checkpoints"
    if library == "torchvision":
        return _torchvision(name, workload.weights, folder)
    if library == HUB:
        return _of_transformers(workload, folder)
    return _timm(f"{name.partition('.')[0]}.{workload.weights}", folder)


def check_published(point: DesignPoint) -> None:
    """Refuse weights that cannot be had: not in a cache, and the server out of reach.

    Raises:
        UserError: so, or the file is another one than it should be, or for other classes.
    """
    file = published_file(point.workload)
    _check_classes(file, point.workload)
    path = file.cached()
    if path is None:
        _check_reachable(file, point.workload)
    else:
        _checked_hash(file, path, point.workload)


def fetch(workload: Workload) -> tuple[Path, dict[str, str]]:
    """Return the file of the published weights, downloaded if need be, and where it comes from.

    Raises:
        UserError: it cannot be had, or is another one than it should be.
    """
    file = published_file(workload)
    _check_classes(file, workload)
    path = file.cached()
    if path is None:
        _check_reachable(file, workload)
        path = _download(file, workload)
    sha256 = _checked_hash(file, path, workload)
    return path, {"weights": workload.weights, "weights_url": file.url, "weights_sha256": sha256}


def _torchvision(name: str, weights: str, folder: Path) -> PublishedFile:
    import_torchvision()
    models = importlib.import_module("torchvision.models")
    entry = models.get_model_weights(name)[weights]
    classes = len(entry.meta["categories"])
    return PublishedFile(entry.url, folder / entry.url.rpartition("/")[2], classes)


def _of_transformers(workload: Workload, folder: Path) -> PublishedFile:
    name = workload.model.removeprefix(f"{HUB}:").partition("@")[0]
    try:
        if hub_config(workload.model) is None:
            return _on_hub(name, workload.weights, folder)
        problem = f"{name} is a folder"
    except ValueError as error:
        problem = _line(error)
    raise UserError(
        f"workload.weights: {workload.weights} of {workload.model}: {problem}; allowed: with the "
        "name of a network on the hub; a file of your own is workload.checkpoint"
    )


def _timm(tagged: str, folder: Path) -> PublishedFile:
    timm = import_timm()
    try:
        config = timm.models.get_pretrained_cfg(tagged)
    except RuntimeError as error:
        raise UserError(f"workload.weights: {error}") from error
    if config is None or config.custom_load or not (config.hf_hub_id or config.url):
        file = config.url.rpartition("/")[2] if config is not None and config.url else ""
        own = f" but in {file}, which takes code of its network to read" if file else ""
        raise UserError(
            f"workload.weights: timm has {tagged} in no file of named tensors{own}; allowed: other "
            "weights, or a file of your own as workload.checkpoint (a state_dict that timm has "
            "loaded will do)"
        )
    if config.hf_hub_id and not config.hf_hub_filename:
        return _on_hub(config.hf_hub_id, "main", folder, config.num_classes)
    url = config.url
    if not url:
        raise UserError(
            f"workload.weights: {tagged} is no {HUB_FILE} on the hub; allowed: other weights, or "
            "a file of your own as workload.checkpoint"
        )
    return PublishedFile(url, folder / url.rpartition("/")[2], config.num_classes)


def _on_hub(
    repository: str, revision: str, folder: Path, classes: int | None = None
) -> PublishedFile:
    hub = importlib.import_module("huggingface_hub")
    url = hub.hf_hub_url(repository, HUB_FILE, revision=revision)
    suffix = "" if revision == "main" else f"@{revision}"
    local = folder / f"{repository.replace('/', '--')}{suffix}.safetensors"
    return PublishedFile(url, local, classes, repository, revision)


def _check_classes(file: PublishedFile, workload: Workload) -> None:
    classes = dataset_of(workload).classes
    if file.classes not in (None, classes):
        raise UserError(
            f"workload.weights: {workload.weights} of {workload.model} tells {file.classes} "
            f"classes apart, but {workload.dataset} has {classes}; allowed: weights for this data "
            "set, or a checkpoint of your own"
        )


def _check_reachable(file: PublishedFile, workload: Workload) -> None:
    """Ask the server for the head of the file; the clients of torch and the hub wait for long."""
    request = urllib.request.Request(file.url, method="HEAD")
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE):
            return
    except urllib.error.HTTPError as error:
        problem = f"the server answers {error.code} {error.reason}"
    except (OSError, ValueError) as error:
        reason = getattr(error, "reason", error)
        problem = f"the server cannot be reached ({reason})"
    raise _unavailable(file, workload, problem)


def _unavailable(file: PublishedFile, workload: Workload, problem: str) -> UserError:
    return UserError(
        f"workload.weights: {workload.weights} of {workload.model} is in no cache and {problem}; "
        f"download {file.url} on another machine and put it as {file.local.name} into "
        f"{file.local.parent}"
    )


def _download(file: PublishedFile, workload: Workload) -> Path:
    try:
        if file.repository:
            hub = importlib.import_module("huggingface_hub")
            return Path(hub.hf_hub_download(file.repository, HUB_FILE, revision=file.revision))
        file.local.parent.mkdir(parents=True, exist_ok=True)
        torch.hub.download_url_to_file(file.url, str(file.local), progress=False)
        return file.local
    except Exception as error:  # the hub's client and the network may raise anything
        raise _unavailable(
            file, workload, f"the download failed ({type(error).__name__}: {_line(error)})"
        ) from error


def _checked_hash(file: PublishedFile, path: Path, workload: Workload) -> str:
    """Return the SHA-256 of `path` if it is the one that it should be."""
    found = file_digest(path)
    for begin, source in (
        (file.known_hash(path), f"the publisher of {file.url}"),
        (workload.weights_sha256, "workload.weights_sha256"),
    ):
        if not found.startswith(begin):
            raise UserError(
                f"{path}: the SHA-256 is {found}, but {begin} by {source}; the file is damaged or "
                "another one: delete it and run again"
            )
    return found


def _line(error: Exception) -> str:
    return (str(error).strip().splitlines() or ["no message"])[0]
