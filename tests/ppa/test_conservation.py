"""What holds for every design: sums of parts, means of images, order and scaling of the trace."""

import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from cimsim.errors import UserError
from cimsim.ppa.engine import NetworkLayer, evaluate, needs_weights
from cimsim.ppa.technology import load_context

NETWORK = [
    NetworkLayer("stem", 6, 6, 3, 3, 3, 16, False, 36.0),
    NetworkLayer("conv", 6, 6, 16, 3, 3, 24, True, 36.0),
    NetworkLayer("head", 1, 1, 216, 1, 1, 10, False, 1.0),
]

DESIGNS = st.fixed_dictionaries(
    {
        "memcelltype": st.sampled_from([1, 2, 3]),
        "operationmode": st.sampled_from([1, 2, 2, 2]),
        "technode": st.sampled_from([65, 22]),
        "numRowSubArray": st.sampled_from([16, 32, 64]),
        "numColSubArray": st.sampled_from([32, 64]),
        "numColMuxed": st.sampled_from([8, 16]),
        "cellBit": st.sampled_from([1, 2]),
        "levelOutput": st.sampled_from([16, 64]),
        "SARADC": st.integers(0, 1),
        "currentMode": st.integers(0, 1),
        "novelMapping": st.integers(0, 1),
        "pipeline": st.integers(0, 1),
        "globalBusType": st.integers(0, 1),
        "globalBufferType": st.integers(0, 1),
        "chipActivation": st.integers(0, 1),
    }
)


def trace(seed, images=1):
    draw = np.random.default_rng(seed)
    return [
        [
            draw.integers(0, 256, (layer.rows, int(layer.positions)), dtype=np.uint8)
            for _ in range(images)
        ]
        for layer in NETWORK
    ]


def stored(seed):
    draw = np.random.default_rng(seed)
    return [
        draw.integers(0, 256, (layer.rows, layer.out_channels), dtype=np.int32) for layer in NETWORK
    ]


def report_of(parameters, inputs, weights=None, network=NETWORK):
    context = load_context(parameters)
    if weights is None:
        weights = stored(1) if needs_weights(context) else []
    try:
        return evaluate(context, network, inputs, weights)
    except UserError as error:
        assert "wider" in str(error) or "fit" in str(error)  # noqa: PT017
        assume(False)
        raise


def sums_up(parts, total):
    assert math.fsum(parts) == pytest.approx(total, rel=1e-12)


@settings(max_examples=40, deadline=None)
@given(parameters=DESIGNS)
def test_parts_add_up(parameters):
    report = report_of(parameters, trace(0))
    sums_up((c.copies * c.area for c in report.components), report.chip["area_m2"])
    for layer in report.layers:
        sums_up(layer.energy.values(), layer.scalars["energy_dynamic_j"])
        classes = ("energy_adc_j", "energy_accumulation_j", "energy_other_j")
        sums_up((layer.scalars[name] for name in classes), layer.scalars["energy_dynamic_j"])
        transport = layer.scalars["energy_buffer_j"] + layer.scalars["energy_interconnect_j"]
        assert transport <= layer.scalars["energy_other_j"] * (1 + 1e-12)
    for name in ("energy_dynamic_j", "energy_leakage_j", "power_leakage_w"):
        sums_up((layer.scalars[name] for layer in report.layers), report.chip[name])
    latencies = [layer.scalars["latency_s"] for layer in report.layers]
    combined = max(latencies) if parameters["pipeline"] else math.fsum(latencies)
    assert report.chip["latency_s"] == pytest.approx(combined, rel=1e-12)


@settings(max_examples=40, deadline=None)
@given(parameters=DESIGNS)
def test_all_figures_are_finite_and_not_negative(parameters):
    report = report_of(parameters, trace(0))
    for name, value in report.chip.items():
        assert math.isfinite(value), name
        assert value >= 0, name
    assert all(c.area >= 0 for c in report.components if c.name != "subarray.layout")


@settings(max_examples=25, deadline=None)
@given(parameters=DESIGNS, seed=st.integers(0, 99))
def test_figures_of_two_images_are_the_mean(parameters, seed):
    first, second = trace(seed), trace(seed + 1000)
    both = [[*a, *b] for a, b in zip(first, second, strict=True)]
    one, two, mean = (report_of(parameters, inputs) for inputs in (first, second, both))
    for a, b, m in zip(one.layers, two.layers, mean.layers, strict=True):
        for part in a.energy:
            expected = (a.energy[part] + b.energy[part]) / 2
            assert m.energy[part] == pytest.approx(expected, rel=1e-11), part


@settings(max_examples=25, deadline=None)
@given(parameters=DESIGNS)
def test_the_order_of_vectors_does_not_matter(parameters):
    inputs = trace(5)
    turned = [[codes[:, ::-1].copy() for codes in images] for images in inputs]
    straight, reversed_ = report_of(parameters, inputs), report_of(parameters, turned)
    for name, value in straight.chip.items():
        assert reversed_.chip[name] == pytest.approx(value, rel=1e-11), name


@settings(max_examples=25, deadline=None)
@given(parameters=DESIGNS)
def test_only_sensing_of_resistors_sees_the_weights(parameters):
    context = load_context(parameters)
    inputs = trace(2)
    low = report_of(parameters, inputs, [np.zeros_like(w) for w in stored(1)])
    high = report_of(parameters, inputs, [np.full_like(w, 255) for w in stored(1)])
    same = low.chip["energy_dynamic_j"] == high.chip["energy_dynamic_j"]
    assert same is not needs_weights(context)
    if needs_weights(context):
        # More current through the columns: the ADC burns more, and nothing else changes.
        for a, b in zip(low.layers, high.layers, strict=True):
            changed = {part for part in a.energy if a.energy[part] != b.energy[part]}
            assert changed <= {"sar_adc", "multilevel_sense_amplifier"}


