"""Each correction of the circuit model against a closed form or a limit; none by default."""

import itertools
import math

import numpy as np
import pytest

from cimsim import _native
from cimsim.ppa.engine import NetworkLayer, evaluate, native_layer, needs_weights
from cimsim.ppa.parameters import SOURCES
from cimsim.ppa.technology import load_context

WIRE_CAP = 0.2e-9  # F/m
SRAM, FEFET, CROSS_POINT = {"memcelltype": 1}, {"memcelltype": 3}, {"accesstype": 4}

CONV = NetworkLayer("conv", 4, 4, 16, 3, 3, 24, True, 16.0)
HEAD = NetworkLayer("head", 1, 1, 96, 1, 1, 16, False, 1.0)
TWO = [NetworkLayer("stem", 6, 6, 32, 3, 3, 64, False, 36.0), HEAD]


def chip(layers, **parameters):
    """Return context and report of a network with random inputs."""
    context = load_context({"numRowSubArray": 32, "numColSubArray": 32, **parameters})
    draw = np.random.default_rng(4)
    inputs = [
        [draw.integers(0, 256, (layer.rows, int(layer.positions)), dtype=np.uint8)]
        for layer in layers
    ]
    weights = [
        draw.integers(0, 256, (layer.rows, layer.out_channels), dtype=np.int32) for layer in layers
    ]
    return context, evaluate(context, layers, inputs, weights if needs_weights(context) else [])


def part(report, name):
    (found,) = (c for c in report.components if c.name == name)
    return found


def reads(layer):
    """Bit-vectors of an image."""
    return int(layer.positions) * 8


CORRECTIONS = [name for name, source in SOURCES.items() if source.field.startswith("fidelity.cir")]


def test_none_by_default():
    values = load_context({}).parameters.values()
    assert len(CORRECTIONS) == 24
    assert all(values[name] == 0 for name in CORRECTIONS)


@pytest.mark.parametrize("memory", [2, 3])
def test_column_settling(memory):
    # 0.2 of the time constant of half the rows' average resistance (chip.md 3.5), times beta.
    base = {"memcelltype": memory, **CROSS_POINT}
    context, before = chip([HEAD], **base)
    _, after = chip([HEAD], columnSettling=1, **base)
    values = context.parameters.values()
    cap = 32 * 2 * values["featuresize"] * WIRE_CAP
    average = 2 / (1 / values["resistanceOn"] + 1 / values["resistanceOff"])
    expected = values["beta"] * 0.2 * cap * average / (32 / 2)
    gained = after.chip["clock_period_s"] - before.chip["clock_period_s"]
    assert gained == pytest.approx(expected, rel=1e-9)


def test_clock_limit():
    _, free = chip([HEAD], clkFreq=1e8)
    assert free.chip["clock_period_s"] < 1e-8
    _, slow = chip([HEAD], clockLimit=1, clkFreq=1e8)
    assert slow.chip["clock_period_s"] == pytest.approx(1e-8, rel=1e-15)
    _, fast = chip([HEAD], clockLimit=1, clkFreq=1e9)
    assert fast.chip == free.chip | {"latency_s": fast.chip["latency_s"]}


def test_shift_add_width():
    # Four row groups widen sums by two bits, as an ADC with four times the levels does.
    _, groups = chip([HEAD], shiftAddWidth=1, numRowParallel=8, levelOutput=32)
    _, levels = chip([HEAD], levelOutput=128)
    for name in ("subarray.weight_shift_add", "subarray.input_shift_add"):
        assert part(groups, name).area == part(levels, name).area
    _, uncorrected = chip([HEAD], numRowParallel=8, levelOutput=32)
    assert (
        part(uncorrected, "subarray.weight_shift_add").area
        < part(groups, "subarray.weight_shift_add").area
    )


