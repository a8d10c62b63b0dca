"""Device-to-device variation: each cell has its own, frozen conductance in each state."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def vary(mean: Floats, std: Floats, draws: Floats, keep_negative: bool) -> Floats:
    """Return mean + std * draws, with `draws` standard normal, one per cell.

    A conductance below 0 does not exist, so it is clamped at 0, unless `keep_negative`: the
    reference keeps it (quirk Q12).
    """
    varied = mean + std * draws
    return varied if keep_negative else np.maximum(varied, 0.0)
