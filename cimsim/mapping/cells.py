"""How many cells and subarrays a layer takes.

A layer's matrix [K, N] takes K rows and N x cells_per_weight columns of cells, cut into subarrays.
Each group of a grouped convolution is a matrix of its own, in subarrays of its own or with
array.groups_per_subarray some of them on the diagonal of one (docs/ppa.md). The dummy column and
the reference column that the accuracy model reads are not counted, as in DNN+NeuroSim (chip.md,
fault 7).
"""

from __future__ import annotations

from dataclasses import dataclass

from cimsim.arrays.signed import cells_per_weight
from cimsim.campaign.design import DesignPoint
from cimsim.workloads.layer_table import LayerShape


@dataclass(frozen=True)
class Placement:
    """Cells of one layer.

    Attributes:
        cells_per_weight: cells that hold one weight, side by side in one row; with signed_weights
            offset ceil(weight bits / cell bits).
        row_groups: groups of rows that are read one after another, ceil(K / parallel_rows).
        subarrays: number of subarrays, all groups of the layer together.
        cell_utilization: used cells over all cells of those subarrays, 0 to 1.
    """

    cells_per_weight: int
    row_groups: int
    subarrays: int
    cell_utilization: float


def place(shape: LayerShape, point: DesignPoint) -> Placement:
    """Return how the layer is cut into the subarrays of `point`."""
    array = point.array
    bits = point.quantization.weight_bits
    cells = cells_per_weight(array.signed_weights, bits, point.cell.bits)
    cell_columns = shape.columns // shape.groups * cells
    grid = _parts(shape.rows, array.rows) * _parts(cell_columns, array.columns)
    together = min(
        array.groups_per_subarray,
        shape.groups,
        array.rows // shape.rows,
        array.columns // cell_columns,
    )
    subarrays = _parts(shape.groups, max(together, 1)) * grid
    return Placement(
        cells_per_weight=cells,
        row_groups=_parts(shape.rows, array.parallel_rows),
        subarrays=subarrays,
        cell_utilization=shape.groups
        * shape.rows
        * cell_columns
        / (subarrays * array.rows * array.columns),
    )


def _parts(whole: int, part: int) -> int:
    """Return ceil(whole / part)."""
    return -(-whole // part)
