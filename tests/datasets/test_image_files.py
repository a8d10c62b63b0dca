"""Image folders and ImageNet in miniature, beside torchvision's own readers."""

from __future__ import annotations

import os
import shutil
import tarfile
from collections import Counter
from collections.abc import Callable
from hashlib import md5
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from cimsim.campaign import image_index
from cimsim.campaign.data_source import content_name
from cimsim.campaign.design import DesignPoint, Workload
from cimsim.campaign.expand import load_campaign
from cimsim.campaign.keys import changed_fields, stage_keys
from cimsim.errors import UserError
from cimsim.schemas import IMAGES
from cimsim.tables import read_table
from cimsim.workloads import obtain
from cimsim.workloads.checkpoints import check_checkpoint
from cimsim.workloads.datasets import check_images, dataset_of
from cimsim.workloads.torch_setup import import_torchvision

from .miniature import WORDNET, write_imagenet, write_pictures

Forget = Callable[[], None]


def workload(dataset: str, model: str = "vgg8") -> Workload:
    """Return a workload with a checkpoint, which image files need."""
    return Workload(dataset=dataset, model=model, checkpoint="some.pt")


def listed(root: str) -> dict[str, dict[str, int]]:
    """Return the label of each path of each split as the index has it."""
    found: dict[str, dict[str, int]] = {"train": {}, "test": {}}
    for row in read_table(image_index.image_index(Path(root)).file, IMAGES).to_pylist():
        found[row["split"]][row["path"]] = row["label"]
    return found


@pytest.fixture
def pictures(fresh: Path) -> Path:
    """A folder of three classes with images for calibration and tests."""
    for number, name in enumerate(("zebra", "ant", "Cat")):
        write_pictures(fresh / "set/train" / name, 4, number)
        write_pictures(fresh / "set/val" / name, 3, 10 + number)
    (fresh / "set/val/ant/notes.txt").write_text("no image")
    return fresh / "set"


def test_labels_are_those_of_torchvision(pictures: Path) -> None:
    import_torchvision()
    from torchvision.datasets import ImageFolder
    from torchvision.datasets.folder import IMG_EXTENSIONS

    assert image_index.IMAGE_SUFFIXES == IMG_EXTENSIONS
    write_pictures(pictures / "val/ant/nested", 1, 20, "JPEG")
    index = listed("set")
    for split, folder in (("train", "train"), ("test", "val")):
        reference = ImageFolder(f"set/{folder}")
        expected = {str(Path(p).relative_to("set")): label for p, label in reference.samples}
        assert index[split] == expected
    assert sorted(set(index["test"].values())) == [0, 1, 2]  # Cat, ant, zebra


def test_images_are_those_of_torchvision(pictures: Path) -> None:
    import_torchvision()
    from torchvision.datasets import ImageFolder
    from torchvision.transforms import ToTensor

    data = dataset_of(workload("folder:set"))
    assert data.test_images.shape == (9, 3, 12, 12)
    reference = ImageFolder("set/val", transform=ToTensor())
    by_path = {path: reference[n][0] for n, (path, _) in enumerate(reference.samples)}
    order = list(listed("set")["test"])
    expected = torch.stack([by_path[f"set/{path}"] for path in order]).numpy()
    np.testing.assert_array_equal(data.test_images[:], expected)
    np.testing.assert_array_equal(data.test_images[2:5], expected[2:5])
    assert data.test_labels.tolist() == [listed("set")["test"][path] for path in order]


def test_the_first_images_are_of_all_classes(fresh: Path) -> None:
    for number in range(10):
        write_pictures(fresh / f"set/val/class_{number}", 20, number, side=2)
    labels = dataset_of(workload("folder:set")).test_labels
    counts = Counter(labels[:90].tolist())
    assert len(counts) == 10
    assert max(counts.values()) < 25


def test_without_training_images_some_are_held_out(pictures: Path) -> None:
    shutil.rmtree(pictures / "train")
    shutil.copytree(pictures / "val", "plain")
    nested, plain = listed("set"), listed("plain")
    assert [len(nested[split]) for split in nested] == [1, 8]
    assert not nested["train"].keys() & nested["test"].keys()
    assert {f"val/{path}": label for path, label in plain["test"].items()} == nested["test"]
    assert content_name("folder:set") == content_name("folder:plain")


