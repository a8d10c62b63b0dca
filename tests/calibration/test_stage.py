"""The calibrate stage: its tables, the choice of layers, and independence of the batch size."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from cimsim.calibration.scales import load_quantized
from cimsim.calibration.stage import calibrate
from cimsim.campaign.design import DesignPoint
from cimsim.errors import UserError
from cimsim.schemas import PREDICTIONS, SCALES
from cimsim.tables import provenance_of, read_table
from cimsim.workloads.datasets import load_dataset

DATA = load_dataset("digits16")


def design(model="vgg8", **sections):
    workload = {"model": model, "images": 60}
    quantization = {"images": 64, **sections.pop("quantization", {})}
    return DesignPoint(workload=workload, quantization=quantization, **sections)


@pytest.fixture
def run(untrained, tmp_path):
    def calibrated(point):
        checkpoint = untrained(point.workload.model)
        calibrate(point, checkpoint=checkpoint, output=tmp_path, provenance={"stage": "calibrate"})
        network = load_quantized(point, checkpoint, tmp_path, DATA)
        scales = read_table(tmp_path / "scales.parquet", SCALES).to_pydict()
        predictions = read_table(tmp_path / "predictions.parquet", PREDICTIONS).to_pydict()
        return network, scales, predictions

    return calibrated


@pytest.mark.parametrize("model", ["vgg8", "vit"])
def test_tables_agree_with_the_network_that_is_read_back(run, model, tmp_path):
    network, scales, predictions = run(design(model))
    assert provenance_of(tmp_path / "scales.parquet") == {"stage": "calibrate"}
    assert scales["layer"] == [layer.shape.name for layer in network.layers]
    assert scales["input_scale"] == [layer.coding.scale for layer in network.layers]
    for layer, written in zip(network.layers, scales["weight_scale"], strict=True):
        assert layer.weights.scale.tolist() == written
        assert len(written) == layer.shape.columns
    np.testing.assert_array_equal(predictions["label"], DATA.test_labels[:60])
    logits = network.logits(DATA.test_images[:60])
    np.testing.assert_array_equal(predictions["quantized_logits"], logits)
    np.testing.assert_array_equal(predictions["quantized_prediction"], logits.argmax(axis=1))


@pytest.mark.parametrize("model", ["vgg8", "vit"])
def test_quantised_logits_are_near_those_in_float(run, model):
    _, _, fine = run(design(model))
    agreement = np.mean(
        np.array(fine["quantized_prediction"]) == np.array(fine["float_prediction"])
    )
    assert agreement > 0.8


@pytest.mark.parametrize(
    ("model", "sections"),
    [
        ("vgg8", {}),
        ("vgg8", {"fidelity": {"first_layer": "float"}}),
        ("vgg8", {"quantization": {"fold_batch_norm": False}}),
        ("vit", {}),
        ("vit", {"quantization": {"float_layers": ["*.attn.*", "head"]}}),
        ("vit", {"fidelity": {"input_shift": "data_minimum", "integer_conversion": "truncate"}}),
    ],
)
def test_quantised_logits_do_not_depend_on_the_batch_size(run, model, sections):
    network, _, _ = run(design(model, **sections))
    images = DATA.test_images[:60]
    expected = network.logits(images)
    for batch in (1, 7, 60):
        np.testing.assert_array_equal(network.logits(images, batch=batch), expected)
    np.testing.assert_array_equal(network.logits(images[13:20], first_image=13), expected[13:20])


def test_layers_after_relu_are_unsigned_with_zero_point_zero(run):
    _, scales, _ = run(design())
    assert scales["input_zero_point"] == [0] * 8
    assert scales["input_min"] == [0.0] * 8


def test_symmetric_inputs_have_their_zero_in_the_middle_or_at_the_end(run):
    network, scales, _ = run(design("vit", quantization={"input_range": "symmetric"}))
    for layer, low, high in zip(
        network.layers, scales["input_min"], scales["input_max"], strict=True
    ):
        assert layer.coding.zero_point == (127 if low < 0.0 else 0)
        assert layer.coding.scale == pytest.approx(max(-low, high) / 127, rel=1e-6)
    assert set(scales["input_zero_point"]) == {0, 127}  # images, and what layer norm gives


def test_data_minimum_has_signed_symmetric_codes(run):
    network, scales, _ = run(design("vit", fidelity={"input_shift": "data_minimum"}))
    assert scales["input_zero_point"] == [0] * 10
    seen = {}
    with network.watched(lambda layer, c: seen.update({layer.shape.name: layer.input_codes(c.x)})):
        network.logits(DATA.train_images[:64], batch=64)
    for codes in seen.values():
        assert codes.dtype == np.int16
        assert np.abs(codes).max() <= 127
    assert seen["blocks.0.attn.qkv"].min() < 0


def test_first_layer_and_patterns_stay_in_float(run):
    point = design(
        quantization={"float_layers": ["classifier.*"]}, fidelity={"first_layer": "float"}
    )
    network, scales, _ = run(point)
    assert scales["on_array"] == [False, True, True, True, True, True, False, False]
    assert [layer.products is not None for layer in network.layers] == scales["on_array"]


def test_the_first_and_the_last_layer_stay_in_float(run):
    _, scales, _ = run(design("vit", quantization={"float_layers": ["first", "last"]}))
    assert scales["on_array"] == [False, *[True] * 8, False]
    assert (scales["layer"][0], scales["layer"][-1]) == ("patch_embed.proj", "head")


def test_batch_norms_that_are_not_folded_run_after_the_arrays(run):
    network, scales, predictions = run(design(quantization={"fold_batch_norm": False}))
    norms = [m for m in network.module.modules() if isinstance(m, torch.nn.BatchNorm2d)]
    assert len(norms) == 6
    folded, of_folded, _ = run(design())
    assert not any(isinstance(m, torch.nn.BatchNorm2d) for m in folded.module.modules())
    assert scales["layer"] == of_folded["layer"]
    kept, gone = network.layers[1].weights.scale, folded.layers[1].weights.scale
    factor = norms[1].weight / torch.sqrt(norms[1].running_var + norms[1].eps)
    np.testing.assert_allclose(gone, kept * factor.abs().numpy(), rtol=1e-5)
    same = np.mean(np.array(predictions["quantized_prediction"]) == predictions["float_prediction"])
    assert same > 0.8


def test_a_pattern_that_fits_nothing_is_refused(run):
    with pytest.raises(UserError, match=r"float_layers: pattern 'fc\*' fits no .*features\.0, "):
        run(design(quantization={"float_layers": ["fc*"]}))


def test_too_many_images_are_refused(run):
    with pytest.raises(UserError, match=r"quantization\.images is 5000"):
        run(design(quantization={"images": 5000}))


def test_scales_of_another_network_are_refused(run, untrained, tmp_path):
    run(design("vit"))
    with pytest.raises(UserError, match=r"scales\.parquet: its layers are not those of vgg8"):
        load_quantized(design("vgg8"), untrained("vgg8"), tmp_path, DATA)


@pytest.mark.parametrize("products", ["float", "integer"])
def test_images_are_read_a_batch_at_a_time(run, monkeypatch, products):
    """So memory does not grow with them, where a data set is on disk."""
    read = []

    class Watched:
        def __init__(self, images):
            self._images, self.shape = images, images.shape

        def __len__(self):
            return len(self._images)

        def __getitem__(self, chosen):
            read.append(len(self._images[chosen]))
            return self._images[chosen]

    watched = replace(
        DATA, train_images=Watched(DATA.train_images), test_images=Watched(DATA.test_images)
    )
    monkeypatch.setattr("cimsim.calibration.stage.dataset_of", lambda workload: watched)
    run(design("vit", quantization={"images": 120, "dynamic_products": products}))
    assert sum(read) > 60 + 120
    assert max(read) == 50
