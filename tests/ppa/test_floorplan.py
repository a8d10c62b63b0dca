"""Floor plan: the worked example of the reference, its limits, and what it leaves undefined."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cimsim import _native
from cimsim.ppa.generator import VGG8
from cimsim.ppa.technology import load_context


def network(layers):
    shapes = []
    for side, channels, kernel, outputs, pooled in layers:
        shape = _native.NetworkLayer()
        shape.height = shape.width = side
        shape.in_channels, shape.out_channels = channels, outputs
        shape.kernel_height = shape.kernel_width = kernel
        shape.pooled = pooled
        shapes.append(shape)
    return shapes


def plan(layers, **parameters):
    return _native.plan_floor(load_context(parameters).parameters, network(layers))


def test_vgg8_on_the_default_chip():
    # Published floor plan of VGG-8 on CIFAR-10 of DNN+NeuroSim V1.5 (specification 2.6).
    floor = plan(VGG8)
    assert [layer.novel for layer in floor.layers] == [False] + [True] * 5 + [False] * 2
    assert (floor.kernel_positions, floor.novel_pe_size) == (9, 512)
    assert (floor.tile_size, floor.pe_size, floor.speed_up_degree) == (1024, 512, 4)
    assert [layer.tiles for layer in floor.layers] == [2, 8, 4, 8, 8, 8, 64, 1]
    speed_up = [layer.speed_up.rows * layer.speed_up.cols for layer in floor.layers]
    assert speed_up == [16, 16, 4, 4, 2, 1, 1, 8]
    assert floor.layers[0].utilization == pytest.approx(0.210938, abs=5e-7)
    assert 100 * floor.utilization == pytest.approx(98.1038, abs=5e-5)


def test_novel_mapping_without_a_layer_for_it_is_conventional_mapping():
    # The reference stops here: 27 rows of the only 3 x 3 layer are fewer than a subarray's.
    layers = [(16, 3, 3, 16, False), (1, 4096, 1, 10, False)]
    novel, conventional = plan(layers), plan(layers, novelMapping=0)
    assert not novel.novel
    assert novel.novel_tiles == novel.novel_pe_size == novel.kernel_positions == 0
    assert [layer.tiles for layer in novel.layers] == [layer.tiles for layer in conventional.layers]
    assert novel.tile_size == conventional.tile_size


def test_layers_smaller_than_the_smallest_unit_get_the_smallest_unit():
    # The reference prints an error and crashes: 4 columns are less than 2 subarrays of 128 (novel
    # element) or 4 (tile).
    floor = plan([(8, 64, 3, 4, False), (8, 64, 1, 4, False)], synapseBit=1)
    assert floor.layers[0].novel
    assert floor.novel_pe_size == 2 * 128
    assert (floor.tile_size, floor.pe_size) == (4 * 128, 2 * 128)


def test_tokens_count_by_their_number_not_their_squared_height():
    # 64 tokens carry as much as an 8 x 8 map, whichever way they are laid out.
    square = network([(16, 3, 4, 48, False), (8, 48, 1, 96, False)])
    tokens = network([(16, 3, 4, 48, False), (8, 48, 1, 96, False)])
    tokens[1].height, tokens[1].width = 64, 1
    parameters = load_context({"novelMapping": 0}).parameters
    first, second = (_native.plan_floor(parameters, n).layers[1] for n in (square, tokens))
    assert (first.tiles, first.speed_up.rows) == (second.tiles, second.speed_up.rows)


def test_a_network_without_layers_is_refused():
    with pytest.raises(ValueError, match="no matrix layer"):
        plan([])


@given(
    rows=st.sampled_from([16, 64, 100, 128]),
    columns=st.sampled_from([16, 64, 128]),
    novel=st.integers(0, 1),
    pipeline=st.integers(0, 1),
    layers=st.lists(
        st.tuples(
            st.integers(1, 40),
            st.integers(1, 300),
            st.sampled_from([1, 3, 5]),
            st.integers(1, 300),
            st.booleans(),
        ),
        min_size=1,
        max_size=5,
    ),
)
def test_tiles_hold_every_weight(rows, columns, novel, pipeline, layers):
    floor = plan(
        layers,
        numRowSubArray=rows,
        numColSubArray=columns,
        novelMapping=novel,
        pipeline=pipeline,
    )
    for (_, channels, kernel, outputs, _), layer in zip(layers, floor.layers, strict=True):
        weights = channels * kernel**2 * outputs * 8
        cells = (
            floor.kernel_positions * floor.novel_pe_size**2 if layer.novel else floor.tile_size**2
        )
        assert weights <= layer.tiles * cells
        assert layer.utilization >= weights / (layer.tiles * cells) - 1e-12
    assert floor.tiles == sum(layer.tiles for layer in floor.layers)
    assert floor.grid_rows * floor.grid_cols >= floor.tiles
    assert (floor.grid_rows - 1) * floor.grid_cols < floor.tiles
