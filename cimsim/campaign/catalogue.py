"""Names of the networks and data sets that a campaign may use.

Torch-free, so that a campaign is validated without loading a network; the builders are in
:mod:`cimsim.workloads`.
"""

from typing import Literal

ModelName = Literal["vgg8", "vit"]
"""vgg8: the 8-layer VGG of the CIM literature; vit: a small vision transformer (timm)."""

DatasetName = Literal["digits16"]
"""digits16: the handwritten digits that ship with scikit-learn, enlarged to 16 x 16."""
