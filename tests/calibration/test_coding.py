"""Codes of inputs and weights against PyTorch's own quantiser and the reference's."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from cimsim.calibration.coding import InputCoding, input_coding, observed_range
from cimsim.calibration.matrix_layer import quantize_weights
from cimsim.calibration.quantizer import SHARES, fake_quantize, integer_codes
from cimsim.calibration.ranges import RangeObserver
from cimsim.campaign.design import DesignPoint

BITS = st.integers(2, 8)
FINITE = st.floats(-100, 100, width=32)


@given(low=FINITE, high=FINITE, bits=BITS, seed=st.integers(0, 2**31))
def test_unsigned_codes_equal_torchs(low, high, bits, seed):
    coding = InputCoding.unsigned_range(low, high, bits, "nearest")
    values = np.random.default_rng(seed).uniform(-120, 120, 300).astype(np.float32)
    expected = torch.fake_quantize_per_tensor_affine(
        torch.from_numpy(values), coding.scale, coding.zero_point, 0, 2**bits - 1
    ).numpy()
    codes = coding.codes(values)
    assert codes.dtype == np.uint8
    real = (codes.astype(np.float64) - coding.zero_point) * coding.scale
    # torch rounds x * (1 / float32(scale)); a tie can fall to the other side.
    differs = np.abs(real - expected) > 1e-4 * coding.scale
    distance_to_tie = np.abs(np.abs(values / coding.scale) % 1.0 - 0.5)
    assert (distance_to_tie[differs] < 1e-4).all()
    assert differs.mean() < 0.05


@given(low=FINITE, high=FINITE, bits=BITS)
def test_zero_is_exact_and_the_range_is_covered(low, high, bits):
    coding = InputCoding.unsigned_range(low, high, bits, "nearest")
    ends = np.array([0.0, min(low, 0.0), max(high, 0.0)], dtype=np.float32)
    codes = coding.codes(ends).astype(np.int64)
    assert codes[0] == coding.zero_point
    real = (codes - coding.zero_point) * coding.scale
    assert np.abs(real - ends).max() <= coding.scale * (1 + 1e-5)


def test_no_negative_values_have_zero_point_zero():
    coding = InputCoding.unsigned_range(0.0, 2.0, 8, "nearest")
    assert (coding.zero_point, coding.scale) == (0, pytest.approx(2 / 255))
    assert coding.codes(np.array([-1, 0, 2, 3], dtype=np.float32)).tolist() == [0, 0, 255, 255]


@pytest.mark.parametrize("signed", [True, False])
@pytest.mark.parametrize("conversion", ["nearest", "truncate"])
def test_an_input_that_was_always_zero(signed, conversion):
    if signed:
        coding = InputCoding.signed_range(0.0, 8, conversion)
    else:
        coding = InputCoding.unsigned_range(0.0, 0.0, 8, conversion)
    assert (coding.scale, coding.zero_point) == (1.0, 0)
    assert coding.codes(np.zeros(3, dtype=np.float32)).tolist() == [0, 0, 0]


@given(amax=st.floats(2.0**-6, 50, width=32), bits=BITS, truncate=st.booleans())
def test_signed_codes_equal_the_references(amax, bits, truncate):
    conversion = "truncate" if truncate else "nearest"
    values = np.linspace(-1.2 * amax, 1.2 * amax, 501).astype(np.float32)
    coding = InputCoding.signed_range(amax, bits, conversion)
    codes = coding.codes(values)
    assert codes.dtype == np.int16
    np.testing.assert_array_equal(codes, integer_codes(values, amax, bits, conversion))
    np.testing.assert_allclose(
        integer_codes(values, amax, bits) * coding.scale,
        fake_quantize(values, amax, bits),
        rtol=1e-6,
    )


@given(low=FINITE, high=FINITE, bits=st.integers(2, 16), seed=st.integers(0, 2**31))
def test_symmetric_codes_equal_torchs(low, high, bits, seed):
    low, high = min(low, 0.0), max(high, 0.0) + 0.0  # no negative zero
    coding = InputCoding.symmetric_range(low, high, bits, "nearest")
    values = np.random.default_rng(seed).uniform(1.2 * low, 1.2 * high, 300).astype(np.float32)
    codes = coding.codes(values).astype(np.int64)
    bound = 2 ** (bits - 1) - 1
    assert coding.zero_point == (bound if low < 0.0 else 0)
    assert coding.codes(np.zeros(1, dtype=np.float32)) == coding.zero_point
    assert (np.abs(codes - coding.zero_point) <= bound).all()
    assert codes.min() >= 0
    expected = torch.fake_quantize_per_tensor_affine(
        torch.from_numpy(values), coding.scale, 0, -bound, bound
    ).numpy()
    real = (codes - coding.zero_point) * coding.scale
    differs = np.abs(real - expected) > 0.5 * coding.scale
    distance_to_tie = np.abs(np.abs(values / coding.scale) % 1.0 - 0.5)
    assert (distance_to_tie[differs] < 1e-2).all()  # torch rounds x * (1 / float32(scale))
    assert differs.mean() < 0.05


@pytest.mark.parametrize(
    ("quantization", "fidelity", "expected"),
    [
        ({}, {}, (False, False, 64)),
        ({"input_range": "symmetric"}, {}, (False, True, 127)),
        ({}, {"input_shift": "data_minimum"}, (True, False, 0)),
        ({"input_range": "symmetric"}, {"input_shift": "data_minimum"}, (True, False, 0)),
    ],
)
def test_the_coding_of_a_design(quantization, fidelity, expected):
    point = DesignPoint(quantization=quantization, fidelity=fidelity)
    coding = input_coding(point, -1.0, 3.0)
    assert (coding.signed, coding.symmetric, coding.zero_point) == expected
    assert input_coding(point, 0.0, 3.0).zero_point == 0


@pytest.mark.parametrize(
    ("codes", "fidelity", "bits"),
    [
        ({"input_range": "symmetric"}, {}, 4),
        ({}, {"input_shift": "data_minimum"}, 4),
        ({}, {"input_shift": "data_minimum"}, 8),
    ],
)
def test_least_squared_error_is_that_of_symmetric_codes(codes, fidelity, bits):
    generator = np.random.default_rng(4)
    values = np.concatenate([-generator.exponential(0.3, 20_000), generator.exponential(1, 20_000)])
    values = values.astype(np.float32)
    observer = RangeObserver()
    observer.update(values)
    settings = {**codes, "input_bits": bits, "observer": "mse"}
    point = DesignPoint(quantization=settings, fidelity=fidelity)

    def error(low, high):
        coding = input_coding(point, low, high)
        real = (coding.codes(values).astype(int) - coding.zero_point) * coding.scale
        return np.square(real - values).mean()

    lowest, highest = float(values.min()), float(values.max())
    low, high = observed_range(point, observer)
    assert high < highest
    assert low == max(lowest, -high)
    tried = [error(max(lowest, -highest * s), highest * s) for s in SHARES]
    assert error(low, high) <= 1.01 * min(tried)


@pytest.mark.parametrize("bits", [2, 3, 6])
@pytest.mark.parametrize("per", ["channel", "tensor"])
def test_no_range_of_weights_loses_less(per, bits):
    """Each share of each channel by torch's quantiser."""
    weight = np.random.default_rng(6).standard_t(4, size=(5, 40)).astype(np.float32)
    weight[1] = 0.0
    weight[2] = np.sign(weight[2])  # which the full range alone holds exactly
    found = quantize_weights(weight, bits, per, "nearest", "mse")
    bound = 2 ** (bits - 1) - 1
    parts = np.split(weight, 5) if per == "channel" else [weight]
    lost = np.square(found.codes.T * np.broadcast_to(found.scale, 5)[:, None] - weight)
    lost = lost.sum(axis=1) if per == "channel" else [lost.sum()]
    for part, scale, error in zip(parts, found.scale, lost, strict=True):
        largest = float(np.abs(part).max())
        tried = {}
        for percent in range(20, 101):
            step = max(largest * percent / 100 / bound, 1e-30)
            values = torch.from_numpy(part)
            rounded = torch.fake_quantize_per_tensor_affine(values, step, 0, -bound, bound)
            tried[percent] = float(((rounded - values) ** 2).sum())
        assert error == pytest.approx(min(tried.values()), rel=1e-4, abs=1e-9)
        if largest:
            assert min(abs(scale * bound / largest - p / 100) for p in tried) < 1e-5
    if per == "channel":
        assert (found.scale[1], found.scale[2]) == (1.0, pytest.approx(1 / bound))


