"""ImageNet's development kit (ILSVRC2012_devkit_t12): which image is of which class.

O. Russakovsky et al., "ImageNet large scale visual recognition challenge", IJCV 2015; the kit's
readme.txt. ``data/meta.mat`` numbers the synsets; those without children are the 1000 classes.
``data/ILSVRC2012_validation_ground_truth.txt`` has the number of the class of validation image n,
``ILSVRC2012_val_0000000n.JPEG``, in its line n. Networks number the classes in the order of the
WordNet names, as torchvision does.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cimsim.errors import UserError

FOLDER = "ILSVRC2012_devkit_t12"
IMAGES = "ILSVRC2012_img_val"
META = "data/meta.mat"
TRUTH = "data/ILSVRC2012_validation_ground_truth.txt"

VALIDATION_IMAGE = re.compile(r"ILSVRC2012_val_(\d{8})\.JPEG")


@dataclass(frozen=True)
class Devkit:
    """Classes (WordNet names, in the order of their numbers) and those of the validation images."""

    classes: tuple[str, ...]
    truth: tuple[str, ...]

    def class_of(self, image: Path) -> str:
        """Return the WordNet name of a validation image.

        Raises:
            UserError: the file is not named as one.
        """
        match = VALIDATION_IMAGE.fullmatch(image.name)
        if match is None or not 1 <= int(match[1]) <= len(self.truth):
            raise UserError(
                f"workload.dataset: {image}: no validation image of the development kit; allowed: "
                f"ILSVRC2012_val_00000001.JPEG to ILSVRC2012_val_{len(self.truth):08}.JPEG"
            )
        return self.truth[int(match[1]) - 1]


def read_devkit(root: Path) -> Devkit | None:
    """Return the development kit in the folder of a data set; None if there is none.

    Raises:
        UserError: one of its files is missing or damaged.
    """
    folder = root / FOLDER
    if not folder.is_dir():
        return None
    names = _leaves(folder / META)
    try:
        numbers = [int(line) for line in (folder / TRUTH).read_text(encoding="ascii").split()]
        truth = tuple(names[number] for number in numbers)
    except (OSError, ValueError, KeyError) as error:
        raise _damaged(folder / TRUTH, error) from error
    return Devkit(tuple(sorted(names.values())), truth)


def _leaves(path: Path) -> dict[int, str]:
    """Return the WordNet names of the classes by their number in the kit."""
    from scipy.io import loadmat

    try:
        # Fields: number, WordNet name, words, gloss, number of children, ...
        synsets: Any = loadmat(path, squeeze_me=True)["synsets"]
        return {
            int(s["ILSVRC2012_ID"]): str(s["WNID"]) for s in synsets if int(s["num_children"]) == 0
        }
    except Exception as error:  # scipy raises many things at what is no MAT file
        raise _damaged(path, error) from error


def _damaged(path: Path, error: Exception) -> UserError:
    return UserError(
        f"workload.dataset: {path}: missing or damaged ({type(error).__name__}: {error}); unpack "
        f"{FOLDER}.tar.gz of image-net.org in {path.parents[2]} again"
    )
