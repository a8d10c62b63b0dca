"""The model against recorded figures of DNN+NeuroSim V1.5, every figure of every configuration.

``tests/reference/ppa_chip`` holds figures with 17 digits of 484 configurations; those of
``ppa_small.json.gz`` have 6 digits, and 9 between the levels of the chip.
"""

import csv
import gzip
import hashlib
import json
from pathlib import Path

import numpy as np
import pytest

from cimsim import _native
from cimsim.errors import UserError
from cimsim.ppa import generator, verify
from cimsim.ppa.small_cases import small_cases
from cimsim.ppa.table_cases import table_cases as read_table_cases

REFERENCE = Path(__file__).parents[1] / "reference"

REFUSED = {
    "c0169": "numRowParallel is 256",
}
"""Configurations with figures that we refuse."""


@pytest.fixture(scope="module")
def table_cases():
    return {case.name: case for case in read_table_cases(REFERENCE / "ppa_chip")}


def check_exactly(case):
    report, context = verify.evaluate_case(case)
    return max(verify.compare(case, report, context))


def _senses_columns(case):
    parameters = case.parameters
    sensed = parameters.get("SARADC", 0) or parameters.get("currentMode", 0)
    return bool(sensed and parameters.get("memcelltype", 2) in (2, 3))


def _is_slow(case):
    """Tell whether evaluating a case takes long: a large network, or sensing of each column."""
    return len(case.layers) >= 8 or _senses_columns(case)


def _check_all(chosen):
    for case in chosen:
        worst, figure = check_exactly(case)
        # Column conductances are summed in single precision (native/conductances.hpp).
        assert worst < (2e-6 if _senses_columns(case) else 1e-9), f"{case.name}: {figure}"


def _comparable(table_cases, slow):
    return [
        case
        for case in table_cases.values()
        if case.status not in verify.UNCOMPARED
        and case.name not in REFUSED
        and _is_slow(case) is slow
    ]


def test_configurations_that_evaluate_fast(table_cases):
    chosen = _comparable(table_cases, slow=False)
    assert len(chosen) == 328
    _check_all(chosen)


def test_some_configurations_that_sense_each_column(table_cases):
    chosen = [case for case in _comparable(table_cases, slow=True) if len(case.layers) < 8]
    assert len(chosen) == 88
    _check_all(chosen[::11])


@pytest.mark.slow
def test_all_other_configurations(table_cases):
    chosen = _comparable(table_cases, slow=True)
    assert len(chosen) == 115
    _check_all(chosen)


@pytest.mark.parametrize(("name", "reason"), REFUSED.items())
def test_designs_without_meaning_are_refused(table_cases, name, reason):
    with pytest.raises(UserError, match=reason):
        verify.evaluate_case(table_cases[name])


@pytest.fixture(scope="module")
def small_folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("ppa_small")
    with gzip.open(REFERENCE / "ppa_small.json.gz", "rt") as file:
        for name, text in json.load(file).items():
            (folder / name).write_text(text)
    return folder


def test_all_configurations_with_figures_between_the_levels(small_folder):
    found = list(small_cases(small_folder, _native.parameter_names()))
    assert len(found) == 65
    for case in found:
        worst, figure = check_exactly(case)
        assert worst < 1e-5, f"{case.name}: {figure}"  # six printed digits


def test_generated_arrays_have_the_published_hashes():
    with gzip.open(REFERENCE / "ppa_chip" / "checks.csv.gz", "rt") as file:
        rows = [row for row in csv.DictReader(file) if int(row["K"]) * int(row["O"]) < 100_000]
    assert len(rows) > 50
    for row in rows:
        seed, layer, k, n, v = (int(row[key]) for key in ("seed", "layer", "K", "O", "V"))
        weights = generator.weights(seed, layer, k, n, int(row["bits_w"]))
        inputs = generator.inputs(seed, layer, k, v, int(row["bits_x"]))
        for codes, key in ((weights, "weight"), (inputs, "input")):
            assert int(codes.sum()) == int(row[f"{key}_sum"])
            digest = hashlib.sha256(codes.astype("<i2").tobytes()).hexdigest()
            assert digest.startswith(row[f"{key}_sha256_int16le"])


@pytest.mark.parametrize(("bits", "weight"), [(8, 0), (8, 1), (8, 253), (4, 14)])
def test_weights_of_the_reference_files_store_one_bit(bits, weight):
    # Closed form of the reference's reading: v = 2**(bits-1) * (w + 1).
    stored = generator.stored_codes(np.array([weight]), bits)
    assert stored[0] == 2 ** (bits - 1) * (weight + 1)
    assert stored[0] % 2**bits in (0, 2 ** (bits - 1))
