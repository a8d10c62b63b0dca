"""Products of two activations: where they are caught, and what they give on integer codes."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from cimsim.arrays.dynamic import dynamic_design
from cimsim.calibration.coding import InputCoding
from cimsim.calibration.products import ProductLayer, find_product_ranges, run_caught
from cimsim.campaign.design import DesignPoint
from cimsim.campaign.keys import changed_fields, stage_design, stage_keys
from cimsim.errors import UserError
from cimsim.inference.convert import convert
from cimsim.workloads.calls import MatrixCall
from cimsim.workloads.products import ProductCall

X = torch.randn(3, 5, 8, generator=torch.Generator().manual_seed(2))


class Attention(nn.Module):
    """Two heads of width 4, and one way to multiply them."""

    def __init__(self, multiply):
        super().__init__()
        self.qkv = nn.Linear(8, 24)
        self.constant = nn.Parameter(torch.randn(5, 5))
        self.multiply = multiply

    def forward(self, x):
        q, k, v = self.qkv(x).reshape(-1, 5, 3, 2, 4).permute(2, 0, 3, 1, 4)
        return self.multiply(q, k, v, self.constant)


def fused(q, k, v, constant):
    return functional.scaled_dot_product_attention(q, k, v, attn_mask=constant)


def operators(q, k, v, constant):
    return (0.5 * q @ k.mT + constant).softmax(-1) @ v


def einsum(q, k, v, constant):
    scores = torch.einsum("bhid,bhjd->bhij", 0.5 * q, k) + constant
    return torch.einsum("bhij,bhjd->bhid", scores.softmax(-1), v)


def added(q, k, v, constant):
    scores = torch.baddbmm(constant[None], q.flatten(0, 1), k.flatten(0, 1).mT, alpha=0.5)
    return torch.bmm(scores.softmax(-1), v.flatten(0, 1)).reshape(q.shape)


WAYS = [fused, operators, einsum, added]


def network_of(multiply):
    torch.manual_seed(1)
    return Attention(multiply).eval().requires_grad_(False)


@pytest.mark.parametrize("multiply", WAYS)
def test_all_ways_of_writing_attention_are_caught(multiply):
    network, seen = network_of(multiply), []

    def exact(call):
        seen.append((call.number, tuple(call.left.shape), tuple(call.right.shape)))
        return call.left @ call.right

    found = run_caught(network, X, MatrixCall.result, exact)
    assert seen == [(0, (6, 5, 4), (6, 4, 5)), (1, (6, 5, 5), (6, 5, 4))]
    torch.testing.assert_close(found, network_of(operators)(X))


def test_products_with_parameters_pass_by():
    def refuse(call):
        raise AssertionError(call.number)

    network = network_of(
        lambda q, k, v, constant: constant @ v + torch.mm(constant, constant)[0, 0]
    )
    found = run_caught(network, X, MatrixCall.result, refuse)
    torch.testing.assert_close(found, network(X))


@pytest.mark.parametrize("signed", [True, False])
def test_the_product_of_codes(signed):
    left, right = torch.randn(6, 3, 7), torch.randn(6, 7, 2)
    low, high, magnitude = float(left.min()), float(left.max()), float(right.abs().max())
    if signed:
        coding = InputCoding.signed_range(max(-low, high), 8, "nearest")
    else:
        coding = InputCoding.unsigned_range(low, high, 8, "nearest")
    layer = ProductLayer("p", coding, InputCoding.signed_range(magnitude, 8, "nearest"))
    layer.images = 3
    call = ProductCall(0, left, right)
    left_codes, right_codes = layer.codes(call)
    assert np.abs(right_codes).max() == 127
    real_left = (left_codes.astype(float) - coding.zero_point) * coding.scale
    real_right = right_codes * (magnitude / 127)
    np.testing.assert_allclose(layer(call), real_left @ real_right, rtol=1e-5, atol=1e-6)
    # Each operand is off by half a step at most.
    error = np.abs(layer(call).numpy() - (left @ right).numpy())
    bound = 7 * (coding.scale / 2 * magnitude + magnitude / 254 * max(-low, high)) * 1.01
    assert error.max() < bound

    seen = []

    def multiply(stored, codes, slot, first_vector):
        seen.append((slot, first_vector))
        return (codes.astype(float) - coding.zero_point) @ stored

    layer.multiply, layer.first_image = multiply, 10
    np.testing.assert_allclose(layer(call), real_left @ real_right, rtol=1e-5, atol=1e-6)
    assert seen == [(0, 30), (1, 30), (0, 33), (1, 33), (0, 36), (1, 36)]


def codings(magnitude):
    left = InputCoding.unsigned_range(0.0, 1.0, 8, "nearest")
    return left, InputCoding.signed_range(magnitude, 8, "nearest")


def test_an_operand_of_zeros_gives_zeros():
    layer = ProductLayer("p", *codings(0.0))
    assert not layer(ProductCall(0, torch.rand(1, 2, 3), torch.zeros(1, 3, 4))).any()


def test_a_batch_that_does_not_divide_into_images_is_refused():
    layer = ProductLayer("p", *codings(1.0))
    layer.images = 2
    with pytest.raises(UserError, match="product p: 3 products for 2 images"):
        layer(ProductCall(0, torch.rand(3, 2, 3), torch.rand(3, 3, 4)))


@pytest.mark.parametrize("which", [0, 1])
def test_operands_that_are_no_numbers_are_refused(which):
    layer = ProductLayer("p", *codings(1.0))
    layer.images, layer.first_image = 3, 6
    operands = torch.rand(3, 2, 3), torch.rand(3, 3, 4)
    operands[which][2, 1, 1] = float("nan")
    with pytest.raises(UserError, match=r"product p: an operand is .* in images 6 to 8"):
        layer(ProductCall(0, *operands))


ARRAY = {"quantization.dynamic_products": "array", "chip.dynamic_products": "sram_array"}


def converted(**design):
    return convert(network_of(operators), {"array.adc.bits": 8, **ARRAY, **design}, X)


def test_quantised_products_are_close_to_float_ones_and_differ():
    network = network_of(operators)
    exact = network(X)
    errors = {
        choice: float((convert(network, {**ARRAY, "quantization.dynamic_products": choice,
                                         "array.adc.bits": 8}, X)(X) - exact).norm() / exact.norm())
        for choice in ("float", "integer", "array")
    }  # fmt: skip
    assert errors["float"] < errors["integer"] == errors["array"] < 0.03


def test_a_coarse_adc_and_noise_reach_products():
    exact = converted()(X)
    coarse = converted(**{"array.adc.bits": 3})
    assert not torch.equal(coarse(X), exact)
    only_products = {"quantization.float_layers": ["qkv"], "cell.technology": "sram"}
    ideal = converted(**only_products)
    noisy = converted(**only_products, **{"nonideality.read_noise": 0.2})
    together = noisy(X)
    assert not torch.equal(together, ideal(X))
    noisy.images_seen = 0
    torch.testing.assert_close(torch.cat([noisy(x) for x in torch.split(X, 1)]), together)
    noisy.program(1)
    assert not torch.equal(noisy(X), together)


def test_noise_of_another_memory_is_not_that_of_the_sram():
    only_products = {"quantization.float_layers": ["qkv"], "cell.technology": "rram"}
    noise = {"nonideality.device_variation": 0.3, "nonideality.read_noise": 0.3}
    assert torch.equal(converted(**only_products, **noise)(X), converted(**only_products)(X))


def test_the_range_of_the_adc_is_calibrated_for_each_product():
    full = converted(**{"array.adc.bits": 4})
    found = converted(**{"array.adc.bits": 4, "array.adc.range.policy": "calibrated"})
    steps = {name: settings.adc_step for name, settings in found._settings.items()}
    assert list(steps) == ["qkv", "product", "product_2"]
    for name, settings in full._settings.items():
        assert 1.0 <= steps[name] < settings.adc_step
    exact = converted()(X)
    assert (found(X) - exact).norm() < (full(X) - exact).norm()


def test_the_design_of_written_arrays():
    point = DesignPoint(
        cell={"technology": "rram", "bits": 2},
        quantization={"input_bits": 6},
        array={"row_wire_resistance": 1.0},
        nonideality={"device_variation": 0.1},
    )
    written = dynamic_design(point)
    assert (written.cell.technology, written.cell.bits) == ("sram", 1)
    assert written.quantization.weight_bits == 6
    assert written.nonideality.device_variation == written.array.row_wire_resistance == 0.0
    assert written.array.adc == point.array.adc


def test_stages_without_a_chip_do_not_see_where_the_chip_has_them():
    point = DesignPoint(
        quantization={"dynamic_products": "array"}, chip={"dynamic_products": "sram_array"}
    )
    changed = changed_fields(point)
    for stage in ("calibrate", "map", "infer", "trace"):
        assert "chip.dynamic_products" not in stage_design(stage, changed)
    assert stage_design("ppa", changed)["chip.dynamic_products"] == "sram_array"
    plain = stage_keys({"chip.dynamic_products": "sram_array"})
    keys = stage_keys(changed)
    assert keys["checkpoint"] == plain["checkpoint"]
    assert keys["calibrate"] != plain["calibrate"]


@pytest.mark.parametrize("input_range", ["affine", "symmetric"])
def test_the_range_of_the_right_operand_is_that_of_its_symmetric_codes(input_range):
    class Skewed(nn.Module):
        def forward(self, x):
            return torch.bmm(x, x.exp().mT - 0.4)

    images = torch.randn(40, 8, 8, generator=torch.Generator().manual_seed(3))
    settings = {"observer": "mse", "input_bits": 4, "input_range": input_range}
    point = DesignPoint(quantization={**settings, "dynamic_products": "integer"})
    (found,) = find_product_ranges(point, Skewed(), [], images.numpy())
    right = images.exp() - 0.4

    def error(scale):
        codes = torch.round(right / scale).clamp(-7, 7)
        return float(((codes * scale - right) ** 2).mean())

    tried = [error(float(right.abs().max()) * percent / 100 / 7) for percent in range(20, 101)]
    assert error(found.right_scale) <= 1.01 * min(tried)
