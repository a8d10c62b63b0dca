"""One activity for many chips: the figures of each are those that it has alone."""

import threading

import numpy as np
import pytest

from cimsim.errors import UserError
from cimsim.ppa.engine import Activity, NetworkLayer, evaluate
from cimsim.ppa.technology import load_context

NETWORK = [
    NetworkLayer("conv", 6, 6, 24, 3, 3, 20, True, 36.0),
    NetworkLayer("token", 7, 1, 50, 1, 1, 30, False, 7.0),
    NetworkLayer("head", 1, 1, 300, 1, 1, 10, False, 1.0),
]

DESIGNS = (
    {},
    {"SARADC": 1},
    {"SARADC": 1, "levelOutput": 32},
    {"currentMode": 1},
    {"SARADC": 1, "technode": 45},
    {"SARADC": 1, "numRowParallel": 32},
    {"SARADC": 1, "operationmode": 1, "numRowParallel": 1},
    {"SARADC": 1, "numRowSubArray": 64, "numColSubArray": 64, "numRowParallel": 64},
    {"SARADC": 1, "novelMapping": 0},
    {"memcelltype": 1},
    {"memcelltype": 1, "operationmode": 1, "numRowParallel": 1},
)
"""Sensing by voltage, current and SAR, with equal and with other columns; rows one by one."""


def data(images=2):
    draw = np.random.default_rng(5)
    inputs = [
        [
            draw.integers(0, 256, (layer.rows, int(layer.positions)), dtype=np.uint8)
            * draw.integers(0, 2, (layer.rows, 1), dtype=np.uint8)
            for _ in range(images)
        ]
        for layer in NETWORK
    ]
    weights = [
        draw.integers(0, 256, (layer.rows, layer.out_channels), dtype=np.int32) for layer in NETWORK
    ]
    return inputs, weights


@pytest.fixture(scope="module")
def alone():
    return [evaluate(load_context(design), NETWORK, *data()) for design in DESIGNS]


@pytest.mark.parametrize("threads", [1, 2, 5])
@pytest.mark.parametrize("step", [1, -1])
def test_figures_do_not_depend_on_threads_or_on_earlier_chips(alone, threads, step):
    activity = Activity(NETWORK, *data(), input_bits=8, threads=threads)
    reports = [activity.evaluate(load_context(design)) for design in DESIGNS[::step]]
    assert reports == alone[::step]


def test_forgotten_distributions_come_back_the_same():
    # More column networks than an activity keeps, twice.
    contexts = [load_context({"SARADC": 1, "resistanceOn": 6000.0 + 100 * n}) for n in range(12)]
    activity = Activity(NETWORK, *data(), input_bits=8)
    first = [activity.evaluate(context) for context in contexts]
    assert [activity.evaluate(context) for context in contexts] == first
    assert len({report.chip["energy_adc_j"] for report in first}) == 12


def test_threads_of_python_may_share_an_activity(alone):
    activity = Activity(NETWORK, *data(), input_bits=8, threads=2)
    reports = [None] * len(DESIGNS)

    def work(index):
        reports[index] = activity.evaluate(load_context(DESIGNS[index]))

    workers = [threading.Thread(target=work, args=(i,)) for i in range(len(DESIGNS))]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert reports == alone


def test_an_activity_of_other_input_bits_is_refused():
    activity = Activity(NETWORK, *data(), input_bits=8)
    with pytest.raises(UserError, match="packed for 8 input bits"):
        activity.evaluate(load_context({"numBitInput": 4}))
    inputs, _ = data()
    with pytest.raises(UserError, match=r"the weights of a layer must be 216 x 20"):
        Activity(NETWORK, inputs, [], input_bits=8).evaluate(load_context({"SARADC": 1}))


@pytest.mark.parametrize("bits", [10, 12, 16])
@pytest.mark.parametrize(
    "design",
    [
        {},
        {"SARADC": 1},
        {"currentMode": 1},
        {"SARADC": 1, "operationmode": 1, "numRowParallel": 1},
        {"memcelltype": 1, "operationmode": 1, "numRowParallel": 1},
    ],
    ids=str,
)
def test_codes_of_many_bits_are_read_like_their_halves(design, bits):
    """Codes of 2 B bits are read in the same bit-vectors as twice as many codes of B bits."""
    half, draw = bits // 2, np.random.default_rng(bits)
    codes = [draw.integers(0, 2**bits, (150, 7), dtype=np.uint16) for _ in range(2)]
    halves = [np.hstack([x & (2**half - 1), x >> half]).astype(np.uint8) for x in codes]
    weights = [draw.integers(0, 256, (150, 30), dtype=np.int32)]

    def read(inputs, input_bits):
        layer = NetworkLayer("only", 1, 1, 150, 1, 1, 30, False, float(inputs[0].shape[1]))
        context = load_context(design | {"numBitInput": input_bits})
        return evaluate(context, [layer], [inputs], weights).layers[0].energy

    whole, split = read(codes, bits), read(halves, half)
    # The others depend on the width of an input, too.
    same = {"cells", "multilevel_sense_amplifier", "sar_adc", "sense_amplifier", "precharger"}
    same |= {"column_mux", "row_decoder", "weight_shift_add"}
    counted = {name: energy for name, energy in whole.items() if name in same and energy}
    assert {"cells", "weight_shift_add"} <= counted.keys()
    assert counted == {name: split[name] for name in counted}
    assert whole != read([x & 255 for x in codes], bits)


@pytest.mark.parametrize(("bits", "cell_bits"), [(10, 1), (12, 2), (16, 1), (16, 4)])
@pytest.mark.parametrize("design", [{}, {"SARADC": 1}, {"currentMode": 1}], ids=str)
def test_weights_of_many_bits_are_read_like_their_halves(design, bits, cell_bits):
    """A weight of 2 B bits has the cells of two weights of B bits, the high one first."""
    half, draw = bits // 2, np.random.default_rng(bits)
    codes = [draw.integers(0, 256, (150, 7), dtype=np.uint8) for _ in range(2)]
    weights = draw.integers(0, 2**bits, (150, 30), dtype=np.int32)
    halves = np.stack([weights >> half, weights & (2**half - 1)], axis=2).reshape(150, 60)

    def read(stored, weight_bits):
        layer = NetworkLayer("only", 7, 1, 150, 1, 1, stored.shape[1], False, 7.0)
        context = load_context(design | {"synapseBit": weight_bits, "cellBit": cell_bits})
        return evaluate(context, [layer], [codes], [stored]).layers[0].energy

    whole, split = read(weights, bits), read(np.ascontiguousarray(halves), half)
    adc = "sar_adc" if design.get("SARADC") else "multilevel_sense_amplifier"
    for name in ("cells", adc, "column_mux"):
        assert whole[name] > 0
        assert whole[name] == pytest.approx(split[name], rel=1e-12)
    if design:  # sensing by voltage does not depend on the data
        assert whole[adc] != pytest.approx(read(weights & 31, bits)[adc], rel=1e-3)
