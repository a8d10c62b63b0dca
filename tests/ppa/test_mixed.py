"""Chips whose layers differ in the bits of weights, inputs and ADCs."""

import numpy as np
import pyarrow as pa
import pytest
from pydantic import ValidationError

from cimsim import schemas
from cimsim.campaign.design import DesignPoint
from cimsim.errors import UserError
from cimsim.ppa.engine import Activity, NetworkLayer, needs_weights
from cimsim.ppa.parameters import design_context
from cimsim.ppa.stage import Network, evaluate_design

from .test_ppa_stage import SHAPES, layer_rows

NAMES = [shape[0] for shape in SHAPES]
NETWORK = [
    NetworkLayer("conv", 6, 6, 16, 3, 3, 24, True, 36.0),
    NetworkLayer("head", 1, 1, 216, 1, 1, 10, False, 1.0),
]
TRACE = [[np.ones((x.rows, int(x.positions)), dtype=np.uint8)] for x in NETWORK]
SAR = {"adc": {"kind": "sar"}}


def tables(weight_bits=None, input_bits=None):
    """Return mapping and trace with the low bits of the same codes, whatever the precision."""
    draw = np.random.default_rng(5)
    layers, weights, trace = layer_rows(), [], []
    for row in layers:
        name, size = row["layer"], (row["rows"], row["columns"])
        bits = (weight_bits or {}).get(name, 8)
        codes = draw.integers(-(2**15) + 1, 2**15, size) >> (16 - bits)
        kind = np.int8 if bits <= 8 else np.int16
        stored = codes.astype(kind).tobytes()
        weights.append({"layer": name, "rows": size[0], "columns": size[1], "codes": stored})
        bits = (input_bits or {}).get(name, 8)
        x = draw.integers(0, 2**16, (row["rows"], row["vectors"])) & (2**bits - 1)
        codes = x.astype(np.uint8 if bits <= 8 else np.uint16).tobytes()
        shape = {"rows": row["rows"], "vectors": row["vectors"], "bits": bits, "codes": codes}
        trace.append({"layer": name, "image": 0, **shape})
    return Network(
        pa.Table.from_pylist(layers, schema=schemas.LAYERS),
        pa.Table.from_pylist(weights, schema=schemas.WEIGHT_CODES),
        pa.Table.from_pylist(trace, schema=schemas.TRACE),
    )


def design(weights=(), inputs=(), adcs=(), bits=(8, 8, 7), array=None, **sections):
    array = dict(array or {})
    adc = {"bits": bits[2], "layer_bits": adcs, **array.pop("adc", {})}
    return DesignPoint(
        quantization={
            "weight_bits": bits[0],
            "input_bits": bits[1],
            "layer_weight_bits": weights,
            "layer_input_bits": inputs,
        },
        array={"adc": adc, **array},
        **sections,
    )


def layer(result, name, column):
    return result["layers"][column][result["layers"]["layer"].index(name)]


@pytest.mark.parametrize("array", [{}, SAR, {"parallel_rows": 1}], ids=["mlsa", "sar", "rows"])
@pytest.mark.parametrize("technology", ["rram", "sram"])
def test_the_same_rule_for_all_layers_is_the_design_with_these_bits(array, technology):
    few, narrow = dict.fromkeys(NAMES, 5), dict.fromkeys(NAMES, 3)
    shared = tables(few, narrow)
    plain = design(bits=(5, 3, 6), array=array, cell={"technology": technology})
    rules = design(["*=5"], ["*=3"], ["*=6"], array=array, cell={"technology": technology})
    assert evaluate_design(rules, shared) == evaluate_design(plain, shared)


