"""Filters that make numbers."""

import math
from typing import Literal

from services.engine.domain.node_parts.templates.budget import TemplateFailed
from services.engine.domain.node_parts.templates.operators import guarded
from services.engine.domain.node_parts.templates.template_values import (
    TemplateValue,
    Tools,
    Undefined,
)

_LONGEST_NUMBER = 1000


def absolute(tools: Tools, value: TemplateValue) -> TemplateValue:
    if isinstance(value, (int, float)):
        return abs(value)
    raise _refusal(value, "abs")


def to_int(
    tools: Tools, value: TemplateValue, default: TemplateValue = 0, base: int = 10
) -> TemplateValue:
    if isinstance(value, Undefined):
        raise value.refuse()
    if isinstance(value, str):
        if len(value) > _LONGEST_NUMBER:
            return default
        try:
            return int(value, base)
        except ValueError:
            pass
    if not isinstance(value, (str, int, float)):
        return default
    try:
        return int(value) if isinstance(value, (int, float)) else int(float(value))
    except (ValueError, OverflowError):
        return default


def to_float(tools: Tools, value: TemplateValue, default: TemplateValue = 0.0) -> TemplateValue:
    if isinstance(value, Undefined):
        raise value.refuse()
    if not isinstance(value, (str, int, float)):
        return default
    try:
        return float(value)
    except (ValueError, OverflowError):
        return default


def rounded(
    tools: Tools,
    value: TemplateValue,
    precision: int = 0,
    method: Literal["common", "ceil", "floor"] = "common",
) -> TemplateValue:
    if method not in ("common", "ceil", "floor"):
        raise TemplateFailed("method must be common, ceil or floor", "FilterArgumentError")
    if not isinstance(value, (int, float)):
        raise _refusal(value, "round")
    if abs(precision) > _LONGEST_NUMBER:
        raise TemplateFailed("the precision is too high", "FilterArgumentError")
    if method == "common":
        return guarded(lambda: round(value, precision))
    towards = math.ceil if method == "ceil" else math.floor
    return guarded(lambda: towards(value * (10**precision)) / (10**precision))


def _refusal(value: TemplateValue, name: str) -> TemplateFailed:
    if isinstance(value, Undefined):
        return value.refuse()
    return TemplateFailed(f"bad operand type for {name}: '{type(value).__name__}'", "TypeError")
