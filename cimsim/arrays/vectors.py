"""Reference vectors of the array product: the recorded runs of DNN+NeuroSim V1.5 in .npz files.

A file holds `config` (JSON: the options of the run), `weight_int`, `input_int`, `mem_mean`,
`mem_std` and the recorded results; layers are linear or convolutions. Every fidelity switch is set
to the reference's behaviour.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cimsim.arrays.settings import ArraySettings

Integers = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Vector:
    """One recorded run.

    Attributes:
        inputs: int64 [M, K], the input vectors of the layer. weights: int8 [K, N].
        settings: the array, as the reference has it.
        config: the options of the run. arrays: everything in the file.
        output_shape: shape of the recorded results.
    """

    inputs: Integers
    weights: NDArray[np.int8]
    settings: ArraySettings
    config: dict[str, Any]
    arrays: dict[str, NDArray[Any]]
    output_shape: tuple[int, ...]

    @property
    def name(self) -> str:
        """Name of the run; random numbers are drawn under it."""
        return str(self.config.get("name", ""))

    def as_output(self, product: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return a product [M, N] in the shape of the recorded results."""
        if len(self.output_shape) == 2:
            return product
        images, channels, height, width = self.output_shape
        return product.reshape(images, height, width, channels).transpose(0, 3, 1, 2)

    def noiseless(self) -> list[ArraySettings]:
        """Return the settings without all that differs between two draws.

        There are two where cells drift in a direction that is not random: with the drift, and
        without, as the recorded runs do not say which of them was recorded.
        """
        quiet: dict[str, Any] = {
            "read_noise": 0.0,
            "stuck_at_0": 0.0,
            "stuck_at_1": 0.0,
            "states_std": np.zeros_like(self.settings.states_std),
            "output_sigma": 0.0,
            "output_mean": None,
            "output_std": None,
        }
        still = replace(self.settings, drift_exponent=0.0, **quiet)
        if not self.settings.drifts or self.settings.drift_direction == "random":
            return [still]
        return [replace(self.settings, **quiet), still]


def load_arrays(path: Path) -> dict[str, NDArray[Any]]:
    """Return all arrays of an .npz file. Raises whatever numpy raises for a damaged file."""
    with path.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
        return {name: file[name] for name in file.files}


def load_vector(path: Path) -> Vector:
    """Read one recorded run.

    Raises:
        KeyError: an array or an option is missing.
        ValueError: shapes or options contradict each other, or the file is no .npz file.
        OSError: the file cannot be read.
    """
    arrays = load_arrays(path)
    config = json.loads(str(arrays["config"]))
    inputs, weights = arrays["input_int"].astype(np.int64), arrays["weight_int"].astype(np.int64)
    shape = config["shape"]
    if shape["kind"] == "conv":
        rows, (height, width) = unfold(
            inputs, weights.shape[2:], shape["stride"], shape["padding"], shape["dilation"]
        )
        output_shape: tuple[int, ...] = (len(inputs), len(weights), height, width)
        inputs, weights = rows, weights.reshape(len(weights), -1).T
    else:
        output_shape = (len(inputs), weights.shape[1])
    settings = reference_settings(config, arrays, len(weights))
    if weights.size and np.abs(weights).max() > 127:
        raise ValueError(f"weight_int has values up to {np.abs(weights).max()}; allowed: 127")
    return Vector(inputs, weights.astype(np.int8), settings, config, arrays, output_shape)


def unfold(
    images: Integers,
    kernel: tuple[int, ...],
    stride: int | tuple[int, int],
    padding: int | tuple[int, int],
    dilation: int | tuple[int, int],
) -> tuple[Integers, tuple[int, int]]:
    """Return a convolution's input vectors [images * Ho * Wo, channels * kh * kw], and (Ho, Wo).

    Row (c * kh + i) * kw + j, vector (image * Ho + y) * Wo + x; padding inserts the integer 0.
    """
    (sy, sx), (py, px), (dy, dx) = (_pair(v) for v in (stride, padding, dilation))
    padded = np.pad(images, ((0, 0), (0, 0), (py, py), (px, px)))
    extent = (dy * (kernel[0] - 1) + 1, dx * (kernel[1] - 1) + 1)
    windows = np.lib.stride_tricks.sliding_window_view(padded, extent, axis=(2, 3))
    windows = windows[:, :, ::sy, ::sx, ::dy, ::dx]
    height, width = windows.shape[2:4]
    ordered = windows.transpose(0, 2, 3, 1, 4, 5)
    return ordered.reshape(len(images) * height * width, -1), (height, width)


def reference_settings(
    config: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]], rows: int
) -> ArraySettings:
    """Return the array settings of a run: the reference's options, its faults included."""
    noise: dict[str, Any] = {}
    if config["hardware"]:
        mean, std = arrays["mem_mean"].astype(np.float64), arrays["mem_std"].astype(np.float64)
        unit = mean[1] - mean[0]
        noise = _deviations(config, arrays)
    else:  # software mode: the integer product of ideal cells, still cut off by the ADC's range
        mean = np.arange(1 << config["bitcell"], dtype=np.float64)
        std, unit = np.zeros_like(mean), 1.0
    return ArraySettings(
        weight_bits=config["weight_precision"],
        input_bits=config["input_precision"],
        cell_bits=config["bitcell"],
        dac_bits=config["dac_precision"],
        parallel_rows=_rows_per_group(config, rows),
        adc_top=1 << config["adc_precision"],
        adc_step=1.0,
        states_mean=mean / unit,
        states_std=std / abs(unit),
        stuck_at_0=config["rate_stuck_0"],
        stuck_at_1=config["rate_stuck_1"],
        input_shift="data_minimum",
        stuck_at_rates="squared",
        read_noise_scope="batch",
        drift_direction_scope="read",
        drift_bounds="observed",
        negative_conductance="keep",
        accumulation="float32",
        **noise,
    )


def _deviations(config: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "read_noise": config["read_noise"],
        "drift_time": config["t"],
        "drift_exponent": config["v"],
        "drift_direction": "target" if config["detect"] == 1 else "random",
        "drift_target": config["target"],
    }
    if config["output_noise"] == -1:
        fields["output_mean"] = arrays["onoise_mean"].astype(np.float64)
        fields["output_std"] = arrays["onoise_std"].astype(np.float64)
    elif config["output_noise"] < 0:
        raise ValueError(f"output_noise is {config['output_noise']}; allowed: -1, 0 or above")
    else:
        fields["output_sigma"] = config["output_noise"]
    return fields


def _rows_per_group(config: Mapping[str, Any], rows: int) -> int:
    """Return the rows read together.

    Where more rows are asked for than the array has, the reference neither caps nor pads: it cuts
    the layer into equal groups, which needs a divisible number of rows (quirk Q9).
    """
    asked: int = config["parallel_read"]
    if asked <= config["sub_array"][0]:
        return asked
    groups = -(-rows // asked)
    if rows % groups:
        raise ValueError(f"{rows} rows cannot be cut into {groups} equal groups")
    return rows // groups


def _pair(value: int | tuple[int, int]) -> tuple[int, int]:
    return (value, value) if isinstance(value, int) else (value[0], value[1])
