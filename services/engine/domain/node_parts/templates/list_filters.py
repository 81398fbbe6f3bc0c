"""Filters over lists and objects."""

from collections.abc import Callable
from functools import reduce
from typing import Any

from services.engine.domain.node_parts.templates.access import path
from services.engine.domain.node_parts.templates.budget import TemplateFailed
from services.engine.domain.node_parts.templates.operators import add, guarded
from services.engine.domain.node_parts.templates.template_values import (
    FilterFunction,
    OwnList,
    TemplateValue,
    TestFunction,
    Tools,
    Undefined,
    to_items,
    weigh,
)


def length(tools: Tools, value: TemplateValue) -> int:
    if isinstance(value, Undefined):
        return 0
    if isinstance(value, (str, list, tuple, dict)):
        return len(value)
    raise TemplateFailed(f"object of type '{type(value).__name__}' has no len()", "TypeError")


def first(tools: Tools, value: TemplateValue) -> TemplateValue:
    items = to_items(tools.budget, value)
    return items[0] if items else Undefined("No first item, sequence was empty. It")


def last(tools: Tools, value: TemplateValue) -> TemplateValue:
    items = to_items(tools.budget, value)
    return items[-1] if items else Undefined("No last item, sequence was empty. It")


def as_list(tools: Tools, value: TemplateValue) -> OwnList:
    return OwnList(to_items(tools.budget, value))


def reverse(tools: Tools, value: TemplateValue) -> TemplateValue:
    items = to_items(tools.budget, value)
    return value[::-1] if isinstance(value, str) else OwnList(items[::-1])


def items(tools: Tools, value: TemplateValue) -> OwnList:
    if isinstance(value, Undefined):
        return OwnList()
    if not isinstance(value, dict):
        raise TemplateFailed("Can only get item pairs from a mapping.", "TypeError")
    tools.budget.spend(len(value))
    return OwnList(value.items())


def total(
    tools: Tools, value: TemplateValue, attribute: TemplateValue = None, start: TemplateValue = 0
) -> TemplateValue:
    found = [_read(item, attribute) for item in to_items(tools.budget, value)]
    return reduce(lambda left, right: add(tools.budget, left, right), found, start)


def sort(
    tools: Tools,
    value: TemplateValue,
    reverse: bool = False,
    case_sensitive: bool = False,
    attribute: TemplateValue = None,
) -> OwnList:
    found = to_items(tools.budget, value)
    weigh(tools.budget, found)
    key = _sort_keys(attribute, case_sensitive=case_sensitive)
    ordered = guarded(lambda: OwnList(sorted(found, key=key, reverse=bool(reverse))))
    return ordered if isinstance(ordered, OwnList) else OwnList()


def dictsort(
    tools: Tools,
    value: TemplateValue,
    case_sensitive: bool = False,
    by: str = "key",
    reverse: bool = False,
) -> OwnList:
    if not isinstance(value, dict) or by not in ("key", "value"):
        raise TemplateFailed("dictsort takes an object, by key or by value", "TypeError")
    return sort(tools, items(tools, value), reverse, case_sensitive, 0 if by == "key" else 1)


def unique(
    tools: Tools,
    value: TemplateValue,
    case_sensitive: bool = False,
    attribute: TemplateValue = None,
) -> OwnList:
    found = OwnList()
    seen: set[Any] = set()
    key = _sort_key(attribute, case_sensitive=case_sensitive)
    for item in to_items(tools.budget, value):
        mark = guarded(lambda item=item: key(item))
        known = guarded(lambda mark=mark: mark in seen)
        if not known:
            seen.add(mark)
            found.append(item)
    return found


def smallest(
    tools: Tools,
    value: TemplateValue,
    case_sensitive: bool = False,
    attribute: TemplateValue = None,
) -> TemplateValue:
    return _extreme(tools, value, min, _sort_key(attribute, case_sensitive=case_sensitive))


def largest(
    tools: Tools,
    value: TemplateValue,
    case_sensitive: bool = False,
    attribute: TemplateValue = None,
) -> TemplateValue:
    return _extreme(tools, value, max, _sort_key(attribute, case_sensitive=case_sensitive))


def _extreme(
    tools: Tools, value: TemplateValue, pick: Callable[..., Any], key: Callable[[Any], Any]
) -> TemplateValue:
    found = to_items(tools.budget, value)
    weigh(tools.budget, found)
    if not found:
        return Undefined("No aggregated item, sequence was empty. It")
    return guarded(lambda: pick(found, key=key))