@pytest.mark.parametrize("bits", [2, 5, 8, 12, 16])
@pytest.mark.parametrize("per", ["channel", "tensor"])
def test_weight_codes_equal_torchs(per, bits):
    weight = np.random.default_rng(3).normal(size=(6, 4, 3, 3)).astype(np.float32)
    weight[2] = 0.0
    bound = 2 ** (bits - 1) - 1
    found = quantize_weights(weight, bits, per, "nearest")
    assert found.codes.shape == (36, 6)
    assert found.codes.dtype == (np.int8 if bits <= 8 else np.int16)
    assert np.abs(found.codes.astype(int)).max() == bound
    assert not found.codes[:, 2].any()
    scale = torch.from_numpy(np.broadcast_to(found.scale, 6).astype(np.float32).copy())
    expected = torch.fake_quantize_per_channel_affine(
        torch.from_numpy(weight), scale, torch.zeros(6, dtype=torch.int32), 0, -bound, bound
    )
    real = (found.codes * found.scale).T.reshape(weight.shape)
    step = np.broadcast_to(found.scale, 6).reshape(6, 1, 1, 1)
    differs = np.abs(real - expected.numpy()) > 1e-2 * step
    # torch multiplies by another rounding of 1 / scale, which shows where a code is near a tie.
    assert (np.abs(np.abs(weight / step) % 1.0 - 0.5)[differs] < 1e-2).all()
    assert differs.sum() <= (2 if bits == 16 else 0)
    assert found.scale.shape == ((6,) if per == "channel" else (1,))
