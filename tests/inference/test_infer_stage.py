"""Networks on arrays: equal to the quantised network when ideal, reproducible when not."""

from dataclasses import replace

import numpy as np
import pytest

from cimsim.calibration.matrix_layer import exact_products
from cimsim.calibration.scales import load_quantized
from cimsim.calibration.stage import calibrate
from cimsim.campaign.design import DesignPoint
from cimsim.campaign.nonideality import Nonideality
from cimsim.devices.program import program_blocks
from cimsim.errors import UserError
from cimsim.inference.network import layer_settings, program_network
from cimsim.inference.stage import infer, quantized_logits
from cimsim.mapping.stage import map_network, read_column_sums
from cimsim.schemas import SEEDS
from cimsim.tables import read_table
from cimsim.workloads.datasets import load_dataset
from cimsim.workloads.stage import make_checkpoint

DATA = load_dataset("digits16")
IMAGES = 12
WIDE_ADC = {"adc": {"bits": 8}}  # 256 codes for sums up to 128: every sum has a code of its own
NOISE = {"device_variation": 0.1, "read_noise": 0.02}


@pytest.fixture(scope="module")
def stages(untrained, tmp_path_factory):
    """Return ``run(model, **sections)``: design point and folders up to the map stage."""
    made = {}

    def run(model="vgg8", quantization=None, **sections):
        workload = {"model": model, "images": IMAGES}
        quantization = {"images": 32, **(quantization or {})}
        point = DesignPoint(workload=workload, quantization=quantization, **sections)
        key = point.model_dump_json()
        if key not in made:
            root = tmp_path_factory.mktemp("stages")
            folders = {"checkpoint": untrained(model), "calibration": root / "calibrate"}
            calibrate(
                point,
                checkpoint=folders["checkpoint"],
                output=folders["calibration"],
                provenance={},
            )
            map_network(point, **folders, output=root / "map", provenance={})
            made[key] = {**folders, "mapping": root / "map"}
        return point, made[key]

    return run


def seeds_table(point, folders, seeds, output):
    infer(point, seeds, **folders, output=output, provenance={"stage": "infer"})
    name = f"seeds_{seeds[0]:04d}_{seeds[-1]:04d}.parquet"
    return read_table(output / name, SEEDS).to_pylist()


def programmed(point, folders, seed):
    network = load_quantized(point, folders["checkpoint"], folders["calibration"], DATA)
    sums = read_column_sums(folders["mapping"], point)
    program_network(network, layer_settings(point, network, sums), seed)
    return network


MIXED = {
    "layer_weight_bits": ["*=6", "*0*=2", "first=8", "last=16"],
    "layer_input_bits": ["*=5", "*0*=2", "first=8", "last=16"],
}


@pytest.mark.parametrize("model", ["vgg8", "vit"])
def test_ideal_arrays_with_another_precision_for_each_layer(stages, tmp_path, model):
    rules = ["*=8"]  # of ADCs, without which they have 3 bits
    point, folders = stages(model, MIXED, array={"adc": {"bits": 3, "layer_bits": rules}})
    network = programmed(point, folders, 0)
    bits = [(layer.coding.bits, np.abs(layer.weights.codes).max()) for layer in network.layers]
    assert bits[0] == (8, 127)
    assert bits[-1] == (16, 32767)
    assert set(bits[1:-1]) == {(5, 31), (2, 1)}
    assert layer_settings(point, network, {})[network.names[-1]].weight_bits == 16
    (row,) = seeds_table(point, folders, range(1), tmp_path)
    assert row["logit_error_rms"] == 0.0


def test_an_adc_of_few_bits_in_one_layer(stages, tmp_path):
    point, folders = stages(array={"adc": {"bits": 8, "layer_bits": ["last=4"]}})
    settings = layer_settings(point, programmed(point, folders, 0), {})
    assert [one.adc_top for one in settings.values()] == [255] * 7 + [15]
    (row,) = seeds_table(point, folders, range(1), tmp_path)
    assert row["logit_error_rms"] > 0.0


@pytest.mark.parametrize(
    "quantization",
    [
        {"input_range": "symmetric", "observer": "entropy", "weight_scale": "tensor"},
        {
            "input_range": "symmetric",
            "observer": "mse",
            "input_bits": 5,
            "weight_bits": 3,
            "weight_observer": "mse",
        },
        {"observer": "entropy", "input_bits": 6},
        {"fold_batch_norm": False, "float_layers": ["first", "last"]},
    ],
    ids=["symmetric-entropy-tensor", "symmetric-mse", "affine-entropy", "batch-norm"],
)
@pytest.mark.parametrize("model", ["vgg8", "vit"])
def test_ideal_arrays_for_every_quantiser(stages, tmp_path, model, quantization):
    point, folders = stages(model, quantization, array=WIDE_ADC)
    (row,) = seeds_table(point, folders, range(1), tmp_path)
    assert row["logit_error_rms"] == 0.0


