"""What a network computes besides its matrix layers, found by watching one forward pass.

Dynamic products (both operands change with the input, as attention scores and values) and digital
operations (residual adds, softmax, layer norm, ...). The pass is watched below the modules, where
every call ends as an operator of ATen, so that it does not matter whether a network uses modules,
functions, operators of Python or fused attention.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from cimsim.workloads.calls import MatrixCall, MatrixCalls
from cimsim.workloads.layer_table import POOLING

PRODUCT = "product"
"""Kind of a product of two activations."""

FUNCTION_LAYER = "function_layer"
"""Kind of a product with a weight that is called as a function, so that it is not placed."""

_PRODUCTS = {"mm": 0, "bmm": 0, "addmm": 1, "baddbmm": 1, "matmul": 0}
"""Operators of a product, with the position of its left operand."""

_NORMS = {
    "native_layer_norm": "layer_norm",
    "native_group_norm": "layer_norm",
    "_fused_rms_norm": "layer_norm",
    "native_batch_norm": "batch_norm",
    "_native_batch_norm_legit_no_training": "batch_norm",
}

_KINDS = {
    **_NORMS,
    "_softmax": "softmax",
    "_safe_softmax": "softmax",
    "_log_softmax": "softmax",
    "relu": "relu",
    "relu_": "relu",
    "hardtanh": "relu",
    "hardtanh_": "relu",
    "leaky_relu": "relu",
    "gelu": "gelu",
    "silu": "silu",
    "silu_": "silu",
    "sigmoid": "sigmoid",
    "tanh": "tanh",
    "hardswish": "hardswish",
    "hardswish_": "hardswish",
    "hardsigmoid": "hardsigmoid",
    "elu": "elu",
    "mish": "mish",
    "add": "add",
    "add_": "add",
    "sub": "add",
    "mul": "multiply",
    "mul_": "multiply",
    "div": "multiply",
    "max_pool2d_with_indices": "max_pool",
    "adaptive_max_pool2d": "max_pool",
    "amax": "max_pool",
    "avg_pool2d": "average_pool",
    "_adaptive_avg_pool2d": "average_pool",
    "mean": "average_pool",
}
"""Kind of each digital operation, by operator."""

_MOVES = frozenset(
    (
        "_reshape_alias",
        "_to_copy",
        "_unsafe_index",
        "_unsafe_view",
        "arange",
        "bernoulli",
        "cat",
        "clone",
        "constant_pad_nd",
        "contiguous",
        "copy_",
        "detach",
        "embedding",
        "empty",
        "empty_like",
        "expand",
        "fill_",
        "flip",
        "full",
        "gather",
        "index",
        "index_select",
        "lift_fresh",
        "new_empty",
        "new_ones",
        "new_zeros",
        "ones",
        "repeat",
        "roll",
        "set_",
        "stack",
        "upsample_nearest2d",
        "zeros",
        "zeros_like",
    )
)
"""Operators that make or move data and compute nothing, besides views."""


@dataclass(frozen=True)
class Operation:
    """One dynamic product or digital operation of one image, in order of execution.

    Attributes:
        name: module and what it computes there, unique in the network.
        kind: ``product``, a digital operation (add, softmax, layer_norm, ...), ``function_layer``,
            or the name of an operator that no unit of the chip model computes.
        module: the module that it runs in.
        after: matrix layers that have run before.
        batch: products of that shape, one per attention head; 0 unless a product.
        vectors: rows M of the left operand; 0 unless a product.
        rows: K, the inner dimension; 0 unless a product.
        columns: N, columns of the right operand, which an array stores; 0 unless a product.
        elements: results; of softmax and norms also the operands.
        length: elements that a row (softmax, layer_norm) or a window (pooling) combines, else 1.
        left, right: names of the operands of a product.
        on_layer_unit: computed by the activation or pooling unit of the matrix layer before.
    """

    name: str
    kind: str
    module: str
    after: int
    batch: int = 0
    vectors: int = 0
    rows: int = 0
    columns: int = 0
    elements: int = 0
    length: int = 1
    left: str = ""
    right: str = ""
    on_layer_unit: bool = False


def operation_table(
    network: nn.Module, matrix_layers: Collection[str], image: Tensor
) -> list[Operation]:
    """Return what `network` computes on `image` [1, channels, h, w] outside its matrix layers.

    Args:
        network: in evaluation mode.
        matrix_layers: names of the layers whose inside does not count.
        image: one image.
    """
    observer = _Observer(network, matrix_layers)
    fast = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)  # one operator that hides all others
    try:
        with torch.no_grad(), observer.hooked(), observer:
            network(image)
    finally:
        torch.backends.mha.set_fastpath_enabled(fast)
    return observer.found


class _Observer(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Records the operators that run outside the matrix layers."""

    def __init__(self, network: nn.Module, matrix_layers: Collection[str]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.found: list[Operation] = []
        self._network = network
        self._matrix = frozenset(matrix_layers)
        held = (*network.parameters(), *network.buffers())
        self._weights = {tensor.untyped_storage().data_ptr() for tensor in held}
        self._modules: list[tuple[str, nn.Module]] = []
        self._layers = 0  # matrix layers that have run
        self._inside = False  # a matrix layer runs
        self._names: dict[str, int] = {}
        self._rectified = -1  # matrix layers that had run at the last relu

    @contextmanager
    def hooked(self) -> Iterator[None]:
        """Within the block, know the module that runs."""

        def enter(name: str) -> Callable[..., None]:
            return lambda module, inputs: self._modules.append((name, module))

        def leave(module: nn.Module, inputs: Any, output: Any) -> None:
            self._modules.pop()

        with ExitStack() as handles:
            for name, module in self._network.named_modules():
                for handle in (
                    module.register_forward_pre_hook(enter(name)),
                    module.register_forward_hook(leave),
                ):
                    handles.callback(handle.remove)
            handles.enter_context(MatrixCalls(self._network, self._layer).caught())
            yield

    def _layer(self, call: MatrixCall) -> Tensor:
        self._inside = True
        try:
            return call.result()
        finally:
            self._inside = False
            self._layers += 1

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Any = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """Run an operator and record it."""
        result = func(*args, **(kwargs or {}))
        if not self._inside and not any(name in self._matrix for name, _ in self._modules):
            output = result[0] if isinstance(result, list | tuple) and result else result
            if isinstance(output, Tensor) and not func.is_view:
                self._see(func._schema.name.removeprefix("aten::"), args, output)
        return result

    def _see(self, operator: str, args: Any, output: Tensor) -> None:
        tensors = [a for a in args if isinstance(a, Tensor)]
        if operator in _MOVES or not tensors:
            return
        if "scaled_dot_product" in operator:
            self._attention(*tensors[:3])
        elif operator in _PRODUCTS:
            left, right = tensors[_PRODUCTS[operator] :][:2]
            self._product(left, right)
        elif operator == "convolution":
            self._record(FUNCTION_LAYER, elements=output.numel())
        else:
            self._digital(operator, args, output)

    def _attention(self, query: Tensor, key: Tensor, value: Tensor) -> None:
        heads = math.prod(query.shape[:-2])
        tokens, width = query.shape[-2:]
        keys = key.shape[-2]
        shape = {"batch": heads, "vectors": tokens}
        self._record(
            PRODUCT, "scores", left="query", right="key", rows=width, columns=keys, **shape
        )
        self._record("softmax", elements=heads * tokens * keys, length=keys)
        self._record(
            PRODUCT,
            "values",
            left="softmax",
            right="value",
            rows=keys,
            columns=value.shape[-1],
            **shape,
        )

    def _product(self, left: Tensor, right: Tensor) -> None:
        static = any(t.untyped_storage().data_ptr() in self._weights for t in (left, right))
        batch = math.prod(left.shape[:-2])
        vectors, rows = left.shape[-2:]
        columns = right.shape[-1]
        if static:
            self._record(FUNCTION_LAYER, elements=batch * vectors * columns)
        else:
            self._record(
                PRODUCT,
                batch=batch,
                vectors=vectors,
                rows=rows,
                columns=columns,
                left="left",
                right="right",
            )

    def _digital(self, operator: str, args: Any, output: Tensor) -> None:
        kind = _KINDS.get(operator, operator.strip("_"))
        count = output.numel()
        operands = [a for a in args if isinstance(a, Tensor)]
        if kind in ("add", "multiply") and (len(operands) < 2 or min(map(_size, operands)) <= 1):
            return  # by one number: part of the scales of the codes
        length = _length(kind, operator, args, output)
        self._record(kind, elements=count, length=length, on_layer_unit=self._on_layer_unit(kind))

    def _on_layer_unit(self, kind: str) -> bool:
        """Tell whether the units that the chip model gives every matrix layer compute this."""
        if self._layers == 0:
            return False
        if kind == "relu":
            first = self._rectified != self._layers
            self._rectified = self._layers
            return first
        return isinstance(self._modules[-1][1], POOLING) if self._modules else False

    def _record(self, kind: str, what: str = "", **values: Any) -> None:
        module = self._modules[-1][0] if self._modules else ""
        if kind == PRODUCT:
            values["elements"] = values["batch"] * values["vectors"] * values["columns"]
        # A module that is nothing but this operation says enough.
        what = what or kind
        path = module if module.rpartition(".")[2] == what else f"{module}.{what}".lstrip(".")
        self._names[path] = self._names.get(path, 0) + 1
        name = path if self._names[path] == 1 else f"{path}_{self._names[path]}"
        self.found.append(Operation(name, kind, module, self._layers, **values))


def _size(tensor: Tensor) -> int:
    return tensor.numel()


def _length(kind: str, operator: str, args: Any, output: Tensor) -> int:
    """Return how many elements a row or window of a digital operation combines."""
    if kind == "softmax":
        return int(output.shape[args[1]])
    if operator == "native_group_norm":  # input, gain, bias, images, channels, pixels, groups
        return int(output.numel() // (args[3] * args[6]))
    if kind == "layer_norm" or operator in ("max_pool2d_with_indices", "avg_pool2d"):
        return math.prod(args[1])  # shape of the row or window
    if kind in ("max_pool", "average_pool"):
        return max(1, int(args[0].numel()) // output.numel())
    return 1
