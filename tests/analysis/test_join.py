"""The joined tables against the stage outputs they come from."""

from __future__ import annotations

import csv
import dataclasses
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from cimsim.analysis import schemas as joined
from cimsim.analysis.intervals import CrossedCounts, accuracy_interval, change_interval
from cimsim.analysis.join import join as join_campaign
from cimsim.analysis.join import join_points
from cimsim.analysis.outputs import PointOutputs
from cimsim.campaign.keys import STAGES
from cimsim.errors import UserError
from cimsim.schemas import SEEDS
from cimsim.tables import provenance_of, read_table, write_table

PROVENANCE = {"stage": "join", "campaign": "test"}


def join(points: list[PointOutputs], output: Path, confidence: float = 0.95) -> dict[str, Any]:
    """Join and return the tables by name, as lists of rows."""
    join_points(points, confidence=confidence, output=output, provenance=PROVENANCE)
    return {
        name: read_table(output / f"{name}.parquet", getattr(joined, name)()).to_pylist()
        for name in ("points", "seeds", "layers", "components")
    }


def ppa_rows(point: PointOutputs, table: str) -> list[dict[str, Any]]:
    """Return what the ppa stage wrote for a point, without the columns that lead to it."""
    path = point.folders["ppa"] / point.keys["ppa"] / f"{table}.parquet"
    leading = ("key", "key_text", "made_by")
    return [
        {name: value for name, value in row.items() if name not in leading}
        for row in pq.read_table(path).to_pylist()
    ]


@pytest.fixture
def points(stages: Any) -> list[PointOutputs]:
    return [
        stages.point({"array.adc.bits": bits, "nonideality.device_variation": variation})
        for bits in (5, 7)
        for variation in (0.0, 0.1, 0.2)
    ]


def test_points_hold_parameters_keys_and_results(
    points: list[PointOutputs], stages: Any, tmp_path: Path
) -> None:
    rows = join(points, tmp_path / "out")["points"]
    assert [row["id"] for row in rows] == [point.id for point in points]
    for row, point in zip(rows, points, strict=True):
        for name, value in point.parameters.items():
            assert row[name] == (list(value) if isinstance(value, tuple) else value)
        assert {stage: row[f"key.{stage}"] for stage in STAGES} == dict(point.keys)
        chip = ppa_rows(point, "chip")[0]
        assert {name: row[name] for name in chip} == chip
        assert row["energy_j"] == chip["energy_dynamic_j"] + chip["energy_leakage_j"]
        assert row["area_mm2"] == pytest.approx(chip["area_m2"] * 1e6, rel=1e-15)
        outcomes = np.stack([stages.outcomes(point.parameters, s) for s in range(4)], axis=1)
        ours = accuracy_interval(CrossedCounts.of(outcomes))
        change = change_interval(CrossedCounts.of(outcomes), stages.margin > 0.1)
        assert (row["images"], row["seeds"]) == outcomes.shape
        assert row["accuracy"] == pytest.approx(outcomes.mean(), abs=1e-15)
        assert (row["accuracy_low"], row["accuracy_high"]) == (ours.low, ours.high)
        assert (row["accuracy_change_low"], row["accuracy_change_high"]) == (
            change.low,
            change.high,
        )
        assert row["accuracy_std"] == pytest.approx(outcomes.mean(axis=0).std(ddof=1), abs=1e-15)
        assert row["quantized_accuracy"] == (stages.margin > 0.1).mean()
        assert row["float_accuracy"] == (stages.margin > 0).mean()
        assert row["made_by.infer"] == "cimsim 0.1.0, commit abc, torch 2.13.0"
        assert row["made_by.ppa"] == row["made_by.infer"]
        expected = np.sqrt(np.mean(np.square([0.01, 0.02, 0.03, 0.04])))
        assert row["logit_error_rms"] == pytest.approx(expected)


