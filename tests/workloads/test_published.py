"""Published weights by name, from miniature caches; the network is never asked."""

import hashlib
import urllib.error
from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch
from safetensors.torch import save_file

from cimsim.campaign.design import DesignPoint
from cimsim.campaign.published_weights import published_weights
from cimsim.errors import UserError
from cimsim.tables import provenance_of
from cimsim.workloads import published
from cimsim.workloads.checkpoints import load_network
from cimsim.workloads.datasets import load_dataset
from cimsim.workloads.models import build_network
from cimsim.workloads.published import check_published, fetch, published_file
from cimsim.workloads.stage import make_checkpoint
from cimsim.workloads.torch_setup import import_timm

TORCHVISION = {"model": "torchvision:squeezenet1_1", "weights": "IMAGENET1K_V1"}
TIMM = {"model": "timm:resnet10t", "weights": "c3_in1k", "dataset": "shapes10"}


def point_of(workload):
    return DesignPoint(workload=workload)


def state_of(workload, seed=3):
    bare = {name: held for name, held in workload.items() if name != "weights"}
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        point = point_of({"dataset": "shapes10"} | bare)
        return build_network(point.workload, load_dataset("shapes10")).state_dict()


@pytest.fixture
def caches(tmp_path, monkeypatch):
    """Empty caches, and a network that is out of reach."""

    def refuse(request, timeout):
        assert timeout <= 10
        raise urllib.error.URLError("no route to host")

    hub = tmp_path / "hub"
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(hub))
    monkeypatch.setattr("urllib.request.urlopen", refuse)
    return tmp_path


@pytest.fixture
def torchvision_file(caches, monkeypatch):
    """Weights for ten classes in the folder of torch, with the SHA-256 in the name."""
    import_timm()
    folder = caches / "torch/hub/checkpoints"
    folder.mkdir(parents=True)
    torch.save(state_of(TORCHVISION), folder / "made.pth")
    sha256 = hashlib.sha256((folder / "made.pth").read_bytes()).hexdigest()
    file = (folder / "made.pth").rename(folder / f"squeezenet1_1-{sha256[:8]}.pth")
    url = f"https://download.pytorch.org/models/{file.name}"
    entry = SimpleNamespace(url=url, meta={"categories": range(10)})
    monkeypatch.setattr(
        "torchvision.models.get_model_weights", lambda name: {"IMAGENET1K_V1": entry}
    )
    return file, sha256


def ten_classes(monkeypatch):
    timm = import_timm()
    original = timm.models.get_pretrained_cfg
    monkeypatch.setattr(
        timm.models,
        "get_pretrained_cfg",
        lambda name: replace(original(name), num_classes=10),
    )


@pytest.fixture
def hub_file(caches, monkeypatch):
    """Weights for ten classes in the cache of the hub, which names its blobs by their SHA-256."""
    ten_classes(monkeypatch)
    repository = caches / "hub/models--timm--resnet10t.c3_in1k"
    for folder in ("blobs", "refs", "snapshots/0123"):
        (repository / folder).mkdir(parents=True)
    save_file(state_of(TIMM), repository / "made")
    sha256 = hashlib.sha256((repository / "made").read_bytes()).hexdigest()
    blob = (repository / "made").rename(repository / "blobs" / sha256)
    (repository / "refs/main").write_text("0123")
    (repository / "snapshots/0123/model.safetensors").symlink_to(blob)
    return blob, sha256


@pytest.mark.parametrize(
    ("workload", "fixture"), [(TORCHVISION, "torchvision_file"), (TIMM, "hub_file")]
)
def test_cached_weights_go_through_the_stage(workload, fixture, request, tmp_path):
    _, sha256 = request.getfixturevalue(fixture)
    point = point_of(workload | {"dataset": "shapes10", "weights_sha256": sha256})
    check_published(point)
    make_checkpoint(point, output=tmp_path / "out", provenance={"stage": "checkpoint"})
    loaded = load_network(point, tmp_path / "out").state_dict()
    expected = state_of(workload)
    assert loaded.keys() == expected.keys()
    assert all(torch.equal(loaded[name], tensor) for name, tensor in expected.items())
    about = provenance_of(tmp_path / "out/state.parquet")
    assert about["weights_sha256"] == sha256
    assert about["weights"] == workload["weights"]
    assert about["weights_url"].startswith("https://")
    assert str(tmp_path) not in str(about)


@pytest.mark.parametrize(
    ("workload", "fixture"), [(TORCHVISION, "torchvision_file"), (TIMM, "hub_file")]
)
def test_a_damaged_or_other_file_is_refused(workload, fixture, request):
    file, sha256 = request.getfixturevalue(fixture)
    wanted = point_of(workload | {"dataset": "shapes10", "weights_sha256": "0" * 64})
    with pytest.raises(UserError, match=f"SHA-256 is {sha256}, but 000.* by workload.weights_sha"):
        check_published(wanted)
    with file.open("ab") as opened:
        opened.write(b"\0")
    with pytest.raises(UserError, match=r"by the publisher of https://.* delete it"):
        check_published(point_of(workload | {"dataset": "shapes10"}))


