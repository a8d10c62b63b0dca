"""Training: learns, repeats to the bit, and leaves the caller's random state alone."""

from dataclasses import replace

import pytest
import torch

from cimsim.campaign.design import DesignPoint, Workload
from cimsim.schemas import TRAINING
from cimsim.tables import read_table
from cimsim.workloads.checkpoints import load_network
from cimsim.workloads.datasets import load_dataset
from cimsim.workloads.models import Recipe, build_network, training_recipe
from cimsim.workloads.stage import make_checkpoint
from cimsim.workloads.training import train

DATA = load_dataset("digits16")
SHORT = Recipe(epochs=1, learning_rate=3e-3, weight_decay=0.0, batch=64)


def short_training(seed):
    point = DesignPoint(workload={"width": 0.03125})
    return train(lambda: build_network(point.workload, DATA), DATA, SHORT, seed)


def test_one_epoch_beats_guessing_and_repeats():
    torch.manual_seed(1)
    before = torch.get_rng_state()
    network, history = short_training(3)
    assert torch.equal(before, torch.get_rng_state())
    assert history[0].train_accuracy > 0.2  # ten classes: guessing gives 0.1
    torch.rand(10)
    again, _ = short_training(3)
    other, _ = short_training(4)
    pairs = list(zip(network.state_dict().values(), again.state_dict().values(), strict=True))
    assert all(torch.equal(a, b) for a, b in pairs)
    assert not torch.equal(network.features[0].weight, other.features[0].weight)
    assert not network.training


def test_recipes_of_a_workload():
    standard, augmented = (Workload(recipe=name) for name in ("standard", "augmented"))
    assert not training_recipe(standard).augmented
    assert training_recipe(augmented).augmented
    assert training_recipe(Workload(model="vit")).epochs == 30
    assert training_recipe(Workload(model="vit", epochs=3)).epochs == 3


def test_augmented_training_repeats_and_sees_other_images():
    plain, first, second = (
        train(
            lambda: build_network(Workload(width=0.03125), DATA),
            DATA,
            replace(SHORT, augmented=augment, warm_up=0.1, label_smoothing=0.1),
            seed=3,
            dataset="digits16",
        )[0].state_dict()
        for augment in (False, True, True)
    )
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert not all(torch.equal(first[name], plain[name]) for name in first)


@pytest.mark.slow
@pytest.mark.parametrize(("model", "accuracy", "epochs"), [("vgg8", 0.98, 8), ("vit", 0.93, 30)])
def test_the_recipes_reach_their_accuracy(model, accuracy, epochs, tmp_path):
    point = DesignPoint(workload={"model": model})
    make_checkpoint(point, output=tmp_path, provenance={})
    network = load_network(point, tmp_path)
    predicted = network(torch.from_numpy(DATA.test_images)).argmax(dim=1).numpy()
    assert (predicted == DATA.test_labels).mean() > accuracy
    history = read_table(tmp_path / "training.parquet", TRAINING).to_pydict()
    assert history["epoch"] == list(range(epochs))
    assert history["loss"][-1] < 0.2 * history["loss"][0]
