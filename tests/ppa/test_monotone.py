"""Figures that physics lets grow in one direction only, over random designs.

Other figures need not be monotone: the model lays circuits out in rows and columns, which makes
areas jump, and some of its latencies depend on sizing factors of the node. The energy of sensing by
current is one of them: it may fall and rise again with the resistance of the cells.
"""

import numpy as np
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from cimsim.campaign.design import DesignPoint
from cimsim.campaign.keys import unflatten
from cimsim.errors import UserError
from cimsim.ppa.engine import NetworkLayer, evaluate, needs_weights
from cimsim.ppa.parameters import design_context

BULK = (130, 90, 65, 45, 32, 22)

ARRAYS = st.fixed_dictionaries(
    {
        "cell.technology": st.sampled_from(["sram", "rram", "fefet"]),
        "cell.access": st.sampled_from(["cmos", "none"]),
        "cell.resistance_on": st.just(2.4e5),
        "cell.resistance_off": st.just(2.4e6),
        "array.rows": st.sampled_from([32, 64, 128]),
        "array.columns": st.sampled_from([64, 128]),
        "array.adc.kind": st.sampled_from(["mlsa", "sar"]),
        "array.adc.sensing": st.sampled_from(["voltage", "current"]),
        "array.adc.bits": st.integers(1, 8),
        "chip.node": st.sampled_from(BULK),
        "chip.roadmap": st.sampled_from(["lstp", "hp"]),
        "chip.pipeline": st.booleans(),
    }
)


def chip(fields, sequential=False, active=9, groups=1, rows=256, outputs=32):
    """Return the figures of a chip with one layer, of which `active` of `rows` rows are on.

    A read takes one row, or the rows of an array in `groups` groups.
    """
    at_once = 1 if sequential else fields["array.rows"] // groups
    point = DesignPoint.model_validate(unflatten(fields | {"array.parallel_rows": at_once}))
    network = [NetworkLayer("only", 1, 1, rows, 1, 1, outputs, False, 1.0)]
    inputs = np.zeros((rows, 1), dtype=np.uint8)
    inputs[:active] = 2**point.quantization.input_bits - 1
    weights = [np.full((rows, outputs), 170, dtype=np.int32)]
    try:
        context = design_context(point)
        report = evaluate(context, network, [[inputs]], weights if needs_weights(context) else [])
    except UserError:
        assume(False)
        raise
    return report.chip | {f"area of {p.name}": p.area for p in report.components}


def never_falls(name, *chips):
    values = [figures[name] for figures in chips]
    assert values == sorted(values), f"{name}: {values}"


@settings(max_examples=60, deadline=None)
@given(fields=ARRAYS)
def test_a_finer_adc_never_costs_less(fields):
    chips = [chip(fields | {"array.adc.bits": bits}) for bits in (3, 5, 7, 8)]
    never_falls("area_adc_m2", *chips)
    never_falls("energy_adc_j", *chips)
    never_falls("partial_sum_bits", *chips)


@settings(max_examples=60, deadline=None)
@given(fields=ARRAYS)
def test_a_finer_adc_never_shortens_the_clock_cycle(fields):
    synchronous = fields | {"chip.synchronous": True}
    chips = [chip(synchronous | {"array.adc.bits": bits}) for bits in (3, 5, 7, 8)]
    never_falls("clock_period_s", *chips)


@settings(max_examples=60, deadline=None)
@given(fields=ARRAYS, sequential=st.booleans())
def test_more_rows_never_make_a_smaller_array(fields, sequential):
    chips = [chip(fields | {"array.rows": rows}, sequential) for rows in (32, 64, 128)]
    never_falls("area of subarray.cells", *chips)
    never_falls("subarray_height_m", *chips)


@settings(max_examples=60, deadline=None)
@given(fields=ARRAYS, sequential=st.booleans())
def test_heat_never_lowers_leakage(fields, sequential):
    chips = [chip(fields | {"chip.temperature": t}, sequential) for t in (300, 320, 350, 400)]
    never_falls("subarray_leakage_w", *chips)


@settings(max_examples=60, deadline=None)
@given(fields=ARRAYS, sequential=st.booleans())
def test_more_active_rows_never_draw_less(fields, sequential):
    # Sensing by voltage only: a column that conducts more may take less power to convert.
    voltage = {"array.adc.kind": "mlsa", "array.adc.sensing": "voltage"}
    chips = [chip(fields | voltage, sequential, active) for active in (1, 17, 200)]
    never_falls("energy_dynamic_j", *chips)


@settings(max_examples=30, deadline=None)
@given(fields=ARRAYS)
def test_rows_read_one_by_one_take_as_long_as_there_are_active_rows(fields):
    few, many = (chip(fields, sequential=True, active=active) for active in (8, 64))
    never_falls("latency_adc_s", few, many)
    assert many["latency_adc_s"] > few["latency_adc_s"]


@settings(max_examples=40, deadline=None)
@given(fields=ARRAYS, sequential=st.booleans())
def test_more_input_bits_never_cost_less(fields, sequential):
    chips = [chip(fields | {"quantization.input_bits": bits}, sequential) for bits in (2, 4, 6, 8)]
    never_falls("energy_dynamic_j", *chips)
    never_falls("energy_adc_j", *chips)
    never_falls("latency_adc_s", *chips)


@settings(max_examples=40, deadline=None)
@given(fields=ARRAYS)
def test_reading_rows_in_more_groups_is_never_faster(fields):
    chips = [chip(fields, groups=groups) for groups in (1, 2, 4, 8)]
    never_falls("latency_adc_s", *chips)
    assert chips[-1]["latency_adc_s"] > chips[0]["latency_adc_s"]


@settings(max_examples=40, deadline=None)
@given(fields=ARRAYS)
def test_fewer_adcs_never_take_more_area_nor_fewer_cycles(fields):
    chips = [chip(fields | {"array.adc.columns_shared": shared}) for shared in (2, 4, 8, 16, 32)]
    never_falls("area_adc_m2", *reversed(chips))
    # Cycles, not seconds: the decoder of the multiplexers drives one gate an ADC, and with fewer
    # ADCs the clock may be faster by more than there are cycles to add.
    cycles = [round(c["latency_adc_s"] / c["clock_period_s"], 6) for c in chips]
    assert cycles == sorted(cycles)
    assert cycles[-1] > cycles[0]


@settings(max_examples=40, deadline=None)
@given(
    fields=ARRAYS,
    rows=st.sampled_from([1, 2, 4, 8]),
    outputs=st.sampled_from([1, 2, 4]),
)
def test_a_larger_matrix_never_takes_fewer_cells_or_tiles(fields, rows, outputs):
    small = chip(fields, rows=256, outputs=32)
    large = chip(fields, rows=256 * rows, outputs=32 * outputs)
    never_falls("tiles", small, large)
    never_falls("area_array_m2", small, large)
    never_falls("energy_adc_j", small, large)
