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


def vary_lognormal(mean: Floats, std: Floats, draws: Floats) -> Floats:
    """Return lognormal conductances of this mean and standard deviation, never below 0.

    exp(mu + sigma z) has the mean exp(mu + sigma**2 / 2) and the variance
    mean**2 (exp(sigma**2) - 1) (Johnson, Kotz and Balakrishnan, "Continuous univariate
    distributions", vol. 1, chapter 14), hence sigma**2 = ln(1 + (std / mean)**2) and
    mu = ln(mean) - sigma**2 / 2. A mean of 0 stays 0. Arguments as for :func:`vary`; means are not
    negative.
    """
    relative = np.divide(std, mean, out=np.zeros_like(mean), where=mean > 0.0)
    variance = np.log1p(relative**2)
    result: Floats = mean * np.exp(np.sqrt(variance) * draws - 0.5 * variance)
    return result
