"""Grouped convolutions on the chip: as many small matrices, which share tiles and may share
subarrays."""

import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from cimsim import _native
from cimsim.campaign.design import DesignPoint
from cimsim.errors import UserError
from cimsim.mapping.cells import place
from cimsim.ppa.engine import NetworkLayer, evaluate, native_layer, needs_weights
from cimsim.ppa.technology import load_context
from cimsim.workloads.layer_table import LayerShape

DESIGNS = st.fixed_dictionaries(
    {
        "memcelltype": st.sampled_from([1, 2, 3]),
        "operationmode": st.sampled_from([1, 2, 2, 2]),
        "numRowSubArray": st.sampled_from([16, 32]),
        "numColSubArray": st.sampled_from([16, 32]),
        "cellBit": st.sampled_from([1, 2]),
        "SARADC": st.integers(0, 1),
        "novelMapping": st.integers(0, 1),
        "pipeline": st.integers(0, 1),
        "chipActivation": st.integers(0, 1),
        "adderTreeEnergy": st.integers(0, 1),
        "emptyElements": st.integers(0, 1),
    }
)
SIDE = 4
VECTORS = SIDE * SIDE
OFF_TILES = ("chip_", "global_")
"""Parts that serve the whole chip, whose size depends on the number of layers and tiles."""


def conv(channels, outputs, kernel, groups, name="conv"):
    return NetworkLayer(
        name, SIDE, SIDE, channels, kernel, kernel, outputs, False, float(VECTORS), groups
    )


def data(layers, seed=0):
    draw = np.random.default_rng(seed)
    inputs = [[draw.integers(0, 256, (x.rows * x.groups, VECTORS), np.uint8)] for x in layers]
    weights = [draw.integers(0, 256, (x.rows, x.out_channels), np.int32) for x in layers]
    return inputs, weights


def report_of(parameters, layers, inputs, weights):
    context = load_context(parameters)
    try:
        return evaluate(context, layers, inputs, weights if needs_weights(context) else [])
    except UserError as error:
        assert "wider" in str(error) or "fit" in str(error)  # noqa: PT017
        assume(False)
        raise


def plan_of(parameters, layers):
    native = [native_layer(layer) for layer in layers]
    return _native.plan_floor(load_context(parameters).parameters, native)


def in_tiles(energy):
    return {part: joule for part, joule in energy.items() if not part.startswith(OFF_TILES)}


@settings(max_examples=60, deadline=None)
@given(
    parameters=DESIGNS,
    groups=st.sampled_from([2, 3, 8, 40]),
    channels=st.integers(1, 6),
    outputs=st.integers(1, 6),
    kernel=st.sampled_from([1, 3]),
    seed=st.integers(0, 99),
)
def test_a_grouped_layer_draws_what_its_groups_draw_as_layers(
    parameters, groups, channels, outputs, kernel, seed
):
    whole = conv(groups * channels, groups * outputs, kernel, groups)
    parts = [conv(channels, outputs, kernel, 1) for _ in range(groups)]
    # Novel mapping would treat the parts otherwise; both chips must have the same tiles.
    parameters["novelMapping"] *= kernel == 1
    plans = [plan_of(parameters, layers) for layers in ([whole], parts)]
    assume(len({(p.tile_size, p.pe_size, p.novel) for p in plans}) == 1)
    (inputs,), (weights,) = data([whole], seed)
    split = [[part] for part in np.split(inputs[0], groups)]
    stored = [np.ascontiguousarray(part) for part in np.split(weights, groups, axis=1)]
    together = report_of(parameters, [whole], [inputs], [weights]).layers[0]
    apart = report_of(parameters, parts, split, stored).layers
    sensed = {"sar_adc", "multilevel_sense_amplifier"}
    for part, joule in in_tiles(together.energy).items():
        expected = math.fsum(layer.energy[part] for layer in apart)
        # Conductances of columns are counted in cells of 1/1024 of a power of two.
        assert joule == pytest.approx(expected, rel=2e-6 if part in sensed else 1e-12), part


@settings(max_examples=30, deadline=None)
@given(
    parameters=DESIGNS,
    groups=st.integers(2, 40),
    channels=st.integers(1, 16),
    outputs=st.integers(1, 2),
)
def test_every_subarray_of_the_mapping_is_read_once_for_each_bit_vector(
    parameters, groups, channels, outputs
):
    # Of matrices above a subarray the reference reads some as one, and drops or repeats elements
    # (chip quirks 37, 39); these are within one.
    parameters |= {"operationmode": 2, "memcelltype": 2, "cellBit": 1, "novelMapping": 0}
    size = {"rows": parameters["numRowSubArray"], "columns": parameters["numColSubArray"]}
    layer = conv(groups * channels, groups * outputs, 1, groups)
    probe = conv(1, 1, 1, 1)
    report = report_of(parameters, [layer], *data([layer]))
    (one,) = report_of(parameters, [probe], *data([probe])).layers
    shape = LayerShape(
        *("x", "conv", layer.in_channels, SIDE, SIDE, 1, 1, layer.out_channels),
        *(SIDE, SIDE, 1, 0, groups, False),
    )
    point = DesignPoint(array=size | {"parallel_rows": size["rows"], "adc": {"columns_shared": 8}})
    reads = report.layers[0].energy["column_mux"] / one.energy["column_mux"]
    assert reads == pytest.approx(place(shape, point).subarrays, rel=1e-12)


