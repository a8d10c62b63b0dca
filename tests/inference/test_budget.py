"""The error budget: its ends are the quantised network and the design point itself."""

from __future__ import annotations

import math

import numpy as np
import pytest

from cimsim.analysis.budget import budget_steps, show_budget
from cimsim.arrays.settings import ArraySettings
from cimsim.calibration.stage import calibrate
from cimsim.campaign.design import DesignPoint
from cimsim.inference.budget import array_steps, budget, decibel
from cimsim.inference.stage import infer
from cimsim.mapping.stage import map_network
from cimsim.schemas import BUDGET_CODES, BUDGET_LAYERS, BUDGET_STEPS, SEEDS
from cimsim.tables import read_table, rows
from cimsim.workloads.datasets import load_dataset

SEEDS_USED = range(2, 4)


@pytest.fixture(scope="module")
def point():
    return DesignPoint(
        workload={"images": 10},
        quantization={"images": 16},
        array={"adc": {"bits": 6}},
        nonideality={"stuck_at_0": 0.01, "device_variation": 0.1, "read_noise": 0.06},
    )


@pytest.fixture(scope="module")
def folders(untrained, tmp_path_factory, point):
    root = tmp_path_factory.mktemp("budget")
    before = {"checkpoint": untrained("vgg8"), "calibration": root / "calibrate"}
    calibrate(point, checkpoint=before["checkpoint"], output=before["calibration"], provenance={})
    map_network(point, **before, output=root / "map", provenance={})
    made = {**before, "mapping": root / "map"}
    budget(point, SEEDS_USED, **made, output=root / "budget", provenance={})
    infer(point, SEEDS_USED, **made, output=root / "infer", provenance={})
    return {**made, "budget": root / "budget", "infer": root / "infer"}


def table(folders, name, schema):
    return list(rows(read_table(folders["budget"] / f"{name}_0002_0003.parquet", schema)))


def test_steps(folders) -> None:
    steps = dict.fromkeys((r["mode"], r["step"]) for r in table(folders, "steps", BUDGET_STEPS))
    effects = ["stuck_at", "device_variation", "read_noise"]
    assert list(steps) == [
        *(("base", step) for step in ("float", "quantized", "ideal_array")),
        *(("alone", effect) for effect in effects),
        *(("cumulative", step) for step in ("adc", *effects)),
    ]


def test_the_ideal_array_is_the_quantised_network(folders) -> None:
    for row in table(folders, "steps", BUDGET_STEPS):
        exact = (row["mode"], row["step"]) == ("base", "ideal_array")
        assert math.isinf(row["logit_sqnr_db"]) == (exact or row["step"] == "float")
    for row in table(folders, "layers", BUDGET_LAYERS):
        assert math.isinf(row["sqnr_db"]) == (row["step"] == "ideal_array")


def test_the_last_step_is_the_design_point(folders) -> None:
    expected = read_table(folders["infer"] / "seeds_0002_0003.parquet", SEEDS).to_pylist()
    last = [
        row
        for row in table(folders, "steps", BUDGET_STEPS)
        if (row["mode"], row["step"]) == ("cumulative", "read_noise")
    ]
    assert [row["seed"] for row in last] == list(SEEDS_USED)
    for row, seed in zip(last, expected, strict=True):
        assert row["predictions"] == seed["predictions"]
        # 20 log10 of a ratio of amplitudes is 10 log10 of that of powers.
        ratio = -20 * math.log10(seed["logit_error_rms"])
        assert row["logit_sqnr_db"] == pytest.approx(ratio, abs=1e-6)


def test_more_effects_never_help_a_layer_much(folders) -> None:
    by_step = {}
    for row in table(folders, "layers", BUDGET_LAYERS):
        by_step.setdefault((row["mode"], row["step"]), []).append(row)
    for effect in ("stuck_at", "device_variation", "read_noise"):
        for alone, all_before in zip(
            by_step["alone", effect], by_step["cumulative", "read_noise"], strict=True
        ):
            assert alone["layer"] == all_before["layer"]
            assert alone["sqnr_db"] > all_before["sqnr_db"] - 3.0
            assert 0.0 <= all_before["clipped"] < 0.5


def test_layers_are_those_of_each_chip(folders) -> None:
    by_step = {}
    for row in table(folders, "layers", BUDGET_LAYERS):
        by_step.setdefault((row["mode"], row["step"]), {}).setdefault(row["seed"], []).append(row)
    last = by_step["cumulative", "read_noise"]
    assert list(last) == list(SEEDS_USED)
    one, other = ([row["sqnr_db"] for row in rows] for rows in last.values())
    assert all(a != b for a, b in zip(one, other, strict=True))
    assert list(by_step["cumulative", "adc"]) == [SEEDS_USED[0]]  # nothing is random


def test_codes_are_those_of_the_adc(folders) -> None:
    codes = table(folders, "codes", BUDGET_CODES)
    assert {row["layer"] for row in codes} == {
        row["layer"] for row in table(folders, "layers", BUDGET_LAYERS)
    }
    assert 0 <= min(row["code"] for row in codes) <= max(row["code"] for row in codes) < 2**6


def test_shown(folders, capsys, monkeypatch) -> None:
    monkeypatch.setenv("COLUMNS", "160")
    show_budget(folders["budget"], SEEDS_USED, folders["calibration"])
    text = capsys.readouterr().out
    for word in ("cumulative", "read_noise", "features.0", "clipped %"):
        assert word in text


def test_intervals_hold_their_estimate(folders, point) -> None:
    labels = load_dataset("digits16").test_labels[: point.workload.images]
    found = budget_steps(folders["budget"] / "steps_0002_0003.parquet", labels)
    assert len(found) == 10
    for _, _, interval, _ in found:
        assert 0.0 <= interval.low <= interval.estimate <= interval.high <= 1.0
        assert interval.low < interval.high


def test_decibel() -> None:
    assert decibel(100.0, 1.0) == pytest.approx(20.0)
    assert decibel(1.0, 0.0) == math.inf
    assert decibel(0.0, 1.0) == -math.inf


def test_steps_of_an_ideal_design() -> None:
    ideal = ArraySettings.from_design(DesignPoint(cell={"technology": "sram"}))
    assert [step.name for step in array_steps(ideal)] == ["ideal_array", "adc"]
    assert np.array_equal(array_steps(ideal)[-1].of(ideal).states_mean, ideal.states_mean)


def test_errors_of_the_adc_alone_are_those_of_the_designs_adc() -> None:
    array = {"adc": {"bits": 4, "offset": 0.5}}
    small = DesignPoint.model_validate({"array": array, "nonideality": {"read_noise": 0.1}})
    settings = ArraySettings.from_design(small)
    alone = {step.name: step.of(settings) for step in array_steps(settings) if step.mode == "alone"}
    assert (alone["adc_errors"].adc_top, alone["adc_errors"].adc_step) == (15, settings.adc_step)
    assert (alone["adc_errors"].adc_offset, alone["adc_errors"].read_noise) == (0.5, 0.0)
    assert (alone["read_noise"].adc_top, alone["read_noise"].adc_step) == (128, 1.0)
