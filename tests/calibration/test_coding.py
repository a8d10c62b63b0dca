"""Codes of inputs and weights against PyTorch's own quantiser and the reference's."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from cimsim.calibration.coding import InputCoding
from cimsim.calibration.matrix_layer import quantize_weights
from cimsim.calibration.quantizer import fake_quantize, integer_codes

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


@pytest.mark.parametrize("per", ["channel", "tensor"])
def test_weight_codes_equal_torchs(per):
    weight = np.random.default_rng(3).normal(size=(6, 4, 3, 3)).astype(np.float32)
    weight[2] = 0.0
    found = quantize_weights(weight, 5, per, "nearest")
    assert found.codes.shape == (36, 6)
    assert found.codes.dtype == np.int8
    assert np.abs(found.codes).max() == 15
    assert not found.codes[:, 2].any()
    scale = torch.from_numpy(np.broadcast_to(found.scale, 6).astype(np.float32).copy())
    expected = torch.fake_quantize_per_channel_affine(
        torch.from_numpy(weight), scale, torch.zeros(6, dtype=torch.int32), 0, -15, 15
    )
    real = (found.codes * found.scale).T.reshape(weight.shape)
    np.testing.assert_allclose(real, expected.numpy(), rtol=1e-6, atol=1e-7)
    assert found.scale.shape == ((6,) if per == "channel" else (1,))
