"""The ppa stage: from tables of a mapping and a trace to the tables of a chip."""

import subprocess
import sys

import numpy as np
import pyarrow as pa
import pytest

from cimsim import schemas
from cimsim.campaign.design import DesignPoint
from cimsim.errors import UserError
from cimsim.ppa.parameters import engine_parameters
from cimsim.ppa.stage import Network, evaluate_design

SHAPES = [
    # name, channels, height, width, kernel, outputs, stride, padding, pooled
    ("stem", 3, 8, 8, 3, 16, 1, 1, False),
    ("conv", 16, 8, 8, 3, 16, 1, 1, True),
    ("tokens", 32, 10, 1, 1, 24, 1, 0, False),
    ("head", 256, 1, 1, 1, 10, 1, 0, False),
]
"""A convolutional stem, another convolution, a linear layer on tokens and a classifier."""

SMALL = {"array": {"rows": 16, "columns": 16, "parallel_rows": 16}}


def layer_rows(off_array=()):
    rows = []
    for index, (name, channels, h, w, kernel, outputs, stride, padding, pooled) in enumerate(
        SHAPES
    ):
        out_h = (h + 2 * padding - kernel) // stride + 1
        out_w = (w + 2 * padding - kernel) // stride + 1 if w > 1 else 1
        rows.append(
            {
                "layer": name,
                "index": index,
                "kind": "conv" if kernel > 1 else "linear",
                "in_channels": channels,
                "in_height": h,
                "in_width": w,
                "kernel_height": kernel,
                "kernel_width": kernel,
                "out_channels": outputs,
                "out_height": out_h,
                "out_width": out_w,
                "stride": stride,
                "padding": padding,
                "groups": 1,
                "pooled": pooled,
                "on_array": name not in off_array,
                "rows": channels * kernel**2,
                "columns": outputs,
                "vectors": out_h * out_w,
                "cells_per_weight": 8,
                "row_groups": 1,
                "subarrays": 1,
                "cell_utilization": 1.0,
            }
        )
    return rows


def table(rows, schema):
    return pa.Table.from_pylist(rows, schema=schema)


def tables(images=1, off_array=(), weight_bits=8, input_bits=8, fill=None):
    draw = np.random.default_rng(11)
    layers = layer_rows(off_array)
    top = 2 ** (weight_bits - 1) - 1
    weights, trace = [], []
    for row in layers:
        size = (row["rows"], row["columns"])
        codes = draw.integers(-top, top + 1, size, dtype=np.int8)
        if fill is not None:
            codes = np.full(size, fill, dtype=np.int8)
        weights.append(
            {"layer": row["layer"], "rows": size[0], "columns": size[1], "codes": codes.tobytes()}
        )
        for image in range(images):
            x = draw.integers(0, 2**input_bits, (row["rows"], row["vectors"]), dtype=np.uint8)
            trace.append(
                {
                    "layer": row["layer"],
                    "image": image,
                    "rows": row["rows"],
                    "vectors": row["vectors"],
                    "bits": input_bits,
                    "codes": x.tobytes(),
                }
            )
    return (
        table(layers, schemas.LAYERS),
        table(weights, schemas.WEIGHT_CODES),
        table(trace, schemas.TRACE),
    )


def network(**options):
    return Network(*tables(**options))


def scalar(result, name):
    return result["chip"][name][0]


def test_tables_of_the_default_design():
    layers, weights, trace = tables()
    result = evaluate_design(DesignPoint(), Network(layers, weights, trace))
    assert set(result["chip"]) == set(schemas.CHIP.names)
    assert set(result["layers"]) == set(schemas.PPA_LAYERS.names)
    assert result["layers"]["layer"] == [shape[0] for shape in SHAPES]
    assert result["layers"]["index"] == [0, 1, 2, 3]
    assert result["layers"]["mapping"] == ["conventional", "novel", "conventional", "conventional"]
    assert sum(result["layers"]["energy_dynamic_j"]) == pytest.approx(
        scalar(result, "energy_dynamic_j"), rel=1e-12
    )
    components = result["components"]
    chip = [i for i, scope in enumerate(components["scope"]) if scope == "chip"]
    assert sum(components["area_m2"][i] for i in chip) == pytest.approx(
        scalar(result, "area_m2"), rel=1e-12
    )
    names = {components["component"][i] for i in chip}
    assert {"array", "adc", "column_mux", "tile_htree", "global_bus", "layout"} <= names
    for layer, energy in zip(
        result["layers"]["layer"], result["layers"]["energy_dynamic_j"], strict=True
    ):
        joule = [
            components["energy_j"][i]
            for i, scope in enumerate(components["scope"])
            if scope == layer
        ]
        assert sum(joule) == pytest.approx(energy, rel=1e-12)