@pytest.mark.parametrize(
    "sections",
    [
        {"array": WIDE_ADC},
        {"array": {**WIDE_ADC, "signed_weights": "differential"}},
        {"array": {"adc": {"bits": 9}, "signed_weights": "twos_complement"}, "cell": {"bits": 2}},
        {"array": {"adc": {"bits": 8, "range": {"policy": "calibrated", "percentile": 100.0}}}},
    ],
    ids=["offset", "differential", "twos-complement", "calibrated"],
)
def test_ideal_arrays_for_products_of_activations(stages, tmp_path, sections):
    chip = {"dynamic_products": "sram_array"}
    array, folders = stages("vit", {"dynamic_products": "array"}, chip=chip, **sections)
    _, integer = stages("vit", {"dynamic_products": "integer"}, **sections)
    (row,) = seeds_table(array, folders, range(1), tmp_path)
    assert row["logit_error_rms"] == 0.0
    np.testing.assert_array_equal(
        quantized_logits(folders["calibration"], IMAGES),
        quantized_logits(integer["calibration"], IMAGES),
    )
    sums = read_column_sums(folders["mapping"], array)
    names = {f"blocks.{n}.attn.{what}" for n in (0, 1) for what in ("scores", "values")}
    assert names < sums.keys()
    assert not names & read_column_sums(integer["mapping"], array).keys()


@pytest.mark.parametrize("model", ["vgg8", "vit"])
@pytest.mark.parametrize(
    "sections",
    [
        {"array": WIDE_ADC},
        {"cell": {"technology": "sram"}, "array": WIDE_ADC},
        {"cell": {"bits": 2}, "array": {"parallel_rows": 32, "dac_bits": 2, "adc": {"bits": 9}}},
        {"array": {"adc": {"bits": 8, "range": {"policy": "calibrated", "percentile": 100.0}}}},
        {"array": WIDE_ADC, "fidelity": {"input_shift": "data_minimum"}},
        {"array": WIDE_ADC, "fidelity": {"first_layer": "float"}},
        {"array": {**WIDE_ADC, "signed_weights": "differential"}, "cell": {"bits": 1}},
        {"array": {"adc": {"bits": 9}, "signed_weights": "twos_complement"}, "cell": {"bits": 2}},
        {"cell": {"technology": "nvcap"}, "array": WIDE_ADC},
    ],
    ids=[
        "rram",
        "sram",
        "two-bits",
        "calibrated",
        "data-minimum",
        "first-float",
        "differential",
        "twos-complement",
        "nvcap",
    ],
)
def test_an_ideal_array_gives_the_quantised_networks_logits(stages, model, sections):
    point, folders = stages(model, **sections)
    expected = quantized_logits(folders["calibration"], IMAGES)
    network = programmed(point, folders, seed=3)
    np.testing.assert_array_equal(network.logits(DATA.test_images[:IMAGES]), expected)


@pytest.mark.slow
@pytest.mark.parametrize("model", ["vgg8", "vit"])
def test_an_ideal_array_of_a_trained_network_on_all_images(model, tmp_path):
    point = DesignPoint(workload={"model": model}, array=WIDE_ADC)
    names = {"checkpoint": tmp_path / "c", "calibration": tmp_path / "q", "mapping": tmp_path / "m"}
    make_checkpoint(point, output=names["checkpoint"], provenance={})
    calibrate(point, checkpoint=names["checkpoint"], output=names["calibration"], provenance={})
    map_network(
        point,
        checkpoint=names["checkpoint"],
        calibration=names["calibration"],
        output=names["mapping"],
        provenance={},
    )
    expected = quantized_logits(names["calibration"], 450)
    found = programmed(point, names, seed=0).logits(DATA.test_images)
    np.testing.assert_array_equal(found, expected)
    assert (found.argmax(axis=1) == DATA.test_labels).mean() > 0.93


def test_a_point_without_randomness_has_one_result_for_all_seeds(stages, tmp_path):
    point, folders = stages(array=WIDE_ADC)
    table = seeds_table(point, folders, range(4, 7), tmp_path)
    assert [row.pop("seed") for row in table] == [4, 5, 6]
    assert table[0] == table[1] == table[2]
    assert table[0]["logit_error_rms"] == 0.0
    assert table[0]["images"] == len(table[0]["predictions"]) == IMAGES


@pytest.mark.parametrize("model", ["vgg8", "vit"])
def test_seeds_differ_and_do_not_depend_on_their_block(stages, tmp_path, model):
    point, folders = stages(model, array=WIDE_ADC, nonideality=NOISE)
    block = seeds_table(point, folders, range(3), tmp_path)
    alone = seeds_table(point, folders, range(2, 3), tmp_path)
    errors = [row["logit_error_rms"] for row in block]
    assert len(set(errors)) == 3
    assert min(errors) > 0.01
    assert alone == block[2:]
    labels = DATA.test_labels[:IMAGES]
    for row in block:
        assert row["correct"] == int((np.array(row["predictions"]) == labels).sum())
        assert row["accuracy"] == row["correct"] / IMAGES


