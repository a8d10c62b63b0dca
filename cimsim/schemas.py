"""Schema of every Parquet file that a stage writes; the contract between stages.

Units are in the column names: m2, s, j (joule), w (watt). Shapes: K rows (fan-in) and N columns
(fan-out) of a layer's matrix, V input vectors per image.
"""

from __future__ import annotations

import pyarrow as pa

_text, _int, _long, _real, _flag = pa.string(), pa.int32(), pa.int64(), pa.float64(), pa.bool_()
_bytes = pa.large_binary()


def _schema(**fields: pa.DataType) -> pa.Schema:
    return pa.schema([pa.field(name, kind, nullable=False) for name, kind in fields.items()])


# --- data ---------------------------------------------------------------------------------------
IMAGES = _schema(split=_text, path=_text, label=_int, size=_long)
"""data/index/*.parquet: one row an image of a folder, path below the folder, size in bytes; train
before test, each in the order in which they are used."""

# --- checkpoint -----------------------------------------------------------------------------------
STATE = _schema(name=_text, dtype=_text, shape=pa.list_(_long), data=_bytes)
"""state.parquet: one row a tensor of the state_dict, little-endian bytes, row-major."""

TRAINING = _schema(epoch=_int, learning_rate=_real, loss=_real, train_accuracy=_real)
"""training.parquet: one row an epoch; no rows for a checkpoint that was loaded."""

# --- inspect --------------------------------------------------------------------------------------
NETWORK = _schema(
    index=_int,
    name=_text,
    kind=_text,
    operands=_text,
    in_channels=_int,
    in_height=_int,
    in_width=_int,
    kernel_height=_int,
    kernel_width=_int,
    out_channels=_int,
    out_height=_int,
    out_width=_int,
    stride=_int,
    padding=_int,
    dilation=_int,
    groups=_int,
    batch=_int,
    vectors=_int,
    rows=_int,
    columns=_int,
    weights=_long,
    macs=_long,
)
"""What `cimsim inspect --output` writes: one row a matrix layer (kind conv or linear, operands
static: the weights) or product of two activations (kind product, operands dynamic: `batch` products
[vectors, rows] times [rows, columns], shapes of images 0), in execution order, for one image."""

# --- calibrate ------------------------------------------------------------------------------------
SCALES = _schema(
    layer=_text,
    index=_int,
    on_array=_flag,
    weight_scale=pa.list_(_real),
    input_scale=_real,
    input_zero_point=_int,
    input_min=_real,
    input_max=_real,
)
"""scales.parquet: one row a matrix layer in execution order. real weight = code * weight_scale[n]
(N values, or 1 if per tensor); real input = (code - zero_point) * input_scale. With
quantization.dynamic_products other than float, products of activations follow: the left operand is
the input, the right one the weight."""

PREDICTIONS = _schema(
    image=_int,
    label=_int,
    float_prediction=_int,
    quantized_prediction=_int,
    quantized_logits=pa.list_(pa.float32()),
)
"""predictions.parquet: one row a test image; the logits are what the arrays' outputs are compared
with."""

# --- map ------------------------------------------------------------------------------------------
LAYERS = _schema(
    layer=_text,
    index=_int,
    kind=_text,
    in_channels=_int,
    in_height=_int,
    in_width=_int,
    kernel_height=_int,
    kernel_width=_int,
    out_channels=_int,
    out_height=_int,
    out_width=_int,
    stride=_int,
    padding=_int,
    groups=_int,
    pooled=_flag,
    on_array=_flag,
    rows=_int,
    columns=_int,
    vectors=_int,
    cells_per_weight=_int,
    row_groups=_int,
    subarrays=_int,
    cell_utilization=_real,
)
"""layers.parquet: one row a matrix layer in execution order; kind is conv or linear; a linear layer
on tokens has in_height = tokens, in_width = 1. row_groups = ceil(K / parallel_rows);
cell_utilization = used cells over cells of its subarrays."""

OPERATIONS = _schema(
    name=_text,
    kind=_text,
    module=_text,
    order=_int,
    after=_int,
    batch=_int,
    vectors=_int,
    rows=_int,
    columns=_int,
    elements=_long,
    length=_int,
    left=_text,
    right=_text,
    on_layer_unit=_flag,
)
"""operations.parquet: what a network computes besides its matrix layers, one row an operation in
order of execution; `after` matrix layers run before it. kind product: `batch` products of two
activations, [vectors, rows] times [rows, columns]; else a digital operation with `elements`
results, of which a row or window has `length`. on_layer_unit: the activation or pooling unit of the
matrix layer before computes it."""

WEIGHT_CODES = _schema(layer=_text, rows=_int, columns=_int, codes=_bytes)
"""weights.parquet: signed weight codes [K, N], int8 (int16 above 8 bits), row-major; K runs
channel, kernel row, kernel column (channel slowest)."""

COLUMN_SUMS = _schema(layer=_text, column_sum=_int, count=_long)
"""column_sums.parquet: histogram of the ideal column sums (in cell-state steps) over the
calibration images, for the calibrated ADC range."""

# --- trace ----------------------------------------------------------------------------------------
TRACE = _schema(layer=_text, image=_int, rows=_int, vectors=_int, bits=_int, codes=_bytes)
"""trace.parquet: non-negative input codes [K, V], row-major, uint8 (uint16 above 8 bits), one row
a layer and image."""

