"""Products of activations and digital operations: published macros, closed forms, conservation."""

import math
from dataclasses import asdict
from functools import cache

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from cimsim import _native, schemas
from cimsim.calibration.fold import fold_batch_norm
from cimsim.campaign.design import DesignPoint, Workload
from cimsim.campaign.keys import unflatten
from cimsim.errors import UserError
from cimsim.ppa.digital import ALWAYS_LEFT_OUT, WORK
from cimsim.ppa.stage import Network, evaluate_design
from cimsim.ppa.technology import load_context
from cimsim.workloads.datasets import load_dataset
from cimsim.workloads.layer_table import layer_table
from cimsim.workloads.models import build_network
from cimsim.workloads.operations import operation_table

from .test_ppa_stage import table

NONE = {"chip.dynamic_products": "none", "chip.digital_operations": "none"}


def sram_chip(bits=8, rows=128, **parameters):
    return load_context(
        {
            "memcelltype": 1,
            "technode": 22,
            "deviceroadmap": 2,
            "temp": 300,
            "synapseBit": bits,
            "numBitInput": bits,
            "cellBit": 1,
            "numRowSubArray": rows,
            "numColSubArray": rows,
            "numRowParallel": rows,
            "levelOutput": 128,
            **parameters,
        }
    )


def block_settings(period=1e-9, activity=0.5, lanes=64):
    return _native.BlockSettings(clock_period=period, activity=activity, lanes=lanes)


PRODUCTS = {"digital": _native.digital_product, "sram_array": _native.sram_product}


def test_digital_macro_against_a_published_one():
    """Chih et al., ISSCC 2021, 16.4: 22 nm, 64 kb, 256 inputs x 64 outputs, 4 x 4 bits: 89 TOPS/W
    in 0.202 mm2. The bits that switch are not the same, so half as much either way is near."""
    product = _native.DynamicProduct(1, 256, 256, 64)
    block = _native.digital_product(sram_chip(4, 256), product, block_settings())
    operations = 2 * 256 * 256 * 64
    macro = sum(area for name, area in block.area.items() if name != "digital_buffer")
    assert operations / block.energy["dynamic_product"] * 1e-12 == pytest.approx(89, rel=0.5)
    assert macro * 1e6 == pytest.approx(0.202, rel=0.5)


@pytest.mark.parametrize("kind", PRODUCTS)
def test_product_scales_with_its_sizes(kind):
    def figures(batch=1, vectors=8, rows=128, columns=16):
        product = _native.DynamicProduct(batch, vectors, rows, columns)
        return PRODUCTS[kind](sram_chip(), product, block_settings())

    one = figures()
    assert one.units == 1
    for name in one.energy:
        for many in (figures(batch=3), figures(columns=48)):
            if name != "digital_buffer":  # operands on the left are read once
                assert many.energy[name] == pytest.approx(3 * one.energy[name], rel=1e-12)
                assert many.area[name] == pytest.approx(3 * one.area[name], rel=1e-12)
                assert many.leakage[name] == pytest.approx(3 * one.leakage[name], rel=1e-12)
    longer = figures(vectors=16)
    assert longer.energy["dynamic_write"] == one.energy["dynamic_write"]
    assert longer.energy["dynamic_product"] == pytest.approx(2 * one.energy["dynamic_product"])
    assert longer.area["dynamic_product"] == one.area["dynamic_product"]
    # 128 rows of one cycle are written first.
    assert longer.latency - one.latency == pytest.approx(one.latency - 128e-9, rel=1e-9)
    deeper = figures(rows=256)
    assert deeper.units == 2
    assert deeper.energy["dynamic_write"] == pytest.approx(2 * one.energy["dynamic_write"])