def test_shared_weights():
    # Half a weight per ADC and twice the ADCs: as many additions as one weight per ADC.
    _, half = chip([CONV], sharedWeights=1, numColMuxed=4)
    _, whole = chip([CONV], sharedWeights=1, numColMuxed=8)
    _, free = chip([CONV], numColMuxed=4)
    for name in ("weight_shift_add", "input_shift_add"):
        expected = whole.layers[0].energy[name]
        assert half.layers[0].energy[name] == pytest.approx(expected, rel=1e-12)
        assert free.layers[0].energy[name] == 0
    assert chip([CONV], numColMuxed=8)[1].chip == whole.chip


def test_wire_directions():
    before, after = load_context({}), load_context({"wireDirections": 1})
    assert after.parameters.wire_resistance_row == before.parameters.wire_resistance_col
    assert after.parameters.wire_resistance_col == before.parameters.wire_resistance_row
    square = load_context({**CROSS_POINT, "wireDirections": 1}).parameters
    assert square.wire_resistance_row == load_context(CROSS_POINT).parameters.wire_resistance_row


def test_fefet_access():
    # Nothing else distinguishes the two resistive memories.
    _, rram = chip([CONV], SARADC=1)
    _, fefet = chip([CONV], SARADC=1, fefetAccess=1, **FEFET)
    _, bare = chip([CONV], SARADC=1, **FEFET)
    assert fefet.layers[0].energy == rram.layers[0].energy
    assert bare.layers[0].energy["sar_adc"] != rram.layers[0].energy["sar_adc"]


def test_word_line_load():
    # tau gains c (0.69 r + 0.38 R) for the gates' capacitance c of a row of resistance R.
    context, before = chip([HEAD], **SRAM)
    _, after = chip([HEAD], wordLineLoad=1, **SRAM)
    technology = context.technology
    gates = 32 * _native.gate_capacitance(technology, 22e-9)
    row = 32 * 28 * 22e-9 * context.parameters.metal1_unit_resistance
    switch = _native.SwitchMatrix(context)
    switch.size(_native.LineKind.ROW, 32, row)
    switch.layout(32 * 10 * 22e-9, 0)
    times = []
    for cap in (0.0, gates):
        array = _native.ArrayValues()
        array.unit_cap, array.unit_resistance = cap / 32, row / 32
        switch.latency(array, 1)
        times.append(switch.read_latency)
    gained = (
        part(after, "subarray.word_line_switch").sensing_time
        - part(before, "subarray.word_line_switch").sensing_time
    )
    assert gained == pytest.approx(times[1] - times[0], rel=1e-9)
    assert gained > 0
    assert chip([HEAD], wordLineLoad=1)[1].chip == chip([HEAD])[1].chip  # pass gates know the load


@pytest.mark.parametrize("memory", [1, 2])
def test_mux_driver_size(memory):
    # Neighbouring nodes differ by a third in F; so their clocks cannot differ by a large factor.
    nodes = (130, 90, 65, 45, 32, 22)
    base = {"memcelltype": memory, "numRowSubArray": 128, "numColSubArray": 128}
    before, after = (
        [
            chip([HEAD], **base, technode=node, muxDriverSize=on)[1].chip["clock_period_s"]
            for node in nodes
        ]
        for on in (0, 1)
    )
    assert after[-1] == before[-1]  # 22 nm has sized drivers
    assert before[-2] / before[-1] > 3
    for older, newer in itertools.pairwise(after):
        assert 1 < older / newer < 1.6
    given = load_context({"technode": 45, "muxDriverSize": 1, "sizingfactor_MUX": 7})
    assert given.parameters.values()["sizingfactor_MUX"] == 7


def mux_decoder_slope(bits, corrected):
    """Return the delay per load (s/F) of a multiplexer's decoder, at a load that outweighs it."""
    delays = []
    for load in (1e-6, 2e-6):
        decoder = _native.RowDecoder(load_context({"muxDecoderLoad": corrected}))
        decoder.size(_native.DecoderKind.MULTIPLEXER, bits)
        decoder.layout(0)
        decoder.latency(1e20, load, load, 0, 1, 1, 0)
        delays.append(decoder.read_latency)
    return (delays[1] - delays[0]) / 1e-6


