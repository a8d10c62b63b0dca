"""shapes10: the same bytes everywhere, colours without meaning, figures that can be learnt."""

import hashlib

import numpy as np
import pytest
import torch
from torch import nn

from cimsim.campaign.design import DesignPoint
from cimsim.workloads.datasets import load_dataset
from cimsim.workloads.datasets.shapes import FIGURES, draw
from cimsim.workloads.models import Recipe, build_network
from cimsim.workloads.training import train


@pytest.fixture(scope="module")
def data():
    return load_dataset("shapes10")


def test_the_bytes_are_pinned():
    digests = {
        split: hashlib.sha256(draw(split, 600)[0].tobytes()).hexdigest()[:16]
        for split in ("train", "test")
    }
    assert digests == {"train": "ca15c7d30896dff0", "test": "0cfccf6e1fd3c6e1"}


def test_an_image_does_not_depend_on_how_many_are_drawn():
    few, many = draw("test", 7)[0], draw("test", 600)[0]
    np.testing.assert_array_equal(few, many[:7])
    alone, _ = draw("test", 507)
    np.testing.assert_array_equal(alone, many[:507])


def test_splits_share_no_image_and_classes_are_even(data):
    train_pixels, test_pixels = draw("train", 2000)[0], draw("test", 2000)[0]
    images = np.concatenate([train_pixels, test_pixels]).reshape(4000, -1)
    assert len(np.unique(images, axis=0)) == 4000
    assert data.train_images.shape == (6000, 3, 32, 32)
    assert np.bincount(data.train_labels).tolist() == [600] * 10
    assert np.bincount(data.test_labels).tolist() == [200] * 10
    assert data.classes == len(FIGURES)


def test_a_slice_is_scaled_to_unit_range(data):
    part = data.test_images[10:14]
    assert part.dtype == np.float32
    np.testing.assert_array_equal(
        part, draw("test", 14)[0][10:].transpose(0, 3, 1, 2) / np.float32(255)
    )


def test_the_mean_image_of_each_class_is_flat(data):
    """No place and no colour belongs to a class, so that a linear model has little to go by."""
    images = data.train_images[:]
    means = np.stack([images[data.train_labels == label].mean(axis=0) for label in range(10)])
    assert means.std(axis=0).max() < 0.06
    assert np.abs(means.mean(axis=(1, 2, 3)) - 0.5).max() < 0.03


@pytest.mark.slow
def test_a_quarter_vgg8_is_far_above_a_linear_model_and_below_perfect(data):
    def accuracy(build):
        recipe = Recipe(epochs=6, learning_rate=2e-3, weight_decay=1e-2, batch=64)
        network, _ = train(build, data, recipe, seed=0)
        with torch.inference_mode():
            predicted = [
                network(torch.from_numpy(data.test_images[i : i + 250])).argmax(dim=1).numpy()
                for i in range(0, 2000, 250)
            ]
        return (np.concatenate(predicted) == data.test_labels).mean()

    workload = DesignPoint(workload={"dataset": "shapes10", "width": 0.25}).workload
    linear = accuracy(lambda: nn.Sequential(nn.Flatten(), nn.Linear(3 * 32 * 32, 10)))
    vgg = accuracy(lambda: build_network(workload, data))
    assert linear < 0.2
    assert 0.85 < vgg < 0.99
