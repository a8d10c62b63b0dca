"""Names of networks: known without importing their libraries, with the closest ones in messages."""

import subprocess
import sys

import pytest

from cimsim.campaign.catalogue import check_model, library_models, parse_arguments
from cimsim.campaign.design import DesignPoint
from cimsim.campaign.expand import load_campaign
from cimsim.campaign.keys import changed_fields, stage_keys
from cimsim.errors import UserError
from cimsim.workloads.torch_setup import import_timm

CAMPAIGN = """
name: own
base: {workload.model: 'MODEL'}
sweeps: [{name: one, grid: {array.adc.bits: [5]}}]
seeds: {first: 0, count: 1}
"""


def test_names_read_from_sources_are_those_that_the_libraries_register():
    timm = import_timm()
    import torchvision

    assert library_models("timm") == set(timm.list_models())
    models = torchvision.models
    assert library_models("torchvision") == set(models.list_models(models))


@pytest.mark.parametrize(
    "name",
    [
        "resnet20",
        "timm:deit_tiny_patch16_224",
        "timm:resnet50.a1_in1k",
        "torchvision:swin_v2_t",
        "huggingface:microsoft/resnet-18",
        "models/mine.py:build",
    ],
)
def test_names_that_are_known(name):
    assert check_model(name) == name


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("resnet19", "'resnet18'"),
        ("resnet50", "'timm:resnet50'"),
        ("timm:deit_tiny_patch16_22", "'timm:deit_tiny_patch16_224'"),
        ("torchvision:swin_x", "'torchvision:swin_t'"),
        ("swin_v2_t", "'torchvision:swin_v2_t'"),
    ],
)
def test_an_unknown_name_gets_the_closest_one(name, hint):
    with pytest.raises(ValueError, match=rf"'{name}' is no network \(did you mean {hint}\?\); all"):
        check_model(name)


@pytest.mark.parametrize("name", ["", "mine.py", "mine.py:", "huggingface:", "keras:resnet"])
def test_names_that_are_refused(name):
    with pytest.raises(ValueError, match=r"is no network.*; allowed: vgg8, .*file.py:function"):
        check_model(name)


def test_validation_imports_no_library():
    code = (
        "import sys; from cimsim.campaign.design import Workload; "
        "Workload(model='timm:resnet18'); Workload(model='torchvision:resnet18'); "
        "print(sorted({'timm', 'torch', 'torchvision', 'transformers'} & set(sys.modules)))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_arguments():
    given = ("depths=[2, 2]", "img_size=32", "norm=batch", "bias=false")
    assert parse_arguments(given) == {
        "depths": [2, 2],
        "img_size": 32,
        "norm": "batch",
        "bias": False,
    }


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (("depth",), "'depth' is no argument"),
        (("a=1", "a=2"), "'a=2' is there twice"),
        (("a=[1",), "its value is no YAML"),
    ],
)
def test_arguments_that_are_refused(given, message):
    with pytest.raises(ValueError, match=message):
        DesignPoint(workload={"arguments": given})


def test_a_file_is_found_beside_the_campaign_and_its_content_is_in_the_key(tmp_path):
    campaign, model = tmp_path / "c.yaml", tmp_path / "mine.py"
    campaign.write_text(CAMPAIGN.replace("MODEL", "mine.py:build"))
    with pytest.raises(UserError, match=r"base.workload.model: 'mine.py': no such file"):
        load_campaign(campaign)
    keys = []
    for text in ("a", "b", "a"):
        model.write_text(f"# {text}")
        (point,) = load_campaign(campaign).points
        assert point.point.workload.model == f"{model}:build"
        keys.append(stage_keys(changed_fields(point.point))["checkpoint"])
    assert keys[0] == keys[2] != keys[1]


def test_a_folder_with_a_network_is_found_from_its_campaign(tmp_path):
    campaign, folder = tmp_path / "c.yaml", tmp_path / "nets/mine"
    campaign.write_text(CAMPAIGN.replace("MODEL", "huggingface:nets/mine"))

    def point():
        return load_campaign(campaign).points[0].point

    assert point().workload.model == "huggingface:nets/mine"  # a name on the hub
    folder.mkdir(parents=True)
    (folder / "config.json").write_text('{"model_type": "vit"}')
    assert point().workload.model == f"huggingface:{folder}"


def test_a_message_names_the_place_in_the_file(tmp_path):
    campaign = tmp_path / "c.yaml"
    campaign.write_text(CAMPAIGN.replace("MODEL", "timm:resnet"))
    with pytest.raises(UserError, match=r"c.yaml: base.workload.model: 'timm:resnet' is no netw"):
        load_campaign(campaign)
