"""The array product on a GPU: the interface of the native kernels, computed by Triton.

All column sums are integers there. Real conductances (and their squares, for read noise) are held
on a grid as fine as 30 bits of the largest sum allow, like in the native kernels, and cut into
signed bytes ("limbs") that the tensor cores multiply exactly; docs/simulator.md says when codes can
differ from the oracle's. With TRITON_INTERPRET=1 the same code runs without a GPU, slowly.
"""

from __future__ import annotations

import importlib
import math
import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray

from cimsim import _native
from cimsim.arrays import random
from cimsim.errors import UserError

Floats = NDArray[np.float64]

Mode = Literal["IDEAL", "REAL", "READ_NOISE", "OUTPUT_NOISE"]

GRID_BITS = 30
"""Sums of fixed-point numbers stay below 2**30, so that they fit 32 bits with a sign."""

MOST_FRACTION_BITS = 24
"""No grid is finer than 2**-24, as in the native kernels."""

LARGEST_CODE = 1 << 22
"""Codes with noise are rounded in float32, which is exact up to here."""

VECTORS_AT_ONCE = 1 << 16
"""Vectors on the device at a time; bounds its memory."""

TILE_VECTORS, TILE_COLUMNS, TILE_ROWS = 64, 64, 128
"""Largest tile of a program."""


def require_gpu() -> torch.device:
    """Return the device that the kernels run on: the GPU, or the CPU under Triton's interpreter.

    Raises:
        UserError: Triton or a CUDA device is missing.
    """
    try:
        importlib.import_module("triton")
    except ImportError:
        raise UserError(
            "device cuda needs Triton, which is not installed; allowed: pip install 'cimsim[gpu]', "
            "or device cpu"
        ) from None
    if os.environ.get("TRITON_INTERPRET") == "1":
        return torch.device("cpu")
    if not torch.cuda.is_available():
        raise UserError(
            "device cuda: PyTorch finds no CUDA device on this machine; allowed: device cpu"
        )
    return torch.device("cuda")


@dataclass(frozen=True, eq=False)
class _Fixed:
    """Numbers on a grid: value = integer * unit, the integers in signed bytes, lowest first."""

    limbs: NDArray[np.int8]
    unit: float


@dataclass(frozen=True, eq=False)
class _Readout:
    """How sums become codes; which fields count depends on the mode (see gpu_kernel)."""

    mode: Mode
    unit: float = 1.0
    code_of_sum: NDArray[np.int32] | None = None
    mean_of_sum: NDArray[np.float32] | None = None
    std_of_sum: NDArray[np.float32] | None = None
    squares: _Fixed | None = None
    reference: NDArray[np.int32] | None = None
    power_of_sum: float | None = None
    power_unit: float = 1.0
    reference_unit: float = 1.0


