"""CIFAR-10 and CIFAR-100 from the files that torchvision reads.

A. Krizhevsky, "Learning multiple layers of features from tiny images", 2009. The files are pickles.
torchvision compares each with its published check sum (MD5) before anything unpickles it, so only
the files of the authors are unpickled, and the name alone says what the images are.
"""

from __future__ import annotations

import importlib
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from cimsim.campaign.data_source import ARCHIVES
from cimsim.errors import UserError
from cimsim.workloads.datasets.dataset import Dataset, Images, PixelImages
from cimsim.workloads.datasets.prepared import PreparedImages, Transform
from cimsim.workloads.torch_setup import import_torchvision

CONNECTION_TIMEOUT = 5.0
"""Seconds that a server may take to answer."""

MEANS = {"cifar10": (0.4914, 0.4822, 0.4465), "cifar100": (0.5071, 0.4865, 0.4409)}
DEVIATIONS = {"cifar10": (0.2470, 0.2435, 0.2616), "cifar100": (0.2673, 0.2564, 0.2762)}
"""Mean and standard deviation of each channel over all pixels of the training images."""


class NormalizedImages:
    """Images of bytes, each channel with a mean taken off and divided by a deviation."""

    def __init__(
        self, pixels: NDArray[np.uint8], mean: tuple[float, ...], deviation: tuple[float, ...]
    ) -> None:
        self._images = PixelImages(pixels)
        self._mean, self._deviation = (
            np.array(values, dtype=np.float32)[:, None, None] for values in (mean, deviation)
        )
        self.shape = self._images.shape

    def __len__(self) -> int:
        return len(self._images)

    def __getitem__(self, chosen: slice, /) -> NDArray[np.float32]:
        """Return images float32 [n, channels, height, width]."""
        images = self._images[chosen]
        images -= self._mean
        images /= self._deviation
        return images


def cifar(kind: str, root: Path, transform: Transform | None) -> Dataset:
    """Return cifar10 or cifar100 (fine labels) from the folder `root`.

    Args:
        transform: what makes of an image the input of the network; without one, channels are
            normalised by :data:`MEANS` and :data:`DEVIATIONS`.

    Raises:
        UserError: a file is missing or damaged.
    """
    source = _torchvision_class(kind)
    try:
        train, test = (source(root, train=part) for part in (True, False))
    except RuntimeError as error:
        names = [name for name, _ in source.train_list + source.test_list]
        raise UserError(
            f"workload.dataset {kind}: {root / source.base_folder}: the check sum of a file is "
            f"wrong, or one of {', '.join([*names, source.meta['filename']])} is missing; delete "
            f"the folder and run `cimsim data {kind}:{root} --download`, or unpack {source.url} in "
            f"{root}"
        ) from error
    return Dataset(
        train_images=_prepared(kind, train.data, transform),
        train_labels=np.array(train.targets, dtype=np.int64),
        test_images=_prepared(kind, test.data, transform),
        test_labels=np.array(test.targets, dtype=np.int64),
        classes=len(train.classes),
    )


def download(kind: str, root: Path) -> None:
    """Download and unpack a data set beside its final place; rename it when all is there.

    Raises:
        UserError: it cannot be downloaded, within seconds if there is no network.
    """
    source, archive = _torchvision_class(kind), ARCHIVES[kind]
    try:
        root.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=root) as scratch, _impatient():
            source(scratch, download=True)
            target = root / archive.folder
            if not target.is_dir():  # another process may have been faster
                (Path(scratch) / archive.folder).rename(target)
    except (OSError, RuntimeError) as error:
        with suppress(OSError):
            root.rmdir()  # if nothing else is in it
        raise UserError(
            f"{archive.url}: cannot be downloaded ({error}); download it elsewhere and unpack it "
            f"in {root}, so that there is {root / archive.folder}"
        ) from error


def _prepared(kind: str, pixels: NDArray[np.uint8], transform: Transform | None) -> Images:
    if transform is None:
        return NormalizedImages(pixels, MEANS[kind], DEVIATIONS[kind])
    return PreparedImages(len(pixels), lambda n: Image.fromarray(pixels[n]), transform)


def _torchvision_class(kind: str) -> Any:
    import_torchvision()
    return getattr(importlib.import_module("torchvision.datasets"), kind.upper())


@contextmanager
def _impatient() -> Iterator[None]:
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(CONNECTION_TIMEOUT)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)
