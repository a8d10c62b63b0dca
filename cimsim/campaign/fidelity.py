"""Fidelity switches of a design point: where cimsim corrects the reference or follows it."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from cimsim.campaign.section import Section


class CircuitFidelity(Section):
    """Corrections of the circuit model. All are off by default: its equations were calibrated
    together to silicon. Numbers are those of the specification's lists of faults (chip.md 8,
    circuits.md 5, and what was observed in runs of the reference); docs/fidelity.md shows what each
    changes."""

    column_settling: bool = Field(
        False,
        description="settling of the columns is part of a clock cycle (chip 17)",
    )
    clock_limit: bool = Field(
        False,
        description="no clock cycle is shorter than 1 / chip.clock_frequency (chip 53)",
    )
    shift_add_width: bool = Field(
        False,
        description="shift-adders of resistive arrays have the bits of row groups and multi-bit "
        "cells (chip 20)",
    )
    shared_weights: bool = Field(
        False,
        description="weights per ADC are columns_shared / columns of a weight, not rounded down to "
        "0 (chip 21)",
    )
    wire_directions: bool = Field(
        False,
        description="cell wires are as long as the cell is wide along a row and high along "
        "a column (chip 22)",
    )
    fefet_access: bool = Field(
        False,
        description="columns of FeFET cells have the resistance of their access transistors (chip "
        "23)",
    )
    word_line_load: bool = Field(
        False,
        description="switch matrices drive the wires and gates of their word line (chip 31)",
    )
    mux_driver_size: bool = Field(
        False,
        description="decoders of column multiplexers have drivers for their load above 22 nm, too "
        "(observed 29)",
    )
    mux_decoder_load: bool = Field(
        False,
        description="decoders of 2 or 4 columns drive the multiplexers by their driver alone "
        "(observed 30)",
    )
    precharge_energy: bool = Field(
        False,
        description="precharging SRAM columns costs energy in parallel arrays, too (chip 30)",
    )
    column_switching: bool = Field(
        False,
        description="charge of the column per ADC level, an integer quotient of 0 otherwise "
        "(circuit 24)",
    )
    pass_gate_current: bool = Field(
        False,
        description="PMOS of word-line pass gates has its own current (circuit 20)",
    )
    wire_barrier: bool = Field(
        False,
        description="barrier of wires in the unit of their width (circuit 3, chip 35)",
    )
    htree_energy: bool = Field(
        False,
        description="H-trees are charged over the lengths that their latency counts (circuit 15)",
    )
    empty_elements: bool = Field(
        False,
        description="empty processing elements of a tile draw no energy (chip 37)",
    )
    adder_tree_energy: bool = Field(
        False,
        description="adder tree of an element with copied weights is charged once (chip 38)",
    )
    sum_width: bool = Field(
        False,
        description="sums of subarrays grow by the logarithm of their number, not its "
        "root (chip 40)",
    )
    buffer_traffic: bool = Field(
        False,
        description="each bit in a tile buffer is written once and read once, not half a time each "
        "(chip 43)",
    )
    copied_sums: bool = Field(
        False,
        description="copies of tiles are no operands of the accumulation between tiles (chip 54)",
    )
    buffer_sense_load: bool = Field(
        False,
        description="SRAM buffers count the load of their sense amplifiers (circuit 27)",
    )
    repeater_leakage: bool = Field(
        False,
        description="repeaters leak current times voltage, in SRAM arrays, too (chip 28)",
    )
    block_leakage: bool = Field(
        False,
        description="buffer, bus, accumulation, activation and pooling of the chip leak, and all "
        "cores of tile buffers (chip 50)",
    )
    busy_leakage: bool = Field(
        False,
        description="tiles leak while they work as when they wait (chip 52)",
    )
    waiting_leakage: bool = Field(
        False,
        description="each tile leaks as what it is until the slowest layer ends (chip 51, 52)",
    )


class Fidelity(Section):
    """Where cimsim corrects the reference and where it follows it: one switch per known fault.

    The defaults are the corrected behaviour; the preset ``neurosim-v1.5`` sets the other one. Qn
    are the numbers of the specification's list of faults (functional.md 9 and chip.md 8)."""

    integer_conversion: Literal["nearest", "truncate"] = Field(
        "nearest", description="rounding of scaled weights and inputs (Q1)"
    )
    input_shift: Literal["zero_point", "data_minimum"] = Field(
        "zero_point",
        description="zero_point: calibrated and exact, corrected digitally; data_minimum: "
        "minimum of the batch with a "
        "dummy vector read from the array (Q8, Q10)",
    )
    stuck_at_rates: Literal["as_given", "squared"] = Field("as_given", description="(Q5)")
    read_noise_scope: Literal["read", "batch"] = Field(
        "read", description="fresh for each read, or shared by all vectors of a batch (Q10)"
    )
    drift_direction_scope: Literal["device", "read"] = Field(
        "device", description="random direction drawn once per device or at each read (Q6)"
    )
    drift_bounds: Literal["states", "observed"] = Field(
        "states",
        description="drift stays between the nominal states or the extremes of the layer's "
        "slice (Q18)",
    )
    negative_conductance: Literal["clamp", "keep"] = Field(
        "clamp", description="variation cannot take a conductance below zero (Q12)"
    )
    adc_unit: Literal["mean_step", "first_step"] = Field(
        "mean_step", description="conductance of one unit at the ADC for non-uniform states (Q24)"
    )
    adc_levels: Literal["2^b", "2^b+1"] = Field("2^b", description="number of ADC levels (Q7)")
    accumulation: Literal["integer", "float32"] = Field(
        "integer", description="digital recombination (Q15)"
    )
    first_layer: Literal["array", "float"] = Field(
        "array", description="where the first layer is computed"
    )
    trace_vectors: Literal["all", "unpadded"] = Field(
        "all",
        description="input vectors of a padded convolution in the hardware model (chip.md Q2, Q3)",
    )
    weight_digits: Literal["stored", "parity"] = Field(
        "stored", description="weight digits that the hardware model sees (chip.md Q1)"
    )
    stem_trace: Literal["integer", "float_truncated"] = Field(
        "integer", description="trace of a first layer that stays in floating point (chip.md Q4)"
    )
    circuit: CircuitFidelity = CircuitFidelity()
