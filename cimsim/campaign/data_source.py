"""Where the images of a data set come from, and what tells two of them apart.

``workload.dataset`` is a name, or ``NAME:PATH`` with the folder of its files. A key has no path in
it: files with published check sums are named by the data set, image files by their listing
(:mod:`cimsim.campaign.image_index`), so that results of different images never mix.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, WithJsonSchema

from cimsim.campaign.devkit import FOLDER as DEVKIT
from cimsim.campaign.devkit import IMAGES as DEVKIT_IMAGES
from cimsim.campaign.image_index import Index, image_index
from cimsim.errors import UserError, nearest

EMBEDDED = ("digits16", "shapes10")
"""digits16: the handwritten digits that ship with scikit-learn, enlarged to 16 x 16; shapes10: ten
classes of 32 x 32 colour images that the project draws (docs/workloads.md)."""


@dataclass(frozen=True)
class Archive:
    """A published archive whose files torchvision knows by their check sums."""

    folder: str
    url: str


ARCHIVES = {
    "cifar10": Archive(
        "cifar-10-batches-py", "https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz"
    ),
    "cifar100": Archive(
        "cifar-100-python", "https://www.cs.toronto.edu/~kriz/cifar-100-python.tar.gz"
    ),
}
"""Folder and source of CIFAR-10 and CIFAR-100, as in torchvision."""

IMAGENET, FOLDER = "imagenet", "folder"
IMAGENET_CLASSES = 1000
IMAGE_FILES = (IMAGENET, FOLDER)
"""Data sets of one image a file; folder needs a path."""

DATA = Path("data")
"""Where data sets without a path are looked for: in the working directory."""

_NAMES = (*EMBEDDED, *ARCHIVES, IMAGENET)
_WITH_PATH = (*ARCHIVES, *IMAGE_FILES)


def check_dataset(name: str) -> str:
    """Return `name` if there is such a data set.

    Raises:
        ValueError: there is none, or ``folder`` has no path.
    """
    kind, _, path = name.partition(":")
    if name in _NAMES or (kind in _WITH_PATH and path):
        return name
    if kind in (*_NAMES, FOLDER):
        problem = "names no folder" if kind in _WITH_PATH else "takes no folder"
    else:
        problem = f"is no data set{nearest(kind, (*_NAMES, FOLDER))}"
    raise ValueError(
        f"{name!r} {problem}; allowed: {', '.join(_NAMES)}, "
        f"or {', '.join(f'{k}:PATH' for k in _WITH_PATH)}"
    )


DatasetName = Annotated[
    str,
    AfterValidator(check_dataset),
    WithJsonSchema(
        {
            "anyOf": [
                {"enum": list(_NAMES)},
                {"type": "string", "pattern": f"^({'|'.join(_WITH_PATH)}):.+"},
            ]
        }
    ),
]
"""Name of a data set, see :func:`check_dataset`."""


def is_image_files(name: str) -> bool:
    """Return whether the data set `name` is one image a file."""
    return name.partition(":")[0] in IMAGE_FILES


def data_folder(name: str) -> Path:
    """Return the folder in which the files of the data set `name` are looked for."""
    kind, _, path = name.partition(":")
    if path:
        return Path(path)
    return DATA / kind if kind in IMAGE_FILES else DATA


def missing_data(name: str) -> tuple[Path, str] | None:
    """Return the folder that a data set lacks and what to do; None if it is there. Only looks."""
    kind, folder = name.partition(":")[0], data_folder(name)
    archive = ARCHIVES.get(kind)
    if archive is not None and not (folder / archive.folder).is_dir():
        return folder / archive.folder, (
            f"where there is internet, run `cimsim data {name} --download`, or download "
            f"{archive.url} and unpack it in {folder}"
        )
    if kind in IMAGE_FILES and not folder.is_dir():
        devkit = f", or unpack {DEVKIT} and {DEVKIT_IMAGES} of image-net.org there"
        return folder, (
            f"put its images there as {folder}/val/CLASS/FILE (test) and "
            f"{folder}/train/CLASS/FILE (calibration){devkit if kind == IMAGENET else ''}"
        )
    return None


def require_data(name: str) -> None:
    """Refuse a data set whose folder is not there.

    Raises:
        UserError: says what to put where.
    """
    missing = missing_data(name)
    if missing is not None:
        folder, remedy = missing
        raise UserError(f"workload.dataset {name.partition(':')[0]}: no folder {folder}; {remedy}")


def listed_images(name: str) -> Index:
    """Return the index of the image files of a data set.

    Raises:
        UserError: they are not there, or not as they have to be.
    """
    require_data(name)
    index = image_index(data_folder(name))
    require_classes(name, index)
    return index


def require_classes(name: str, index: Index) -> None:
    """Refuse folders that are not those of the data set `name`.

    Raises:
        UserError: ImageNet has other classes.
    """
    if (
        name.partition(":")[0] == IMAGENET
        and not index.devkit
        and index.classes != IMAGENET_CLASSES
    ):
        raise UserError(
            f"workload.dataset {IMAGENET}: {index.root} has folders of {index.classes} classes; "
            f"allowed: {IMAGENET_CLASSES}, or {DEVKIT} beside them, which numbers "
            "the classes; otherwise use folder:PATH"
        )


def content_name(name: str) -> str:
    """Return what stands for the data set in a key.

    Raises:
        UserError: its image files are not there, or not as they have to be.
    """
    if is_image_files(name):
        return f"images:sha256:{listed_images(name).identity}"
    return name.partition(":")[0]
