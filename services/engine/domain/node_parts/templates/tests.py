"""What `is` may ask. Names and meanings are Jinja2's."""

from collections.abc import Callable, Mapping

from services.engine.domain.node_parts.templates.operators import COMPARISONS, guarded, modulo
from services.engine.domain.node_parts.templates.template_values import (
    Escaped,
    TemplateValue,
    TestFunction,
    Tools,
    Undefined,
    to_text,
)


def _compare(name: str) -> TestFunction:
    comparison = COMPARISONS[name]

    def test(tools: Tools, value: TemplateValue, other: TemplateValue) -> bool:
        return comparison(tools.budget, value, other)

    return test


def _rest(tools: Tools, value: TemplateValue, divisor: TemplateValue) -> TemplateValue:
    return modulo(tools.budget, value, divisor)


def _divisible(tools: Tools, value: TemplateValue, num: TemplateValue) -> bool:
    return _rest(tools, value, num) == 0


def _same(tools: Tools, value: TemplateValue, other: TemplateValue) -> bool:
    return bool(guarded(lambda: value is other))


def _even(tools: Tools, value: TemplateValue) -> bool:
    return _rest(tools, value, 2) == 0


def _odd(tools: Tools, value: TemplateValue) -> bool:
    return _rest(tools, value, 2) == 1


def _lower(tools: Tools, value: TemplateValue) -> bool:
    return to_text(tools.budget, value).islower()


def _upper(tools: Tools, value: TemplateValue) -> bool:
    return to_text(tools.budget, value).isupper()


def _plain(check: Callable[[TemplateValue], bool]) -> TestFunction:
    def test(tools: Tools, value: TemplateValue) -> bool:
        return check(value)

    return test


_CHECKS: dict[str, Callable[[TemplateValue], bool]] = {
    "boolean": lambda value: isinstance(value, bool),
    "defined": lambda value: not isinstance(value, Undefined),
    "escaped": lambda value: isinstance(value, Escaped),
    "false": lambda value: value is False,
    "float": lambda value: isinstance(value, float),
    "integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "iterable": lambda value: isinstance(value, (str, list, tuple, dict, Undefined)),
    "mapping": lambda value: isinstance(value, dict),
    "none": lambda value: value is None,
    "number": lambda value: isinstance(value, (int, float)),
    "sequence": lambda value: isinstance(value, (str, list, tuple, dict, Undefined)),
    "string": lambda value: isinstance(value, str),
    "true": lambda value: value is True,
    "undefined": lambda value: isinstance(value, Undefined),
}

TESTS: Mapping[str, TestFunction] = {
    **{name: _plain(check) for name, check in _CHECKS.items()},
    "divisibleby": _divisible,
    "eq": _compare("eq"),
    "equalto": _compare("eq"),
    "==": _compare("eq"),
    "ge": _compare("gteq"),
    ">=": _compare("gteq"),
    "gt": _compare("gt"),
    "greaterthan": _compare("gt"),
    ">": _compare("gt"),
    "in": _compare("in"),
    "le": _compare("lteq"),
    "<=": _compare("lteq"),
    "lt": _compare("lt"),
    "lessthan": _compare("lt"),
    "<": _compare("lt"),
    "ne": _compare("ne"),
    "!=": _compare("ne"),
    "sameas": _same,
    "even": _even,
    "lower": _lower,
    "upper": _upper,
    "odd": _odd,
}