@pytest.mark.parametrize(
    "design",
    [
        SMALL,
        SMALL | {"cell": {"technology": "sram"}},
        {"cell": {"technology": "sram"}, "chip": {"node": 7}},
        {"cell": {"technology": "fefet", "bits": 2}},
        {"cell": {"technology": "nvcap", "access": "none"}},
        {"cell": {"access": "none"}, "array": {"adc": {"kind": "sar"}}},
        {"array": {"parallel_rows": 1}, "cell": {"bits": 2}},
        {"array": {"parallel_rows": 32, "adc": {"sensing": "current", "bits": 5}}},
        {"chip": {"mapping": "conventional", "pipeline": False, "activation": "tile"}},
        {"chip": {"global_bus": "htree", "global_buffer": "sram", "tile_buffer": "sram"}},
        {"chip": {"post_layout_calibration": False}},
        {"cell": {"technology": "sram"}, "chip": {"activation_function": "sigmoid"}},
        {
            "cell": {"technology": "sram"},
            "chip": {"synchronous": False, "global_buffer": "sram", "tile_buffer": "sram"},
        },
    ],
)
def test_designs_of_every_kind_give_a_chip(design):
    result = evaluate_design(DesignPoint(**design), network())
    for name in ("area_m2", "latency_s", "energy_dynamic_j", "tops_per_w"):
        assert scalar(result, name) > 0
    assert 0 < scalar(result, "memory_utilization") <= 1


def test_operations_and_vectors_count_padding_or_follow_the_reference():
    layers, weights, trace = tables()
    ours = evaluate_design(DesignPoint(), Network(layers, weights, trace))
    point = DesignPoint(fidelity={"trace_vectors": "unpadded"})
    theirs = evaluate_design(point, Network(layers, weights, trace))
    # 2 K N V, by hand: 8 x 8 output pixels of both convolutions, 10 tokens, one head. The
    # reference counts the same here (stride 1), but processes 6 x 6 of the 8 x 8 pixels.
    by_hand = 2.0 * (64 * 27 * 16 + 64 * 144 * 16 + 10 * 32 * 24 + 256 * 10)
    assert scalar(ours, "operations") == by_hand
    assert scalar(theirs, "operations") == by_hand
    ratio = theirs["layers"]["latency_s"][1] / ours["layers"]["latency_s"][1]
    assert ratio == pytest.approx(36 / 64, rel=0.05)
    assert theirs["layers"]["latency_s"][2:] == ours["layers"]["latency_s"][2:]


def test_a_layer_without_unpadded_vectors_is_named():
    layers, weights, trace = tables()
    rows = layers.to_pylist()
    rows[1] |= {"in_height": 2, "in_width": 2}
    point = DesignPoint(fidelity={"trace_vectors": "unpadded"})
    with pytest.raises(UserError) as caught:
        evaluate_design(point, Network(pa.Table.from_pylist(rows, layers.schema), weights, trace))
    assert f"layer {rows[1]['layer']}: fidelity.trace_vectors is unpadded" in str(caught.value)
    assert "map (2 x 2) is smaller than the kernel (3 x 3); allowed: all" in str(caught.value)


def test_weight_digits_matter_where_columns_are_sensed():
    sar = {"array": {"adc": {"kind": "sar"}}}
    parity = {"fidelity": {"weight_digits": "parity"}}
    stored = evaluate_design(DesignPoint(**sar), network())
    reference = evaluate_design(DesignPoint(**sar, **parity), network())
    assert scalar(reference, "energy_adc_j") < scalar(stored, "energy_adc_j")
    assert scalar(reference, "area_m2") == scalar(stored, "area_m2")
    voltage = evaluate_design(DesignPoint(), network())
    assert evaluate_design(DesignPoint(**parity), network()) == voltage


