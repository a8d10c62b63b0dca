"""Conditions on design fields: the `where` filters of a sweep.

The language is a small part of Python's expressions: comparisons, `and`, `or`, `not`, `in`,
arithmetic, numbers, texts and lists; a dotted name is the value of that design field.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping
from typing import Any

from cimsim.campaign.parameters import parameters
from cimsim.errors import UserError, nearest

Values = Mapping[str, Any]
Evaluate = Callable[[Values], Any]

_COMPARISONS: dict[type[ast.cmpop], Callable[[Any, Any], bool]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.In: lambda item, group: item in group,
    ast.NotIn: lambda item, group: item not in group,
}
_ARITHMETIC: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Mod: operator.mod,
}
_UNARY: dict[type[ast.unaryop], Callable[[Any], Any]] = {
    ast.Not: operator.not_,
    ast.USub: operator.neg,
}
_ALLOWED = "comparisons of design fields with and, or, not, in, + - * / %"


class Condition:
    """A compiled condition.

    Raises:
        UserError: the text is no such expression or names a field that does not exist.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self.fields: set[str] = set()
        try:
            tree = ast.parse(text.strip(), mode="eval")
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            raise UserError(f"'{text}' is no expression; allowed: {_ALLOWED}") from error
        self._evaluate = self._compile(tree.body)

    def __call__(self, changed: Values) -> bool:
        """Return whether a point meets the condition.

        Args:
            changed: fields by dotted name; a field that is missing has its default.

        Raises:
            UserError: the values cannot be compared or computed with.
        """
        try:
            return bool(self._evaluate(changed))
        except (TypeError, ArithmeticError) as error:
            raise UserError(f"'{self.text}' cannot be evaluated: {error}") from error

    def _compile(self, node: ast.expr) -> Evaluate:
        match node:
            case ast.Constant(value=bool() | int() | float() | str() as constant):
                return lambda values: constant
            case ast.Name(id="true" | "false" as word):
                return lambda values: word == "true"
            case ast.Name() | ast.Attribute():
                return self._field(ast.unparse(node))
            case ast.List(elts=items) | ast.Tuple(elts=items):
                parts = [self._compile(item) for item in items]
                return lambda values: [part(values) for part in parts]
            case ast.BoolOp(op=op, values=operands):
                parts = [self._compile(operand) for operand in operands]
                if isinstance(op, ast.And):
                    return lambda values: all(part(values) for part in parts)
                return lambda values: any(part(values) for part in parts)
            case ast.UnaryOp(op=op, operand=operand) if type(op) in _UNARY:
                apply, inner = _UNARY[type(op)], self._compile(operand)
                return lambda values: apply(inner(values))
            case ast.BinOp(left=left, op=op, right=right) if type(op) in _ARITHMETIC:
                combine, one, two = _ARITHMETIC[type(op)], self._compile(left), self._compile(right)
                return lambda values: combine(_number(one(values)), _number(two(values)))
            case ast.Compare():
                return self._comparison(node)
        raise UserError(
            f"'{ast.unparse(node)}' in '{self.text}' is not allowed; allowed: {_ALLOWED}"
        )

    def _comparison(self, node: ast.Compare) -> Evaluate:
        """Compile ``a < b <= c``; the pairs are compared one by one."""
        if any(type(op) not in _COMPARISONS for op in node.ops):
            raise UserError(f"'{self.text}' is not allowed; allowed: {_ALLOWED}")
        sides = [self._compile(side) for side in (node.left, *node.comparators)]
        compares = [_COMPARISONS[type(op)] for op in node.ops]
        return lambda values: all(
            compare(left(values), right(values))
            for compare, left, right in zip(compares, sides, sides[1:], strict=False)
        )

    def _field(self, name: str) -> Evaluate:
        known = parameters()
        if name not in known:
            raise UserError(f"'{name}' in '{self.text}' is no design field{nearest(name, known)}")
        default = known[name].default
        self.fields.add(name)
        return lambda values: values.get(name, default)


def _number(value: Any) -> float:
    """Return a value to compute with: a text times a number may be as long as the memory."""
    if not isinstance(value, (int, float)):
        raise TypeError(f"{value!r} is no number")
    return value
