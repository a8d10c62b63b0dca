"""The analog-to-digital converter at the foot of a column."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def convert(column_sum: NDArray[np.float64], step: float, top: int) -> NDArray[np.int64]:
    """Return the codes clamp(rint(sum / step), 0, top), half to even; `sum` in ADC units."""
    codes: NDArray[np.int64] = np.clip(np.rint(column_sum / step), 0, top).astype(np.int64)
    return codes
