"""The array product on a GPU against the oracle; without a GPU, under Triton's interpreter."""

import os
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from scipy.special import ndtri

from cimsim.arrays import gpu, random
from cimsim.arrays.product import ProgrammedLayer
from cimsim.arrays.random import Role
from cimsim.arrays.reference import array_product, array_reads
from cimsim.errors import UserError

from .helpers import FINER, make_settings, operands

# Kernels run on the CPU where there is no GPU. Triton looks at it when it is loaded.
if not torch.cuda.is_available():
    os.environ["TRITON_INTERPRET"] = "1"

try:
    import triton
    import triton.language as tl

    from cimsim.arrays import gpu_kernel
except ImportError:
    triton = None

needs_triton = pytest.mark.skipif(
    triton is None,
    reason="Triton is not installed; `make test-gpu` installs it",
)


def on_gpu(weights, settings, layer="layer", seed=3) -> ProgrammedLayer:
    return ProgrammedLayer(weights, settings, layer, seed, device="cuda")


@st.composite
def arrays(draw):
    """Settings without noise, with a shape; ADCs that clip and ADCs that resolve everything."""
    weight_bits, input_bits = draw(st.sampled_from([2, 5, 8])), draw(st.sampled_from([2, 5, 8]))
    chosen = make_settings(
        weight_bits=weight_bits,
        input_bits=input_bits,
        cell_bits=draw(st.sampled_from([1, 2, 4]).filter(lambda bits: bits <= weight_bits)),
        dac_bits=draw(st.sampled_from([1, 2, 8]).filter(lambda bits: bits <= input_bits)),
        parallel_rows=draw(st.sampled_from([1, 5, 16, 100, 128, 200])),
        adc_top=draw(st.sampled_from([1, 7, 31, 127, 128, 4095, 65536])),
        adc_step=draw(st.sampled_from([1.0, 1.2, 1.5, 2.0, 2.5, 0.7, 16.0])),
    )
    rows = draw(st.integers(1, min(250, 3 * chosen.parallel_rows)))
    columns, vectors = draw(st.integers(1, 40)), draw(st.integers(1, 5))
    codes, weights = operands(chosen, rows, columns, vectors, draw(st.integers(0, 1000)))
    return chosen, codes * draw(st.sampled_from([1, 1, 1, 0])), weights


@needs_triton
@hypothesis_settings(max_examples=25, deadline=None)
@given(arrays(), st.integers(0, 255), st.sampled_from([0.0, 0.1]))
def test_ideal_cells_agree_exactly(case, zero_point, stuck):
    settings, codes, weights = case
    settings = replace(settings, stuck_at_0=stuck, stuck_at_1=stuck)
    expected = array_product(codes, weights, settings, "layer", 3, zero_point)
    assert np.array_equal(on_gpu(weights, settings).product(codes, zero_point), expected)


@needs_triton
@pytest.mark.parametrize("shape", [(1, 1, 1), (130, 1, 3), (1, 67, 2), (129, 65, 66)])
@pytest.mark.parametrize("step", [1.0, 1.3])
def test_shapes_that_fit_no_tile_agree_exactly(shape, step):
    settings = make_settings(adc_top=31, adc_step=step)
    codes, weights = operands(settings, *shape)
    expected = array_product(codes, weights, settings, "layer", 3, 9)
    assert np.array_equal(on_gpu(weights, settings).product(codes, 9), expected)


@needs_triton
@pytest.mark.parametrize("scheme", ["offset", "differential", "twos_complement"])
def test_totals_that_need_64_bits_and_weights_of_every_scheme_agree_exactly(scheme):
    settings = make_settings(
        parallel_rows=200, dac_bits=8, cell_bits=4, adc_top=1 << 30, signed_weights=scheme
    )
    codes, weights = operands(settings, 450, 9, 3)
    weights[weights == -128] = -127
    exact = codes.astype(np.int64) @ weights.astype(np.int64)
    assert np.array_equal(on_gpu(weights, settings).product(codes), exact)