def test_seeds_layers_and_components_are_those_of_the_stages(
    points: list[PointOutputs], tmp_path: Path
) -> None:
    tables = join(points, tmp_path / "out")
    assert [(row["id"], row["seed"]) for row in tables["seeds"]] == [
        (point.id, seed) for point in points for seed in range(4)
    ]
    for row in tables["seeds"]:
        assert row["accuracy"] == row["correct"] / row["images"]
    for point in points:
        layers = [row for row in tables["layers"] if row["id"] == point.id]
        chip = ppa_rows(point, "chip")[0]
        total = sum(row["energy_dynamic_j"] for row in layers)
        assert total == pytest.approx(chip["energy_dynamic_j"])
        assert [row["index"] for row in layers] == [0, 1, 1, 2]
        product = layers[2]
        assert (product["layer"], product["operation"]) == ("scores", "product")
        assert product["kind"] is None
        assert product["latency_s"] == 0.25
        parts = [row for row in tables["components"] if row["id"] == point.id]
        written = ppa_rows(point, "components")
        assert [{k: v for k, v in row.items() if k != "id"} for row in parts] == written


def test_pareto_columns_are_the_fronts(points: list[PointOutputs], tmp_path: Path) -> None:
    rows = join(points, tmp_path / "out")["points"]
    for column, cost in (("pareto_energy", "energy_j"), ("pareto_area", "area_mm2")):
        for row in rows:
            beaten = any(
                other[cost] <= row[cost]
                and other["accuracy"] >= row["accuracy"]
                and (other[cost] < row[cost] or other["accuracy"] > row["accuracy"])
                for other in rows
            )
            assert row[column] == (not beaten)
        assert 0 < sum(row[column] for row in rows) < len(rows)


def test_a_layer_off_the_arrays_has_no_hardware_figures(stages: Any, tmp_path: Path) -> None:
    point = stages.point({})
    path = point.folders["ppa"] / point.keys["ppa"] / "layers.parquet"
    table = pq.read_table(path)
    pq.write_table(table.slice(1), path)
    first, second, *_ = join([point], tmp_path / "out")["layers"]
    assert first["energy_dynamic_j"] is None
    assert second["energy_dynamic_j"] > 0


def test_csv_twins_hold_the_same_values(points: list[PointOutputs], tmp_path: Path) -> None:
    tables = join(points, tmp_path / "out")
    for name in ("points", "seeds", "components"):
        with (tmp_path / "out" / f"{name}.csv").open(newline="") as file:
            read = list(csv.DictReader(file))
        assert len(read) == len(tables[name])
        for text, row in zip(read, tables[name], strict=True):
            assert list(text) == list(row)
            for column, value in row.items():
                if isinstance(value, float):
                    assert float(text[column]) == value
                elif isinstance(value, list):
                    assert text[column] == ";".join(value)
                elif isinstance(value, bool):
                    assert text[column] == str(value).lower()
                else:
                    assert text[column] == ("" if value is None else str(value))


def test_equal_outputs_give_equal_bytes(points: list[PointOutputs], tmp_path: Path) -> None:
    join(points, tmp_path / "one")
    join(points, tmp_path / "two")
    names = sorted(path.name for path in (tmp_path / "one").iterdir())
    assert len(names) == 7
    for name in names:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_provenance_and_confidence_are_in_every_table(
    points: list[PointOutputs], tmp_path: Path
) -> None:
    join(points, tmp_path / "out", confidence=0.8)
    for path in (tmp_path / "out").glob("*.parquet"):
        assert provenance_of(path) == {**PROVENANCE, "confidence": 0.8}


def test_confidence_sets_the_width(points: list[PointOutputs], tmp_path: Path) -> None:
    wide = join(points, tmp_path / "wide", confidence=0.99)["points"]
    narrow = join(points, tmp_path / "narrow", confidence=0.8)["points"]
    for outer, inner in zip(wide, narrow, strict=True):
        for name in ("accuracy", "accuracy_change", "float_accuracy", "quantized_accuracy"):
            assert outer[f"{name}_low"] < inner[f"{name}_low"]
            assert outer[f"{name}_high"] > inner[f"{name}_high"]


def test_one_seed_has_no_deviation(stages: Any, tmp_path: Path) -> None:
    (row,) = join([stages.point({}, seeds=range(1))], tmp_path / "out")["points"]
    assert row["accuracy_std"] is None
    assert row["seeds"] == 1


