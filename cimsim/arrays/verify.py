"""Comparison of the array product and the quantiser with a folder of reference vectors.

Deterministic runs (D*.npz) have to agree bit for bit in every output and every ADC code, and the
native product bit for bit with the simplest one; random runs (R*.npz) in the mean and the standard
deviation of every output over an ensemble of seeds; quant_vectors.npz in every range, value and
code.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from cimsim.arrays.product import ProgrammedLayer
from cimsim.arrays.reference import array_product, array_reads, recombine
from cimsim.arrays.signed import join
from cimsim.arrays.vectors import Vector, load_arrays, load_vector
from cimsim.calibration.observers import HistogramObserver, MaxObserver
from cimsim.calibration.quantizer import fake_quantize, integer_codes

DRAWS, DRAWS_OF_MANY_OUTPUTS = 400, 1000
"""Seeds of an ensemble. The more outputs, the further the most extreme one is off by chance."""

MANY_OUTPUTS = 100
"""Outputs above which an ensemble has more seeds."""

ROWS_OF_EXACT_FLOAT32 = 4096
"""Up to here sums of 8-bit products fit in float32; beyond, the reference's sums are rounded."""

ROUNDING_TOLERANCE = 16.0
"""Allowed deviation beyond that (the recorded vectors' own limit)."""

MEAN_LIMIT = 4.5
"""Allowed difference of two means, in standard errors."""

RMS_LIMIT = 0.08
"""Allowed relative difference of the standard deviation, root mean square over the outputs."""

STD_LIMIT, STUCK_STD_LIMIT = 0.30, 0.40
"""Allowed relative difference of one output's standard deviation; rare faults scatter more."""

Verdict = tuple[bool, str]
"""Whether a comparison passed, and what it found."""


def verify_folder(folder: Path, report: Callable[[str], None], draws: int | None = None) -> bool:
    """Compare with every vector in `folder`, report one line each, and say if all agree.

    A damaged or incomplete file, and one that `index.json` (optional) lists but that is not there,
    is a failure and never ends the comparison. A folder without any vector is a failure too.
    """
    kinds: tuple[tuple[str, Callable[[Path], Verdict]], ...] = (
        ("D*.npz", check_deterministic),
        ("R*.npz", lambda path: check_random(path, draws)),
        ("quant_vectors.npz", check_quantizer),
    )
    agreed, total = 0, 0
    for pattern, check in kinds:
        for path in sorted(folder.glob(pattern)):
            good, finding = _guarded(check, path)
            agreed, total = agreed + good, total + 1
            report(f"{'ok  ' if good else 'FAIL'} {path.stem:<28} {finding}")
    complete, finding = _guarded(_missing_files, folder / "index.json")
    if not complete:
        report(f"FAIL {finding}")
    report(f"{agreed} of {total} files agree" if total else f"FAIL {folder}: no vector files")
    return complete and 0 < agreed == total


def _missing_files(index: Path) -> Verdict:
    """Check that all files that the index lists are there; without an index nothing is listed."""
    if not index.exists():
        return True, ""
    names = [str(entry["name"]) for entry in json.loads(index.read_text())]
    absent = [name for name in names if not index.with_name(f"{name}.npz").exists()]
    return not absent, f"{index}: lists files that are not there: {', '.join(absent)}"


def _guarded(check: Callable[[Path], Verdict], path: Path) -> Verdict:
    """Run one check; whatever is wrong with a file is a finding, not the end of the run."""
    try:
        return check(path)
    except Exception as error:
        return False, f"cannot be compared: {type(error).__name__}: {error}"