@pytest.mark.parametrize("bits", [1, 2])
def test_mux_decoder_load(bits):
    # The same driver: however many address bits, it alone sets how the delay grows with the load.
    larger = mux_decoder_slope(3, 0)
    assert mux_decoder_slope(3, 1) == larger
    assert mux_decoder_slope(bits, 1) == pytest.approx(larger, rel=1e-6)
    assert mux_decoder_slope(bits, 0) > 10 * larger


def test_precharge_energy():
    context, before = chip([HEAD], **SRAM)
    _, after = chip([HEAD], prechargeEnergy=1, **SRAM)
    technology = context.technology
    drain = _native.drain_capacitance(technology, 22e-9, _native.Channel.N, 28 * 22e-9)
    column = 32 * (10 * 22e-9 * WIRE_CAP + drain)
    blocks = math.ceil(HEAD.rows / 32) * math.ceil(HEAD.out_channels * 8 / 32)
    once = column * technology.vdd**2 * 32 * 8  # all columns, once for each that shares an ADC
    energy = after.layers[0].energy["precharger"]
    assert before.layers[0].energy["precharger"] == 0
    assert energy == pytest.approx(once * blocks * reads(HEAD), rel=1e-9)


def test_column_switching():
    # One charge of the column to the read voltage, for each column that is read.
    context, before = chip([HEAD], **CROSS_POINT)
    _, after = chip([HEAD], columnSwitching=1, **CROSS_POINT)
    values = context.parameters.values()
    column = 32 * 2 * values["featuresize"] * WIRE_CAP
    blocks = math.ceil(HEAD.rows / 32)
    expected = column * values["readVoltage"] ** 2 * blocks * HEAD.out_channels * 8 * reads(HEAD)
    name = "multilevel_sense_amplifier"
    gained = after.layers[0].energy[name] - before.layers[0].energy[name]
    assert gained == pytest.approx(expected, rel=1e-7)


def test_pass_gate_current():
    times = {}
    for corrected in (0, 1):
        context = load_context({"passGateCurrent": corrected})
        gates = _native.NewSwitchMatrix(context)
        gates.size(1)
        gates.layout(0)
        times[corrected] = []
        for load in (1e-12, 2e-12):
            gates.latency(1e20, load, 0, 1)
            times[corrected].append(gates.read_latency)
    technology = context.technology
    unit = 2 * 22e-9 * context.parameters.values()["newswitchmatrixsizeratio"]
    n = _native.linear_resistance(technology, unit, _native.Channel.N)
    p_width = technology.pn_size_ratio * unit
    p_as_n = _native.linear_resistance(technology, p_width, _native.Channel.N)
    p = _native.linear_resistance(technology, p_width, _native.Channel.P)
    slopes = {key: second - first for key, (first, second) in times.items()}
    assert slopes[1] / slopes[0] == pytest.approx((1 / n + 1 / p_as_n) / (1 / n + 1 / p), rel=1e-9)


@pytest.mark.parametrize("node", [22, 7])
def test_wire_barrier(node):
    # The barrier of thickness b takes 2 b from the width and b from the height of a wire:
    # to first order 1 - (2 AR w + w) b / (AR w^2) of its cross-section is left.
    width, barrier, aspect = {22: (40, 2.5, 1.9), 7: (20, 2.0, 2.0)}[node]
    memory = SRAM if node == 7 else {}
    before = load_context({**memory, "technode": node}).parameters
    after = load_context({**memory, "technode": node, "wireBarrier": 1}).parameters
    left = 1 - (2 * aspect + 1) * barrier / (aspect * width)
    assert after.unit_wire_resistance * left == pytest.approx(before.unit_wire_resistance, rel=1e-8)


def test_htree_energy():
    # Levels of 2 and 1 units in each direction and a main bus of 2: 8 units, of which 5 were paid.
    energies = []
    for corrected in (0, 1):
        tree = _native.HTree(load_context({"htreeEnergy": corrected}))
        tree.size(4, 4, 0.1, 32)
        tree.layout(1e-4, 1e-4, 4)
        tree.power(1e-4, 1e-4, 32, 1)
        energies.append(tree.read_energy)
    assert energies[1] / energies[0] == pytest.approx(8 / 5, rel=1e-12)


