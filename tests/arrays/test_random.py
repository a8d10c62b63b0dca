"""Philox against the published known answers; the numbers against their distributions."""

import hashlib
import itertools

import numpy as np
import pytest
from scipy import stats

from cimsim.arrays import random
from cimsim.arrays.random import Role

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


# The same with 7 rounds.
KNOWN_ANSWERS_OF_READ_NOISE = [
    (*KNOWN_ANSWERS[0][:2], (0x5F6FB709, 0x0D893F64, 0x4F121F81, 0x4F730A48)),
    (*KNOWN_ANSWERS[1][:2], (0x5207DDC2, 0x45165E59, 0x4D8EE751, 0x8C52F662)),
    (*KNOWN_ANSWERS[2][:2], (0x4DFCCABA, 0x190A87F0, 0xC47362BA, 0xB6B5242A)),
]


@pytest.mark.parametrize(("counter", "key", "expected"), KNOWN_ANSWERS_OF_READ_NOISE)
def test_philox_of_read_noise_gives_the_published_words(counter, key, expected):
    words = random.philox(key, *counter, random.READ_NOISE_ROUNDS)
    assert tuple(int(word) for word in words) == expected


@pytest.mark.parametrize(("counter", "key", "expected"), KNOWN_ANSWERS)
def test_philox_gives_the_published_words(counter, key, expected):
    assert tuple(int(word) for word in random.philox(key, *counter)) == expected


def test_columns_are_the_words_of_consecutive_blocks():
    key = (5, 6)
    drawn = random.words(key, np.array([10, 11]), 3, 4, columns=7)
    assert drawn.shape == (2, 7)
    for row, c1 in enumerate((10, 11)):
        for column in range(7):
            block = random.philox(key, column // 4, c1, 3, 4)
            assert drawn[row, column] == block[column % 4]


def test_layer_number_is_the_start_of_the_sha256_of_its_name():
    digest = hashlib.sha256(b"features.3").digest()
    expected = digest[0] + 256 * digest[1] + 65536 * digest[2] + 16777216 * digest[3]
    assert random.layer_number("features.3") == expected


@pytest.mark.parametrize("seed", [-1, 2**32])
def test_a_seed_is_32_bits(seed):
    with pytest.raises(ValueError, match="seed"):
        random.make_key(seed, "a")


def test_uniform_and_normal_have_their_distributions():
    drawn = random.cell_words((1, 2), Role.VARIATION, 400, 250, 0)
    assert stats.kstest(random.uniform(drawn).ravel(), "uniform").pvalue > 1e-3
    normal = random.normal(drawn).ravel()
    assert stats.kstest(normal, "norm").pvalue > 1e-3
    assert abs(normal.mean()) < 4.5 / np.sqrt(normal.size)
    assert abs(normal.var() - 1) < 4.5 * np.sqrt(2 / normal.size)


def test_the_numbers_of_read_noise_have_the_distribution_s_moments():
    """Over all shares, so that no tolerance is one of chance."""
    means = random.share_means()
    assert len(means) == random.SHARES
    assert np.array_equal(np.sort(means), means)
    assert abs(means.mean()) < 1e-15
    edges = stats.norm.ppf(np.arange(random.SHARES + 1) / random.SHARES)
    assert np.all((edges[:-1] < means) & (means < edges[1:]))
    # The outermost shares are divided once more: E[z**2; z < t] = Phi(t) - t phi(t).
    t = edges[1]
    tails = 2 * (stats.norm.cdf(t) - t * stats.norm.pdf(t))
    variance = np.mean(means[1:-1] ** 2) * (random.SHARES - 2) / random.SHARES + tails
    assert variance == pytest.approx(1.0, abs=1e-6)


def test_read_noise_has_its_distribution():
    numbers = random.read_normal((1, 2), np.arange(1 << 33, (1 << 33) + 4000), 5, 1, 250).ravel()
    assert stats.kstest(numbers, "norm").pvalue > 1e-3
    assert abs(numbers.mean()) < 4.5 / np.sqrt(numbers.size)
    assert abs(numbers.var() - 1) < 4.5 * np.sqrt(2 / numbers.size)
    assert np.abs(numbers).max() > 4.4  # 10**6 numbers reach into the divided shares


def test_extreme_words_give_finite_numbers():
    words = np.array([0, 2**32 - 1], dtype=np.uint64)
    assert 0.0 < random.uniform(words)[0] < random.uniform(words)[1] < 1.0
    np.testing.assert_allclose(random.normal(words), [-6.3, 6.3], atol=0.1)


def _words_of_reads(key, vectors):
    """Words of four columns of the draws of read noise: two blocks of four cycles for each role."""
    roles = (Role.READ_NOISE, Role.READ_NOISE_LOW, Role.READ_NOISE_TAIL, Role.READ_NOISE_TAIL_LOW)
    for role, block, word in itertools.product(roles, (0, 1), range(4)):
        found = random.read_bytes(key, role, vectors, block, word, 4)
        yield found @ np.array([1 << 0, 1 << 8, 1 << 16, 1 << 24], dtype=np.uint64)


def test_no_two_kinds_of_draw_share_a_word():
    key = (3, 4)
    vectors = np.array([0, 1, 1 << 32, random.DUMMY_VECTOR])
    drawn = [
        random.cell_words(key, Role.STUCK_AT, 4, 4, 0),
        random.cell_words(key, Role.VARIATION, 4, 4, 0),
        random.cell_words(key, Role.VARIATION, 4, 4, random.REFERENCE_SLICE),
        random.read_words(key, Role.OUTPUT_NOISE, vectors, 0, 4),
        random.read_words(key, Role.OUTPUT_NOISE, vectors, 1, 4),
        *_words_of_reads(key, vectors),
        random.call_words(key, Role.BATCH_READ_NOISE, 4, 4, 0, 0),
        random.call_words(key, Role.BATCH_READ_NOISE, 4, 4, 1, 0),
        random.call_words(key, Role.BATCH_READ_NOISE, 4, 4, 0, 1),
        random.call_words(key, Role.BATCH_READ_NOISE, 4, 4, 0, 1 << 24),
    ]
    together = np.concatenate([d.ravel() for d in drawn])
    assert np.unique(together).size == together.size


def test_neighbouring_draws_are_uncorrelated():
    normal = random.normal(random.cell_words((9, 9), Role.READ_NOISE, 300, 300, 0))
    limit = 4.5 / np.sqrt(normal.size)
    assert abs((normal[1:] * normal[:-1]).mean()) < limit
    assert abs((normal[:, 1:] * normal[:, :-1]).mean()) < limit
    other = random.normal(random.cell_words((10, 9), Role.READ_NOISE, 300, 300, 0))
    assert abs((normal * other).mean()) < limit
