"""Every recorded run of the reference, and what the comparison says about wrong results."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from cimsim.arrays import verify
from cimsim.arrays.vectors import load_arrays, load_vector, unfold

VECTORS = Path(__file__).parents[1] / "reference" / "functional"
DETERMINISTIC = sorted(path.stem for path in VECTORS.glob("D*.npz"))
RANDOM = sorted(path.stem for path in VECTORS.glob("R*.npz"))
QUICK = {"R04_read03_b4", "R10_d2d_b2", "R20_stuck0_05", "R28_wp4_ip4_dac2_read10"}


@pytest.mark.parametrize("name", DETERMINISTIC)
def test_deterministic_run_agrees_bit_for_bit(name):
    good, finding = verify.check_deterministic(VECTORS / f"{name}.npz")
    assert good, finding


@pytest.mark.parametrize(
    "name", [n if n in QUICK else pytest.param(n, marks=pytest.mark.slow) for n in RANDOM]
)
def test_random_run_agrees_in_distribution(name):
    good, finding = verify.check_random(VECTORS / f"{name}.npz")
    assert good, finding


@pytest.mark.parametrize("name", ["R10_d2d_b2", "R28_wp4_ip4_dac2_read10"])
def test_errors_are_correlated_as_recorded(name):
    # Shared cells, and the shared dummy column and dummy vector, correlate the errors of outputs.
    vector = load_vector(VECTORS / f"{name}.npz")
    draws = verify.ensemble(vector, 400)
    pooled = vector.config["pooled"]
    for axis, key in ((1, "mean_corr_between_input_vectors"), (2, "mean_corr_between_columns")):
        lines = np.moveaxis(draws, axis, -1).reshape(len(draws), -1, draws.shape[axis])
        matrices = [np.corrcoef(lines[:, line], rowvar=False) for line in range(lines.shape[1])]
        pairs = ~np.eye(draws.shape[axis], dtype=bool)
        mean = float(np.mean([matrix[pairs] for matrix in matrices]))
        assert mean == pytest.approx(pooled[key], abs=0.06)


def test_quantiser_agrees():
    good, finding = verify.check_quantizer(VECTORS / "quant_vectors.npz")
    assert good, finding


@pytest.fixture
def folder(tmp_path):
    for name in ("D10_wp4_ip4_b2_dac2", "R28_wp4_ip4_dac2_read10", "quant_vectors"):
        shutil.copy(VECTORS / f"{name}.npz", tmp_path)
    return tmp_path


def run(folder, draws=None):
    lines = []
    return verify.verify_folder(folder, lines.append, draws), lines


def change(path, key, function):
    arrays = load_arrays(path)
    arrays[key] = function(arrays[key])
    np.savez(path, **arrays)


def test_a_folder_that_agrees(folder):
    good, lines = run(folder)
    assert good
    assert [line[:4] for line in lines] == ["ok  ", "ok  ", "ok  ", "3 of"]


@pytest.mark.parametrize("key", ["expected", "adc_out", "ideal"])
def test_one_unit_in_one_value_is_found(folder, key):
    def one_off(array):
        array.flat[-1] += 1
        return array

    change(folder / "D10_wp4_ip4_b2_dac2.npz", key, one_off)
    good, lines = run(folder, draws=2)
    assert not good
    assert lines[0].startswith("FAIL D10")


def test_a_unit_in_a_quantised_code_is_found(folder):
    change(folder / "quant_vectors.npz", "b6_max_int_x_reference", lambda codes: codes + 1)
    assert "deviation: 1 " in run(folder, draws=2)[1][2]


@pytest.mark.parametrize("key", ["expected", "config", "mem_mean", "adc_out"])
def test_a_missing_array_is_a_failure(folder, key):
    path = folder / "D10_wp4_ip4_b2_dac2.npz"
    arrays = load_arrays(path)
    del arrays[key]
    np.savez(path, **arrays)
    good, lines = run(folder, draws=2)
    assert not good
    assert lines[0].startswith("FAIL D10")
    assert key in lines[0]


@pytest.mark.parametrize("content", [b"", b"no zip file", None])
def test_a_damaged_file_is_a_failure(folder, content):
    path = folder / "R28_wp4_ip4_dac2_read10.npz"
    path.write_bytes(path.read_bytes()[:-2000] if content is None else content)
    good, lines = run(folder, draws=2)
    assert not good
    assert lines[1].startswith("FAIL R28")
    assert len(lines) == 4


def test_a_wrong_shape_is_a_failure(folder):
    change(folder / "D10_wp4_ip4_b2_dac2.npz", "expected", lambda array: array[:, :-1])
    assert "shape" in run(folder, draws=2)[1][0]


def test_a_value_that_is_no_number_is_a_failure(folder):
    change(folder / "D10_wp4_ip4_b2_dac2.npz", "expected", lambda array: array * np.nan)
    assert not run(folder, draws=2)[0]


def test_a_folder_needs_not_have_every_kind(folder):
    for path in folder.glob("[Rq]*.npz"):
        path.unlink()
    assert run(folder)[0]


def test_a_folder_without_vectors_is_a_failure(tmp_path):
    assert run(tmp_path) == (False, [f"FAIL {tmp_path}: no vector files"])
    assert not run(tmp_path / "none")[0]


@pytest.mark.parametrize(
    "index", ['[{"name": "D10_wp4_ip4_b2_dac2"}, {"name": "D99"}]', "[{", "{}"]
)
def test_files_that_the_index_lists_have_to_be_there(folder, index):
    (folder / "R28_wp4_ip4_dac2_read10.npz").unlink()
    (folder / "index.json").write_text('[{"name": "D10_wp4_ip4_b2_dac2"}]')
    assert run(folder)[0]
    (folder / "index.json").write_text(index)
    good, lines = run(folder)
    assert good == (index == "{}")
    assert good or lines[2].startswith("FAIL")


def test_a_noise_that_is_wrong_by_a_tenth_is_found():
    vector = load_vector(VECTORS / "R28_wp4_ip4_dac2_read10.npz")
    settings = replace(vector.settings, read_noise=1.1 * vector.settings.read_noise)
    own = verify.moments(verify.ensemble(replace(vector, settings=settings), 400))
    assert not verify.compare_moments(own, verify.recorded_moments(vector), 0.3)[0]


def test_a_mean_that_is_wrong_is_found():
    vector = load_vector(VECTORS / "R28_wp4_ip4_dac2_read10.npz")
    draws = verify.ensemble(vector, 400)
    draws[:, 2, 3] += 0.5 * draws[:, 2, 3].std()
    own = verify.moments(draws)
    assert not verify.compare_moments(own, verify.recorded_moments(vector), 0.3)[0]


@pytest.mark.parametrize(
    ("kernel", "stride", "padding", "dilation"),
    [(3, 1, 1, 1), (3, 2, 0, 1), (2, 1, 2, 2), (1, 1, 0, 1)],
)
def test_unfold_is_the_convolution(kernel, stride, padding, dilation):
    generator = np.random.default_rng(kernel + stride)
    images = generator.integers(-9, 10, (2, 3, 6, 7))
    weights = generator.integers(-9, 10, (4, 3, kernel, kernel))
    vectors, (height, width) = unfold(images, (kernel, kernel), stride, padding, dilation)
    product = vectors @ weights.reshape(4, -1).T
    padded = np.pad(images, ((0, 0), (0, 0), (padding, padding), (padding, padding)))
    for image in range(2):
        for y in range(height):
            for x in range(width):
                for channel in range(4):
                    expected = sum(
                        int(padded[image, c, y * stride + i * dilation, x * stride + j * dilation])
                        * int(weights[channel, c, i, j])
                        for c in range(3)
                        for i in range(kernel)
                        for j in range(kernel)
                    )
                    assert product[(image * height + y) * width + x, channel] == expected
    extent = dilation * (kernel - 1) + 1
    assert (height, width) == (
        (6 + 2 * padding - extent) // stride + 1,
        (7 + 2 * padding - extent) // stride + 1,
    )
