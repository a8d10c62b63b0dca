"""What a network computes besides its matrix layers, found by watching it run."""

import pytest
import torch
from torch import nn
from torch.nn import functional

from cimsim.calibration.fold import fold_batch_norm
from cimsim.campaign.design import Workload
from cimsim.workloads.datasets import load_dataset
from cimsim.workloads.layer_table import layer_table
from cimsim.workloads.models import build_network
from cimsim.workloads.operations import Operation, operation_table

IMAGE = torch.linspace(-1, 1, 256).reshape(1, 1, 16, 16)


def operations_of(network, image=IMAGE):
    network.eval()
    return operation_table(network, {s.name for s in layer_table(network, image)}, image)


def shape(operation):
    o = operation
    return o.kind, o.batch, o.vectors, o.rows, o.columns, o.elements, o.length


def test_vision_transformer():
    network = build_network(Workload(model="vit"), load_dataset("digits16"))
    found = operations_of(network)
    tokens, width, heads, hidden = 16, 32, 4, 64
    block = [
        ("layer_norm", 0, 0, 0, 0, tokens * width, width),
        ("product", heads, tokens, width // heads, tokens, heads * tokens**2, 1),
        ("softmax", 0, 0, 0, 0, heads * tokens**2, tokens),
        ("product", heads, tokens, tokens, width // heads, tokens * width, 1),
        ("add", 0, 0, 0, 0, tokens * width, 1),
        ("layer_norm", 0, 0, 0, 0, tokens * width, width),
        ("gelu", 0, 0, 0, 0, tokens * hidden, 1),
        ("add", 0, 0, 0, 0, tokens * width, 1),
    ]
    embedding = [("add", 0, 0, 0, 0, tokens * width, 1)]
    end = [("average_pool", 0, 0, 0, 0, width, tokens), ("layer_norm", 0, 0, 0, 0, width, width)]
    assert [shape(o) for o in found] == embedding + block + block + end
    first = {o.name: o.after for o in found}
    assert first["blocks.0.attn.scores"] == first["blocks.0.attn.values"] == 2  # patches, qkv
    assert first["blocks.1.add_2"] == 9
    assert len(first) == len(found)
    assert not any(o.on_layer_unit for o in found)


def test_convolutional_network_is_on_its_layers_units():
    network = build_network(Workload(model="vgg8"), load_dataset("digits16")).eval()
    fold_batch_norm(network, IMAGE)
    found = operations_of(network)
    assert all(o.on_layer_unit for o in found)
    assert [o.kind for o in found].count("relu") == 7
    assert [(o.after, o.length) for o in found if o.kind == "max_pool"] == [(2, 4), (4, 4), (6, 4)]


class Attention(nn.Module):
    """One head more or less by hand."""

    def __init__(self, fused):
        super().__init__()
        self.qkv = nn.Linear(8, 24)
        self.fused = fused

    def forward(self, x):
        q, k, v = self.qkv(x).reshape(1, -1, 3, 2, 4).permute(2, 0, 3, 1, 4)
        if self.fused:
            return functional.scaled_dot_product_attention(q, k, v)
        return torch.softmax(q * 0.5 @ k.transpose(-2, -1), dim=-1) @ v


def test_fused_attention_is_the_same_as_its_parts():
    x = torch.randn(1, 5, 8)
    fused, parts = (operations_of(Attention(fused), x) for fused in (True, False))
    assert [shape(o) for o in fused] == [shape(o) for o in parts]
    assert [o.kind for o in fused] == ["product", "softmax", "product"]
    assert [(o.left, o.right) for o in fused if o.kind == "product"] == [
        ("query", "key"),
        ("softmax", "value"),
    ]


def test_torch_attention_is_seen_in_its_parts():
    class Encoder(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.TransformerEncoderLayer(16, 2, 32, batch_first=True)

        def forward(self, x):
            return self.layer(x)

    network, x = Encoder().eval(), torch.randn(1, 5, 16)
    found = operations_of(network, x)
    kinds = [o.kind for o in found]
    assert kinds.count("product") == 2
    assert "function_layer" not in kinds
    layers = [s.name.removeprefix("layer.") for s in layer_table(network, x)]
    assert layers == ["self_attn.in_proj_weight", "self_attn.out_proj", "linear1", "linear2"]
    assert kinds.count("add") == kinds.count("layer_norm") == 2


class Functions(nn.Module):
    """A residual block with functions and operators instead of modules."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 3, 3, padding=1)
        self.norm = nn.BatchNorm2d(3)

    def forward(self, x):
        y = functional.relu(self.conv(x))
        y = functional.relu(y + x)
        y *= torch.sigmoid(self.norm(y))
        y = functional.max_pool2d(y, 2) * 2.0
        return torch.cat([y, y]).flatten(1).cumsum(1)


def test_functions_operators_and_what_nobody_knows():
    found = operations_of(Functions(), torch.randn(1, 3, 4, 4))
    assert [(o.kind, o.elements, o.on_layer_unit) for o in found] == [
        ("relu", 48, True),
        ("add", 48, False),
        ("relu", 48, False),  # the unit of the layer has had its turn
        ("batch_norm", 48, False),
        ("sigmoid", 48, False),
        ("multiply", 48, False),
        ("max_pool", 12, False),
        ("cumsum", 24, False),
    ]
    assert found[-2].length == 4


@pytest.mark.parametrize(
    ("module", "length"), [(nn.LayerNorm([4, 5]), 20), (nn.GroupNorm(2, 6), 60)]
)
def test_rows_of_norms(module, length):
    x = torch.randn(1, 6, 4, 5)
    (found,) = operations_of(module, x)
    assert found == Operation(
        "layer_norm", "layer_norm", "", 0, elements=120, length=length, on_layer_unit=False
    )
