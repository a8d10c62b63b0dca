"""Networks of the project, of libraries and of the user's own files."""

import importlib
import importlib.util
import json
import py_compile
from pathlib import Path

import pytest
import torch

from cimsim.campaign.design import Workload
from cimsim.campaign.keys import stage_keys
from cimsim.campaign.own_model import model_files
from cimsim.errors import UserError
from cimsim.mapping.inspection import inspect_network
from cimsim.workloads import libraries
from cimsim.workloads.models import ImageFormat, build_for
from cimsim.workloads.torch_setup import import_timm

SMALL = ImageFormat(3, 32, 10)


def built(model, *arguments, images=SMALL):
    return build_for(Workload(model=model, arguments=arguments), images).eval()


def parameters(network):
    return sum(p.numel() for p in network.parameters())


def test_resnet20_is_that_of_the_paper():
    # He et al. 2016, table 6: 0.27 million parameters; 20 layers of weights.
    network = built("resnet20")
    assert round(parameters(network) / 1e6, 2) == 0.27
    rows = inspect_network("resnet20", (), SMALL)
    assert len(rows) == 20
    assert sum(row["macs"] for row in rows) == 40_551_040  # 40.6 million multiplications


def test_resnet18_has_the_layers_of_torchvision_but_for_the_stem():
    import_timm()
    models = importlib.import_module("torchvision.models")
    expected = models.resnet18(num_classes=10).state_dict()
    found = built("resnet18").state_dict()
    assert found.keys() == expected.keys()
    differing = [name for name in found if found[name].shape != expected[name].shape]
    assert differing == ["conv1.weight"]
    assert found["conv1.weight"].shape == (64, 3, 3, 3)
    rows = inspect_network("resnet18", (), SMALL)
    assert sum(row["macs"] for row in rows) == 555_422_720  # 0.56 GMAC on CIFAR


@pytest.mark.parametrize(
    ("name", "weights"),
    [
        ("resnet18", "ResNet18_Weights"),
        ("mobilenet_v3_small", "MobileNet_V3_Small_Weights"),
        ("efficientnet_b0", "EfficientNet_B0_Weights"),
        ("convnext_tiny", "ConvNeXt_Tiny_Weights"),
        ("swin_t", "Swin_T_Weights"),
        pytest.param("resnet50", "ResNet50_Weights", marks=pytest.mark.slow),
        pytest.param("resnet152", "ResNet152_Weights", marks=pytest.mark.slow),
        pytest.param("vit_b_16", "ViT_B_16_Weights", marks=pytest.mark.slow),
    ],
)
def test_operations_are_those_that_torchvision_publishes(name, weights):
    import_timm()
    models = importlib.import_module("torchvision.models")
    published = getattr(models, weights).IMAGENET1K_V1.meta["_ops"]
    rows = inspect_network(f"torchvision:{name}", (), ImageFormat(3, 224, 1000))
    assert sum(row["macs"] for row in rows) / 1e9 == pytest.approx(published, abs=6e-4)


def test_order_and_operands_of_attention():
    rows = inspect_network("vit", (), ImageFormat(1, 16, 10))
    block = ["attn.qkv", "attn.scores", "attn.values", "attn.proj", "mlp.fc1", "mlp.fc2"]
    names = [row["name"] for row in rows]
    assert names[1:7] == [f"blocks.0.{name}" for name in block]
    assert [row["index"] for row in rows] == list(range(len(rows)))
    dynamic = [row["name"].rpartition(".")[2] for row in rows if row["operands"] == "dynamic"]
    assert dynamic == ["scores", "values"] * 2


def test_depthwise_layers_have_a_matrix_for_each_channel():
    rows = inspect_network("timm:mobilenetv3_small_050", (), SMALL)
    depthwise = [row for row in rows if row["groups"] > 1]
    assert depthwise
    for row in depthwise:
        assert row["groups"] == row["in_channels"] == row["columns"]
        assert row["rows"] == row["kernel_height"] * row["kernel_width"]


def test_timm_networks_get_classes_channels_and_the_size_where_it_is_fixed():
    images = ImageFormat(1, 48, 7)
    network = built("timm:deit_tiny_patch16_224", "depth=1", images=images)
    assert network(torch.zeros(1, 1, 48, 48)).shape == (1, 7)
    assert built("timm:resnet10t", images=images)(torch.zeros(1, 1, 48, 48)).shape == (1, 7)


