"""IR drop: the resistance of row and column wires, to first order.

A crossbar of conductances g_rc: row r is driven to x_r V at one end, its wire has the resistance
R_row from cell to cell (and to the driver); the columns are held at ground at the foot, R_column
from cell to cell. Nodal equations: Chen, "A comprehensive crossbar array model with solutions for
line resistance and nonlinear device characteristics", IEEE Trans. Electron Devices 60, 1318 (2013).

Currents without wires, I_rc = g_rc x_r V, make the first-order voltages: with p and q counting the
segments from the driver and to the foot, the row has lost R_row sum_c' min(p_c, p_c') I_rc' at
cell (r, c), and the column has risen by R_column sum_r' min(q_r, q_r') I_r'c. Summed over a column,
both are linear in x, so that cell (r, c) acts as

    g_rc / (1 + e_rc),
    e_rc = R_row sum_c' min(p_c, p_c') g_rc' + R_column sum_r' min(q_r, q_r') g_r'c.

(The column term uses that min is symmetric: what r' does to r, r does to r'.) 1 / (1 + e) agrees
with 1 - e to first order and stays above 0. Rows that are read and have the input 0 are at ground,
and their cells conduct; rows that are not read, and rows that a layer leaves empty, are cut off.
Access transistors whose gates carry the input cut off more, so that this is a pessimistic bound for
them.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def wire_factors(
    conductance: Floats,
    row_resistance: float,
    column_resistance: float,
    parallel_rows: int,
    subarray: tuple[int, int],
) -> Floats:
    """Return by what the conductances of cells [K, columns] are multiplied, same shape.

    Args:
        conductance: not negative; resistances times conductances have no unit.
        row_resistance, column_resistance: of one segment.
        parallel_rows: rows that are read together; divides the subarray's rows.
        subarray: rows and columns of a subarray, each with wires of its own.
    """
    drop = np.zeros_like(conductance)
    if row_resistance:
        for start in range(0, conductance.shape[1], subarray[1]):
            part = slice(start, start + subarray[1])
            drop[:, part] += row_resistance * _shared_drop(conductance[:, part].T, 1).T
    if column_resistance:
        for start in range(0, len(conductance), parallel_rows):
            cells = conductance[start : start + parallel_rows]
            nearest = subarray[0] - (start + len(cells) - 1) % subarray[0]
            drop[start : start + len(cells)] += (
                column_resistance * _shared_drop(cells[::-1], nearest)[::-1]
            )
    factors: Floats = 1.0 / (1.0 + drop)
    return factors


def _shared_drop(cells: Floats, first: int) -> Floats:
    """Return sum_k' min(p_k, p_k') g_k' for cells g [n, m] at p = first, first + 1, ...

    Segment p carries the currents of all cells from p on, and a cell sees the drops of all segments
    up to its own: two running sums, whose order does not depend on any library.
    """
    beyond = np.cumsum(cells[::-1], axis=0)[::-1]
    result: Floats = np.cumsum(beyond, axis=0) + (first - 1) * beyond[:1]
    return result
