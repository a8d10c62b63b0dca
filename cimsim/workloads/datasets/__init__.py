"""Data sets by name. Those that need no file are read or drawn with NumPy alone."""

from __future__ import annotations

from functools import lru_cache

from cimsim.campaign.data_source import (
    EMBEDDED,
    data_folder,
    is_image_files,
    listed_images,
    require_data,
)
from cimsim.campaign.design import DesignPoint, Workload
from cimsim.campaign.image_index import require_unchanged
from cimsim.errors import UserError
from cimsim.workloads.datasets.dataset import (
    Dataset,
    FirstImages,
    Images,
    batch_size,
    batches,
)
from cimsim.workloads.datasets.digits import digits16
from cimsim.workloads.datasets.shapes import shapes10

__all__ = [
    "Dataset",
    "FirstImages",
    "Images",
    "batch_size",
    "batches",
    "check_images",
    "dataset_of",
    "evaluated_images",
    "load_dataset",
]

_EMBEDDED = {"digits16": digits16, "shapes10": shapes10}


def load_dataset(name: str) -> Dataset:
    """Return a data set that needs no file; see :func:`dataset_of` for all."""
    return _EMBEDDED[name]()


def dataset_of(workload: Workload) -> Dataset:
    """Return the data set of `workload`, prepared as its network takes it.

    Raises:
        UserError: its files are missing or damaged, or nothing says how to prepare them.
    """
    if workload.dataset in EMBEDDED:
        return load_dataset(workload.dataset)
    return _from_files(workload.model_copy(update={"images": 0}))


@lru_cache(maxsize=1)  # a stage asks several times
def _from_files(workload: Workload) -> Dataset:
    # These load torch, torchvision and Pillow.
    from cimsim.workloads.datasets.cifar import cifar
    from cimsim.workloads.datasets.files import image_files
    from cimsim.workloads.datasets.preprocessing import own_transform, transform_of

    name = workload.dataset
    if is_image_files(name):
        return image_files(data_folder(name), listed_images(name), transform_of(workload))
    require_data(name)
    return cifar(name.partition(":")[0], data_folder(name), own_transform(workload))


def check_images(point: DesignPoint) -> None:
    """Refuse a design point that wants more images than its data set has.

    Raises:
        UserError: names the field, its value and the number of images there are.
    """
    name = point.workload.dataset
    if is_image_files(name):
        require_unchanged(listed_images(name), name)
    data = dataset_of(point.workload)
    wanted = (
        ("workload.images", point.workload.images, len(data.test_images), "test"),
        ("chip.trace_images", point.chip.trace_images, len(data.test_images), "test"),
        ("quantization.images", point.quantization.images, len(data.train_images), "training"),
    )
    for field, value, available, split in wanted:
        if value > available:
            raise UserError(
                f"{field} is {value} but {point.workload.dataset} has {available} {split} images"
            )


def evaluated_images(point: DesignPoint, data: Dataset) -> Images:
    """Return the test images that `point` evaluates: the first workload.images, or all (0)."""
    return FirstImages(data.test_images, point.workload.images or len(data.test_images))
