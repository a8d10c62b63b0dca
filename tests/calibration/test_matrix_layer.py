"""Layers on integer codes against PyTorch's layers in float64 on the same numbers."""

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch import nn

from cimsim.calibration.coding import InputCoding
from cimsim.calibration.im2col import im2col
from cimsim.calibration.matrix_layer import MatrixLayer, exact_products, quantize_weights
from cimsim.calibration.network import QuantizedNetwork, float_logits
from cimsim.errors import UserError
from cimsim.workloads.layer_table import layer_table


def integer_layer(module, x, signed=False):
    (shape,) = layer_table(nn.Sequential(module), x)
    low, high = float(x.min()), float(x.max())
    if signed:
        coding = InputCoding.signed_range(max(-low, high), 8, "nearest")
    else:
        coding = InputCoding.unsigned_range(low, high, 8, "nearest")
    weights = quantize_weights(module.weight.detach().numpy(), 8, "channel", "nearest")
    layer = MatrixLayer(shape, coding, weights)
    layer.products = exact_products(layer)
    return layer


def output(module, layer, x, first_image=0):
    return QuantizedNetwork(nn.Sequential(module), [layer]).run(x, first_image)


def dequantized(module, layer, x):
    """Run `module` in float64 on the real values of the codes of x and of the weights."""
    copy = type(module)(
        **{
            name: getattr(module, name)
            for name in (
                ("in_channels", "out_channels", "kernel_size", "stride", "padding", "dilation")
                if isinstance(module, nn.Conv2d)
                else ("in_features", "out_features")
            )
        },
        **({"groups": module.groups} if isinstance(module, nn.Conv2d) else {}),
        bias=module.bias is not None,
        dtype=torch.float64,
    )
    real = (layer.weights.codes * layer.weights.scale).T.reshape(module.weight.shape)
    copy.weight = nn.Parameter(torch.from_numpy(real.copy()))
    if module.bias is not None:
        copy.bias = nn.Parameter(module.bias.detach().double())
    codes = layer.coding.codes(x.numpy()).astype(np.float64)
    values = torch.from_numpy((codes - layer.coding.zero_point) * layer.coding.scale)
    return copy(values).detach()


@settings(deadline=None, max_examples=60)
@given(
    channels=st.integers(1, 3),
    outputs=st.integers(1, 3),
    groups=st.sampled_from([1, 1, 2, 3]),
    kernel=st.tuples(st.integers(1, 3), st.integers(1, 4)),
    stride=st.integers(1, 3),
    padding=st.integers(0, 2),
    dilation=st.integers(1, 2),
    size=st.tuples(st.integers(1, 9), st.integers(1, 9)),
    bias=st.booleans(),
    signed=st.booleans(),
    seed=st.integers(0, 2**31),
)
def test_convolution_of_any_shape(
    channels, outputs, groups, kernel, stride, padding, dilation, size, bias, signed, seed
):
    assume(all(s + 2 * padding > dilation * (k - 1) for s, k in zip(size, kernel, strict=True)))
    generator = torch.Generator().manual_seed(seed)
    module = nn.Conv2d(
        channels * groups,
        outputs * groups,
        kernel,
        stride=stride,
        padding=padding,
        dilation=dilation,
        groups=groups,
        bias=bias,
    ).requires_grad_(False)
    for parameter in module.parameters():
        parameter.copy_(torch.randn(parameter.shape, generator=generator))
    x = torch.randn(2, channels * groups, *size, generator=generator)
    layer = integer_layer(module, x, signed)
    expected = dequantized(module, layer, x)
    found = output(module, layer, x)
    assert found.shape == expected.shape
    scale = float(expected.abs().max()) + 1e-9
    torch.testing.assert_close(found.double() / scale, expected / scale, rtol=0, atol=1e-6)


@pytest.mark.parametrize("leading", [(5,), (2, 5), (2, 3, 4)])
@pytest.mark.parametrize("signed", [True, False])
def test_linear_on_any_leading_dimensions(leading, signed):
    torch.manual_seed(0)
    module = nn.Linear(7, 4).requires_grad_(False)
    x = torch.randn(*leading, 7)
    layer = integer_layer(module, x, signed)
    expected = dequantized(module, layer, x)
    torch.testing.assert_close(output(module, layer, x).double(), expected, rtol=1e-6, atol=1e-6)


def test_im2col_rows_run_channel_slowest_and_vectors_row_by_row():
    images = np.arange(2 * 3 * 4 * 2, dtype=np.uint8).reshape(2, 3, 4, 2)
    found = im2col(images, (2, 2), 1, 1, 1, fill=99)
    unfolded = torch.nn.functional.unfold(
        torch.from_numpy(images.astype(np.float32)).permute(0, 3, 1, 2) - 99.0, 2, padding=1
    )
    expected = unfolded.permute(0, 2, 1).reshape(-1, 8).numpy() + 99
    np.testing.assert_array_equal(found, expected)
    assert found.dtype == np.uint8


def test_vectors_are_numbered_over_all_images():
    module = nn.Conv2d(1, 2, 3).requires_grad_(False)
    x = torch.rand(4, 1, 6, 5)
    layer = integer_layer(module, x)
    seen = []
    exact = layer.products[0]
    layer.products = [lambda codes, first: seen.append((len(codes), first)) or exact(codes, first)]
    output(module, layer, x, first_image=10)
    assert seen == [(4 * 12, 10 * 12)]  # 4 x 3 output pixels


def test_exact_beyond_float32():
    module = nn.Linear(4000, 2).requires_grad_(False)
    module.weight.fill_(1.0)
    module.weight[:, ::2] = 126.4 / 127
    x = torch.full((1, 4000), 1.0)
    x[:, 1::4] = 0.5
    layer = integer_layer(module, x)
    codes = layer.input_codes(x)
    expected = codes.astype(np.int64) @ layer.weights.codes.astype(np.int64)
    assert expected.max() > 2**24
    np.testing.assert_array_equal(layer.products[0](codes, 0), expected)


def test_a_layer_in_float_ignores_its_codes():
    module = nn.Conv2d(1, 3, 3).requires_grad_(False)
    x = torch.randn(5, 1, 8, 8)
    layer = integer_layer(module, x)
    layer.products = None
    torch.testing.assert_close(output(module, layer, x), module(x))


def test_inputs_that_are_no_numbers_are_refused():
    """Codes could not tell: NaN would be that of some number."""
    module = nn.Conv2d(2, 3, 3)
    x = torch.rand(2, 2, 5, 5)
    layer = integer_layer(module, x)
    output(module, layer, torch.full_like(x, float("inf")))  # the largest code
    x[1, 0, 2, 2] = float("nan")
    with pytest.raises(UserError, match=r"an input is not a number \(NaN\) in images 40 to 41"):
        output(module, layer, x, first_image=40)


def test_logits_that_are_no_numbers_are_refused():
    class Logarithm(nn.Module):
        def forward(self, x):
            return torch.log(x.flatten(1))

    images = np.ones((5, 1, 2, 2), dtype=np.float32)
    images[1] = 0.0  # minus infinity, which is smaller than any other
    assert float_logits(Logarithm(), images).shape == (5, 4)
    images[3] = -1.0
    message = r"image 3: the network gives a logit that is not a number \(NaN; 1 of 5 images\)"
    with pytest.raises(UserError, match=message):
        float_logits(Logarithm(), images)
    with pytest.raises(UserError, match=message.replace("image 3", "image 10")):
        QuantizedNetwork(Logarithm(), []).logits(images, first_image=7, batch=2)