@pytest.mark.parametrize("model", ["vgg8", "vit"])
def test_noise_does_not_depend_on_the_batch_size(stages, model):
    point, folders = stages(model, array=WIDE_ADC, nonideality=NOISE)
    network = programmed(point, folders, seed=1)
    images = DATA.test_images[:IMAGES]
    expected = network.logits(images)
    np.testing.assert_array_equal(network.logits(images, batch=5), expected)
    np.testing.assert_array_equal(network.logits(images[7:], first_image=7), expected[7:])
    assert not np.array_equal(network.logits(images[7:], first_image=6), expected[7:])


def test_layers_have_noise_of_their_own(stages):
    # With one layer on noisy arrays at a time, the errors of different layers are unrelated.
    point, folders = stages(array=WIDE_ADC, nonideality={"device_variation": 0.1})
    network = programmed(point, folders, seed=0)
    ideal = quantized_logits(folders["calibration"], IMAGES)
    noisy = {layer.shape.name: layer.products for layer in network.layers}
    errors = []
    for chosen in ("classifier.0", "classifier.2"):
        for layer in network.layers:
            name = layer.shape.name
            layer.products = noisy[name] if name == chosen else exact_products(layer)
        errors.append((network.logits(DATA.test_images[:IMAGES]) - ideal).ravel())
    assert all(np.abs(error).max() > 0 for error in errors)
    assert abs(np.corrcoef(errors)[0, 1]) < 0.5


def test_error_grows_with_noise_and_with_fewer_adc_bits(stages, tmp_path):
    def error(**sections):
        point, folders = stages(**sections)
        return seeds_table(point, folders, range(1), tmp_path)[0]["logit_error_rms"]

    small = error(array=WIDE_ADC, nonideality={"device_variation": 0.05})
    large = error(array=WIDE_ADC, nonideality={"device_variation": 0.2})
    assert 0 < 2 * small < large
    assert 0 < error(array={"adc": {"bits": 6}}) < error(array={"adc": {"bits": 5}})


def test_a_fitting_range_beats_the_full_range(stages, tmp_path):
    # Column sums stay far below 128, the largest one possible.
    def error(policy):
        adc = {"bits": 6, "range": {"policy": policy, "percentile": 99.99}}
        point, folders = stages(array={"adc": adc})
        return seeds_table(point, folders, range(1), tmp_path)[0]["logit_error_rms"]

    assert error("calibrated") < error("full")


def test_predictions_of_another_number_of_images_are_refused(stages):
    _, folders = stages(array=WIDE_ADC)
    with pytest.raises(UserError, match=r"predictions\.parquet: 12 images instead of 9"):
        quantized_logits(folders["calibration"], 9)


@pytest.fixture
def unbounded(tmp_path):
    """Cells whose spread is far above a step, so that sums leave the range of the kernels."""
    file = tmp_path / "states.csv"
    file.write_text("mean,std\n1.0e-6,1.0\n1.1e-6,1.0\n")
    return {"cell": {"states_file": str(file)}, "fidelity": {"negative_conductance": "keep"}}


def test_what_the_kernels_refuse_names_the_layer_and_the_design(stages, tmp_path, unbounded):
    point, folders = stages()
    point = DesignPoint.model_validate(point.model_dump(exclude_defaults=True) | unbounded)
    message = (
        r"layer features\.0, with 2 states a cell, 128 rows .* ADC codes up to 127: the array "
        r"kernels cannot compute it: conductances: sums of a row group reach \d+"
    )
    with pytest.raises(UserError, match=message):
        seeds_table(point, folders, range(1), tmp_path)


def test_what_the_kernels_refuse_at_a_product_names_the_layer(stages, monkeypatch):
    network = programmed(*stages(), 0)
    monkeypatch.setenv("CIMSIM_ISA", "none")
    with pytest.raises(UserError, match=r"layer features\.0, .*instruction set is 'none'; allowed"):
        network.logits(DATA.test_images[:1])


def test_mistakes_in_python_code_are_not_taken_for_refusals(stages, monkeypatch):
    point, folders = stages()

    def mistaken(slice_, first, last):
        raise ValueError("a mistake")

    def program(*given):
        return replace(program_blocks(*given), effective=mistaken)

    monkeypatch.setattr("cimsim.arrays.product.program_blocks", program)
    noisy = point.model_copy(update={"nonideality": Nonideality(device_variation=0.1)})
    with pytest.raises(ValueError, match="a mistake") as raised:
        programmed(noisy, folders, 0)
    assert not isinstance(raised.value, UserError)
