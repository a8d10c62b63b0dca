"""digits16: the handwritten digits that ship with scikit-learn, enlarged to 16 x 16."""

from __future__ import annotations

import gzip
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cimsim.errors import UserError
from cimsim.workloads.datasets.dataset import Dataset

DIGIT_CLASSES = 10
DIGITS_SIDE = 8
DIGITS_TOP = 16
"""Largest pixel value of the digits."""
DIGITS_TEST = 450
"""Test images of digits16; the other 1,347 are for training and calibration."""


def read_digits() -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the 1,797 digits int64 [n, 8, 8] (0 to 16) and their labels from scikit-learn's files.

    The packaged CSV is read directly, because importing scikit-learn costs seconds in every job.
    Source: E. Alpaydin and C. Kaynak, "Optical recognition of handwritten digits", UCI repository.
    """
    package = find_spec("sklearn")
    if package is None or package.origin is None:
        raise UserError("digits16: scikit-learn is not installed; it carries the images")
    path = Path(package.origin).parent / "datasets" / "data" / "digits.csv.gz"
    try:
        with gzip.open(path, "rt") as file:
            table = np.loadtxt(file, delimiter=",", dtype=np.int64)
    except OSError as error:
        raise UserError(f"{path}: cannot read the digits of scikit-learn: {error}") from error
    return table[:, :-1].reshape(-1, DIGITS_SIDE, DIGITS_SIDE), table[:, -1]


def stratified_test_indices(labels: NDArray[np.int64], test: int) -> NDArray[np.int64]:
    """Return `test` indices, in ascending order, that hold each class in proportion.

    Each class gets its share of `test` by largest remainder (the first class wins a tie); within a
    class the m chosen of n images are evenly spaced in file order: number (2 i + 1) n // (2 m).
    """
    counts = np.bincount(labels)
    shares = counts * test / labels.size
    chosen = np.floor(shares).astype(np.int64)
    by_remainder = np.argsort(-(shares - chosen), kind="stable")
    chosen[by_remainder[: test - chosen.sum()]] += 1
    indices = [
        np.flatnonzero(labels == label)[(2 * np.arange(m) + 1) * counts[label] // (2 * m)]
        for label, m in enumerate(chosen)
    ]
    return np.sort(np.concatenate(indices))


def double_size(images: NDArray[np.float32]) -> NDArray[np.float32]:
    """Enlarge images [n, h, w] to [n, 2 h, 2 w] by bilinear interpolation, edges repeated.

    Half-pixel centres: each new pixel is 3/4 of its own old pixel and 1/4 of the neighbour.
    """
    return _double_rows(_double_rows(images).transpose(0, 2, 1)).transpose(0, 2, 1)


def _double_rows(images: NDArray[np.float32]) -> NDArray[np.float32]:
    before = np.concatenate([images[:, :1], images[:, :-1]], axis=1)
    after = np.concatenate([images[:, 1:], images[:, -1:]], axis=1)
    pair = np.stack([0.75 * images + 0.25 * before, 0.75 * images + 0.25 * after], axis=2)
    return pair.reshape(len(images), -1, images.shape[2]).astype(np.float32)


def digits16() -> Dataset:
    """Return the digits, split by :func:`stratified_test_indices`."""
    pixels, labels = read_digits()
    images = double_size((pixels / DIGITS_TOP).astype(np.float32))[:, None]
    images = np.ascontiguousarray(images)
    is_test = np.zeros(labels.size, dtype=bool)
    is_test[stratified_test_indices(labels, DIGITS_TEST)] = True
    return Dataset(
        train_images=images[~is_test],
        train_labels=labels[~is_test],
        test_images=images[is_test],
        test_labels=labels[is_test],
        classes=DIGIT_CLASSES,
    )
