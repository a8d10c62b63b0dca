"""Arrays in any PyTorch model, without a campaign."""

from __future__ import annotations

import doctest

import pytest
import torch
from torch import nn

from cimsim.arrays import CimConv2d, CimLinear, convert
from cimsim.calibration import matrix_layer
from cimsim.calibration.scales import find_ranges, quantize_network
from cimsim.campaign.design import DesignPoint
from cimsim.errors import UserError
from cimsim.inference import convert as module
from cimsim.workloads.layer_table import layer_table

WIDE = {"array.adc.bits": 8}


class Residual(nn.Module):
    """A small network with what real ones have: batch norm, a skip connection, groups."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU())
        self.body = nn.Conv2d(8, 8, 3, padding=1, groups=8)
        self.head = nn.Linear(8, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.stem(x)
        return self.head((x + self.body(x)).mean((2, 3)))


@pytest.fixture(scope="module")
def model() -> nn.Module:
    with torch.random.fork_rng():
        torch.manual_seed(3)
        made = Residual().train()
        made(torch.rand(32, 3, 8, 8))  # statistics for the batch norm
    return made.eval()


@pytest.fixture(scope="module")
def images() -> torch.Tensor:
    return torch.rand(20, 3, 8, 8, generator=torch.Generator().manual_seed(5))


def test_docstring_examples() -> None:
    result = doctest.testmod(module)
    assert result.attempted >= 15
    assert result.failed == 0


def test_ideal_arrays_give_the_quantised_model_exactly(images) -> None:
    plain = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Flatten(), nn.Linear(288, 10)).eval()
    point = DesignPoint(array={"adc": {"bits": 8}})
    found = convert(plain, point, images)(images)
    shapes = layer_table(plain, images[:1])
    ranges = find_ranges(point, plain, shapes, images.numpy())
    quantized = quantize_network(point, plain, shapes, ranges)
    assert torch.equal(found, torch.from_numpy(quantized.logits(images.numpy())))


def test_the_model_itself_is_left_alone(model, images) -> None:
    before = model(images)
    converted = convert(model, WIDE, images)
    assert torch.equal(model(images), before)
    assert isinstance(model.stem[1], nn.BatchNorm2d)
    assert converted.array_layers == ["stem.0", "body", "head"]


def test_converted_close_to_float(model, images) -> None:
    expected = model(images).detach()
    found = convert(model, WIDE, images)(images)
    assert (found - expected).norm() < 0.02 * expected.norm()


@pytest.mark.parametrize(
    "effects",
    [
        {"nonideality.read_noise": 0.1},
        {"nonideality.read_noise": 0.1, "fidelity.read_noise_scope": "batch"},
        {"fidelity.input_shift": "data_minimum"},
        {
            "nonideality.retention.time": 100.0,
            "nonideality.retention.exponent": 0.1,
            "nonideality.retention.direction": "random",
            "fidelity.drift_direction_scope": "read",
        },
    ],
    ids=lambda effects: ",".join(effects),
)
def test_vectors_computed_at_once_do_not_matter(model, images, effects, monkeypatch) -> None:
    images = images - torch.linspace(0.0, 1.0, len(images)).view(-1, 1, 1, 1)
    converted = convert(model, {"array.adc.bits": 5, **effects}, images)
    expected = converted(images)
    for vectors in (1, 64 * 7):
        monkeypatch.setattr(matrix_layer, "VECTORS_AT_ONCE", vectors)
        converted.images_seen = 0
        assert torch.equal(converted(images), expected)


def test_noise_depends_on_seed_and_image_number_only(model, images) -> None:
    noisy = convert(model, {**WIDE, "nonideality.read_noise": 0.1}, images, seed=4)
    whole = noisy(images)
    assert not torch.equal(noisy(images), whole)  # the next images, so that noise is fresh
    noisy.images_seen = 0
    parts = torch.cat([noisy(images[:7]), noisy(images[7:])])
    assert torch.equal(parts, whole)
    noisy.program(5)
    assert not torch.equal(noisy(images), whole)
    noisy.program(4)
    assert torch.equal(noisy(images), whole)


def test_a_calibrated_adc_range_uses_the_calibration_inputs(model, images) -> None:
    design = {
        "array.adc.bits": 5,
        "array.adc.range": {"policy": "calibrated", "percentile": 100.0},
    }
    expected = model(images)
    calibrated = convert(model, design, images)(images)
    full = convert(model, {"array.adc.bits": 5}, images)(images)
    assert (calibrated - expected).norm() < 0.5 * (full - expected).norm()


def test_single_layers() -> None:
    x = torch.rand(4, 16)
    linear = CimLinear(nn.Linear(16, 5), {**WIDE, "preset": "sram-22nm"}, x)
    assert linear(x).shape == (4, 5)
    assert convert(nn.Linear(16, 5), WIDE, x)(x).shape == (4, 5)
    with pytest.raises(UserError, match="CimConv2d got a Linear; allowed: Conv2d"):
        CimConv2d(nn.Linear(16, 5), WIDE, x)


def test_mistakes() -> None:
    linear = nn.Linear(16, 5)
    with pytest.raises(UserError, match=r"array.adc.bits: 0 is not allowed"):
        convert(linear, {"array.adc.bits": 0}, torch.rand(4, 16))
    with pytest.raises(UserError, match="calibration has no inputs"):
        CimLinear(linear, WIDE, torch.rand(0, 16))
    with pytest.raises(UserError, match="no convolution or linear layer"):
        convert(nn.Sequential(nn.ReLU()), WIDE, torch.rand(4, 16))
    with pytest.raises(UserError, match="input is not finite"):
        convert(nn.Sequential(linear), WIDE, torch.full((4, 16), torch.nan))


@pytest.mark.parametrize(
    "design",
    [
        {"nonideality.device_variation": 0.1, "nonideality.variation_unit": "step"},
        {"nonideality.device_variation": 0.1, "nonideality.variation_distribution": "lognormal"},
        {"array.adc.offset": 0.25, "array.signed_weights": "differential"},
        {"array.adc.gain_error": 0.05, "nonideality.read_noise": 0.01},
        {"array.row_wire_resistance": 1.0, "array.column_wire_resistance": 1.0},
        {
            "cell.technology": "nvcap",
            "array.charge.readout": "sharing",
            "array.charge.parasitic": 1e3,
        },
        {"cell.technology": "nvcap", "array.charge.step_capacitance": 1e-19},
        {"cell.technology": "nvcap", "array.charge.mismatch": 0.1},
    ],
)
def test_every_deviation_reaches_the_network(model, images, design) -> None:
    ideal = convert(model, WIDE, images)(images)
    deviating = convert(model, WIDE | design, images)
    found = deviating(images)
    error = float((found - ideal).norm() / ideal.norm())
    assert 1e-4 < error < 1.0
    deviating.program(0)
    assert torch.equal(torch.vstack([deviating(images[:3]), deviating(images[3:])]), found)


def test_a_hotter_chip_is_noisier(model, images) -> None:
    ideal = convert(model, WIDE, images)(images)
    errors = [
        float(
            (
                convert(
                    model,
                    WIDE | {"nonideality.read_noise": 0.1, "nonideality.temperature": kelvin},
                    images,
                )(images)
                - ideal
            ).norm()
        )
        for kelvin in (100.0, 300.0, 900.0)
    ]
    assert errors[0] < errors[1] < errors[2]


def test_a_gpu_that_is_not_there_is_one_message(model, monkeypatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(UserError, match="cuda"):
        convert(model, WIDE, torch.rand(4, 3, 8, 8), device="cuda")