@pytest.mark.parametrize("kind", PRODUCTS)
@pytest.mark.parametrize("node", [130, 45, 22, 14, 7, 1])
@pytest.mark.parametrize("period", [1e-9, 0.0])
def test_products_on_every_kind_of_node(kind, node, period):
    sram = {"globalBufferType": 1, "synchronous": period > 0}
    product = _native.DynamicProduct(2, 5, 100, 3)
    chip = sram_chip(technode=node, **sram)
    idle, half = (
        PRODUCTS[kind](chip, product, block_settings(period, activity)) for activity in (0.0, 0.5)
    )
    for figures in (half.energy, half.area, half.leakage):
        assert all(math.isfinite(value) and value > 0 for value in figures.values())
    assert 0 < half.latency < 1e-3
    assert idle.energy["dynamic_product"] < half.energy["dynamic_product"]


def test_a_word_must_fit_an_array():
    chip = sram_chip(numColSubArray=4, numColMuxed=4)
    with pytest.raises(ValueError, match="8 bits does not fit numColSubArray"):
        _native.digital_product(chip, _native.DynamicProduct(1, 1, 1, 1), block_settings())


def work(component="unit", elements=1000.0, **values):
    out = _native.UnitWork()
    out.component, out.elements = component, elements
    for name, value in values.items():
        setattr(out, name, value)
    return out


def unit(**values):
    return _native.digital_unit(sram_chip(globalBufferType=1), work(**values), block_settings())


def test_units_are_the_sum_of_their_operations():
    add, multiply, look_up = (
        unit(**{name: 1}) for name in ("additions", "multiplications", "lookups")
    )
    all_three = unit(additions=2, multiplications=1, lookups=3)
    for figure in ("energy", "area", "leakage"):
        parts = [
            getattr(x, figure)["unit"] for x in (add, add, multiply, look_up, look_up, look_up)
        ]
        assert getattr(all_three, figure)["unit"] == pytest.approx(sum(parts), rel=1e-12)
    assert multiply.energy["unit"] > 4 * add.energy["unit"]  # eight partial products
    # The time is that of the passes, whole cycles of the slowest operation each.
    assert add.latency == pytest.approx(math.ceil(1000 / 64) * 1e-9)
    assert unit(additions=1, passes=3).latency == pytest.approx(3 * add.latency)
    twice = unit(additions=1, elements=2000.0)
    assert twice.energy["unit"] == pytest.approx(2 * add.energy["unit"])
    assert twice.area["unit"] == add.area["unit"]


@pytest.mark.parametrize("kind", WORK)
def test_sram_buffers_and_register_buffers(kind):
    chosen = WORK[kind]
    values = {
        n: getattr(chosen, n) for n in ("additions", "multiplications", "lookups", "row_steps")
    }
    for sram in (0, 1):
        chip = sram_chip(globalBufferType=sram)
        block = _native.digital_unit(
            chip, work(chosen.component, length=4, **values), block_settings()
        )
        assert set(block.energy) == {chosen.component, "digital_buffer"}
        assert min(*block.energy.values(), *block.area.values(), *block.leakage.values()) > 0


# --- a chip with all of it ------------------------------------------------------------------------


@cache
def network(model):
    """A network with random weights, its trace random codes."""
    data = load_dataset("digits16")
    torch.manual_seed(0)
    module = build_network(Workload(model=model, width=0.0625), data).eval()
    fold_batch_norm(module, torch.from_numpy(data.train_images[:8]))
    image = torch.from_numpy(data.train_images[:1])
    shapes = layer_table(module, image)
    found = operation_table(module, {shape.name for shape in shapes}, image)
    draw = np.random.default_rng(7)
    layers, weights, trace = [], [], []
    for index, shape in enumerate(shapes):
        size = {"layer": shape.name, "rows": shape.rows}
        codes = draw.integers(-127, 128, (shape.rows, shape.columns), dtype=np.int8)
        inputs = draw.integers(0, 256, (shape.rows, shape.vectors), dtype=np.uint8)
        weights.append({**size, "columns": shape.columns, "codes": codes.tobytes()})
        vectors = {"image": 0, "vectors": shape.vectors, "bits": 8}
        trace.append({**size, **vectors, "codes": inputs.tobytes()})
        placed = {"cells_per_weight": 8, "row_groups": 1, "subarrays": 1, "cell_utilization": 1.0}
        counts = {"columns": shape.columns, "vectors": shape.vectors, "index": index}
        layers.append({**asdict(shape), **size, **counts, **placed, "on_array": True})
    operations = [{"order": n, **asdict(operation)} for n, operation in enumerate(found)]
    return Network(
        table(layers, schemas.LAYERS),
        table(weights, schemas.WEIGHT_CODES),
        table(trace, schemas.TRACE),
        operations=table(operations, schemas.OPERATIONS),
    )


