"""Random designs: each gives a finite, positive chip or one line that names what to change."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from cimsim.campaign.design import NODES, DesignPoint
from cimsim.campaign.keys import unflatten
from cimsim.campaign.messages import first_problem
from cimsim.campaign.settings import leaf_fields
from cimsim.errors import UserError
from cimsim.ppa.check import check_supported
from cimsim.ppa.engine import NetworkLayer, evaluate, needs_weights, performance
from cimsim.ppa.parameters import design_context, errors_in_design_terms

NETWORKS = {
    "convolutions": [
        NetworkLayer("stem", 8, 8, 3, 3, 3, 16, False, 36.0),
        NetworkLayer("conv", 8, 8, 16, 3, 3, 24, True, 36.0),
        NetworkLayer("deep", 4, 4, 24, 3, 3, 72, False, 4.0),
        NetworkLayer("head", 1, 1, 288, 1, 1, 10, False, 1.0),
    ],
    "several tile rows": [
        NetworkLayer("wide", 5, 5, 140, 3, 3, 40, True, 9.0),
        NetworkLayer("conv", 5, 5, 40, 3, 3, 200, False, 9.0),
    ],
    "tokens": [
        NetworkLayer("embed", 4, 4, 48, 1, 1, 96, False, 16.0),
        NetworkLayer("mix", 4, 4, 96, 1, 1, 48, False, 16.0),
    ],
    "one small layer": [NetworkLayer("only", 1, 1, 5, 1, 1, 3, False, 1.0)],
    "many kernels": [
        NetworkLayer("stem", 9, 9, 3, 7, 7, 16, True, 2.25),
        NetworkLayer("one", 5, 5, 16, 1, 1, 40, False, 25.0),
        NetworkLayer("five", 5, 5, 40, 5, 5, 8, False, 1.0),
        NetworkLayer("three", 5, 5, 8, 3, 3, 16, False, 9.0),
    ],
}

CHOICES = {
    "quantization.weight_bits": range(2, 9),
    "quantization.input_bits": range(2, 9),
    "cell.technology": ["sram", "rram", "fefet", "nvcap"],
    "cell.access": ["cmos", "none"],
    "cell.bits": [1, 1, 2, 4],
    "cell.resistance_on": [6e3, 3e4, 2.4e5],
    "cell.resistance_off": [1e5, 1e6, 1e8],
    "cell.circuit.relaxed_height": [False, True],
    "cell.circuit.relaxed_width": [False, True],
    "cell.circuit.write_voltage": [1.2, 2.0],
    "cell.circuit.read_voltage": [None, 0.1],
    "array.adc.kind": ["mlsa", "sar"],
    "array.adc.sensing": ["voltage", "current"],
    "array.adc.bits": [*range(1, 10), 16],
    "array.adc.dummy_columns_shared": [None, 1.0],
    "chip.node": NODES,
    "chip.roadmap": ["lstp", "lstp", "hp"],
    "chip.temperature": [300, 300, 350, 400],
    "chip.mapping": ["novel", "conventional"],
    "chip.pipeline": [True, False],
    "chip.speed_up": [1, 2, 8, 1000],
    "chip.global_bus": ["xy", "htree"],
    "chip.global_buffer": ["register", "sram"],
    "chip.tile_buffer": ["register", "sram"],
    "chip.activation": ["chip", "tile"],
    "chip.activation_function": ["relu", "relu", "sigmoid"],
    "chip.sigmoid_storage": ["sram", "rram"],
    "chip.synchronous": [True, True, False],
    "chip.data_transfer": ["buffered"] * 4 + ["synchronous"],
    "chip.post_layout_calibration": [True, False],
    "chip.buses.global_delay_tolerance": [0.0, 0.1, 10.0],
    "chip.buses.tile_delay_tolerance": [0.0, 0.3],
    "chip.buses.max_global_width": [2.0, 1000.0, 1e9],
    "chip.buffers.global_rows": [1, 64],
    "chip.buffers.tile_columns": [1, 32, 1000],
    "chip.drivers.repeaters": [None, None, 0, 2],
    "chip.drivers.repeater_size": [None, 4.0],
    "chip.drivers.tuned_cells": [True, False],
    "chip.wires.local_width": [None, 8, 200],
} | {
    name: [False, False, False, True]
    for name in leaf_fields()
    if name.startswith("fidelity.circuit.")
}
"""Values of fields that are drawn independently."""


def divisors(count):
    return [n for n in range(1, count + 1) if count % n == 0]


@st.composite
def designs(draw):
    fields = {name: draw(st.sampled_from(list(values))) for name, values in CHOICES.items()}
    rows = draw(st.sampled_from([1, 2, 8, 16, 32, 64, 96, 100, 128, 256, 1024]))
    columns = draw(st.sampled_from([1, 4, 16, 32, 64, 96, 128, 256, 1024]))
    groups = [1, rows, *divisors(rows)]
    fields |= {
        "array.rows": rows,
        "array.columns": columns,
        "array.parallel_rows": draw(st.sampled_from(groups)),
        "array.adc.columns_shared": draw(st.sampled_from(divisors(columns))),
    }
    return mended(fields) if draw(st.integers(0, 3)) else fields


def mended(fields):
    """Return a design without the contradictions that independent draws mostly have."""
    memory, node = fields["cell.technology"], fields["chip.node"]
    if memory == "nvcap":
        node, fields["array.adc.sensing"] = 22, "voltage"
        fields["array.parallel_rows"] = max(2, fields["array.parallel_rows"])
    if memory == "rram":
        node = max(node, 22)
    if memory == "sram":
        fields["cell.bits"] = 1
    if node <= 14:
        fields |= {"chip.roadmap": "lstp", "chip.temperature": 300}
    if fields["chip.temperature"] != 300 and memory in ("rram", "fefet"):
        fields["cell.resistance_on"] = 2.4e5
    fields["cell.resistance_off"] = max(
        fields["cell.resistance_off"], 2 * fields["cell.resistance_on"]
    )
    fields["cell.bits"] = min(fields["cell.bits"], fields["quantization.weight_bits"])
    if not fields["chip.synchronous"]:
        if memory == "sram":
            fields |= {"chip.global_buffer": "sram", "chip.tile_buffer": "sram"}
        fields |= {"chip.synchronous": memory != "sram", "chip.data_transfer": "buffered"}
    if fields["chip.data_transfer"] == "synchronous":
        fields |= {
            "chip.global_bus": "htree",
            "chip.global_buffer": "register",
            "chip.activation": "chip",
            "chip.mapping": "novel",
            "chip.pipeline": True,
        }
    if memory != "sram":
        fields["chip.sigmoid_storage"] = "rram"
    if memory == "nvcap":
        fields["chip.activation_function"] = "relu"
    if fields["chip.drivers.repeaters"]:
        fields["chip.drivers.repeater_size"] = 4.0
    return fields | {"chip.node": node}


def chip_of(point, network):
    """Return figures of a chip and of its layers for random inputs and weights."""
    context = design_context(point)
    draw = np.random.default_rng(1)
    input_top, weight_top = 2**point.quantization.input_bits, 2**point.quantization.weight_bits
    inputs = [
        [draw.integers(0, input_top, (x.rows, int(x.positions)), dtype=np.uint8)] for x in network
    ]
    weights = [
        draw.integers(0, weight_top, (x.rows, x.out_channels), dtype=np.int32) for x in network
    ]
    with errors_in_design_terms(point):
        report = evaluate(context, network, inputs, weights if needs_weights(context) else [])
        report.check_layout()
    operations = sum(2.0 * int(x.positions) * x.rows * x.out_channels for x in network)
    figures = report.chip | performance(report.chip, operations, context)
    return figures, [layer.scalars | layer.energy for layer in report.layers]


def refusal(fields, network):
    """Return what is wrong with a design, or an empty text after checking its chip."""
    try:
        figures, layers = chip_of(DesignPoint.model_validate(unflatten(fields)), network)
    except UserError as error:
        return str(error)
    except ValidationError as error:
        return ": ".join(map(str, first_problem(error, DesignPoint)))
    for name in ("area_m2", "latency_s", "energy_dynamic_j", "tops", "tops_per_w", "frames_per_s"):
        assert figures[name] > 0, name
    for name, figure in [*figures.items(), *(item for layer in layers for item in layer.items())]:
        assert math.isfinite(figure), name
        # Accumulation hides behind sensing: without an active row, less than nothing is left
        # (chip quirk 27).
        assert figure >= 0 or name == "latency_accumulation_s", name
    return ""


def check(fields, network):
    message = refusal(fields, network)
    assert "\n" not in message
    if message:
        assert any(name.rpartition(".")[2] in message for name in fields), message
        says = ("allowed", "must", "supports", "needs", "tables for", "only where", "use ", "room")
        assert any(word in message for word in says), message


@settings(max_examples=150, deadline=None)
@given(fields=designs(), network=st.sampled_from(sorted(NETWORKS)))
def test_a_random_design_gives_a_chip_or_says_what_to_change(fields, network):
    check(fields, NETWORKS[network])


@pytest.mark.slow
@settings(max_examples=6000, deadline=None)
@given(fields=designs(), network=st.sampled_from(sorted(NETWORKS)))
def test_many_random_designs(fields, network):
    check(fields, NETWORKS[network])


@settings(max_examples=100, deadline=None)
@given(fields=designs())
def test_what_the_check_before_a_campaign_accepts_gives_a_chip(fields):
    try:
        point = DesignPoint.model_validate(unflatten(fields))
        check_supported(point)
    except (UserError, ValidationError):
        return
    # All that is left to find out late: which layers a network has.
    message = refusal(fields, NETWORKS["convolutions"])
    assert not message or "the network has none" in message