def test_an_idle_array_still_pays_for_its_reads_but_not_for_rows():
    # Parallel read: the word lines of active rows are the only cell energy, linear in their number.
    parameters = {"numRowSubArray": 32, "numColSubArray": 32}
    silent = [[np.zeros_like(x) for x in images] for images in trace(0)]
    one_bit = [[np.ones_like(x) for x in images] for images in trace(0)]
    three_bits = [[np.full_like(x, 0b111) for x in images] for images in trace(0)]
    none, one, three = (report_of(parameters, inputs) for inputs in (silent, one_bit, three_bits))
    for layer in range(len(NETWORK)):
        assert none.layers[layer].energy["cells"] == 0
        assert none.layers[layer].energy["column_mux"] > 0
        ratio = three.layers[layer].energy["cells"] / one.layers[layer].energy["cells"]
        assert ratio == pytest.approx(3, rel=1e-12)


def test_column_currents_match_a_plain_double_loop():
    # SAR sensing of one layer in one subarray, against the sum over cells and bit-vectors.
    parameters = {
        "SARADC": 1,
        "numRowSubArray": 32,
        "numColSubArray": 32,
        "numRowParallel": 16,
        "cellBit": 2,
        "synapseBit": 4,
        "numBitInput": 3,
        "novelMapping": 0,
        "pipeline": 0,
    }
    context = load_context(parameters)
    draw = np.random.default_rng(3)
    rows, outputs, vectors = 20, 9, 5
    layer = NetworkLayer("one", 1, vectors, rows, 1, 1, outputs, False, float(vectors))
    codes = draw.integers(0, 8, (rows, vectors), dtype=np.uint8)
    weights = draw.integers(0, 16, (rows, outputs), dtype=np.int32)
    copies = report_of(parameters, [[codes]], [weights], [layer]).layers[0]

    on, off = 1 / 6e3, 1 / 102e3
    unit = context.parameters
    fit = context.technology.sar_power
    levels, bits = 128, 7.0
    joule = 0.0
    for bit in range(3):
        active = (codes >> bit) & 1
        for column in range(outputs * 2):
            digit = (weights[:, column // 2] >> (2 * (1 - column % 2))) & 3
            g = off + digit / 3 * (on - off)
            path = (
                1 / g
                + (column + 1) * unit.wire_resistance_row
                + (rows - np.arange(rows)) * unit.wire_resistance_col
                + 0.25 * 6e3
            )
            for vector in range(vectors):
                conductance = float(np.sum(active[:, vector] / path)) / 2  # two groups of rows
                if conductance == 0:
                    watt = 1e-6
                else:
                    scaled = 0.5 / (conductance * unit.values()["readVoltage"])
                    watt = fit.per_bit * math.log2(levels) + fit.base
                    watt += fit.factor * math.exp(fit.exponent * math.log10(scaled))
                joule += 2 * max(watt, 0.0) * (bits + 1) * 1e-9
    # Conductances are summed in single precision and counted in cells of 1/1024 of a power of two.
    assert copies.energy["sar_adc"] == pytest.approx(joule, rel=2e-6)


def test_wrong_shapes_are_refused():
    inputs, weights = trace(0), stored(0)
    cut = [[x[:, :-1].copy() for x in images] for images in inputs]
    with pytest.raises(UserError, match="vectors, not 36"):
        evaluate(load_context({}), NETWORK, cut, [])
    with pytest.raises(UserError, match="must have 27 rows"):
        evaluate(load_context({}), NETWORK, [[x[1:].copy() for x in i] for i in inputs], [])
    with pytest.raises(UserError, match="weights of a layer must be 27 x 16"):
        evaluate(load_context({"SARADC": 1}), NETWORK, inputs, [w.T.copy() for w in weights])
    with pytest.raises(UserError, match="layers and traces differ"):
        evaluate(load_context({}), NETWORK, inputs[:2], [])
    with pytest.raises(UserError, match="numColMuxed is 256 but must be at most"):
        evaluate(load_context({"numColMuxed": 256}), NETWORK, inputs, [])
    with pytest.raises(UserError, match="binary mode"):
        evaluate(load_context({"operationmode": 4}), NETWORK, inputs, [])


@pytest.mark.parametrize("rows", [1, 2, 3])
@pytest.mark.parametrize("bus", [0, 1])
def test_a_chip_of_one_tiny_tile_is_finite(rows, bus):
    # The reference divides by its number of pooling units and buffer cores, 0 here, and gives the
    # bus of one tile a negative length.
    layer = NetworkLayer("one", 1, 1, rows, 1, 1, 2, True, 1.0)
    inputs = [[np.full((rows, 1), 255, dtype=np.uint8)]]
    parameters = {
        "numRowSubArray": rows,
        "numRowParallel": rows,
        "numColMuxed": 32,
        "globalBusType": bus,
        "accesstype": 4,
        "synapseBit": 1,
        "numBitInput": 1,
    }
    report = report_of(parameters, inputs, network=[layer])
    assert report.chip["tiles"] == 1
    assert all(math.isfinite(value) and value >= 0 for value in report.chip.values())
    assert all(joule >= 0 for joule in report.layers[0].energy.values())
