"""Columns of the joined tables of a campaign, and what each of them means.

The text of every column is data, because docs/results.md is generated from it. Units are in the
names: m2, mm2, s, j (joule), w (watt). Energies and latencies are per image.
"""

from __future__ import annotations

import pyarrow as pa

from cimsim import schemas
from cimsim.campaign.keys import STAGES
from cimsim.campaign.parameters import parameters

_TYPES: dict[type, pa.DataType] = {
    str: pa.string(),
    int: pa.int64(),
    float: pa.float64(),
    bool: pa.bool_(),
    tuple: pa.list_(pa.string()),
}

MAKERS = {
    "made_by.infer": "versions and commit that computed the predictions",
    "made_by.ppa": "versions and commit that computed the hardware figures",
}

ACCURACY_COLUMNS: dict[str, tuple[pa.DataType, str]] = {
    "images": (pa.int64(), "test images that were evaluated"),
    "seeds": (pa.int64(), "seeds (chip instances) that were evaluated"),
    "float_accuracy": (pa.float64(), "accuracy of the network in floating point"),
    "float_accuracy_low": (pa.float64(), "lower bound of its interval (images)"),
    "float_accuracy_high": (pa.float64(), "upper bound of its interval (images)"),
    "quantized_accuracy": (pa.float64(), "accuracy of the quantised network, exact arithmetic"),
    "quantized_accuracy_low": (pa.float64(), "lower bound of its interval (images)"),
    "quantized_accuracy_high": (pa.float64(), "upper bound of its interval (images)"),
    "accuracy": (pa.float64(), "accuracy on arrays, mean over images and seeds"),
    "accuracy_low": (pa.float64(), "lower bound of its interval (images and seeds)"),
    "accuracy_high": (pa.float64(), "upper bound of its interval (images and seeds)"),
    "accuracy_std": (pa.float64(), "standard deviation over seeds; null for one seed"),
    "accuracy_change": (pa.float64(), "accuracy minus quantized_accuracy, same images"),
    "accuracy_change_low": (pa.float64(), "lower bound of its interval (paired)"),
    "accuracy_change_high": (pa.float64(), "upper bound of its interval (paired)"),
    "logit_error_rms": (
        pa.float64(),
        "relative difference from the quantised network's outputs, root mean square over seeds",
    ),
}

ON_NETWORK = (
    "images",
    *(
        f"{network}_accuracy{end}"
        for network in ("float", "quantized")
        for end in ("", "_low", "_high")
    ),
)
"""Accuracy columns that do not need arrays."""

CHIP_TEXTS: dict[str, str] = {
    "area_m2": "area of the chip",
    "area_array_m2": "area of the memory arrays",
    "area_interconnect_m2": "area of buses and interconnect",
    "area_adc_m2": "area of ADCs or sense amplifiers",
    "area_accumulation_m2": "area of shift-adders, adders and accumulation units",
    "area_other_m2": "area of everything else (drivers, decoders, multiplexers, buffers, ...)",
    "area_dynamic_products_m2": "area of the arrays for products of two activations",
    "area_digital_operations_m2": "area of the units for digital operations, with the buffer of "
    "their operands and of those products",
    "clock_period_s": "clock period",
    "latency_s": "time per image; pipelined: of the slowest stage",
    "energy_dynamic_j": "dynamic energy per image",
    "energy_leakage_j": "leakage energy per image",
    "power_leakage_w": "leakage power",
    "energy_adc_j": "dynamic energy of ADCs or sense amplifiers",
    "energy_accumulation_j": "dynamic energy of accumulation",
    "energy_other_j": "dynamic energy of all other circuits, buffers and interconnect included",
    "energy_buffer_j": "of which buffers",
    "energy_interconnect_j": "of which buses and interconnect",
    "energy_dynamic_products_j": "dynamic energy of products of two activations, writing included",
    "energy_digital_operations_j": "dynamic energy of digital operations, with their buffer",
    "latency_adc_s": "time in ADCs or sense amplifiers; pipelined: the largest of all layers",
    "latency_accumulation_s": "time in accumulation",
    "latency_other_s": "time in other peripheral circuits",
    "latency_buffer_s": "time in buffers",
    "latency_interconnect_s": "time in buses and interconnect",
    "latency_digital_s": "time of products of two activations and digital operations; pipelined: "
    "of the slowest",
    "operations": "operations per image (a multiplication and an addition are two)",
    "tops": "throughput, 10^12 operations per second",
    "tops_per_w": "energy efficiency, leakage included, 10^12 operations per joule",
    "tops_per_mm2": "throughput per chip area",
    "frames_per_s": "images per second",
    "memory_utilization": "share of the memory cells that hold weights",
    "tiles": "tiles on the chip",
    "tile_grid_rows": "rows of the floor plan, in tiles",
    "tile_grid_columns": "columns of the floor plan, in tiles",
    "not_counted": "what the network computes, and any chip has, that no figure counts",
}

