"""The trace: what the rows of each layer see."""

import tracemalloc

import numpy as np
import pyarrow.parquet as pq
import pytest

from cimsim.calibration.scales import load_quantized
from cimsim.calibration.stage import calibrate
from cimsim.campaign.design import DesignPoint
from cimsim.schemas import SCALES, TRACE
from cimsim.tables import read_table
from cimsim.traces.stage import trace
from cimsim.workloads.datasets import load_dataset

DATA = load_dataset("digits16")


@pytest.fixture
def traced(untrained, tmp_path):
    def run(model="vgg8", **sections):
        point = DesignPoint(
            workload={"images": 4, "model": model},
            quantization={"images": 16, **sections.pop("quantization", {})},
            **sections,
        )
        folders = {"checkpoint": untrained(model), "calibration": tmp_path / "calibrate"}
        calibrate(
            point,
            checkpoint=folders["checkpoint"],
            output=folders["calibration"],
            provenance={},
        )
        trace(point, **folders, output=tmp_path, provenance={"stage": "trace"})
        table = read_table(tmp_path / "trace.parquet", TRACE).to_pylist()
        scales = read_table(tmp_path / "calibrate" / "scales.parquet", SCALES).to_pylist()
        matrices = {
            (row["layer"], row["image"]): np.frombuffer(
                row["codes"], np.uint8 if row["bits"] <= 8 else np.uint16
            ).reshape(row["rows"], row["vectors"])
            for row in table
        }
        return matrices, {row["layer"]: row for row in scales}, table

    return run


def test_first_layer_is_the_image_by_kernel_position(traced):
    matrices, _, table = traced(chip={"trace_images": 2})
    assert len(table) == 16
    assert {row["bits"] for row in table} == {8}
    for image in (0, 1):
        codes = matrices["features.0", image].reshape(3, 3, 16, 16)
        pixels = np.rint(DATA.test_images[image, 0] * 255)
        np.testing.assert_array_equal(codes[1, 1], pixels)  # kernel centre: the image itself
        np.testing.assert_array_equal(codes[0, 0, 1:, 1:], pixels[:-1, :-1])
        assert not codes[0, :, 0].any()  # padding above the image


def test_signed_inputs_lie_about_the_zero_point(traced):
    matrices, scales, _ = traced("vit")
    qkv = matrices["blocks.0.attn.qkv", 0]
    assert qkv.shape == (32, 16)
    zero_point = scales["blocks.0.attn.qkv"]["input_zero_point"]
    assert 100 < zero_point < 156  # layer norm: symmetric about zero
    assert qkv.min() < zero_point < qkv.max()
    assert matrices["head", 0].shape == (32, 1)


def test_data_minimum_shifts_each_layer_to_zero(traced):
    matrices, _, _ = traced(
        "vit", fidelity={"input_shift": "data_minimum"}, chip={"trace_images": 3}
    )
    for layer in ("blocks.0.attn.qkv", "blocks.1.mlp.fc1", "head"):
        codes = np.concatenate([matrices[layer, image] for image in range(3)], axis=1)
        assert codes.min() == 0
        assert 127 < codes.max() <= 254


def test_each_layer_has_the_bits_of_its_rule(traced):
    rules = {"layer_input_bits": ["*=4", "head=12"]}
    matrices, scales, table = traced("vit", quantization=rules)
    assert [row["bits"] for row in table] == [4] * 9 + [12]
    assert matrices["head", 0].dtype == np.uint16
    assert matrices["head", 0].max() > 255
    assert matrices["blocks.0.attn.qkv", 0].max() <= 15
    row = scales["head"]
    assert row["input_scale"] == pytest.approx((row["input_max"] - row["input_min"]) / 4095)


def test_stem_in_float(traced):
    integer, *_ = traced(fidelity={"first_layer": "float"})
    truncated, *_ = traced(fidelity={"first_layer": "float", "stem_trace": "float_truncated"})
    pixels = DATA.test_images[0, 0]
    centre = integer["features.0", 0].reshape(3, 3, 16, 16)[1, 1]
    np.testing.assert_array_equal(centre, np.rint(pixels * 255))
    centre = truncated["features.0", 0].reshape(3, 3, 16, 16)[1, 1]
    np.testing.assert_array_equal(centre, np.trunc(pixels))
    np.testing.assert_array_equal(truncated["features.3", 0], integer["features.3", 0])


@pytest.mark.parametrize("bits", [4, 12, 16])
def test_codes_use_the_input_bits(traced, bits):
    matrices, *_ = traced(quantization={"input_bits": bits})
    # The traced images come near the ends of the ranges that others were calibrated on.
    assert 0.99 * 2**bits - 1 < max(codes.max() for codes in matrices.values()) < 2**bits


@pytest.mark.parametrize(
    ("model", "sections"),
    [
        ("vgg8", {}),
        ("vit", {}),
        ("vit", {"fidelity": {"input_shift": "data_minimum"}}),
        ("vgg8", {"quantization": {"float_layers": ["features.*"]}}),
    ],
)
def test_codes_are_those_of_images_computed_together(traced, untrained, tmp_path, model, sections):
    images = 5
    matrices, *_ = traced(model, chip={"trace_images": images}, **sections)
    point = DesignPoint(
        workload={"model": model},
        quantization={"images": 16, **sections.get("quantization", {})},
        fidelity=sections.get("fidelity", {}),
    )
    network = load_quantized(point, untrained(model), tmp_path / "calibrate", DATA)
    together = {}
    with network.watched(
        lambda layer, c: together.update({layer.shape.name: layer.input_codes(c.x)})
    ):
        network.logits(DATA.test_images[:images], batch=images)
    assert matrices.keys() == {(name, image) for name in together for image in range(images)}
    for name, codes in together.items():
        if sections.get("fidelity"):
            codes = codes - codes.min()
        for image, part in enumerate(np.split(codes, images)):
            np.testing.assert_array_equal(matrices[name, image], part.T)


def test_a_row_group_an_image_and_further_images_change_none(traced, tmp_path):
    *_, few = traced(chip={"trace_images": 2})
    *_, many = traced(chip={"trace_images": 4})
    assert many[: len(few)] == few
    with pq.ParquetFile(tmp_path / "trace.parquet") as file:
        assert file.num_row_groups == 4


def test_memory_does_not_grow_with_images(traced, untrained, tmp_path):
    traced()
    peaks = {}
    for images in (2, 2, 64):  # the first run imports and caches
        point = DesignPoint(quantization={"images": 16}, chip={"trace_images": images})
        folders = {"checkpoint": untrained("vgg8"), "calibration": tmp_path / "calibrate"}
        tracemalloc.start()
        trace(point, **folders, output=tmp_path, provenance={})
        peaks[images] = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert peaks[64] < 1.1 * peaks[2]
