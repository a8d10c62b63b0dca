"""ImageNet and other data sets of one image a file, by their index."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from PIL import Image

from cimsim.campaign.image_index import Index
from cimsim.errors import UserError
from cimsim.schemas import IMAGES
from cimsim.tables import read_table
from cimsim.workloads.datasets.dataset import Dataset
from cimsim.workloads.datasets.prepared import PreparedImages, Transform
from cimsim.workloads.torch_setup import import_torchvision


def image_files(root: Path, index: Index, transform: Transform) -> Dataset:
    """Return the images below `root` that its index lists; each is decoded when it is asked for.

    Raises:
        UserError: the index or the first image of a split cannot be read.
    """
    table = read_table(index.file, IMAGES)
    read = _reader()
    splits = [table.filter(pc.equal(table["split"], name)) for name in ("train", "test")]
    images = [
        PreparedImages(split.num_rows, _opener(root, split, read), transform) for split in splits
    ]
    labels: list[NDArray[np.int64]] = [
        split["label"].to_numpy().astype(np.int64) for split in splits
    ]
    return Dataset(images[0], labels[0], images[1], labels[1], index.classes)


def _reader() -> Callable[[str], Image.Image]:
    """Return torchvision's reader of an image file as RGB."""
    import_torchvision()
    reader: Callable[[str], Image.Image] = importlib.import_module(
        "torchvision.datasets.folder"
    ).default_loader
    return reader


def _opener(
    root: Path, split: pa.Table, read: Callable[[str], Image.Image]
) -> Callable[[int], Image.Image]:
    """Return the function that opens image n of a split."""
    paths, sizes = split["path"].combine_chunks(), split["size"].combine_chunks()

    def opened(number: int) -> Image.Image:
        path: Any = root / paths[number].as_py()
        try:
            size, listed = path.stat().st_size, sizes[number].as_py()
            if size != listed:
                raise UserError(
                    f"workload.dataset: {path}: has {size} bytes, but {listed} when the images "
                    f"were listed; run `cimsim data folder:{root}` to list them again"
                )
            return read(str(path))
        except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
            raise UserError(f"workload.dataset: {path}: no readable image ({error})") from error

    return opened
