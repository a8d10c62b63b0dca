"""The data sets against scikit-learn, torch and the rules that the documentation states."""

import subprocess
import sys

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits

from cimsim.campaign.design import DesignPoint
from cimsim.errors import UserError
from cimsim.workloads.datasets import (
    FirstImages,
    batch_size,
    batches,
    check_images,
    evaluated_images,
    load_dataset,
)
from cimsim.workloads.datasets.digits import double_size, read_digits, stratified_test_indices


def test_digits_equal_scikit_learns():
    pixels, labels = read_digits()
    reference = load_digits()
    np.testing.assert_array_equal(pixels, reference.images)
    np.testing.assert_array_equal(labels, reference.target)


def test_reading_imports_neither_scikit_learn_nor_torch():
    script = (
        "import sys; from cimsim.workloads.datasets import load_dataset; load_dataset('digits16');"
        "print(sorted({'sklearn', 'torch', 'pandas'} & set(sys.modules)))"
    )
    result = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "[]"


def test_enlarged_as_bilinear_interpolation():
    images = np.random.default_rng(0).random((3, 5, 7), dtype=np.float32)
    expected = torch.nn.functional.interpolate(
        torch.from_numpy(images)[None], scale_factor=2, mode="bilinear", align_corners=False
    )[0]
    np.testing.assert_allclose(double_size(images), expected.numpy(), atol=1e-6)


def test_digits16_shapes_range_and_split():
    data = load_dataset("digits16")
    assert data.train_images.shape == (1347, 1, 16, 16)
    assert data.test_images.shape == (450, 1, 16, 16)
    assert data.train_images.dtype == np.float32
    both = np.concatenate([data.train_images, data.test_images])
    assert (both.min(), both.max()) == (0.0, 1.0)
    share = np.bincount(data.test_labels) / 450
    whole = np.bincount(np.concatenate([data.train_labels, data.test_labels])) / 1797
    assert np.abs(share - whole).max() * 450 < 1  # each class within one image of its share


def test_split_uses_each_image_once():
    data = load_dataset("digits16")
    pixels, _ = read_digits()
    whole = double_size((pixels / 16).astype(np.float32)).reshape(1797, -1)
    both = np.concatenate([data.train_images, data.test_images]).reshape(1797, -1)

    def ordered(rows):
        return rows[np.lexsort(rows.T)]

    np.testing.assert_array_equal(ordered(whole), ordered(both))


def test_stratified_split_of_a_small_example():
    labels = np.array([0, 0, 0, 0, 1, 1, 1, 1, 1, 1])
    # Shares of 5: 2 of class 0 (places 1 and 3 of 4), 3 of class 1 (places 1, 3 and 5 of 6).
    assert stratified_test_indices(labels, 5).tolist() == [1, 3, 5, 7, 9]


def test_number_of_evaluated_images():
    data = load_dataset("digits16")
    assert len(evaluated_images(DesignPoint(), data)) == 450
    assert len(evaluated_images(DesignPoint(workload={"images": 7}), data)) == 7


@pytest.mark.parametrize(
    ("section", "field", "value", "available"),
    [
        ("workload", "images", 451, "450 test"),
        ("quantization", "images", 1348, "1347 training"),
        ("chip", "trace_images", 451, "450 test"),
    ],
)
def test_more_images_than_there_are(section, field, value, available):
    with pytest.raises(UserError, match=rf"{section}\.{field} is {value} .* has {available}"):
        check_images(DesignPoint(**{section: {field: value}}))
    check_images(DesignPoint(**{section: {field: value - 1}}))


@pytest.mark.parametrize(("side", "expected"), [(16, 50), (64, 50), (224, 5), (384, 1), (4096, 1)])
def test_a_batch_has_fewer_images_where_they_are_large(side, expected):
    image = np.zeros((1, 1, 1, 1), dtype=np.float32)
    assert batch_size(np.broadcast_to(image, (100, 3, side, side))) == expected


def test_batches_are_all_images_in_order():
    images = FirstImages(load_dataset("digits16").test_images, 120)
    found = list(batches(images))
    assert [len(batch) for batch in found] == [50, 50, 20]
    np.testing.assert_array_equal(np.concatenate(found), images[:])
