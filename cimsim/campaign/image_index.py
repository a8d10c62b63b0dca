"""The list of the images of a folder: made once, so that no job has to walk a million files.

A folder holds ``val/CLASS/FILE`` (or ``test``) and ``train/CLASS/FILE``, or only ``CLASS/FILE``, as
torchvision's ImageFolder reads it; or ImageNet as published, whose validation images lie in one
folder and whose development kit says their classes (:mod:`cimsim.campaign.devkit`).

The list is a table in ``data/index/``. Its identity, which enters the keys, is a hash of labels,
names and sizes of all images: not of their content, which would mean to read 150 GB of ImageNet.
Each image's size is compared again when it is read.
"""

from __future__ import annotations

import hashlib
import logging
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from cimsim.campaign import devkit
from cimsim.campaign.devkit import Devkit, read_devkit
from cimsim.errors import UserError

log = logging.getLogger(__name__)

INDEX_FOLDER = Path("data/index")
"""Where the lists are kept: in the working directory, which all jobs share."""

IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png", ".ppm", ".bmp", ".pgm", ".tif", ".tiff", ".webp")
"""Endings of image files, as in torchvision."""

TRAINING_FOLDERS = ("train", "ILSVRC2012_img_train")
TEST_FOLDERS = ("val", "test", devkit.IMAGES)
"""Folders of a split; the first one that is there."""

HELD_OUT = 10
"""Without a folder of training images, one in so many images is for calibration, not for tests."""


@dataclass(frozen=True, slots=True)
class Image:
    """One image: path below the root with slashes, number of its class, size in bytes."""

    path: str
    label: int
    size: int

    @property
    def name(self) -> str:
        """Class and name of the file; the same in every layout of a data set."""
        return f"{self.label}/{self.path.rpartition('/')[2]}"

    @property
    def place(self) -> tuple[bytes, str]:
        """Place in the order of its split: a hash, so that the first images are of all classes."""
        return hashlib.sha256(self.name.encode()).digest(), self.path


@dataclass(frozen=True)
class Index:
    """What is known of a folder of images.

    Attributes:
        file: the table with all images (:data:`cimsim.schemas.IMAGES`), in order.
        root: the folder.
        identity: hash of the list.
        classes: number of classes.
        devkit: whether ImageNet's development kit numbers the classes.
        changed: time of change in ns of every folder below the root, by its path below it.
    """

    file: Path
    root: str
    identity: str
    classes: int
    devkit: bool
    changed: dict[str, int]


@cache
def image_index(root: Path) -> Index:
    """Return the index of a folder; makes it if it is not there or if folders came or went.

    Raises:
        UserError: the folder is not as it has to be, or the index cannot be written.
    """
    index = _read_index(index_file(root))
    if index is None or any(
        _changed(root / name) != index.changed.get(name, -1)
        for name in (".", *TRAINING_FOLDERS, *TEST_FOLDERS)
    ):
        return make_index(root)
    return index


def index_file(root: Path) -> Path:
    """Return where the index of a folder is kept."""
    name = hashlib.sha256(str(root.resolve()).encode()).hexdigest()[:12]
    return INDEX_FOLDER / f"{name}.parquet"


def _read_index(file: Path) -> Index | None:
    """Return what an index says of itself; None if it is not there or cannot be read."""
    from cimsim.tables import provenance_of

    try:
        return Index(file, **provenance_of(file))
    except (UserError, ValueError, TypeError):
        return None


def make_index(root: Path) -> Index:
    """List all images of a folder and write the index.

    Raises:
        UserError: as :func:`image_index`.
    """
    from cimsim.schemas import IMAGES
    from cimsim.tables import write_table

    log.warning("listing the images in %s", root)  # minutes, for a million files elsewhere
    changed = {".": _changed(root)}
    kit = read_devkit(root)
    splits, classes = _splits(root, kit, changed)
    columns: dict[str, list[str | int]] = {name: [] for name in IMAGES.names}
    listing = hashlib.sha256(f"{classes}\n".encode())
    for split, images in splits.items():
        for image in images:
            listing.update(f"{split}\0{image.name}\0{image.size}\n".encode())
        columns["split"] += [split] * len(images)
        columns["path"] += [image.path for image in images]
        columns["label"] += [image.label for image in images]
        columns["size"] += [image.size for image in images]
    index = Index(
        index_file(root),
        str(root.resolve()),
        listing.hexdigest(),
        classes,
        kit is not None,
        changed,
    )
    write_table(
        index.file,
        columns,
        IMAGES,
        {name: held for name, held in vars(index).items() if name != "file"},
    )
    return index


def require_unchanged(index: Index, name: str) -> None:
    """Refuse an index whose folders have changed since; `name` is that of the data set.

    Raises:
        UserError: says which folder, and what to do.
    """
    for folder, time in index.changed.items():
        if _changed(Path(index.root) / folder) != time:
            raise UserError(
                f"workload.dataset: files in {Path(index.root) / folder} have come or gone since "
                f"its images were listed; run `cimsim data {name}` to list them again"
            )