def test_the_list_alone_enters_the_key(pictures: Path, forget: Forget) -> None:
    def keys(dataset: str) -> dict[str, str]:
        forget()
        point = DesignPoint(workload={"dataset": dataset, "checkpoint": "some.pt"})
        changed = changed_fields(point)
        del changed["workload.checkpoint"]
        return stage_keys(changed)

    first = keys("folder:set")
    shutil.copytree("set", "copy", copy_function=shutil.copyfile)
    assert keys("folder:copy") == first
    write_pictures(Path("copy/val/dog"), 1, 1)
    write_pictures(Path("copy/train/dog"), 1, 1)
    assert not set(keys("folder:copy").values()) & set(first.values())


def test_a_second_process_does_not_walk(
    pictures: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    forget: Forget,
) -> None:
    first = content_name("folder:set")
    assert caplog.messages == ["listing the images in set"]
    forget()

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("the folder is walked")

    monkeypatch.setattr(os, "walk", refuse)
    monkeypatch.setattr(os, "scandir", refuse)
    assert content_name("folder:set") == first
    dataset_of(workload("folder:set"))
    (pictures / "test").mkdir()
    forget()
    with pytest.raises(AssertionError):
        content_name("folder:set")


def test_a_damaged_list_is_made_again(pictures: Path, forget: Forget) -> None:
    first = content_name("folder:set")
    file = image_index.image_index(Path("set")).file
    file.write_bytes(b"nothing")
    forget()
    assert content_name("folder:set") == first


def test_what_a_data_set_without_files_holds() -> None:
    described = obtain.description("shapes10")
    assert described == "shapes10: 6,000 training and 2,000 test images of 10 classes, 3 x 32 x 32"
    document = (Path(__file__).parents[2] / "docs/workloads.md").read_text(encoding="utf-8")
    assert described in document
    with pytest.raises(UserError, match="is no data set"):
        obtain.description("shapes")


def test_images_that_came_later(pictures: Path, forget: Forget) -> None:
    first = content_name("folder:set")
    point = DesignPoint(
        workload=workload("folder:set").model_dump(),
        quantization={"images": 4},
        chip={"trace_images": 1},
    )
    check_images(point)
    write_pictures(pictures / "val/ant/more", 1, 5)
    forget()
    with pytest.raises(
        UserError, match=r"files in .*val/ant have come .* `cimsim data folder:set`"
    ):
        check_images(point)
    described = obtain.description("folder:set")
    assert described.startswith(
        "folder:set: 12 training and 10 test images of 3 classes, listed in"
    )
    forget()
    check_images(point)
    assert content_name("folder:set") != first


def test_an_image_that_has_changed_or_gone(pictures: Path) -> None:
    data = dataset_of(workload("folder:set"))
    last = pictures / list(listed("set")["test"])[-1]
    content = last.read_bytes()
    last.write_bytes(content + b"x")
    with pytest.raises(UserError, match=r"has \d+ bytes, but \d+ when the images were listed"):
        data.test_images[:]
    last.write_bytes(b"x" * len(content))
    with pytest.raises(UserError, match=rf"{last.name}: no readable image"):
        data.test_images[:]
    last.unlink()
    with pytest.raises(UserError, match=rf"{last.name}: no readable image .*No such file"):
        data.test_images[:]
    assert data.test_images[:-1].shape == (8, 3, 12, 12)


def test_images_of_several_sizes(pictures: Path) -> None:
    write_pictures(pictures / "val/ant", 3, 3, side=14)
    with pytest.raises(UserError, match=r"is 3 x 1. x 1. but image 0 is 3 x 1. x 1.; allowed"):
        dataset_of(workload("folder:set")).test_images[:]


def test_grey_images_become_coloured(pictures: Path) -> None:
    for path in pictures.rglob("*.png"):
        Image.open(path).convert("L").save(path)
    images = dataset_of(workload("folder:set")).test_images[:]
    np.testing.assert_array_equal(images[:, 0], images[:, 2])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda root: shutil.rmtree(root / "val"), "none for tests; put those into set/val"),
        (lambda root: shutil.rmtree(root / "val/ant"), ""),
        (lambda root: shutil.rmtree(root / "train/ant"), "set/val/ant: no class of that name"),
        (lambda root: (root / "train/empty").mkdir(), "set/train/empty: no images"),
        (lambda root: [p.unlink() for p in root.glob("val/*/*.png")], "set/val: too few images"),
    ],
)
def test_folders_that_do_not_fit(
    pictures: Path, change: Callable[[Path], object], message: str
) -> None:
    change(pictures)
    if not message:
        assert set(listed("set")["test"].values()) == {0, 2}  # numbered by the training folders
        return
    with pytest.raises(UserError, match=message):
        content_name("folder:set")


def test_a_name_that_is_not_utf8(pictures: Path) -> None:
    (pictures / "val/ant" / os.fsdecode(b"\xff.png")).write_bytes(b"")
    with pytest.raises(UserError, match=r"udcff\.png'\): a name that is not UTF-8"):
        content_name("folder:set")


def test_a_campaign_says_where_the_folder_is_named(pictures: Path) -> None:
    campaign = Path("set/campaign.yaml")
    campaign.write_text("name: c\nbase: {workload: {dataset: 'folder:val'}}\n")
    with pytest.raises(UserError) as caught:
        load_campaign(campaign)
    assert str(caught.value) == (
        "set/campaign.yaml: base.workload.dataset: workload.checkpoint is train but dataset "
        "folder:set/val is too large to train on in a workflow; allowed: a checkpoint file or "
        "published weights, or digits16, shapes10, cifar10, cifar100"
    )
    (pictures / "val/empty").mkdir()
    image_index.image_index.cache_clear()
    with pytest.raises(
        UserError, match=r"^set/campaign\.yaml: base\.workload\.dataset: .*: no images"
    ):
        load_campaign(campaign)


# --- ImageNet -------------------------------------------------------------------------------------

TRUTH = [2, 1, 3, 3, 2, 1, 1, 2]
"""Class in the development kit of each validation image."""

NUMBER = {1: 2, 2: 0, 3: 1}
"""Number of that class in the order of the WordNet names."""


@pytest.fixture
def imagenet(fresh: Path) -> Path:
    """The validation images and the development kit, unpacked."""
    write_imagenet(fresh / "data/imagenet", TRUTH)
    return fresh / "data/imagenet"


def test_the_development_kit_says_the_classes(imagenet: Path) -> None:
    index = listed("data/imagenet")
    labels = {**index["train"], **index["test"]}
    expected = {
        f"ILSVRC2012_img_val/ILSVRC2012_val_{n:08}.JPEG": NUMBER[number]
        for n, number in enumerate(TRUTH, 1)
    }
    assert labels == expected
    assert dataset_of(workload("imagenet")).classes == 3


def test_as_torchvision_unpacks_it(imagenet: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """torchvision moves the validation images into folders of classes; nothing else changes."""
    import_torchvision()
    import torchvision.datasets.imagenet as reference

    root = Path("theirs")
    root.mkdir()
    archives = dict(reference.ARCHIVE_META)
    for name, mode, folder, inside in (
        ("devkit", "w:gz", "ILSVRC2012_devkit_t12", "ILSVRC2012_devkit_t12"),
        ("val", "w", "ILSVRC2012_img_val", "."),
    ):
        file = root / archives[name][0]
        with tarfile.open(file, mode) as tar:
            tar.add(imagenet / folder, arcname=inside)
        archives[name] = (file.name, md5(file.read_bytes(), usedforsecurity=False).hexdigest())
    monkeypatch.setattr(reference, "ARCHIVE_META", archives)
    theirs = reference.ImageNet(str(root), split="val")
    assert theirs.wnids == sorted(WORDNET)

    ours = listed("data/imagenet")
    labels = {Path(p).name: label for part in ours.values() for p, label in part.items()}
    assert labels == {Path(path).name: label for path, label in theirs.samples}
    # Their folders are an image folder, and the same data set with the same first images.
    assert content_name("folder:theirs") == content_name("imagenet")
    order = [Path(path).name for path in listed("theirs")["test"]]
    assert order == [Path(path).name for path in ours["test"]]


def test_training_images_are_numbered_by_the_kit(imagenet: Path) -> None:
    write_pictures(imagenet / "ILSVRC2012_img_train" / WORDNET[2], 2, 1, "JPEG")
    index = listed("data/imagenet")
    assert set(index["train"].values()) == {2}
    assert len(index["test"]) == len(TRUTH)
    write_pictures(imagenet / "ILSVRC2012_img_train" / "n02512053", 1, 1, "JPEG")
    with pytest.raises(UserError, match="n02512053: no class of that name among the 3"):
        image_index.make_index(Path("data/imagenet"))


def test_some_of_the_validation_images(imagenet: Path) -> None:
    (imagenet / "ILSVRC2012_img_val/ILSVRC2012_val_00000001.JPEG").unlink()
    index = listed("data/imagenet")
    labels = {Path(p).name: label for part in index.values() for p, label in part.items()}
    assert labels["ILSVRC2012_val_00000002.JPEG"] == NUMBER[TRUTH[1]]


@pytest.mark.parametrize(
    ("file", "message"),
    [
        ("meta.mat", "meta.mat: missing or damaged"),
        ("ILSVRC2012_validation_ground_truth.txt", "ground_truth.txt: missing or damaged"),
    ],
)
def test_a_damaged_kit(imagenet: Path, file: str, message: str) -> None:
    path = imagenet / "ILSVRC2012_devkit_t12/data" / file
    path.write_bytes(b"12345")
    with pytest.raises(UserError, match=rf"{message}.*unpack .*tar\.gz of image-net\.org in data/"):
        content_name("imagenet")
    path.unlink()
    with pytest.raises(UserError, match=message):
        content_name("imagenet")


def test_images_that_the_kit_does_not_know(imagenet: Path) -> None:
    write_pictures(imagenet / "ILSVRC2012_img_val", 1, 1, "JPEG")
    with pytest.raises(UserError, match=r"allowed: .*00000001\.JPEG to .*00000008\.JPEG"):
        content_name("imagenet")


def test_images_without_classes(imagenet: Path) -> None:
    shutil.rmtree(imagenet / "ILSVRC2012_devkit_t12")
    with pytest.raises(UserError, match=r"into one folder a class, or ILSVRC2012_devkit_t12 into"):
        content_name("imagenet")


def test_imagenet_has_a_thousand_classes(fresh: Path, forget: Forget) -> None:
    """So that a part of it is not numbered otherwise than its networks are."""
    write_pictures(fresh / "one", 1, 0, side=1)
    (file,) = (fresh / "one").iterdir()
    for number in range(1000):
        folder = fresh / f"data/imagenet/val/n{number:08}"
        folder.mkdir(parents=True)
        shutil.copyfile(file, folder / "image.png")
    assert listed("data/imagenet")["test"]["val/n00000999/image.png"] == 999
    assert dataset_of(workload("imagenet")).classes == 1000
    shutil.rmtree(folder)
    obtain.description("folder:data/imagenet")
    forget()
    with pytest.raises(UserError, match=r"has folders of 999 classes; allowed: 1000, or ILSVRC"):
        content_name("imagenet")


def test_no_files(fresh: Path) -> None:
    with pytest.raises(UserError, match=r"no folder data/imagenet; put .* ILSVRC2012_img_val"):
        content_name("imagenet")
    assert not list(fresh.iterdir())


def test_a_checkpoint_of_another_number_of_classes(pictures: Path) -> None:
    torch.save({"classifier.weight": torch.zeros(1)}, "some.pt")
    point = DesignPoint(workload=workload("folder:set").model_dump())
    with pytest.raises(UserError, match=r"not a checkpoint of vgg8 \(folder:set"):
        check_checkpoint(Path("some.pt"), point)
