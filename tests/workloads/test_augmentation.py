"""Augmentation keeps what an image shows, and changes where and which way up."""

import torch

from cimsim.workloads.augmentation import SHIFT, augmented


def moved(image, down, right):
    """The image moved, by the definition: a pixel outside is the nearest one inside."""
    side = image.shape[-1]
    places = torch.arange(side)
    rows = (places + down).clamp(0, side - 1)
    columns = (places + right).clamp(0, side - 1)
    return image[:, rows][:, :, columns]


def orientations(image, dataset):
    turns = [torch.rot90(image, n, (1, 2)) for n in range(4)]
    return {
        "shapes10": [*turns, *(turn.flip(2) for turn in turns)],
        "cifar10:/some/folder": [image, image.flip(2)],
        "digits16": [image],
    }[dataset]


def test_every_result_is_a_moved_image_that_may_be_turned():
    image = torch.rand(3, 8, 8)
    shifts = range(-SHIFT, SHIFT + 1)
    for dataset in ("shapes10", "cifar10:/some/folder", "digits16"):
        turned = orientations(image, dataset)
        allowed = [moved(t, down, right) for t in turned for down in shifts for right in shifts]
        found = augmented(image.repeat(1500, 1, 1, 1), dataset)
        seen = torch.stack([(found == one).flatten(1).all(dim=1) for one in allowed])
        assert seen.any(dim=0).all()
        assert seen.any(dim=1).float().mean() > 0.95, "some of the images never come up"


def test_images_stay_apart_and_are_not_changed_in_place():
    torch.manual_seed(1)
    images = torch.arange(6.0)[:, None, None, None].expand(6, 1, 4, 4).clone()
    for dataset in ("shapes10", "digits16"):
        assert torch.equal(augmented(images, dataset), images)