DESIGNS = st.fixed_dictionaries(
    {
        "chip.dynamic_products": st.sampled_from(["digital", "sram_array", "none"]),
        "chip.digital_operations": st.sampled_from(["counted", "none"]),
        "chip.pipeline": st.booleans(),
        "chip.mapping": st.sampled_from(["novel", "conventional"]),
        "chip.global_buffer": st.sampled_from(["register", "sram"]),
        "chip.global_bus": st.sampled_from(["xy", "htree"]),
        "chip.activation": st.sampled_from(["chip", "tile"]),
        "chip.node": st.sampled_from([65, 22]),
        "chip.digital_lanes": st.sampled_from([1, 64, 1000]),
        "chip.dynamic_activity": st.sampled_from([0.0, 0.3, 1.0]),
        "cell.technology": st.sampled_from(["sram", "rram", "fefet"]),
        "array.rows": st.sampled_from([16, 64]),
        "array.columns": st.sampled_from([64]),
        "array.parallel_rows": st.sampled_from([1, 16]),
        "array.adc.kind": st.sampled_from(["mlsa", "sar"]),
    }
)


def tables_of(model, design):
    point = DesignPoint(**unflatten({"workload.model": model, **design}))
    try:
        return evaluate_design(point, network(model))
    except UserError as error:
        assert "wider" in str(error) or "fit" in str(error)  # noqa: PT017
        assume(False)
        raise


def sums_up(parts, total):
    assert math.fsum(parts) == pytest.approx(total, rel=1e-12, abs=1e-40)


@settings(max_examples=30, deadline=None)
@given(model=st.sampled_from(["vgg8", "vit"]), design=DESIGNS)
def test_layers_and_components_add_up(model, design):
    tables = tables_of(model, design)
    chip = {name: values[0] for name, values in tables["chip"].items()}
    layers, parts = tables["layers"], tables["components"]
    for name in ("energy_dynamic_j", "energy_leakage_j", "power_leakage_w"):
        sums_up(layers[name], chip[name])
    energies = ("adc_j", "accumulation_j", "other_j", "dynamic_products_j", "digital_operations_j")
    sums_up((chip[f"energy_{name}"] for name in energies), chip["energy_dynamic_j"])
    for component, layer in (("energy_j", "energy_dynamic_j"), ("energy_leakage_j",) * 2):
        sums_up(parts[component], chip[layer])
        for name, joule in zip(layers["layer"], layers[layer], strict=True):
            scopes = zip(parts["scope"], parts[component], strict=True)
            sums_up((part for scope, part in scopes if scope == name), joule)
    sums_up(parts["area_m2"], chip["area_m2"])
    latency = (
        max(layers["latency_s"]) if design["chip.pipeline"] else math.fsum(layers["latency_s"])
    )
    assert chip["latency_s"] == pytest.approx(latency, rel=1e-12)
    assert chip["frames_per_s"] == pytest.approx(1 / latency, rel=1e-12)


