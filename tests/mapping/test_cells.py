"""Cells and subarrays of a layer against counts made by hand and by laying cells out."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cimsim.campaign.design import DesignPoint
from cimsim.mapping.cells import place
from cimsim.workloads.layer_table import LayerShape


def conv(in_channels, out_channels, kernel=3, groups=1):
    return LayerShape(
        name="layer",
        kind="conv",
        in_channels=in_channels,
        in_height=8,
        in_width=8,
        kernel_height=kernel,
        kernel_width=kernel,
        out_channels=out_channels,
        out_height=8,
        out_width=8,
        stride=1,
        padding=1,
        groups=groups,
        pooled=False,
    )


def test_layers_of_vgg8_at_full_width():
    # 128 x 3 x 3 = 1152 rows = 9 subarrays; 128 x 8 = 1024 cell columns = 8 subarrays.
    placed = place(conv(128, 128), DesignPoint())
    assert (placed.cells_per_weight, placed.row_groups, placed.subarrays) == (8, 9, 72)
    assert placed.cell_utilization == 1.0


def test_a_small_first_layer():
    # 9 rows of 128; 16 x 4 cells of 2 bits = 64 columns of 128; read in groups of 4 rows.
    point = DesignPoint(cell={"bits": 2}, array={"parallel_rows": 4})
    placed = place(conv(1, 16), point)
    assert (placed.cells_per_weight, placed.row_groups, placed.subarrays) == (4, 3, 1)
    assert placed.cell_utilization == 9 * 64 / 128**2


def test_weight_bits_that_do_not_fill_the_cells():
    point = DesignPoint(quantization={"weight_bits": 5}, cell={"bits": 2})
    assert place(conv(1, 16), point).cells_per_weight == 3


def test_each_channel_of_a_depthwise_convolution_has_its_own_subarray():
    placed = place(conv(32, 32, groups=32), DesignPoint())
    assert placed.subarrays == 32
    assert placed.cell_utilization == pytest.approx(9 * 8 / 128**2)


@given(
    channels=st.integers(1, 300),
    outputs=st.integers(1, 100),
    rows=st.sampled_from([16, 64, 128]),
    columns=st.sampled_from([24, 128]),
    bits=st.sampled_from([1, 2, 4]),
)
def test_as_laid_out_cell_by_cell(channels, outputs, rows, columns, bits):
    point = DesignPoint(
        cell={"bits": bits}, array={"rows": rows, "columns": columns, "parallel_rows": rows}
    )
    shape = conv(channels, outputs, kernel=1)
    placed = place(shape, point)
    row, column = np.indices((channels, outputs * (8 // bits)))
    used = set(zip((row // rows).ravel(), (column // columns).ravel(), strict=True))
    assert placed.subarrays == len(used)
    assert placed.row_groups == len({r for r, _ in used})
    assert placed.cell_utilization == pytest.approx(row.size / (len(used) * rows * columns))
