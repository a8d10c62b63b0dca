"""Column currents from moments, which serve every technology, against those that are added up.

The sensings of a layer with one-bit cells are counted by moments from 2^18 of them on, and one by
one below (native/moment_conductances.hpp). So images that are few enough each alone are added up,
and all of them together are not; figures of several images are means.
"""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cimsim.ppa.engine import Activity, NetworkLayer, evaluate
from cimsim.ppa.technology import load_context

IMAGES, VECTORS, OUTPUTS = 6, 64, 16
PLAIN = {"novelMapping": 0, "pipeline": 0, "numColSubArray": 128}


def layer_of(rows):
    return NetworkLayer("one", 1, VECTORS, rows, 1, 1, OUTPUTS, False, float(VECTORS))


def draw_data(seed, rows, trace, weights):
    """Return inputs of all images and stored weights, with more or less of a pattern."""
    draw = np.random.default_rng(seed)
    row = np.arange(rows) / rows
    shape = (IMAGES, rows, VECTORS)
    lit = draw.random((IMAGES, 1, VECTORS)) < 0.5
    chance = {
        "even": np.full(shape, 0.4),
        "sparse": np.full(shape, 0.02),
        "scattered": np.broadcast_to(draw.random((IMAGES, 1, VECTORS)), shape),
        "halves": np.where(lit, row[:, None] < 0.5, row[:, None] >= 0.5) * 0.6,
        "middle": np.where(lit, abs(row[:, None] - 0.5) < 0.25, abs(row[:, None] - 0.5) >= 0.25),
    }[trace]
    inputs = draw.integers(0, 256, shape) * (draw.random(shape) < chance)
    stored = draw.integers(0, 256, (rows, OUTPUTS))
    if weights == "halves":
        stored = np.where(row[:, None] < 0.5, 255 - stored // 16, stored // 16)
    if weights == "few":
        stored &= draw.integers(0, 256, stored.shape) & draw.integers(0, 256, stored.shape)
    return list(inputs.astype(np.uint8)), stored.astype(np.int32)


def sensing_energy(parameters, rows, images, stored):
    report = evaluate(load_context(parameters), [layer_of(rows)], [images], [stored])
    part = "sar_adc" if parameters.get("SARADC") else "multilevel_sense_amplifier"
    return report.layers[0].energy[part]


def compare(parameters, rows, inputs, stored):
    """Return the relative deviation of the moments' energy from the sum over all currents."""
    together = sensing_energy(parameters, rows, inputs, stored)
    apart = [sensing_energy(parameters, rows, [image], stored) for image in inputs]
    return together / (math.fsum(apart) / len(apart)) - 1


def path_spread(parameters, rows):
    context = load_context(parameters).parameters
    access = 0.25 if parameters["memcelltype"] == 2 else 0
    wires = rows * context.wire_resistance_col + 16 * context.wire_resistance_row
    return wires / 2 / ((1 + access) * context.values()["resistanceOn"])


DESIGNS = st.fixed_dictionaries(
    {
        "memcelltype": st.sampled_from([2, 3]),
        "technode": st.sampled_from([130, 45, 32, 22, 7]),
        "numRowSubArray": st.sampled_from([64, 128, 256]),
        "levelOutput": st.sampled_from([16, 64]),
    }
)
TRACES = st.sampled_from(["even", "sparse", "scattered", "halves", "middle"])
WEIGHTS = st.sampled_from(["any", "halves", "few"])


def complete(design, read, sar, ratio):
    """Return all parameters of a design; `read` is "all" rows at once, "groups" of 32 or "rows"."""
    size = design["numRowSubArray"]
    resistance = 6e3 if design["memcelltype"] == 2 else 240e3
    return {
        **PLAIN,
        **design,
        "numRowParallel": {"all": size, "groups": 32, "rows": 1}[read],
        "operationmode": 1 if read == "rows" else 2,
        "SARADC": int(sar),
        "currentMode": int(not sar),
        "resistanceOn": resistance,
        "resistanceOff": ratio * resistance,
    }


def conductances(parameters, rows, inputs, stored):
    """Return the conductance (S) that each sensing sees, and how often."""
    context = load_context(parameters).parameters
    columns = np.arange(OUTPUTS * 8)
    digit = stored[:, columns // 8] >> (7 - columns % 8) & 1
    on = np.where(digit == 1, parameters["resistanceOn"], parameters["resistanceOff"])
    access = 0.25 * parameters["resistanceOn"] if parameters["memcelltype"] == 2 else 0
    along = (columns + 1) * context.wire_resistance_row
    down = (rows - np.arange(rows))[:, None] * context.wire_resistance_col
    path = 1 / (on + access + along + down)
    bits = np.concatenate([(x >> b) & 1 for x in inputs for b in range(8)], axis=1).T
    seen, active = bits @ path, bits.sum(axis=1)[:, None]
    if parameters["operationmode"] == 1:
        times = np.broadcast_to(active, seen.shape)
        return (seen / np.maximum(active, 1))[times > 0], times[times > 0]
    return (seen * parameters["numRowParallel"] / parameters["numRowSubArray"]).ravel(), 1


def jump_share(parameters, rows, inputs, stored):
    """Return what the jumps of the fit may change, as a share of all power.

    Sensings of a bin differ by a factor of 1 +- 2 s at most, with s the path spread, and are
    counted up to 1.7 standard deviations from their mean.
    """
    context = load_context(parameters)
    fit, volt = context.technology.mirror_power, context.parameters.values()["readVoltage"]

    def value(piece, ohm):
        return piece.a * (np.log(ohm) if piece.logarithmic else ohm) + piece.b

    seen, times = conductances(parameters, rows, inputs, stored)
    seen, times = seen[seen > 0], np.broadcast_to(times, seen.shape)[seen > 0]
    ohm = 0.5 / volt / seen
    power, before, changed = np.zeros_like(ohm), 0.0, 0.0
    width = 4 * path_spread(parameters, rows) + 2 / 1024
    for n, piece in enumerate(fit.segments):
        here = (ohm >= before) & (ohm < piece.upper)
        power[here] = value(piece, ohm[here]) + fit.base
        before = piece.upper
        if n + 1 < len(fit.segments):
            jump = abs(value(piece, before) - value(fit.segments[n + 1], before))
            changed += jump * float(np.sum(times[abs(np.log(ohm / before)) < width]))
    # The fit is below zero for large resistances, where no energy is counted.
    return changed / max(float(np.sum(times * np.maximum(power, 0))), 1e-300)


@settings(max_examples=60, deadline=None)
@given(
    design=DESIGNS,
    read=st.sampled_from(["all", "groups", "rows"]),
    ratio=st.sampled_from([2, 17, 100]),
    share=st.floats(0.05, 1),
    trace=TRACES,
    weights=WEIGHTS,
    seed=st.integers(0, 2**20),
)
def test_a_sar_adc_sees_the_currents_added_up(design, read, ratio, share, trace, weights, seed):
    # Its power is all but linear in the current, of which the moments keep the sum; what is left
    # is the single precision of adding up.
    rows = max(1, round(share * design["numRowSubArray"]))
    parameters = complete(design, read, True, ratio)
    inputs, stored = draw_data(seed, rows, trace, weights)
    assert abs(compare(parameters, rows, inputs, stored)) < 3e-7


@settings(max_examples=60, deadline=None)
@given(
    design=DESIGNS,
    read=st.sampled_from(["all", "groups", "rows"]),
    ratio=st.sampled_from([2, 17, 100]),
    share=st.floats(0.05, 1),
    trace=TRACES,
    weights=WEIGHTS,
    seed=st.integers(0, 2**20),
)
def test_sensing_by_current_differs_at_jumps_only(design, read, ratio, share, trace, weights, seed):
    rows = max(1, round(share * design["numRowSubArray"]))
    parameters = complete(design, read, False, ratio)
    inputs, stored = draw_data(seed, rows, trace, weights)
    allowed = 2e-6 + jump_share(parameters, rows, inputs, stored)
    assert abs(compare(parameters, rows, inputs, stored)) < allowed


def test_a_column_at_a_jump():
    # Six on cells of each column of 22 nm, at places that change, seen through four groups of rows:
    # all sensings share a bin for each slice of columns, which a jump of the power fit cuts.
    rows = 128
    design = {"memcelltype": 2, "technode": 22, "numRowSubArray": rows, "levelOutput": 16}
    parameters = complete(design, "groups", False, 17)
    parameters["resistanceOn"] = (4832 * 1.1 * 6 / 4 - 400) / 1.25  # without access and wires
    draw = np.random.default_rng(1)
    inputs = []
    for _ in range(IMAGES):
        codes = np.zeros((rows, VECTORS), dtype=np.uint8)
        for vector in range(VECTORS):
            codes[draw.choice(rows, 6, replace=False), vector] = 255
        inputs.append(codes)
    stored = np.full((rows, OUTPUTS), 255, dtype=np.int32)
    seen, _ = conductances(parameters, rows, inputs, stored)
    assert 0.2 < np.mean(1 / 1.1 / seen < 4832) < 0.8
    allowed = jump_share(parameters, rows, inputs, stored)
    assert 2e-6 < allowed < 0.02
    # All but a hundredth of them are counted on their own side.
    assert abs(compare(parameters, rows, inputs, stored)) < allowed / 100


MANY = (
    {"SARADC": 1},
    {"SARADC": 1, "technode": 45},
    {"SARADC": 1, "technode": 45, "levelOutput": 64},
    {"currentMode": 1, "temp": 350, "resistanceOn": 9000.0},
    {"currentMode": 1, "resistanceOn": 8000.0},
    {"SARADC": 1, "technode": 2, "resistanceOn": 2e4},
    {"SARADC": 1, "cellBit": 2},
    {"SARADC": 1, "operationmode": 1, "numRowParallel": 1},
    {"SARADC": 1, "numRowSubArray": 64, "numColSubArray": 64, "numRowParallel": 64},
    {"memcelltype": 3, "SARADC": 1, "technode": 32},
)
"""Chips on moments (of two array sizes) and, at 2 nm and with two-bit cells, without them."""


@pytest.fixture(scope="module")
def network():
    layers = [layer_of(300), NetworkLayer("two", 8, 8, 20, 3, 3, 24, True, 64.0)]
    draw = np.random.default_rng(7)
    shapes = [(300, OUTPUTS), (180, 24)]
    inputs = [
        [draw.integers(0, 256, (rows, VECTORS), dtype=np.uint8) for _ in range(2)]
        for rows, _ in shapes
    ]
    stored = [draw.integers(0, 256, shape, dtype=np.int32) for shape in shapes]
    return layers, inputs, stored


@pytest.fixture(scope="module")
def alone(network):
    return [evaluate(load_context(design), *network) for design in MANY]


@pytest.mark.parametrize("threads", [1, 2, 5, 40])
@pytest.mark.parametrize("step", [1, -1])
def test_moments_do_not_depend_on_threads_or_on_earlier_chips(network, alone, threads, step):
    activity = Activity(*network, input_bits=8, threads=threads)
    reports = [activity.evaluate(load_context(design)) for design in MANY[::step]]
    assert reports == alone[::step]
    assert len({report.chip["energy_adc_j"] for report in reports}) == len(MANY)
