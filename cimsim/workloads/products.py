"""Products of two activations, caught where they are computed.

Matrix products of any kind (``@``, ``matmul``, ``einsum``, fused attention) end as the operators
``bmm``, ``mm``, ``baddbmm`` or ``addmm`` of ATen. That is where they are caught, so that it does
not matter how a network writes its attention.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils._python_dispatch import TorchDispatchMode

from cimsim.workloads.calls import MatrixCalls

OPERATORS = {"mm": 0, "bmm": 0, "addmm": 1, "baddbmm": 1}
"""Operators of a product, with the position of its left operand."""


@dataclass(frozen=True, eq=False)
class ProductCall:
    """One product of activations.

    Attributes:
        number: how many products were computed before it.
        left: [batch, M, K]; images follow one another in the batch, each with its windows or heads.
        right: [batch, K, N].
    """

    number: int
    left: Tensor
    right: Tensor


class ProductCalls(TorchDispatchMode):
    """Within :meth:`caught`, each product of two activations goes to a function.

    Products of which an operand is a parameter or buffer of the network pass by, and so does what
    happens inside a matrix layer.
    """

    def __init__(
        self, network: nn.Module, layers: MatrixCalls, answer: Callable[[ProductCall], Tensor]
    ) -> None:
        """`answer` gets each call and returns [batch, M, N]."""
        super().__init__()  # type: ignore[no-untyped-call]
        self._layers, self._answer = layers, answer
        held = (*network.parameters(), *network.buffers())
        self._weights = {tensor.untyped_storage().data_ptr() for tensor in held}
        self._number = 0

    @contextmanager
    def caught(self) -> Iterator[None]:
        """Within the block, which computes one batch, catch the products."""
        self._number = 0
        fast = torch.backends.mha.get_fastpath_enabled()
        torch.backends.mha.set_fastpath_enabled(False)  # one operator that hides all others
        try:
            # Not inference_mode, in which operators reach this mode before they are taken apart.
            with torch.no_grad(), sdpa_kernel(SDPBackend.MATH), self:
                yield
        finally:
            torch.backends.mha.set_fastpath_enabled(fast)

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Any = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """Catch a product; run everything else."""
        kwargs = kwargs or {}
        position = OPERATORS.get(func._schema.name.removeprefix("aten::"))
        if position is None or self._layers.is_inside:
            return func(*args, **kwargs)
        left, right = args[position : position + 2]
        if any(t.untyped_storage().data_ptr() in self._weights for t in (left, right)):
            return func(*args, **kwargs)
        product = self._product(left, right)
        if position == 0:
            return product
        return args[0] * kwargs.get("beta", 1) + product * kwargs.get("alpha", 1)

    def _product(self, left: Tensor, right: Tensor) -> Tensor:
        batched = left if left.dim() == 3 else left[None]
        call = ProductCall(self._number, batched, right if right.dim() == 3 else right[None])
        self._number += 1
        return self._answer(call).reshape(*left.shape[:-1], right.shape[-1])
