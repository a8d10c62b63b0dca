"""The map stage: weight codes that rebuild the weights, and column sums that add up."""

import numpy as np
import pytest
import torch

from cimsim.calibration.scales import prepared_network
from cimsim.calibration.stage import calibrate
from cimsim.campaign.design import DesignPoint
from cimsim.errors import UserError
from cimsim.mapping import self_check
from cimsim.mapping.stage import map_network, read_column_sums
from cimsim.schemas import COLUMN_SUMS, LAYERS, OPERATIONS, SCALES, WEIGHT_CODES
from cimsim.tables import read_table
from cimsim.workloads.datasets import load_dataset

DATA = load_dataset("digits16")
IMAGES = 6


@pytest.fixture
def mapped(untrained, tmp_path):
    def run(**sections):
        point = DesignPoint(
            workload={"images": 4, "model": sections.pop("model", "vgg8")},
            quantization={"images": IMAGES, **sections.pop("quantization", {})},
            **sections,
        )
        checkpoint = untrained(point.workload.model)
        calibration, output = tmp_path / "calibrate", tmp_path / "map"
        calibrate(point, checkpoint=checkpoint, output=calibration, provenance={})
        map_network(
            point, checkpoint=checkpoint, calibration=calibration, output=output, provenance={}
        )
        return point, checkpoint, calibration, output

    return run


@pytest.mark.parametrize("model", ["vgg8", "vit"])
def test_codes_rebuild_the_folded_weights_within_half_a_step(mapped, model):
    point, checkpoint, calibration, output = mapped(model=model)
    network, shapes = prepared_network(point, checkpoint, DATA)
    scales = read_table(calibration / "scales.parquet", SCALES).to_pylist()
    table = read_table(output / "weights.parquet", WEIGHT_CODES).to_pylist()
    assert [row["layer"] for row in table] == [shape.name for shape in shapes]
    for row, scale in zip(table, scales, strict=True):
        codes = np.frombuffer(row["codes"], np.int8).reshape(row["rows"], row["columns"])
        weight = network.get_submodule(row["layer"]).weight
        expected = weight.reshape(len(weight), -1).T.numpy()
        step = np.array(scale["weight_scale"])
        assert (np.abs(codes * step - expected) <= 0.5 * step * (1 + 1e-4)).all()
        assert np.abs(codes.astype(int)).max() == 127


def test_layer_table(mapped):
    *_, output = mapped(fidelity={"first_layer": "float"})
    table = read_table(output / "layers.parquet", LAYERS).to_pylist()
    assert [row["index"] for row in table] == list(range(8))
    assert [row["on_array"] for row in table] == [False] + [True] * 7
    second = table[1]
    assert (second["layer"], second["kind"], second["pooled"]) == ("features.3", "conv", True)
    assert (second["rows"], second["columns"], second["vectors"]) == (144, 16, 256)
    assert (second["row_groups"], second["subarrays"]) == (2, 2)
    assert second["cell_utilization"] == 144 * 128 / (2 * 128 * 128)


@pytest.mark.parametrize(
    "sections",
    [
        {},
        {"fidelity": {"first_layer": "float", "input_shift": "data_minimum"}},
        {"model": "vit", "cell": {"bits": 2}, "array": {"dac_bits": 2, "parallel_rows": 32}},
    ],
)
def test_column_sums_count_every_read(mapped, sections):
    point, _, _, output = mapped(**sections)
    layers = read_table(output / "layers.parquet", LAYERS).to_pylist()
    table = read_table(output / "column_sums.parquet", COLUMN_SUMS).to_pylist()
    cycles = 8 // point.array.dac_bits
    for row in layers:
        counted = sum(entry["count"] for entry in table if entry["layer"] == row["layer"])
        if not row["on_array"]:
            assert counted == 0
            continue
        vectors = row["vectors"] * IMAGES
        if point.fidelity.input_shift == "data_minimum":
            vectors += 1  # the dummy vector of the one batch
        reads = vectors * cycles * row["cells_per_weight"] * row["row_groups"]
        assert counted == reads * (row["columns"] + 1)  # the dummy column is read like any other
    assert all(entry["count"] > 0 for entry in table)