def test_a_classifier_of_transformers():
    pytest.importorskip("transformers", reason="the extra huggingface")
    given = ("hidden_size=24", "num_hidden_layers=1", "num_attention_heads=2")
    network = built("huggingface:vit", *given, "patch_size=8", "intermediate_size=48")
    assert network(torch.zeros(2, 3, 32, 32)).shape == (2, 10)
    with pytest.raises(UserError, match=r"workload.arguments: depth is no field of ViTConfig"):
        built("huggingface:vit", "depth=1")


def test_a_folder_with_a_configuration_of_transformers(tmp_path, monkeypatch):
    pytest.importorskip("transformers", reason="the extra huggingface")
    sizes = {"hidden_size": 24, "num_hidden_layers": 2, "num_attention_heads": 2}
    (tmp_path / "vit").mkdir()
    file = tmp_path / "vit/config.json"
    file.write_text(json.dumps({"model_type": "vit", "patch_size": 8, **sizes}))
    monkeypatch.chdir(tmp_path)
    for name in ("vit", tmp_path / "vit"):  # a folder comes before a model type
        network = built(f"huggingface:{name}")
        assert network(torch.zeros(1, 3, 32, 32)).shape == (1, 10)
        assert network.config.num_hidden_layers == 2
    code = {"AutoConfig": "mine.Config", "AutoModelForImageClassification": "mine.Net"}
    file.write_text(json.dumps({"model_type": "mine", "auto_map": code}))
    with pytest.raises(UserError, match=r"contains custom code"):
        built("huggingface:vit")


def test_the_revision_of_a_name_of_the_hub(monkeypatch):
    transformers = pytest.importorskip("transformers", reason="the extra huggingface")
    asked = []

    def offline(name, **given):
        asked.append((name, given["revision"]))
        raise OSError("not in the cache")

    monkeypatch.setattr(transformers.AutoConfig, "from_pretrained", offline)
    monkeypatch.setattr(libraries.socket, "getaddrinfo", lambda *_: [])
    for name in ("a/b", "a/b@v2"):
        with pytest.raises(UserError, match="not in the cache"):
            built(f"huggingface:{name}")
    assert asked == 2 * [("a/b", "main")] + 2 * [("a/b", "v2")]


def test_a_name_of_the_hub_that_is_not_there_says_so_at_once(monkeypatch):
    pytest.importorskip("transformers", reason="the extra huggingface")

    def offline(*_):
        raise OSError("no name server")

    monkeypatch.setattr(libraries.socket, "getaddrinfo", offline)
    with pytest.raises(UserError, match=r"huggingface:nobody/nothing is no model type.*FOLDER"):
        built("huggingface:nobody/nothing")


def test_transformers_is_asked_for_where_it_is_missing(monkeypatch):
    monkeypatch.setattr(libraries, "find_spec", lambda name: None)
    with pytest.raises(UserError, match=r"needs the package transformers.*cimsim\[huggingface\]"):
        built("huggingface:vit")


@pytest.fixture
def own(tmp_path):
    file = tmp_path / "mine.py"
    file.write_text(
        "import torch\n"
        "def build(num_classes, hidden=3):\n"
        "    return torch.nn.Sequential(torch.nn.Flatten(),\n"
        "        torch.nn.LazyLinear(hidden), torch.nn.Linear(hidden, num_classes))\n"
        "def broken():\n"
        "    raise KeyError('x')\n"
        "def text():\n"
        "    return 'a network'\n"
    )
    return file


@pytest.mark.filterwarnings("ignore:Lazy modules")
def test_an_own_file(own):
    network = built(f"{own}:build", "hidden=5")
    assert network(torch.zeros(2, 3, 32, 32)).shape == (2, 10)
    assert network[2].in_features == 5


BESIDE = """
from torch import nn

def build(num_classes):
    from .parts.head import head
    return nn.Sequential(nn.Flatten(), head(num_classes))
"""
HEAD = """
from torch import nn
from .. import sizes

def head(classes):
    return nn.Linear(sizes.INPUTS, classes, bias=BIAS)
"""


def write_two_networks(folder):
    """Two networks whose modules have the same names, one without a bias."""
    for name in ("with", "without"):
        parts = folder / name / "parts"
        parts.mkdir(parents=True)
        (folder / name / "net.py").write_text(BESIDE)
        (folder / name / "sizes.py").write_text("INPUTS = 3 * 32 * 32\n")
        (parts / "__init__.py").write_text("")
        (parts / "head.py").write_text(HEAD.replace("BIAS", str(name == "with")))


def test_modules_beside_an_own_file(tmp_path):
    write_two_networks(tmp_path)
    networks = [built(f"{tmp_path / name}/net.py:build") for name in ("with", "without", "with")]
    assert [network[1].bias is not None for network in networks] == [True, False, True]


