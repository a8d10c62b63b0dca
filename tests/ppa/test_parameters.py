"""Every parameter of the engine is set by a field of the design point, or listed with a reason."""

from pathlib import Path

import numpy as np
import pytest

from cimsim import _native
from cimsim.campaign.design import DesignPoint
from cimsim.campaign.keys import STAGES, own_fields, unflatten
from cimsim.campaign.settings import leaf_fields
from cimsim.errors import UserError
from cimsim.ppa.check import check_supported
from cimsim.ppa.engine import NetworkLayer, evaluate
from cimsim.ppa.parameter_docs import FILE, parameters_reference
from cimsim.ppa.parameters import NOT_SET, SOURCES, design_context, engine_parameters
from cimsim.ppa.technology import load_context

ROOT = Path(__file__).parents[2]

SRAM = {"cell.technology": "sram"}
CROSS_POINT = {"cell.access": "none"}
NVCAP = {"cell.technology": "nvcap"}

CHANGES = {
    "memcelltype": ({}, SRAM),
    "accesstype": ({}, CROSS_POINT),
    "cellBit": ({}, {"cell.bits": 2}),
    "resistanceOn": ({}, {"cell.resistance_on": 8e3}),
    "resistanceOff": ({}, {"cell.resistance_off": 2e5}),
    "heightInFeatureSizeSRAM": (SRAM, {"cell.circuit.height": 12.0}),
    "widthInFeatureSizeSRAM": (SRAM, {"cell.circuit.width": 30.0}),
    "heightInFeatureSize1T1R": ({}, {"cell.circuit.height": 5.0}),
    "widthInFeatureSize1T1R": ({}, {"cell.circuit.width": 14.0}),
    "heightInFeatureSizeCrossbar": (CROSS_POINT, {"cell.circuit.height": 3.0}),
    "widthInFeatureSizeCrossbar": (CROSS_POINT, {"cell.circuit.width": 3.0}),
    "featuresize": (CROSS_POINT, {"cell.circuit.feature_size": 22.0}),
    "relaxArrayCellHeight": ({}, {"cell.circuit.relaxed_height": True}),
    "relaxArrayCellWidth": ({}, {"cell.circuit.relaxed_width": True}),
    "readVoltage": ({}, {"cell.circuit.read_voltage": 0.3}),
    "accessVoltage": ({}, {"cell.circuit.access_voltage": 1.5}),
    "writeVoltage": ({}, {"cell.circuit.write_voltage": 1.2}),
    "chargeDelay": (NVCAP, {"cell.circuit.charge_delay": 1e-8}),
    "minSenseVoltage": (SRAM | {"array.parallel_rows": 1}, {"cell.circuit.minimum_swing": 0.2}),
    "widthSRAMCellNMOS": (SRAM, {"cell.circuit.pull_down_width": 2.0}),
    "widthSRAMCellPMOS": (SRAM, {"cell.circuit.pull_up_width": 2.0}),
    "widthAccessCMOS": (SRAM, {"cell.circuit.access_width": 2.0}),
    "synapseBit": ({}, {"quantization.weight_bits": 6}),
    "numBitInput": ({}, {"quantization.input_bits": 6}),
    "numRowSubArray": ({"array.parallel_rows": 64}, {"array.rows": 64}),
    "numColSubArray": ({}, {"array.columns": 64}),
    "numRowParallel": ({}, {"array.parallel_rows": 32}),
    "operationmode": ({}, {"array.parallel_rows": 1}),
    "SARADC": ({}, {"array.adc.kind": "sar"}),
    "currentMode": ({}, {"array.adc.sensing": "current"}),
    "levelOutput": ({}, {"array.adc.bits": 5}),
    "numColMuxed": ({}, {"array.adc.columns_shared": 16}),
    "groupsPerSubArray": ({}, {"array.groups_per_subarray": 4}),
    "dumcolshared": ({}, {"array.adc.dummy_columns_shared": 8.0}),
    "technode": ({}, {"chip.node": 32}),
    "deviceroadmap": ({}, {"chip.roadmap": "hp"}),
    "temp": (SRAM, {"chip.temperature": 350}),
    "transistortype": (SRAM, {"chip.transistor": "tfet"}),
    "wireWidth": ({}, {"chip.wires.local_width": 56}),
    "Metal0": (SRAM, {"chip.wires.column_width": 80.0}),
    "Metal1": (SRAM, {"chip.wires.row_width": 80.0}),
    "barrierthickness": ({}, {"chip.wires.barrier": 50.0}),
    "novelMapping": ({}, {"chip.mapping": "conventional"}),
    "pipeline": ({}, {"chip.pipeline": False}),
    "speedUpDegree": ({}, {"chip.speed_up": 1}),
    "synchronous": (
        SRAM | {"chip.global_buffer": "sram", "chip.tile_buffer": "sram"},
        {"chip.synchronous": False},
    ),
    "clkFreq": (
        {"cell.technology": "sram", "chip.node": 7, "chip.post_layout_calibration": False},
        {"chip.clock_frequency": 1e8},
    ),
    "sync_data_transfer": ({"chip.global_bus": "htree"}, {"chip.data_transfer": "synchronous"}),
    "chipActivation": ({}, {"chip.activation": "tile"}),
    "reLu": (SRAM, {"chip.activation_function": "sigmoid"}),
    "Activationtype": (
        SRAM | {"chip.activation_function": "sigmoid"},
        {"chip.sigmoid_storage": "rram"},
    ),
    "inputtoggle": ({}, {"chip.input_toggle": 0.4}),
    "outputtoggle": ({}, {"chip.output_toggle": 0.2}),
    "globalBusType": ({}, {"chip.global_bus": "htree"}),
    "globalBusDelayTolerance": ({}, {"chip.buses.global_delay_tolerance": 0.5}),
    "localBusDelayTolerance": ({}, {"chip.buses.tile_delay_tolerance": 0.5}),
    "treeFoldedRatio": ({}, {"chip.buses.folding": 1.0}),
    "maxGlobalBusWidth": ({}, {"chip.buses.max_global_width": 256.0}),
    "globalBufferType": ({}, {"chip.global_buffer": "sram"}),
    "globalBufferCoreSizeRow": ({}, {"chip.buffers.global_rows": 64}),
    "globalBufferCoreSizeCol": ({}, {"chip.buffers.global_columns": 64}),
    "peBufferType": ({}, {"chip.tile_buffer": "sram"}),
    "tileBufferCoreSizeRow": ({}, {"chip.buffers.tile_rows": 64}),
    "tileBufferCoreSizeCol": ({}, {"chip.buffers.tile_columns": 64}),
    "sizingfactor_MUX": ({}, {"chip.drivers.column_decoder": 10.0}),
    "sizingfactor_WLdecoder": ({}, {"chip.drivers.row_decoder": 20.0}),
    "newswitchmatrixsizeratio": ({}, {"chip.drivers.pass_gate": 30.0}),
    "switchmatrixsizeratio": ({}, {"chip.drivers.switch_resistance": 0.5}),
    "buffernumber": ({"chip.drivers.repeater_size": 3.0}, {"chip.drivers.repeaters": 3}),
    "buffersizeratio": (
        {"chip.drivers.repeaters": 3, "chip.drivers.repeater_size": 3.0},
        {"chip.drivers.repeater_size": 6.0},
    ),
    "speciallayout": (
        {"cell.technology": "sram", "chip.node": 2},
        {"chip.drivers.tuned_cells": False},
    ),
    "validated": ({}, {"chip.post_layout_calibration": False}),
    "alpha": ({}, {"chip.calibration.level_shifter_wiring": 2.0}),
    "beta": ({}, {"chip.calibration.sensing_cycle": 2.0}),
    "gamma": ({}, {"chip.calibration.register_activity": 1.0}),
    "delta": ({"array.parallel_rows": 32}, {"chip.calibration.adder_activity": 0.5}),
    "epsilon": ({}, {"chip.calibration.control_activity": 0.5}),
    "zeta": ({}, {"chip.calibration.post_layout_energy": 2.0}),
}
"""By parameter: a design in which it counts, and a change of the field that it comes from. The
corrections have tests of their own (test_corrections.py)."""

