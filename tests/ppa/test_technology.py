"""Technology tables, parameters and their derivations."""

from __future__ import annotations

import csv
from importlib.resources import files
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cimsim.campaign.design import NODES
from cimsim.errors import UserError
from cimsim.ppa.technology import load_context, load_technology

WIRES = Path(__file__).parents[1] / "reference" / "ppa" / "wires.csv"
TABLES = Path(str(files("cimsim.ppa") / "technology"))


@pytest.mark.parametrize("node", NODES)
def test_every_node_of_a_design_point_has_its_tables(node: int) -> None:
    for roadmap in ("hp", "lstp") if node >= 22 else ("lstp",):
        t = load_technology(node, roadmap)
        assert t.node == node
        # The fit of the sense amplifier covers every resistance.
        assert t.sensing_time.segments[-1].upper == float("inf")


@given(temperature=st.integers(300, 400), share=st.integers(0, 9))
def test_currents_are_linear_between_the_columns_of_the_table(temperature: int, share: int) -> None:
    low = temperature // 10 * 10
    if low == 400:
        low = 390
    a, b = (load_technology(45, "hp", t).ion_n for t in (low, low + 10))
    value = load_technology(45, "hp", low + share).ion_n
    assert value == pytest.approx(a + (b - a) * share / 10, rel=1e-12)


def test_junctions_follow_the_step_junction_law() -> None:
    # C(V) = C0 / (1 + V / 0.9 V) ** m with m = 0.5 below and 0.33 at the side of the drain.
    for node in (130, 90, 65, 45, 32, 22):
        t = load_technology(node)
        bias = 1 + t.vdd / 0.9
        assert t.cap_junction == pytest.approx(1e-3 / bias**0.5, rel=1e-12)
        assert t.cap_sidewall == pytest.approx(2.5e-10 / bias**0.33, rel=1e-12)
        assert t.cap_drain_to_channel == pytest.approx(0.5e-10 / bias**0.33, rel=1e-12)
        assert t.cap_overlap == pytest.approx(0.2 * t.cap_ideal_gate, rel=1e-12)
        assert t.pn_size_ratio == pytest.approx(t.ion_n / t.ion_p, rel=1e-12)


@pytest.mark.parametrize(
    ("node", "roadmap", "temperature", "message"),
    [
        (28, "lstp", 300, "nodes.csv has no row for node 28"),
        (14, "hp", 300, "no row for node 14, roadmap hp"),
        (22, "lstp", 299, "temperature is 299 K .* allow 300 to 400 K"),
        (22, "lstp", 401, "temperature is 401 K"),
        (7, "lstp", 310, "allow 300 K$"),
    ],
)
def test_unknown_technologies_are_refused(
    node: int, roadmap: str, temperature: int, message: str
) -> None:
    with pytest.raises(UserError, match=message):
        load_technology(node, roadmap, temperature)


def test_wire_resistances_of_all_nodes_agree_with_the_reference() -> None:
    with WIRES.open() as file:
        rows = list(csv.DictReader(file))
    assert [int(row["node"]) for row in rows] == list(NODES)
    for row in rows:
        p = load_context({"technode": int(row["node"])}).parameters
        assert p.unit_wire_resistance == pytest.approx(float(row["local"]), rel=1e-12)
        assert p.metal0_unit_resistance == pytest.approx(float(row["metal0"]), rel=1e-12)
        assert p.metal1_unit_resistance == pytest.approx(float(row["metal1"]), rel=1e-12)


def test_derived_parameters_follow_what_they_are_derived_from() -> None:
    p = load_context({"levelOutput": 32, "resistanceOn": 2e4, "wireWidth": 56}).parameters
    values = p.values()
    assert values["dumcolshared"] == 32
    assert values["resistanceAccess"] == 5e3
    assert values["maxConductance"] == 1 / 2e4
    assert values["featuresize"] == 56 * 1e-9
    hot = load_context({"temp": 400}).parameters
    cold = load_context({}).parameters
    assert hot.unit_wire_resistance == pytest.approx(
        cold.unit_wire_resistance * (1 + 0.00451 * 100), rel=1e-12
    )
    assert hot.metal0_unit_resistance == cold.metal0_unit_resistance


