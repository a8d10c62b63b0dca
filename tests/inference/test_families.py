"""Every family of networks on ideal arrays equals its integer-quantised output bit for bit."""

import pytest
import torch
from torch import nn

from cimsim.calibration.matrix_layer import exact_products
from cimsim.inference.convert import convert
from cimsim.workloads.networks.swin import small_swin
from cimsim.workloads.networks.vit import small_vit
from cimsim.workloads.operations import operation_table
from cimsim.workloads.torch_setup import import_timm

IMAGES = torch.rand(4, 3, 32, 32, generator=torch.Generator().manual_seed(1))

SWIN = {"img_size": 32, "patch_size": 2, "window_size": 4, "embed_dim": 16}
SWIN |= {"depths": (2, 2), "num_heads": (2, 4)}
VIT = {"img_size": 32, "patch_size": 8, "embed_dim": 24, "depth": 2, "num_heads": 2}
TIMM = {
    "resnet10t": {},
    "deit_tiny_distilled_patch16_224": VIT,
    "vit_tiny_patch16_224": VIT,
    "beit_base_patch16_224": VIT,
    "swin_tiny_patch4_window7_224": SWIN,
    "swinv2_tiny_window8_256": SWIN,
    "convnext_atto": {"depths": (1, 1, 1, 1), "dims": (8, 16, 16, 16)},
    "mobilenetv3_small_050": {},
    "tf_efficientnet_b0": {},
}
HUGGING_SWIN = {"embed_dim": 16, "depths": [2, 2], "num_heads": [2, 4], "window_size": 4}
HUGGING_SWIN |= {"image_size": 32, "patch_size": 2}
HUGGING = {
    "vit": {
        "hidden_size": 24,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "intermediate_size": 48,
        "image_size": 32,
        "patch_size": 8,
    },
    "swin": HUGGING_SWIN,
    "swinv2": HUGGING_SWIN,
    "resnet": {"embedding_size": 8, "hidden_sizes": [8, 16], "depths": [1, 1]},
}


def timm_model(name):
    return import_timm().create_model(name, num_classes=10, **TIMM[name])


def torchvision_swin(second):
    import_timm()
    from torchvision.models import swin_transformer as swin

    version = {"block": swin.SwinTransformerBlockV2, "downsample_layer": swin.PatchMergingV2}
    options = version if second else {}
    return swin.SwinTransformer([2, 2], 16, [2, 2], [2, 4], [4, 4], num_classes=10, **options)


def torchvision_vit():
    import_timm()
    from torchvision.models import VisionTransformer

    network = VisionTransformer(32, 8, 2, 2, 24, 48, num_classes=10)
    nn.init.normal_(network.heads.head.weight)  # zeros otherwise
    return network


def hugging_model(kind):
    transformers = pytest.importorskip("transformers", reason="the extra huggingface")
    config = transformers.AutoConfig.for_model(kind, **HUGGING[kind])
    network = transformers.AutoModelForImageClassification.from_config(config)
    network.register_forward_hook(lambda module, inputs, output: output.logits)
    return network


FAMILIES = {
    **{f"timm:{name}": lambda name=name: timm_model(name) for name in TIMM},
    **{f"huggingface:{kind}": lambda kind=kind: hugging_model(kind) for kind in HUGGING},
    "torchvision:swin": lambda: torchvision_swin(False),
    "torchvision:swin_v2": lambda: torchvision_swin(True),
    "torchvision:vit": torchvision_vit,
    "vit": lambda: small_vit(3, 10, 32, width=16, stem=True),
    "swin": lambda: small_swin(3, 10, 32, width=16, stem=True),
}


@pytest.fixture(params=FAMILIES)
def network(request):
    """Return a small network; its batch norms have statistics of images."""
    with torch.random.fork_rng(), torch.no_grad():
        torch.manual_seed(7)
        network = FAMILIES[request.param]().train()
        for _ in range(3):
            network(torch.rand(8, 3, 32, 32))
    return network.eval().requires_grad_(False)


@pytest.fixture
def attends(network):
    return any(op.kind == "product" for op in operation_table(network, (), IMAGES[:1]))


@pytest.mark.parametrize("products", ["float", "array"])
def test_ideal_arrays_give_the_quantised_output(network, products, attends):
    if products == "array" and not attends:
        pytest.skip("no products of activations")
    images = IMAGES
    design = {
        "array.adc.bits": 8,
        "quantization.dynamic_products": products,
        "chip.dynamic_products": "sram_array",
    }
    arrays = convert(network, design, images)
    found = arrays(images)
    for layer in arrays._quantized.layers:
        layer.products = exact_products(layer)
    for product in arrays._quantized.products:
        assert product.multiply is not None
        product.multiply = None
    assert bool(arrays._quantized.products) == (products == "array")
    arrays.images_seen = 0
    quantized = torch.cat([arrays(part) for part in torch.split(images, 3)])
    assert torch.equal(found, quantized)
    expected = network(images)
    assert (found - expected).norm() < 0.05 * expected.norm()
    state = network.state_dict()
    for name in arrays.array_layers:
        assert name in state or f"{name}.weight" in state


@pytest.mark.parametrize(
    "network",
    ["timm:resnet10t", "timm:mobilenetv3_small_050", "torchvision:swin_v2"],
    indirect=True,
)
def test_every_choice_of_the_quantiser_at_once(network):
    design = {
        "quantization.layer_weight_bits": ["*=5", "first=8", "last=12"],
        "quantization.layer_input_bits": ["*=6", "last=10"],
        "quantization.float_layers": ["first"],
        "quantization.input_range": "symmetric",
        "quantization.observer": "entropy",
        "quantization.fold_batch_norm": False,
        "array.adc.bits": 3,
        "array.adc.layer_bits": ["*=8"],
    }
    arrays = convert(network, design, IMAGES)
    found = arrays(IMAGES)
    layers = arrays._quantized.layers
    assert [layer.on_array for layer in layers] == [False] + [True] * (len(layers) - 1)
    assert [layer.coding.bits for layer in layers] == [6] * (len(layers) - 1) + [10]
    for layer in layers[1:]:
        layer.products = exact_products(layer)
    arrays.images_seen = 0
    assert torch.equal(found, torch.cat([arrays(part) for part in torch.split(IMAGES, 3)]))
