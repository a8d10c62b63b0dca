"""Synchronous data transfer: what it needs, and the grid of equivalent tiles.

Its figures are compared with the reference in ``test_chip.py``.
"""

import math

import numpy as np
import pytest

from cimsim.errors import UserError
from cimsim.ppa.engine import NetworkLayer, evaluate
from cimsim.ppa.technology import load_context

DESIGN = {"sync_data_transfer": 1, "globalBusType": 1, "memcelltype": 1, "numRowSubArray": 32}
NETWORK = [
    NetworkLayer("stem", 8, 8, 3, 3, 3, 16, False, 64.0),
    NetworkLayer("conv", 8, 8, 16, 3, 3, 24, True, 64.0),
    NetworkLayer("head", 1, 1, 384, 1, 1, 10, False, 1.0),
]


def report(changes=None, network=NETWORK):
    inputs = [[np.full((x.rows, int(x.positions)), 5, dtype=np.uint8)] for x in network]
    return evaluate(load_context(DESIGN | (changes or {})), network, inputs, [])


@pytest.mark.parametrize(
    ("name", "value", "needed"),
    [
        ("globalBusType", 0, "globalBusType 1"),
        ("chipActivation", 0, "chipActivation 1"),
        ("novelMapping", 0, "novelMapping 1"),
        ("pipeline", 0, "pipeline 1"),
        ("synchronous", 0, "synchronous 1"),
        ("globalBufferType", 1, "globalBufferType 0"),
    ],
)
def test_what_it_needs_is_named(name, value, needed):
    with pytest.raises(UserError, match=rf"^sync_data_transfer needs {needed}$"):
        report({name: value})


def test_all_that_is_missing_is_named_at_once():
    with pytest.raises(UserError, match=r"needs globalBusType 1, pipeline 1$"):
        report({"globalBusType": 0, "pipeline": 0})


def test_a_network_without_novel_layers_is_refused():
    with pytest.raises(UserError, match="needs a layer in novel mapping"):
        report({"numRowSubArray": 1024}, NETWORK[2:])


def test_parts_make_up_the_chip():
    result = report()
    parts = math.fsum(part.copies * part.area for part in result.components)
    assert parts == pytest.approx(result.chip["area_m2"], rel=1e-12)
    # The grid holds whole novel tiles only.
    copies = {p.name: p.copies for p in result.components}
    assert copies["conventional_tile.htree"] == 0
    assert copies["novel_tile.htree"] >= result.chip["tiles"] - result.chip["conventional_tiles"]


def test_interconnect_has_no_latency_of_its_own():
    synchronous, ordinary = report(), report({"sync_data_transfer": 0})
    for with_, without in zip(synchronous.layers, ordinary.layers, strict=True):
        assert with_.scalars["latency_interconnect_s"] == 0
        assert without.scalars["latency_interconnect_s"] > 0
        assert with_.scalars["latency_adc_s"] == without.scalars["latency_adc_s"]


def test_a_buffer_narrower_than_a_bit_per_transfer_has_one():
    # An element of 4 x 4 cells, of which an ADC serves 256 columns.
    array = {"numRowSubArray": 2, "numRowParallel": 2, "numColSubArray": 4096, "numColMuxed": 256}
    cell = {"memcelltype": 3, "accesstype": 4, "cellBit": 4, "resistanceOn": 2.4e5}
    network = [NetworkLayer("only", 1, 1, 5, 1, 1, 3, False, 1.0)]
    result = report(array | cell | {"synapseBit": 4, "numBitInput": 2}, network)
    assert all(math.isfinite(figure) for figure in result.chip.values())
