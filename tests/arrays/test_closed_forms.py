"""Mean and variance of results against closed forms; each test fails on an error of 2 %.

The ADC's codes are so fine that the noise comes through as it is. One vector or one column is
repeated so often that 4.5 standard errors of a variance are below 2 %.
"""

import numpy as np
import pytest
from scipy import stats

from cimsim.arrays.reference import ArrayReads, array_reads, recombine
from cimsim.arrays.settings import ArraySettings
from cimsim.devices.program import program

SAMPLES = 1_000_000
G = np.array([0.5, 1.5, 2.5, 3.5])
# 4-bit inputs and shifted weights in digits of 2 bits, none of them 0, so that no noise takes a
# column sum below 0, where the ADC would cut it off.
X = np.array([0b1110, 0b0101, 0b1111, 0b1001, 0b0111, 0b1010])
SHIFTED = np.array([0b1101, 0b0110, 0b1111, 0b0101, 0b1011, 0b1110])
IDEAL = int(X @ SHIFTED)
X_DIGITS = [X & 3, X >> 2]
STATES = [SHIFTED & 3, SHIFTED >> 2]


def settings(**changes):
    values = {
        "weight_bits": 4,
        "input_bits": 4,
        "cell_bits": 2,
        "dac_bits": 2,
        "parallel_rows": 4,  # groups of 4 and 2 rows
        "adc_top": 1 << 40,
        "adc_step": 2.0**-12,
        "states_mean": G,
        "states_std": np.zeros(4),
    }
    return ArraySettings(**(values | changes))


def repeated_vectors(array_settings):
    """Read one column for the same vector many times."""
    return array_reads(np.tile(X, (SAMPLES, 1)), SHIFTED[:, np.newaxis] - 8, array_settings, seed=1)


def repeated_columns(array_settings):
    """Read many columns of the same weights for one vector."""
    weights = np.tile(SHIFTED[:, np.newaxis] - 8, (1, SAMPLES))
    return array_reads(X[np.newaxis], weights, array_settings, seed=1)


def column_results(reads: ArrayReads, array_settings):
    """Return the results before the dummy column is subtracted."""
    return recombine(reads.codes, array_settings)[:, :-1].ravel()


def check(sample, mean, variance):
    """Compare moments at 4.5 standard errors, which have to be below 2 %."""
    error = np.sqrt(sample.var() / sample.size)
    spread = np.sqrt((((sample - sample.mean()) ** 2).var()) / sample.size)
    assert 4.5 * spread < 0.02 * variance
    assert 4.5 * error < 0.02 * mean
    assert sample.mean() == pytest.approx(mean, abs=4.5 * error)
    assert sample.var() == pytest.approx(variance, abs=4.5 * spread)


def test_read_noise():
    # Fresh in each of the 2 x 2 reads, on the column's cells and on the reference column's.
    rho = 0.1
    noisy = settings(read_noise=rho)
    variance = sum(
        16.0 ** (i + j) * rho**2 * (X_DIGITS[i] ** 2 @ (G[STATES[j]] ** 2 + G[0] ** 2))
        for i in range(2)
        for j in range(2)
    )
    check(column_results(repeated_vectors(noisy), noisy), IDEAL, variance)


def test_read_noise_of_the_reference_column_cancels_against_the_dummy_column():
    # One slice, so that the dummy column (state 2 in each row) has no sum near 0 either.
    rho = 0.05
    noisy = settings(weight_bits=2, read_noise=rho)
    weights = STATES[0][:, np.newaxis] - 2
    found = array_reads(np.tile(X, (SAMPLES, 1)), weights, noisy, seed=1).product.ravel()
    variance = sum(
        16.0**i * rho**2 * (X_DIGITS[i] ** 2 @ (G[STATES[0]] ** 2 + G[2] ** 2)) for i in range(2)
    )
    dummy = 2 * X.sum()
    check(found + dummy, float(X @ STATES[0]), variance)


@pytest.mark.parametrize(
    ("table", "share"), [([0.02, 0.08, 0.1, 0.12], 0.0), ([0.0] * 4, 0.04), ([0.03] * 4, 0.02)]
)
def test_device_variation(table, share):
    # One draw per cell, the same in both input cycles, so that a cell's weight is X itself.
    varied = settings(states_std=np.array(table), device_variation=share)
    std = np.array(table) + share * G
    variance = sum(16.0**j * (X**2 @ std[STATES[j]] ** 2) for j in range(2))
    reference = program(SHIFTED[:, np.newaxis], varied, "", 1).reference
    mean = sum(4.0**j * (X @ (G[STATES[j]] - reference)) for j in range(2))
    check(column_results(repeated_columns(varied), varied), mean, variance)