def batch(
    tools: Tools, value: TemplateValue, linecount: int, fill_with: TemplateValue = None
) -> OwnList:
    found = to_items(tools.budget, value)
    if linecount < 1:
        raise TemplateFailed("batch takes a size of at least 1", "ValueError")
    rows = OwnList(OwnList(found[at : at + linecount]) for at in range(0, len(found), linecount))
    if fill_with is not None and rows:
        missing = -len(found) % linecount
        tools.budget.spend(missing)
        rows[-1] = OwnList([*found[len(found) - (linecount - missing) :], *([fill_with] * missing)])
    return rows


def slices(
    tools: Tools, value: TemplateValue, slices: int, fill_with: TemplateValue = None
) -> OwnList:
    found = to_items(tools.budget, value)
    if slices < 1:
        raise TemplateFailed("slice takes a count of at least 1", "ValueError")
    tools.budget.spend(slices)
    each, extra = divmod(len(found), slices)
    columns = OwnList()
    start = 0
    for number in range(slices):
        stop = start + each + (1 if number < extra else 0)
        column = OwnList(found[start:stop])
        if fill_with is not None and number >= extra:
            column.append(fill_with)
        columns.append(column)
        start = stop
    return columns


def mapped(
    tools: Tools,
    value: TemplateValue,
    *args: TemplateValue,
    attribute: TemplateValue = None,
    default: TemplateValue = None,
    **named: TemplateValue,
) -> OwnList:
    found = to_items(tools.budget, value) if value else []
    if attribute is not None:
        results = (path(item, attribute) for item in found)
        return OwnList(
            default if default is not None and isinstance(result, Undefined) else result
            for result in results
        )
    if not args:
        raise TemplateFailed("map requires a filter argument", "FilterArgumentError")
    name, *rest = args
    function = tools.filters.get(str(name))
    if function is None:
        raise TemplateFailed(f"No filter named {name!r}.", "TemplateRuntimeError")
    apply: FilterFunction = function
    return OwnList(guarded(lambda item=item: apply(tools, item, *rest, **named)) for item in found)


def chosen(
    tools: Tools,
    value: TemplateValue,
    wanted: bool,
    by_attribute: bool,
    args: tuple[TemplateValue, ...],
) -> OwnList:
    """What select, reject, selectattr and rejectattr share."""
    attribute: TemplateValue = None
    if by_attribute:
        if not args:
            raise TemplateFailed("Missing parameter for attribute name", "FilterArgumentError")
        attribute, *args_left = args
        args = tuple(args_left)
    test = tools.tests.get(str(args[0])) if args else None
    if args and test is None:
        raise TemplateFailed(f"No test named {args[0]!r}.", "TemplateRuntimeError")
    kept = OwnList()
    for item in to_items(tools.budget, value) if value else ():
        subject = path(item, attribute) if by_attribute else item
        holds = bool(subject) if test is None else _ask(tools, test, subject, args[1:])
        if holds == wanted:
            kept.append(item)
    return kept


def _ask(
    tools: Tools, test: TestFunction, subject: TemplateValue, args: tuple[TemplateValue, ...]
) -> bool:
    return bool(guarded(lambda: test(tools, subject, *args)))


def select(tools: Tools, value: TemplateValue, *args: TemplateValue) -> OwnList:
    return chosen(tools, value, True, False, args)


def reject(tools: Tools, value: TemplateValue, *args: TemplateValue) -> OwnList:
    return chosen(tools, value, False, False, args)


def selectattr(tools: Tools, value: TemplateValue, *args: TemplateValue) -> OwnList:
    return chosen(tools, value, True, True, args)


def rejectattr(tools: Tools, value: TemplateValue, *args: TemplateValue) -> OwnList:
    return chosen(tools, value, False, True, args)


def default(
    tools: Tools, value: TemplateValue, default_value: TemplateValue = "", boolean: bool = False
) -> TemplateValue:
    if isinstance(value, Undefined) or (boolean and not value):
        return default_value
    return value


def _read(item: TemplateValue, attribute: TemplateValue) -> TemplateValue:
    return item if attribute is None else path(item, attribute)


def _sort_keys(
    attribute: TemplateValue, *, case_sensitive: bool
) -> Callable[[TemplateValue], list[Any]]:
    """Several attributes are separated by commas; what is equal keeps its order."""
    names = attribute.split(",") if isinstance(attribute, str) else [attribute]
    keys = [_sort_key(name, case_sensitive=case_sensitive) for name in names]
    return lambda item: [key(item) for key in keys]


def _sort_key(attribute: TemplateValue, *, case_sensitive: bool) -> Callable[[TemplateValue], Any]:
    """Text is compared without regard to case unless asked."""

    def fold(item: TemplateValue) -> TemplateValue:
        value = _read(item, attribute)
        return value.lower() if isinstance(value, str) and not case_sensitive else value

    return fold