@settings(max_examples=40, deadline=None)
@given(parameters=DESIGNS, seed=st.integers(0, 99))
def test_the_order_of_groups_does_not_matter(parameters, seed):
    layer = conv(12, 24, 3, 4)
    (inputs,), (weights,) = data([layer], seed)
    order = [2, 0, 3, 1]
    moved = np.concatenate([np.split(inputs[0], 4)[g] for g in order])
    stored = np.concatenate([np.split(weights, 4, axis=1)[g] for g in order], axis=1)
    first = report_of(parameters, [layer], [inputs], [weights])
    second = report_of(parameters, [layer], [[moved]], [stored])
    for name, value in first.chip.items():
        assert second.chip[name] == pytest.approx(value, rel=1e-11), name


SQUARE = {"numRowSubArray": 16, "numColSubArray": 16, "novelMapping": 0, "pipeline": 0}
SQUARE |= {"memcelltype": 1, "synapseBit": 4, "numBitInput": 8, "cellBit": 1, "numColMuxed": 4}
"""Tiles of 4 x 4 subarrays of 16 x 16 cells."""


def test_groups_are_read_side_by_side_in_the_subarrays_of_a_tile():
    # 16 groups of 9 rows and one weight fill a tile; so does a matrix of 64 x 16 weights, which has
    # no copies either. Both read all vectors through each subarray, all at the same time.
    depthwise, full = conv(16, 16, 3, 16), conv(64, 16, 1, 1)
    grouped, whole = (report_of(SQUARE, [x], *data([x])) for x in (depthwise, full))
    assert grouped.chip["tiles"] == whole.chip["tiles"] == 1
    assert grouped.chip["area_m2"] == pytest.approx(whole.chip["area_m2"], rel=1e-12)
    for name in ("latency_adc_s", "energy_adc_j"):
        assert grouped.layers[0].scalars[name] > 0
    times = [x.layers[0].scalars["latency_adc_s"] for x in (grouped, whole)]
    assert times[0] == pytest.approx(times[1], rel=1e-12)
    assert grouped.layers[0].scalars["utilization"] == 16 * 9 * 4 / 64**2
    # Twice the channels are twice the tiles and the same time; half of them leave a copy.
    wide = report_of(SQUARE, [conv(32, 32, 3, 32)], *data([conv(32, 32, 3, 32)]))
    assert wide.chip["tiles"] == 2
    assert wide.layers[0].scalars["latency_adc_s"] == pytest.approx(times[0], rel=1e-12)
    narrow = report_of(SQUARE, [conv(8, 8, 3, 8)], *data([conv(8, 8, 3, 8)]))
    assert narrow.layers[0].scalars["speed_up_rows"] == 2
    assert narrow.layers[0].scalars["latency_adc_s"] == pytest.approx(times[0] / 2, rel=1e-12)


def test_groups_that_share_a_subarray_are_read_one_after_another():
    # A weight takes 4 cells in a row, so 16 columns and 16 rows hold four 4 x 1 groups, or one of 9
    # rows.
    layer = conv(64, 64, 2, 64)
    inputs, weights = data([layer])
    alone, four, many = (
        report_of(SQUARE | {"groupsPerSubArray": n}, [layer], inputs, weights) for n in (1, 4, 64)
    )
    assert (alone.chip["tiles"], four.chip["tiles"], many.chip["tiles"]) == (4, 1, 1)
    assert many.chip == four.chip
    one, shared = alone.layers[0], four.layers[0]
    assert in_tiles(shared.energy) == pytest.approx(in_tiles(one.energy), rel=1e-12)
    for name in ("latency_adc_s", "utilization"):
        assert shared.scalars[name] == pytest.approx(4 * one.scalars[name], rel=1e-12)
    large = conv(16, 16, 3, 16)
    single, more = (
        report_of(SQUARE | {"groupsPerSubArray": n}, [large], *data([large])) for n in (1, 16)
    )
    assert single == more


def test_the_mapping_counts_the_same_subarrays():
    array = {"rows": 16, "columns": 16, "parallel_rows": 16, "adc": {"columns_shared": 4}}
    shape = LayerShape("x", "conv", 64, 4, 4, 2, 2, 64, 4, 4, 1, 0, 64, False)
    quantization = {"weight_bits": 4}
    found = [
        place(
            shape,
            DesignPoint(array=array | {"groups_per_subarray": n}, quantization=quantization),
        )
        for n in (1, 3, 4, 99)
    ]
    assert [placed.subarrays for placed in found] == [64, 22, 16, 16]
    assert [placed.cell_utilization for placed in found] == [
        64 * 16 / (n * 256) for n in (64, 22, 16, 16)
    ]


def test_copies_of_a_pipeline_are_copies_of_all_groups():
    # The first layer has 16 times the pixels of the last, and needs as many copies.
    first = NetworkLayer("first", 8, 8, 32, 3, 3, 32, False, 64.0, 32)
    last = NetworkLayer("last", 2, 2, 32, 3, 3, 64, False, 4.0)
    parameters = SQUARE | {"pipeline": 1, "speedUpDegree": 4}
    floor = plan_of(parameters, [first, last])
    plan = floor.layers[0]
    assert plan.speed_up.total == 16
    assert plan.tiles * (floor.tile_size // 16) ** 2 == 16 * 32  # subarrays
    assert plan.utilization == 9 * 4 / 16**2


def test_what_is_no_grouped_layer_is_refused():
    layer = conv(4, 6, 1, 4)
    with pytest.raises(UserError, match="groups of a layer must divide its channels"):
        evaluate(load_context({}), [layer], *data([layer]))
