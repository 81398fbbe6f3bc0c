"""Arithmetic over Python's parsed expressions: walked, never evaluated as code."""

import ast
import math
import operator
from collections.abc import Callable

from services.plugin.domain.tool_context import JsonObject, ToolContext, ToolFailure, ToolOutput

Number = int | float
_MAX_BITS = 4096

_BINARY: dict[type[ast.operator], Callable[[Number, Number], Number]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: lambda left, right: left / right,
    ast.FloorDiv: lambda left, right: left // right,
    ast.Mod: operator.mod,
}
_FUNCTIONS: dict[str, Callable[[list[Number]], Number]] = {
    "abs": lambda values: abs(_only(values)),
    "round": lambda values: round(_only(values)),
    "sqrt": lambda values: math.sqrt(_only(values)),
    "min": min,
    "max": max,
}


async def run(arguments: JsonObject, _context: ToolContext) -> ToolOutput:
    """The value of `expression`. Raises ToolFailure when it has none."""
    expression = str(arguments["expression"])
    try:
        value = _value(ast.parse(expression, mode="eval").body)
    except (SyntaxError, ValueError, TypeError, ArithmeticError, RecursionError) as cause:
        msg = f"cannot calculate {expression!r}: {cause}"
        raise ToolFailure(msg) from cause
    if isinstance(value, float) and not math.isfinite(value):
        msg = f"{expression!r} has no finite value"
        raise ToolFailure(msg)
    return ToolOutput(text=str(value), data={"value": value})


def _value(node: ast.expr) -> Number:
    match node:
        case ast.Constant(value=int() | float() as value) if not isinstance(value, bool):
            return value
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -_value(operand)
        case ast.UnaryOp(op=ast.UAdd(), operand=operand):
            return _value(operand)
        case ast.BinOp(left=left, op=ast.Pow(), right=right):
            return _power(_value(left), _value(right))
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _BINARY:
            return _bounded(_BINARY[type(op)](_value(left), _value(right)))
        case ast.Call(func=ast.Name(id=name), args=args, keywords=[]) if name in _FUNCTIONS:
            return _FUNCTIONS[name]([_value(arg) for arg in args])
        case _:
            msg = f"{ast.unparse(node)!r} is not arithmetic"
            raise ValueError(msg)


def _only(values: list[Number]) -> Number:
    (value,) = values
    return value


def _power(base: Number, exponent: Number) -> Number:
    if isinstance(base, int) and isinstance(exponent, int) and exponent > 0:
        if base.bit_length() * exponent > _MAX_BITS:
            msg = f"a power of more than {_MAX_BITS} bits"
            raise ValueError(msg)
        return base**exponent
    value = float(base) ** float(exponent)
    if isinstance(value, complex):
        msg = "a root of a negative number"
        raise TypeError(msg)
    return value


def _bounded(value: Number) -> Number:
    if isinstance(value, int) and value.bit_length() > _MAX_BITS:
        msg = f"a number of more than {_MAX_BITS} bits"
        raise ValueError(msg)
    return value