def test_empty_elements():
    # 544 x 272 cells on tiles of 2 x 2 elements of 128 x 128: some tiles are used in part.
    rows, columns = 544, 272
    layers = [NetworkLayer("fc", 1, 1, rows, 1, 1, columns // 8, False, 1.0)]
    base = {"novelMapping": 0, "pipeline": 0}
    _, before = chip(layers, **base)
    _, after = chip(layers, emptyElements=1, **base)
    size, element = (int(before.chip[name]) for name in ("tile_size_cells", "pe_size_cells"))
    assert (size, element) == (256, 128)
    charged = used = 0  # subarrays
    for top, left in itertools.product(range(0, rows, size), range(0, columns, size)):
        last = 0
        for r, c in itertools.product(range(0, size, element), repeat=2):
            held = [min(element, rows - top - r), min(element, columns - left - c)]
            if min(held) > 0:
                last = math.prod(math.ceil(cells / 32) for cells in held)
                used += last
            charged += last  # an empty element costs what the one before it did
    assert used < charged
    for name in ("column_mux", "weight_shift_add"):
        ratio = after.layers[0].energy[name] / before.layers[0].energy[name]
        assert ratio == pytest.approx(used / charged, rel=1e-12), name


def test_adder_tree_energy():
    layers = [CONV, NetworkLayer("fc", 1, 1, 40, 1, 1, 8, False, 1.0)]
    base = {"novelMapping": 0}
    _, before = chip(layers, **base)
    _, after = chip(layers, adderTreeEnergy=1, **base)
    fc = 1
    blocks = math.ceil(40 / 32) * math.ceil(8 * 8 / 32)
    ratio = before.layers[fc].energy["pe_adder_tree"] / after.layers[fc].energy["pe_adder_tree"]
    assert ratio == pytest.approx(blocks, rel=1e-12)


def test_sum_width():
    # Elements of 8 x 8 subarrays: 64 subarrays need 6 more bits; the root took 8.
    layers = [NetworkLayer("fc", 1, 1, 512, 1, 1, 64, False, 1.0)]
    base = {"novelMapping": 0}
    _, before = chip(layers, **base)
    _, after = chip(layers, sumWidth=1, **base)
    assert before.chip["pe_size_cells"] == 256
    bits = before.chip["partial_sum_bits"]
    name = "conventional_tile.accumulation"
    ratio = part(after, name).area / part(before, name).area
    assert ratio == pytest.approx((bits + 6) / (bits + 8), rel=1e-12)


@pytest.mark.parametrize("mapping", [0, 1])
def test_buffer_traffic(mapping):
    _, before = chip(TWO, novelMapping=mapping)
    _, after = chip(TWO, novelMapping=mapping, bufferTraffic=1)
    for old, new in zip(before.layers, after.layers, strict=True):
        for name in ("tile_input_buffer", "tile_output_buffer"):
            assert new.energy[name] == 2 * old.energy[name]
        assert new.energy["tile_htree"] == old.energy["tile_htree"]


def test_copied_sums():
    layers = [NetworkLayer("stem", 16, 16, 8, 3, 3, 16, False, 256.0), CONV, HEAD]
    base = {"novelMapping": 0}
    context, before = chip(layers, **base)
    _, after = chip(layers, copiedSums=1, **base)
    shapes = [native_layer(layer) for layer in layers]
    plan = _native.plan_floor(context.parameters, shapes)
    rows = math.ceil(layers[0].rows / plan.tile_size)
    assert rows == 1 < plan.layers[0].tile_rows
    assert before.layers[0].energy["chip_accumulation"] > 0
    assert after.layers[0].energy["chip_accumulation"] == 0


def test_repeater_leakage():
    large = {"numRowSubArray": 128, "numColSubArray": 128, "technode": 2}
    base = {**FEFET, **large, "resistanceOn": 1e5, "resistanceOff": 1.7e6}
    context, before = chip([HEAD], **base)
    _, after = chip([HEAD], repeaterLeakage=1, **base)
    name = "subarray.word_line_repeaters"
    ratio = part(after, name).leakage / part(before, name).leakage
    assert ratio == pytest.approx(context.technology.vdd, rel=1e-12)
    sram = {**SRAM, **large}
    assert part(chip([HEAD], **sram)[1], name).leakage == 0
    assert part(chip([HEAD], repeaterLeakage=1, **sram)[1], name).leakage > 0


ALL_LEAK = {"blockLeakage": 1, "busyLeakage": 1, "waitingLeakage": 1}


@pytest.mark.parametrize("memory", [1, 2])
@pytest.mark.parametrize("pipeline", [0, 1])
@pytest.mark.parametrize("place", [0, 1])
def test_all_leakage_is_the_sum_of_all_circuits(memory, pipeline, place):
    base = {"memcelltype": memory, "pipeline": pipeline, "chipActivation": place}
    _, report = chip([CONV], **base, **ALL_LEAK)
    total = math.fsum(c.copies * c.leakage for c in report.components)
    assert report.chip["power_leakage_w"] == pytest.approx(total, rel=1e-12)
    energy = total * report.chip["latency_s"]
    assert report.chip["energy_leakage_j"] == pytest.approx(energy, rel=1e-12)
    _, before = chip([CONV], **base)
    assert before.chip["power_leakage_w"] < total


def test_block_leakage_is_that_of_the_chips_circuits():
    _, before = chip(TWO)
    _, after = chip(TWO, blockLeakage=1)
    own = math.fsum(c.copies * c.leakage for c in after.components if c.name.startswith("chip."))
    tiles = math.fsum(
        new.copies * (new.leakage - old.leakage)
        for new, old in zip(after.components, before.components, strict=True)
        if "_tile." in new.name
    )
    gained = after.chip["power_leakage_w"] - before.chip["power_leakage_w"]
    assert own > 0
    assert own * (1 - 1e-9) <= gained <= own + tiles
    assert math.fsum(layer.scalars["energy_leakage_j"] for layer in after.layers) == pytest.approx(
        after.chip["energy_leakage_j"], rel=1e-12
    )


def test_busy_leakage():
    # One layer works all the time: resistive tiles would not leak at all.
    _, before = chip([CONV])
    _, after = chip([CONV], busyLeakage=1)
    scalars = after.layers[0].scalars
    tiles = scalars["tile_rows"] * scalars["tile_columns"]
    assert before.chip["power_leakage_w"] == 0
    expected = tiles * scalars["tile_leakage_w"]
    assert after.chip["power_leakage_w"] == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("pipeline", [0, 1])
def test_waiting_leakage(pipeline):
    layers = [HEAD, CONV, NetworkLayer("fc", 1, 1, 384, 1, 1, 10, False, 1.0)]
    _, report = chip(layers, pipeline=pipeline, waitingLeakage=1, **SRAM)
    found = [layer.scalars for layer in report.layers]
    tiles = [s["tile_rows"] * s["tile_columns"] for s in found]
    busy = [s["latency_s"] for s in found]
    waiting = [n * s["tile_leakage_w"] for n, s in zip(tiles, found, strict=True)]
    working = [n * s["tile_idle_leakage_w"] for n, s in zip(tiles, found, strict=True)]
    for i, scalars in enumerate(found):
        if pipeline:  # each layer's own tiles, until the slowest layer ends
            expected = waiting[i] * (max(busy) - busy[i]) + working[i] * busy[i]
        else:  # all other tiles wait while this layer works
            expected = (sum(waiting) - waiting[i] + working[i]) * busy[i]
        assert scalars["energy_leakage_j"] == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("memory", [1, 2])
def test_buffer_sense_load(memory):
    base = {"memcelltype": memory, "globalBufferType": 1, "peBufferType": 1}
    _, before = chip([CONV], **base)
    _, after = chip([CONV], bufferSenseLoad=1, **base)
    assert after.chip["energy_buffer_j"] >= before.chip["energy_buffer_j"]
    assert after.chip["latency_buffer_s"] >= before.chip["latency_buffer_s"]
    assert after.chip != before.chip
