"""The arrays that hold activations: SRAM cells of the design's subarray and ADC."""

from __future__ import annotations

from cimsim.campaign.array import ChargeColumn
from cimsim.campaign.design import Cell, DesignPoint
from cimsim.campaign.nonideality import Nonideality


def dynamic_design(point: DesignPoint) -> DesignPoint:
    """Return the design of arrays into which one operand of a product is written each time.

    They have one-bit SRAM cells and the geometry and ADC of `point`; a stored code has the bits of
    an input. A design with SRAM has its non-idealities there too; those of other memories are about
    cells that these arrays do not have.
    """
    is_sram = point.cell.technology == "sram"
    array = point.array
    return point.model_copy(
        update={
            "cell": point.cell if is_sram else Cell(technology="sram"),
            "nonideality": point.nonideality if is_sram else Nonideality(),
            "quantization": point.quantization.model_copy(
                update={"weight_bits": point.quantization.input_bits}
            ),
            "array": array.model_copy(
                update={
                    "row_wire_resistance": 0.0,
                    "column_wire_resistance": 0.0,
                    "charge": ChargeColumn(),
                }
            ),
        }
    )
