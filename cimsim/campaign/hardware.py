"""Details of cells and chip that only the area, latency and energy model reads.

They carry the parameters of DNN+NeuroSim V1.5 under plain names (``docs/parameters.md`` lists
both). A field whose default is nothing takes the value of the node's technology table, or of the
memory where the description says so.
"""

from __future__ import annotations

from pydantic import Field

from cimsim.campaign.section import Section

LARGEST_COUNT = 2**20
"""No array or buffer of the model has more rows, columns or lines."""


class CellCircuit(Section):
    """Geometry, voltages and transistors of the memory cell. F is the feature size of the node."""

    height: float | None = Field(
        None,
        gt=0.0,
        le=1000.0,
        description="height of a cell, F; default: sram node table, CMOS access 4, cross-point 2, "
        "nvcap 2",
    )
    width: float | None = Field(
        None,
        gt=0.0,
        le=1000.0,
        description="width of a cell, F; default: sram node table, CMOS access 12, cross-point 2, "
        "nvcap 2",
    )
    feature_size: float | None = Field(
        None,
        gt=0.0,
        le=1000.0,
        description="F of cross-point cells and of the dummy columns of an ADC, nm; default: width "
        "of the local wire",
    )
    relaxed_height: bool = Field(
        False, description="cells at least as high as the gates beside the array"
    )
    relaxed_width: bool = Field(
        False, description="cells at least as wide as the gates below the array"
    )
    read_voltage: float | None = Field(
        None, gt=0.0, le=10.0, description="read voltage, V; default: node table, nvcap 0.06"
    )
    access_voltage: float | None = Field(
        None,
        gt=0.0,
        le=10.0,
        description="gate voltage of a selected access transistor, V; default: 1.1, nvcap 0.06",
    )
    write_voltage: float = Field(
        2.0,
        ge=0.0,
        le=100.0,
        description="write voltage, V; above 1.5 level shifters take area (rram, fefet, nvcap)",
    )
    charge_delay: float | None = Field(
        None,
        gt=0.0,
        le=1.0,
        description="charge transfer of 128 rows, s (nvcap only); default: 5e-9",
    )
    minimum_swing: float = Field(
        0.1, gt=0.0, le=1.0, description="smallest bit-line swing that is sensed, V (sram)"
    )
    pull_down_width: float = Field(
        1.0, gt=0.0, le=1000.0, description="NMOS width, F (sram; at 14 nm and below 2 F)"
    )
    pull_up_width: float = Field(
        1.0, gt=0.0, le=1000.0, description="PMOS width, F (sram; at 14 nm and below 2 F)"
    )
    access_width: float = Field(
        1.0,
        gt=0.0,
        le=1000.0,
        description="access transistor width, F (sram; at 14 nm and below 2 F)",
    )


class Buffers(Section):
    """Cores that the global buffer and the buffers of the tiles are made of."""

    global_rows: int = Field(
        128, ge=1, le=LARGEST_COUNT, description="lines of a core of the global buffer"
    )
    global_columns: int = Field(
        128, ge=1, le=LARGEST_COUNT, description="bits of a line of the global buffer"
    )
    tile_rows: int = Field(
        32, ge=1, le=LARGEST_COUNT, description="lines of a core of a tile's buffers"
    )
    tile_columns: int = Field(
        32, ge=1, le=LARGEST_COUNT, description="bits of a line of a tile's buffers"
    )


class Buses(Section):
    """Long wires with repeaters between tiles and between the elements of a tile."""

    global_delay_tolerance: float = Field(
        0.1,
        ge=0.0,
        le=100.0,
        description="delay of the global bus over the shortest that repeaters can reach, minus 1",
    )
    tile_delay_tolerance: float = Field(
        0.1, ge=0.0, le=100.0, description="the same for the H-tree inside a tile"
    )
    folding: float = Field(
        4.0, gt=0.0, le=1e6, description="layers that the wires of the global bus are folded into"
    )
    max_global_width: float = Field(
        2048.0, ge=2.0, le=1e9, description="upper bound of the width of the global bus, bits"
    )


class Wires(Section):
    """Wires of the array."""

    local_width: int | None = Field(
        None, ge=8, le=10_000, description="width of local wires, nm; default: node table"
    )
    row_width: float | None = Field(
        None, ge=8.0, le=10_000.0, description="width of row wires (Metal1), nm; default: table"
    )
    column_width: float | None = Field(
        None,
        ge=8.0,
        le=10_000.0,
        description="width of column wires (Metal0), nm; default: node table",
    )
    barrier: float | None = Field(
        None, ge=0.0, le=100.0, description="thickness of the barrier, nm; default: node table"
    )


class Drivers(Section):
    """Sizes of the drivers around an array, and repeaters in its word lines."""

    column_decoder: float | None = Field(
        None,
        gt=0.0,
        le=1e6,
        description="width of the output drivers of the column multiplexer's decoder over the "
        "minimum; default: node table",
    )
    row_decoder: float = Field(
        1.0, gt=0.0, le=1e6, description="width of the output drivers of other decoders, the same"
    )
    pass_gate: float | None = Field(
        None,
        gt=0.0,
        le=1e6,
        description="width of the word-line pass gates of cells with CMOS access over the minimum; "
        "default: node table",
    )
    switch_resistance: float | None = Field(
        None,
        gt=0.0,
        le=1e6,
        description="resistance of line switches over that of the line; default: node table",
    )
    repeaters: int | None = Field(
        None, ge=0, le=1000, description="repeaters in a word line; default: node table"
    )
    repeater_size: float | None = Field(
        None,
        gt=0.0,
        le=1e6,
        description="width of a repeater over the minimum; default: node table",
    )
    tuned_cells: bool = Field(True, description="narrow standard cells (2 and 1 nm only)")


class Calibration(Section):
    """Factors that DNN+NeuroSim fitted to silicon, used with `chip.post_layout_calibration`."""

    level_shifter_wiring: float = Field(
        1.44, ge=0.0, le=1e3, description="area of a level shifter over its transistors' (alpha)"
    )
    sensing_cycle: float = Field(
        1.4, gt=0.0, le=1e3, description="length of a sensing cycle over the sum of delays (beta)"
    )
    register_activity: float = Field(
        0.5, ge=0.0, le=1.0, description="switching activity of registers (gamma)"
    )
    adder_activity: float = Field(
        0.15, ge=0.0, le=1.0, description="switching activity of adders (delta)"
    )
    control_activity: float = Field(
        0.05, ge=0.0, le=1.0, description="switching activity of control logic (epsilon)"
    )
    post_layout_energy: float = Field(
        1.22,
        gt=0.0,
        le=1e3,
        description="energy after layout over before, in TOPS/W only (zeta)",
    )