@needs_triton
def test_shift_by_the_data_minimum_agrees_exactly():
    settings = make_settings(input_shift="data_minimum", cell_bits=2)
    codes, weights = operands(settings, 70, 9, 4)
    signed = codes.astype(np.int16) - 100
    expected = array_product(signed, weights, settings, "layer", 3)
    assert np.array_equal(on_gpu(weights, settings).product(signed), expected)


@needs_triton
@pytest.mark.parametrize(("cell_bits", "dac_bits"), [(2, 1), (2, 4), (4, 8)])
def test_uneven_states_on_the_grid_agree_exactly_with_their_ties(cell_bits, dac_bits):
    states = np.arange(1 << cell_bits) + 0.25 * (np.arange(1 << cell_bits) % 3)
    settings = make_settings(
        cell_bits=cell_bits, dac_bits=dac_bits, adc_step=1.3, adc_top=255, states_mean=states
    )
    codes, weights = operands(settings, 150, 20, 8)
    expected = array_product(codes, weights, settings, "layer", 3)
    assert np.array_equal(on_gpu(weights, settings).product(codes), expected)


RANDOM = {
    "read noise": {"read_noise": 0.1},
    "variation": {"device_variation": 0.2},
    "variation and read noise": {"device_variation": 0.2, "read_noise": 0.1},
    "negative conductance": {"device_variation": 0.8, "negative_conductance": "keep"},
    "drift": {"drift_time": 20.0, "drift_exponent": 0.1, "drift_direction": "random"},
    "output noise": {"output_sigma": 0.5},
    "errors of the ADC": {"adc_offset": 0.4, "adc_gain_error": 0.02},
}


@needs_triton
@pytest.mark.parametrize("name", RANDOM)
@hypothesis_settings(max_examples=8, deadline=None)
@given(data=st.data())
def test_random_codes_agree_up_to_ties(name, data):
    """One slice, one cycle and one group, so that each output is one ADC code."""
    cell_bits, dac_bits = data.draw(st.integers(1, 4)), data.draw(st.sampled_from([1, 2, 4, 8]))
    settings = make_settings(
        weight_bits=cell_bits,
        input_bits=dac_bits,
        cell_bits=cell_bits,
        dac_bits=dac_bits,
        adc_top=data.draw(st.sampled_from([31, 127, 1023])),
        adc_step=data.draw(st.sampled_from([1.0, 0.5, 1.7])),
        states_mean=0.1 * data.draw(st.integers(0, 9)) + np.arange(1 << cell_bits),
        **RANDOM[name],
    )
    rows = data.draw(st.integers(1, 128))
    seed, first = data.draw(st.integers(0, 2**32 - 1)), data.draw(st.sampled_from([0, 2**33 - 2]))
    codes, weights = operands(settings, rows, data.draw(st.integers(1, 40)), 4, seed)
    arguments = (codes, weights)
    exact = array_reads(*arguments, settings, "a", seed, 0, first).codes[0, 0, 0]
    fast = np.rint(on_gpu(weights, settings, "a", seed)._read(codes, first) / settings.adc_step)
    differs = fast != exact
    if name == "errors of the ADC":  # its offset is in codes, so no finer step shows the value
        assert not differs.any()
        return
    finer = replace(settings, adc_top=settings.adc_top * FINER, adc_step=settings.adc_step / FINER)
    value = array_reads(*arguments, finer, "a", seed, 0, first).codes[0, 0, 0] / FINER
    to_tie = np.abs(value - np.floor(value) - 0.5)
    assert np.all(to_tie[differs] < np.maximum(1e-4, 4e-7 * value[differs]))
    assert np.abs(fast - exact).max(initial=0) <= 1


