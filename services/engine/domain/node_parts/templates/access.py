"""Attributes, elements and slices: of data only, never of Python objects."""

from typing import Any

from services.engine.domain.node_parts.templates.budget import Budget, TemplateFailed
from services.engine.domain.node_parts.templates.operators import guarded
from services.engine.domain.node_parts.templates.template_values import (
    LoopState,
    Namespace,
    TemplateValue,
    Undefined,
)


def attribute(value: TemplateValue, name: str) -> TemplateValue:
    """`value.name`. Raises TemplateFailed on something undefined."""
    if isinstance(value, Undefined):
        raise value.refuse()
    if isinstance(value, dict):
        return value[name] if name in value else _nothing(value, name)
    if isinstance(value, Namespace):
        return value.names[name] if name in value.names else _nothing(value, name)
    if isinstance(value, LoopState):
        return value.attribute(name)
    return _nothing(value, name)


def element(value: TemplateValue, key: TemplateValue) -> TemplateValue:
    """`value[key]`, undefined where there is none. Raises TemplateFailed on something undefined."""
    if isinstance(value, Undefined):
        raise value.refuse()
    if isinstance(value, dict):
        if not isinstance(key, (str, int, float, bool, type(None))):
            return _nothing(value, key)
        return value[key] if key in value else _nothing(value, key)
    if isinstance(value, (list, tuple, str)) and isinstance(key, int):
        if -len(value) <= key < len(value):
            return value[key]
        return _nothing(value, key)
    return attribute(value, key) if isinstance(key, str) else _nothing(value, key)


def part(
    budget: Budget,
    value: TemplateValue,
    start: TemplateValue,
    stop: TemplateValue,
    step: TemplateValue,
) -> TemplateValue:
    """`value[start:stop:step]`."""
    if isinstance(value, Undefined):
        raise value.refuse()
    if not isinstance(value, (list, tuple, str)):
        raise TemplateFailed(f"'{type(value).__name__}' object has no parts", "TypeError")
    budget.spend(len(value) // 16 + 1)
    return guarded(lambda: _sliced(value, start, stop, step))


def _sliced(value: Any, start: Any, stop: Any, step: Any) -> Any:
    # Python checks what bounds are; `guarded` turns its refusal into the template's.
    return value[start:stop:step]


def path(value: TemplateValue, dotted: TemplateValue) -> TemplateValue:
    """What filters mean by `attribute="a.b.0"`; a number is a position."""
    if isinstance(dotted, int):
        return element(value, dotted)
    if not isinstance(dotted, str):
        raise TemplateFailed("an attribute is named by text", "TypeError")
    for name in dotted.split("."):
        value = element(value, int(name) if name.isdigit() else name)
    return value


def _nothing(value: TemplateValue, key: TemplateValue) -> Undefined:
    return Undefined(f"'{type(value).__name__} object' has no attribute {key!r}, which")