def check_deterministic(path: Path) -> Verdict:
    """Compare one deterministic run: ideal product, every ADC code, every output, both paths.

    The native product sums codes in integers; it is compared with the same sums of the same codes.
    """
    vector = load_vector(path)
    rows = len(vector.weights)
    exact = vector.as_output((vector.inputs @ vector.weights).astype(np.float64))
    reads = array_reads(vector.inputs, vector.weights, vector.settings)
    product = vector.as_output(reads.product)
    tolerance = ROUNDING_TOLERANCE if rows > ROWS_OF_EXACT_FLOAT32 else 0.0
    ideal = _largest(exact, vector.arrays["ideal"])
    output = _largest(product, vector.arrays["expected"])
    findings = [f"output {output:g} (limit {tolerance:g})", f"ideal {ideal:g}"]
    native = _largest(native_product(vector, seed=0), _integer_product(vector, reads.codes))
    findings.append(f"native {native:g}")
    good = output <= tolerance and ideal == 0.0 and native == 0.0
    if vector.config["hardware"]:
        codes = _largest(reads.codes, vector.arrays["adc_out"])
        findings.append(f"codes {codes:g}")
        good = good and codes == 0.0
    return good, "largest deviation: " + ", ".join(findings)


@dataclass(frozen=True, eq=False)
class Moments:
    """Mean and standard deviation of each output over `count` draws."""

    mean: NDArray[np.float64]
    std: NDArray[np.float64]
    count: int


def native_product(vector: Vector, seed: int) -> NDArray[np.float64]:
    """Return the product [M, N] of one seed by the native path, summed in integers."""
    settings = replace(vector.settings, accumulation="integer")
    layer = ProgrammedLayer(vector.weights, settings, vector.name, seed)
    return layer.product(vector.inputs)


