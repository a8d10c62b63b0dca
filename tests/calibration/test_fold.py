"""Folding of batch norm leaves the network's function unchanged."""

import pytest
import torch
from torch import nn

from cimsim.calibration.fold import fold_batch_norm
from cimsim.errors import UserError


def randomized(network):
    """Give every batch norm statistics and weights that matter."""
    for module in network.modules():
        if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
            module.running_mean.normal_()
            module.running_var.uniform_(0.5, 2.0)
            if module.affine:
                nn.init.normal_(module.weight)
                nn.init.normal_(module.bias)
    return network.eval().requires_grad_(False)


@pytest.fixture(autouse=True)
def _seeded():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        yield


def test_convolutions_and_linear_layers():
    network = randomized(
        nn.Sequential(
            nn.Conv2d(2, 6, 3, bias=False),
            nn.BatchNorm2d(6),
            nn.ReLU(inplace=True),
            nn.Conv2d(6, 6, 3, groups=3),
            nn.BatchNorm2d(6, affine=False),
            nn.Flatten(),
            nn.Linear(6 * 16, 5),
            nn.BatchNorm1d(5),
        )
    )
    images = torch.randn(7, 2, 8, 8)
    expected = network(images)
    fold_batch_norm(network, images[:3])
    assert not any(isinstance(m, nn.BatchNorm1d | nn.BatchNorm2d) for m in network.modules())
    torch.testing.assert_close(network(images), expected, rtol=1e-4, atol=1e-5)


def test_batch_norm_that_follows_no_matrix_layer_stays():
    network = randomized(nn.Sequential(nn.BatchNorm2d(2), nn.ReLU(), nn.Conv2d(2, 3, 1)))
    fold_batch_norm(network, torch.randn(2, 2, 4, 4))
    assert isinstance(network[0], nn.BatchNorm2d)


def test_an_output_used_twice_cannot_be_folded():
    class Fork(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.norm = nn.Conv2d(2, 2, 1), nn.BatchNorm2d(2)

        def forward(self, x):
            y = self.conv(x)
            return self.norm(y) + 3 * y

    with pytest.raises(UserError, match=r"batch norm cannot be folded.*conv"):
        fold_batch_norm(randomized(Fork()), torch.randn(2, 2, 4, 4))
