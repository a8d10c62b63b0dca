"""The layer table against shapes worked out by hand."""

import pytest
import torch
from torch import nn

from cimsim.campaign.design import DesignPoint
from cimsim.errors import UserError
from cimsim.workloads.datasets import load_dataset
from cimsim.workloads.layer_table import layer_table
from cimsim.workloads.models import build_network

DATA = load_dataset("digits16")
IMAGE = torch.from_numpy(DATA.train_images[:1])


def network_of(**workload):
    return build_network(DesignPoint(workload=workload).workload, DATA).eval()


def summary(table):
    return [(s.name, s.rows, s.columns, s.vectors, s.pooled) for s in table]


def test_vgg8():
    assert summary(layer_table(network_of(), IMAGE)) == [
        ("features.0", 9, 16, 256, False),
        ("features.3", 144, 16, 256, True),
        ("features.7", 144, 32, 64, False),
        ("features.10", 288, 32, 64, True),
        ("features.14", 288, 64, 16, False),
        ("features.17", 576, 64, 16, True),
        ("classifier.0", 256, 128, 1, False),
        ("classifier.2", 128, 10, 1, False),
    ]


def test_vision_transformer_with_attention_weights():
    table = layer_table(network_of(model="vit"), IMAGE)
    blocks = [
        entry
        for block in (0, 1)
        for entry in (
            (f"blocks.{block}.attn.qkv", 32, 96, 16, False),
            (f"blocks.{block}.attn.proj", 32, 32, 16, False),
            (f"blocks.{block}.mlp.fc1", 32, 64, 16, False),
            (f"blocks.{block}.mlp.fc2", 64, 32, 16, False),
        )
    ]
    first, last = ("patch_embed.proj", 16, 32, 16, False), ("head", 32, 10, 1, False)
    assert summary(table) == [first, *blocks, last]
    assert (table[0].kind, table[0].stride, table[0].padding) == ("conv", 4, 0)
    assert (table[1].in_height, table[1].in_width) == (16, 1)


@pytest.mark.parametrize("model", ["vgg8", "vit"])
def test_names_are_those_of_the_state_dict(model):
    network = network_of(model=model)
    state = network.state_dict()
    for shape in layer_table(network, IMAGE):
        weight = state[f"{shape.name}.weight"]
        assert weight.numel() == shape.rows * shape.columns


def test_execution_order_groups_stride_and_dilation():
    class Reversed(nn.Module):
        def __init__(self):
            super().__init__()
            self.second = nn.Conv2d(8, 12, 3, stride=2, dilation=2, groups=4)
            self.first = nn.Conv2d(1, 8, 5, padding=2)
            self.pool = nn.AdaptiveAvgPool2d(1)

        def forward(self, x):
            return self.pool(self.second(self.first(x)))

    first, second = layer_table(Reversed(), IMAGE)
    assert (first.name, first.rows, first.vectors) == ("first", 25, 256)
    # 16 pixels, kernel extent 5, stride 2: (16 - 5) // 2 + 1 = 6; K = 8 / 4 * 9.
    assert (second.name, second.rows, second.columns, second.vectors) == ("second", 18, 12, 36)
    assert (first.pooled, second.pooled) == (False, True)


def test_linear_on_a_grid_of_tokens():
    network = nn.Sequential(nn.Unflatten(3, (4, 4)), nn.Linear(4, 3))
    (shape,) = layer_table(network, torch.zeros(1, 5, 7, 16))
    assert (shape.in_height, shape.in_width, shape.vectors) == (5, 28, 140)


@pytest.mark.parametrize(
    ("module", "message"),
    [
        (nn.Conv2d(1, 2, 3, stride=(1, 2)), "0: stride is 1 x 2"),
        (nn.Conv2d(1, 2, 3, dilation=(2, 1)), "0: dilation is 2 x 1"),
    ],
)
def test_convolutions_that_are_refused(module, message):
    with pytest.raises(UserError, match=message):
        layer_table(nn.Sequential(module), IMAGE)


def test_a_layer_that_runs_twice_is_refused():
    layer = nn.Linear(16, 16)
    with pytest.raises(UserError, match="layer 0 runs more than once"):
        layer_table(nn.Sequential(layer, nn.ReLU(), layer), IMAGE)