@pytest.mark.parametrize("unit", ["state", "step", "on_state"])
@pytest.mark.parametrize("distribution", ["normal", "lognormal"])
def test_variation_of_single_cells(unit, distribution):
    """Mean, variance and skewness of 10**6 cells in each state."""
    share = 0.1 if unit == "state" else 0.05
    varied = settings(
        device_variation=share, variation_unit=unit, variation_distribution=distribution
    )
    codes = np.full((1000, 1000), 0b1110)  # states 2 and 3
    cells = program(codes, varied, "", 1).conductance
    for state, found in zip((2, 3), cells, strict=True):
        mean = G[state]
        std = share * {"state": mean, "step": 1.0, "on_state": G[-1]}[unit]
        assert found.size == 10**6
        assert found.mean() == pytest.approx(mean, abs=4.5e-3 * std)
        assert found.std() == pytest.approx(std, rel=4.5 / np.sqrt(2e6) * 1.1)
        # A lognormal number with the relative deviation r has the skewness 3 r + r**3.
        relative = std / mean
        skewness = 3 * relative + relative**3 if distribution == "lognormal" else 0.0
        assert stats.skew(found, axis=None) == pytest.approx(skewness, abs=0.02)
        assert np.median(found) == pytest.approx(
            mean / np.sqrt(1 + relative**2) if distribution == "lognormal" else mean,
            abs=1.26 * 4.5e-3 * std,
        )


def test_wide_lognormal_cells_stay_above_zero():
    varied = settings(device_variation=1.0, variation_distribution="lognormal")
    found = program(np.full((1000, 1000), 0b0101), varied, "", 1).conductance
    assert found.min() > 0.0
    assert found.mean() == pytest.approx(G[1], rel=0.01)
    assert found.std() == pytest.approx(G[1], rel=0.02)


def test_read_noise_shared_by_a_batch():
    rho = 0.05
    noisy = settings(read_noise=rho, read_noise_scope="batch")
    variance = sum(
        16.0 ** (i + j) * rho**2 * (X_DIGITS[i] ** 2 @ G[STATES[j]] ** 2)
        for i in range(2)
        for j in range(2)
    )
    sample = column_results(repeated_columns(noisy), noisy)
    reference_std = np.sqrt(
        sum(
            16.0 ** (i + j) * rho**2 * (X_DIGITS[i] ** 2).sum() * 0.25
            for i in (0, 1)
            for j in (0, 1)
        )
    )
    assert sample.mean() == pytest.approx(IDEAL, abs=4.5 * reference_std)
    check(sample, sample.mean(), variance)
    two = array_reads(np.stack([X, X]), SHIFTED[:, np.newaxis] - 8, noisy, seed=1).product
    assert two[0] == two[1]


@pytest.mark.parametrize(("rate_0", "rate_1"), [(0.2, 0.0), (0.0, 0.4), (0.1, 0.3)])
def test_stuck_cells(rate_0, rate_1):
    faulty = settings(stuck_at_0=rate_0, stuck_at_1=rate_1)
    healthy = 1.0 - rate_0 - rate_1
    mean, variance = 0.0, 0.0
    for j in range(2):
        cell_mean = healthy * STATES[j] + rate_1 * 3
        cell_variance = healthy * STATES[j] ** 2 + rate_1 * 9 - cell_mean**2
        mean += 4.0**j * (X @ cell_mean)
        variance += 16.0**j * (X**2 @ cell_variance)
    check(column_results(repeated_columns(faulty), faulty), mean, variance)


def test_output_noise():
    noisy = settings(output_sigma=0.5)
    variance = 2 * 0.5**2 * sum(16.0 ** (i + j) for i in range(2) for j in range(2))
    check(column_results(repeated_vectors(noisy), noisy), IDEAL, variance)


def test_output_noise_on_a_sum_of_zero_is_cut_off():
    # max(0, sigma z) has the mean sigma / sqrt(2 pi) and the variance sigma**2 (1/2 - 1/(2 pi)).
    noisy = settings(output_sigma=0.5)
    silent = np.zeros((SAMPLES, 6), dtype=int)
    reads = array_reads(silent, SHIFTED[:, np.newaxis] - 8, noisy, seed=1)
    powers = [4.0 ** (i + j) for i in range(2) for j in range(2)]
    mean = 2 * 0.5 * stats.norm.pdf(0) * sum(powers)
    variance = 2 * 0.25 * (0.5 - 0.5 / np.pi) * sum(power**2 for power in powers)
    check(column_results(reads, noisy), mean, variance)


def test_output_noise_from_a_table():
    sums = np.arange(4 * 9 + 1)
    noisy = settings(output_mean=1.0 + 1.1 * sums, output_std=0.1 + 0.02 * sums)
    mean, variance = 0.0, 0.0
    for i in range(2):
        for j in range(2):
            for rows in (slice(0, 4), slice(4, 6)):
                k = X_DIGITS[i][rows] @ STATES[j][rows]
                mean += 4.0 ** (i + j) * (1.0 + 1.1 * k)
                variance += 16.0 ** (i + j) * (0.1 + 0.02 * k) ** 2
    check(column_results(repeated_vectors(noisy), noisy), mean, variance)


@pytest.mark.parametrize("target", [0.0, 1.0])
def test_drift(target):
    drifting = settings(drift_time=100.0, drift_exponent=0.02, drift_target=target)
    sign = 1.0 if target else -1.0
    moved = np.clip(G * 100.0 ** (0.02 * sign), G[0], G[-1])
    if not target:
        moved[0] = G[0]
    expected = sum(4.0**j * (X @ (moved[STATES[j]] - moved[0])) for j in range(2))
    reads = array_reads(X[np.newaxis], SHIFTED[:, np.newaxis] - 8, drifting)
    assert column_results(reads, drifting)[0] == pytest.approx(expected, abs=50 * 2.0**-12)
