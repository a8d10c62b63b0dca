"""docs/results.md: the columns of every joined table, generated from the schemas."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa

from cimsim.analysis import schemas
from cimsim.campaign.keys import STAGES
from cimsim.campaign.parameters import parameters

FILE = Path("docs/results.md")

HEADING = "<!-- Generated from the schemas by `cimsim docs --write`; edit those. -->\n"

INTRODUCTION = """
# Results of a campaign

`results/campaigns/<name>/` holds the joined tables of a campaign, its figures and its summary.

| file | one row per |
|---|---|
| `points.parquet`, `points.csv` | design point |
| `seeds.parquet`, `seeds.csv` | design point and seed |
| `layers.parquet` | design point and layer |
| `components.parquet`, `components.csv` | design point, scope (chip or layer) and component |
| `figures/<figure>.svg`, `.png` | |
| `summary.md` | |

`id` links the tables. Units are in the column names (m2, mm2, s, j for joule, w for watt); energies
and latencies are per image, accuracies are shares between 0 and 1. The CSV files hold the same
values: floating-point numbers in full, `true` and `false`, nothing for a missing value, and lists
joined by `;`. The Parquet files carry the versions, the commit and the level of the intervals in
their metadata, under the key `cimsim` (JSON).

```python
import pandas as pd

points = pd.read_parquet("results/campaigns/digits/points.parquet")
front = points[points.pareto_energy].sort_values("energy_j")
front[["id", "array.adc.bits", "accuracy", "accuracy_low", "accuracy_high", "energy_j"]]
```

## Intervals

Images are a sample of all images and seeds are a sample of all chips, and both limit how well an
accuracy is known. `accuracy_low` and `accuracy_high` count both: the variance of the mean is
estimated from the matrix of outcomes, images x seeds (crossed random effects), and enters Wilson's
score interval through an effective sample size; few seeds get Student's quantile. If all chips
agree, it is Wilson's interval of the images. With one seed, the variation between chips cannot be
seen and is not in the interval. `accuracy_change` is paired: the same images with and without
arrays, so that its interval is narrower than those of the two accuracies suggest. Derivation and
sources are in `cimsim/analysis/intervals.py`; `tests/analysis/test_coverage.py` checks the coverage
by simulation. The level is `statistics.confidence` of the campaign.

Pareto columns compare the estimates, not the intervals: two points whose intervals overlap may swap
places with other images or seeds.
"""

LAYER_TEXTS = {
    "layer": "name of the layer in the network",
    "index": "place in the order of execution",
    "kind": "conv or linear",
    "in_channels": "input channels or features",
    "in_height": "height of the input; tokens of a linear layer",
    "in_width": "width of the input",
    "kernel_height": "height of the kernel",
    "kernel_width": "width of the kernel",
    "out_channels": "output channels or features",
    "out_height": "height of the output",
    "out_width": "width of the output",
    "stride": "stride of the kernel",
    "padding": "zeros around the input",
    "groups": "groups of channels",
    "pooled": "whether pooling follows",
    "on_array": "whether the layer is computed on arrays",
    "rows": "rows of the weight matrix (fan-in)",
    "columns": "columns of the weight matrix (fan-out)",
    "vectors": "input vectors per image",
    "cells_per_weight": "memory cells of one weight",
    "row_groups": "groups of rows that are read one after the other",
    "subarrays": "subarrays that hold the layer once",
    "cell_utilization": "used cells over cells of these subarrays",
    "operation": "matrix (a matrix layer), product (of two activations) or a digital operation",
    "mapping": "novel (one processing element per kernel position) or conventional; of a product "
    "digital or sram_array; of a digital operation unit",
    "tile_rows": "tiles of the layer, vertically",
    "tile_columns": "tiles of the layer, horizontally",
    "speed_up_rows": "copies of the weights, vertically",
    "speed_up_columns": "copies of the weights, horizontally",
    "utilization": "share of the memory cells of the layer's tiles that hold weights",
}

COMPONENT_TEXTS = {
    "scope": "chip (area and leakage of the whole chip) or a layer's name (its energies)",
    "component": "circuit block; layout is area inside subarrays that belongs to no circuit",
    "area_m2": "area of all its instances; 0 for a layer",
    "energy_j": "dynamic energy per image; 0 for the chip",
    "energy_leakage_j": "leakage energy per image; 0 for the chip",
    "leakage_w": "leakage power of all its instances; 0 for a layer",
}


def results_reference() -> str:
    """Return the text of docs/results.md."""
    points = schemas.points()
    own = set(parameters())
    keys = [f"key.{stage}" for stage in STAGES]
    texts = schemas.texts()
    results = [f for f in points if f.name not in own and f.name not in keys]
    parts = [
        HEADING + INTRODUCTION.rstrip(),
        "## points",
        f"Every parameter of the design is a column under its dotted name ({len(own)} columns; "
        "`config/README.md` lists them), and every stage's key is one: "
        f"{', '.join(f'`{key}`' for key in keys)}. The results of a stage are in "
        "`results/<stage>/<key>/`.",
        _table(results, texts),
        "## seeds",
        _table(schemas.seeds(), {"id": texts["id"], **schemas.SEED_TEXTS}),
        "## layers",
        "A layer that stays off the arrays has no hardware figures.",
        _table(schemas.layers(), {**texts, **LAYER_TEXTS}),
        "## components",
        _table(schemas.components(), {"id": texts["id"], **COMPONENT_TEXTS}),
    ]
    return "\n\n".join(parts) + "\n"


def _table(fields: list[pa.Field] | pa.Schema, texts: dict[str, str]) -> str:
    """Return the columns with type and meaning.

    Raises:
        KeyError: a column has no text.
    """
    rows = [f"| `{field.name}` | {_kind(field.type)} | {texts[field.name]} |" for field in fields]
    return "\n".join(["| column | type | meaning |", "|---|---|---|", *rows])


def _kind(kind: pa.DataType) -> str:
    if pa.types.is_list(kind):
        return f"list of {_kind(kind.value_type)}"
    names = {pa.string(): "text", pa.bool_(): "yes or no", pa.float64(): "real"}
    return names.get(kind, "integer")
