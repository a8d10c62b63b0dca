"""Checkpoints: what is accepted, what is refused and with which message."""

import importlib
import os
import re
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from cimsim.campaign.design import DesignPoint
from cimsim.errors import UserError
from cimsim.schemas import STATE, TRAINING
from cimsim.tables import read_table
from cimsim.workloads.checkpoints import (
    check_checkpoint,
    load_network,
    read_checkpoint,
    write_state,
)
from cimsim.workloads.datasets import load_dataset
from cimsim.workloads.models import build_network
from cimsim.workloads.stage import make_checkpoint
from cimsim.workloads.torch_setup import import_torchvision

POINT = DesignPoint()


@pytest.fixture(scope="module")
def state():
    with torch.random.fork_rng():
        torch.manual_seed(5)
        network = build_network(POINT.workload, load_dataset(POINT.workload.dataset))
    return network.state_dict()


def saved(state, path):
    torch.save(state, path)
    return path


def test_a_saved_state_dict_goes_through_the_stage_unchanged(state, tmp_path):
    path = saved(state, tmp_path / "vgg.pth")
    point = DesignPoint(workload={"checkpoint": str(path)})
    check_checkpoint(path, point)
    make_checkpoint(point, output=tmp_path / "out", provenance={"stage": "checkpoint"})
    assert read_table(tmp_path / "out" / "training.parquet", TRAINING).num_rows == 0
    assert read_table(tmp_path / "out" / "state.parquet", STATE).num_rows == len(state)
    loaded = load_network(point, tmp_path / "out").state_dict()
    assert list(loaded) == list(state)
    assert all(torch.equal(loaded[name], tensor) for name, tensor in state.items())
    assert all(loaded[name].dtype == tensor.dtype for name, tensor in state.items())


@pytest.mark.parametrize("wrap", [lambda s: s, lambda s: {"state_dict": s, "epoch": 3}])
def test_parallel_prefix_and_nesting_are_accepted(state, tmp_path, wrap):
    prefixed = {f"module.{name}": tensor for name, tensor in state.items()}
    path = saved(wrap(prefixed), tmp_path / "parallel.pth")
    check_checkpoint(path, POINT)
    assert list(read_checkpoint(path)) == list(state)


def test_old_files_of_densenets_load_as_in_torchvision(tmp_path):
    """As published in 2017: other names of the dense layers, no counts of batches."""
    point = DesignPoint(workload={"model": "torchvision:densenet121", "dataset": "shapes10"})
    import_torchvision()
    densenet = importlib.import_module("torchvision.models.densenet")
    data = load_dataset("shapes10")
    with torch.random.fork_rng():
        torch.manual_seed(6)
        today = build_network(point.workload, data).state_dict()
        other = build_network(point.workload, data)
    old = {
        re.sub(r"(denselayer\d+\.(norm|conv))(\d)", r"\1.\3", name): tensor
        for name, tensor in today.items()
        if "num_batches" not in name
    }
    assert "features.denseblock1.denselayer1.norm.1.running_mean" in old
    publisher = SimpleNamespace(get_state_dict=lambda **_: dict(old))
    densenet._load_state_dict(other, publisher, progress=False)
    path = saved(old, tmp_path / "densenet121.pth")
    check_checkpoint(path, point)
    point = DesignPoint(workload={**point.workload.model_dump(), "checkpoint": str(path)})
    make_checkpoint(point, output=tmp_path / "out", provenance={})
    loaded = load_network(point, tmp_path / "out").state_dict()
    for name, tensor in other.state_dict().items():
        assert torch.equal(loaded[name], tensor), name


def test_same_tensors_give_the_same_bytes(state, tmp_path):
    for name in ("a", "b"):
        write_state(tmp_path / name, state, {"stage": "checkpoint"})
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_another_width_is_refused(state, tmp_path):
    path = saved(state, tmp_path / "narrow.pth")
    point = DesignPoint(workload={"width": 0.25})
    with pytest.raises(UserError) as refused:
        check_checkpoint(path, point)
    message = str(refused.value)
    assert str(path) in message
    assert "vgg8 (digits16, width 0.25)" in message
    assert "features.0.weight has shape 16x1x3x3, expected 32x1x3x3" in message
    assert "\n" not in message


