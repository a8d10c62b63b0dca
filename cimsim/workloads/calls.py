"""The products with weights that a network computes, caught where they are computed.

A convolution or linear layer ends in one call of ``conv2d`` or ``linear``, whether a module, a
function or fused attention makes it. Catching that call instead of replacing modules keeps what a
module does around it (padding of its own, a bias put together from parts, standardised weights).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from types import FunctionType
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.overrides import TorchFunctionMode

from cimsim.errors import UserError

MATRIX = (nn.Conv2d, nn.Linear)

WEIGHT = ".weight"

Pair = tuple[int, int]


@dataclass(frozen=True, eq=False)
class MatrixCall:
    """One call of a matrix layer.

    Attributes:
        name: key of the weight in the state_dict without ".weight".
        x: input [n, channels, height, width] of a convolution, [..., features] of a linear layer.
        weight: [out channels, in channels / groups, height, width] or [out, in].
        stride, padding, dilation: of a convolution, vertical and horizontal; else None.
    """

    name: str
    x: Tensor
    weight: Tensor
    bias: Tensor | None
    stride: Pair | None = None
    padding: Pair = (0, 0)
    dilation: Pair = (1, 1)
    groups: int = 1

    @property
    def is_convolution(self) -> bool:
        """Return whether this is a convolution and not a linear layer."""
        return self.stride is not None

    def result(self, x: Tensor | None = None) -> Tensor:
        """Return what the layer gives in floating point for its input, or for `x`."""
        x = self.x if x is None else x
        with torch._C.DisableTorchFunction():
            if self.stride is None:
                return functional.linear(x, self.weight, self.bias)
            return functional.conv2d(
                x, self.weight, self.bias, self.stride, self.padding, self.dilation, self.groups
            )


class MatrixCalls(TorchFunctionMode):
    """Within :meth:`caught`, each call of a matrix layer goes to a function.

    A layer is known by its weight: a parameter of the network, or what the module that runs makes
    of its own weight. Products with other weights pass by.

    Attributes:
        is_inside: whether a layer is being computed.
    """

    def __init__(self, network: nn.Module, answer: Callable[[MatrixCall], Tensor]) -> None:
        """`answer` gets each call and returns the layer's output."""
        super().__init__()
        self._network, self._answer = network, answer
        self._names = {
            id(parameter): name.removesuffix(WEIGHT)
            for name, parameter in network.named_parameters()
        }
        self._running: list[str] = []
        self.is_inside = False

    @contextmanager
    def caught(self) -> Iterator[None]:
        """Within the block, catch the calls."""
        with ExitStack() as stack:
            self._running.clear()
            for name, module in self._network.named_modules():
                if isinstance(module, MATRIX):
                    for handle in (
                        module.register_forward_pre_hook(lambda *_, n=name: self._enter(n)),
                        module.register_forward_hook(lambda *_: self._leave(), always_call=True),
                    ):
                        stack.callback(handle.remove)
            stack.enter_context(self)
            yield

    def _enter(self, name: str) -> None:
        self._running.append(name)

    def _leave(self) -> None:
        self._running.pop()

    def __torch_function__(
        self, func: Any, types: Any, args: Any = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """Catch a call of a layer; run everything else."""
        kwargs = kwargs or {}
        if func is functional.linear or func is functional.conv2d:
            of = _linear if func is functional.linear else _convolution
            call = of(*args, **kwargs)
            name = self._name_of(call.weight)
            if name is not None:
                self.is_inside = True
                try:
                    return self._answer(replace(call, name=name))
                finally:
                    self.is_inside = False
        elif func is functional.multi_head_attention_forward:
            with self:
                return _attention_in_parts(*args, **kwargs)
        return func(*args, **kwargs)

    def _name_of(self, weight: Tensor) -> str | None:
        name = self._names.get(id(weight))
        if name is None and self._running:
            running = self._network.get_submodule(self._running[-1])
            if weight.shape == running.weight.shape:
                return self._running[-1]
        return name


def weight_of(network: nn.Module, layer: str) -> nn.Parameter:
    """Return the weight of the matrix layer with the name `layer`."""
    parameters = dict(network.named_parameters())
    return parameters[layer if layer in parameters else layer + WEIGHT]


def fix_derived_weights(network: nn.Module, image: Tensor) -> None:
    """Give modules that compute with something made of their weight (standardised, ...) that.

    Raises:
        UserError: a module then computes something else.
    """
    derived: dict[str, Tensor] = {}

    def look(call: MatrixCall) -> Tensor:
        if not isinstance(call.weight, nn.Parameter):
            derived[call.name] = call.weight.clone()
        return call.result()

    with torch.no_grad(), MatrixCalls(network, look).caught():
        before: Tensor = network(image)
    for name, weight in derived.items():
        weight_of(network, name).data = weight
    if derived:
        with torch.no_grad():
            after: Tensor = network(image)
        if not torch.allclose(before, after, rtol=1e-3, atol=1e-3 * float(before.abs().max())):
            raise UserError(
                f"layers {', '.join(derived)} compute their weights from others in a way that "
                "cannot be fixed; allowed: weights as they are, or standardised"
            )


def _linear(input: Tensor, weight: Tensor, bias: Tensor | None = None) -> MatrixCall:
    return MatrixCall("", input, weight, bias)


def _convolution(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> MatrixCall:
    """Return the call; padding that differs from side to side is in its input already."""
    stride, dilation = _pair(stride), _pair(dilation)
    if isinstance(padding, str):
        spans = [d * (k - 1) for d, k in zip(dilation, weight.shape[2:], strict=True)]
        total = spans if padding == "same" else [0, 0]
        sides = [total[1] // 2, total[1] - total[1] // 2, total[0] // 2, total[0] - total[0] // 2]
    else:
        vertical, horizontal = _pair(padding)
        sides = [horizontal, horizontal, vertical, vertical]
    if len(set(sides)) > 1:
        input, sides = functional.pad(input, sides), [0]
    return MatrixCall("", input, weight, bias, stride, (sides[0], sides[0]), dilation, groups)


def _pair(value: Any) -> Pair:
    values = [int(value)] * 2 if isinstance(value, int) else [int(v) for v in value]
    return (values[0], values[-1])


# The function of nn.MultiheadAttention asks first whether someone catches it; this copy does not
# ask, so that its parts are caught one by one.
_attention_in_parts = FunctionType(
    functional.multi_head_attention_forward.__code__,
    {**functional.multi_head_attention_forward.__globals__, "has_torch_function": lambda _: False},
    argdefs=functional.multi_head_attention_forward.__defaults__,
)