def test_a_campaign_is_joined_from_its_expansion(stages: Any, tmp_path: Path) -> None:
    campaign = stages.campaign(
        """
name: small
seeds: {first: 3, count: 4, block: 4}
statistics: {confidence: 0.9}
sweeps:
  - {name: adc, grid: {array.adc.bits: [6, 7]}}
  - {name: noise, grid: {nonideality.read_noise: [0.0, 0.1]}}
"""
    )
    output = tmp_path / "out"
    join_campaign(campaign, results=stages.results, output=output, provenance=PROVENANCE)
    rows = read_table(output / "points.parquet", joined.points()).to_pylist()
    assert [row["id"] for row in rows] == [point.id for point in campaign.points]
    assert [row["sweeps"] for row in rows] == [["adc"], ["adc", "noise"], ["noise"]]
    assert [row["array.adc.bits"] for row in rows] == [6, 7, 7]
    assert [row["key.infer"] for row in rows] == [point.keys["infer"] for point in campaign.points]
    seeds = read_table(output / "seeds.parquet", joined.seeds())["seed"].to_pylist()
    assert seeds == [3, 4, 5, 6] * 3
    assert provenance_of(output / "points.parquet")["confidence"] == 0.9


# --- what is refused --------------------------------------------------------------------------


def test_missing_files_are_one_message(points: list[PointOutputs], tmp_path: Path) -> None:
    gone = [f for point in points[:4] for f in point.files() if f.name.startswith("seeds_")]
    for path in gone:
        path.unlink()
    with pytest.raises(UserError, match=r"^8 of \d+ files of the stages are missing: ") as caught:
        join(points, tmp_path / "out")
    assert str(caught.value).count("seeds_") == 5
    assert "and 3 more; run the workflow" in str(caught.value)
    assert not (tmp_path / "out").exists()


def test_a_point_must_not_be_there_twice(points: list[PointOutputs], tmp_path: Path) -> None:
    with pytest.raises(UserError, match=f"design point {points[0].id} is in the campaign more"):
        join([*points, points[0]], tmp_path / "out")


def rewrite(path: Path, **columns: Any) -> None:
    """Replace columns of a file with seeds."""
    table = pq.read_table(path).to_pydict()
    write_table(path, {**table, **columns}, SEEDS, {})


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"seed": [0, 0]}, "seed 0 is also in seeds_0000_0001.parquet"),
        ({"seed": [0, 7]}, "holds seed 7 but must hold 0 to 1"),
        ({"correct": [200, 3]}, "seed 1 claims 3 right images but its predictions give"),
        ({"predictions": [[1] * 200, [1] * 199]}, "199 predictions but there are 200 images"),
    ],
)
def test_contradictions_are_named(
    stages: Any, tmp_path: Path, columns: dict[str, Any], words: str
) -> None:
    point = stages.point({"array.adc.bits": 16})
    path = point.folders["infer"] / "seeds_0000_0001.parquet"
    if "predictions" in columns:
        right = [int(np.sum(stages.labels == 1))] * 2
        columns = {**columns, "correct": right}
    elif "correct" in columns:
        columns["correct"][0] = pq.read_table(path)["correct"][0].as_py()
    rewrite(path, **columns)
    with pytest.raises(UserError, match=words) as caught:
        join([point], tmp_path / "out")
    assert "delete" in str(caught.value)
    assert "run again" in str(caught.value)


def test_a_seed_that_lacks_is_named(stages: Any, tmp_path: Path) -> None:
    point = stages.point({})
    short = dataclasses.replace(point, seed_files={"seeds_0000_0001.parquet": range(3)})
    with pytest.raises(UserError, match=r"seeds_0000_0001\.parquet: seed 2 is missing"):
        join([short], tmp_path / "out")


def test_layers_of_another_network_are_refused(stages: Any, tmp_path: Path) -> None:
    point = stages.point({})
    path = point.folders["map"] / "layers.parquet"
    pq.write_table(pq.read_table(path).slice(1), path)
    with pytest.raises(UserError, match=r"layer features\.0 is not in"):
        join([point], tmp_path / "out")


def test_memory_does_not_grow_with_the_predictions(stages: Any, tmp_path: Path) -> None:
    # Eight times the seeds: eight times the predictions on disk, nearly the same peak in Python.
    # (Arrow's own buffers are bounded by read_batches.)
    peaks = []
    for seeds in (8, 64):
        point = stages.point({"workload.training_seed": seeds}, seeds=range(seeds))
        tracemalloc.start()
        join([point], tmp_path / f"out{seeds}")
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    predictions = 56 * 200 * 8
    assert peaks[1] - peaks[0] < predictions