def _integer_product(vector: Vector, codes: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the product [M, N] that ADC codes give when they are summed in integers."""
    settings = replace(vector.settings, accumulation="integer")
    return join([recombine(codes, settings)], vector.weights, settings, 0)


def check_random(path: Path, draws: int | None = None) -> Verdict:
    """Compare one random run: without the random effect exactly, with it over an ensemble."""
    vector = load_vector(path)
    products = [array_product(vector.inputs, vector.weights, s) for s in vector.noiseless()]
    recorded = vector.arrays["expected_noiseless"]
    exact = min(_largest(vector.as_output(product), recorded) for product in products)
    if draws is None:
        draws = DRAWS if recorded.size <= MANY_OUTPUTS else DRAWS_OF_MANY_OUTPUTS
    own = moments(ensemble(vector, draws))
    faulty = vector.settings.stuck_at_0 + vector.settings.stuck_at_1 > 0.0
    limit = STUCK_STD_LIMIT if faulty else STD_LIMIT
    good, finding = compare_moments(own, recorded_moments(vector), limit)
    return good and exact == 0.0, f"{finding}; noiseless deviation {exact:g}"


def ensemble(vector: Vector, draws: int) -> NDArray[np.float64]:
    """Return the results of seeds 0 .. draws - 1, [draws, output shape], by the native path."""
    products = (native_product(vector, seed) for seed in range(draws))
    return np.stack([vector.as_output(product) for product in products])


def moments(draws: NDArray[np.float64]) -> Moments:
    """Return the moments of an ensemble [draws, output shape]."""
    return Moments(draws.mean(axis=0), draws.std(axis=0, ddof=1), len(draws))


def recorded_moments(vector: Vector) -> Moments:
    """Return the moments of the recorded draws, or those recorded instead of the draws."""
    arrays = vector.arrays
    if "draws" in arrays:
        return moments(arrays["draws"].astype(np.float64))
    mean = arrays["expected_noiseless"].astype(np.float64) + arrays["err_mean"]
    return Moments(mean, arrays["err_std"].astype(np.float64), int(vector.config["n_draws"]))


def compare_moments(own: Moments, recorded: Moments, std_limit: float) -> Verdict:
    """Compare mean and standard deviation of two ensembles output by output."""
    if own.mean.shape != recorded.mean.shape:
        raise ValueError(f"outputs of shape {own.mean.shape}, recorded {recorded.mean.shape}")
    error = np.sqrt(own.std**2 / own.count + recorded.std**2 / recorded.count)
    worst_mean = float(_ratio(np.abs(own.mean - recorded.mean), error, 0.0).max())
    variances = np.mean(own.std**2), np.mean(recorded.std**2)
    rms = float(np.sqrt(_ratio(*variances, 1.0)))
    worst_std = float(np.abs(_ratio(own.std, recorded.std, 1.0) - 1.0).max())
    good = worst_mean < MEAN_LIMIT and abs(rms - 1.0) < RMS_LIMIT and worst_std < std_limit
    return good, (
        f"mean {worst_mean:.2f} standard errors (limit {MEAN_LIMIT}), rms std {rms - 1.0:+.1%} "
        f"(limit {RMS_LIMIT:.0%}), one std {worst_std:.0%} (limit {std_limit:.0%})"
    )


def check_quantizer(path: Path) -> Verdict:
    """Compare ranges, fake-quantised values and both kinds of codes for all recorded settings."""
    arrays = load_arrays(path)
    prefixes = sorted({m[0] for name in arrays if (m := re.match(r"b\d+_(max|histogram)_", name))})
    if not prefixes:
        return False, "no array b<bits>_max_* or b<bits>_histogram_*"
    deviations = {p: _quantizer_deviation(p, arrays) for p in prefixes}
    worst = max(deviations, key=lambda p: deviations[p])
    return deviations[worst] == 0.0, (
        f"largest deviation: {deviations[worst]:g} over {len(prefixes)} settings "
        f"({worst.rstrip('_')})"
    )


def _quantizer_deviation(prefix: str, arrays: dict[str, NDArray[Any]]) -> float:
    """Return the largest deviation of one setting, over ranges, values and codes."""
    bits = int(prefix.split("_")[0][1:])
    by_histogram = "histogram" in prefix
    found = {
        "w": (_amax([arrays[prefix + "w"]], by_histogram, axis=0), arrays[prefix + "w"]),
        "x": (_amax(list(arrays[prefix + "x_calib"]), by_histogram), arrays[prefix + "x_test"]),
    }
    worst = 0.0
    for operand, (amax, values) in found.items():
        worst = max(worst, _largest(amax, arrays[f"{prefix}amax_{operand}"]))
        fake = fake_quantize(values, amax, bits)
        worst = max(worst, _largest(fake, arrays[f"{prefix}fake_{operand}"]))
        conversions: tuple[tuple[Literal["nearest", "truncate"], str], ...] = (
            ("nearest", "rounded"),
            ("truncate", "reference"),
        )
        for conversion, name in conversions:
            codes = integer_codes(values, amax, bits, conversion)
            worst = max(worst, _largest(codes, arrays[f"{prefix}int_{operand}_{name}"]))
    return worst


def _amax(
    batches: list[NDArray[Any]], by_histogram: bool, axis: int | None = None
) -> NDArray[np.float32]:
    """Return the range of batches: the histogram is of the whole tensor, the maximum per slice."""
    if by_histogram:
        histogram = HistogramObserver()
        for batch in batches:
            histogram.update(batch)
        return np.asarray(histogram.amax())
    maximum = MaxObserver(axis)
    for batch in batches:
        maximum.update(batch)
    return maximum.amax()


def _largest(own: NDArray[Any], recorded: NDArray[Any]) -> float:
    """Return the largest absolute difference; infinite if one is not finite.

    Raises ValueError if the shapes differ.
    """
    if own.shape != recorded.shape:
        raise ValueError(f"shape {own.shape}, recorded {recorded.shape}")
    difference = np.abs(own.astype(np.float64) - recorded.astype(np.float64))
    return float(difference.max(initial=0.0)) if np.isfinite(difference).all() else np.inf


def _ratio(
    above: NDArray[np.float64] | np.floating[Any],
    below: NDArray[np.float64] | np.floating[Any],
    both_zero: float,
) -> NDArray[np.float64]:
    """Return above / below; `both_zero` where both are zero, infinity where only `below` is."""
    a, b = np.asarray(above, dtype=np.float64), np.asarray(below, dtype=np.float64)
    quotient = np.where(b > 0.0, a / np.where(b > 0.0, b, 1.0), np.inf)
    return np.where((a == 0.0) & (b == 0.0), both_zero, quotient)