CORRECTIONS = {
    name for name, source in SOURCES.items() if source.field.startswith("fidelity.circuit.")
}

NETWORK = [
    NetworkLayer("stem", 6, 6, 3, 3, 3, 32, True, 16.0),
    NetworkLayer("conv", 3, 3, 32, 3, 3, 64, False, 1.0),
    NetworkLayer("depthwise", 3, 3, 128, 3, 3, 128, False, 1.0, 128),
    NetworkLayer("head", 1, 1, 576, 1, 1, 10, False, 1.0),
]


def design(fields):
    return DesignPoint.model_validate(unflatten(fields))


def figures(context):
    draw = np.random.default_rng(3)
    bits = int(context.parameters.values()["numBitInput"])
    inputs = [
        [draw.integers(0, 2**bits, (x.rows * x.groups, int(x.positions)), dtype=np.uint8)]
        for x in NETWORK
    ]
    weights = [draw.integers(0, 64, (x.rows, x.out_channels), dtype=np.int32) for x in NETWORK]
    report = evaluate(context, NETWORK, inputs, weights)
    return report.chip, [(layer.scalars, layer.energy) for layer in report.layers]


def test_every_parameter_is_set_by_a_field_or_listed_with_a_reason():
    assert not SOURCES.keys() & NOT_SET.keys()
    assert SOURCES.keys() | NOT_SET.keys() == set(_native.parameter_names())
    assert CHANGES.keys() == SOURCES.keys() - CORRECTIONS


