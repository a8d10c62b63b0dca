"""Grouped convolutions on arrays: one array, with noise of its own, for each group."""

import numpy as np
import pytest
import torch
from torch import nn

from cimsim.arrays.settings import ArraySettings
from cimsim.calibration.coding import InputCoding
from cimsim.calibration.matrix_layer import MatrixLayer, exact_products, quantize_weights
from cimsim.calibration.network import QuantizedNetwork
from cimsim.campaign.design import DesignPoint
from cimsim.inference.network import program_network
from cimsim.workloads.layer_table import layer_table


@pytest.fixture
def grouped():
    torch.manual_seed(1)
    module = nn.Conv2d(4, 6, 3, groups=2, padding=1).requires_grad_(False)
    module.weight[3:] = module.weight[:3]
    module.bias[3:] = module.bias[:3]
    half = torch.rand(3, 2, 5, 5) - 0.3
    x = torch.cat([half, half], dim=1)  # both groups compute the same
    (shape,) = layer_table(nn.Sequential(module), x[:1])
    coding = InputCoding.unsigned_range(float(x.min()), float(x.max()), 8, "nearest")
    weights = quantize_weights(module.weight.numpy(), 8, "channel", "nearest")
    layer = MatrixLayer(shape, coding, weights)
    layer.products = exact_products(layer)
    return module, QuantizedNetwork(nn.Sequential(module), [layer]), x


def settings(**nonideality):
    point = DesignPoint(array={"adc": {"bits": 8}}, nonideality=nonideality)
    return {"0": ArraySettings.from_design(point)}


def test_ideal_arrays_compute_each_group(grouped):
    module, network, x = grouped
    expected = network.run(x)
    program_network(network, settings(), seed=0)
    assert torch.equal(network.run(x), expected)
    reference = module(x)
    assert (expected - reference).abs().max() < 0.02 * reference.abs().max()


def test_groups_have_cells_of_their_own(grouped):
    _, network, x = grouped
    program_network(network, settings(device_variation=0.1), seed=0)
    first, second = np.split(network.run(x).numpy(), 2, axis=1)
    assert not np.array_equal(first, second)
