"""PyTorch as every job uses it: one thread, deterministic algorithms, torchvision that imports."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from types import ModuleType
from typing import Any

import torch

_OPERATORS = (
    "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
)


@contextmanager
def reproducible() -> Iterator[None]:
    """Run the block on one thread with deterministic algorithms, then restore the settings.

    The order of floating-point sums in PyTorch depends on the number of threads, so the float parts
    of a network always run on one, whatever the job was given; the array kernels use the others.
    """
    threads = torch.get_num_threads()
    mode = torch.get_deterministic_debug_mode()
    torch.set_num_threads(1)
    # The same switch as use_deterministic_algorithms, without loading the compiler (2.5 s).
    torch.set_deterministic_debug_mode("error")
    try:
        yield
    finally:
        torch.set_num_threads(threads)
        torch.set_deterministic_debug_mode(mode)


@cache
def import_timm() -> ModuleType:
    """Import timm (seconds; only for networks that need it) on any build of torchvision."""
    import_torchvision()  # which timm imports
    return importlib.import_module("timm")


@cache
def import_torchvision() -> ModuleType:
    """Import torchvision (seconds), after which all of its modules can be imported.

    It registers shape functions for its detection operators. Where its compiled operators do not
    load (a CUDA build beside a CPU torch) that fails, so the operators' names are declared first.
    No network here uses them.
    """
    library = _declare_detection_operators()
    torchvision = importlib.import_module("torchvision")
    torchvision._cimsim_operators = library  # type: ignore[attr-defined]  # lives as long as this
    return torchvision


def _declare_detection_operators() -> Any:
    """Declare torchvision's operators unless torch has CUDA, where its own library loads."""
    if torch.version.cuda is not None or torch.version.hip is not None:
        return None
    library = torch.library.Library(  # type: ignore[no-untyped-call]
        "torchvision", "FRAGMENT"
    )
    for operator in _OPERATORS:
        if not hasattr(torch.ops.torchvision, operator.split("(")[0]):
            library.define(operator)  # type: ignore[no-untyped-call]
    return library
