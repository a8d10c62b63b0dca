"""Matrix layers are found and computed where their product is, whatever a module does around it."""

import pytest
import torch
from torch import nn
from torch.nn import functional

from cimsim.errors import UserError
from cimsim.inference.convert import convert
from cimsim.workloads.calls import MatrixCalls, fix_derived_weights, weight_of
from cimsim.workloads.layer_table import layer_table
from cimsim.workloads.torch_setup import import_timm

IMAGES = torch.rand(4, 4, 9, 9, generator=torch.Generator().manual_seed(3))


@pytest.fixture(autouse=True)
def _seeded():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        yield


def relative_error(network, images=IMAGES):
    network = network.eval().requires_grad_(False)
    found, expected = convert(network, {"array.adc.bits": 8}, images)(images), network(images)
    return float((found - expected).norm() / expected.norm())


class SharedBias(nn.Module):
    """A layer that is called as a function, with a bias put together from parts (BEiT, SwinV2)."""

    def __init__(self):
        super().__init__()
        self.qkv = nn.Linear(9, 6, bias=False)
        self.q_bias = nn.Parameter(torch.randn(3))

    def forward(self, x):
        bias = torch.cat([self.q_bias, torch.zeros(3)])
        return functional.linear(input=x, weight=self.qkv.weight, bias=bias)


def timm_layer(name, *args, **kwargs):
    import_timm()
    import timm.layers

    return getattr(timm.layers, name)(*args, **kwargs)


@pytest.mark.parametrize(
    "make",
    [
        lambda: nn.Conv2d(4, 3, 4, padding="same"),  # one pixel more at the end of each side
        lambda: nn.Conv2d(4, 3, 3, padding="valid"),
        lambda: nn.Conv2d(4, 3, (1, 5), padding=(0, 2)),
        lambda: nn.Conv2d(4, 4, 3, padding=1, padding_mode="circular", groups=2),
        lambda: timm_layer("Conv2dSame", 4, 3, 3, stride=2),
        lambda: timm_layer("StdConv2d", 4, 3, 3),
        SharedBias,
        lambda: nn.Sequential(nn.Flatten(2), nn.MultiheadAttention(81, 3)),
    ],
    ids=["same", "valid", "oblong", "circular", "tensorflow", "standardised", "function", "mha"],
)
@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel")
def test_quantised_output_is_close_to_the_float_output(make):
    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = make()

        def forward(self, x):
            if isinstance(self.layer, nn.Sequential):
                tokens = x.flatten(2).transpose(0, 1)  # images are the second dimension
                return self.layer[1](tokens, tokens, tokens, need_weights=False)[0].transpose(0, 1)
            return self.layer(x)

    network = Model()
    if isinstance(network.layer, nn.Sequential):
        nn.init.normal_(network.layer[1].in_proj_bias)
    assert relative_error(network) < 0.02


def test_names_order_and_axis_of_images():
    attention = nn.MultiheadAttention(6, 2)

    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.attention, self.table = attention, nn.Linear(2, 1)

        def forward(self, x):
            bias = self.table(torch.ones(5, 2)).mean()
            x = x.transpose(0, 1)
            return self.attention(x, x, x)[0].transpose(0, 1) + bias

    table = layer_table(Model().eval(), torch.randn(1, 7, 6))
    assert [(s.name, s.image_axis, s.vectors) for s in table] == [
        ("table", None, 5),
        ("attention.in_proj_weight", 1, 7),
        ("attention.out_proj", 0, 7),
    ]
    assert weight_of(Model(), "attention.in_proj_weight") is attention.in_proj_weight


def test_windows_count_as_vectors_of_one_image():
    class Windows(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(2, 3)

        def forward(self, x):
            return self.layer(x.reshape(-1, 5, 2)).reshape(len(x), -1)

    (shape,) = layer_table(Windows(), torch.rand(1, 40))
    assert (shape.vectors, shape.in_height, shape.in_width) == (20, 4, 5)


def test_noise_belongs_to_the_image_in_windows_and_not_to_constant_inputs():
    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer, self.table = nn.Linear(40, 3), nn.Linear(40, 1)

        def forward(self, x):
            constant = self.table(torch.linspace(0, 1, 40).reshape(1, 40))
            return self.layer(x.reshape(-1, 5, 40)).reshape(len(x), -1) + constant

    x = torch.rand(6, 800)
    noisy = convert(Model(), {"array.adc.bits": 8, "nonideality.read_noise": 0.1}, x)
    together = noisy(x)
    noisy.images_seen = 0
    assert torch.equal(torch.cat([noisy(part) for part in torch.split(x, 2)]), together)
    same = noisy(x[:1].expand(3, -1))
    assert not torch.equal(same[0], same[1])


def test_a_layer_that_mixes_images_is_refused():
    class Mixing(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(4, 4)

        def forward(self, x):
            return self.layer(torch.cat([x, x.new_ones(1, 4)]))

    with pytest.raises(UserError, match="layer layer: its input has the shape 2 x 4 for one image"):
        layer_table(Mixing(), torch.rand(1, 4))


def test_weights_that_cannot_be_fixed_are_refused():
    class Doubled(nn.Conv2d):
        def forward(self, x):
            return self._conv_forward(x, 2 * self.weight, self.bias)

    with pytest.raises(UserError, match="layers 0 compute their weights"):
        fix_derived_weights(nn.Sequential(Doubled(4, 3, 3)), IMAGES)


def test_products_with_foreign_weights_pass_by():
    weight = torch.rand(3, 9)

    class Foreign(nn.Module):
        def forward(self, x):
            return functional.linear(x, weight)

    def refuse(call):
        raise AssertionError(call.name)

    with MatrixCalls(Foreign(), refuse).caught():
        Foreign()(IMAGES)