# --- infer ----------------------------------------------------------------------------------------
SEEDS = _schema(
    seed=_long,
    images=_int,
    correct=_int,
    accuracy=_real,
    logit_error_rms=_real,
    predictions=pa.list_(_int),
)
"""seeds_<first>_<last>.parquet: one row a seed (one chip instance). logit_error_rms is the root
mean square difference from the quantised network's outputs, relative to their root mean square."""

# --- budget ---------------------------------------------------------------------------------------
BUDGET_STEPS = _schema(
    step=_text,
    mode=_text,
    seed=_long,
    images=_int,
    correct=_int,
    predictions=pa.list_(_int),
    logit_sqnr_db=_real,
)
"""steps_<first>_<last>.parquet: accuracy on the way from the float network to the design point, one
row a step and seed. mode base: float, quantized, ideal_array; alone: one effect on an otherwise
ideal array whose ADC resolves every sum; cumulative: the design point's ADC, then one effect more
in each step. logit_sqnr_db: power of the quantised network's outputs over that of the difference
from them, in dB, infinite where there is none (step quantized: float against the difference)."""

BUDGET_LAYERS = _schema(
    step=_text, mode=_text, seed=_long, layer=_text, index=_int, sqnr_db=_real, clipped=_real
)
"""layers_<first>_<last>.parquet: what each layer adds by itself, on the inputs that it has in the
quantised network; one row a step, seed and layer, for the first seed alone where nothing is random.
sqnr_db: power of the exact product over that of the deviation, in dB (step quantized: of the float
product over the rounding); clipped: share of conversions above the highest ADC code."""

BUDGET_CODES = _schema(layer=_text, index=_int, code=_int, count=_long)
"""codes_<first>_<last>.parquet: histogram of the ADC codes of the design point, from a sample of
input vectors; first seed."""

# --- ppa ------------------------------------------------------------------------------------------
CHIP = _schema(
    area_m2=_real,
    area_array_m2=_real,
    area_interconnect_m2=_real,
    area_adc_m2=_real,
    area_accumulation_m2=_real,
    area_other_m2=_real,
    area_dynamic_products_m2=_real,
    area_digital_operations_m2=_real,
    clock_period_s=_real,
    latency_s=_real,
    energy_dynamic_j=_real,
    energy_leakage_j=_real,
    power_leakage_w=_real,
    energy_adc_j=_real,
    energy_accumulation_j=_real,
    energy_other_j=_real,
    energy_buffer_j=_real,
    energy_interconnect_j=_real,
    energy_dynamic_products_j=_real,
    energy_digital_operations_j=_real,
    latency_adc_s=_real,
    latency_accumulation_s=_real,
    latency_other_s=_real,
    latency_buffer_s=_real,
    latency_interconnect_s=_real,
    latency_digital_s=_real,
    operations=_real,
    tops=_real,
    tops_per_w=_real,
    tops_per_mm2=_real,
    frames_per_s=_real,
    memory_utilization=_real,
    tiles=_int,
    tile_grid_rows=_int,
    tile_grid_columns=_int,
    not_counted=_text,
)
"""chip.parquet: one row a design point; energies and latency per image (pipelined: the slowest
stage). not_counted: what the network computes, and what every chip has, without being counted here,
separated by '; '."""

PPA_LAYERS = _schema(
    layer=_text,
    index=_int,
    operation=_text,
    mapping=_text,
    tile_rows=_int,
    tile_columns=_int,
    speed_up_rows=_int,
    speed_up_columns=_int,
    utilization=_real,
    latency_s=_real,
    energy_dynamic_j=_real,
    energy_leakage_j=_real,
    power_leakage_w=_real,
    energy_adc_j=_real,
    energy_accumulation_j=_real,
    energy_other_j=_real,
    energy_buffer_j=_real,
    energy_interconnect_j=_real,
    energy_dynamic_products_j=_real,
    energy_digital_operations_j=_real,
    latency_adc_s=_real,
    latency_accumulation_s=_real,
    latency_other_s=_real,
    latency_buffer_s=_real,
    latency_interconnect_s=_real,
)
"""layers.parquet of the ppa stage: first one row a matrix layer (operation matrix; mapping is novel
or conventional), then one a product of activations (mapping is digital or sram_array) and a digital
operation (mapping is unit), with the index of the matrix layer before."""

COMPONENTS = _schema(
    scope=_text,
    component=_text,
    area_m2=_real,
    energy_j=_real,
    energy_leakage_j=_real,
    leakage_w=_real,
)
"""components.parquet: scope 'chip' gives the area and leakage of each component of the whole chip
(the areas add up to area_m2; 'layout' is area inside subarrays that belongs to no circuit); scope =
a layer's name gives its dynamic energy and leakage energy by component (they add up to the layer's
energy_dynamic_j and energy_leakage_j). Unused quantities are 0."""


def _keyed(schema: pa.Schema, *more: str) -> pa.Schema:
    """Return a schema after the key of a design point and more texts."""
    texts = [pa.field(name, _text, nullable=False) for name in ("key", *more)]
    return pa.schema([*texts, *schema])


CHIP_ROWS = _keyed(CHIP, "key_text", "made_by")
LAYER_ROWS = _keyed(PPA_LAYERS)
COMPONENT_ROWS = _keyed(COMPONENTS)
"""Tables of a block of design points. key: that of the ppa stage, hash of key_text; made_by:
versions and commit that computed the row."""
