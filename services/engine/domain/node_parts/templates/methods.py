"""The methods and functions that templates may call: the harmless ones of text, lists, objects."""

from collections.abc import Callable, Mapping

from services.engine.domain.node_parts.templates import list_filters, text_filters
from services.engine.domain.node_parts.templates.budget import TemplateFailed
from services.engine.domain.node_parts.templates.template_values import (
    LoopState,
    Namespace,
    OwnList,
    TemplateValue,
    Tools,
    Undefined,
    to_text,
    weigh,
)

Method = Callable[..., TemplateValue]
"""`(tools, value, *arguments)`."""

MAX_RANGE = 100_000
_COST_OF_PIECES = 9
"""A list of one-letter pieces takes that much more memory than their text."""


def _text_method(name: str) -> Method:
    # The names below are the only ones that ever come here; each is a pure method of str.
    function: Callable[..., TemplateValue] = getattr(str, name)

    def call(tools: Tools, value: TemplateValue, *args: TemplateValue) -> TemplateValue:
        tools.budget.produce(len(str(value)) * (_COST_OF_PIECES if "split" in name else 1))
        result = function(value, *args)
        return OwnList(result) if isinstance(result, (list, tuple)) else result

    return call


def _replace(
    tools: Tools, value: TemplateValue, old: str, new: str, count: int = -1
) -> TemplateValue:
    return text_filters.replace(tools, value, old, new, count)


def _join(tools: Tools, value: TemplateValue, items: TemplateValue) -> TemplateValue:
    return text_filters.join(tools, items, to_text(tools.budget, value))


TEXT_METHODS: Mapping[str, Method] = {
    **{
        name: _text_method(name)
        for name in (
            "capitalize",
            "count",
            "endswith",
            "find",
            "isalnum",
            "isalpha",
            "isdigit",
            "islower",
            "isnumeric",
            "isspace",
            "isupper",
            "lower",
            "lstrip",
            "removeprefix",
            "removesuffix",
            "rfind",
            "rsplit",
            "rstrip",
            "split",
            "splitlines",
            "startswith",
            "strip",
            "swapcase",
            "title",
            "upper",
        )
    },
    "format": text_filters.filled,
    "join": _join,
    "replace": _replace,
}


def _get(
    tools: Tools, value: TemplateValue, key: TemplateValue, default: TemplateValue = None
) -> TemplateValue:
    if not isinstance(value, dict) or not isinstance(key, (str, int, float, type(None))):
        raise TemplateFailed("get takes a key", "TypeError")
    return value.get(key, default)


def _keys(tools: Tools, value: TemplateValue) -> TemplateValue:
    return list_filters.as_list(tools, value)


def _values(tools: Tools, value: TemplateValue) -> TemplateValue:
    return OwnList(pair[1] for pair in list_filters.items(tools, value) if isinstance(pair, tuple))


OBJECT_METHODS: Mapping[str, Method] = {
    "get": _get,
    "items": list_filters.items,
    "keys": _keys,
    "values": _values,
}


def _append(tools: Tools, value: TemplateValue, item: TemplateValue) -> TemplateValue:
    if not isinstance(value, OwnList):
        raise TemplateFailed("only a list made in the template can be appended to", "SecurityError")
    value.append(item)
    return None


def _extend(tools: Tools, value: TemplateValue, items: TemplateValue) -> TemplateValue:
    if not isinstance(value, OwnList):
        raise TemplateFailed("only a list made in the template can be extended", "SecurityError")
    value.extend(list_filters.as_list(tools, items))
    return None


def _index(tools: Tools, value: TemplateValue, item: TemplateValue) -> TemplateValue:
    weigh(tools.budget, value)
    if not isinstance(value, (list, tuple)):
        raise TemplateFailed("index takes a list", "TypeError")
    return value.index(item)


def _count(tools: Tools, value: TemplateValue, item: TemplateValue) -> TemplateValue:
    weigh(tools.budget, value)
    return value.count(item) if isinstance(value, (list, tuple)) else 0


LIST_METHODS: Mapping[str, Method] = {
    "append": _append,
    "count": _count,
    "extend": _extend,
    "index": _index,
}


def _cycle(tools: Tools, value: TemplateValue, *args: TemplateValue) -> TemplateValue:
    if not isinstance(value, LoopState) or not args:
        raise TemplateFailed("no items for cycling given", "TypeError")
    return args[value.index0 % len(args)]


LOOP_METHODS: Mapping[str, Method] = {"cycle": _cycle}
METHOD_NAMES = frozenset({*TEXT_METHODS, *OBJECT_METHODS, *LIST_METHODS, *LOOP_METHODS})


def find_method(value: TemplateValue, name: str) -> Method:
    """Raises TemplateFailed for a value without such a method."""
    found: Method | None = None
    if isinstance(value, Undefined):
        raise value.refuse()
    if isinstance(value, str):
        found = TEXT_METHODS.get(name)
    elif isinstance(value, dict):
        found = OBJECT_METHODS.get(name)
    elif isinstance(value, (list, tuple)):
        found = LIST_METHODS.get(name)
    elif isinstance(value, LoopState):
        found = LOOP_METHODS.get(name)
    if found is None:
        raise TemplateFailed(
            f"'{type(value).__name__} object' has no attribute '{name}'", "UndefinedError"
        )
    return found


def _range(tools: Tools, *bounds: int) -> TemplateValue:
    numbers = range(*bounds)
    if len(numbers) > MAX_RANGE:
        raise TemplateFailed(
            f"Range too big. The sandbox blocks ranges larger than {MAX_RANGE}.", "OverflowError"
        )
    tools.budget.spend(len(numbers))
    return OwnList(numbers)


def _dict(tools: Tools, **named: TemplateValue) -> TemplateValue:
    return {**named}


def _namespace(tools: Tools, **named: TemplateValue) -> TemplateValue:
    return Namespace(dict(named))


FUNCTIONS: Mapping[str, Method] = {"dict": _dict, "namespace": _namespace, "range": _range}
