"""How parameters, measures and their values are called in figures and in the summary."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import PurePath

from cimsim.campaign.keys import FILE_FIELDS

PARAMETERS: dict[str, tuple[str, str]] = {
    "workload.model": ("network", ""),
    "workload.width": ("width multiplier", ""),
    "workload.dataset": ("images", ""),
    "quantization.weight_bits": ("weight precision", "bits"),
    "quantization.input_bits": ("activation precision", "bits"),
    "quantization.layer_weight_bits": ("weight precision of layers", ""),
    "quantization.layer_input_bits": ("activation precision of layers", ""),
    "quantization.images": ("calibration images", ""),
    "cell.technology": ("memory", ""),
    "cell.bits": ("bits per cell", ""),
    "cell.resistance_on": ("on resistance", "Ω"),
    "cell.resistance_off": ("off resistance", "Ω"),
    "nonideality.device_variation": ("device variation (σ / mean)", ""),
    "nonideality.read_noise": ("read noise (σ / conductance)", ""),
    "nonideality.stuck_at_0": ("cells stuck at the lowest state", "%"),
    "nonideality.stuck_at_1": ("cells stuck at the highest state", "%"),
    "nonideality.retention.time": ("time since programming / reference time", ""),
    "nonideality.retention.exponent": ("drift exponent", ""),
    "nonideality.retention.direction": ("drift direction", ""),
    "nonideality.retention.target": ("drift target", ""),
    "nonideality.output_noise.sigma": ("output noise σ (cell steps)", ""),
    "nonideality.output_noise.file": ("table of the outputs", ""),
    "array.rows": ("rows of a subarray", ""),
    "array.columns": ("columns of a subarray", ""),
    "array.parallel_rows": ("rows read in parallel", ""),
    "array.dac_bits": ("DAC resolution", "bits"),
    "array.adc.kind": ("ADC", ""),
    "array.adc.bits": ("ADC resolution", "bits"),
    "array.adc.layer_bits": ("ADC resolution of layers", ""),
    "array.adc.columns_shared": ("columns per ADC", ""),
    "array.adc.range.policy": ("ADC range", ""),
    "array.adc.range.percentile": ("ADC range", "% of column sums"),
    "array.adc.range.step": ("ADC step (cell steps)", ""),
    "chip.dynamic_products": ("products of activations", ""),
    "chip.node": ("technology node", "nm"),
    "chip.temperature": ("temperature", "K"),
    "chip.clock_frequency": ("clock frequency", "Hz"),
    "cell.circuit.read_voltage": ("read voltage", "V"),
    "cell.circuit.access_voltage": ("access voltage", "V"),
    "cell.circuit.write_voltage": ("write voltage", "V"),
}
"""Name in words and unit of a parameter; others go by the last part of their dotted name."""

MEASURES: dict[str, tuple[str, str]] = {
    "float_accuracy": ("accuracy in floating point", "%"),
    "quantized_accuracy": ("quantised accuracy", "%"),
    "accuracy": ("accuracy", "%"),
    "accuracy_change": ("change of accuracy", "points"),
    "accuracy_std": ("deviation of accuracy over chips", "points"),
    "logit_error_rms": ("relative error of the outputs", ""),
    "area_mm2": ("chip area", "mm²"),
    "clock_period_s": ("clock period", "s"),
    "latency_s": ("latency per image", "s"),
    "energy_j": ("energy per image", "J"),
    "energy_dynamic_j": ("dynamic energy per image", "J"),
    "energy_leakage_j": ("leakage energy per image", "J"),
    "power_leakage_w": ("leakage power", "W"),
    "tops": ("throughput", "TOPS"),
    "tops_per_w": ("energy efficiency", "TOPS/W"),
    "tops_per_mm2": ("area efficiency", "TOPS/mm²"),
    "frames_per_s": ("frame rate", "images/s"),
    "memory_utilization": ("memory utilisation", "%"),
}
"""Name in words and unit of each measure; 'points' are percentage points."""

MORE_IS_BETTER = frozenset(
    {
        "float_accuracy",
        "quantized_accuracy",
        "accuracy",
        "accuracy_change",
        "tops",
        "tops_per_w",
        "tops_per_mm2",
        "frames_per_s",
        "memory_utilization",
    }
)
"""Measures of which more is better; of the others less is."""

WORDS = {
    "sram": "SRAM",
    "rram": "RRAM",
    "fefet": "FeFET",
    "nvcap": "nvCap",
    "mlsa": "flash",
    "sar": "SAR",
    "vgg8": "VGG-8",
    "vit": "ViT",
    "sram_array": "SRAM arrays",
    "lstp": "LSTP",
    "hp": "HP",
}
"""Values that are abbreviations or names."""

PREFIXES = {-15: "f", -12: "p", -9: "n", -6: "µ", -3: "m", 0: "", 3: "k", 6: "M", 9: "G", 12: "T"}
"""SI prefixes by power of ten."""

_PREFIXED_UNITS = ("s", "J", "W", "Ω")


@dataclass(frozen=True)
class Quantity:
    """How a column is shown: ``shown value = column * factor`` in `unit`."""

    words: str
    unit: str
    factor: float

    @property
    def title(self) -> str:
        """Axis label, such as ``Energy per image (µJ)``."""
        words = self.words[0].upper() + self.words[1:]
        return f"{words} ({self.unit})" if self.unit else words


def quantity(column: str, values: Iterable[float] = ()) -> Quantity:
    """Return how `column` (a parameter or a measure) is shown, with a prefix that suits `values`.

    The prefix is that of the largest magnitude, so that no shown value is above 1000.
    """
    words, unit = (PARAMETERS | MEASURES).get(column) or (column.split(".")[-1], "")
    words = words.replace("_", " ")
    if unit in ("%", "points") and not column.endswith("percentile"):
        return Quantity(words, unit, 100.0)
    if unit in _PREFIXED_UNITS:
        largest = max((abs(v) for v in values), default=0.0)
        power = 3 * math.floor(math.log10(largest) / 3) if largest > 0 else 0
        power = min(max(power, min(PREFIXES)), max(PREFIXES))
        return Quantity(words, PREFIXES[power] + unit, 10.0**-power)
    return Quantity(words, unit, 1.0)


def value_text(column: str, value: object) -> str:
    """Return one value of a parameter in words, without its name: ``RRAM``, ``7 bits``, ``5 %``."""
    if value is None:
        return "default"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (int, float)):
        shown = quantity(column, [value])
        return f"{number(value * shown.factor)} {shown.unit}".strip()
    if isinstance(value, (list, tuple)):
        return ", ".join(value) or "none"
    if column in FILE_FIELDS and "/" in str(value):
        return PurePath(str(value)).stem
    return WORDS.get(str(value), str(value)) or "none"


def number(value: float, digits: int = 4) -> str:
    """Return a number with at most `digits` significant digits and no needless zeros."""
    return f"{float(value):.{digits}g}"


def rounded(value: float, digits: int = 3) -> str:
    """Return a number with exactly `digits` significant digits: 0.0540, 22.0, 402, 140000."""
    text = f"{float(value):#.{digits}g}".removesuffix(".")
    return f"{float(text):.0f}" if "e+" in text else text