def test_a_missing_file_offline_names_url_file_and_folder(caches, monkeypatch):
    ten_classes(monkeypatch)
    with pytest.raises(UserError) as error:
        check_published(point_of(TIMM))
    message = str(error.value)
    assert "\n" not in message
    assert "the server cannot be reached (no route to host)" in message
    assert "https://huggingface.co/timm/resnet10t.c3_in1k/resolve/main/model.safetensors" in message
    name, folder = "timm--resnet10t.c3_in1k.safetensors", caches / "torch/hub/checkpoints"
    assert message.endswith(f"put it as {name} into {folder}")
    # Which is then found.
    folder.mkdir(parents=True)
    save_file(state_of(TIMM), folder / name)
    assert fetch(point_of(TIMM).workload)[0] == folder / name


def test_a_file_is_downloaded_once(torchvision_file, monkeypatch):
    file, _ = torchvision_file
    content = file.read_bytes()
    file.unlink()
    asked = []

    def download(url, path, progress):
        asked.append(url)
        file.write_bytes(content)

    monkeypatch.setattr(published, "_check_reachable", lambda file, workload: None)
    monkeypatch.setattr("torch.hub.download_url_to_file", download)
    workload = point_of(TORCHVISION | {"dataset": "shapes10"}).workload
    assert [fetch(workload)[0] for _ in range(2)] == [file, file]
    assert asked == [f"https://download.pytorch.org/models/{file.name}"]


def test_a_failed_download_and_an_answer_of_the_server_are_told(caches, monkeypatch):
    ten_classes(monkeypatch)

    def gone(request, timeout):
        raise urllib.error.HTTPError(request.full_url, 404, "Not Found", None, None)

    monkeypatch.setattr("urllib.request.urlopen", gone)
    with pytest.raises(UserError, match="the server answers 404 Not Found; download https"):
        fetch(point_of(TIMM).workload)
    monkeypatch.setattr(published, "_check_reachable", lambda file, workload: None)

    def broken(*arguments, **options):
        raise OSError("connection reset")

    monkeypatch.setattr("huggingface_hub.hf_hub_download", broken)
    with pytest.raises(UserError, match=r"download failed \(OSError: connection reset\)"):
        fetch(point_of(TIMM).workload)


def test_weights_for_other_classes_are_refused(caches):
    with pytest.raises(UserError, match="tells 1000 classes apart, but shapes10 has 10"):
        check_published(point_of(TIMM))


def test_a_name_of_the_hub(caches):
    workload = point_of({"model": "huggingface:some/vit", "weights": "v1.0"}).workload
    file = published_file(workload)
    assert file.url == "https://huggingface.co/some/vit/resolve/v1.0/model.safetensors"
    assert file.local.name == "some--vit@v1.0.safetensors"
    named = workload.model_copy(update={"model": "huggingface:some/vit@v2"})
    assert published_file(named) == file  # weights have a revision of their own


def test_weights_of_a_folder_or_of_no_name_are_refused(tmp_path):
    (tmp_path / "config.json").write_text("{}")
    for model, message in ((tmp_path, "is a folder"), ("a/b/c", "Repo id must be")):
        workload = point_of({"model": f"huggingface:{model}", "weights": "main"}).workload
        with pytest.raises(UserError, match=rf"workload.weights: main of .*{message}"):
            published_file(workload)


def test_names_of_weights_are_those_of_the_libraries():
    timm = import_timm()
    from torchvision import models

    for name in models.list_models(module=models):
        listed = {entry.name for entry in models.get_model_weights(name)}
        assert set(published_weights(f"torchvision:{name}")) == listed, name
    missing = {
        tagged
        for tagged in timm.list_pretrained()
        if "." in tagged
        and (known := published_weights(f"timm:{tagged}"))
        and tagged.partition(".")[2] not in known
    }
    assert not missing


@pytest.mark.parametrize(
    ("workload", "message"),
    [
        (
            {"model": "torchvision:resnet50.IMAGENET1K"},
            r"torchvision has no names with a dot; allowed: torchvision:resnet50, with "
            "workload.weights IMAGENET1K_V1 or IMAGENET1K_V2",
        ),
        ({"model": "timm:resnet10t.c3_in"}, r"'c3_in' \(did you mean 'c3_in1k'\?\); allowed: c3_"),
        (
            {"model": "torchvision:resnet50", "weights": "IMAGENET1K_V3"},
            "has no weights 'IMAGENET1K_V3'.* allowed: IMAGENET1K_V1, IMAGENET1K_V2",
        ),
        ({"model": "vgg8", "weights": "x"}, "nobody publishes weights of vgg8"),
        (TIMM | {"checkpoint": "a.pth"}, "checkpoint is 'a.pth'; allowed: one of them"),
        ({"weights_sha256": "0" * 64}, "weights_sha256 is that of published weights"),
        (TIMM | {"weights_sha256": "12"}, "should match pattern"),
    ],
)
def test_names_that_are_refused_at_once(workload, message):
    with pytest.raises(ValueError, match=message):
        DesignPoint(workload=workload)


def test_weights_that_are_no_named_tensors_are_refused():
    workload = {"model": "timm:flexivit_base", "weights": "300ep_in1k", "dataset": "shapes10"}
    message = r"timm has flexivit_base.300ep_in1k in no file .* but in flexivit_b_i1k_300ep.npz, "
    with pytest.raises(UserError, match=message):
        published_file(point_of(workload).workload)
