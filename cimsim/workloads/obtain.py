"""Getting a data set and looking at it, for the command line."""

from __future__ import annotations

from cimsim.campaign.data_source import (
    ARCHIVES,
    check_dataset,
    data_folder,
    is_image_files,
    require_classes,
    require_data,
)
from cimsim.campaign.design import Workload
from cimsim.campaign.image_index import make_index
from cimsim.errors import UserError


def download(name: str) -> None:
    """Download the data set `name` unless its folder is there.

    Raises:
        UserError: there is no such data set, it is not for download, or that fails.
    """
    _check(name)
    kind = name.partition(":")[0]
    if kind not in ARCHIVES:
        raise UserError(f"--download: {name}; allowed: {', '.join(ARCHIVES)}")
    from cimsim.workloads.datasets import cifar

    folder = data_folder(name)
    if not (folder / ARCHIVES[kind].folder).is_dir():
        cifar.download(kind, folder)


def description(name: str) -> str:
    """Return what a data set holds; its files are read and checked, image files listed anew.

    Raises:
        UserError: there is no such data set, or its files are missing or not as they have to be.
    """
    _check(name)
    require_data(name)
    if is_image_files(name):
        from cimsim.schemas import IMAGES
        from cimsim.tables import read_table

        index = make_index(data_folder(name))
        require_classes(name, index)
        splits = read_table(index.file, IMAGES, ["split"])["split"].to_pylist()
        train, test = splits.count("train"), splits.count("test")
        return _text(name, train, test, index.classes, f"listed in {index.file}")
    from cimsim.workloads.datasets import dataset_of

    data = dataset_of(Workload(dataset=name))
    size = " x ".join(map(str, data.test_images.shape[1:]))
    return _text(name, len(data.train_images), len(data.test_images), data.classes, size)


def _text(name: str, train: int, test: int, classes: int, more: str) -> str:
    return f"{name}: {train:,} training and {test:,} test images of {classes:,} classes, {more}"


def _check(name: str) -> None:
    try:
        check_dataset(name)
    except ValueError as error:
        raise UserError(str(error)) from error