@pytest.mark.parametrize("name", CHANGES)
def test_a_field_changes_its_parameter_and_the_chip(name):
    base, change = CHANGES[name]
    assert set(change) == {SOURCES[name].field} or name == "numRowSubArray"
    before, after = design_context(design(base)), design_context(design(base | change))
    assert before.parameters.values()[name] != after.parameters.values()[name]
    if name == "zeta":  # enters TOPS/W alone
        return
    assert figures(before) != figures(after)


def test_a_default_design_has_the_parameters_of_the_reference():
    assert design_context(DesignPoint()).parameters.values() == load_context({}).parameters.values()


@pytest.mark.parametrize("name", ["tileBufferType", "readPulseWidth", "algoWeightMax"])
@pytest.mark.parametrize("timing", ["synchronous", "asynchronous"])
def test_a_parameter_that_is_read_by_nothing_changes_nothing(name, timing):
    base = {"memcelltype": 1, "globalBufferType": 1, "peBufferType": 1}
    base["synchronous"] = float(timing == "synchronous")
    other = {"tileBufferType": 1.0, "readPulseWidth": 1e-6, "algoWeightMax": 256.0}[name]
    assert figures(load_context(base)) == figures(load_context(base | {name: other}))


@pytest.mark.parametrize("name", sorted({source.field for source in SOURCES.values()}))
def test_a_field_enters_the_key_of_the_stage_or_of_one_above(name):
    readers = {stage for stage in STAGES if name in own_fields(stage)}
    assert readers & {"ppa", "map", "calibrate"}
    if name.startswith(("cell.circuit", "chip")):
        assert readers == {"ppa"}


@pytest.mark.parametrize("name", sorted({source.field for source in SOURCES.values()}))
def test_a_number_has_bounds_and_a_text(name):
    field = leaf_fields()[name]
    assert field.description
    if name.startswith(("cell.circuit", "chip.")) and float in (field.annotation, *_parts(field)):
        rules = {type(rule).__name__ for rule in field.metadata}
        assert rules & {"Gt", "Ge"}, name


def _parts(field):
    return getattr(field.annotation, "__args__", ())


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        (
            {"chip.drivers.repeaters": 3},
            r"repeaters is 3 but node 22 .* needs chip\.drivers\.repeater_size",
        ),
        ({"chip.node": 32, "chip.transistor": "tfet"}, r"node is 32 but transistor tfet .* \[22\]"),
        (
            {"chip.data_transfer": "synchronous"},
            "data_transfer is synchronous, which needs global_bus htree",
        ),
        (
            {
                "chip.data_transfer": "synchronous",
                "chip.global_bus": "htree",
                "chip.pipeline": False,
            },
            "data_transfer is synchronous, which needs pipeline true",
        ),
        ({"cell.circuit.charge_delay": 1e-9}, "cell.technology rram transfers no charge"),
        (
            {"quantization.dynamic_products": "array"},
            r"chip\.dynamic_products is digital but quantization\.dynamic_products is array",
        ),
    ],
)
def test_combinations_without_a_circuit_are_refused(fields, message):
    with pytest.raises((UserError, ValueError), match=message):
        design_context(design(fields))


def test_errors_of_the_engine_name_fields():
    with pytest.raises(UserError, match=r"cell\.resistance_on 2000 ohm .* cell is 12 F"):
        check_supported(design({"cell.resistance_on": 2e3}))


def test_uncalibrated_registers_switch_fully():
    assert engine_parameters(design({"chip.post_layout_calibration": False}))["gamma"] == 1.0


def test_the_list_of_parameters_is_up_to_date():
    text = (ROOT / FILE).read_text(encoding="utf-8")
    assert text == parameters_reference(), "run `cimsim docs --write`"


def test_a_wire_that_is_all_barrier_is_refused():
    fields = {"chip.node": 90, "chip.wires.local_width": 8}
    check_supported(design(fields | {"cell.resistance_on": 1e5, "cell.resistance_off": 1e6}))
    with pytest.raises(UserError, match=r"no conductor in a wire of 8 nm; chip\.wires\.barrier"):
        design_context(design(fields | {"fidelity.circuit.wire_barrier": True}))