@settings(max_examples=10, deadline=None)
@given(model=st.sampled_from(["vgg8", "vit"]), design=DESIGNS)
def test_without_them_the_chip_is_as_before(model, design):
    ours = tables_of(model, design | NONE)
    before = network(model)
    bare = Network(before.layers, before.weights, before.trace)
    point = DesignPoint(**unflatten({"workload.model": model, **design, **NONE}))
    plain = evaluate_design(point, bare)
    del ours["chip"]["not_counted"], plain["chip"]["not_counted"]
    assert ours == plain


def rows_of(tables):
    return {
        name: dict(zip(tables["layers"], row, strict=True))
        for name, *row in [(row[0], *row) for row in zip(*tables["layers"].values(), strict=True)]
    }


def test_vision_transformer_chip():
    tables = tables_of("vit", {})
    rows = rows_of(tables)
    scores = rows["blocks.0.attn.scores"]
    assert (scores["operation"], scores["mapping"]) == ("product", "digital")
    assert scores["index"] == rows["blocks.0.attn.qkv"]["index"]
    assert scores["energy_dynamic_products_j"] > 0
    assert {row["operation"] for row in rows.values()} == {
        *("matrix", "product", "add", "softmax", "layer_norm", "gelu", "average_pool")
    }
    bare = tables_of("vit", NONE)
    # Two products of 2 x 4 heads x 16 tokens x 8 features x 16 tokens in two blocks.
    extra = tables["chip"]["operations"][0] - bare["chip"]["operations"][0]
    assert extra == 2 * 2 * (2 * 4 * 16 * 8 * 16)
    left_out = tables["chip"]["not_counted"][0].split("; ")
    assert left_out == [*ALWAYS_LEFT_OUT, "wires between buffer and digital units"]
    assert bare["chip"]["not_counted"][0].split("; ") == [
        *("add", "layer norm", "products of activations", "softmax", "gelu", "average pool"),
        *ALWAYS_LEFT_OUT,
    ]


def test_layers_off_the_arrays_are_named():
    held = network("vit")
    off = held.layers.to_pylist()
    off[-1]["on_array"] = False
    layers = type(held.layers).from_pylist(off, schema=schemas.LAYERS)
    some = Network(layers, held.weights, held.trace, operations=held.operations)
    point = DesignPoint(**unflatten({"workload.model": "vit"}))
    assert "layers off the arrays" in evaluate_design(point, some)["chip"]["not_counted"][0]


def test_layer_by_layer_operations_share_their_units():
    pipelined, shared = (tables_of("vit", {"chip.pipeline": way}) for way in (True, False))
    for name in ("area_dynamic_products_m2", "area_digital_operations_m2"):
        assert shared["chip"][name][0] < pipelined["chip"][name][0]
    assert np.isclose(
        shared["chip"]["energy_dynamic_products_j"][0],
        pipelined["chip"]["energy_dynamic_products_j"][0],
        rtol=1e-9,
    )


@pytest.mark.parametrize("cell", ["rram", "sram"])
@pytest.mark.parametrize("pipeline", [False, True])
def test_all_circuits_leak_while_the_arrays_wait_for_the_blocks(cell, pipeline):
    leak = ("block_leakage", "busy_leakage", "waiting_leakage")
    design = {"cell.technology": cell, "chip.pipeline": pipeline}
    tables = tables_of("vit", design | {f"fidelity.circuit.{name}": True for name in leak})
    power = math.fsum(tables["components"]["leakage_w"])
    chip = {name: values[0] for name, values in tables["chip"].items()}
    assert chip["latency_digital_s"] > 0
    assert chip["energy_leakage_j"] == pytest.approx(power * chip["latency_s"], rel=1e-12)


def test_writing_is_counted():
    tables = tables_of("vit", {"chip.dynamic_products": "sram_array"})
    parts = tables["components"]
    written = [
        joule
        for component, joule in zip(parts["component"], parts["energy_j"], strict=True)
        if component == "dynamic_write" and joule > 0
    ]
    assert len(written) == 4  # scores and values of two blocks