class GpuLayer:
    """A programmed layer on the GPU, with the interface of the native ``ArrayLayer``.

    ``settings`` are the native ``LayerSettings``: geometry, ADC, noise and key.
    """

    def __init__(self, settings: Any, cells: NDArray[np.int8], readout: _Readout) -> None:
        """Move cells int8 [limb, slice, row, column] and tables to the device."""
        device = require_gpu()
        self._settings, self._readout, self._device = settings, readout, device
        self._cells = torch.from_numpy(np.ascontiguousarray(cells)).to(device)
        squares = readout.squares
        self._tables = [
            torch.zeros(1, dtype=torch.int32, device=device)
            if table is None
            else torch.from_numpy(np.ascontiguousarray(table)).to(device)
            for table in (
                None if squares is None else squares.limbs,
                readout.reference,
                readout.code_of_sum,
                readout.mean_of_sum,
                readout.std_of_sum,
                random.share_means().astype(np.float32) if readout.mode == "READ_NOISE" else None,
            )
        ]
        real = [settings.adc_step, readout.unit]
        self._real = torch.tensor(real, dtype=torch.float64, device=device)
        self._constants = _constants(settings, readout, len(cells))

    @classmethod
    def of_digits(
        cls, settings: Any, digits: NDArray[np.uint8], low: float, high: float
    ) -> GpuLayer:
        """Hold cells exactly at their state, digits [slice, row, column].

        With read noise (one-bit cells only) `low` and `high` are the conductances of the two
        states, and the reference column is in state 0.
        """
        rows = min(settings.rows, settings.parallel_rows)
        digit = (1 << settings.dac_bits) - 1
        sums = np.arange(rows * ((1 << settings.cell_bits) - 1) * digit + 1)
        cells = _limbs(digits.astype(np.int64))
        if settings.output_sigma > 0.0 or settings.output_mean:
            return cls(settings, cells, _output_noise(settings, sums))
        if settings.read_noise > 0.0:
            squares = np.where(digits > 0, high**2, low**2)
            readout = _read_noise(settings, squares, np.full(settings.rows, low**2))
            if settings.dac_bits == 1:  # x and g have two values each: the sum tells the power
                readout = replace(readout, squares=None, power_of_sum=high**2 - low**2)
            return cls(settings, cells, readout)
        codes = np.clip(np.rint(sums / settings.adc_step), 0, settings.adc_top)
        table = None if settings.adc_step == 1.0 else codes.astype(np.int32)
        if settings.code_of_sum:
            table = np.array(settings.code_of_sum[: len(sums)], dtype=np.int32)
        return cls(settings, cells, _Readout("IDEAL", code_of_sum=table))

    @classmethod
    def of_conductances(
        cls, settings: Any, effective_of: Callable[[int, int, int], Floats], reference: Floats
    ) -> GpuLayer:
        """Hold cells of any conductance: effective_of(slice, first, last) [row, column] is that
        above the reference column, reference [row] that of the reference column."""
        rows = settings.rows
        effective = np.stack([effective_of(j, 0, rows) for j in range(settings.slices)])
        fixed = _fixed(effective, settings)
        if settings.read_noise > 0.0:
            squares = (effective + reference[:, np.newaxis]) ** 2
            readout = _read_noise(settings, squares, reference**2)
            return cls(settings, fixed.limbs, replace(readout, unit=fixed.unit))
        return cls(settings, fixed.limbs, _Readout("REAL", unit=fixed.unit))

    def product(self, codes: NDArray[np.uint16], first_vector: int, isa: str = "") -> Any:
        """Return the sums of code by place, int64 [vectors, columns], of codes [vectors, rows].

        `isa` chooses native kernels and has no meaning here.
        """
        settings = self._settings
        few = settings.reads * settings.dac_bits <= 8
        result = np.empty((len(codes), settings.columns), dtype=np.int64)
        for start in range(0, len(codes), VECTORS_AT_ONCE):
            part = codes[start : start + VECTORS_AT_ONCE]
            inputs = torch.from_numpy(part.astype(np.uint8 if few else np.int32))
            sums = self._launch(inputs.to(self._device), first_vector + start)
            result[start : start + len(part)] = sums.cpu().numpy()
        return result

    def _launch(self, codes: torch.Tensor, first_vector: int) -> torch.Tensor:
        from cimsim.arrays import gpu_kernel

        settings, device = self._settings, self._device
        key = np.array([settings.seed | settings.layer << 32], dtype=np.uint64).view(np.int64)
        names = torch.tensor([int(key[0]), first_vector], device=device)
        result = torch.empty((len(codes), settings.columns), dtype=torch.int64, device=device)
        tile = _power_of_two(len(codes), 16, TILE_VECTORS)
        width = _power_of_two(settings.columns, 16, TILE_COLUMNS)
        grid = -(-len(codes) // tile), -(-settings.columns // width)
        gpu_kernel.array_product[grid](
            codes,
            self._cells,
            *self._tables,
            self._real,
            names,
            result,
            len(codes),
            settings.rows,
            settings.columns,
            settings.parallel_rows,
            settings.slices * settings.rows * settings.columns,
            BM=tile,
            BN=width,
            enable_fp_fusion=False,
            MODE=getattr(gpu_kernel, self._readout.mode),
            **self._constants,
        )
        return result


def _constants(settings: Any, readout: _Readout, cell_limbs: int) -> dict[str, Any]:
    """Return the arguments of the kernel that do not depend on the inputs.

    Raises:
        ValueError: an ADC with more codes than float32 holds.
    """
    rows = min(settings.rows, settings.parallel_rows)
    groups = -(-settings.rows // settings.parallel_rows)
    block = _power_of_two(rows, 32, TILE_ROWS)
    digit = (1 << settings.dac_bits) - 1
    places = (1 << settings.dac_bits * settings.reads) - 1
    places *= (1 << settings.cell_bits * settings.slices) - 1
    top = min(settings.adc_top, (1 << 31) - 1)
    if readout.mode in ("READ_NOISE", "OUTPUT_NOISE") and top > LARGEST_CODE:
        raise _native.InvalidArgument(
            f"adc_top is {settings.adc_top}; allowed with noise: up to {LARGEST_CODE}"
        )
    noise = settings.read_noise / settings.adc_step
    from_sum = readout.power_of_sum
    return {
        "top": top,
        "steps_of_unit": readout.unit / settings.adc_step,
        "noise": noise * math.sqrt(readout.power_unit if from_sum is None else 1.0),
        "slope": from_sum or 0.0,
        "noise_of_reference": noise * math.sqrt(readout.reference_unit),
        "power_of_reference": readout.reference_unit,
        "UNIT_STEP": readout.code_of_sum is None,
        "FROM_SUM": from_sum is not None,
        "WIDE": top * places * groups >= 1 << 31,
        "GROUPS": groups,
        "READS": settings.reads,
        "SLICES": settings.slices,
        "DAC_BITS": settings.dac_bits,
        "CELL_BITS": settings.cell_bits,
        "INPUT_LIMBS": _input_limbs(digit),
        "CELL_LIMBS": cell_limbs,
        "SQUARE_INPUT_LIMBS": _input_limbs(digit**2),
        "SQUARE_LIMBS": 1 if readout.squares is None else len(readout.squares.limbs),
        "ROW_BLOCKS": -(-rows // block),
        "BK": block,
    }


def _output_noise(settings: Any, sums: NDArray[np.int64]) -> _Readout:
    """Return the readout by mean and deviation of each ideal sum (specification, section 5.4)."""
    step = settings.adc_step
    ideal = np.minimum(sums.astype(np.float64), settings.adc_top * step)
    mean, std = ideal, np.full(len(sums), settings.output_sigma)
    if settings.output_mean:
        row = np.floor(ideal).astype(np.int64)
        mean, std = np.array(settings.output_mean)[row], np.array(settings.output_std)[row]
    return _Readout(
        "OUTPUT_NOISE",
        mean_of_sum=(mean / step).astype(np.float32),
        std_of_sum=(std / step).astype(np.float32),
    )


def _read_noise(settings: Any, squares: Floats, reference: Floats) -> _Readout:
    """Return the readout with fresh noise, from squared conductances [slice, row, column] and those
    of the reference column [row]."""
    fixed = _fixed(squares, settings, square=True)
    bits = _fraction_bits(reference[np.newaxis, :, np.newaxis], settings, square=True)
    return _Readout(
        "READ_NOISE",
        squares=fixed,
        power_unit=fixed.unit,
        reference=np.rint(np.ldexp(reference, bits)).astype(np.int32),
        reference_unit=2.0**-bits,
    )


def _fixed(values: Floats, settings: Any, square: bool = False) -> _Fixed:
    """Return values [slice, row, column] on the finest grid that holds all column sums."""
    bits = _fraction_bits(values, settings, square)
    return _Fixed(_limbs(np.rint(np.ldexp(values, bits)).astype(np.int64)), 2.0**-bits)


def _fraction_bits(values: Floats, settings: Any, square: bool = False) -> int:
    """Return the bits after the point with which no sum of inputs (or of their squares) times
    values [slice, row, column] leaves GRID_BITS.

    Raises:
        ValueError: sums that leave it even without a fraction.
    """
    starts = np.arange(0, values.shape[1], settings.parallel_rows)
    largest = float(np.add.reduceat(np.abs(values), starts, axis=1).max(initial=0.0))
    largest *= ((1 << settings.dac_bits) - 1) ** (2 if square else 1)
    rounding = settings.parallel_rows << 2 * settings.dac_bits
    if not largest + rounding < 1 << GRID_BITS:
        raise _native.InvalidArgument(f"conductances: sums of a row group reach {largest} units")
    bits = 0
    while bits < MOST_FRACTION_BITS and largest * 2 ** (bits + 1) + rounding < 1 << GRID_BITS:
        bits += 1
    return bits


def _limbs(integers: NDArray[np.int64]) -> NDArray[np.int8]:
    """Return signed bytes [limb, ...], lowest first, whose sum by place is `integers`."""
    limbs: list[NDArray[np.int8]] = []
    while not limbs or integers.any():
        limbs.append(((integers + 128) % 256 - 128).astype(np.int8))
        integers = (integers - limbs[-1]) >> 8
    return np.stack(limbs)


def _input_limbs(largest: int) -> int:
    return -(-largest.bit_length() // 7)


def _power_of_two(size: int, lowest: int, highest: int) -> int:
    """Return the power of two from `size` on, within bounds."""
    return min(highest, max(lowest, 1 << (size - 1).bit_length()))