DERIVED_COLUMNS: dict[str, tuple[pa.DataType, str]] = {
    "area_mm2": (pa.float64(), "area of the chip, mm2"),
    "energy_j": (pa.float64(), "energy per image: dynamic plus leakage"),
    "pareto_energy": (
        pa.bool_(),
        "no other point of the same images has at least this accuracy and at most this energy_j, "
        "one of them strictly better",
    ),
    "pareto_area": (pa.bool_(), "the same with area_mm2"),
}

SEED_TEXTS: dict[str, str] = {
    "seed": "seed of the chip instance",
    "images": "test images that were evaluated",
    "correct": "images that the chip classifies right",
    "accuracy": "correct / images",
    "logit_error_rms": "difference from the outputs of the quantised network, relative to theirs",
}

NULLABLE = (
    *MAKERS,
    *(name for name in ACCURACY_COLUMNS if name not in ON_NETWORK),
    *schemas.CHIP.names,
    *DERIVED_COLUMNS,
)
"""Results in points.parquet that can be without a value: accuracy_std for a single seed, those on
arrays in a campaign without accuracies, those of the chip in one without hardware. Parameters can
where null is allowed."""

_ID = pa.field("id", pa.string(), nullable=False)


def points() -> pa.Schema:
    """Return the schema of points.parquet: id, parameters, stage keys, results."""
    columns: dict[str, pa.DataType] = {"id": pa.string(), "sweeps": pa.list_(pa.string())}
    columns |= {p.name: _TYPES[p.kind] for p in parameters().values()}
    columns |= {f"key.{stage}": pa.string() for stage in STAGES}
    columns |= dict.fromkeys(MAKERS, pa.string())
    columns |= {name: kind for name, (kind, _) in ACCURACY_COLUMNS.items()}
    columns |= {f.name: f.type for f in schemas.CHIP}
    columns |= {name: kind for name, (kind, _) in DERIVED_COLUMNS.items()}
    optional = {*NULLABLE, *(p.name for p in parameters().values() if p.default is None)}
    return pa.schema(
        [pa.field(name, kind, nullable=name in optional) for name, kind in columns.items()]
    )


def seeds() -> pa.Schema:
    """Return the schema of seeds.parquet: one row a design point and seed, without predictions."""
    return pa.schema([_ID, *(f for f in schemas.SEEDS if f.name != "predictions")])


def layers() -> pa.Schema:
    """Return the schema of layers.parquet: the mapping of a layer and its hardware figures.

    A layer that stays off the arrays has no hardware figures (null); a product of activations or a
    digital operation has them, but no mapping.
    """
    own = ("layer", "index")
    named = [schemas.LAYERS.field(name) for name in own]
    mapping = [pa.field(f.name, f.type) for f in schemas.LAYERS if f.name not in own]
    shared = set(schemas.LAYERS.names)
    ppa = [pa.field(f.name, f.type) for f in schemas.PPA_LAYERS if f.name not in shared]
    return pa.schema([_ID, *named, *mapping, *ppa])


def components() -> pa.Schema:
    """Return the schema of components.parquet: area, energy and leakage by component."""
    return pa.schema([_ID, *schemas.COMPONENTS])


def texts() -> dict[str, str]:
    """Return the description of every column of points.parquet."""
    described = {"id": "design point: hash of its parameters"}
    described["sweeps"] = "sweeps of the campaign that the point belongs to"
    described |= {p.name: p.description for p in parameters().values()}
    described |= {f"key.{stage}": f"key of the {stage} stage's output" for stage in STAGES}
    described |= MAKERS
    described |= {name: text for name, (_, text) in ACCURACY_COLUMNS.items()}
    described |= CHIP_TEXTS
    described |= {name: text for name, (_, text) in DERIVED_COLUMNS.items()}
    return described