@needs_triton
@pytest.mark.parametrize("name", RANDOM)
def test_nearly_all_codes_of_a_layer_are_those_of_the_oracle(name):
    """The shift-add of 64 reads x 3 groups: a wrong code anywhere shows in the product."""
    settings = make_settings(adc_step=1.3, parallel_rows=50, **RANDOM[name])
    codes, weights = operands(settings, 130, 30, 20)
    first = 2**32 - 15  # the vector number passes 32 bits
    expected = array_product(codes, weights, settings, "layer", 3, 3, first)
    found = on_gpu(weights, settings).product(codes, 3, first)
    # 64 * 3 * 20 * 31 codes: 1 in 10**5 may differ.
    assert np.mean(found != expected) < 0.02


@needs_triton
def test_output_noise_by_table():
    settings = make_settings(cell_bits=2, adc_top=63, adc_step=1.5)
    sums = np.arange(settings.largest_sum + 1)
    settings = replace(settings, output_mean=0.95 * sums + 0.2, output_std=0.1 + 0.01 * sums)
    codes, weights = operands(settings, 150, 20, 10)
    expected = array_product(codes, weights, settings, "layer", 3)
    assert np.mean(on_gpu(weights, settings).product(codes) != expected) < 0.02


@needs_triton
@pytest.mark.parametrize("name", RANDOM)
def test_a_batch_may_be_split_anywhere(name, monkeypatch):
    settings = make_settings(weight_bits=2, input_bits=2, **RANDOM[name])
    codes, weights = operands(settings, 140, 17, 33)
    layer = on_gpu(weights, settings)
    whole = layer.product(codes, 0, 7)
    parts = [layer.product(codes[a:b], 0, 7 + a) for a, b in [(0, 1), (1, 20), (20, 33)]]
    assert np.array_equal(np.vstack(parts), whole)
    monkeypatch.setattr(gpu, "VECTORS_AT_ONCE", 5)
    assert np.array_equal(layer.product(codes, 0, 7), whole)
    assert layer.product(codes[:0]).shape == (0, 17)


@pytest.mark.slow
@needs_triton
def test_read_noise_has_the_stated_mean_and_covariance():
    """Closed form: all 100 rows active, 60 cells of the column on, the dummy column all on."""
    rho, low, high, rows, on, vectors = 0.05, 2.0, 3.0, 100, 60, 20000
    settings = make_settings(
        weight_bits=1,
        input_bits=1,
        adc_top=1 << 20,
        adc_step=1.0 / 1024,
        states_mean=np.array([low, high]),
        read_noise=rho,
    )
    weights = np.zeros((rows, 1), dtype=np.int8)
    weights[on:] = -1
    sums = on_gpu(weights, settings)._read(np.ones((vectors, rows), dtype=np.uint8), 0)
    reference = rho**2 * rows * low**2
    own = rho**2 * (on * high**2 + (rows - on) * low**2), rho**2 * rows * high**2
    covariance = np.diag(own) + reference
    errors = np.sqrt(np.diag(covariance) / vectors)
    assert np.all(np.abs(sums.mean(axis=0) - (on, rows)) < 4.5 * errors)
    # The relative standard error of a variance is sqrt(2 / vectors), 1 %.
    assert np.cov(sums.T) == pytest.approx(covariance, rel=0.05)


@needs_triton
def test_normal_numbers_are_good_to_float32():
    @triton.jit
    def numbers(words, result, SIZE: tl.constexpr):
        at = tl.arange(0, SIZE)
        tl.store(result + at, gpu_kernel.normal(tl.load(words + at).to(tl.uint32)))

    size = 1 << 17
    words = np.random.default_rng(0).integers(0, 1 << 32, size)
    ends = np.concatenate([np.arange(1000), 2 ** np.arange(32), (1 << 31) + np.arange(-99, 99)])
    words[: 2 * len(ends)] = np.concatenate([ends, (1 << 32) - 1 - ends])
    device = gpu.require_gpu()
    result = torch.empty(size, dtype=torch.float32, device=device)
    words_there = torch.from_numpy(words).to(device)
    numbers[(1,)](words_there, result, SIZE=size)
    exact = ndtri(random.uniform(words.astype(np.uint64)))
    assert np.abs(result.cpu().numpy() - exact).max() < 4e-6


