"""Operators that pay before they work."""

import operator
import re
from collections.abc import Callable
from typing import Any

from services.engine.domain.node_parts.templates.budget import (
    MAX_INTEGER_BITS,
    Budget,
    TemplateFailed,
    TemplateTooExpensive,
)
from services.engine.domain.node_parts.templates.template_values import (
    TemplateValue,
    Undefined,
    weigh,
)

_CHARACTERS_PER_STEP = 256
_FORMAT = re.compile(r"%(?:\([^)]*\))?[#0\- +]*(\*|\d+)?(?:\.(\*|\d+))?[hlL]?(.)", re.DOTALL)
_CONVERSIONS = "diouxXeEfFgGcrsa%"
_LONGEST_FIELD = 1000

# Python decides what its operators accept; whatever it refuses becomes the template's failure.
_Operation = Callable[[Any, Any], Any]
_add: _Operation = operator.add
_sub: _Operation = operator.sub
_mul: _Operation = operator.mul
_truediv: _Operation = operator.truediv  # pyright: ignore[reportUnknownVariableType, reportUnknownMemberType]
_floordiv: _Operation = operator.floordiv  # pyright: ignore[reportUnknownVariableType, reportUnknownMemberType]
_mod: _Operation = operator.mod
_pow: _Operation = operator.pow  # pyright: ignore[reportUnknownVariableType, reportUnknownMemberType]
Binary = Callable[[Budget, TemplateValue, TemplateValue], TemplateValue]


_REFUSALS = (
    TypeError,
    ValueError,
    ArithmeticError,
    AttributeError,
    LookupError,
    RecursionError,
)


def guarded(work: Callable[[], Any]) -> TemplateValue:
    """The result of `work`, with Python's refusals as TemplateFailed."""
    try:
        result: TemplateValue = work()
    except _REFUSALS as error:
        if isinstance(error, TemplateFailed):
            raise
        raise TemplateFailed(str(error), type(error).__name__) from error
    if isinstance(result, int) and result.bit_length() > MAX_INTEGER_BITS:
        raise TemplateTooExpensive("A number in the template is too large.")
    if isinstance(result, complex):
        raise TemplateFailed("A number in the template is not real.")
    return result


def _apply(operation: _Operation, left: TemplateValue, right: TemplateValue) -> TemplateValue:
    for side in (left, right):
        if isinstance(side, Undefined):
            raise side.refuse()
    return guarded(lambda: operation(left, right))


def add(budget: Budget, left: TemplateValue, right: TemplateValue) -> TemplateValue:
    if isinstance(left, str) and isinstance(right, str):
        budget.produce(len(left) + len(right))
    elif isinstance(left, (list, tuple)) and isinstance(right, (list, tuple)):
        budget.spend(len(left) + len(right))
    return _apply(_add, left, right)


def subtract(budget: Budget, left: TemplateValue, right: TemplateValue) -> TemplateValue:
    return _apply(_sub, left, right)


def multiply(budget: Budget, left: TemplateValue, right: TemplateValue) -> TemplateValue:
    for many, times in ((left, right), (right, left)):
        if isinstance(times, int) and times > 0:
            if isinstance(many, str):
                budget.produce(len(many) * times)
            elif isinstance(many, (list, tuple)):
                budget.spend(len(many) * times)
    return _apply(_mul, left, right)


def divide(budget: Budget, left: TemplateValue, right: TemplateValue) -> TemplateValue:
    return _apply(_truediv, left, right)


def divide_whole(budget: Budget, left: TemplateValue, right: TemplateValue) -> TemplateValue:
    return _apply(_floordiv, left, right)


def modulo(budget: Budget, left: TemplateValue, right: TemplateValue) -> TemplateValue:
    if isinstance(left, str):
        return format_text(budget, left, right)
    return _apply(_mod, left, right)


def _too_large(base: int, exponent: int) -> bool:
    return abs(base) > 1 and base.bit_length() * exponent > 2 * MAX_INTEGER_BITS


def power(budget: Budget, left: TemplateValue, right: TemplateValue) -> TemplateValue:
    if isinstance(left, int) and isinstance(right, int) and _too_large(left, right):
        raise TemplateTooExpensive("A number in the template is too large.")
    return _apply(_pow, left, right)


def format_text(budget: Budget, pattern: str, values: TemplateValue) -> str:
    """`pattern % values` with fields of a bounded width. Raises TemplateFailed."""
    for field in _FORMAT.finditer(pattern):
        width, precision, conversion = field.groups()
        if conversion not in _CONVERSIONS or "*" in (width, precision):
            raise TemplateFailed(f"unsupported format {field.group()!r}", "ValueError")
        budget.produce(max(int(width or 0), int(precision or 0)))
        if max(len(width or ""), len(precision or "")) > len(str(_LONGEST_FIELD)):
            raise TemplateTooExpensive("A format in the template is too wide.")
    weigh(budget, values)
    budget.produce(len(pattern))
    return str(_apply(_mod, pattern, values))


Comparison = Callable[[Budget, TemplateValue, TemplateValue], bool]


def equal(budget: Budget, left: TemplateValue, right: TemplateValue) -> bool:
    if isinstance(left, (list, tuple, dict)) and isinstance(right, (list, tuple, dict)):
        weigh(budget, left)
        weigh(budget, right)
    return bool(guarded(lambda: left == right))


def different(budget: Budget, left: TemplateValue, right: TemplateValue) -> bool:
    return not equal(budget, left, right)


def _ordered(operation: _Operation) -> Comparison:
    def compare(budget: Budget, left: TemplateValue, right: TemplateValue) -> bool:
        if isinstance(left, (list, tuple)) and isinstance(right, (list, tuple)):
            weigh(budget, left)
            weigh(budget, right)
        return bool(_apply(operation, left, right))

    return compare


def contained(budget: Budget, left: TemplateValue, right: TemplateValue) -> bool:
    """`left in right`."""
    if isinstance(right, Undefined):
        return False
    if isinstance(right, str):
        budget.spend(len(right) // _CHARACTERS_PER_STEP + 1)
        if isinstance(left, Undefined):
            raise TemplateFailed("'in <string>' requires string as left operand", "TypeError")
    elif isinstance(right, (list, tuple)):
        if isinstance(left, (list, tuple, dict)):
            weigh(budget, right)
        else:
            budget.spend(len(right))
    return bool(guarded(lambda: operator.contains(_container(right), left)))


def _container(value: TemplateValue) -> Any:
    return value


def not_contained(budget: Budget, left: TemplateValue, right: TemplateValue) -> bool:
    return not contained(budget, left, right)


COMPARISONS: dict[str, Comparison] = {
    "eq": equal,
    "ne": different,
    "gt": _ordered(operator.gt),
    "gteq": _ordered(operator.ge),
    "lt": _ordered(operator.lt),
    "lteq": _ordered(operator.le),
    "in": contained,
    "notin": not_contained,
}
