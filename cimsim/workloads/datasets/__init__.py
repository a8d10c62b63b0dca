"""Data sets by name. Those that need no file are read or drawn with NumPy alone."""

from __future__ import annotations

from cimsim.campaign.design import DesignPoint
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
    "evaluated_images",
    "load_dataset",
]

_LOADERS = {"digits16": digits16, "shapes10": shapes10}


def load_dataset(name: str) -> Dataset:
    """Return the data set `name` of the catalogue."""
    return _LOADERS[name]()


def check_images(point: DesignPoint) -> None:
    """Refuse a design point that wants more images than its data set has.

    Raises:
        UserError: names the field, its value and the number of images there are.
    """
    data = load_dataset(point.workload.dataset)
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
