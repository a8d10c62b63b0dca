"""IR drop against a nodal solve of the whole crossbar."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from scipy.sparse import lil_matrix
from scipy.sparse.linalg import spsolve

from cimsim.arrays.product import ProgrammedLayer
from cimsim.arrays.reference import array_product
from cimsim.arrays.settings import ArraySettings
from cimsim.campaign.design import DesignPoint
from cimsim.devices.program import program
from cimsim.devices.wires import wire_factors


def nodal_currents(g, r_row, r_column, voltages):
    """Return the current at the foot of each column, by Kirchhoff's law at every node."""
    rows, columns = g.shape
    count = rows * columns
    matrix, source = lil_matrix((2 * count, 2 * count)), np.zeros(2 * count)
    row_node = np.arange(count).reshape(rows, columns)
    column_node = row_node + count

    def connect(a, b, conductance):
        for here, there in ((a, b), (b, a)):
            matrix[here, here] += conductance
            matrix[here, there] -= conductance

    for r, c in np.ndindex(rows, columns):
        connect(row_node[r, c], column_node[r, c], g[r, c])
        if c == 0:  # the driver
            matrix[row_node[r, c], row_node[r, c]] += 1 / r_row
            source[row_node[r, c]] += voltages[r] / r_row
        else:
            connect(row_node[r, c - 1], row_node[r, c], 1 / r_row)
        if r == rows - 1:  # the foot, at ground
            matrix[column_node[r, c], column_node[r, c]] += 1 / r_column
        else:
            connect(column_node[r, c], column_node[r + 1, c], 1 / r_column)
    solved = spsolve(matrix.tocsr(), source)
    return solved[column_node[-1]] / r_column


def cells(rows, columns, seed, ratio=17.0):
    on = np.random.default_rng(seed).integers(0, 2, (rows, columns))
    return np.where(on, 1.0, 1.0 / ratio)


def first_order(g, r_row, r_column, voltages):
    return voltages @ (g * wire_factors(g, r_row, r_column, len(g), g.shape))


@hypothesis_settings(max_examples=40, deadline=None)
@given(
    st.integers(1, 12),
    st.integers(1, 12),
    st.integers(0, 1000),
    st.sampled_from([(1e-6, 1e-6), (1e-5, 1e-9), (1e-9, 1e-5), (3e-5, 1e-5)]),
)
def test_the_loss_is_that_of_the_nodal_solve_to_first_order(rows, columns, seed, resistances):
    g = cells(rows, columns, seed)
    voltages = np.random.default_rng(seed).integers(0, 4, rows).astype(float)
    exact = nodal_currents(g, *resistances, voltages)
    found = first_order(g, *resistances, voltages)
    loss, size = voltages @ g - exact, voltages @ g
    largest = resistances[0] * columns**2 / 2 + resistances[1] * rows**2 / 2
    # What is neglected is of second order in the largest relative drop (and solver rounding).
    assert np.all(np.abs(found - exact) <= 4 * largest**2 * size + 1e-9 * size)
    if largest > 1e-5 and voltages.any():
        # The loss itself is right, not only small (second order: below 4 * largest of it).
        assert np.abs(found - exact).max() < 4 * largest * loss.max() + 1e-9 * size.max()


@pytest.mark.parametrize(
    ("product", "loss", "error"), [(1e-5, 0.0199, 4e-5), (1e-4, 0.170, 3e-3), (1e-3, 0.683, 0.07)]
)
def test_the_stated_error_of_the_first_order(product, loss, error):
    """The table of docs/simulator.md: 64 x 64 random cells, all rows driven; wire resistance of a
    segment times on conductance against the largest loss and error of a column current."""
    g, driven = cells(64, 64, 1), np.ones(64)
    exact = nodal_currents(g, product, product, driven)
    assert (1 - exact / (driven @ g)).max() == pytest.approx(loss, rel=0.01)
    found = first_order(g, product, product, driven)
    assert error / 2 < np.abs(found / exact - 1).max() < error


def test_more_subarrays_and_row_groups_have_wires_of_their_own():
    g = cells(20, 11, 3)
    factors = wire_factors(g, 1e-3, 2e-3, 5, (10, 4))
    for top, left in ((0, 0), (5, 4), (10, 8), (15, 8)):
        rows, columns = slice(top, top + 5), slice(left, left + 4)
        drop = np.zeros_like(g[rows, columns])
        for r, c, r2, c2 in np.ndindex(*drop.shape, *drop.shape):
            if r == r2:
                drop[r, c] += 1e-3 * (min(c, c2) + 1) * g[rows, columns][r2, c2]
            if c == c2:
                last = 10 - top % 10 - max(r, r2)
                drop[r, c] += 2e-3 * last * g[rows, columns][r2, c2]
        np.testing.assert_allclose(factors[rows, columns], 1 / (1 + drop))


def settings(**changes):
    values = {
        "weight_bits": 8,
        "input_bits": 8,
        "cell_bits": 2,
        "dac_bits": 1,
        "parallel_rows": 32,
        "adc_top": 127,
        "adc_step": 1.0,
        "states_mean": np.array([0.5, 1.5, 2.5, 3.5]),
        "states_std": np.zeros(4),
        "subarray_rows": 64,
        "subarray_columns": 16,
    }
    return ArraySettings(**(values | changes))


@pytest.mark.parametrize("sign", [1, -1])
def test_the_cells_of_a_weight_stand_side_by_side(sign):
    codes = np.random.default_rng(0).integers(0, 256, (70, 9))
    mean = np.array([0.5, 1.5, 2.5, 3.5]) if sign > 0 else -np.array([3.5, 2.5, 1.5, 0.5])
    array = settings(row_wire=1e-3, column_wire=2e-3, states_mean=mean)
    found = program(codes, array, "", 0)
    g = mean[np.stack([(codes >> 2 * j) & 3 for j in range(4)], axis=-1)].reshape(70, 36)
    expected = g * wire_factors(np.abs(g), 1e-3, 2e-3, 32, (64, 16))
    for j in range(4):
        np.testing.assert_allclose(found.conductance[j], expected[:, j::4])
    # The reference column stands at the drivers and has a column wire only.
    reference = np.full((70, 1), mean[0])
    factors = wire_factors(np.abs(reference), 0.0, 2e-3, 32, (64, 16))
    np.testing.assert_allclose(found.reference, (reference * factors)[:, 0])


def test_the_native_path_agrees():
    generator = np.random.default_rng(1)
    x, w = generator.integers(0, 256, (9, 130)), generator.integers(-128, 128, (130, 21))
    array = settings(row_wire=1e-4, column_wire=1e-4, device_variation=0.05, read_noise=0.02)
    found = ProgrammedLayer(w, array, "a", 3).product(x, 2)
    assert np.mean(found != array_product(x, w, array, "a", 3, 2)) < 0.02


def test_no_wire_resistance_changes_nothing():
    assert not settings().has_wires
    point = {"cell": {"bits": 1}, "array": {"row_wire_resistance": 2.0}}
    built = ArraySettings.from_design(DesignPoint.model_validate(point))
    step = 1 / 6e3 - 1 / 102e3
    assert (built.row_wire, built.column_wire) == (pytest.approx(2.0 * step), 0.0)
    assert built.has_wires
    assert not built.is_random
    with pytest.raises(ValueError, match=r"row_wire_resistance .* cell.technology is sram"):
        DesignPoint.model_validate({**point, "cell": {"technology": "sram"}})