@needs_triton
def test_the_roles_of_draws_are_those_of_the_simulator():
    named = ("READ", "REFERENCE", "OUTPUT", "LOW", "TAIL", "TAIL_LOW")
    named = [getattr(gpu_kernel, f"{name}_ROLE") for name in named]
    roles = (
        Role.READ_NOISE,
        Role.REFERENCE_READ_NOISE,
        Role.OUTPUT_NOISE,
        Role.READ_NOISE_LOW,
        Role.READ_NOISE_TAIL,
        Role.READ_NOISE_TAIL_LOW,
    )
    assert [role.value for role in named] == list(roles)
    assert gpu_kernel.READ_NOISE_ROUNDS.value == random.READ_NOISE_ROUNDS


@needs_triton
def test_what_the_cpu_leaves_to_the_oracle_is_left_to_it():
    settings = make_settings(read_noise=0.1, read_noise_scope="batch", weight_bits=4)
    codes, weights = operands(settings, 30, 5, 4)
    expected = array_product(codes, weights, settings, "layer", 3)
    assert np.array_equal(on_gpu(weights, settings).product(codes), expected)


@needs_triton
def test_more_codes_than_float32_holds_are_refused():
    settings = make_settings(read_noise=0.1, adc_top=1 << 23)
    with pytest.raises(ValueError, match="adc_top"):
        on_gpu(np.zeros((4, 2), dtype=np.int8), settings)


def test_without_triton_there_is_one_clear_message(monkeypatch):
    monkeypatch.setitem(sys.modules, "triton", None)
    with pytest.raises(UserError, match=r"device cuda needs Triton.*cimsim\[gpu\]"):
        on_gpu(np.zeros((4, 2), dtype=np.int8), make_settings())


@needs_triton
def test_without_a_gpu_there_is_one_clear_message(monkeypatch):
    monkeypatch.delenv("TRITON_INTERPRET", raising=False)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(UserError, match="finds no CUDA device"):
        on_gpu(np.zeros((4, 2), dtype=np.int8), make_settings())


COMPILE = """
from triton import compile
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource
from cimsim.arrays import gpu_kernel

kernel = gpu_kernel.array_product
pointers = "u8 i8 i8 i32 i32 fp32 fp32 fp32 fp64 i64 i64".split()
types = ["*" + name for name in pointers] + ["i32"] * 6 + ["fp32"] * 5
constants = dict.fromkeys(kernel.arg_names[len(types):], 1)
constants |= dict(READS=2, SLICES=2, BM=16, BN=16, BK=32, CELL_LIMBS=2, SQUARE_LIMBS=2)
names = dict(zip(kernel.arg_names, types + ["constexpr"] * len(constants), strict=True))
for mode in range(4):
    for flag in (False, True):
        held = constants | dict(MODE=mode, UNIT_STEP=flag, FROM_SUM=flag, WIDE=flag)
        places = {(kernel.arg_names.index(name),): value for name, value in held.items()}
        source = ASTSource(kernel, names, places)
        options = {"enable_fp_fusion": False}
        code = compile(source, target=GPUTarget("cuda", 80, 32), options=options).asm
        assert "mma.sync" in code["ptx"] and "s32.s8.s8.s32" in code["ptx"]
        assert len(code["cubin"]) > 0
"""


@pytest.mark.slow
@needs_triton
def test_the_kernel_compiles_for_a_gpu_to_products_of_bytes(tmp_path):
    """Without a GPU too: the interpreter takes more than the compiler does. (sm_80: A100.)"""
    environment = {name: value for name, value in os.environ.items() if name != "TRITON_INTERPRET"}
    environment["TRITON_CACHE_DIR"] = str(tmp_path)
    command = [sys.executable, "-c", COMPILE]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr
