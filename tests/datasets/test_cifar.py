"""CIFAR-10 and CIFAR-100 in miniature, in the files that torchvision reads."""

from __future__ import annotations

import hashlib
import pickle
import tarfile
import time
from collections.abc import Iterator
from functools import partial
from http.server import HTTPServer, SimpleHTTPRequestHandler
from pathlib import Path
from threading import Thread
from unittest.mock import Mock

import numpy as np
import pytest
import torch

from cimsim.calibration.stage import calibrate
from cimsim.campaign.data_source import ARCHIVES
from cimsim.campaign.design import DesignPoint, Workload
from cimsim.campaign.keys import changed_fields, stage_keys
from cimsim.errors import UserError
from cimsim.schemas import PREDICTIONS, SCALES
from cimsim.tables import read_table
from cimsim.workloads import obtain
from cimsim.workloads.datasets import check_images, dataset_of
from cimsim.workloads.datasets.cifar import DEVIATIONS, MEANS
from cimsim.workloads.stage import make_checkpoint
from cimsim.workloads.torch_setup import import_torchvision

from .miniature import write_cifar

BATCHES = [f"data_batch_{n}" for n in range(1, 6)]


def source_of(kind: str):
    import_torchvision()
    import torchvision.datasets

    return getattr(torchvision.datasets, kind.upper())


@pytest.mark.parametrize("kind", ["cifar10", "cifar100"])
def test_folder_and_source_are_those_of_torchvision(kind: str) -> None:
    source = source_of(kind)
    assert (ARCHIVES[kind].folder, ARCHIVES[kind].url) == (source.base_folder, source.url)


@pytest.mark.parametrize(
    ("kind", "train", "test", "labels"),
    [
        ("cifar10", BATCHES, "test_batch", "labels"),
        ("cifar100", ["train"], "test", "fine_labels"),
    ],
)
def test_images_and_labels_in_the_order_of_the_files(
    fresh: Path, monkeypatch: pytest.MonkeyPatch, kind: str, train: list, test: str, labels: str
) -> None:
    written = write_cifar(fresh / "data", kind, monkeypatch)
    data = dataset_of(Workload(dataset=kind))
    assert data.classes == {"cifar10": 10, "cifar100": 100}[kind]
    assert data.train_labels.tolist() == [n for name in train for n in written[name][labels]]
    assert data.test_labels.tolist() == written[test][labels]
    assert data.train_images.shape == (4 * len(train), 3, 32, 32)
    # The files have red, green and blue planes one after another.
    pixels = written[test]["data"].reshape(-1, 3, 32, 32)[1:3].astype(np.float64) / 255
    mean, deviation = (np.array(v[kind])[:, None, None] for v in (MEANS, DEVIATIONS))
    np.testing.assert_allclose(data.test_images[1:3], (pixels - mean) / deviation, atol=1e-6)


def test_normalised_as_torchvision_does(fresh: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_cifar(fresh / "data", "cifar10", monkeypatch)
    data = dataset_of(Workload(dataset="cifar10"))
    from torchvision import transforms

    to_input = transforms.Compose(
        [transforms.ToTensor(), transforms.Normalize(MEANS["cifar10"], DEVIATIONS["cifar10"])]
    )
    source = source_of("cifar10")("data", train=False, transform=to_input)
    expected = torch.stack([image for image, _ in source]).numpy()
    np.testing.assert_array_equal(data.test_images[:], expected)


def test_another_folder_is_the_same_data(fresh: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files have published check sums, so the key needs no file and no path."""
    here = changed_fields(DesignPoint(workload={"dataset": "cifar10"}))
    there = changed_fields(DesignPoint(workload={"dataset": "cifar10:elsewhere"}))
    assert stage_keys(here) == stage_keys(there)
    other = changed_fields(DesignPoint(workload={"dataset": "cifar100"}))
    assert stage_keys(here)["checkpoint"] != stage_keys(other)["checkpoint"]
    write_cifar(fresh / "elsewhere", "cifar10", monkeypatch)
    assert len(dataset_of(Workload(dataset="cifar10:elsewhere")).test_images) == 4


def test_a_network_is_trained_and_calibrated(fresh: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written = write_cifar(fresh / "data", "cifar10", monkeypatch)
    point = DesignPoint(
        workload={"dataset": "cifar10"}, quantization={"images": 8}, chip={"trace_images": 1}
    )
    make_checkpoint(point, output=fresh / "c", provenance={})
    calibrate(point, checkpoint=fresh / "c", output=fresh / "q", provenance={})
    predictions = read_table(fresh / "q/predictions.parquet", PREDICTIONS)
    assert predictions["label"].to_pylist() == written["test_batch"]["labels"]
    first = read_table(fresh / "q/scales.parquet", SCALES).to_pylist()[0]
    images = dataset_of(point.workload).train_images[:8]
    assert (first["input_min"], first["input_max"]) == (images.min(), images.max())


def test_more_images_than_there_are(fresh: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_cifar(fresh / "data", "cifar10", monkeypatch)
    with pytest.raises(UserError, match=r"quantization\.images is 256 but cifar10 has 20 training"):
        check_images(DesignPoint(workload={"dataset": "cifar10"}, chip={"trace_images": 1}))


def test_no_files(fresh: Path) -> None:
    before = time.monotonic()
    with pytest.raises(UserError, match=r"no folder data/cifar-10-batches-py; .* --download`, or"):
        dataset_of(Workload(dataset="cifar10"))
    assert time.monotonic() - before < 10
    assert not list(fresh.iterdir())


@pytest.mark.parametrize("name", ["data_batch_3", "test_batch", "batches.meta"])
def test_a_missing_or_damaged_file(fresh: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    write_cifar(fresh / "data", "cifar10", monkeypatch)
    file = fresh / "data/cifar-10-batches-py" / name
    file.write_bytes(file.read_bytes()[:-1] + b"!")
    with pytest.raises(UserError, match="the check sum of a file is wrong"):
        dataset_of(Workload(dataset="cifar10"))
    file.unlink()
    with pytest.raises(UserError, match=rf"{name}.* is missing; delete the folder"):
        dataset_of(Workload(dataset="cifar10"))


class Evil:
    """Makes a file when it is unpickled."""

    def __reduce__(self):
        return Path.touch, (Path("hacked"),)


def test_a_file_of_another_check_sum_is_not_unpickled(fresh: Path) -> None:
    folder = fresh / "data/cifar-10-batches-py"
    folder.mkdir(parents=True)
    for name in (*BATCHES, "test_batch", "batches.meta"):
        (folder / name).write_bytes(pickle.dumps(Evil()))
    with pytest.raises(UserError, match="check sum"):
        dataset_of(Workload(dataset="cifar10"))
    assert not (fresh / "hacked").exists()


@pytest.fixture
def published(fresh: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A miniature archive in the place of the published one, on a server of this machine."""
    write_cifar(fresh / "origin", "cifar10", monkeypatch)
    archive = fresh / "cifar-10-python.tar.gz"
    with tarfile.open(archive, "w:gz") as tar:
        tar.add(fresh / "origin/cifar-10-batches-py", arcname="cifar-10-batches-py")
    source = source_of("cifar10")
    digest = hashlib.md5(archive.read_bytes(), usedforsecurity=False).hexdigest()
    monkeypatch.setattr(source, "tgz_md5", digest)

    class Handler(SimpleHTTPRequestHandler):
        log_message = Mock()

    with HTTPServer(("localhost", 0), partial(Handler, directory=str(fresh))) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setattr(source, "url", f"http://localhost:{server.server_port}/{archive.name}")
        yield archive
        server.shutdown()


def test_download(published: Path) -> None:
    obtain.download("cifar10:here")
    assert [path.name for path in Path("here").iterdir()] == ["cifar-10-batches-py"]
    published.unlink()
    obtain.download("cifar10:here")  # is there
    assert obtain.description("cifar10:here") == (
        "cifar10:here: 20 training and 4 test images of 10 classes, 3 x 32 x 32"
    )


def test_a_damaged_download_leaves_nothing(published: Path) -> None:
    published.write_bytes(published.read_bytes()[:-9])
    with pytest.raises(UserError, match=r"cannot be downloaded .*unpack it in here, so that"):
        obtain.download("cifar10:here")
    assert not Path("here").exists()


def test_offline(fresh: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source_of("cifar100"), "url", "https://host.invalid/cifar.tar.gz")
    before = time.monotonic()
    with pytest.raises(UserError, match=r"cifar-100-python\.tar\.gz: cannot be downloaded"):
        obtain.download("cifar100")
    assert time.monotonic() - before < 30
    assert not list(fresh.iterdir())


@pytest.mark.parametrize("name", ["shapes10", "imagenet", "folder:here"])
def test_what_is_not_for_download(fresh: Path, name: str) -> None:
    with pytest.raises(UserError, match="allowed: cifar10, cifar100"):
        obtain.download(name)