def test_modules_beside_an_own_file_are_part_of_its_key(tmp_path):
    write_two_networks(tmp_path)
    net = tmp_path / "with/net.py"
    beside = [net.parent / name for name in ("parts/__init__.py", "parts/head.py", "sizes.py")]
    assert model_files(net) == [net, *beside]

    def key():
        return stage_keys({"workload.model": f"{net}:build"})["checkpoint"]

    keys = [key()]
    for file in (net, *beside):
        file.write_text(file.read_text() + "# changed\n")
        keys.append(key())
    assert len(set(keys)) == 5
    (net.parent / "other.py").write_text("")
    assert key() == keys[-1]


def test_compiled_files_beside_an_own_file_are_not_run(tmp_path):
    """A .pyc that is not checked against its source holds other code than the key says."""
    write_two_networks(tmp_path)
    folder = tmp_path / "with"
    unchecked = py_compile.PycInvalidationMode.UNCHECKED_HASH
    for file in (folder / "net.py", folder / "parts/head.py"):
        planted = tmp_path / "planted.py"
        planted.write_text("raise SystemExit('planted')")
        cached = importlib.util.cache_from_source(str(file))
        py_compile.compile(str(planted), cached, invalidation_mode=unchecked)
    assert built(f"{folder}/net.py:build")[1].bias is not None


@pytest.mark.parametrize(
    ("source", "unnamed"),
    [
        ("from .parts import *", "parts/head.py"),
        ("from importlib import import_module as load\nload('.'.join(['', 'sizes']), __package__)",
         "sizes.py"),
    ],
)  # fmt: skip
def test_modules_that_are_not_part_of_the_key_do_not_run(tmp_path, source, unnamed):
    write_two_networks(tmp_path)
    folder = tmp_path / "with"
    (folder / "parts/__init__.py").write_text("__all__ = ['head']\n")
    net = folder / "net.py"
    net.write_text(f"{source}\ndef build():\n    return 1\n")
    with pytest.raises(UserError, match=rf"{unnamed} is not part of the key of the network"):
        built(f"{net}:build")
    named = Path(unnamed).with_suffix("").as_posix().replace("/", ".")
    net.write_text(f"{source}\n{BESIDE}\nfrom .{named} import __doc__\n")
    assert built(f"{net}:build")[1].bias is not None


def test_only_source_beside_an_own_file_is_imported(tmp_path):
    """A compiled file without its source has no place in the key."""
    write_two_networks(tmp_path)
    sizes = tmp_path / "with/sizes.py"
    py_compile.compile(str(sizes), str(sizes.with_suffix(".pyc")))
    sizes.unlink()
    with pytest.raises(UserError, match=r"cannot import name 'sizes'"):
        built(f"{tmp_path}/with/net.py:build")


def test_a_linked_own_file_takes_modules_beside_the_link(tmp_path):
    """As its key does."""
    write_two_networks(tmp_path)
    net = tmp_path / "without/net.py"
    net.unlink()
    net.symlink_to(tmp_path / "with/net.py")
    assert built(f"{tmp_path}/with/../without/net.py:build")[1].bias is None


def test_modules_outside_the_folder_are_refused(tmp_path):
    write_two_networks(tmp_path)
    (tmp_path / "above.py").write_text("")
    net = tmp_path / "with/net.py"
    net.write_text("from ..above import build\n")
    with pytest.raises(UserError, match=r"net.py: imports .*above.py, which is outside .*with;"):
        model_files(net)


@pytest.mark.parametrize(
    ("function", "arguments", "message"),
    [
        ("nothing", (), "has no function nothing"),
        ("text", (), "mine.py:text returns str"),
        ("broken", (), "mine.py:broken: cannot be built: KeyError: 'x'"),
        ("build", ("depth=1",), "depth=1: cannot be built: TypeError"),
    ],
)
def test_own_files_that_are_refused(own, function, arguments, message):
    with pytest.raises(UserError, match=message):
        built(f"{own}:{function}", *arguments)


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ("vgg8", "workload.arguments: vgg8: .*unexpected keyword argument 'depth'"),
        ("timm:resnet18", "workload.model timm:resnet18, depth=3: cannot be built: TypeError"),
    ],
)
def test_unknown_arguments(model, message):
    with pytest.raises(UserError, match=message):
        built(model, "depth=3")


def test_images_of_another_size_than_a_network_takes():
    with pytest.raises(UserError, match=r"does not run on images of 3x32x32: .*48"):
        inspect_network("timm:vit_tiny_patch16_224", ("img_size=48",), ImageFormat(3, 32, 10))