@pytest.mark.parametrize("technology", ["rram", "sram"])
def test_other_layers_do_not_notice_the_input_bits_of_one(technology):
    cell = {"technology": technology}
    plain = evaluate_design(design(cell=cell), tables())
    mixed = evaluate_design(design(inputs=["tokens=4"], cell=cell), tables(None, {"tokens": 4}))
    assert mixed["chip"]["clock_period_s"] == plain["chip"]["clock_period_s"]
    for name in NAMES:
        factor = 0.5 if name == "tokens" else 1.0  # half the reads of the same cells
        adc = "latency_adc_s"
        assert layer(mixed, name, adc) == factor * layer(plain, name, adc)
    assert layer(mixed, "tokens", "energy_adc_j") < 0.6 * layer(plain, "tokens", "energy_adc_j")
    # The tiles of the others are the same, and so are their ADCs.
    for name in ("stem", "head"):
        assert layer(mixed, name, "energy_adc_j") == layer(plain, name, "energy_adc_j")
        assert layer(mixed, name, "energy_accumulation_j") == pytest.approx(
            layer(plain, name, "energy_accumulation_j"), rel=1e-2
        )


def test_half_the_weight_bits_are_half_the_subarrays_and_their_sensing():
    small = {"rows": 16, "columns": 16, "parallel_rows": 16}  # 24 x 8 columns fill 12 of them
    fidelity = {"circuit": {"empty_elements": True}}
    plain = evaluate_design(design(array=small, fidelity=fidelity), tables())
    mixed = evaluate_design(
        design(["tokens=4"], array=small, fidelity=fidelity), tables({"tokens": 4})
    )
    assert layer(mixed, "tokens", "energy_adc_j") == pytest.approx(
        0.5 * layer(plain, "tokens", "energy_adc_j"), rel=1e-9
    )
    for name in ("stem", "conv", "head"):
        assert layer(mixed, name, "energy_adc_j") == layer(plain, name, "energy_adc_j")


@pytest.mark.parametrize("array", [{}, SAR], ids=["mlsa", "sar"])
def test_an_adc_of_its_own_costs_what_it_costs_in_a_chip_of_such_adcs(array):
    shared = tables()
    few, many = (evaluate_design(design(bits=(8, 8, b), array=array), shared) for b in (4, 7))
    mixed = evaluate_design(design(adcs=["head=4"], array=array), shared)
    assert layer(mixed, "head", "energy_adc_j") == pytest.approx(
        layer(few, "head", "energy_adc_j"), rel=1e-9
    )
    for name in NAMES[:-1]:
        assert layer(mixed, name, "energy_adc_j") == layer(many, name, "energy_adc_j")
    area = "area_adc_m2"
    assert few["chip"][area][0] < mixed["chip"][area][0] < many["chip"][area][0]
    period = "clock_period_s"
    assert mixed["chip"][period] == max(few["chip"][period], many["chip"][period])


@pytest.mark.parametrize("array", [{}, SAR], ids=["mlsa", "sar"])
def test_parts_of_a_mixed_chip_add_up(array):
    bits = {"stem": 9, "head": 3}
    point = design(["stem=9", "head=3"], ["stem=9", "head=3"], ["conv=5"], array=array)
    assert needs_weights(design_context(design(array=array))) == bool(array)
    result = evaluate_design(point, tables(bits, bits))
    chip, components = result["chip"], result["components"]
    entries = list(
        zip(components["scope"], components["area_m2"], components["leakage_w"], strict=True)
    )
    assert sum(e[1] for e in entries if e[0] == "chip") == pytest.approx(
        chip["area_m2"][0], rel=1e-12
    )
    assert sum(result["layers"]["energy_dynamic_j"]) == pytest.approx(
        chip["energy_dynamic_j"][0], rel=1e-12
    )
    assert sum(result["layers"]["energy_leakage_j"]) == pytest.approx(
        chip["energy_leakage_j"][0], rel=1e-12
    )
    classes = ("area_array_m2", "area_adc_m2", "area_accumulation_m2", "area_other_m2")
    assert all(chip[name][0] > 0 for name in classes)


def test_synchronous_transfer_of_mixed_bits_is_refused():
    chip = {"data_transfer": "synchronous", "global_bus": "htree"}
    with pytest.raises(
        ValidationError, match=r"layer_weight_bits is given but chip\.data_transfer"
    ):
        design(["head=4"], chip=chip)
    equal = design(chip=chip)
    context = design_context(equal)
    activity = Activity(NETWORK, TRACE, [], 8)
    assert activity.evaluate(context).chip["area_m2"] > 0
    with pytest.raises(UserError, match=r"sync_data_transfer .* their bits differ"):
        activity.evaluate(context, [context] * len(NETWORK))
