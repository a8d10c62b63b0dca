"""Training of a network in the workflow: seconds on one core, the same weights for a seed."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from cimsim.workloads.augmentation import augmented
from cimsim.workloads.datasets import Dataset
from cimsim.workloads.models import Recipe
from cimsim.workloads.torch_setup import reproducible

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Epoch:
    """Means over one epoch; accuracy on the training images as they were seen, 0 to 1."""

    epoch: int
    learning_rate: float
    loss: float
    train_accuracy: float


def train(
    build: Callable[[], nn.Module], data: Dataset, recipe: Recipe, seed: int, dataset: str = ""
) -> tuple[nn.Module, list[Epoch]]:
    """Return a network trained on the training split, in evaluation mode, and its history.

    `build` makes the network; `seed` fixes its initial weights, the order of the images and what
    augmentation does with them, which may depend on the name `dataset` of the data. The caller's
    random state is kept.
    """
    with reproducible(), torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = build()
        history = _fit(network, data, recipe, dataset)
    return network.eval(), history


def _fit(network: nn.Module, data: Dataset, recipe: Recipe, dataset: str) -> list[Epoch]:
    images, labels = torch.from_numpy(data.train_images[:]), torch.from_numpy(data.train_labels)
    optimizer = torch.optim.AdamW(
        network.parameters(), lr=recipe.learning_rate, weight_decay=recipe.weight_decay
    )
    steps = recipe.epochs * -(-len(images) // recipe.batch)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, recipe.learning_rate, total_steps=steps, pct_start=recipe.warm_up
    )
    loss_of = nn.CrossEntropyLoss(label_smoothing=recipe.label_smoothing)
    network.train()
    history = []
    for epoch in range(recipe.epochs):
        loss_sum, correct = 0.0, 0
        rate = float(schedule.get_last_lr()[0])
        for batch in torch.split(torch.randperm(len(images)), recipe.batch):
            seen = augmented(images[batch], dataset) if recipe.augmented else images[batch]
            loss, logits = _step(network, seen, labels[batch], optimizer, loss_of)
            schedule.step()
            loss_sum += loss * len(batch)
            correct += int((logits.argmax(dim=1) == labels[batch]).sum())
        entry = Epoch(epoch, rate, loss_sum / len(images), correct / len(images))
        log.info("epoch %d: loss %.4f, accuracy %.4f", epoch, entry.loss, entry.train_accuracy)
        history.append(entry)
    return history


def _step(
    network: nn.Module,
    images: Tensor,
    labels: Tensor,
    optimizer: torch.optim.Optimizer,
    loss_of: nn.Module,
) -> tuple[float, Tensor]:
    """Take one step of the optimizer; return the loss and the logits before it."""
    logits: Tensor = network(images)
    loss = loss_of(logits, labels)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return float(loss.detach()), logits.detach()