def test_column_sums_of_one_layer_by_definition(mapped):
    point, checkpoint, _, output = mapped(quantization={"float_layers": ["features.*"]})
    histogram = read_column_sums(output, point)
    assert list(histogram) == ["classifier.0", "classifier.2"]
    table = read_table(output / "weights.parquet", WEIGHT_CODES).to_pylist()
    codes = {
        row["layer"]: np.frombuffer(row["codes"], np.int8).reshape(row["rows"], row["columns"])
        for row in table
    }["classifier.0"]
    # The features run in floating point: their output is the layer's input.
    network, _ = prepared_network(point, checkpoint, DATA)
    images = torch.from_numpy(DATA.train_images[:IMAGES])
    features = torch.cat([network.features(image[None]) for image in images]).flatten(1).numpy()
    scales = read_table(output.parent / "calibrate" / "scales.parquet", SCALES).to_pylist()
    x = np.rint(features / scales[6]["input_scale"]).astype(int)
    weights = np.hstack([codes.astype(int) + 128, np.full((256, 1), 128)])
    expected = np.zeros(129, dtype=int)
    for group in (slice(0, 128), slice(128, 256)):
        for i in range(8):
            for j in range(8):
                sums = ((x[:, group] >> i) & 1) @ ((weights[group] >> j) & 1)
                np.add.at(expected, sums.ravel(), 1)
    assert abs(histogram["classifier.0"] - expected).sum() <= 0.001 * expected.sum()


@pytest.mark.parametrize("model", ["vgg8", "vit"])
def test_an_engine_that_computes_wrong_stops_the_campaign(mapped, monkeypatch, model):
    class Wrong(self_check.ProgrammedLayer):
        def product(self, codes, zero_point=0, first_vector=0):
            result = super().product(codes, zero_point, first_vector)
            result[-1, -1] += self._weights.shape[1] == 10  # one unit, in the classifier
            return result

    monkeypatch.setattr(self_check, "ProgrammedLayer", Wrong)
    with pytest.raises(UserError, match=r"self-check: layer \S+ .* by up to 1;"):
        mapped(model=model)


def test_batch_norms_that_are_not_folded_are_digital_operations(mapped):
    def kinds(**quantization):
        *_, output = mapped(quantization=quantization)
        return read_table(output / "operations.parquet", OPERATIONS)["kind"].to_pylist()

    assert "batch_norm" not in kinds()
    assert kinds(fold_batch_norm=False).count("batch_norm") == 6


def test_each_layer_has_the_cells_of_its_rule(mapped):
    rules = {"layer_weight_bits": ["*=4", "first=6", "last=12"], "layer_input_bits": ["*=3"]}
    *_, output = mapped(quantization=rules)
    layers = read_table(output / "layers.parquet", LAYERS).to_pylist()
    assert [row["cells_per_weight"] for row in layers] == [6, *[4] * 6, 12]
    weights = read_table(output / "weights.parquet", WEIGHT_CODES).to_pylist()
    kinds = [*[np.int8] * 7, np.int16]
    found = [np.frombuffer(row["codes"], kind) for row, kind in zip(weights, kinds, strict=True)]
    bounds = [np.abs(codes.astype(int)).max() for codes in found]
    assert bounds == [31, *[7] * 6, 2047]
    table = read_table(output / "column_sums.parquet", COLUMN_SUMS).to_pylist()
    for row in layers:
        counted = sum(entry["count"] for entry in table if entry["layer"] == row["layer"])
        reads = row["vectors"] * IMAGES * 3 * row["cells_per_weight"] * row["row_groups"]
        assert counted == reads * (row["columns"] + 1)