def test_stored_codes_are_offset_binary():
    # The lowest weight, -127, leaves one cell of eight on; the highest, 127, all of them.
    sar = DesignPoint(array={"adc": {"kind": "sar"}})
    energies = [
        scalar(evaluate_design(sar, network(fill=code)), "energy_adc_j") for code in (-127, 127)
    ]
    assert energies[0] < energies[1]


def test_energy_is_the_mean_over_images():
    layers, weights, trace = tables(images=2)
    point = DesignPoint(chip={"trace_images": 2})
    both = evaluate_design(point, Network(layers, weights, trace))
    single = [
        evaluate_design(
            point, Network(layers, weights, trace.filter(pa.compute.equal(trace["image"], i)))
        )
        for i in (0, 1)
    ]
    mean = sum(scalar(one, "energy_dynamic_j") for one in single) / 2
    assert scalar(both, "energy_dynamic_j") == pytest.approx(mean, rel=1e-12)


def test_layers_off_the_arrays_are_left_out():
    result = evaluate_design(DesignPoint(), network(off_array=("tokens",)))
    assert result["layers"]["layer"] == ["stem", "conv", "head"]
    assert result["layers"]["index"] == [0, 1, 3]
    with pytest.raises(UserError, match="no layer of the network is on the arrays"):
        evaluate_design(DesignPoint(), network(off_array=[shape[0] for shape in SHAPES]))


def test_the_reference_places_its_floating_point_stem():
    point = DesignPoint(fidelity={"first_layer": "float"})
    result = evaluate_design(point, network(off_array=("stem",)))
    assert result["layers"]["layer"] == [shape[0] for shape in SHAPES]


@pytest.mark.parametrize(
    ("design", "message"),
    [
        ({"array": {"dac_bits": 2}}, "array.dac_bits is 2 .* allowed: 1"),
        ({"chip": {"synchronous": False}}, "chip.synchronous is false .* all three are sram"),
        ({"chip": {"activation_function": "sigmoid"}}, "allowed: relu or sigmoid_storage rram"),
        (
            {"chip": {"temperature": 350}},
            r"access transistor for cell.resistance_on 6000 ohm .* chip.temperature 350",
        ),
        (
            {
                "cell": {"access": "none"},
                "array": {
                    "rows": 32,
                    "columns": 28,
                    "parallel_rows": 32,
                    "adc": {"columns_shared": 4},
                },
            },
            r"an adder of subarray.weight shift add is wider than its subarray; .* array 32 x 28",
        ),
        ({"quantization": {"input_bits": 6}}, "8 input bits but quantization.input_bits is 6"),
    ],
)
def test_designs_without_a_circuit_are_refused_in_one_line(design, message):
    with pytest.raises(UserError, match=message) as error:
        evaluate_design(DesignPoint(**design), network())
    assert "\n" not in str(error.value)


def test_tables_that_do_not_fit_are_refused():
    layers, weights, trace = tables()
    with pytest.raises(UserError, match="layer head is missing in the trace"):
        evaluate_design(DesignPoint(), Network(layers, weights, trace.slice(0, 3)))
    short = trace.to_pylist()
    short[0]["codes"] = short[0]["codes"][:-1]
    with pytest.raises(UserError, match="layer stem: 1727 codes do not make 27 rows of 64"):
        evaluate_design(DesignPoint(), Network(layers, weights, table(short, schemas.TRACE)))


def test_parameters_of_a_design():
    parameters = engine_parameters(
        DesignPoint(
            cell={"technology": "sram"},
            array={"rows": 64, "parallel_rows": 1, "adc": {"bits": 5, "columns_shared": 16}},
            chip={"roadmap": "hp", "tile_buffer": "sram", "output_toggle": 0.25},
        )
    )
    assert parameters["memcelltype"] == 1
    assert parameters["operationmode"] == 1
    assert parameters["numRowSubArray"] == 64
    assert parameters["levelOutput"] == 32
    assert parameters["numColMuxed"] == 16
    assert parameters["deviceroadmap"] == 1
    assert parameters["peBufferType"] == 1
    assert parameters["outputtoggle"] == 0.25
    assert "resistanceOn" not in parameters


def test_the_stage_starts_without_torch_and_pandas():
    code = (
        "import sys, cimsim.ppa.block, cimsim.ppa.verify; "
        "sys.exit(any(name in sys.modules for name in ('torch', 'pandas', 'scipy')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
