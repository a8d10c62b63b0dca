"""Whether the chip model has every circuit of a design, found out without the network."""

from __future__ import annotations

import numpy as np

from cimsim.campaign.design import DesignPoint
from cimsim.ppa.engine import NetworkLayer, evaluate
from cimsim.ppa.parameters import design_context, errors_in_design_terms

SUBARRAYS_PER_SIDE = 4
"""Rows and columns of the probe layer over those of a subarray: large enough that what does not fit
here (a buffer's flip-flops beside the array, for example) fits beside no network's arrays."""


def check_supported(point: DesignPoint) -> None:
    """Evaluate a chip with one linear layer, so that a design is refused before any job starts.

    Raises:
        UserError: the model has no circuit for the design, or a circuit does not fit.
    """
    rows = SUBARRAYS_PER_SIDE * point.array.rows
    columns = SUBARRAYS_PER_SIDE * point.array.columns
    probe = NetworkLayer(
        name="probe",
        height=1,
        width=1,
        in_channels=rows,
        kernel_height=1,
        kernel_width=1,
        out_channels=columns,
        pooled=False,
        positions=1.0,
    )
    inputs = [[np.zeros((rows, 1), dtype=np.uint8)]]
    weights = [np.zeros((rows, columns), dtype=np.int32)]
    context = design_context(point)
    with errors_in_design_terms(point):
        report = evaluate(context, [probe], inputs, weights)
        report.check_layout()
        report.check_finite()