def test_parallel_rows_follow_the_operation_mode() -> None:
    for mode, parallel in ((1, False), (2, True), (3, False), (4, True), (5, False), (6, True)):
        p = load_context({"operationmode": mode, "numRowSubArray": 64}).parameters
        assert p.parallel_read == parallel
        assert p.values()["numRowParallel"] == (64 if parallel else 1)
        assert p.rows_per_synapse == (2 if mode >= 5 else 1)


def test_cells_per_weight() -> None:
    def columns(**overrides: float) -> int:
        return int(load_context(overrides).parameters.cols_per_synapse)

    assert columns(synapseBit=8, cellBit=3) == 3
    assert columns(synapseBit=4, cellBit=8) == 1  # clipped to the weight's bits
    assert columns(memcelltype=1, cellBit=4, synapseBit=8) == 8  # SRAM holds one bit
    assert columns(operationmode=4) == 2
    sequential = load_context({"memcelltype": 1, "operationmode": 1, "synapseBit": 6})
    assert sequential.parameters.values()["numColMuxed"] == 6


def test_non_volatile_capacitor_sets_its_cell() -> None:
    values = load_context({"memcelltype": 4}).parameters.values()
    assert values["heightInFeatureSize1T1R"] == values["widthInFeatureSize1T1R"] == 2
    assert values["resistanceOn"] == 1e20
    assert values["readVoltage"] == values["accessVoltage"] == 0.06
    assert values["resistanceAccess"] == 1500  # kept from the resistive cell


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "memcelltype": st.integers(1, 4),
            "operationmode": st.integers(1, 2),
            "technode": st.sampled_from(NODES),
            "levelOutput": st.integers(2, 256),
            "cellBit": st.integers(1, 8),
            "synapseBit": st.integers(2, 8),
            "resistanceOn": st.floats(1e2, 1e6),
        },
    )
)
def test_values_reproduce_the_parameters(overrides: dict[str, float]) -> None:
    first = load_context(overrides).parameters
    again = load_context(first.values()).parameters
    assert again.values() == first.values()
    assert again.wire_resistance_row == first.wire_resistance_row
    assert again.cols_per_synapse == first.cols_per_synapse


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ({"tecnode": 22}, r"tecnode is unknown \(did you mean 'technode'"),
        ({"AR": 2}, "AR is derived and cannot be set"),
        ({"columncap": 1e-15}, "columncap is derived"),
        ({"levelOutput": 1}, "levelOutput is 1 but must be 2 to 1048576, a whole number"),
        ({"levelOutput": 3.5}, "levelOutput is 3.5"),
        ({"clkFreq": 0}, "clkFreq is 0 but must be a positive number"),
        ({"resistanceOn": float("nan")}, "resistanceOn is not finite"),
        ({"memcelltype": 5}, "memcelltype is 5 but must be 1 to 4"),
        ({"deviceroadmap": 3}, "deviceroadmap is 3; allowed: 1 .hp., 2 .lstp."),
        ({"technode": 22.5}, "technode is 22.5 but must be a whole number"),
        ({"temp": float("nan")}, "temp is nan but must be a whole number"),
        ({"transistortype": 0}, "transistortype is 0"),
        ({"wireWidth": 4}, "no resistivity for a wire of 4"),
        ({"numRowParallel": 256}, "numRowParallel is 256 but must be at most numRowSubArray, 128"),
    ],
)
def test_wrong_parameters_are_refused(overrides: dict[str, float], message: str) -> None:
    with pytest.raises(UserError, match=message):
        load_context(overrides)
