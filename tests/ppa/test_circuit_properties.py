"""What must hold of any circuit: finite figures, linearity, conservation and closed forms."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cimsim import _native
from cimsim.campaign.design import NODES
from cimsim.ppa.technology import load_context

STEP = 1e20
Make = Callable[[_native.Context, float], _native.Circuit]


def evaluate(context: _native.Context, name: str, size: tuple, reads: float) -> _native.Circuit:
    """Size, lay out freely, and run a module whose verbs take the number of operations alone."""
    circuit = getattr(_native, name)(context)
    circuit.size(*size)
    circuit.layout(0, 0)
    circuit.latency(reads)
    circuit.power(reads)
    return circuit


def adder(context: _native.Context, reads: float) -> _native.Circuit:
    circuit = _native.Adder(context)
    circuit.size(8, 16)
    circuit.layout(0, 0)
    circuit.latency(STEP, 1e-15, reads)
    circuit.power(reads, 16)
    return circuit


def flip_flops(context: _native.Context, reads: float) -> _native.Circuit:
    circuit = _native.FlipFlops(context)
    circuit.size(64)
    circuit.layout(0, 0)
    circuit.latency(reads)
    circuit.power(reads, 32, True)
    return circuit


def adder_tree(context: _native.Context, reads: float) -> _native.Circuit:
    circuit = _native.AdderTree(context)
    circuit.size(8, 9, 4)
    circuit.layout(0, 1e-3)
    circuit.latency(reads, 8, 0)
    circuit.power(reads, 8)
    return circuit


def decoder(context: _native.Context, reads: float) -> _native.Circuit:
    circuit = _native.RowDecoder(context)
    circuit.size(_native.DecoderKind.WORD_LINE, 7)
    circuit.layout(0)
    circuit.latency(STEP, 1e-14, 0, 100, 128, reads, reads)
    circuit.power(reads, reads)
    return circuit


def multiplexer(context: _native.Context, reads: float) -> _native.Circuit:
    circuit = _native.Mux(context)
    circuit.size(16, 8, 500)
    circuit.layout(1e-3)
    circuit.latency(0, reads)
    circuit.power(reads)
    return circuit


def switches(context: _native.Context, reads: float) -> _native.Circuit:
    circuit = _native.NewSwitchMatrix(context)
    circuit.size(128)
    circuit.layout(0)
    circuit.latency(STEP, 1e-14, 1000, reads)
    circuit.power(reads, 0.3)
    return circuit


def encoder(context: _native.Context, reads: float) -> _native.Circuit:
    circuit = _native.SenseEncoder(context)
    circuit.size(64, 16)
    circuit.layout(0, 1e-3)
    circuit.latency(STEP, reads)
    circuit.power(reads)
    return circuit


def sar(context: _native.Context, reads: float) -> _native.Circuit:
    circuit = _native.SarAdc(context)
    circuit.size(16, 64)
    circuit.layout(0, 1e-3)
    circuit.latency(reads)
    circuit.power([1e3, 1e4, 1e5], reads)
    return circuit


def precharger(context: _native.Context, reads: float) -> _native.Circuit:
    circuit = _native.Precharger(context)
    circuit.size(128, 500, _native.ColumnActivity(128, 64, 1))
    circuit.layout(0)
    circuit.latency(1e-14, reads, reads)
    circuit.power(reads, reads)
    return circuit


def pooling(context: _native.Context, reads: float) -> _native.Circuit:
    circuit = _native.MaxPooling(context)
    circuit.size(8, 4, 16)
    circuit.layout(1e-3)
    circuit.latency(STEP, 0, reads)
    circuit.power(reads)
    return circuit


def bus(context: _native.Context, reads: float) -> _native.Circuit:
    circuit = _native.XYBus(context)
    circuit.size(4, 4, 0.1, 512)
    circuit.layout(2e-4, 3e-4, 4)
    circuit.latency(2, 2, 2e-4, 3e-4, reads, reads)
    circuit.power(2, 2, 2e-4, 3e-4, reads, reads)
    return circuit


CIRCUITS: dict[str, Make] = {
    "adder": adder,
    "flip-flops": flip_flops,
    "adder tree": adder_tree,
    "decoder": decoder,
    "multiplexer": multiplexer,
    "switch matrix": switches,
    "encoder": encoder,
    "SAR ADC": sar,
    "precharger": precharger,
    "max pooling": pooling,
    "X-Y bus": bus,
    "bit shifter": lambda context, reads: evaluate(context, "BitShifter", (16, 8), reads),
}
FIGURES = ("area", "read_latency", "read_energy", "leakage", "write_latency", "write_energy")


@pytest.mark.parametrize("name", sorted(CIRCUITS))
@given(node=st.sampled_from(NODES), reads=st.integers(1, 1000), synchronous=st.booleans())
def test_figures_are_finite_and_linear_in_operations(
    name: str, node: int, reads: int, synchronous: bool
) -> None:
    context = load_context({"technode": node, "synchronous": int(synchronous), "memcelltype": 1})
    once, many = CIRCUITS[name](context, 1), CIRCUITS[name](context, reads)
    assert once.area > 0
    assert once.read_latency > 0
    for figure in FIGURES:
        assert 0 <= getattr(many, figure) < math.inf
    for figure in ("read_latency", "read_energy", "write_energy"):
        expected = reads * getattr(once, figure)
        assert getattr(many, figure) == pytest.approx(expected, rel=1e-12, abs=0)
    for figure in ("area", "leakage"):
        assert getattr(many, figure) == getattr(once, figure)


@given(node=st.sampled_from(NODES), bits=st.integers(1, 16), count=st.integers(1, 64))
def test_an_adder_keeps_its_area_in_any_shape(node: int, bits: int, count: int) -> None:
    context = load_context({"technode": node, "memcelltype": 1})
    circuit = _native.Adder(context)
    circuit.size(bits, count)
    circuit.layout(0, 0)
    area = circuit.area
    for shape in ((1e-3, 0), (0, 1e-3)):
        circuit.layout(*shape)
        assert circuit.area == pytest.approx(area, rel=1e-12)
        assert circuit.height * circuit.width == pytest.approx(area, rel=1e-12)


@given(
    node=st.sampled_from(NODES),
    stages=st.integers(1, 6),
    bits=st.integers(1, 12),
    trees=st.integers(1, 20),
)
def test_a_full_adder_tree_is_the_sum_of_its_adders(
    node: int, stages: int, bits: int, trees: int
) -> None:
    context = load_context({"technode": node, "memcelltype": 1})
    tree = _native.AdderTree(context)
    tree.size(2**stages, bits, trees)
    tree.layout(0, 1e-3)
    tree.power(1, 0)
    one = _native.Adder(context)
    leakage = energy = area = 0.0
    for stage in range(stages):
        one.size(bits + stage, 2 ** (stages - 1 - stage) * trees)
        one.layout(0, 0)
        one.power(1, math.inf)
        leakage += one.leakage
        energy += one.read_energy
        area += one.area
    assert tree.leakage == pytest.approx(leakage, rel=1e-12)
    assert tree.read_energy == pytest.approx(energy, rel=1e-12)
    assert tree.area == pytest.approx(area, rel=1e-12)


@given(bits=st.integers(1, 8), reads=st.integers(1, 50))
def test_sar_adc_takes_a_nanosecond_per_bit_and_one_more(bits: int, reads: int) -> None:
    circuit = _native.SarAdc(load_context({}))
    circuit.size(1, 2**bits)
    circuit.latency(reads)
    assert circuit.read_latency == pytest.approx((bits + 1) * 1e-9 * reads, rel=1e-12)
    # A column without an active row draws a microwatt; a shorted or undefined one nothing.
    circuit.power([math.inf], 1)
    assert circuit.read_energy == pytest.approx(1e-6 * (bits + 1) * 1e-9, rel=1e-12)
    circuit.power([0.0, math.nan], 1)
    assert circuit.read_energy == 0


@given(levels=st.integers(2, 128), rows=st.integers(1, 256))
def test_parallel_references_divide_the_sum_of_all_rows(levels: int, rows: int) -> None:
    context = load_context({"numRowSubArray": rows, "numRowParallel": rows})
    circuit = _native.MultilevelSenseAmp(context)
    circuit.size(1, levels, True, _native.ArrayValues())
    conductance = [1 / r for r in circuit.references]
    full = rows / 6e3
    assert len(conductance) == levels - 1
    for i, value in enumerate(conductance):
        assert value == pytest.approx(full * (levels - i) / levels, rel=1e-9)


@given(levels=st.integers(2, 16))
def test_sequential_references_lie_between_the_states_of_a_cell(levels: int) -> None:
    context = load_context({"operationmode": 1})
    circuit = _native.MultilevelSenseAmp(context)
    circuit.size(1, levels, False, _native.ArrayValues())
    on, off = 1 / 6e3, 1 / 102e3
    # One reference in the middle of each two neighbouring states.
    states = [on + (off - on) * i / (levels - 1) for i in range(levels)]
    middle = [(a + b) / 2 for a, b in pairwise(states)]
    assert [1 / r for r in circuit.references] == pytest.approx(middle, rel=1e-9)


def test_repeaters_make_a_long_wire_linear_in_length() -> None:
    context = load_context({"synchronous": 0})

    def latency(pitch: float) -> float:
        wire = _native.Bus(context)
        wire.size(_native.BusDirection.HORIZONTAL, 5, 5, 0, 128, pitch, pitch)
        wire.latency(1)
        return float(wire.read_latency)

    assert latency(2e-3) == pytest.approx(2 * latency(1e-3), rel=1e-12)
    # Without repeaters the delay of 8 mm would be 0.38 R C, quadratic in length.
    resistance = context.parameters.unit_wire_resistance * 8e-3
    assert latency(2e-3) < 0.38 * resistance * 0.2e-9 * 8e-3


def test_register_file_buffer_has_no_asynchronous_latency() -> None:
    for synchronous, expected in ((1, 5.0), (0, math.inf)):
        context = load_context({"synchronous": synchronous})
        cell = _native.make_cell(context.parameters)
        circuit = _native.Buffer(context)
        circuit.size(1024, 32, False)
        circuit.layout(0, 1e-3, cell)
        circuit.latency(5, 5, cell)
        assert circuit.read_latency == circuit.write_latency == expected


@pytest.mark.parametrize("synchronous", [0, 1])
def test_sram_buffer_of_an_sram_chip_is_finite(synchronous: int) -> None:
    context = load_context({"synchronous": synchronous, "memcelltype": 1})
    cell = _native.make_cell(context.parameters)
    circuit = _native.Buffer(context)
    circuit.size(1024, 32, True)
    circuit.layout(0, 1e-3, cell)
    circuit.latency(5, 5, cell)
    circuit.power(32, 5, 32, 5, cell)
    for figure in FIGURES:
        assert 0 < getattr(circuit, figure) < math.inf


def test_a_circuit_that_does_not_fit_says_so() -> None:
    context = load_context({})
    registers = _native.FlipFlops(context)
    registers.size(8)
    with pytest.raises(ValueError, match="does not fit"):
        registers.layout(0, 1e-9)
    circuit = _native.Adder(context)
    circuit.size(8, 1)
    # The reference prints an error and goes on with an adder of no size.
    for place in ((0, 1e-9), (1e-9, 0)):
        circuit.layout(*place)
        assert not circuit.fits
        assert circuit.area == 0
    circuit.layout(0, 1e-3)
    assert circuit.fits
    assert circuit.area > 0