def test_another_network_is_refused(state, tmp_path):
    renamed = {name.replace("features", "layers"): tensor for name, tensor in state.items()}
    path = saved(renamed, tmp_path / "other.pth")
    with pytest.raises(UserError, match=r"other\.pth.*features\.0\.weight is missing.* more"):
        check_checkpoint(path, POINT)


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(UserError, match=r"absent\.pth: no such checkpoint file"):
        read_checkpoint(tmp_path / "absent.pth")


@pytest.mark.parametrize("keep", [0, 10, 5000, -1])
def test_a_truncated_file_is_refused(state, tmp_path, keep):
    path = saved(state, tmp_path / "cut.pth")
    content = path.read_bytes()
    path.write_bytes(content[: keep if keep >= 0 else len(content) + keep])
    with pytest.raises(UserError, match=r"cut\.pth: "):
        check_checkpoint(path, POINT)


def test_damaged_bytes_are_refused(state, tmp_path):
    path = saved(state, tmp_path / "damaged.pth")
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 64] = bytes(b ^ 0xFF for b in content[middle : middle + 64])
    path.write_bytes(content)
    with pytest.raises(UserError, match=r"damaged\.pth: "):
        check_checkpoint(path, POINT)


class Command:
    """A pickle that would run a command when loaded."""

    def __reduce__(self):
        return (os.system, ("true",))


@pytest.mark.parametrize("content", [[1, 2], {"a": 1}, torch.zeros(3), Command()])
def test_other_content_is_refused(tmp_path, content):
    path = saved(content, tmp_path / "content.pth")
    with pytest.raises(UserError, match=r"content\.pth: .*state_dict"):
        read_checkpoint(path)


def test_values_that_are_not_finite_are_refused(state, tmp_path):
    broken = {name: tensor.clone() for name, tensor in state.items()}
    broken["features.0.weight"][0] = np.nan
    with pytest.raises(UserError, match=r"features\.0\.weight holds values that are not finite"):
        check_checkpoint(saved(broken, tmp_path / "nan.pth"), POINT)


def test_safetensors_hold_the_same_state(state, tmp_path):
    path = tmp_path / "vgg.safetensors"
    save_file({f"module.{name}": tensor for name, tensor in state.items()}, path)
    check_checkpoint(path, POINT)
    found = read_checkpoint(path)
    assert found.keys() == state.keys()
    assert all(torch.equal(found[name], tensor) for name, tensor in state.items())
    assert all(found[name].dtype == tensor.dtype for name, tensor in state.items())


def test_both_formats_give_the_same_checkpoint_table(state, tmp_path):
    save_file(state, tmp_path / "vgg.safetensors")
    saved(state, tmp_path / "vgg.pth")
    for suffix in ("safetensors", "pth"):
        point = DesignPoint(workload={"checkpoint": str(tmp_path / f"vgg.{suffix}")})
        make_checkpoint(point, output=tmp_path / suffix, provenance={"stage": "checkpoint"})
    table = "state.parquet"
    assert (tmp_path / "safetensors" / table).read_bytes() == (
        tmp_path / "pth" / table
    ).read_bytes()


@pytest.mark.parametrize("keep", [0, 7, 100, 5000, -1])
def test_truncated_safetensors_are_refused(state, tmp_path, keep):
    path = tmp_path / "cut.safetensors"
    save_file(state, path)
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(UserError, match=r"cut\.safetensors: truncated or no safetensors file \("):
        check_checkpoint(path, POINT)


def test_a_pytorch_file_named_safetensors_is_refused(state, tmp_path):
    path = saved(state, tmp_path / "vgg.safetensors")
    with pytest.raises(UserError, match=r"vgg\.safetensors: truncated or no safetensors file"):
        read_checkpoint(path)


def test_safetensors_of_another_network_are_refused(state, tmp_path):
    path = tmp_path / "other.safetensors"
    renamed = {name.replace("features", "layers"): tensor for name, tensor in state.items()}
    save_file(renamed, path)
    with pytest.raises(UserError, match=r"other\.saf.*features\.0\.weight is missing.* more"):
        check_checkpoint(path, POINT)