def _splits(
    root: Path, kit: Devkit | None, changed: dict[str, int]
) -> tuple[dict[str, list[Image]], int]:
    """Return the images of both splits, each in its order, and the number of classes."""
    train, test = _first(root, TRAINING_FOLDERS), _first(root, TEST_FOLDERS)
    if test is None and train is not None:
        raise UserError(
            f"workload.dataset: {root} has images for training but none for tests; put those into "
            f"{root / TEST_FOLDERS[0]}, one folder a class"
        )
    test = test or root
    classes = kit.classes if kit else _class_folders(train or test)
    numbers = {name: number for number, name in enumerate(classes)}
    found = sorted(_images(root, test, numbers, kit, changed), key=lambda image: image.place)
    if train is not None:
        trained = _images(root, train, numbers, None, changed)
        splits = {"train": sorted(trained, key=lambda image: image.place), "test": found}
    else:
        rest = [image for n, image in enumerate(found) if n % HELD_OUT]
        splits = {"train": found[::HELD_OUT], "test": rest}
    for split, images in splits.items():
        if not images:
            folder = train if split == "train" and train else test
            raise UserError(
                f"workload.dataset: {folder}: too few images; put them into "
                f"{folder}/CLASS/FILE (FILE: *{', *'.join(IMAGE_SUFFIXES)})"
            )
    if kit is None:
        _require_images_of_all(classes, train or test, splits)
    return splits, len(classes)


def _require_images_of_all(
    classes: Sequence[str], folder: Path, splits: dict[str, list[Image]]
) -> None:
    """Refuse folders without images, which would shift the numbers of the classes."""
    seen = {image.label for images in splits.values() for image in images}
    empty = [name for number, name in enumerate(classes) if number not in seen]
    if empty:
        raise UserError(
            f"workload.dataset: {folder / empty[0]}: no images; allowed: a folder of images for "
            "each class and no others"
        )


def _images(
    root: Path,
    folder: Path,
    numbers: dict[str, int],
    kit: Devkit | None,
    changed: dict[str, int],
) -> Iterator[Image]:
    """Yield the images of a split; without folders of classes, the kit says the classes."""
    names = _class_folders(folder)
    changed[_below(root, folder)] = _changed(folder)
    if not names:
        for path in _files(folder, changed, root):
            if kit is None:
                raise UserError(
                    f"workload.dataset: {folder}: images without folders of classes; put the "
                    f"images into one folder a class, or {devkit.FOLDER} into {root}"
                )
            yield _image(root, path, numbers[kit.class_of(path)])
    for name in names:
        if name not in numbers:
            raise UserError(
                f"workload.dataset: {folder / name}: no class of that name among the "
                f"{len(numbers)} of {_where(root, folder, kit)}"
            )
        for path in _files(folder / name, changed, root):
            yield _image(root, path, numbers[name])


def _where(root: Path, folder: Path, kit: Devkit | None) -> str:
    return "the development kit" if kit else str(_first(root, TRAINING_FOLDERS) or folder)


def _files(folder: Path, changed: dict[str, int], root: Path) -> Iterator[Path]:
    """Yield all image files below a folder, at any depth."""
    try:
        for here, _, names in os.walk(folder, followlinks=True, onerror=_refuse):
            changed[_below(root, Path(here))] = _changed(Path(here))
            for name in names:
                if name.lower().endswith(IMAGE_SUFFIXES):
                    yield Path(here) / name
    except OSError as error:
        raise _unreadable(error, folder) from error


def _refuse(error: OSError) -> None:
    raise error


def _image(root: Path, path: Path, label: int) -> Image:
    try:
        below = _below(root, path)
        below.encode()
        return Image(below, label, path.stat().st_size)
    except UnicodeEncodeError as error:
        raise UserError(f"workload.dataset: {path!a}: a name that is not UTF-8") from error
    except OSError as error:
        raise _unreadable(error, path) from error


def _class_folders(folder: Path) -> list[str]:
    """Return the names of the folders of classes in the order of their numbers."""
    try:
        return sorted(entry.name for entry in os.scandir(folder) if entry.is_dir())
    except OSError as error:
        raise _unreadable(error, folder) from error


def _first(root: Path, names: tuple[str, ...]) -> Path | None:
    return next((root / name for name in names if (root / name).is_dir()), None)


def _below(root: Path, path: Path) -> str:
    return path.relative_to(root).as_posix()


def _changed(folder: Path) -> int:
    """Return when files in a folder last came or went, in ns; -1 if it is not there."""
    try:
        return folder.stat().st_mtime_ns
    except OSError:
        return -1


def _unreadable(error: OSError, path: Path) -> UserError:
    named = error.filename or path
    return UserError(f"workload.dataset: {named}: cannot be read: {error.strerror or error}")
