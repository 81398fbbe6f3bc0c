"""The comparison operators of conditions.

`compare` takes what the variable holds and what the author wrote. Which combinations are refused,
and in which words, is what imported workflows rely on.
"""

import json
from collections.abc import Callable

from services.engine.domain.variables.values import Value


class ComparisonRefused(ValueError):
    """The operator does not apply to these values."""


Comparison = Callable[[Value, Value], bool]


def contains(actual: Value, expected: Value) -> bool:
    if not actual:
        return False
    if isinstance(actual, str):
        return isinstance(expected, str) and expected in actual
    if isinstance(actual, list):
        return expected in actual
    raise ComparisonRefused("Invalid actual value type: string or array")


def not_contains(actual: Value, expected: Value) -> bool:
    return not contains(actual, expected)


def starts_with(actual: Value, expected: Value) -> bool:
    if not actual:
        return False
    if not isinstance(actual, str):
        raise ComparisonRefused("Invalid actual value type: string")
    if not isinstance(expected, str):
        raise ComparisonRefused("Expected value must be a string for startswith")
    return actual.startswith(expected)


def ends_with(actual: Value, expected: Value) -> bool:
    if not actual:
        return False
    if not isinstance(actual, str):
        raise ComparisonRefused("Invalid actual value type: string")
    if not isinstance(expected, str):
        raise ComparisonRefused("Expected value must be a string for endswith")
    return actual.endswith(expected)


def is_(actual: Value, expected: Value) -> bool:
    if actual is None:
        return False
    if not isinstance(actual, (str, bool)):
        raise ComparisonRefused("Invalid actual value type: string or boolean")
    return actual == expected


def is_not(actual: Value, expected: Value) -> bool:
    if actual is None:
        return False
    return not is_(actual, expected)


def equals(actual: Value, expected: Value) -> bool:
    if actual is None:
        return False
    if isinstance(actual, bool):
        return actual == _to_bool(expected)
    if isinstance(actual, int):
        if not isinstance(expected, (int, float, str)):
            raise ComparisonRefused(f"Cannot convert {type(expected)} to int")
        return actual == int(expected)
    if isinstance(actual, float):
        if not isinstance(expected, (int, float, str)):
            raise ComparisonRefused(f"Cannot convert {type(expected)} to float")
        return actual == float(expected)
    raise ComparisonRefused("Invalid actual value type: number or boolean")


def not_equals(actual: Value, expected: Value) -> bool:
    if actual is None:
        return False
    return not equals(actual, expected)


def _to_bool(expected: Value) -> bool:
    if isinstance(expected, (bool, int, float, str)):
        return bool(expected)
    raise ComparisonRefused(f"Cannot convert {type(expected)} to bool")


def _order(actual: Value, expected: Value) -> float | None:
    """Negative, zero or positive as `actual` is below, at or above `expected`; None for null."""
    if actual is None:
        return None
    if not isinstance(actual, (int, float)):
        raise ComparisonRefused("Invalid actual value type: number")
    limit = _to_number(expected)
    return (actual > limit) - (actual < limit)


def _to_number(expected: Value) -> int | float:
    if isinstance(expected, (int, float)):
        return expected
    if not isinstance(expected, str):
        raise ComparisonRefused(f"Cannot convert {type(expected)} to number")
    try:
        return float(expected)
    except ValueError:
        raise ComparisonRefused(f"Cannot convert '{expected}' to number") from None


def greater(actual: Value, expected: Value) -> bool:
    order = _order(actual, expected)
    return order is not None and order > 0


def less(actual: Value, expected: Value) -> bool:
    order = _order(actual, expected)
    return order is not None and order < 0


def at_least(actual: Value, expected: Value) -> bool:
    order = _order(actual, expected)
    return order is not None and order >= 0


def at_most(actual: Value, expected: Value) -> bool:
    order = _order(actual, expected)
    return order is not None and order <= 0


def is_in(actual: Value, expected: Value) -> bool:
    if not actual:
        return False
    if not isinstance(expected, list):
        raise ComparisonRefused("Invalid expected value type: array")
    return actual in expected


def not_in(actual: Value, expected: Value) -> bool:
    return not actual or not is_in(actual, expected)


def all_of(actual: Value, expected: Value) -> bool:
    if not isinstance(expected, list):
        raise ComparisonRefused("all of operator expects homogeneous list of strings or booleans")
    if not actual:
        return False
    if not isinstance(actual, (str, list)):
        return False
    return all(contains(actual, item) for item in expected)


def empty(actual: Value, _: Value) -> bool:
    return not actual


def not_empty(actual: Value, _: Value) -> bool:
    return bool(actual)


def null(actual: Value, _: Value) -> bool:
    return actual is None


def not_null(actual: Value, _: Value) -> bool:
    return actual is not None


def to_boolean(expected: Value) -> Value:
    """What a boolean variable is compared with: text is JSON that is a boolean or an integer."""
    if not isinstance(expected, str):
        return [to_boolean(item) for item in expected] if isinstance(expected, list) else expected
    try:
        parsed: Value = json.loads(expected)
    except ValueError as error:
        raise ComparisonRefused(str(error)) from None
    if not isinstance(parsed, int):
        raise ComparisonRefused(f"unexpected value: type={type(expected)}, value={expected}")
    return bool(parsed)


COMPARISONS: dict[str, Comparison] = {
    "contains": contains,
    "not contains": not_contains,
    "start with": starts_with,
    "end with": ends_with,
    "is": is_,
    "is not": is_not,
    "empty": empty,
    "not empty": not_empty,
    "in": is_in,
    "not in": not_in,
    "all of": all_of,
    "=": equals,
    "≠": not_equals,
    ">": greater,
    "<": less,
    "≥": at_least,
    "≤": at_most,
    "null": null,
    "not null": not_null,
    "exists": not_null,
    "not exists": null,
}
