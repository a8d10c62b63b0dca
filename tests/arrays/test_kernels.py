"""Random numbers of the native kernels, on every instruction set of this machine."""

import numpy as np
import pytest
from scipy.special import ndtri

from cimsim import _native
from cimsim.arrays import random

# Known-answer vectors of Random123 (Salmon et al.), philox4x32, 10 rounds: counter, key, result.
KNOWN_ANSWERS = [
    (
        (0x00000000, 0x00000000, 0x00000000, 0x00000000),
        (0x00000000, 0x00000000),
        (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8),
    ),
    (
        (0xFFFFFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0xFFFFFFFF),
        (0xFFFFFFFF, 0xFFFFFFFF),
        (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD),
    ),
    (
        (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
        (0xA4093822, 0x299F31D0),
        (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
    ),
]

ISAS = _native.isa_names()


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize(("counter", "key", "expected"), KNOWN_ANSWERS)
def test_philox_gives_the_published_words(isa, counter, key, expected):
    words = _native.philox_words(np.array([counter], dtype=np.uint32), *key, isa)
    assert tuple(words[0].tolist()) == expected


@pytest.mark.parametrize("isa", ISAS)
def test_philox_agrees_with_numpy(isa):
    counters = np.random.default_rng(1).integers(0, 1 << 32, (1000, 4), dtype=np.uint64)
    expected = np.stack(random.philox((7, 0xDEADBEEF), *counters.T), axis=1)
    words = _native.philox_words(counters.astype(np.uint32), 7, 0xDEADBEEF, isa)
    assert np.array_equal(words, expected)


def grid_of_words() -> np.ndarray:
    """Every octave of both tails densely, the ends, the middle, and a sweep of all words."""
    octaves = [np.linspace(2**e, 2 ** (e + 1) - 1, 400).astype(np.uint64) for e in range(31)]
    low = np.concatenate([np.arange(64, dtype=np.uint64), *octaves])
    middle = np.arange((1 << 31) - 2000, (1 << 31) + 2000, dtype=np.uint64)
    sweep = np.arange(0, 1 << 32, 9973, dtype=np.uint64)
    words = np.concatenate([low, (1 << 32) - 1 - low, middle, sweep])
    return words.astype(np.uint32)


@pytest.mark.parametrize("isa", ISAS)
def test_normal_is_the_inverse_of_the_distribution(isa):
    words = grid_of_words()
    exact = ndtri((words.astype(np.float64) + 0.5) / 2**32)
    assert exact.max() > 6.3  # the grid reaches the ends of a 32-bit draw
    assert exact.min() < -6.3
    assert np.abs(_native.normals_of_words(words, isa) - exact).max() < 1e-6


def test_normal_is_the_same_on_every_instruction_set():
    words = grid_of_words()
    expected = _native.normals_of_words(words, "portable")
    for isa in ISAS:
        assert np.array_equal(_native.normals_of_words(words, isa), expected)


def test_normal_is_antisymmetric_and_does_not_fall():
    words = np.sort(grid_of_words())
    numbers = _native.normals_of_words(words)
    assert np.array_equal(_native.normals_of_words(~words), -numbers)
    # Two polynomials meet at the edge of an octave with the error of each.
    assert np.diff(numbers).min() > -1e-6


def test_normal_of_all_words_has_the_moments_of_the_distribution():
    # One word from the middle of each of 2**20 equal shares of the uniform distribution: sums over
    # them are integrals, so that the tolerance is not one of chance.
    words = (np.arange(1 << 20, dtype=np.uint64) * 4096 + 2048).astype(np.uint32)
    numbers = _native.normals_of_words(words).astype(np.float64)
    assert abs(numbers.mean()) < 1e-6
    assert numbers.var() == pytest.approx(1.0, abs=1e-5)
    assert np.mean(numbers**4) == pytest.approx(3.0, abs=1e-3)


def test_an_unknown_instruction_set_is_refused():
    with pytest.raises(ValueError, match="allowed on this machine: auto, portable"):
        _native.normals_of_words(np.zeros(1, dtype=np.uint32), "mmx")


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("cycles", [8, 7, 1])
def test_read_noise_is_that_of_the_oracle(isa, cycles):
    """Every share of the distribution, the divided outermost ones as well."""
    key, slices, group, j, first = (7, 0xDEADBEEF), 5, 3, 2, 2**32 - 500
    vectors = first + np.arange(1000 if cycles < 8 else 4000)
    found = [
        _native.read_noise_draws(*key, int(vector), group, j, slices, cycles, 36, isa)
        for vector in vectors
    ]
    draws = np.stack([a for a, _ in found])[:, :cycles]
    numbers = np.stack([b for _, b in found])[:, :cycles] / _native.draw_scale
    for i in range(cycles):
        block = (group * ((cycles + 3) // 4) + i // 4) * slices + j
        place = (vectors, block, i % 4, 36 + 32)
        expected = random.read_draws(key, *place)[:, 36:]
        assert np.array_equal(draws[:, i], expected)
        # 0.45e-3: the cubics and their rounding (make_draw_table.py); 1e-4 on the average.
        error = np.abs(numbers[:, i] - random.read_normal(key, *place)[:, 36:])
        assert error.max() < 4.6e-4
        assert error.mean() < 1e-4
    if cycles == 8:
        assert len(np.unique(draws)) > 65500
        assert ((draws == 0) | (draws == 65535)).sum() > 5


def test_read_noise_is_the_same_on_every_instruction_set():
    for isa in ISAS:
        for vector in range(500):
            expected = _native.read_noise_draws(1, 2, vector, 0, 1, 2, 8, 0, "portable")
            found = _native.read_noise_draws(1, 2, vector, 0, 1, 2, 8, 0, isa)
            assert np.array_equal(found[0], expected[0])
            assert np.array_equal(found[1], expected[1])
